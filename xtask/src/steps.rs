//! `cargo xtask test`: every check, one after another, with its time.
//!
//! A step that fails does not stop the others, unless they need what it fetches. At the end stand
//! a table of times, for each failure its last lines and the command that repeats it, and one
//! line `N passed, N failed`: tests where the step is a test runner, else one for the step.
//! Not here: what the checks mean; that is said where they live.

mod list;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use self::list::{Step, Work, steps};
use crate::place::Place;
use crate::shell::{Job, say};
use crate::tally::Tally;
use crate::tools;

/// Runs the steps that the filters name, or all.
pub(crate) fn run(place: &Place, filters: &[String]) -> Result<ExitCode, String> {
    tools::require(&[tools::CC])?;
    let plan = plan(steps(), filters)?;
    let mut done: Vec<Done> = Vec::new();
    for (number, step) in plan.steps.iter().enumerate() {
        say(&format!("[{}/{}] {}: {}", number + 1, plan.steps.len(), step.name, step.about));
        let one = perform(place, step, &plan.tests, &done);
        say(&format!("      {} {} ({})", one.name, one.fate.word(), seconds(one.took)));
        done.push(one);
    }
    Ok(close(&done))
}

/// The steps of `test`, one a line.
pub(crate) fn list(place: &Place) -> String {
    let line = |step: &Step| format!("  {:<10}{}\n", step.name, step.about);
    let mut text: String = steps().iter().map(line).collect();
    text.push_str(&format!("\nBuild output goes to {}.\n", place.target.display()));
    text
}

/// What will be done: the steps in their order, and names of tests to choose among the workspace's.
#[derive(Debug)]
struct Plan {
    steps: Vec<Step>,
    tests: Vec<String>,
}

fn plan(all: Vec<Step>, filters: &[String]) -> Result<Plan, String> {
    let is_step = |word: &&String| all.iter().any(|step| step.name == word.as_str());
    let (named, tests): (Vec<&String>, Vec<&String>) = filters.iter().partition(is_step);
    if let Some(option) = tests.iter().find(|word| word.starts_with('-')) {
        return Err(format!("{option:?} is no filter; see: cargo xtask help"));
    }
    let mut wanted: Vec<&str> = named.iter().map(|word| word.as_str()).collect();
    if !tests.is_empty() {
        wanted.push("tests");
    }
    if filters.is_empty() {
        wanted = all.iter().map(|step| step.name).collect();
    }
    // A step comes after what it needs, so one pass from the end finds everything.
    for step in all.iter().rev() {
        if wanted.contains(&step.name) {
            wanted.extend(step.needs.iter().chain(step.uses));
        }
    }
    let wanted: Vec<String> = wanted.into_iter().map(str::to_owned).collect();
    let tests = tests.into_iter().cloned().collect();
    let steps = all.into_iter().filter(|step| wanted.iter().any(|w| w == step.name)).collect();
    Ok(Plan { steps, tests })
}

/// A step that is over.
#[derive(Debug)]
struct Done {
    name: &'static str,
    took: Duration,
    tally: Tally,
    fate: Fate,
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Passed(String),
    Skipped(String),
    Failed { tail: Vec<String>, again: Vec<String> },
}

impl Fate {
    fn word(&self) -> String {
        match self {
            Self::Passed(note) if note.is_empty() => "ok".to_owned(),
            Self::Passed(note) => format!("ok: {note}"),
            Self::Skipped(why) => format!("not run: {why}"),
            Self::Failed { .. } => "FAILED".to_owned(),
        }
    }
}

fn perform(place: &Place, step: &Step, tests: &[String], done: &[Done]) -> Done {
    let started = Instant::now();
    let lost =
        |name: &&&str| done.iter().any(|d| d.name == **name && !matches!(d.fate, Fate::Passed(_)));
    let mut tally = Tally::default();
    let fate = if let Some(need) = step.needs.iter().find(lost) {
        Fate::Skipped(format!("it needs {need}"))
    } else {
        match step.work {
            Work::Own(own) => own_fate(step, own(place)),
            Work::Optional(tool, jobs) => match tool.look() {
                Ok(_) => run_jobs(place, &jobs(place), &mut tally),
                Err(why) => Fate::Skipped(why),
            },
            Work::Jobs(jobs) => run_jobs(place, &jobs(place), &mut tally),
            Work::Tests(job) => run_jobs(place, &[job(place).args(tests)], &mut tally),
        }
    };
    count_the_step(&mut tally, &fate);
    Done { name: step.name, took: started.elapsed(), tally, fate }
}

fn own_fate(step: &Step, answer: Result<String, String>) -> Fate {
    match answer {
        Ok(note) => Fate::Passed(note),
        Err(why) => Fate::Failed {
            tail: why.lines().map(str::to_owned).collect(),
            again: vec![format!("cargo xtask test {}", step.name)],
        },
    }
}

fn run_jobs(place: &Place, jobs: &[Job], tally: &mut Tally) -> Fate {
    if jobs.is_empty() {
        return Fate::Skipped("there is nothing of it in this clone".to_owned());
    }
    let mut tail = Vec::new();
    let mut again = Vec::new();
    for job in jobs {
        let watched = job.watch(|line| {
            println!("{line}");
            tally.read(line);
        });
        match watched {
            Ok(watched) if watched.ok => {}
            Ok(watched) => {
                tail.extend(watched.tail);
                again.push(job.line(place));
            }
            Err(why) => {
                tail.push(why);
                again.push(job.line(place));
            }
        }
    }
    if again.is_empty() {
        return Fate::Passed(String::new());
    }
    tail.extend(network_hint(&tail));
    Fate::Failed { tail, again }
}

/// A step that is no test runner counts as one; a runner that failed without naming a failed test
/// (it did not build, it was killed) as one failed.
fn count_the_step(tally: &mut Tally, fate: &Fate) {
    match fate {
        Fate::Passed(_) if tally.is_empty() => tally.passed = 1,
        Fate::Failed { .. } if tally.failed == 0 => tally.failed = 1,
        _ => {}
    }
}

/// Cargo's ways to say that it is offline.
fn network_hint(tail: &[String]) -> Option<String> {
    const SIGNS: [&str; 5] = [
        "Could not resolve host",
        "failed to download",
        "spurious network error",
        "Unable to update registry",
        "failed to get `",
    ];
    tail.iter().any(|line| SIGNS.iter().any(|sign| line.contains(sign))).then(|| {
        "hint: cargo fetches crates over the network, once; connect and run the same command again"
            .to_owned()
    })
}

/// Prints the end, and says how it went.
fn close(done: &[Done]) -> ExitCode {
    let mut sum = Tally::default();
    say("");
    for one in done {
        sum.add(one.tally);
        say(&format!("  {:<10}{:>10}  {}", one.name, seconds(one.took), one.fate.word()));
    }
    let total: Duration = done.iter().map(|one| one.took).sum();
    say(&format!("  {:<10}{:>10}", "together", seconds(total)));
    for one in done {
        if let Fate::Failed { tail, again } = &one.fate {
            say(&format!("\n{} failed. Its last lines:", one.name));
            tail.iter().for_each(|line| say(&format!("  | {line}")));
            again.iter().for_each(|line| say(&format!("  to repeat: {line}")));
        }
    }
    say("");
    println!("{} passed, {} failed", sum.passed, sum.failed);
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

#[cfg(test)]
mod tests;
