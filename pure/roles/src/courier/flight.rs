//! Transactions on their way, and the journal they are kept in.

use super::lane::Lane;
use super::{Built, End, Fee, NotAJournal, Raw};
use borsh::{BorshDeserialize, BorshSerialize};
use sotto_types::{Hash, Time};
use std::collections::BTreeMap;

/// Version of the journal; another one is refused, never guessed at.
const VERSION: u8 = 1;

/// One nonce that is taken, and everything ever signed for it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Flight {
    /// The delivery it carries; none if it only fills its nonce.
    pub(super) entry: Option<u64>,
    /// The ledger has let go of the delivery.
    pub(super) gone: bool,
    /// Chain time after which the call must not be broadcast any more, margin not yet taken off.
    pub(super) deadline: Option<Time>,
    /// The call.
    pub(super) built: Built,
    /// The latest attempt.
    pub(super) raw: Raw,
    /// Its fee.
    pub(super) fee: Fee,
    /// Hashes of all attempts, oldest first.
    pub(super) hashes: Vec<Hash>,
    /// How many of them carry the call; the rest are empty transactions in its place.
    pub(super) calls: u32,
    #[borsh(skip)]
    pub(super) phase: Phase,
    /// Looks in a row that found none of the hashes.
    #[borsh(skip)]
    pub(super) misses: u32,
}

/// What is known of a flight. Not journalled: after a restart the chain is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Read from the journal; it may or may not have been broadcast.
    #[default]
    Restored,
    /// Being broadcast; `before` says that an earlier broadcast may have been taken.
    Submitting { before: bool },
    /// Taken by a node at that time.
    Sent { at: Time },
    /// Perhaps taken.
    Unsure,
    /// Its fee was too low to be taken.
    Underpriced,
    /// Being signed anew with this fee, `void` with nothing in place of the call.
    Signing { fee: Fee, void: bool },
    /// The chain is being asked; `rejected` says that the node refused the last broadcast.
    Asking { rejected: bool },
    /// In a block.
    Included,
}

impl Flight {
    /// Whether it has yet to get into a block.
    pub(super) fn pending(&self) -> bool {
        self.phase != Phase::Included
    }

    /// Whether its latest attempt does nothing but use the nonce.
    pub(super) fn void(&self) -> bool {
        self.hashes.len() > self.calls as usize
    }

    /// Whether the attempt with this hash carries the call.
    pub(super) fn carries(&self, hash: &Hash) -> bool {
        self.hashes.iter().take(self.calls as usize).any(|known| known == hash)
    }

    /// One more attempt, signed.
    pub(super) fn attempt(&mut self, raw: Raw, fee: Fee, void: bool) {
        if self.hashes.last() != Some(&raw.hash) {
            self.hashes.push(raw.hash);
            if !void {
                self.calls = self.calls.saturating_add(1);
            }
        }
        (self.raw, self.fee) = (raw, fee);
    }
}

/// What survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Journal {
    pub(super) lane: Lane,
    pub(super) flights: BTreeMap<u64, Flight>,
    /// Deliveries that ended and that the ledger still holds.
    pub(super) ended: BTreeMap<u64, End>,
}

impl Journal {
    pub(super) fn encode(&self) -> Vec<u8> {
        borsh::to_vec(&(VERSION, self)).unwrap_or_default()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, NotAJournal> {
        let (&version, mut body) = bytes.split_first().ok_or(NotAJournal::Empty)?;
        if version != VERSION {
            return Err(NotAJournal::Version { found: version, known: VERSION });
        }
        let journal = Self::deserialize(&mut body)
            .map_err(|error| NotAJournal::Malformed(error.to_string()))?;
        if !body.is_empty() {
            return Err(NotAJournal::Malformed(format!("{} bytes too many", body.len())));
        }
        if journal.flights.values().any(|flight| flight.calls as usize > flight.hashes.len()) {
            return Err(NotAJournal::Malformed("more calls than attempts".into()));
        }
        Ok(journal)
    }
}
