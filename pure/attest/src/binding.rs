//! What evidence is bound to: without this, genuine evidence of somebody else would do.

#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256, Sha512};
use sotto_types::{Hash, NetworkId, WorkerKeys};

/// The part a node plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs apps.
    Worker,
}

impl Role {
    const fn bytes(self) -> &'static [u8; 8] {
        match self {
            Self::Worker => b"worker\0\0",
        }
    }
}

/// The binding of evidence that goes into the ledger (DESIGN §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The network, hence its kind.
    pub network: NetworkId,
    /// The node's role.
    pub role: Role,
    /// This epoch's challenge.
    pub challenge: Hash,
    /// The node's keys.
    pub keys: WorkerKeys,
}

impl Binding {
    /// SHA-512("sotto/bind/ledger/v1" ‖ network ‖ role (8 bytes) ‖ challenge ‖ signing key (33) ‖
    /// transport key (48)), for fields of 64 bytes. The signing key stands for the operator until
    /// operators are registered apart from their nodes.
    pub fn bytes(&self) -> [u8; 64] {
        self.hashed(Sha512::new_with_prefix(b"sotto/bind/ledger/v1")).into()
    }

    /// The same fields under SHA-256 and the domain "sotto/bind/ledger32/v1", for kinds whose field
    /// does not hold 64 bytes: a TPM's extra data may end after 34. A domain of its own keeps one
    /// form from being taken for a part of the other.
    pub fn short(&self) -> [u8; 32] {
        self.hashed(Sha256::new_with_prefix(b"sotto/bind/ledger32/v1")).into()
    }

    fn hashed<D: Digest>(&self, domain: D) -> sha2::digest::Output<D> {
        domain
            .chain_update(self.network.0)
            .chain_update(self.role.bytes())
            .chain_update(self.challenge.0)
            .chain_update(self.keys.signing)
            .chain_update(self.keys.transport)
            .finalize()
    }
}

/// What evidence must be bound to. There is no default: whoever does not care says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The challenge the verifier chose, in the field the kind has for it; fields of a fixed width
    /// are padded with zeros on the right. Made by [`Expected::nonce`].
    Nonce(Vec<u8>),
    /// The whole field that the prover fills. Made by [`Expected::report_data`].
    ReportData(Vec<u8>),
    /// Nothing: the evidence may be anybody's, and old. The best status is a warning.
    DangerouslyUnbound,
}

/// An expectation that says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an expectation has between 1 and 4096 bytes, and a challenge is not all zero")]
pub struct NoChallenge;

impl Expected {
    /// The verifier's challenge.
    ///
    /// # Errors
    /// [`NoChallenge`] also for zeros alone: padded, they would match evidence over nothing
    /// (GHSA-4r6g-mp48-j2rw).
    pub fn nonce(bytes: &[u8]) -> Result<Self, NoChallenge> {
        let says = bytes.len() <= 4096 && bytes.iter().any(|byte| *byte != 0);
        says.then(|| Self::Nonce(bytes.to_vec())).ok_or(NoChallenge)
    }

    /// The whole field, compared to the byte.
    ///
    /// # Errors
    /// [`NoChallenge`].
    pub fn report_data(bytes: &[u8]) -> Result<Self, NoChallenge> {
        let says = (1..=4096).contains(&bytes.len());
        says.then(|| Self::ReportData(bytes.to_vec())).ok_or(NoChallenge)
    }
}
