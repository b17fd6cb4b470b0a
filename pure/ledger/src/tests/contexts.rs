//! Contexts: the first request admitted in one fixes its list; nobody learns about sealed bids by
//! asking again.

use super::world::*;
use crate::event::RequestRefusal;
use crate::state::{Gathering, Progress};
use crate::{Event, Refusal};
use sotto_types::{AppId, Ask, ChainEvent, Context, Hash, Submission};

/// Another request in the context of `first`, changed.
fn again(world: &World, first: &Ask, change: impl FnOnce(&mut Ask)) -> Ask {
    let mut ask = Ask { number: world.counted + 1, ..first.clone() };
    change(&mut ask);
    ask
}

/// Why a request is not admitted.
fn refusal(world: &mut World, ask: &Ask) -> Option<RequestRefusal> {
    let id = world.id(ask.number);
    let events = world.observe(vec![ChainEvent::Requested(ask.clone())]).unwrap();
    let refused = events.iter().find_map(|event| match event {
        Event::RequestRefused(request, why) if *request == id => Some(why.clone()),
        _ => None,
    });
    match &refused {
        Some(why) => assert_eq!(world.progress(ask.number), Progress::Refused(why.clone())),
        None => assert!(events.contains(&Event::Requested(id))),
    }
    assert_eq!(world.request(ask.number).ask, *ask);
    refused
}

fn refund(world: &mut World, number: u64) {
    world.observe(vec![ChainEvent::Refunded { number }]).unwrap();
}

#[test]
fn a_context_has_one_live_request() {
    let (mut world, worker, app) = World::ready();
    let first = world.ask(app);
    assert_eq!(refusal(&mut world, &first), None);
    let in_use = Some(RequestRefusal::ContextInUse(1));
    // Waiting, held, assigned, answered, settled: in use all the while.
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), in_use);
    world.hold(1);
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), in_use);
    world.idle(1);
    world.announce(&worker, 1);
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), in_use);
    let answer = world.good_answer(&worker, 1);
    world.act(&worker.key, answer).unwrap();
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), in_use);
    let settled = world.settled(1);
    world.observe(vec![settled]).unwrap();
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), in_use);
    // Refusing them left the settled one as it was, and their refunds free nothing.
    for number in 2..=6 {
        refund(&mut world, number);
    }
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), in_use);
}

#[test]
fn a_failed_request_holds_its_context_until_it_is_refunded() {
    let (mut world, worker, app) = World::ready();
    let first = world.ask(app);
    let number = world.assigned(app);
    let (request, attempt) = (world.id(number), world.assignment(number).attempt);
    let fail = sotto_types::Action::Fail { request, attempt, reason: "trap".into() };
    world.act(&worker.key, fail).unwrap();
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), Some(RequestRefusal::ContextInUse(1)));
    refund(&mut world, 1);
    let ask = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &ask), None);
}

#[test]
fn after_a_refund_only_the_identical_list_is_admitted() {
    let (mut world, _, app) = World::ready();
    let other_app = deploy_other(&mut world);
    let first = world.ask(app);
    world.requested(&first);
    refund(&mut world, 1);
    let stranger = Submission { submitter: account("eve"), envelope: Hash([9; 32]) };
    type Change = Box<dyn FnOnce(&mut Ask)>;
    let changes: [(&str, Change); 8] = [
        ("a bid left out", Box::new(|a| a.submissions.truncate(1))),
        ("the first bid left out", Box::new(|a| a.submissions = a.submissions.split_off(1))),
        ("all left out", Box::new(|a| a.submissions.clear())),
        ("one more", Box::new(move |a| a.submissions.push(stranger))),
        ("another order", Box::new(|a| a.submissions.swap(0, 1))),
        ("another submitter", Box::new(|a| a.submissions[0].submitter = account("eve"))),
        ("another payload", Box::new(|a| a.payload_hash = Hash([9; 32]))),
        ("another app", Box::new(move |a| a.app = other_app)),
    ];
    for (what, change) in changes {
        let ask = again(&world, &first, change);
        let fixed = Some(RequestRefusal::ContextFixed(1));
        assert_eq!(refusal(&mut world, &ask), fixed, "{what}");
    }
    // Money, gas and deadline tell nothing about the bids.
    let ask = again(&world, &first, |a| {
        a.deadline = a.deadline.plus(100);
        a.escrow = sotto_types::Amount(7);
        a.callback_gas = 0;
    });
    assert_eq!(refusal(&mut world, &ask), None);
    // And what is fixed stays fixed, through every later refund.
    refund(&mut world, ask.number);
    let short = again(&world, &first, |a| a.submissions.truncate(1));
    let fixed = RequestRefusal::ContextFixed(ask.number);
    assert_eq!(refusal(&mut world, &short), Some(fixed));
    let same = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &same), None);
}

fn deploy_other(world: &mut World) -> AppId {
    let other = sotto_types::Manifest { name: "other".into(), ..manifest(4) };
    world.act(&key("owner"), sotto_types::Action::Deploy(other.clone())).unwrap();
    other.id()
}

#[test]
fn a_bid_left_out_is_named_before_the_context_is_free() {
    let (mut world, _, app) = World::ready();
    let first = world.ask(app);
    world.requested(&first);
    let short = again(&world, &first, |a| a.submissions.truncate(1));
    assert_eq!(refusal(&mut world, &short), Some(RequestRefusal::ContextFixed(1)));
}

#[test]
fn a_context_is_its_consumers_own() {
    let (mut world, _, app) = World::ready();
    let first = world.ask(app);
    world.requested(&first);
    // A stranger names the same context, the same envelopes, everything: it is another context.
    let stranger = again(&world, &first, |a| a.consumer = account("stranger"));
    assert_eq!(refusal(&mut world, &stranger), None);
    let fixed: Gathering =
        world.get(&first.context_id(&world.chain_id(), &world.contract)).unwrap();
    assert_eq!(fixed.number, 1);
    // The stranger came first: nothing of the consumer's is used up by it.
    let theirs = again(&world, &first, |a| {
        a.consumer = account("stranger");
        a.context = Context([0x77; 32]);
        a.submissions.pop();
    });
    assert_eq!(refusal(&mut world, &theirs), None);
    let ours = again(&world, &first, |a| a.context = Context([0x77; 32]));
    assert_eq!(refusal(&mut world, &ours), None);
}

#[test]
fn a_refused_request_fixes_nothing() {
    let (mut world, _, app) = World::ready();
    let first = world.ask(app);
    let bad = Ask { assurance: sotto_types::Assurance(0), submissions: vec![], ..first.clone() };
    assert_eq!(refusal(&mut world, &bad), Some(RequestRefusal::Assurance(0)));
    let good = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &good), None);
    // Its refund does not touch the one that was admitted after it.
    refund(&mut world, 1);
    assert_eq!(world.progress(2), Progress::Waiting);
    let third = again(&world, &first, |_| {});
    assert_eq!(refusal(&mut world, &third), Some(RequestRefusal::ContextInUse(2)));
    let held = sotto_types::Action::Hold(world.id(1));
    let not_waiting = Refusal::State("not waiting for its bytes");
    assert_eq!(world.say(held).map(|_| ()), Err(not_waiting));
}
