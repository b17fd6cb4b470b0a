//! Signatures between certificates that were verified once. Not here: verdicts; dates and
//! revocation are looked at each time.

use crate::hash::sha256;
use std::collections::BTreeSet;

/// Pairs of certificate and issuer whose signature held, at most [`Cache::MAX`].
#[derive(Clone, Debug, Default)]
pub struct Cache(BTreeSet<[u8; 32]>);

impl Cache {
    /// Pairs kept; when it is full it is emptied.
    pub const MAX: usize = 4096;

    /// Pairs kept now.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn pair(certificate: &[u8], issuer_key: &[u8]) -> [u8; 32] {
        sha256(&[sha256(certificate), sha256(issuer_key)].concat())
    }

    /// Whether the issuer's key signed the certificate (or other bytes that no certificate can
    /// be), by memory or by `verify`.
    pub(crate) fn signed<E>(
        &mut self,
        certificate: &[u8],
        issuer_key: &[u8],
        verify: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let pair = Self::pair(certificate, issuer_key);
        if self.0.contains(&pair) {
            return Ok(());
        }
        verify()?;
        if self.0.len() >= Self::MAX {
            self.0.clear();
        }
        self.0.insert(pair);
        Ok(())
    }
}
