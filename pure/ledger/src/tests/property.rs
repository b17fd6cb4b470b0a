//! Properties over many inputs: refused actions move nonces alone, and no bytes make a panic.

use super::world::*;
use crate::state;
use crate::view::{Entry, parse, value};
use crate::{Event, View as _, propose};
use proptest::prelude::*;
use sotto_types::{
    Action, AppId, Attempt, ChainEvent, ChainId, Epoch, Evidence, Hash, RequestId, SignedAction,
    TeeKind,
};

/// Actions that are refused in a world with one answered and one assigned request.
fn invalid(world: &World, worker: &Machine, kind: u8) -> Action {
    let chain = world.chain_id();
    let cursor = world.chain().cursor;
    let seen = |events| sotto_types::Observation {
        chain,
        contract: world.contract,
        after: cursor,
        upto: block_ref(cursor.height + 1, cursor.time),
        request_count: world.counted,
        events,
    };
    let settled = |number| ChainEvent::Settled { number, result: Hash([1; 32]), delivered: true };
    match kind {
        0 => Action::AdmitRelease(RELEASE),
        1 => world.admission(),
        2 => Action::Observe(seen(vec![settled(1), settled(9)])),
        3 => Action::Observe(seen(vec![ChainEvent::Requested(world.ask(AppId([1; 32])))])),
        4 => Action::Halt { chain, was: cursor, now: cursor },
        5 => Action::Resume { chain, after: cursor },
        6 => Action::Hold(world.id(1)),
        7 => Action::Attest {
            keys: worker.keys(),
            payees: vec![],
            evidence: Evidence { kind: TeeKind::Simulated, bytes: vec![1; 10] },
        },
        8 => Action::Deploy(manifest(4)),
        9 => {
            let (app, epoch) = (manifest(4).id(), Epoch(0));
            Action::ResultKey { app, epoch, key: account("another") }
        }
        10 => Action::Fail { request: world.id(1), attempt: Attempt(1), reason: "x".into() },
        11 => Action::Endorse { chain, entry: 77, signature: [1; 65] },
        12 => Action::Hold(RequestId([kind; 32])),
        13 => Action::Resume { chain: ChainId([1; 32]), after: cursor },
        14 => {
            let mut receipt = world.receipt(worker, 2, &result_of(2));
            receipt.fuel = sotto_types::Fuel(u64::MAX);
            world.answer(worker, receipt, &result_of(2))
        }
        _ => world.good_answer(worker, 1),
    }
}

/// What is always refused, for the same nonce of the same sender.
fn nothing() -> Action {
    Action::Hold(RequestId([0; 32]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn invalid_actions_move_nonces_and_nothing_else(
        kinds in prop::collection::vec((0..16_u8, 0..4_usize), 1..24),
    ) {
        let (mut world, worker, app) = World::ready();
        world.answered(&worker, app);
        world.assigned(app);
        let senders = ["member", "worker", "owner", "stranger"].map(key);
        let mut plain = world.clone();
        let mut actions: Vec<SignedAction> = Vec::new();
        let mut nothings = Vec::new();
        for (kind, sender) in kinds {
            let action = invalid(&world, &worker, kind);
            actions.push(world.sign(&senders[sender], action));
            nothings.push(plain.sign(&senders[sender], nothing()));
        }
        let time = world.view.head().unwrap().time.plus(1);
        let count = actions.len();
        let (_, applied) = propose(&world.view, time, actions).unwrap();
        let refused = applied.events.iter().filter(|e| matches!(e, Event::Refused { .. }));
        prop_assert_eq!(refused.count(), count);
        let (_, expected) = propose(&plain.view, time, nothings).unwrap();
        prop_assert_eq!(applied.head.root, expected.head.root);
        prop_assert_eq!(applied.writes, expected.writes);
    }

    #[test]
    fn no_bytes_of_an_entry_make_a_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for versioned in [false, true] {
            if let (true, Some(first)) = (versioned, bytes.first_mut()) {
                *first = 1;
            }
            reads::<state::Founding>(&bytes);
            reads::<state::Clock>(&bytes);
            reads::<state::Nonce>(&bytes);
            reads::<state::Release>(&bytes);
            reads::<state::Worker>(&bytes);
            reads::<state::App>(&bytes);
            reads::<state::Chain>(&bytes);
            reads::<state::Request>(&bytes);
            reads::<state::Open>(&bytes);
            reads::<state::Ready>(&bytes);
            reads::<state::Gathering>(&bytes);
            reads::<state::Grant>(&bytes);
            reads::<state::ResultKey>(&bytes);
            reads::<state::KeySent>(&bytes);
            reads::<state::Outgoing>(&bytes);
            reads::<state::Credit>(&bytes);
            reads::<state::Answered>(&bytes);
        }
    }
}

/// What is read is written the same.
fn reads<T: Entry>(bytes: &[u8]) {
    if let Ok(entry) = parse::<T>(bytes) {
        assert_eq!(value(&entry).unwrap(), bytes);
    }
}

#[test]
fn every_table_has_a_letter_of_its_own() {
    let mut tables = vec![
        state::Founding::TABLE,
        state::Clock::TABLE,
        state::Nonce::TABLE,
        state::Release::TABLE,
        state::Worker::TABLE,
        state::App::TABLE,
        state::Chain::TABLE,
        state::Request::TABLE,
        state::Open::TABLE,
        state::Ready::TABLE,
        state::Gathering::TABLE,
        state::Grant::TABLE,
        state::ResultKey::TABLE,
        state::KeySent::TABLE,
        state::Outgoing::TABLE,
        state::Credit::TABLE,
        state::Answered::TABLE,
    ];
    let count = tables.len();
    tables.sort_unstable();
    tables.dedup();
    assert_eq!(tables.len(), count);
}
