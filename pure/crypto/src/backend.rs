//! The operations of BLS12-381 this room needs, twice: over `blst` ([`native`]) and in pure Rust
//! ([`twin`]); `blst` wins if both features are on. Points are ZCash-compressed, big-endian; keys
//! are in G2 and signatures in G1. Decoding is strict: canonical form, on the curve, in the
//! subgroup, not infinity, so that one point has one encoding and no pairing ever sees infinity.
//! Multiplications by secrets run in constant time in both. Not here: any scheme; that is
//! [`crate::vet`] and [`crate::ibe`].

#[cfg(feature = "blst")]
mod native;
#[cfg(any(test, not(feature = "blst")))]
mod twin;

#[cfg(feature = "blst")]
pub(crate) use native::{G1, G2, bls_verify, hash_to_scalar, pairing_bytes, pairings_match};
#[cfg(not(feature = "blst"))]
pub(crate) use twin::{G1, G2, bls_verify, hash_to_scalar, pairing_bytes, pairings_match};

/// An integer modulo the group order r. The same type under both backends: constant-time
/// arithmetic, 32 bytes.
pub(crate) use ic_bls12_381::Scalar;

use rand_core::CryptoRngCore;
use zeroize::{Zeroize, Zeroizing};

/// Domain of hashing to G1: BLS signatures with message augmentation, `draft-irtf-cfrg-bls-signature`
/// §4.2.2 (`docs/protocol/envelope.md`).
pub(crate) const AUG: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_AUG_";

/// A secret scalar: on the heap in one place, zeroed when dropped.
pub(crate) struct SecretScalar(Box<Scalar>);

impl SecretScalar {
    /// Takes `scalar` over; zero is the caller's to refuse.
    pub(crate) fn new(mut scalar: Scalar) -> Self {
        let out = Self(Box::new(scalar));
        scalar.zeroize();
        out
    }

    /// Uniform and not zero: 64 random bytes modulo r (bias below 2^-256).
    pub(crate) fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut wide = Zeroizing::new([0; 64]);
        loop {
            rng.fill_bytes(wide.as_mut_slice());
            let scalar = Scalar::from_bytes_wide(&wide);
            if !is_zero(&scalar) {
                return Self::new(scalar);
            }
        }
    }

    /// Big-endian, canonical, not zero.
    pub(crate) fn from_be(bytes: &[u8; 32]) -> Option<Self> {
        let mut little = Zeroizing::new(*bytes);
        little.reverse();
        let scalar = Scalar::from_bytes(&little).into_option()?;
        if is_zero(&scalar) {
            return None;
        }
        Some(Self::new(scalar))
    }

    /// 32 bytes, big-endian.
    pub(crate) fn to_be(&self) -> Zeroizing<[u8; 32]> {
        let mut bytes = Zeroizing::new(self.0.to_bytes());
        bytes.reverse();
        bytes
    }
}

impl core::ops::Deref for SecretScalar {
    type Target = Scalar;
    fn deref(&self) -> &Scalar {
        &self.0
    }
}

impl Drop for SecretScalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Whether it is the zero scalar, in constant time.
pub(crate) fn is_zero(scalar: &Scalar) -> bool {
    subtle::ConstantTimeEq::ct_eq(scalar, &Scalar::zero()).into()
}

#[cfg(test)]
mod tests;
