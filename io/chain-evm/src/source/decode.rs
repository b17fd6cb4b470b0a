//! One request out of its event. Its consumer's contract chose nearly every byte of it.

use crate::abi::{Sotto, account};
use alloy::{
    primitives::{B256, LogData},
    rpc::types::Log,
    sol_types::SolEvent as _,
};
use sotto_types::{
    Amount, AppId, Ask, Assurance, ChainEvent, Context, Generation, Hash, Submission, Time, limits,
};

/// Reads a `Requested` event of the Sotto contract from its topics and data, which may be any bytes
/// whatever. The request, or why it cannot be read; the contract's counter moves on either way.
///
/// What is not looked at here: whether the request hashes to what the contract keeps.
pub fn read_request(topics: &[[u8; 32]], data: &[u8]) -> ChainEvent {
    let topics = topics.iter().map(B256::from).collect();
    let data = LogData::new_unchecked(topics, data.to_vec().into());
    let inner = alloy::primitives::Log { address: Default::default(), data };
    requested(&Log { inner, ..Log::default() })
}

pub(crate) fn requested(log: &Log) -> ChainEvent {
    let number = log.topics().get(1).map(number_of).unwrap_or_default();
    match Sotto::Requested::decode_log_validate(&log.inner) {
        Ok(event) => {
            let read = ask(&event.data);
            read.map_or_else(|reason| unreadable(number, reason), ChainEvent::Requested)
        }
        Err(error) => unreadable(number, format!("does not decode: {error}")),
    }
}

fn number_of(topic: &B256) -> u64 {
    let mut last = [0; 8];
    last.copy_from_slice(&topic.0[24..]);
    u64::from_be_bytes(last)
}

fn unreadable(number: u64, reason: impl Into<String>) -> ChainEvent {
    let reason: String = reason.into();
    let end = reason.floor_char_boundary(limits::REASON_MAX);
    ChainEvent::Unreadable { number, reason: reason[..end].to_owned() }
}

fn ask(event: &Sotto::Requested) -> Result<Ask, String> {
    let asked = &event.ask;
    let within = |what: &str, found: usize, limit: usize| {
        if found <= limit { Ok(()) } else { Err(format!("{found} {what}, at most {limit}")) }
    };
    within("submissions", asked.submissions.len(), limits::SUBMISSIONS_MAX)?;
    within("bytes of payload", asked.payload.len(), limits::ONCHAIN_PAYLOAD_MAX)?;
    let callback = asked.callbackGas;
    if callback > limits::CALLBACK_GAS_MAX || !callback.is_multiple_of(limits::CALLBACK_GAS_STEP) {
        return Err(format!("callback gas {callback}"));
    }
    let escrow: u128 =
        event.escrow.try_into().map_err(|_| format!("an escrow of {} wei", event.escrow))?;
    Ok(Ask {
        number: event.id,
        consumer: account(event.consumer),
        app: AppId(asked.app.0),
        generation: Generation(asked.generation),
        context: Context(asked.context.0),
        submissions: asked
            .submissions
            .iter()
            .map(|one| Submission {
                submitter: account(one.submitter),
                envelope: Hash(one.envelope.0),
            })
            .collect(),
        payload_hash: payload_hash(&asked.payload, asked.payloadHash)?,
        payload: asked.payload.to_vec(),
        callback_gas: callback,
        assurance: Assurance(asked.assurance),
        deadline: Time(asked.deadline),
        escrow: Amount(escrow),
    })
}

/// As the contract fills it in: zero stands for the hash of what is there.
fn payload_hash(payload: &[u8], given: B256) -> Result<Hash, String> {
    let actual = Hash::of(payload);
    if given == B256::ZERO || given.0 == actual.0 {
        Ok(actual)
    } else if payload.is_empty() {
        Ok(Hash(given.0))
    } else {
        Err("the payload is not the one its hash names".into())
    }
}
