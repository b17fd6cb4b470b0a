//! Whatever comes in, in whatever order: no panic, and nothing signed that was not run.

use crate::worker::{Input, Output, Shown, Wanted, Work};
use crate::world::*;
use proptest::prelude::*;
use sotto_crypto::vet::EncryptedShare;
use sotto_types::{
    Action, AppId, Attempt, Epoch, Evidence, Fuel, Hash, Identity, KeyPath, Proof, RequestId,
    TeeKind, Time, limits,
};

/// What a hostile host might do next.
#[derive(Clone, Debug)]
enum Move {
    Block { nonce: u64, attested: Option<u64>, spoil: Option<(u8, Vec<u8>)>, now: u64 },
    Evidence(Vec<u8>),
    Shares { key: u8, index: u32, share: Vec<u8> },
    Bytes { which: u8, other: Vec<u8> },
    Ran { is_known: bool, attempt: u32, length: Option<usize>, reason: String },
    PayTo,
}

fn moves() -> impl Strategy<Value = Move> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    let near = prop_oneof![6 => 0..100_u64, 1 => any::<u64>()];
    let nonce = prop_oneof![4 => 0..4_u64, 1 => any::<u64>()];
    prop_oneof![
        6 => (nonce, any::<Option<u64>>(), prop::option::of((any::<u8>(), bytes())), near)
            .prop_map(|(nonce, attested, spoil, now)| Move::Block { nonce, attested, spoil, now }),
        1 => bytes().prop_map(Move::Evidence),
        3 => (0..8_u8, 0..3_u32, prop::collection::vec(any::<u8>(), 192))
            .prop_map(|(key, index, share)| Move::Shares { key, index, share }),
        4 => (0..6_u8, bytes()).prop_map(|(which, other)| Move::Bytes { which, other }),
        2 => (any::<bool>(), 0..3_u32, prop::option::of(0..=limits::RESULT_MAX + 1), ".{0,300}")
            .prop_map(|(is_known, attempt, length, reason)| {
                Move::Ran { is_known, attempt, length, reason }
            }),
        1 => Just(Move::PayTo),
    ]
}

/// The shown block with something in it replaced by any bytes.
fn spoilt(mut shown: Shown, what: u8, bytes: Vec<u8>) -> Shown {
    let any = Proof { key: shown.clock.key.clone(), value: bytes.clone(), path: bytes.clone() };
    match (what % 8, shown.work.first_mut()) {
        (0, _) => shown.clock = any,
        (1, _) => shown.clock.path = bytes,
        (2, Some(work)) => work.request = any,
        (3, Some(work)) => work.app.value = bytes,
        (4, Some(work)) => work.id = RequestId::default(),
        (5, _) => shown.work.clear(),
        (6, _) => {
            let (request, app) = (any.clone(), any);
            shown.work.push(Work { id: RequestId([1; 32]), request, app });
        }
        _ => shown.certificate.height = sotto_types::Height(u64::MAX),
    }
    shown
}

fn wanted(world: &World, key: u8) -> Wanted {
    let path = if key.is_multiple_of(2) { KeyPath::Request } else { KeyPath::Result };
    let identity = if key < 4 { context_identity(1) } else { Identity::Epoch(Epoch(0)) };
    let app = if key.is_multiple_of(3) { AppId([1; 32]) } else { world.app() };
    Wanted { app, path, identity }
}

fn input(world: &mut World, worker: &sotto_types::NodeId, next: Move) -> (Input, Time) {
    let now = world.now();
    let input = match next {
        Move::Block { nonce, attested, spoil, now } => {
            world.block();
            let mut shown = world.shown(worker);
            (shown.nonce, shown.attested) = (nonce, attested.map(Epoch));
            if let Some((what, bytes)) = spoil {
                shown = spoilt(shown, what, bytes);
            }
            let now = world.now().0.wrapping_add(now);
            return (Input::Block(Box::new(shown)), Time(now));
        }
        Move::Evidence(bytes) => Input::Evidence(Evidence { kind: TeeKind::Simulated, bytes }),
        Move::Shares { key, index, share } => {
            let wanted = wanted(world, key);
            let Wanted { app, path, identity } = &wanted;
            let own = keys("worker").transport;
            let network = world.genesis.id();
            let good = vault().grant(&network, app, *path, identity, own.public(), &mut rng(4));
            let any = EncryptedShare(share.try_into().unwrap());
            Input::Shares { wanted, shares: vec![(index, if index == 1 { good } else { any })] }
        }
        Move::Bytes { which, other } => {
            Input::Bytes(world.bytes.values().nth(which.into()).cloned().unwrap_or(other))
        }
        Move::Ran { is_known, attempt, length, reason } => Input::Ran {
            request: if is_known { first() } else { RequestId([2; 32]) },
            attempt: Attempt(attempt),
            outcome: length.map(|length| (vec![0; length], Fuel(1))).ok_or(reason),
        },
        Move::PayTo => Input::Bytes(Vec::new()),
    };
    (input, now)
}

fn first() -> RequestId {
    RequestId::new(&chain(), &contract(), 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn nothing_that_comes_in_makes_a_worker_panic_or_sign_what_was_not_run(
        moves in prop::collection::vec(moves(), 1..30),
    ) {
        let (mut world, mut worker, _) = World::with_request();
        let mut running = false;
        for next in moves {
            if matches!(next, Move::PayTo) {
                worker.pay_to(chain(), account("another"));
            }
            let (input, now) = input(&mut world, &worker.id(), next);
            let is_outcome = matches!(input, Input::Ran { request, attempt: Attempt(1), .. }
                if request == first());
            let outputs = worker.step(input, now);
            for output in &outputs {
                if let Output::Submit(signed) = output
                    && matches!(signed.action, Action::Answer { .. } | Action::Fail { .. })
                {
                    prop_assert!(running && is_outcome);
                }
            }
            if is_outcome && !outputs.is_empty() {
                running = false;
            }
            running |= outputs.iter().any(|output| matches!(output, Output::Run(_)));
        }
    }

    #[test]
    fn whatever_bytes_are_opened_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (mut world, mut worker) = World::ready();
        let envelope = world.keep(bytes);
        prop_assume!(envelope != Hash::of(COMPONENT));
        let submission = sotto_types::Submission { submitter: account("alice"), envelope };
        let ask = world.ask(vec![submission]);
        world.assigned(&ask);
        let run = world.show(&mut worker).runs.pop().unwrap();
        prop_assert!(run.call.submissions[0].payload.is_none());
    }
}
