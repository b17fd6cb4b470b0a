//! What follows an envelope, both ways: one AES-256-GCM a message under keys from the envelope's
//! K, `counter u96 BE ‖ ciphertext ‖ tag`, 28 bytes over the message. The counter is the nonce and
//! rises strictly in each direction; a replay or a reordered message is refused, a lost one is
//! seen by who counts. Message lengths are visible: pad inside where they tell something. Not
//! here: the session's end, which is its epoch's.

use crate::{commit::Blind, kdf, secret::Secret};
use aes_gcm::{AeadInPlace, Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

const COUNTER: usize = 12;
const TAG: usize = 16;
const COUNTER_MAX: u128 = (1 << 96) - 1;
const CLIENT_TO_SERVER: &[u8] = b"sotto/session/v1/c2s";
const SERVER_TO_CLIENT: &[u8] = b"sotto/session/v1/s2c";
const COMMITMENTS: &[u8] = b"sotto/session/v1/commit";
const BLIND: &[u8] = b"sotto/session/v1/blind";

/// Bytes of a session message over what it carries.
pub const SESSION_OVERHEAD: usize = COUNTER + TAG;

/// Which end of a session.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// Who sealed the envelope.
    Client,
    /// Who opened it.
    Server,
}

/// One end of a session. The server's end must exist once: whoever opens the same envelope again
/// (a second replica, a restart) has the same keys and would use the same nonces. So only an
/// envelope whose associated data names one seat and its boot id may be answered through a
/// session.
pub struct Session {
    sending: Direction,
    receiving: Direction,
    /// What both ends, and nobody else, derive the blinds of commitments from.
    commitments: Secret<32>,
}

/// What of a call is committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// What the app was given.
    Input,
    /// What it gave, or why it gave nothing.
    Output,
}

struct Direction {
    cipher: Box<Aes256Gcm>,
    /// Of the last message; 0 before the first, which has 1.
    counter: u128,
}

impl Session {
    /// Keys: HKDF(K, direction ‖ SHA-256(head), 32).
    pub(super) fn new(k: &Secret<32>, head: &[u8; 32], side: Side) -> Self {
        let direction = |name: &[u8]| {
            let key: Secret<32> = kdf::derive(k.expose(), &[name, head]);
            Direction { cipher: Box::new(Aes256Gcm::new(key.expose().into())), counter: 0 }
        };
        let commitments = kdf::derive(k.expose(), &[COMMITMENTS, head]);
        let (to_server, to_client) = (direction(CLIENT_TO_SERVER), direction(SERVER_TO_CLIENT));
        match side {
            Side::Client => Self { sending: to_server, receiving: to_client, commitments },
            Side::Server => Self { sending: to_client, receiving: to_server, commitments },
        }
    }

    /// The blind of one call's input or output: HKDF of the session's own secret over
    /// "sotto/session/v1/blind" ‖ 0 for the input, 1 for the output ‖ call u64 BE. Both ends have
    /// it; whom the client shows a receipt to, it may give this blind alone.
    pub fn blind(&self, call: u64, what: Committed) -> Blind {
        let what = match what {
            Committed::Input => [0],
            Committed::Output => [1],
        };
        let parts: [&[u8]; 3] = [BLIND, &what, &call.to_be_bytes()];
        Blind::new(kdf::derive(self.commitments.expose(), &parts))
    }

    /// Seals the next message of this end.
    ///
    /// # Errors
    /// [`SessionError::Exhausted`] after 2^96 − 1 messages, or for one longer than AES-GCM takes
    /// (64 GiB).
    pub fn seal_next(&mut self, message: &[u8]) -> Result<Vec<u8>, SessionError> {
        let Direction { cipher, counter } = &mut self.sending;
        if *counter >= COUNTER_MAX {
            return Err(SessionError::Exhausted);
        }
        // Counted before it is used: whatever happens below, no nonce comes twice.
        *counter += 1;
        let nonce = nonce(*counter);
        let mut out = Vec::with_capacity(message.len() + SESSION_OVERHEAD);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(message);
        let tag = cipher.encrypt_in_place_detached((&nonce).into(), &[], &mut out[COUNTER..]);
        out.extend_from_slice(&tag.map_err(|_| SessionError::Exhausted)?);
        Ok(out)
    }

    /// Opens the other end's next message. One that fails changes nothing: the next good one
    /// still opens.
    ///
    /// # Errors
    /// [`SessionError::Replayed`] for a counter not above the last one; [`SessionError::Failed`]
    /// for anything else that is not a message of the other end.
    pub fn open_next(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SessionError> {
        let (nonce, rest) = sealed.split_first_chunk::<COUNTER>().ok_or(SessionError::Failed)?;
        let (message, tag) = rest.split_last_chunk::<TAG>().ok_or(SessionError::Failed)?;
        let counter = nonce.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte));
        let Direction { cipher, counter: last } = &mut self.receiving;
        if counter <= *last {
            return Err(SessionError::Replayed { counter, last: *last });
        }
        let mut message = Zeroizing::new(message.to_vec());
        cipher
            .decrypt_in_place_detached(nonce.into(), &[], &mut message, tag.into())
            .map_err(|_| SessionError::Failed)?;
        *last = counter;
        Ok(message)
    }
}

/// The last 12 bytes of the counter, big-endian.
fn nonce(counter: u128) -> [u8; COUNTER] {
    let mut out = [0; COUNTER];
    out.copy_from_slice(&counter.to_be_bytes()[16 - COUNTER..]);
    out
}

/// Why a session message was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// This end may not send more.
    #[error("the session can carry no further message")]
    Exhausted,
    /// A message seen before, or one from before the last.
    #[error("message {counter} does not come after {last}")]
    Replayed {
        /// Its counter.
        counter: u128,
        /// The last counter accepted.
        last: u128,
    },
    /// Not a message of this session and direction.
    #[error("the message does not open")]
    Failed,
}

#[cfg(test)]
mod tests;
