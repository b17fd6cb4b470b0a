//! The backend over `blst`, through its safe interface alone. What that lacks is put together
//! from what it has: a single-point `mult` is blst's constant-time windowed multiplication, and a
//! secret key's `sign` and `sk_to_pk` are hash-then-multiply and generator multiplication.

use super::{AUG, Scalar};
use blst::{
    BLST_ERROR, MultiPoint, Pairing, blst_fp12, blst_p1, blst_p1_affine, blst_p2_affine,
    blst_scalar, min_pk, min_sig,
};
use std::sync::LazyLock;
use zeroize::{Zeroize, Zeroizing};

/// A point of G1, 48 bytes compressed.
#[derive(Clone, Copy)]
pub(crate) struct G1(blst_p1_affine);

/// A point of G2, 96 bytes compressed.
#[derive(Clone, Copy)]
pub(crate) struct G2(blst_p2_affine);

static GENERATOR: LazyLock<G2> = LazyLock::new(|| G2::generator_mul(&Scalar::one()));

/// A min-sig secret key of `scalar`, if not zero (blst refuses zero keys).
fn sig_key(scalar: &Scalar) -> Option<min_sig::SecretKey> {
    min_sig::SecretKey::from_bytes(big_endian(scalar).as_slice()).ok()
}

fn big_endian(scalar: &Scalar) -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new(scalar.to_bytes());
    bytes.reverse();
    bytes
}

impl G1 {
    const INFINITY: Self =
        Self(blst_p1_affine { x: blst::blst_fp { l: [0; 6] }, y: blst::blst_fp { l: [0; 6] } });

    /// Strictly decoded.
    pub(crate) fn decode(bytes: &[u8; 48]) -> Option<Self> {
        let point = min_sig::Signature::uncompress(bytes).ok()?;
        point.validate(true).ok()?;
        Some(Self(point.into()))
    }

    /// Compressed.
    pub(crate) fn encode(&self) -> [u8; 48] {
        min_sig::Signature::from(self.0).compress()
    }

    /// `scalar`·G1, in constant time.
    pub(crate) fn generator_mul(scalar: &Scalar) -> Self {
        match min_pk::SecretKey::from_bytes(big_endian(scalar).as_slice()) {
            Ok(key) => Self(key.sk_to_pk().into()),
            Err(_) => Self::INFINITY,
        }
    }

    /// `scalar`·self, in constant time.
    pub(crate) fn mul(&self, scalar: &Scalar) -> Self {
        if self.is_infinity() {
            return *self;
        }
        let bytes = Zeroizing::new(scalar.to_bytes());
        let mut product: blst_p1 = [self.0].as_slice().mult(bytes.as_slice(), 255);
        let affine = affine(product);
        wipe(&mut product);
        affine
    }

    /// self + other.
    pub(crate) fn add(&self, other: &Self) -> Self {
        let mut sum = min_sig::AggregateSignature::from_signature(&self.0.into());
        sum.add_aggregate(&min_sig::AggregateSignature::from_signature(&other.0.into()));
        let mut sum = blst_p1::from(sum);
        let affine = affine(sum);
        wipe(&mut sum);
        affine
    }

    /// `scalar`·hash_to_G1(aug ‖ msg) (RFC 9380, suite of [`AUG`]), in constant time.
    pub(crate) fn hash_mul(aug: &[u8], msg: &[u8], scalar: &Scalar) -> Self {
        match sig_key(scalar) {
            Some(key) => Self(key.sign(msg, AUG, aug).into()),
            None => Self::INFINITY,
        }
    }

    /// Whether it is the point at infinity, which only arithmetic can give.
    pub(crate) fn is_infinity(&self) -> bool {
        (self.0.x.l, self.0.y.l) == ([0; 6], [0; 6])
    }
}

impl Zeroize for G1 {
    fn zeroize(&mut self) {
        self.0.x.l.zeroize();
        self.0.y.l.zeroize();
    }
}

fn affine(point: blst_p1) -> G1 {
    G1(min_sig::AggregateSignature::from(point).to_signature().into())
}

fn wipe(point: &mut blst_p1) {
    point.x.l.zeroize();
    point.y.l.zeroize();
    point.z.l.zeroize();
}

impl G2 {
    /// Strictly decoded.
    pub(crate) fn decode(bytes: &[u8; 96]) -> Option<Self> {
        let point = min_sig::PublicKey::uncompress(bytes).ok()?;
        point.validate().ok()?;
        Some(Self(point.into()))
    }

    /// Compressed.
    pub(crate) fn encode(&self) -> [u8; 96] {
        min_sig::PublicKey::from(self.0).compress()
    }

    /// The generator.
    pub(crate) fn generator() -> Self {
        *GENERATOR
    }

    /// `scalar`·G2, in constant time.
    pub(crate) fn generator_mul(scalar: &Scalar) -> Self {
        match sig_key(scalar) {
            Some(key) => Self(key.sk_to_pk().into()),
            None => Self(blst_p2_affine::default()),
        }
    }

    /// self + other.
    pub(crate) fn add(&self, other: &Self) -> Self {
        let mut sum = min_sig::AggregatePublicKey::from_public_key(&self.0.into());
        sum.add_aggregate(&min_sig::AggregatePublicKey::from_public_key(&other.0.into()));
        Self(sum.to_public_key().into())
    }

    /// Whether it is the point at infinity, which only arithmetic can give.
    pub(crate) fn is_infinity(&self) -> bool {
        let zero = [0; 6];
        self.0.x.fp.iter().chain(&self.0.y.fp).all(|part| part.l == zero)
    }
}

/// hash_to_field of RFC 9380 §5.2 for one element: expand_message_xmd with SHA-256 to 48 bytes,
/// big-endian, modulo r.
pub(crate) fn hash_to_scalar(msg: &[u8], dst: &[u8]) -> Scalar {
    // blst gives none for zero, which happens once in 2^255 messages.
    let Some(scalar) = blst_scalar::hash_to(msg, dst) else { return Scalar::zero() };
    Scalar::from_bytes(&scalar.b).unwrap_or(Scalar::zero())
}

/// The 576 bytes of e(p, q): highest coefficient first at every level of the tower, each 48 bytes
/// big-endian (the order of `ic_bls12_381` and of `@noble/curves`).
pub(crate) fn pairing_bytes(p: &G1, q: &G2) -> Zeroizing<[u8; 576]> {
    let ours = Zeroizing::new(blst_fp12::miller_loop(&q.0, &p.0).final_exp().to_bendian());
    // blst writes fp6[j].fp2[i].fp[k] at block 4i + 2j + k; wanted is j, i, k each descending.
    let mut out = Zeroizing::new([0; 576]);
    let order = [1, 0].into_iter().flat_map(|j| [2, 1, 0].map(|i| (i, j)));
    let blocks = order.flat_map(|(i, j)| [1, 0].map(|k| 4 * i + 2 * j + k));
    for (to, from) in out.chunks_exact_mut(48).zip(blocks) {
        to.copy_from_slice(&ours[from * 48..(from + 1) * 48]);
    }
    out
}

/// Whether e(left) is the product of e over `right`. False if any point is infinity.
pub(crate) fn pairings_match(left: (&G1, &G2), right: &[(&G1, &G2)]) -> bool {
    if right.iter().chain([&left]).any(|(p, q)| p.is_infinity() || q.is_infinity()) {
        return false;
    }
    let miller = |(p, q): (&G1, &G2)| blst_fp12::miller_loop(&q.0, &p.0);
    let product = right.iter().fold(blst_fp12::default(), |acc, pair| acc * miller(*pair));
    blst_fp12::finalverify(&miller(left), &product)
}

/// Whether `signature` is the BLS signature of `msg` under `key`, whose 96 bytes are `aug`.
pub(crate) fn bls_verify(signature: &G1, aug: &[u8], msg: &[u8], key: &G2) -> bool {
    if signature.is_infinity() || key.is_infinity() {
        return false;
    }
    let mut pairing = Pairing::new(true, AUG);
    if pairing.aggregate(&key.0, false, &signature.0, false, msg, aug) != BLST_ERROR::BLST_SUCCESS {
        return false;
    }
    pairing.commit();
    pairing.finalverify(None)
}
