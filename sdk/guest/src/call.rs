//! The call an app is given, as plain Rust.

use crate::bindings::sotto::app::types;

/// One request to an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// The chain the request came from, all zero for a direct request.
    pub chain: [u8; 32],
    /// Who asks. From a chain, the consumer contract; an EVM address stands in the last 20 bytes.
    /// All zero for a direct request.
    pub caller: [u8; 32],
    /// What the consumer called this request: an auction's id. In a direct request the session.
    pub context: Vec<u8>,
    /// The time of the block that assigned the request (of the last block before a direct one), in
    /// seconds since 1970. The app has no other clock.
    pub time: u64,
    /// What the consumer said in the open; in a direct request what the client said, which came
    /// sealed.
    pub payload: Vec<u8>,
    /// What was said in secret, in the order the consumer fixed.
    pub submissions: Vec<Submission>,
}

/// One of the sealed envelopes of a request, as the enclave opened it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// Who submitted it, as the consumer vouched; an EVM address stands in the last 20 bytes.
    pub submitter: [u8; 32],
    /// The plaintext; `None` when the envelope did not open for this request.
    pub content: Option<Vec<u8>>,
}

impl From<types::Call> for Call {
    fn from(call: types::Call) -> Call {
        let submissions = call.submissions.into_iter().map(|submission| Submission {
            submitter: word(&submission.submitter),
            content: submission.content,
        });
        Call {
            chain: word(&call.chain),
            caller: word(&call.caller),
            context: call.context,
            time: call.time,
            payload: call.payload,
            submissions: submissions.collect(),
        }
    }
}

/// The host's word of 32 bytes. Any other length is a host that broke the interface, and an app
/// must not go on with an identity it guessed: it traps.
fn word(bytes: &[u8]) -> [u8; 32] {
    match bytes.try_into() {
        Ok(word) => word,
        Err(_) => panic!("the host gave {} bytes for a word of 32", bytes.len()),
    }
}
