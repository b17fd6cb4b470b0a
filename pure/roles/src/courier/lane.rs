//! The nonces of one account: each used once, in order, none left out.

use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeSet;

/// Most nonces taken back at once where the chain stands below us; more means another chain.
const DRIFT_MAX: u64 = 1024;

/// What is known of an account's nonces.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Lane {
    /// The lowest nonce never given out; unknown before the chain was asked.
    next: Option<u64>,
    /// Given back, hence to be given out first: a nonce left out stops all behind it.
    freed: BTreeSet<u64>,
}

impl Lane {
    /// The next nonce, if the chain was asked.
    pub(super) fn take(&mut self) -> Option<u64> {
        if let Some(freed) = self.freed.pop_first() {
            return Some(freed);
        }
        let next = self.next?;
        self.next = Some(next.saturating_add(1));
        Some(next)
    }

    /// Gives back a nonce that no transaction uses.
    pub(super) fn free(&mut self, nonce: u64) {
        self.freed.insert(nonce);
        self.shrink();
    }

    /// The lowest nonce given back.
    pub(super) fn gap(&self) -> Option<u64> {
        self.freed.first().copied()
    }

    /// The chain says that `latest` is the account's next nonce; `taken` are in use here. True if
    /// anything changed.
    pub(super) fn survey(&mut self, latest: u64, taken: &BTreeSet<u64>) -> bool {
        let before = self.clone();
        // Used by somebody else, or by us before the journal was lost.
        self.freed = self.freed.split_off(&latest);
        let next = self.next.map_or(latest, |next| next.max(latest));
        self.next = Some(next.max(taken.last().map_or(0, |last| last.saturating_add(1))));
        // Thought to be used, but the chain stands below and nothing here uses it: a
        // reorganisation took it back, or our count had drifted.
        let top = self.next.unwrap_or(latest).min(latest.saturating_add(DRIFT_MAX));
        self.freed.extend((latest..top).filter(|nonce| !taken.contains(nonce)));
        if top < self.next.unwrap_or(latest) && taken.last().is_none_or(|last| *last < top) {
            self.next = Some(top);
        }
        self.shrink();
        *self != before
    }

    fn shrink(&mut self) {
        while let (Some(next), Some(last)) = (self.next, self.freed.last().copied())
            && last.saturating_add(1) == next
        {
            self.freed.pop_last();
            self.next = Some(last);
        }
    }
}
