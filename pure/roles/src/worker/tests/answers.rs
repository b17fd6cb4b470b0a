//! Answers and failures, once for each assignment, and again where they were lost.

use crate::worker::{Input, Run, Worker};
use crate::world::*;
use sotto_ledger::Event;
use sotto_ledger::state::Progress;
use sotto_types::{Action, Ask, Attempt, Fuel, SignedAction, limits};

/// A request up to its run.
fn run(world: &mut World, worker: &mut Worker) -> (Ask, Run) {
    let number = world.ask(vec![]).number;
    let bid = world.bid(number, "alice", b"70");
    let ask = world.ask(vec![bid]);
    world.assigned(&ask);
    let run = world.show(worker).runs.pop().unwrap();
    (ask, run)
}

fn done(world: &mut World, submitted: &[SignedAction]) {
    let events = world.block();
    for action in submitted {
        assert!(events.contains(&Event::Done { action: action.id() }), "{events:?}");
    }
}

fn kinds(submitted: &[SignedAction]) -> Vec<&'static str> {
    let kind = |signed: &SignedAction| match signed.action {
        Action::Attest { .. } => "attest",
        Action::ResultKey { .. } => "key",
        Action::Answer { .. } => "answer",
        Action::Fail { .. } => "fail",
        _ => "other",
    };
    submitted.iter().map(kind).collect()
}

/// The reason with which a run's outcome fails, as the ledger keeps it.
fn failure(outcome: Result<Vec<u8>, String>) -> String {
    let (mut world, mut worker) = World::ready();
    let (ask, run) = run(&mut world, &mut worker);
    let seen = world.ran(&mut worker, &run, outcome);
    assert_eq!(kinds(&seen.submitted), ["fail"]);
    done(&mut world, &seen.submitted);
    match world.progress(&ask) {
        Progress::Failed(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_result_that_is_too_long_fails_with_its_length() {
    let reason = failure(Ok(vec![1; limits::RESULT_MAX + 1]));
    assert_eq!(reason, "a result of 4097 bytes where 4096 fit a chain");
}

#[test]
fn the_longest_result_and_the_empty_one_are_answers() {
    for length in [limits::RESULT_MAX, 0] {
        let (mut world, mut worker) = World::ready();
        let (ask, run) = run(&mut world, &mut worker);
        let seen = world.ran(&mut worker, &run, Ok(vec![1; length]));
        done(&mut world, &seen.submitted);
        assert!(matches!(world.progress(&ask), Progress::Answered { .. }));
    }
}

#[test]
fn an_apps_reason_is_kept_up_to_a_whole_character() {
    assert_eq!(failure(Err("no bids".into())), "no bids");
    assert_eq!(failure(Err(String::new())), "");
    assert_eq!(failure(Err("x".repeat(1_000))), "x".repeat(256));
    assert_eq!(failure(Err("é".repeat(1_000))), "é".repeat(128));
    assert_eq!(failure(Err(format!("x{}", "é".repeat(1_000)))), format!("x{}", "é".repeat(127)));
    assert_eq!(failure(Err("🦀".repeat(1_000))), "🦀".repeat(64));
}

#[test]
fn a_result_key_is_announced_once_and_nonces_follow_each_other() {
    let (mut world, mut worker) = World::ready();
    let mut kinds_seen = Vec::new();
    let mut nonces = Vec::new();
    for _ in 0..3 {
        let (_, run) = run(&mut world, &mut worker);
        let seen = world.ran(&mut worker, &run, Ok(b"done".to_vec()));
        done(&mut world, &seen.submitted);
        kinds_seen.extend(kinds(&seen.submitted));
        nonces.extend(seen.submitted.iter().map(|action| action.nonce));
    }
    assert_eq!(kinds_seen, ["key", "answer", "answer", "answer"]);
    assert_eq!(nonces, [2, 3, 4, 5]);
}

#[test]
fn each_epoch_has_its_own_result_key_announced() {
    let (mut world, mut worker) = World::ready();
    let mut announced = Vec::new();
    for _ in 0..2 {
        let (_, run) = run(&mut world, &mut worker);
        let seen = world.ran(&mut worker, &run, Ok(b"done".to_vec()));
        done(&mut world, &seen.submitted);
        for action in seen.submitted {
            if let Action::ResultKey { app, epoch, key } = action.action {
                assert_eq!(app, world.app());
                announced.push((epoch.0, key));
            }
        }
        world.idle(EPOCH - 5);
        world.turn(&mut worker);
        world.block();
    }
    let [(first, one), (second, other)] = announced.try_into().unwrap();
    assert_eq!((first, second), (0, 1));
    assert_ne!(one, other);
}

#[test]
fn one_run_has_one_outcome() {
    let (mut world, mut worker) = World::ready();
    let (ask, run) = run(&mut world, &mut worker);
    for attempt in [0, 2, u32::MAX] {
        let outcome = Ok((b"other".to_vec(), Fuel(1)));
        let input = Input::Ran { request: id(&ask), attempt: Attempt(attempt), outcome };
        assert!(worker.step(input, world.now()).is_empty());
    }
    let seen = world.ran(&mut worker, &run, Ok(b"one".to_vec()));
    assert_eq!(kinds(&seen.submitted), ["key", "answer"]);
    assert!(world.ran(&mut worker, &run, Ok(b"another".to_vec())).submitted.is_empty());
    assert!(world.ran(&mut worker, &run, Err("another".into())).submitted.is_empty());
}

#[test]
fn a_second_assignment_of_a_request_is_a_new_job() {
    let (mut world, mut worker) = World::ready();
    let (ask, first) = run(&mut world, &mut worker);
    let assigned = |world: &World| match world.progress(&ask) {
        Progress::Assigned(assignment) => assignment,
        other => panic!("{other:?}"),
    };
    while assigned(&world).attempt == first.attempt {
        world.block();
    }
    let mut seen = world.show(&mut worker);
    let second = seen.runs.pop().unwrap();
    assert_eq!((second.request, second.attempt), (first.request, Attempt(2)));
    assert_eq!(second.call.time, assigned(&world).time);
    assert!(second.call.submissions[0].payload.is_some());
    // What was run for the first is not an answer to the second.
    assert!(world.ran(&mut worker, &first, Ok(b"first".to_vec())).submitted.is_empty());
    let seen = world.ran(&mut worker, &second, Ok(b"second".to_vec()));
    done(&mut world, &seen.submitted);
    assert!(matches!(world.progress(&ask), Progress::Answered { .. }));
}

/// Nothing reaches the ledger until the worker may see that it was lost; what it wants then.
fn until_it_runs_again(world: &mut World, worker: &mut Worker) -> Seen {
    world.is_losing = true;
    for _ in 0..10 {
        let seen = world.turn(worker);
        assert!(seen.runs.is_empty() && seen.submitted.is_empty());
    }
    world.is_losing = false;
    world.turn(worker)
}

/// What was lost may have been any of it: all is said again, under the same nonces.
fn is_given_again(outcome: &Result<Vec<u8>, String>, expected: &[&str]) -> Progress {
    let (mut world, mut worker) = World::ready();
    let (ask, first) = run(&mut world, &mut worker);
    world.is_losing = true;
    let lost = world.ran(&mut worker, &first, outcome.clone());
    assert_eq!(kinds(&lost.submitted), expected[1..]);
    assert_eq!(lost.submitted[0].nonce, 2);
    let mut seen = until_it_runs_again(&mut world, &mut worker);
    let again = seen.runs.pop().unwrap();
    assert_eq!((again.request, again.attempt), (first.request, first.attempt));
    let mut submitted = seen.submitted;
    submitted.extend(world.ran(&mut worker, &again, outcome.clone()).submitted);
    assert_eq!(kinds(&submitted), expected);
    let nonces: Vec<u64> = submitted.iter().map(|action| action.nonce).collect();
    assert_eq!(nonces, (2..).take(expected.len()).collect::<Vec<_>>());
    done(&mut world, &submitted);
    world.progress(&ask)
}

#[test]
fn a_lost_answer_is_given_again() {
    let progress = is_given_again(&Ok(b"done".to_vec()), &["attest", "key", "answer"]);
    assert!(matches!(progress, Progress::Answered { .. }));
}

#[test]
fn a_lost_failure_is_given_again() {
    let progress = is_given_again(&Err("trap".into()), &["attest", "fail"]);
    assert_eq!(progress, Progress::Failed("trap".into()));
}
