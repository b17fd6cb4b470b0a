//! Requests from their record to their end: admission, bytes held, the draw, silence, failure.

use super::world::*;
use crate::event::RequestRefusal;
use crate::state::{Assignment, Open, Progress};
use crate::{Event, Refusal, View as _, draw, pool};
use sotto_types::{
    Action, AppId, Ask, Assurance, Attempt, BlockId, ChainEvent, Epoch, Generation, Hash, NodeId,
    RequestId, Time, limits,
};
use std::collections::BTreeSet;

fn refused(world: &mut World, change: impl FnOnce(&mut Ask), app: AppId) -> RequestRefusal {
    let mut ask = world.ask(app);
    change(&mut ask);
    world.observe(vec![ChainEvent::Requested(ask.clone())]).unwrap();
    match world.progress(ask.number) {
        Progress::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_life() {
    let (mut world, worker, app) = World::ready();
    let ask = world.ask(app);
    world.requested(&ask);
    let request = world.request(1);
    assert_eq!(request.hash, ask.hash(&world.chain().domain));
    assert_eq!((request.progress, request.attempts), (Progress::Waiting, Attempt(0)));
    world.idle(3);
    assert_eq!(world.progress(1), Progress::Waiting);
    let events = world.say(Action::Hold(world.id(1))).unwrap();
    assert!(events.contains(&Event::Held(world.id(1))));
    // Not in the block that held its bytes: chance comes from a later one.
    let held = world.view.head().unwrap();
    assert_eq!(world.progress(1), Progress::Held(held.height));
    let (request, node) = (world.id(1), worker.node());
    let assigned = Event::Assigned { request, worker: node, attempt: Attempt(1) };
    assert_eq!(world.block(vec![]), vec![assigned]);
    let head = world.view.head().unwrap();
    let expected = Assignment {
        worker: node,
        attempt: Attempt(1),
        epoch: Epoch(0),
        height: head.height,
        time: head.time,
    };
    assert_eq!(world.progress(1), Progress::Assigned(expected));
    world.announce(&worker, 1);
    let answer = world.good_answer(&worker, 1);
    let events = world.act(&worker.key, answer).unwrap();
    assert!(events.contains(&Event::Answered(request)));
    let result = Hash::of(&result_of(1));
    let height = world.view.head().unwrap().height;
    assert_eq!(world.progress(1), Progress::Answered { assignment: expected, height, result });
    assert_eq!(world.all::<Open>(), vec![]);
    let settled = world.settled(1);
    let events = world.observe(vec![settled]).unwrap();
    assert!(events.contains(&Event::Settled(request)));
    assert_eq!(world.progress(1), Progress::Settled { result, delivered: true });
}

#[test]
fn what_this_network_does_not_offer_is_refused_and_recorded() {
    let (mut world, _, app) = World::ready();
    for assurance in [0, 0x0101_0101, 0x0102_0300, 0x0201_0100, u32::MAX] {
        let got = refused(&mut world, |a| a.assurance = Assurance(assurance), app);
        assert_eq!(got, RequestRefusal::Assurance(assurance));
    }
    let unknown = AppId([9; 32]);
    let got = refused(&mut world, |a| a.app = unknown, app);
    assert_eq!(got, RequestRefusal::UnknownApp(unknown));
    for asked in [0, 2, u64::MAX] {
        let got = refused(&mut world, |a| a.generation = Generation(asked), app);
        assert_eq!(got, RequestRefusal::Generation { asked, runs: 1 });
    }
    // The chain's time decides, and the margin in which nothing is broadcast any more.
    let now = world.view.head().unwrap().time.0;
    let last = now + limits::BROADCAST_MARGIN;
    let got = refused(&mut world, |a| a.deadline = Time(last), app);
    assert_eq!(got, RequestRefusal::TooLate { deadline: last, now });
    let got = refused(&mut world, |a| a.deadline = Time(0), app);
    assert_eq!(got, RequestRefusal::TooLate { deadline: 0, now: now + 1 });
    let mut ask = world.ask(app);
    ask.deadline = Time(now + 2 + limits::BROADCAST_MARGIN + 1);
    world.requested(&ask);
}

#[test]
fn bytes_are_held_once_by_members_for_waiting_requests() {
    let (mut world, worker, app) = World::ready();
    let ask = world.ask(app);
    world.requested(&ask);
    let hold = Action::Hold(world.id(1));
    assert_eq!(world.act(&worker.key, hold.clone()), Err(Refusal::NotMember));
    world.say(hold.clone()).unwrap();
    let not_waiting = Err(Refusal::State("not waiting for its bytes"));
    assert_eq!(world.say(hold.clone()).map(|_| ()), not_waiting);
    world.idle(2);
    assert_eq!(world.say(hold).map(|_| ()), not_waiting);
    let unknown = Action::Hold(world.id(2));
    assert_eq!(world.say(unknown).map(|_| ()), Err(Refusal::Unknown("request")));
}

#[test]
fn a_request_that_needs_nothing_held_is_held_at_once() {
    let (mut world, _, app) = World::ready();
    let mut ask = world.ask(app);
    ask.submissions.clear();
    ask.payload = b"ETH/USD".to_vec();
    ask.payload_hash = Hash::of(&ask.payload);
    world.requested(&ask);
    assert_eq!(world.progress(1), Progress::Held(world.view.head().unwrap().height));
    world.idle(1);
    assert!(matches!(world.progress(1), Progress::Assigned(_)));
    // A payload that is named by its hash has to be held as well.
    let mut ask = world.ask(app);
    ask.submissions.clear();
    ask.payload_hash = Hash([9; 32]);
    world.requested(&ask);
    assert_eq!(world.progress(2), Progress::Waiting);
}

#[test]
fn without_a_good_worker_a_request_waits() {
    let mut world = World::new();
    world.admit_chain();
    let app = world.deploy(4);
    let ask = world.ask(app);
    world.requested(&ask);
    world.hold(1);
    world.idle(3);
    assert!(matches!(world.progress(1), Progress::Held(_)));
    let worker = Machine::new("worker");
    world.attest(&worker).unwrap();
    assert_eq!(world.assignment(1).worker, worker.node());
}

#[test]
fn a_worker_that_did_not_renew_gets_no_work() {
    let (mut world, worker, app) = World::ready();
    // In the epoch after its appraisal it is still good, in the next it is not.
    world.next_epoch();
    world.assigned(app);
    world.next_epoch();
    let mut ask = world.ask(app);
    ask.deadline = ask.deadline.plus(10_000);
    world.requested(&ask);
    world.hold(2);
    world.idle(5);
    assert!(matches!(world.progress(2), Progress::Held(_)));
    world.attest(&worker).unwrap();
    assert_eq!(world.assignment(2).worker, worker.node());
    assert_eq!(world.assignment(2).epoch, Epoch(2));
}

fn nodes(count: u8) -> Vec<NodeId> {
    (1..=count).map(|byte| NodeId([byte; 32])).collect()
}

#[test]
fn the_draw_is_a_pure_function_of_block_request_attempt_and_pool() {
    let pool = nodes(5);
    let (block, request) = (BlockId([1; 32]), RequestId([2; 32]));
    let one = draw(&block, &request, Attempt(1), &pool, None);
    assert_eq!(draw(&block, &request, Attempt(1), &pool, None), one);
    assert_eq!(draw(&block, &request, Attempt(1), &[], None), None);
    assert_eq!(draw(&block, &request, Attempt(1), &pool[..1], None), Some(pool[0]));
    // Each input moves it, and everybody is drawn some time.
    let over = |which: &dyn Fn(u8) -> Option<NodeId>| -> BTreeSet<NodeId> {
        (0..=u8::MAX).map(|i| which(i).unwrap()).collect()
    };
    let all: BTreeSet<NodeId> = pool.iter().copied().collect();
    assert_eq!(over(&|i| draw(&BlockId([i; 32]), &request, Attempt(1), &pool, None)), all);
    assert_eq!(over(&|i| draw(&block, &RequestId([i; 32]), Attempt(1), &pool, None)), all);
    assert_eq!(over(&|i| draw(&block, &request, Attempt(i.into()), &pool, None)), all);
    // Who was silent is passed over while there is anybody else.
    let silent = pool[2];
    let others: BTreeSet<NodeId> = all.iter().copied().filter(|n| *n != silent).collect();
    let drawn = over(&|i| draw(&BlockId([i; 32]), &request, Attempt(2), &pool, Some(&silent)));
    assert_eq!(drawn, others);
    assert_eq!(draw(&block, &request, Attempt(2), &[silent], Some(&silent)), Some(silent));
}

#[test]
fn a_pool_is_as_large_as_its_manifest_says() {
    let worker: crate::state::Worker = {
        let (world, worker, _) = World::ready();
        world.get(&worker.node()).unwrap()
    };
    let workers: Vec<_> = nodes(9).into_iter().map(|node| (node, worker.clone())).collect();
    let (challenge, app) = (Hash([1; 32]), AppId([2; 32]));
    let three = pool(&challenge, &app, 3, &workers);
    assert_eq!(three.len(), 3);
    // More holders are the same and then others; the order in which workers are listed is nothing.
    assert_eq!(pool(&challenge, &app, 5, &workers)[..3], three);
    let mut reversed = workers.clone();
    reversed.reverse();
    assert_eq!(pool(&challenge, &app, 3, &reversed), three);
    assert_eq!(pool(&challenge, &app, 100, &workers).len(), 9);
    assert_eq!(pool(&challenge, &app, 3, &[]), vec![]);
    // Pools turn over with the epoch and differ from app to app.
    let pools: BTreeSet<Vec<NodeId>> =
        (0..20).map(|i| pool(&Hash([i; 32]), &app, 3, &workers)).collect();
    assert!(pools.len() > 10);
    let pools: BTreeSet<Vec<NodeId>> =
        (0..20).map(|i| pool(&challenge, &AppId([i; 32]), 3, &workers)).collect();
    assert!(pools.len() > 10);
}

#[test]
fn work_stays_within_the_pool() {
    let (mut world, worker, _) = World::ready();
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let app = world.deploy(1);
    let workers: Vec<_> = [&worker, &second]
        .map(|w| (w.node(), world.get::<crate::state::Worker>(&w.node()).unwrap()))
        .into();
    let holders = pool(&world.clock().challenge, &app, 1, &workers);
    for _ in 0..6 {
        let number = world.assigned(app);
        assert_eq!(vec![world.assignment(number).worker], holders);
    }
}

#[test]
fn a_silent_worker_is_passed_over_and_attempts_end() {
    let (mut world, worker, app) = World::ready();
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let number = world.assigned(app);
    let request = world.id(number);
    let mut last = world.assignment(number);
    assert_eq!(last.attempt, Attempt(1));
    for attempt in [2, 3] {
        assert_eq!(world.idle(limits::ATTEMPT_BLOCKS), vec![]);
        let other = if last.worker == worker.node() { second.node() } else { worker.node() };
        let attempt = Attempt(attempt);
        let expected = Event::Assigned { request, worker: other, attempt };
        assert_eq!(world.block(vec![]), vec![expected]);
        last = world.assignment(number);
        assert_eq!((last.worker, last.attempt), (other, attempt));
        assert_eq!(last.height, world.view.head().unwrap().height);
    }
    assert_eq!(world.idle(limits::ATTEMPT_BLOCKS), vec![]);
    assert_eq!(world.block(vec![]), vec![Event::Unanswered(request)]);
    assert_eq!(world.progress(number), Progress::Unanswered);
    assert_eq!(world.request(number).attempts, Attempt(limits::ATTEMPTS_MAX));
    assert_eq!(world.all::<Open>(), vec![]);
    assert_eq!(world.idle(40), vec![Event::Epoch(Epoch(1))]);
}

#[test]
fn a_lone_worker_is_asked_again() {
    let (mut world, worker, app) = World::ready();
    let number = world.assigned(app);
    world.announce(&worker, number);
    let first = world.good_answer(&worker, number);
    world.idle(limits::ATTEMPT_BLOCKS + 1);
    let again = world.assignment(number);
    assert_eq!((again.worker, again.attempt), (worker.node(), Attempt(2)));
    // The answer to the attempt before is no answer to this one.
    assert_eq!(world.act(&worker.key, first).map(|_| ()), Err(Refusal::Receipt("attempt")));
    let answer = world.good_answer(&worker, number);
    world.act(&worker.key, answer).unwrap();
}

#[test]
fn past_its_deadline_a_request_is_left_to_its_refund() {
    let (mut world, _, app) = World::ready();
    let assigned = world.assigned(app);
    let waiting = world.ask(app);
    world.requested(&waiting);
    let held = world.ask(app);
    world.requested(&held);
    let deadline = world.request(assigned).ask.deadline;
    // As long as the margin is not reached, work goes on.
    world.chain_time(Time(deadline.0 - limits::BROADCAST_MARGIN - 1));
    assert!(matches!(world.progress(assigned), Progress::Assigned(_)));
    world.hold(held.number);
    world.chain_time(Time(held.deadline.0 - limits::BROADCAST_MARGIN));
    for number in [assigned, waiting.number, held.number] {
        assert_eq!(world.progress(number), Progress::Unanswered, "{number}");
    }
    assert_eq!(world.all::<Open>(), vec![]);
    let refunded = [assigned, waiting.number].map(|number| ChainEvent::Refunded { number });
    let events = world.observe(refunded.to_vec()).unwrap();
    assert!(events.contains(&Event::Refunded(world.id(assigned))));
    assert_eq!(world.progress(assigned), Progress::Refunded);
}

#[test]
fn the_assigned_worker_may_say_that_the_app_failed() {
    let (mut world, worker, app) = World::ready();
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let number = world.assigned(app);
    let (mine, theirs) = if world.assignment(number).worker == worker.node() {
        (worker, second)
    } else {
        (second, worker)
    };
    let fail = |request, attempt| Action::Fail { request, attempt, reason: "out of fuel".into() };
    let request = world.id(number);
    let not_assigned = Err(Refusal::NotAssigned);
    let good = fail(request, Attempt(1));
    assert_eq!(world.act(&theirs.key, good.clone()).map(|_| ()), not_assigned);
    assert_eq!(world.act(&key("member"), good.clone()).map(|_| ()), not_assigned);
    assert_eq!(world.act(&mine.key, fail(request, Attempt(2))).map(|_| ()), not_assigned);
    let unknown = fail(RequestId([9; 32]), Attempt(1));
    let none = Err(Refusal::Unknown("request"));
    assert_eq!(world.act(&mine.key, unknown).map(|_| ()), none);
    let events = world.act(&mine.key, good.clone()).unwrap();
    assert!(events.contains(&Event::Failed(request)));
    assert_eq!(world.progress(number), Progress::Failed("out of fuel".into()));
    assert_eq!(world.all::<Open>(), vec![]);
    let over = Err(Refusal::State("not waiting for an answer"));
    assert_eq!(world.act(&mine.key, good).map(|_| ()), over);
    world.observe(vec![ChainEvent::Refunded { number }]).unwrap();
    assert_eq!(world.progress(number), Progress::Refunded);
}
