//! What the member says after a block: which requests it holds, and its endorsements.

use crate::council::Gather;
use crate::worker::Worker;
use crate::world::*;
use sotto_crypto::sign::Signature;
use sotto_ledger::state::{Chain, Progress};
use sotto_ledger::{Event, StorageError};
use sotto_types::{Account, Action, Ask, BlockRef, ChainEvent, Delivery, Hash};

fn said(world: &World) -> Vec<&Action> {
    world.council.own.iter().collect()
}

/// A request that was answered in the last block.
fn answered() -> (World, Worker, Ask) {
    let (mut world, mut worker, ask) = World::with_request();
    let run = world.show(&mut worker).runs.pop().unwrap();
    world.ran(&mut worker, &run, Ok(b"done".to_vec()));
    let events = world.block();
    assert!(events.contains(&Event::Answered(id(&ask))), "{events:?}");
    (world, worker, ask)
}

#[test]
fn a_request_is_gathered_until_all_its_bytes_are_held() {
    let (mut world, _) = World::ready();
    let submissions = vec![world.bid(1, "alice", b"70"), world.bid(1, "bob", b"90")];
    let mut ask = world.ask(submissions.clone());
    // Twice the same envelope and a payload elsewhere.
    ask.submissions.push(submissions[0]);
    (ask.payload, ask.payload_hash) = (vec![], Hash::of(b"elsewhere"));
    let [one, other] = [submissions[0].envelope, submissions[1].envelope];
    let first = world.bytes.remove(&one).unwrap();
    let second = world.bytes.remove(&other).unwrap();
    world.requested(&ask);
    let gather = |hashes: &[Hash]| {
        let mut hashes = hashes.to_vec();
        hashes.sort_unstable();
        vec![Gather { request: id(&ask), chain: chain(), consumer: ask.consumer, hashes }]
    };
    let payload = Hash::of(b"elsewhere");
    assert_eq!(world.gather, gather(&[one, other, payload]));
    assert!(said(&world).is_empty());
    world.keep(first);
    world.block();
    assert_eq!(world.gather, gather(&[other, payload]));
    world.keep(b"elsewhere".to_vec());
    world.block();
    assert_eq!(world.gather, gather(&[other]));
    world.keep(second);
    world.block();
    assert_eq!(world.gather, []);
    assert_eq!(said(&world), [&Action::Hold(id(&ask))]);
    let events = world.block();
    assert!(events.contains(&Event::Held(id(&ask))), "{events:?}");
    assert!(said(&world).is_empty());
}

#[test]
fn a_storage_that_fails_is_no_answer() {
    let (mut world, _) = World::ready();
    let bid = world.bid(1, "alice", b"70");
    let ask = world.ask(vec![bid]);
    let broken = StorageError("the disk is gone".into());
    world.requested(&ask);
    let looked = world.council.look(&world.view, |_| Err(broken.clone()));
    assert_eq!(looked, Err(broken));
}

#[test]
fn only_requests_that_wait_are_gathered() {
    let (mut world, _, ask) = World::with_request();
    assert!(matches!(world.progress(&ask), Progress::Assigned(_)));
    world.bytes.clear();
    world.block();
    assert_eq!(world.gather, []);
    assert!(said(&world).is_empty());
}

#[test]
fn what_waits_for_an_endorsement_is_endorsed_once() {
    let (mut world, _, _) = answered();
    // The result goes by its own key: only the registration of that key waits for the member.
    let domain = world.get::<Chain>(&chain()).unwrap().domain;
    let digest = world.outbox()[0].delivery.digest(&domain);
    let [Action::Endorse { chain: of, entry: 1, signature }] = said(&world)[..] else {
        panic!("{:?}", said(&world))
    };
    assert_eq!(*of, chain());
    let signer = Signature(*signature).recover(&digest.0).unwrap();
    assert_eq!(signer, key("member").public());
    // Looked at again before a block holds it, it is not said again.
    let said_once = said(&world).len();
    world.council.look(&world.view, |_| Ok(true)).unwrap();
    assert_eq!(said(&world).len(), said_once);
    world.block();
    let entries = world.outbox();
    assert!(entries.iter().all(|entry| entry.ready));
    let by = Account::from_address(key("member").public().address());
    let endorsers: Vec<Account> = entries[0].endorsements.iter().map(|(by, _)| *by).collect();
    assert_eq!(endorsers, [by]);
    for _ in 0..3 {
        assert!(said(&world).is_empty());
        world.block();
    }
}

#[test]
fn a_lone_result_that_does_not_settle_is_endorsed_as_a_batch() {
    let (mut world, _, _) = answered();
    world.idle(25);
    let is_batch = |delivery: &Delivery| matches!(delivery, Delivery::Batch { .. });
    let entries = world.outbox();
    let batch = entries.iter().find(|entry| is_batch(&entry.delivery)).unwrap();
    assert!(batch.ready);
    assert!(said(&world).is_empty());
}

#[test]
fn nothing_is_endorsed_where_nothing_is() {
    let (mut world, _) = World::ready();
    world.idle(3);
    assert_eq!(world.outbox(), []);
    assert!(said(&world).is_empty());
}

#[test]
fn nothing_of_a_halted_chain_is_endorsed() {
    let (mut world, _, _) = answered();
    world.council.own.clear();
    let cursor = world.get::<Chain>(&chain()).unwrap().cursor;
    let now = BlockRef { hash: Hash([1; 32]), ..cursor };
    world.say(Action::Halt { chain: chain(), was: cursor, now });
    for _ in 0..3 {
        assert!(said(&world).is_empty());
        assert!(!world.outbox()[0].ready);
        world.block();
    }
    // Until the council decides to go on.
    world.say(Action::Resume { chain: chain(), after: cursor });
    assert_eq!(said(&world).len(), 1);
    world.block();
    assert!(world.outbox()[0].ready);
}

#[test]
fn an_entry_that_was_carried_out_is_not_endorsed() {
    let (mut world, _, _) = answered();
    let result = Hash::of(b"done");
    let seen = world.observation(vec![
        ChainEvent::KeysSet { nonce: 1 },
        ChainEvent::Settled { number: 1, result, delivered: true },
    ]);
    world.council.own.clear();
    world.say(Action::Observe(seen));
    // What is left is the pay-out that the settlement brought.
    let entries = world.outbox();
    let [payout] = &entries[..] else { panic!("{entries:?}") };
    assert!(matches!(payout.delivery, Delivery::Payout { .. }));
    let domain = world.get::<Chain>(&chain()).unwrap().domain;
    let signature = key("member").sign(&payout.delivery.digest(&domain).0).0;
    assert_eq!(said(&world), [&Action::Endorse { chain: chain(), entry: 3, signature }]);
}
