//! The pool: only what can go into a block waits, and nobody takes up all the room.

use crate::council::NotPooled;
use crate::world::*;
use sotto_types::{
    Action, Evidence, Malformed, Measurement, NodeId, SignedAction, TeeKind, limits,
};

fn release(number: u8) -> Action {
    Action::AdmitRelease(Measurement([number; 32]))
}

fn by(world: &World, name: &str, nonce: u64) -> SignedAction {
    signed(&world.genesis, &key(name), nonce, release(nonce as u8))
}

fn pool(world: &mut World, action: SignedAction) -> Result<(), NotPooled> {
    world.council.pool(&world.view, action)
}

#[test]
fn only_the_senders_own_signature_for_this_network_is_taken() {
    let mut world = World::new();
    let good = by(&world, "alice", 1);
    let mut flipped = good.clone();
    flipped.signature[10] ^= 1;
    let mut no_key = good.clone();
    no_key.sender = [0; 33];
    let mut other = world.genesis.clone();
    other.name = "another".into();
    let bad = [
        flipped,
        no_key,
        SignedAction { sender: key("bob").public().to_bytes(), ..good.clone() },
        SignedAction { nonce: 2, ..good.clone() },
        SignedAction { action: release(9), ..good.clone() },
        SignedAction { signature: [0; 65], ..good.clone() },
        signed(&other, &key("alice"), 1, release(1)),
    ];
    for action in bad {
        assert_eq!(pool(&mut world, action), Err(NotPooled::Signature));
    }
    assert_eq!(pool(&mut world, good), Ok(()));
}

#[test]
fn a_used_nonce_is_refused() {
    let mut world = World::new();
    for nonce in 1..=2 {
        let action = by(&world, "alice", nonce);
        pool(&mut world, action).unwrap();
    }
    world.block();
    for got in [0, 1, 2] {
        let action = by(&world, "alice", got);
        assert_eq!(pool(&mut world, action), Err(NotPooled::Used { got, next: 3 }));
    }
}

#[test]
fn the_same_action_again_changes_nothing_and_another_of_its_nonce_is_refused() {
    let mut world = World::new();
    let action = by(&world, "alice", 1);
    assert_eq!(pool(&mut world, action.clone()), Ok(()));
    assert_eq!(pool(&mut world, action.clone()), Ok(()));
    let other = signed(&world.genesis, &key("alice"), 1, release(9));
    assert_eq!(pool(&mut world, other), Err(NotPooled::Waiting(1)));
    assert_eq!(world.council.actions(&world.view).unwrap(), [action]);
}

#[test]
fn what_could_not_follow_is_refused() {
    let mut world = World::new();
    let first = by(&world, "alice", 1);
    pool(&mut world, first).unwrap();
    for got in [3, 4, u64::MAX] {
        let action = by(&world, "alice", got);
        assert_eq!(pool(&mut world, action), Err(NotPooled::Gap { got, next: 2 }));
    }
    let next = by(&world, "alice", 2);
    assert_eq!(pool(&mut world, next), Ok(()));
    // Another sender's nonces are its own.
    let other = by(&world, "bob", 2);
    assert_eq!(pool(&mut world, other), Err(NotPooled::Gap { got: 2, next: 1 }));
}

#[test]
fn what_no_block_could_hold_is_refused() {
    let mut world = World::new();
    let evidence = Evidence { kind: TeeKind::Simulated, bytes: vec![0; limits::EVIDENCE_MAX + 1] };
    let keys = keys("alice").public();
    let attest = Action::Attest { keys, payees: vec![], evidence };
    let action = signed(&world.genesis, &key("alice"), 1, attest);
    let (got, max) = (limits::EVIDENCE_MAX as u64 + 1, limits::EVIDENCE_MAX as u64);
    let why = Malformed::Limit { what: "evidence", got, max };
    assert_eq!(pool(&mut world, action), Err(NotPooled::Malformed(why)));

    // Within each limit but the one on the whole.
    let manifest = manifest("x");
    let hosts = vec!["h".repeat(limits::ACTION_MAX)];
    let deploy = Action::Deploy(sotto_types::Manifest { hosts, ..manifest });
    let action = signed(&world.genesis, &key("alice"), 1, deploy);
    let refused = pool(&mut world, action);
    let max = limits::ACTION_MAX;
    let is_too_long = |why: &NotPooled| matches!(why, NotPooled::Malformed(Malformed::TooLong { max: m, .. }) if *m == max);
    assert!(refused.as_ref().is_err_and(is_too_long), "{refused:?}");
    assert_eq!(world.council.actions(&world.view).unwrap(), []);
}

#[test]
fn one_sender_has_a_limit_of_its_own() {
    let mut world = World::new();
    let max = limits::MEMPOOL_PER_SENDER as u64;
    for nonce in 1..=max {
        let action = by(&world, "alice", nonce);
        pool(&mut world, action).unwrap();
    }
    let more = by(&world, "alice", max + 1);
    let full = NotPooled::SenderFull(limits::MEMPOOL_PER_SENDER);
    assert_eq!(pool(&mut world, more.clone()), Err(full));
    let other = by(&world, "bob", 1);
    assert_eq!(pool(&mut world, other), Ok(()));
    // After a block and the next one's making there is room again.
    world.idle(2);
    assert_eq!(world.nonce(&key("alice").public().node_id()), max);
    assert_eq!(pool(&mut world, more), Ok(()));
}

#[test]
fn the_pool_has_a_limit() {
    let mut world = World::new();
    let one = by(&world, "alice", 1);
    for number in 0..limits::MEMPOOL_MAX {
        let mut sender = [0; 32];
        sender[..8].copy_from_slice(&(number as u64).to_be_bytes());
        world.council.pool.insert((NodeId(sender), 1), one.clone());
    }
    assert_eq!(pool(&mut world, one.clone()), Err(NotPooled::Full));
    world.council.pool.pop_last();
    assert_eq!(pool(&mut world, one), Ok(()));
}

#[test]
fn what_was_in_a_block_leaves_the_pool() {
    let mut world = World::new();
    for nonce in 1..=3 {
        let action = by(&world, "alice", nonce);
        pool(&mut world, action).unwrap();
    }
    assert_eq!(world.council.pool.len(), 3);
    world.block();
    assert_eq!(world.council.actions(&world.view).unwrap(), []);
    assert!(world.council.pool.is_empty());
}

#[test]
fn what_was_used_by_another_way_leaves_the_pool() {
    let mut world = World::new();
    let waiting = by(&world, "member", 1);
    pool(&mut world, waiting).unwrap();
    // The member's own word takes the nonce.
    world.council.say(release(9));
    let actions = world.council.actions(&world.view).unwrap();
    assert_eq!(actions.len(), 1);
    assert_eq!((actions[0].nonce, &actions[0].action), (1, &release(9)));
    assert!(world.council.pool.is_empty());
}
