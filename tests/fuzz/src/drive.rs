//! The loop that feeds a target: first what is known, then mutations of it, from a seed, for a
//! time. The seed and the number of an execution repeat its input. Not here: feedback.

use crate::{Chance, Reached, Target, mutate};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The longest input, however long the corpus is.
const INPUT_MAX: usize = 1 << 20;
/// The longest that one input may take, on a machine that does ten other things: a decoder that
/// can be held up is as bad as one that falls over.
const SLOW: Duration = Duration::from_secs(30);
/// Names a file that holds each input before it is run, for what ends the whole process.
const LAST: &str = "SOTTO_FUZZ_LAST";

/// What a target was fed without a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The target.
    pub name: &'static str,
    /// The seed of the mutations.
    pub seed: u64,
    /// Inputs it was fed.
    pub executions: u64,
    /// How many of them it took for what they say they are.
    pub taken: u64,
    /// Inputs that were there before any mutation.
    pub corpus: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, seed, executions, taken, corpus } = self;
        write!(f, "{name}: {executions} executions, {taken} taken, corpus {corpus}, seed {seed}")
    }
}

/// An input under which a target breaks.
#[derive(Clone, PartialEq, Eq)]
pub struct Finding {
    /// The target.
    pub name: &'static str,
    /// The seed of the mutations.
    pub seed: u64,
    /// Which execution, from 1.
    pub execution: u64,
    /// The input.
    pub input: Vec<u8>,
    /// What broke.
    pub what: String,
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, seed, execution, input, what } = self;
        writeln!(f, "target {name}, seed {seed}, execution {execution}: {what}")?;
        write!(f, "input of {} bytes: {}", input.len(), hex::encode(input))
    }
}

/// Feeds a target its seeds, the inputs in `kept`, and mutations of both for `time`.
///
/// # Errors
/// The first [`Finding`].
pub fn drive(
    target: &Target,
    kept: Vec<Vec<u8>>,
    seed: u64,
    time: Duration,
) -> Result<Report, Box<Finding>> {
    let mut corpus = (target.seeds)();
    corpus.extend(kept);
    assert!(!corpus.is_empty(), "{} has no corpus", target.name);
    let longest = corpus.iter().map(Vec::len).max().unwrap_or_default();
    let max = (2 * longest).clamp(4096, INPUT_MAX);
    let mut chance = Chance::new(seed);
    let (name, count) = (target.name, corpus.len());
    let mut report = Report { name, seed, executions: 0, taken: 0, corpus: count };
    for input in &corpus {
        feed(target, &mut report, input)?;
    }
    let until = Instant::now() + time;
    while Instant::now() < until {
        let input = mutate(&mut chance, &corpus, max);
        feed(target, &mut report, &input)?;
    }
    Ok(report)
}

fn feed(target: &Target, report: &mut Report, input: &[u8]) -> Result<(), Box<Finding>> {
    if let Some(file) = std::env::var_os(LAST) {
        std::fs::write(file, input).expect("the file for the last input can be written");
    }
    report.executions += 1;
    let Report { name, seed, executions: execution, .. } = *report;
    let found = |what| Box::new(Finding { name, seed, execution, input: input.to_vec(), what });
    let begun = Instant::now();
    let reached = catch_unwind(AssertUnwindSafe(|| (target.body)(input)));
    let took = begun.elapsed();
    match reached {
        Err(panic) => Err(found(message(&*panic))),
        Ok(_) if took > SLOW => Err(found(format!("took {took:?}"))),
        Ok(Reached::Taken) => {
            report.taken += 1;
            Ok(())
        }
        Ok(Reached::Refused) => Ok(()),
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
}

/// Inputs that were found once and are fed first ever since: the files of `corpus/<target>/`.
///
/// # Panics
/// If a file there cannot be read.
pub fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}
