//! The courier's journal, as a disk gives it back: refused, or carried on from without a panic, and
//! what is journalled next reads again.

use crate::Reached;
use crate::network::{NETWORK, account, block_ref, result};
use sotto_roles::courier::{
    BuildError, Built, Fee, Raw, SendConfig, SendInput, SendOutput, Sender, SubmitError, Survey,
    TxStatus,
};
use sotto_types::{Answer, Attempt, Delivery, Generation, Hash, KeyEntry, Time, sha256};
use std::collections::{BTreeSet, VecDeque};

/// Steps after which a sender is left alone.
const STEPS_MAX: usize = 200;
/// The most transactions of one journal that are followed.
const BROADCASTS_MAX: usize = 64;

/// The journal behind a byte that says how the chain answers.
pub fn journal(bytes: &[u8]) -> Reached {
    let Some((mood, bytes)) = bytes.split_first() else { return Reached::Refused };
    match Sender::new(config(), Some(bytes)) {
        Err(why) => {
            drop(why.to_string());
            Reached::Refused
        }
        Ok(sender) => {
            let mut inputs = vec![SendInput::Holds(BTreeSet::from([1, 3]))];
            inputs.extend(deliveries());
            carry_on(sender, inputs, *mood);
            Reached::Taken
        }
    }
}

fn config() -> SendConfig {
    SendConfig::new(built(0), 100)
}

fn built(tag: u8) -> Built {
    Built { to: account("the Sotto contract"), calldata: vec![tag; 8], gas: 21_000 }
}

fn deliveries() -> Vec<SendInput> {
    let answer = Answer {
        number: 1,
        attempt: Attempt(1),
        app: crate::network::manifest().id(),
        generation: Generation(1),
        terms: Hash([9; 32]),
        result: result(1),
        deadline: NETWORK.now().plus(100),
    };
    let app = answer.app;
    let key = KeyEntry { app, key: account("result key"), expiry: NETWORK.now().plus(100) };
    let fulfil = Delivery::Fulfil { answer, signature: [1; 65] };
    let keys = Delivery::Keys { nonce: 1, entries: vec![key], signatures: vec![[2; 65]] };
    let all = [fulfil.clone(), keys, fulfil].into_iter().enumerate();
    all.map(|(at, delivery)| SendInput::Deliver { entry: at as u64 + 1, delivery }).collect()
}

/// Answers whatever the sender asks, for a while; the journals it kept.
fn carry_on(mut sender: Sender, inputs: Vec<SendInput>, mood: u8) -> Vec<Vec<u8>> {
    let mut queue = VecDeque::from(inputs);
    let (mut kept, mut broadcasts) = (Vec::new(), 0);
    let mut now = NETWORK.now();
    for step in 0..STEPS_MAX {
        now = now.plus(u64::from(mood % 3 == step as u8 % 3));
        let input = queue.pop_front().unwrap_or(SendInput::Tick);
        for output in sender.step(input, now) {
            match output {
                SendOutput::Persist(bytes) => {
                    let again = Sender::new(config(), Some(&bytes));
                    assert!(again.is_ok(), "its own journal is refused: {again:?}");
                    kept.push(bytes);
                }
                SendOutput::Broadcast { .. } if broadcasts >= BROADCASTS_MAX => return kept,
                question => {
                    broadcasts += usize::from(matches!(question, SendOutput::Broadcast { .. }));
                    queue.extend(answer(question, now, mood));
                }
            }
        }
    }
    kept
}

/// What the chain says, by its mood.
fn answer(question: SendOutput, now: Time, mood: u8) -> Option<SendInput> {
    let is_bad = mood & 0x10 != 0;
    Some(match question {
        SendOutput::AskSurvey => {
            let latest = u64::from(mood >> 5);
            let fee = Fee { max: 7, tip: (mood & 8 != 0).then_some(2) };
            let head = block_ref(50, now);
            let survey = Survey { head, final_height: 48, latest, settled: latest / 2, fee };
            SendInput::Survey(if mood == 0xff { Err("away".into()) } else { Ok(survey) })
        }
        SendOutput::Build { entry, .. } => {
            let built = if is_bad { Err(BuildError::AlreadyDone) } else { Ok(built(1)) };
            SendInput::Built { entry, built }
        }
        SendOutput::Sign { nonce, built, fee } => {
            let text = format!("{nonce} {built:?} {fee:?}");
            let hash = Hash(sha256(&[text.as_bytes()]));
            SendInput::Signed { nonce, raw: Ok(Raw { bytes: text.into_bytes(), hash }) }
        }
        SendOutput::Broadcast { nonce, raw } => {
            let result = match mood % 5 {
                0 => Err(SubmitError::Underpriced),
                1 => Err(SubmitError::Rejected("why".into())),
                2 => Err(SubmitError::NonceTooLow),
                _ => Ok(()),
            };
            SendInput::Submitted { nonce, hash: raw.hash, result }
        }
        SendOutput::AskFate { nonce, hashes } => {
            let hash = hashes.last().copied().unwrap_or_default();
            let ok = mood & 1 == 0;
            let status = match mood % 4 {
                0 => None,
                1 => Some(TxStatus::Unknown),
                2 => Some(TxStatus::Final { hash, height: 49, ok, gas: 7 }),
                _ => Some(TxStatus::Included { hash, height: 50, ok, gas: 7 }),
            };
            SendInput::Fate { nonce, status }
        }
        SendOutput::Persist(_)
        | SendOutput::Ended { .. }
        | SendOutput::Report(_)
        | SendOutput::WakeAt(_) => return None,
    })
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for mood in [0x03, 0x08, 0x26, 0x47, 0x63, 0x8a, 0xff] {
        let fresh = Sender::new(config(), None).expect("no journal is one");
        let mut kept = carry_on(fresh, deliveries(), mood);
        kept.dedup();
        // The first and the last few tell the most.
        let late = kept.len().saturating_sub(3).max(2);
        let kept = kept.iter().take(2).chain(kept.iter().skip(late));
        seeds.extend(kept.map(|bytes| [&[mood], bytes.as_slice()].concat()));
    }
    seeds
}
