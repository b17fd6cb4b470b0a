//! The commitment to an output that a receipt carries instead of the output. Every enclave granted
//! the request's identity makes the same one, and nobody without the blind can test a guess. Not
//! here: the receipt (`types`).

use crate::{secret::Secret, vet::VetKey};
use sotto_types::{Hash, RequestId, id::sha256};
use subtle::ConstantTimeEq;

/// The 32 bytes that hide an output in its commitment. Whoever has them and the commitment can
/// test guesses at the output: they go to whom the output goes.
pub struct Blind(Secret<32>);

impl Blind {
    pub(crate) fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// A blind that came with an output.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Secret::from_bytes(bytes))
    }

    /// The bytes, to be sent with the output.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// The blind of a request's output: HKDF(vetKey, "sotto/output/v1" ‖ request id, 32), with the
/// vetKey of the request's identity.
pub fn blind(key: &VetKey, request: &RequestId) -> Blind {
    Blind(key.derive(&[b"sotto/output/v1".as_slice(), &request.0].concat()))
}

/// SHA-256("sotto/commit/v1" ‖ blind ‖ SHA-256(output)).
pub fn commit(blind: &Blind, output: &[u8]) -> Hash {
    Hash(sha256(&[b"sotto/commit/v1", blind.expose(), &sha256(&[output])]))
}

/// Whether `commitment` is that of `output` under `blind`.
pub fn verify(commitment: &Hash, blind: &Blind, output: &[u8]) -> bool {
    commit(blind, output).0.ct_eq(&commitment.0).into()
}

#[cfg(test)]
mod tests;
