//! Chains outside: who may speak of them, the gapless counter, halting.

use super::world::*;
use crate::event::RequestRefusal;
use crate::state::{Chain, Open, Progress, Request};
use crate::{Event, Refusal};
use sotto_types::{
    Action, Amount, BlockRef, ChainEvent, ChainId, Domain, Finality, Hash, RequestId, Time,
};

#[test]
fn a_member_admits_a_contract_once() {
    let mut world = World::new();
    let admit = world.admission();
    assert_eq!(world.act(&key("stranger"), admit.clone()), Err(Refusal::NotMember));
    world.say(admit.clone()).unwrap();
    let chain = world.chain();
    let id = world.chain_id();
    let expected = Chain {
        caip2: CAIP2.into(),
        contract: world.contract,
        domain: Domain::new(&world.genesis.id(), &id, &world.contract),
        finality: Finality::Finalized,
        key_lifetime: KEY_LIFETIME,
        cursor: block_ref(100, START),
        requests: 0,
        halted: None,
        deposits: Amount(0),
        paid: Amount(0),
        outbox: 0,
        keys_nonce: 0,
        payout_nonce: 0,
        payout_done: 0,
    };
    assert_eq!(chain, expected);
    assert_eq!(world.say(admit), Err(Refusal::Exists("chain")));
    // Another contract on the same chain is not admitted beside the first.
    let contract = account("another contract");
    let start = block_ref(1, START);
    let other = Action::AdmitChain {
        caip2: CAIP2.into(),
        contract,
        finality: Finality::Instant,
        start,
        key_lifetime: 1,
    };
    assert_eq!(world.say(other), Err(Refusal::Exists("chain")));
    assert_eq!(world.chain().contract, world.contract);
}

#[test]
fn only_members_speak_of_chains() {
    let (mut world, worker, app) = World::ready();
    let ask = world.ask(app);
    let seen = world.observation(vec![ChainEvent::Requested(ask)]);
    let chain = world.chain_id();
    let (was, now) = (seen.after, block_ref(999, START));
    let words = [
        Action::Observe(seen),
        Action::Halt { chain, was, now },
        Action::Resume { chain, after: now },
        Action::Hold(RequestId([1; 32])),
        Action::Endorse { chain, entry: 1, signature: [0; 65] },
    ];
    for action in words {
        assert_eq!(world.act(&worker.key, action.clone()), Err(Refusal::NotMember));
        assert_eq!(world.act(&key("stranger"), action), Err(Refusal::NotMember));
    }
    assert_eq!(world.all::<Request>(), vec![]);
}

#[test]
fn a_chain_nobody_admitted_is_unknown() {
    let mut world = World::new();
    let chain = ChainId::from_caip2("eip155:1");
    let (was, now) = (block_ref(1, START), block_ref(2, START));
    let halt = Action::Halt { chain, was, now };
    assert_eq!(world.say(halt), Err(Refusal::Unknown("chain")));
    let resume = Action::Resume { chain, after: now };
    assert_eq!(world.say(resume), Err(Refusal::Unknown("chain")));
}

fn requested(number: u64, world: &World, app: sotto_types::AppId) -> ChainEvent {
    let mut ask = world.ask(app);
    ask.number = number;
    ask.context.0[..8].copy_from_slice(&number.to_be_bytes());
    ChainEvent::Requested(ask)
}

#[test]
fn the_counter_has_no_gaps() {
    let (mut world, _, app) = World::ready();
    let unreadable = |number| ChainEvent::Unreadable { number, reason: "x".into() };
    let gap = |got, want| Err(Refusal::Gap { got, want });
    let lists: [(&[u64], u64, Result<(), Refusal>); 9] = [
        (&[2], 2, gap(2, 1)),
        (&[0], 1, gap(0, 1)),
        (&[1, 1], 1, gap(1, 2)),
        (&[1, 3], 3, gap(3, 2)),
        (&[2, 1], 2, gap(2, 1)),
        (&[u64::MAX], u64::MAX, gap(u64::MAX, 1)),
        // The counter says that one was missed, or that one is too many.
        (&[1], 2, gap(2, 1)),
        (&[], 1, gap(1, 0)),
        (&[1, 2], 1, gap(1, 2)),
    ];
    let before = world.chain();
    for (numbers, count, expected) in lists {
        for unread in [false, true] {
            let events = numbers
                .iter()
                .map(|n| if unread { unreadable(*n) } else { requested(*n, &world, app) })
                .collect();
            let mut seen = world.observation(events);
            seen.request_count = count;
            world.counted = 0;
            let got = world.say(Action::Observe(seen)).map(|_| ());
            assert_eq!(got, expected, "{numbers:?}");
            assert_eq!(world.chain(), before);
        }
    }
    let events = vec![requested(1, &world, app), unreadable(2), requested(3, &world, app)];
    world.observe(events).unwrap();
    assert_eq!(world.chain().requests, 3);
    // What was counted is not counted again.
    let again = vec![requested(3, &world, app)];
    let mut seen = world.observation(again);
    seen.request_count = 3;
    assert_eq!(world.say(Action::Observe(seen)).map(|_| ()), gap(3, 4));
}

#[test]
fn an_observation_begins_where_the_last_ended() {
    let (mut world, _, _) = World::ready();
    let good = world.observation(vec![]);
    let refused = |world: &mut World, change: &dyn Fn(&mut sotto_types::Observation)| {
        let mut seen = good.clone();
        change(&mut seen);
        world.say(Action::Observe(seen)).map(|_| ())
    };
    let cursor = |got| Err(Refusal::Cursor { got, want: 100 });
    assert_eq!(refused(&mut world, &|s| s.after = block_ref(99, START)), cursor(99));
    assert_eq!(refused(&mut world, &|s| s.after = block_ref(101, START)), cursor(101));
    assert_eq!(refused(&mut world, &|s| s.after.hash = Hash([9; 32])), cursor(100));
    assert_eq!(refused(&mut world, &|s| s.after.parent = Hash([9; 32])), cursor(100));
    assert_eq!(refused(&mut world, &|s| s.after.time = Time(1)), cursor(100));
    assert_eq!(refused(&mut world, &|s| s.contract = account("other")), cursor(100));
    let not_rising = Err(Refusal::NotRising);
    assert_eq!(refused(&mut world, &|s| s.upto = s.after), not_rising);
    assert_eq!(refused(&mut world, &|s| s.upto.height = 7), not_rising);
    assert_eq!(refused(&mut world, &|s| s.upto.time = Time(START.0 - 1)), not_rising);
    assert_eq!(world.chain().cursor, block_ref(100, START));
    // Several blocks of a chain may have one time.
    assert_eq!(refused(&mut world, &|s| s.upto.time = START), Ok(()));
    assert_eq!(world.chain().cursor.height, 101);
    // Once is enough.
    let again = world.say(Action::Observe(good)).map(|_| ());
    assert_eq!(again, Err(Refusal::Cursor { got: 100, want: 101 }));
}

#[test]
fn a_chain_that_contradicts_itself_stops_until_the_council_decides() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let chain = world.chain_id();
    let was = world.chain().cursor;
    let now = BlockRef { hash: Hash([9; 32]), ..was };
    // Only what was observed can be contradicted, and only by something else.
    let cursor = |got| Err(Refusal::Cursor { got, want: was.height });
    let halt = |was, now| Action::Halt { chain, was, now };
    assert_eq!(world.say(halt(was, was)).map(|_| ()), cursor(was.height));
    assert_eq!(world.say(halt(now, was)).map(|_| ()), cursor(was.height));
    assert_eq!(world.say(halt(block_ref(1, START), now)).map(|_| ()), cursor(1));
    let after = block_ref(500, was.time);
    assert_eq!(world.say(Action::Resume { chain, after }), Err(Refusal::NotHalted));

    let settled = world.settled(number);
    let seen = world.observation(vec![settled.clone()]);
    let events = world.say(halt(was, now)).unwrap();
    assert!(events.contains(&Event::Halted(chain)));
    assert_eq!(world.chain().halted, Some(now));
    let refused = world.say(Action::Observe(seen)).map(|_| ());
    assert_eq!(refused, Err(Refusal::Halted(was.height)));

    world.say(Action::Resume { chain, after }).unwrap();
    assert_eq!(world.chain().halted, None);
    assert_eq!(world.chain().cursor, after);
    world.observe(vec![settled]).unwrap();
    assert!(matches!(world.progress(number), Progress::Settled { .. }));
}

#[test]
fn nothing_is_paid_out_on_a_halted_chain() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let settled = world.settled(number);
    // In one block: the money comes in, and the chain stops.
    let seen = world.observation(vec![settled]);
    let upto = seen.upto;
    let (chain, now) = (world.chain_id(), BlockRef { hash: Hash([9; 32]), ..upto });
    let member = key("member");
    let actions = vec![
        world.sign(&member, Action::Observe(seen)),
        world.sign(&member, Action::Halt { chain, was: upto, now }),
    ];
    world.block(actions);
    world.next_epoch();
    assert_eq!((world.chain().payout_nonce, world.chain().paid), (0, Amount(0)));
    world.say(Action::Resume { chain, after: upto }).unwrap();
    world.next_epoch();
    assert_eq!((world.chain().payout_nonce, world.chain().paid), (1, Amount(1_000_000_000)));
}

#[test]
fn an_unreadable_request_is_recorded_and_the_counter_moves_on() {
    let (mut world, _, app) = World::ready();
    let reason = "its submissions do not decode".to_owned();
    let unreadable = ChainEvent::Unreadable { number: 1, reason: reason.clone() };
    let events = world.observe(vec![unreadable]).unwrap();
    let refusal = RequestRefusal::Unreadable(reason);
    assert!(events.contains(&Event::RequestRefused(world.id(1), refusal.clone())));
    let request = world.request(1);
    assert_eq!(request.progress, Progress::Refused(refusal));
    assert_eq!((request.ask.number, request.ask.escrow), (1, Amount(0)));
    assert_eq!(world.all::<Open>(), vec![]);
    assert_eq!(world.say(Action::Hold(world.id(1))).map(|_| ()), {
        Err(Refusal::State("not waiting for its bytes"))
    });
    // The next one is as good as ever, and the unreadable one may still be refunded.
    let ask = world.ask(app);
    assert_eq!(ask.number, 2);
    world.requested(&ask);
    world.observe(vec![ChainEvent::Refunded { number: 1 }]).unwrap();
    assert_eq!(world.progress(1), Progress::Refunded);
}

#[test]
fn a_request_leaves_its_contract_once() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let (settled, refunded) = (world.settled(number), ChainEvent::Refunded { number });
    let ended = Err(Refusal::State("at its end already"));
    let both = vec![settled.clone(), settled.clone()];
    assert_eq!(world.observe(both).map(|_| ()), ended);
    assert_eq!(world.observe(vec![refunded.clone(), settled.clone()]).map(|_| ()), ended);
    assert_eq!(world.chain().deposits, Amount(0));
    world.observe(vec![settled.clone()]).unwrap();
    let deposits = world.chain().deposits;
    for again in [settled, refunded] {
        assert_eq!(world.observe(vec![again]).map(|_| ()), ended);
    }
    assert_eq!(world.chain().deposits, deposits);
    for unknown in [
        ChainEvent::Settled { number: 9, result: Hash([1; 32]), delivered: true },
        ChainEvent::Refunded { number: 9 },
        ChainEvent::Delivered { number: 9 },
    ] {
        let refused = world.observe(vec![unknown]).map(|_| ());
        assert_eq!(refused, Err(Refusal::Unknown("request")));
    }
}

#[test]
fn a_callback_taken_later_is_noted() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let result = Hash::of(&result_of(number));
    let settled = ChainEvent::Settled { number, result, delivered: false };
    world.observe(vec![settled]).unwrap();
    assert_eq!(world.progress(number), Progress::Settled { result, delivered: false });
    world.observe(vec![ChainEvent::Delivered { number }]).unwrap();
    assert_eq!(world.progress(number), Progress::Settled { result, delivered: true });
}
