//! What signers may ask of the ledger: any actions at all, signed by keys the network knows. The
//! council takes what it may into blocks that are always good, every action has one outcome, and
//! value is conserved.

use crate::Reached;
use crate::ledger::conserved;
use crate::network::{
    ANSWERED, ASSIGNED, BOOT, NETWORK, SETTLED, WAITING, account, block_ref, chain, contract, id,
    key, keys, manifest, result, signed, vault,
};
use sotto_attest::{Binding, Role};
use sotto_crypto::sign::SigningKey;
use sotto_ledger::state::{Chain, Clock, Outgoing, Progress, Request};
use sotto_ledger::view::list;
use sotto_ledger::{Event, apply, propose};
use sotto_roles::council::Council;
use sotto_roles::worker::{Input, Output};
use sotto_types::{
    Action, Attempt, Batch, Block, ChainEvent, Epoch, Finality, Hash, Manifest, Measurement,
    SignedAction, SignedBatch, Submission, Wire as _, limits,
};
use std::collections::VecDeque;
use std::sync::LazyLock;

/// Who may sign, by the first byte of each step.
const SENDERS: [&str; 4] = ["member", "worker", "owner", "stranger"];
/// Steps of one script that are looked at.
const STEPS_MAX: usize = 12;

/// A borsh list of (who, action): each is signed with its sender's next nonce and given to the
/// council, then come two blocks of what the council has.
pub fn actions(bytes: &[u8]) -> Reached {
    let Ok(steps) = borsh::from_slice::<Vec<(u8, Action)>>(bytes) else { return Reached::Refused };
    let network = &*NETWORK;
    let mut council = Council::new(&network.genesis, key(SENDERS[0]), vault());
    let secrets = SENDERS.map(key);
    let mut nonces = secrets.each_ref().map(|key| network.nonce(&key.public().node_id()));
    let mut given = 0;
    for (who, action) in steps.into_iter().take(STEPS_MAX) {
        let who = usize::from(who) % SENDERS.len();
        if who == 0 {
            council.say(action);
            continue;
        }
        let signed = signed(&network.genesis, &secrets[who], nonces[who] + 1, action);
        let is_well_formed = SignedAction::decode(&signed.encode()).is_ok();
        let pooled = council.pool(&network.view, signed);
        assert_eq!(pooled.is_ok(), is_well_formed, "pooled {pooled:?}");
        if pooled.is_ok() {
            nonces[who] += 1;
            given += 1;
        }
    }
    let mut view = network.view.clone();
    let mut done = false;
    for turn in 0..2 {
        let actions = council.actions(&view).expect("the council reads its state");
        assert!(turn > 0 || actions.len() >= given, "what was pooled is left out");
        let ids: Vec<Hash> = actions.iter().map(SignedAction::id).collect();
        let time = network.now().plus(1 + turn);
        let (block, applied) = propose(&view, time, actions).expect("the council's block is one");
        assert_eq!(Block::decode(&block.encode()).as_ref(), Ok(&block));
        assert_eq!(apply(&view, &block).as_ref(), Ok(&applied), "applied otherwise than proposed");
        for id in ids {
            let outcomes = applied.events.iter().filter(|event| is_outcome(event, &id));
            assert_eq!(outcomes.count(), 1, "action {id} has no one outcome");
        }
        done |= turn == 0 && applied.events.iter().any(|e| matches!(e, Event::Done { .. }));
        view.commit(&applied);
        conserved(&view);
        council.look(&view, |_| Ok(false)).expect("the council reads its state");
    }
    if done { Reached::Taken } else { Reached::Refused }
}

fn is_outcome(event: &Event, id: &Hash) -> bool {
    matches!(event, Event::Done { action } | Event::Refused { action, .. } if action == id)
}

/// One of every action, signed by who may.
pub(crate) fn every_action() -> Vec<SignedAction> {
    let network = &*NETWORK;
    // The last two scripts hold the same once more.
    let steps = SEEDS.iter().take(SEEDS.len() - 2).flatten();
    steps
        .map(|(who, action)| {
            let key = key(SENDERS[usize::from(*who)]);
            signed(&network.genesis, &key, 1, action.clone())
        })
        .collect()
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    SEEDS.iter().map(|script| borsh::to_vec(script).unwrap()).collect()
}

static SEEDS: LazyLock<Vec<Vec<(u8, Action)>>> = LazyLock::new(scripts);

const MEMBER: u8 = 0;
const WORKER: u8 = 1;
const OWNER: u8 = 2;
const STRANGER: u8 = 3;

fn scripts() -> Vec<Vec<(u8, Action)>> {
    let mut scripts = vec![
        vec![(WORKER, attestation("worker"))],
        vec![(STRANGER, attestation("stranger"))],
        vec![(MEMBER, Action::AdmitRelease(Measurement([0x52; 32])))],
        vec![(OWNER, Action::Deploy(another_app()))],
        vec![(MEMBER, Action::Hold(id(WAITING)))],
        vec![(MEMBER, admission("eip155:1")), (MEMBER, admission("eip155:8453"))],
        answers(),
        vec![(WORKER, fail())],
        endorsements(),
        seat_and_batches(),
    ];
    scripts.extend(observations());
    scripts.push(halt_and_resume());
    // All in one block, and the same by somebody who may not.
    let all: Vec<(u8, Action)> = scripts.iter().flatten().cloned().collect();
    scripts.push(all.iter().map(|(_, action)| (STRANGER, action.clone())).collect());
    scripts.push(all);
    scripts
}

/// What the worker says of the assigned request.
fn answers() -> Vec<(u8, Action)> {
    let submitted = worker_says();
    let said = submitted.into_iter().map(|signed| signed.action);
    let said = said.filter(|a| matches!(a, Action::ResultKey { .. } | Action::Answer { .. }));
    said.map(|action| (WORKER, action)).collect()
}

/// What a worker that begins anew says to the last block.
fn worker_says() -> Vec<SignedAction> {
    let network = &*NETWORK;
    let council = Council::new(&network.genesis, key(SENDERS[0]), vault());
    let mut worker = crate::network::worker(&network.genesis);
    let shown = Input::Block(Box::new(network.shown()));
    let mut queue = VecDeque::from(worker.step(shown, network.now()));
    let mut said = Vec::new();
    while let Some(output) = queue.pop_front() {
        if let Output::Submit(action) = output {
            said.push(*action);
            continue;
        }
        for input in network.answer(&council, output) {
            queue.extend(worker.step(input, network.now()));
        }
    }
    said
}

fn attestation(name: &str) -> Action {
    let network = &*NETWORK;
    let mut keys = keys().public();
    keys.signing = key(name).public().to_bytes();
    let challenge = network.get::<Clock>(&()).unwrap().challenge;
    let (role, id) = (Role::Worker, network.genesis.id());
    let binding = Binding { network: id, role, challenge, keys: keys.clone() };
    let payees = vec![(chain(), account("another payee"))];
    Action::Attest { keys, payees, evidence: network.evidence(&binding) }
}

fn another_app() -> Manifest {
    Manifest { name: "another".into(), holders: 1, ..manifest() }
}

fn admission(caip2: &str) -> Action {
    Action::AdmitChain {
        caip2: caip2.into(),
        contract: contract(),
        finality: Finality::Depth(3),
        start: block_ref(7, NETWORK.now()),
        key_lifetime: 3600,
    }
}

fn fail() -> Action {
    let Progress::Assigned(assignment) = NETWORK.get::<Request>(&id(ASSIGNED)).unwrap().progress
    else {
        panic!("the request is not assigned")
    };
    Action::Fail { request: id(ASSIGNED), attempt: assignment.attempt, reason: "trap".into() }
}

/// The worker's seat, its first batch, and the same batch again.
fn seat_and_batches() -> Vec<(u8, Action)> {
    let worker = key("worker");
    let batch = Batch {
        network: NETWORK.genesis.id(),
        worker: worker.public().node_id(),
        boot: BOOT,
        number: 1,
        first: 1,
        count: 3,
        root: Hash([1; 32]),
        leaves: Hash([2; 32]),
    };
    let signature = worker.sign(&batch.digest()).0;
    let batch = (WORKER, Action::Batch(SignedBatch { batch, signature }));
    vec![(WORKER, Action::Sit { app: manifest().id(), boot: BOOT }), batch.clone(), batch]
}

fn endorsements() -> Vec<(u8, Action)> {
    let network = &*NETWORK;
    let domain = network.get::<Chain>(&chain()).unwrap().domain;
    let entries = list::<Outgoing>(&network.view, &chain()).unwrap();
    assert!(!entries.is_empty(), "nothing is to be carried to the chain");
    let member: SigningKey = key(SENDERS[0]);
    let endorse = |(key, outgoing): (Vec<u8>, Outgoing)| {
        let entry = u64::from_be_bytes(key[33..].try_into().unwrap());
        let signature = member.sign(&outgoing.delivery.digest(&domain).0).0;
        (MEMBER, Action::Endorse { chain: chain(), entry, signature })
    };
    entries.into_iter().map(endorse).collect()
}

/// Everything a chain may say next.
fn observations() -> Vec<Vec<(u8, Action)>> {
    let network = &*NETWORK;
    let next = network.counted + 1;
    let submission =
        Submission { submitter: account("alice"), envelope: Hash(*id(WAITING).bytes()) };
    let asked = network.asked(next, vec![submission; 3]);
    let mut odd = network.asked(next + 1, vec![submission; limits::SUBMISSIONS_MAX]);
    (odd.deadline, odd.escrow) = (network.now(), sotto_types::Amount(u128::MAX));
    let settled = |number, bytes: &[u8]| ChainEvent::Settled {
        number,
        result: Hash::of(bytes),
        delivered: false,
    };
    let say = |events| vec![(MEMBER, Action::Observe(network.observation(events)))];
    vec![
        say(vec![]),
        say(vec![settled(ANSWERED, &result(ANSWERED)), ChainEvent::Delivered { number: ANSWERED }]),
        say(vec![settled(ANSWERED, b"another result")]),
        say(vec![ChainEvent::Requested(asked.clone()), ChainEvent::Requested(odd)]),
        say(vec![
            ChainEvent::Requested(asked),
            ChainEvent::Unreadable { number: next + 1, reason: "too long".into() },
            ChainEvent::Refunded { number: next + 1 },
            ChainEvent::Refunded { number: WAITING },
            ChainEvent::Refunded { number: ASSIGNED },
        ]),
        say(vec![
            ChainEvent::KeysSet { nonce: 1 },
            ChainEvent::Paid { nonce: 1 },
            ChainEvent::MembersSet { nonce: 1 },
            settled(ANSWERED, &result(ANSWERED)),
            settled(SETTLED, &result(SETTLED)),
        ]),
    ]
}

fn halt_and_resume() -> Vec<(u8, Action)> {
    let cursor = NETWORK.get::<Chain>(&chain()).unwrap().cursor;
    let now = block_ref(cursor.height + 1, cursor.time);
    let now = sotto_types::BlockRef { height: cursor.height, ..now };
    let halt = Action::Halt { chain: chain(), was: cursor, now };
    let resume = Action::Resume { chain: chain(), after: cursor };
    let key = account("another result key");
    let stale = Action::ResultKey { app: manifest().id(), epoch: Epoch(0), key };
    let late = Action::Fail { request: id(SETTLED), attempt: Attempt(1), reason: "late".into() };
    vec![(MEMBER, halt), (MEMBER, resume), (WORKER, stale), (WORKER, late)]
}
