//! What a worker's untrusted host may bring the enclave, in any order: certified blocks, evidence,
//! shares, bytes, outcomes. Only what the ledger assigned runs, with what the bidders sealed, and
//! one run signs one answer.

use crate::Reached;
use crate::network::{ASSIGNED, COMPONENT, NETWORK, id, key, manifest, vault};
use borsh::{BorshDeserialize, BorshSerialize};
use sotto_crypto::sign::Signature;
use sotto_crypto::vet::EncryptedShare;
use sotto_roles::Wanted;
use sotto_roles::council::Council;
use sotto_roles::worker::{Input, Output, Run, Shown, Work};
use sotto_types::{
    Account, Action, AppId, Attempt, Certificate, Epoch, Evidence, Fuel, Identity, KeyPath, Proof,
    RequestId, TeeKind, limits,
};
use std::collections::VecDeque;

/// Inputs of one script that are looked at.
const INPUTS_MAX: usize = 24;

/// An input in bytes; nothing of Sotto's travels so.
#[derive(Clone, BorshSerialize, BorshDeserialize)]
#[allow(clippy::large_enum_variant, reason = "a few, for a moment")]
enum Told {
    Block {
        certificate: Certificate,
        clock: Proof,
        nonce: u64,
        attested: Option<u64>,
        work: Vec<(RequestId, Proof, Proof)>,
    },
    Evidence(Vec<u8>),
    Shares {
        app: AppId,
        path: KeyPath,
        identity: Identity,
        shares: Vec<(u32, EncryptedShare)>,
    },
    Bytes(Vec<u8>),
    Ran {
        request: RequestId,
        attempt: u32,
        outcome: Result<(Vec<u8>, u64), String>,
    },
}

impl Told {
    fn input(self) -> Input {
        match self {
            Self::Block { certificate, clock, nonce, attested, work } => {
                let work = work.into_iter();
                let work = work.map(|(id, request, app)| Work { id, request, app }).collect();
                let attested = attested.map(Epoch);
                let (seats, boot) = (Vec::new(), None);
                let shown = Shown { certificate, clock, nonce, attested, work, seats, boot };
                Input::Block(Box::new(shown))
            }
            Self::Evidence(bytes) => Input::Evidence(Evidence { kind: TeeKind::Simulated, bytes }),
            Self::Shares { app, path, identity, shares } => {
                Input::Shares { wanted: Wanted { app, path, identity }, shares }
            }
            Self::Bytes(bytes) => Input::Bytes(bytes),
            Self::Ran { request, attempt, outcome } => {
                let outcome = outcome.map(|(output, fuel)| (output, Fuel(fuel)));
                Input::Ran { request, attempt: Attempt(attempt), outcome }
            }
        }
    }

    fn of(input: &Input) -> Self {
        match input {
            Input::Block(shown) => {
                let Shown { certificate, clock, nonce, attested, work, .. } = (**shown).clone();
                let work = work.into_iter().map(|work| (work.id, work.request, work.app)).collect();
                let attested = attested.map(|epoch| epoch.0);
                Self::Block { certificate, clock, nonce, attested, work }
            }
            Input::Evidence(evidence) => Self::Evidence(evidence.bytes.clone()),
            Input::Shares { wanted: Wanted { app, path, identity }, shares } => {
                let (app, path, identity) = (*app, *path, *identity);
                Self::Shares { app, path, identity, shares: shares.clone() }
            }
            Input::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Input::Ran { request, attempt, outcome } => {
                let outcome = outcome.clone().map(|(output, fuel)| (output, fuel.0));
                Self::Ran { request: *request, attempt: attempt.0, outcome }
            }
            _ => unreachable!("this target tells of no sessions"),
        }
    }
}

/// A borsh list of inputs to a worker that has just begun.
pub fn worker(bytes: &[u8]) -> Reached {
    let Ok(told) = borsh::from_slice::<Vec<Told>>(bytes) else { return Reached::Refused };
    let mut worker = crate::network::worker(&NETWORK.genesis);
    let (mut runs, mut answers) = (0, 0);
    for told in told.into_iter().take(INPUTS_MAX) {
        for output in worker.step(told.input(), NETWORK.now()) {
            match output {
                Output::Run(run) => {
                    check_run(&run);
                    runs += 1;
                }
                Output::Submit(signed) => answers += check_action(&signed.action),
                Output::Attest(binding) => {
                    assert_eq!(binding.network, NETWORK.genesis.id(), "another network's");
                }
                Output::AskShares(_) | Output::Fetch(_) | Output::Distrust(_) => {}
                Output::Keep(_) | Output::Reply { .. } | Output::Refuse(_) | Output::Call(_) => {
                    panic!("a session that nobody opened")
                }
            }
        }
    }
    assert!(answers <= runs, "{answers} answers of {runs} runs");
    if runs > 0 { Reached::Taken } else { Reached::Refused }
}

pub(crate) fn check_run(run: &Run) {
    assert_eq!(run.request, id(ASSIGNED), "a request that is not the worker's runs");
    assert_eq!((run.component.as_slice(), &run.manifest), (COMPONENT, &manifest()));
    let seen = run.call.submissions.iter();
    let seen: Vec<(Account, Option<Vec<u8>>)> =
        seen.map(|one| (one.submitter, one.payload.as_ref().map(|p| p.to_vec()))).collect();
    let sealed = NETWORK.bids.iter().map(|(by, bid)| (*by, Some(bid.clone())));
    assert_eq!(seen, sealed.collect::<Vec<_>>(), "not what was sealed");
    assert_eq!(run.call.payload, b"reserve 50");
}

/// How many answers it is.
fn check_action(action: &Action) -> usize {
    match action {
        Action::Answer { receipt, result, signature } => {
            assert!(result.len() <= limits::RESULT_MAX);
            assert_eq!(receipt.receipt.request, id(ASSIGNED));
            let by = Signature(receipt.signature).recover(&receipt.receipt.digest());
            assert_eq!(by, Ok(key("worker").public()));
            assert!(Signature(*signature).recover(&receipt.receipt.on_chain.0).is_ok());
            1
        }
        Action::Fail { reason, .. } => {
            assert!(reason.len() <= limits::REASON_MAX);
            1
        }
        Action::Attest { .. } | Action::ResultKey { .. } => 0,
        other => panic!("a worker says {other:?}"),
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut genuine = honest();
    let encode = |script: &Vec<Told>| borsh::to_vec(script).unwrap();
    let mut seeds = vec![encode(&genuine)];
    // Each answer only once everything was asked for; everything twice; the other way round.
    genuine.sort_by_key(|told| matches!(told, Told::Ran { .. }));
    seeds.push(encode(&genuine));
    seeds.push(encode(&[genuine.clone(), genuine.clone()].concat()));
    let mut failing = genuine.clone();
    if let Some(Told::Ran { outcome, .. }) = failing.last_mut() {
        *outcome = Err("a reason of é".repeat(40));
    }
    seeds.push(encode(&failing));
    if let Some(Told::Ran { outcome, .. }) = failing.last_mut() {
        *outcome = Ok((vec![1; limits::RESULT_MAX + 1], 7));
    }
    seeds.push(encode(&failing));
    genuine.reverse();
    seeds.push(encode(&genuine));
    seeds
}

/// What an honest host brings, in the order it is asked for.
fn honest() -> Vec<Told> {
    let network = &*NETWORK;
    let council = Council::new(&network.genesis, key("member"), vault());
    let mut worker = crate::network::worker(&network.genesis);
    let mut queue = VecDeque::from([Input::Block(Box::new(network.shown()))]);
    let mut told = Vec::new();
    while let Some(input) = queue.pop_front() {
        told.push(Told::of(&input));
        for output in worker.step(input, network.now()) {
            queue.extend(network.answer(&council, output));
        }
    }
    told
}

/// The run that an honest host brings about.
#[cfg(test)]
pub(crate) fn honest_run() -> Run {
    let mut worker = crate::network::worker(&NETWORK.genesis);
    let steps = honest().into_iter();
    let mut outputs = steps.flat_map(|told| worker.step(told.input(), NETWORK.now()));
    let run = outputs.find_map(|output| match output {
        Output::Run(run) => Some(*run),
        _ => None,
    });
    run.expect("the honest host brings a run about")
}
