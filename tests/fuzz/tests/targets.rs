//! Every target for its time, from a fixed seed: 20 s where `CI=true`, else 1 s, or as many as
//! `SOTTO_FUZZ_SECONDS` says. `SOTTO_FUZZ_SEED` gives another seed. A finding prints the target,
//! the seed, the execution and the input.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use fuzz_bodies::{Reached, TARGETS, Target, captures, drive, kept};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The seed of every run, unless the environment names another.
const SEED: u64 = 0x5077_0e0d;

macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            run(stringify!($name));
        })*

        /// The names above.
        const TESTED: &[&str] = &[$(stringify!($name)),*];
    };
}

tests!(
    wire,
    entry,
    text,
    hosts,
    gateway,
    keys,
    signature,
    envelope,
    session,
    share,
    evidence,
    receipt,
    proof,
    block,
    actions,
    worker,
    direct,
    journal,
    answers,
    request_event,
    revert_reason,
    component,
    words,
    intel_quote,
    snp_report,
    nitro_document,
    cca_token,
    spdm_report,
    tpm_quote,
    pcr_values,
    event_log,
    azure_bundle,
    image,
    policy,
    certificate,
);

fn run(name: &str) {
    let target = target(name);
    let seed = number("SOTTO_FUZZ_SEED").unwrap_or(SEED);
    match drive(target, kept(name), seed, time()) {
        Ok(report) => {
            println!("{report}");
            assert!(report.executions > report.corpus as u64, "no time for a mutation: {report}");
        }
        Err(finding) => panic!("{finding:?}"),
    }
}

fn target(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).expect("a target has this name")
}

fn time() -> Duration {
    let usual = if std::env::var("CI").is_ok_and(|ci| ci == "true") { 20 } else { 1 };
    Duration::from_secs(number("SOTTO_FUZZ_SECONDS").unwrap_or(usual))
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// Targets whose genuine inputs are captures, which are not part of the repository.
const CAPTURED: &[&str] = &[
    "intel_quote",
    "snp_report",
    "nitro_document",
    "cca_token",
    "spdm_report",
    "tpm_quote",
    "event_log",
    "azure_bundle",
    "image",
];

/// A target that refuses all of its genuine inputs would be tested at its doorstep only; one that
/// takes everything would check nothing.
#[test]
fn every_target_takes_some_seed_and_refuses_some_bytes() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        let taken = seeds.iter().filter(|seed| (target.body)(seed) == Reached::Taken);
        let captured = CAPTURED.contains(&target.name) && captures().is_none();
        assert!(captured || taken.count() > 0, "{} takes none of its seeds", target.name);
        let refused = [&[][..], &[0xff; 3]].iter().all(|b| (target.body)(b) == Reached::Refused);
        // No text at all is a policy too: the base.
        let text_of_anything = ["revert_reason", "policy"].contains(&target.name);
        assert!(refused || text_of_anything, "{} takes anything", target.name);
    }
}

#[test]
fn every_target_is_tested_here_and_under_libfuzzer() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(targets.len(), TARGETS.len(), "two targets have one name");
    assert_eq!(TESTED.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), targets);
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let names = manifest.lines().filter_map(|line| line.strip_prefix("path = \"fuzz_targets/"));
    let names = names.filter_map(|line| line.strip_suffix(".rs\"")).map(str::to_owned);
    assert_eq!(names.collect::<BTreeSet<_>>(), targets, "the bins of fuzz/Cargo.toml");
    for name in &targets {
        let file: PathBuf = fuzz.join("fuzz_targets").join(format!("{name}.rs"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(&format!("fuzz_bodies::{name}(data)")), "{name}.rs feeds another");
    }
}

#[test]
fn kept_inputs_belong_to_targets() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for folder in std::fs::read_dir(corpus).into_iter().flatten() {
        let folder = folder.unwrap();
        if folder.file_type().unwrap().is_dir() {
            let name = folder.file_name().into_string().unwrap();
            assert!(TARGETS.iter().any(|target| target.name == name), "no target {name}");
        }
    }
}
