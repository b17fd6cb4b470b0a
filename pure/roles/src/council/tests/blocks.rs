//! The actions of a block: in order, within its limits.

use crate::council::ACTIONS_BYTES;
use crate::world::*;
use sotto_ledger::{Event, Refusal, propose};
use sotto_types::{
    Action, ChainEvent, Evidence, Measurement, RequestId, SignedAction, TeeKind, Wire as _, limits,
};

fn release(number: u8) -> Action {
    Action::AdmitRelease(Measurement([number; 32]))
}

fn bytes(actions: &[SignedAction]) -> usize {
    actions.iter().map(|action| action.encode().len()).sum()
}

#[test]
fn its_own_words_come_first_with_its_own_nonces() {
    let mut world = World::new();
    for (name, nonce) in [("alice", 1), ("bob", 1), ("alice", 2)] {
        let action = signed(&world.genesis, &key(name), nonce, release(9));
        world.council.pool(&world.view, action).unwrap();
    }
    for number in 1..=3 {
        world.council.say(release(number));
    }
    let actions = world.council.actions(&world.view).unwrap();
    let by = |name: &str| key(name).public().to_bytes();
    let own: Vec<_> = actions.iter().take(3).map(|a| (a.sender, a.nonce)).collect();
    assert_eq!(own, [(by("member"), 1), (by("member"), 2), (by("member"), 3)]);
    let of = |name: &str| -> Vec<u64> {
        actions.iter().filter(|a| a.sender == by(name)).map(|a| a.nonce).collect()
    };
    assert_eq!((of("alice"), of("bob")), (vec![1, 2], vec![1]));
    assert_eq!(actions.len(), 6);

    let time = world.now().plus(1);
    let (_, applied) = propose(&world.view, time, actions.clone()).unwrap();
    let refused = |event: &Event| match event {
        Event::Refused { why, .. } => Some(why.clone()),
        _ => None,
    };
    // Strangers may not admit releases, but nobody's signature or nonce is wrong.
    let refused: Vec<Refusal> = applied.events.iter().filter_map(refused).collect();
    assert_eq!(refused, vec![Refusal::NotMember; 3]);
    for action in &actions[..3] {
        assert!(applied.events.contains(&Event::Done { action: action.id() }));
    }
}

#[test]
fn its_own_nonces_go_on_from_block_to_block() {
    let mut world = World::new();
    for number in 1..=3 {
        world.say(release(number));
        world.block();
    }
    assert_eq!(world.nonce(&key("member").public().node_id()), 3);
}

#[test]
fn a_word_said_twice_is_said_once() {
    let mut world = World::new();
    for _ in 0..3 {
        world.council.say(release(1));
        world.council.say(release(2));
    }
    let actions = world.council.actions(&world.view).unwrap();
    let said: Vec<&Action> = actions.iter().map(|a| &a.action).collect();
    assert_eq!(said, [&release(1), &release(2)]);
    assert_eq!(world.council.actions(&world.view).unwrap(), []);
}

#[test]
fn a_word_that_breaks_a_limit_spoils_no_block() {
    let (mut world, _) = World::ready();
    let reason = "x".repeat(limits::REASON_MAX + 1);
    let seen = world.observation(vec![ChainEvent::Unreadable { number: 1, reason }]);
    world.council.say(release(1));
    world.council.say(Action::Observe(seen));
    world.council.say(release(2));
    let before = world.nonce(&key("member").public().node_id());
    world.block();
    assert_eq!(world.nonce(&key("member").public().node_id()), before + 2);
}

#[test]
fn own_words_and_the_pool_together_fit_a_block() {
    let (mut world, _) = World::ready();
    // Nearly as much as an action may hold.
    let large = |number: u64| {
        let reason = format!("{number:0>256}");
        let event = ChainEvent::Unreadable { number, reason };
        vec![event; 4_096]
    };
    for number in 1..=6 {
        let seen = world.observation(large(number));
        world.council.say(Action::Observe(seen));
    }
    for nonce in 1..=90 {
        let evidence = Evidence { kind: TeeKind::Simulated, bytes: vec![0; limits::EVIDENCE_MAX] };
        let attest = Action::Attest { keys: keys("alice").public(), payees: vec![], evidence };
        let action = signed(&world.genesis, &key("alice"), nonce, attest);
        world.council.pool(&world.view, action).unwrap();
    }
    let mut blocks = 0;
    let mut count = 0;
    loop {
        let actions = world.council.actions(&world.view).unwrap();
        if actions.is_empty() {
            break;
        }
        assert!(bytes(&actions) < ACTIONS_BYTES + limits::ACTION_MAX);
        let (_, applied) = propose(&world.view, world.now().plus(1), actions.clone()).unwrap();
        world.view.commit(&applied);
        (blocks, count) = (blocks + 1, count + actions.len());
    }
    assert_eq!(count, 96);
    assert!(blocks > 1);
}

#[test]
fn a_block_has_no_more_actions_than_it_may() {
    let mut world = World::new();
    let count = limits::BLOCK_ACTIONS_MAX + 5;
    for number in 0..count {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        world.council.own.push_back(Action::Hold(RequestId(id)));
    }
    let waiting = signed(&world.genesis, &key("alice"), 1, release(1));
    world.council.pool(&world.view, waiting.clone()).unwrap();
    let actions = world.council.actions(&world.view).unwrap();
    assert_eq!(actions.len(), limits::BLOCK_ACTIONS_MAX);
    assert_eq!(world.council.own.len(), 5);
    // The rest comes with the next block, and with it the pool's.
    let actions = world.council.actions(&world.view).unwrap();
    assert_eq!(actions.len(), 6);
    assert_eq!(actions.last(), Some(&waiting));
}
