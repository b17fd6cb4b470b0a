//! What goes wrong, by whose fault it is.

use sotto_crypto::envelope::SealError;
use sotto_types::{Hash, NetworkId, RequestId, SessionRefused, Time};

/// Why a question to the network has no answer, by blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection, a broken one, or no answer in time: ask again, or another gateway.
    #[error("the gateway cannot be reached: {0}")]
    Unreachable(String),
    /// The gateway answered with an error.
    #[error("the gateway answered {status}: {message}")]
    Gateway {
        /// The HTTP status.
        status: u16,
        /// The gateway's words, without control characters and cut short.
        message: String,
    },
    /// The gateway's answer is longer than anything right could be.
    #[error("an answer of more than {max} bytes")]
    TooLong {
        /// Bytes taken.
        max: usize,
    },
    /// Bytes that are not what they are said to be.
    #[error("not a {what}: {why}")]
    Malformed {
        /// What they are said to be.
        what: &'static str,
        /// What is wrong with them.
        why: String,
    },
    /// Well-formed, and not proved: somebody lies, or it is of another network.
    #[error("not believed: {0}")]
    NotBelieved(#[from] NotBelieved),
    /// The council does not take, or the ledger does not carry out, the action.
    #[error("refused: {0}")]
    Refused(String),
    /// A seat does not do what was sent to it; the word of whoever carried the message.
    #[error("the seat refuses: {0}")]
    Session(SessionRefused),
    /// What was waited for did not come in time.
    #[error("{what} after {seconds} s")]
    Late {
        /// How far it had come.
        what: String,
        /// How long was waited, in seconds.
        seconds: u64,
    },
    /// The payload cannot be sealed.
    #[error("cannot seal: {0}")]
    Seal(#[from] SealError),
    /// The caller gave something that cannot be asked for.
    #[error("{what}: {why}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Why something well-formed is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotBelieved {
    /// Certificate, path or receipt do not prove it.
    #[error(transparent)]
    Ledger(#[from] sotto_ledger::certificate::NotBelieved),
    /// The genesis is of another network than the one expected.
    #[error("the genesis is of network {got}, not {want}")]
    Genesis {
        /// The network expected.
        want: NetworkId,
        /// The network it begins.
        got: NetworkId,
    },
    /// The certificate is older than the bound: somebody shows an old state.
    #[error("the certificate of time {time} is more than {max} s old at {now}")]
    Stale {
        /// The certified block's time.
        time: Time,
        /// The caller's clock.
        now: Time,
        /// How old it may be, in seconds.
        max: u64,
    },
    /// The certificate is of the future: one of the two clocks is wrong.
    #[error("the certificate of time {time} is more than {max} s ahead of {now}")]
    Ahead {
        /// The certified block's time.
        time: Time,
        /// The caller's clock.
        now: Time,
        /// How far ahead it may be, in seconds.
        max: u64,
    },
    /// The bytes are not those of their hash.
    #[error("the bytes have hash {got}, not {want}")]
    Bytes {
        /// The hash asked for, or of the bytes sent.
        want: Hash,
        /// The hash of what came, or as the gateway says it.
        got: Hash,
    },
    /// An answer that is not the session's seat's.
    #[error("the answer is not the seat's: {0}")]
    NotTheSeat(&'static str),
    /// A proof of something else than was asked for.
    #[error("the proof is of another entry than was asked for")]
    OtherEntry,
    /// The receipt of another request than its own words name.
    #[error("the receipt's chain, contract and number do not make request {0}")]
    Request(RequestId),
    /// The result is not the one the receipt was signed for.
    #[error("the result is not the one that the receipt's digest {0} names")]
    Result(Hash),
    /// No key signed the result for its chain.
    #[error("no result key signed the digest {0}")]
    ResultKey(Hash),
}

impl From<sotto_ledger::certificate::NotBelieved> for ClientError {
    fn from(why: sotto_ledger::certificate::NotBelieved) -> Self {
        Self::NotBelieved(why.into())
    }
}

impl ClientError {
    pub(crate) fn malformed(what: &'static str, why: impl core::fmt::Display) -> Self {
        Self::Malformed { what, why: plain(&why.to_string()) }
    }

    pub(crate) fn argument(what: &'static str, why: impl core::fmt::Display) -> Self {
        Self::Argument { what, why: why.to_string() }
    }
}

/// The longest text of somebody else's that is passed on, in characters.
const TEXT_MAX: usize = 512;

/// Somebody else's words, fit for a terminal: no control characters, not too many.
pub(crate) fn plain(text: &str) -> String {
    let text = text.trim().chars().take(TEXT_MAX);
    text.map(|c| if c.is_control() { ' ' } else { c }).collect()
}
