#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

fn names(filters: &[&str]) -> Vec<&'static str> {
    let filters: Vec<String> = filters.iter().map(|f| (*f).to_owned()).collect();
    plan(steps(), &filters).unwrap().steps.iter().map(|step| step.name).collect()
}

fn place() -> Place {
    Place { root: std::env::temp_dir(), cache: "/cache".into(), target: "/cache/target".into() }
}

#[test]
fn without_a_filter_every_step_runs() {
    assert_eq!(names(&[]).len(), steps().len());
}

#[test]
fn what_a_step_needs_stands_before_it() {
    let all = steps();
    for (at, step) in all.iter().enumerate() {
        for need in step.needs.iter().chain(step.uses) {
            let place = all.iter().position(|other| other.name == *need);
            assert!(place.is_some_and(|p| p < at), "{} needs {need}", step.name);
        }
    }
}

#[test]
fn a_named_step_brings_what_it_needs() {
    assert_eq!(names(&["fmt"]), ["fmt"]);
    assert_eq!(names(&["forge"]), ["npm", "forge"]);
    assert_eq!(names(&["tests"]), ["wasm", "npm", "swtpm", "build", "tests"]);
}

#[test]
fn other_words_choose_tests() {
    let plan = plan(steps(), &["fmt".to_owned(), "sealed_bid".to_owned()]).unwrap();
    assert_eq!(plan.tests, ["sealed_bid"]);
    let names: Vec<&str> = plan.steps.iter().map(|step| step.name).collect();
    assert_eq!(names, ["wasm", "npm", "swtpm", "fmt", "build", "tests"]);
}

#[test]
fn an_option_is_no_filter() {
    assert!(plan(steps(), &["--fast".to_owned()]).unwrap_err().contains("--fast"));
}

#[test]
fn a_step_without_its_need_is_not_run_and_not_counted() {
    let failed = Fate::Failed { tail: vec![], again: vec![] };
    let npm = Done { name: "npm", took: Duration::ZERO, tally: Tally::default(), fate: failed };
    let step = steps().into_iter().find(|step| step.name == "forge").unwrap();
    let done = perform(&place(), &step, &[], &[npm]);
    assert_eq!(done.fate, Fate::Skipped("it needs npm".to_owned()));
    assert_eq!(done.tally, Tally::default());
}

#[test]
fn jobs_are_all_run_and_failures_say_how_to_repeat_them() {
    let sh = |script: &str| Job::tool("sh", &place().root, ["-c", script]);
    let mut tally = Tally::default();
    let jobs = [
        sh("echo 'test result: FAILED. 2 passed; 1 failed;'; exit 1"),
        sh("echo 'test result: ok. 3 passed; 0 failed;'"),
    ];
    let Fate::Failed { tail, again } = run_jobs(&place(), &jobs, &mut tally) else {
        panic!("a job failed");
    };
    assert_eq!(tally, Tally { passed: 5, failed: 1 });
    assert_eq!(tail.len(), 1);
    assert_eq!(again.len(), 1);
    assert!(again[0].starts_with("sh -c "));
}

#[test]
fn a_step_with_nothing_to_do_has_not_passed() {
    assert!(matches!(run_jobs(&place(), &[], &mut Tally::default()), Fate::Skipped(_)));
}

#[test]
fn a_step_counts_once_when_it_counts_nothing_itself() {
    let fail = || Fate::Failed { tail: vec![], again: vec![] };
    let counted = |mut tally: Tally, fate: &Fate| {
        count_the_step(&mut tally, fate);
        (tally.passed, tally.failed)
    };
    assert_eq!(counted(Tally::default(), &Fate::Passed(String::new())), (1, 0));
    assert_eq!(counted(Tally { passed: 7, failed: 0 }, &Fate::Passed(String::new())), (7, 0));
    assert_eq!(counted(Tally::default(), &fail()), (0, 1));
    assert_eq!(counted(Tally { passed: 7, failed: 0 }, &fail()), (7, 1));
    assert_eq!(counted(Tally { passed: 7, failed: 2 }, &fail()), (7, 2));
    assert_eq!(counted(Tally::default(), &Fate::Skipped(String::new())), (0, 0));
}

#[test]
fn being_offline_is_said() {
    let offline = vec!["error: failed to download `borsh v1.8.1`".to_owned()];
    assert!(network_hint(&offline).unwrap().contains("network"));
    assert_eq!(network_hint(&["error: mismatched types".to_owned()]), None);
}
