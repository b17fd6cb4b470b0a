//! The backend in pure Rust, over `ic_bls12_381`, whose multiplications are constant-time
//! throughout. About three times slower than `blst`; its bytes are the same.

use super::{AUG, Scalar};
use ic_bls12_381::{
    G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective,
    hash_to_curve::{ExpandMsgXmd, HashToCurve, HashToField},
    multi_miller_loop, pairing,
};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// A point of G1, 48 bytes compressed.
#[derive(Clone, Copy)]
pub(crate) struct G1(G1Affine);

/// A point of G2, 96 bytes compressed.
#[derive(Clone, Copy)]
pub(crate) struct G2(G2Affine);

impl G1 {
    /// Strictly decoded.
    pub(crate) fn decode(bytes: &[u8; 48]) -> Option<Self> {
        let point = Self(G1Affine::from_compressed(bytes).into_option()?);
        (!point.is_infinity()).then_some(point)
    }

    /// Compressed.
    pub(crate) fn encode(&self) -> [u8; 48] {
        self.0.to_compressed()
    }

    /// `scalar`·G1.
    pub(crate) fn generator_mul(scalar: &Scalar) -> Self {
        Self((G1Affine::generator() * scalar).into())
    }

    /// `scalar`·self.
    pub(crate) fn mul(&self, scalar: &Scalar) -> Self {
        Self((self.0 * scalar).into())
    }

    /// self + other.
    pub(crate) fn add(&self, other: &Self) -> Self {
        Self((G1Projective::from(self.0) + other.0).into())
    }

    /// `scalar`·hash_to_G1(aug ‖ msg) (RFC 9380, suite of [`AUG`]).
    pub(crate) fn hash_mul(aug: &[u8], msg: &[u8], scalar: &Scalar) -> Self {
        Self((hash(aug, msg) * scalar).into())
    }

    /// Whether it is the point at infinity, which only arithmetic can give.
    pub(crate) fn is_infinity(&self) -> bool {
        self.0.is_identity().into()
    }
}

impl Zeroize for G1 {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

fn hash(aug: &[u8], msg: &[u8]) -> G1Projective {
    HashToCurve::<ExpandMsgXmd<Sha256>>::hash_to_curve([aug, msg].concat(), AUG)
}

impl G2 {
    /// Strictly decoded.
    pub(crate) fn decode(bytes: &[u8; 96]) -> Option<Self> {
        let point = Self(G2Affine::from_compressed(bytes).into_option()?);
        (!point.is_infinity()).then_some(point)
    }

    /// Compressed.
    pub(crate) fn encode(&self) -> [u8; 96] {
        self.0.to_compressed()
    }

    /// The generator.
    pub(crate) fn generator() -> Self {
        Self(G2Affine::generator())
    }

    /// `scalar`·G2.
    pub(crate) fn generator_mul(scalar: &Scalar) -> Self {
        Self((G2Affine::generator() * scalar).into())
    }

    /// self + other.
    pub(crate) fn add(&self, other: &Self) -> Self {
        Self((G2Projective::from(self.0) + other.0).into())
    }

    /// Whether it is the point at infinity, which only arithmetic can give.
    pub(crate) fn is_infinity(&self) -> bool {
        self.0.is_identity().into()
    }
}

/// hash_to_field of RFC 9380 §5.2 for one element: expand_message_xmd with SHA-256 to 48 bytes,
/// big-endian, modulo r.
pub(crate) fn hash_to_scalar(msg: &[u8], dst: &[u8]) -> Scalar {
    let mut out = [Scalar::zero()];
    Scalar::hash_to_field::<ExpandMsgXmd<Sha256>>(msg, dst, &mut out);
    out[0]
}

/// The 576 bytes of e(p, q): highest coefficient first at every level of the tower, each 48 bytes
/// big-endian.
pub(crate) fn pairing_bytes(p: &G1, q: &G2) -> Zeroizing<[u8; 576]> {
    Zeroizing::new(pairing(&p.0, &q.0).to_bytes())
}

/// Whether e(left) is the product of e over `right`. False if any point is infinity.
pub(crate) fn pairings_match(left: (&G1, &G2), right: &[(&G1, &G2)]) -> bool {
    if right.iter().chain([&left]).any(|(p, q)| p.is_infinity() || q.is_infinity()) {
        return false;
    }
    let negated = (-left.0.0, G2Prepared::from(left.1.0));
    let mut terms = vec![negated];
    terms.extend(right.iter().map(|(p, q)| (p.0, G2Prepared::from(q.0))));
    let terms: Vec<_> = terms.iter().map(|(p, q)| (p, q)).collect();
    multi_miller_loop(&terms).final_exponentiation() == ic_bls12_381::Gt::identity()
}

/// Whether `signature` is the BLS signature of `msg` under `key`, whose 96 bytes are `aug`.
pub(crate) fn bls_verify(signature: &G1, aug: &[u8], msg: &[u8], key: &G2) -> bool {
    let hashed = G1(hash(aug, msg).into());
    pairings_match((signature, &G2::generator()), &[(&hashed, key)])
}
