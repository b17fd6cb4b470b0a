//! Identity-based encryption as `ic-vetkeys` 0.9 has it, byte for byte: Boneh-Franklin over
//! BLS12-381 with the Fujisaki-Okamoto transform (IND-ID-CCA; Boneh-Franklin 2001, Galindo 2005,
//! vetKD eprint 2023/616). Here it carries 64 bytes of an envelope; anything longer goes under
//! the AEAD of [`crate::envelope`]. There is no associated data at this level.

use crate::{
    backend::{self, G1, G2, Scalar},
    kdf,
    secret::Secret,
};
use sha3::{
    Shake256,
    digest::{ExtendableOutput, Update, XofReader},
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const HEADER: &[u8; 8] = b"IC IBE\x00\x01";
const SCALAR_DST: &[u8] = b"ic-vetkd-bls12-381-ibe-hash-to-mask";
const SEED_INFO: &[u8] = b"ic-vetkd-bls12-381-ibe-mask-seed";
const MASK_INFO: &str = "ic-vetkd-bls12-381-ibe-mask-msg-";

/// Bytes of a ciphertext over its message: header 8, c1 96, c2 32.
pub(crate) const OVERHEAD: usize = 136;

/// Encrypts `msg` to `identity` under the derived key `key` (whose encoding is `key_bytes`).
/// `seed` is fresh for every message: with the same seed, two messages of one length give away
/// their difference. None for an empty identity.
pub(crate) fn encrypt(
    (key, key_bytes): (&G2, &[u8; 96]),
    identity: &[u8],
    msg: &[u8],
    seed: &Secret<32>,
) -> Option<Vec<u8>> {
    if identity.is_empty() {
        return None;
    }
    let t = fo_scalar(seed, msg);
    // e(P, dpk)^t, as e(t·P, dpk): blst has no exponentiation in Gt.
    let point = Zeroizing::new(G1::hash_mul(key_bytes, identity, &t));
    let shared = backend::pairing_bytes(&point, key);

    let mut out = Vec::with_capacity(OVERHEAD + msg.len());
    out.extend_from_slice(HEADER);
    out.extend_from_slice(&G2::generator_mul(&t).encode());
    out.extend_from_slice(xor32(seed.expose(), &shared).expose());
    out.extend_from_slice(msg);
    mask(&mut out[OVERHEAD..], seed);
    Some(out)
}

/// Decrypts with the identity's vetKey. None for anything [`encrypt`] did not make for it, byte
/// for byte: the re-encryption check leaves no second form of a ciphertext.
pub(crate) fn decrypt(vet_key: &G1, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (header, rest) = ciphertext.split_first_chunk::<8>()?;
    let (c1, rest) = rest.split_first_chunk::<96>()?;
    let (c2, c3) = rest.split_first_chunk::<32>()?;
    if header != HEADER {
        return None;
    }
    let shared = backend::pairing_bytes(vet_key, &G2::decode(c1)?);
    let seed = xor32(c2, &shared);
    let mut msg = Zeroizing::new(c3.to_vec());
    mask(&mut msg, &seed);
    let t = fo_scalar(&seed, &msg);
    bool::from(G2::generator_mul(&t).encode().ct_eq(c1)).then_some(msg)
}

/// t = H2S(header ‖ seed ‖ msg).
fn fo_scalar(seed: &Secret<32>, msg: &[u8]) -> Zeroizing<Scalar> {
    let input = Zeroizing::new([HEADER.as_slice(), seed.expose(), msg].concat());
    Zeroizing::new(backend::hash_to_scalar(&input, SCALAR_DST))
}

/// 32 bytes under the mask drawn from the pairing's value.
fn xor32(bytes: &[u8; 32], shared: &[u8; 576]) -> Secret<32> {
    let mut out: Secret<32> = kdf::derive(shared, &[SEED_INFO]);
    out.expose_mut().iter_mut().zip(bytes).for_each(|(mask, byte)| *mask ^= byte);
    out
}

/// Adds or takes off the message's mask; its length is in the derivation, 20 decimal digits.
fn mask(msg: &mut [u8], seed: &Secret<32>) {
    let info = format!("{MASK_INFO}{:020}", msg.len());
    let key: Secret<32> = kdf::derive(seed.expose(), &[info.as_bytes()]);
    let mut shake = Shake256::default();
    shake.update(key.expose());
    let mut stream = Zeroizing::new(vec![0; msg.len()]);
    shake.finalize_xof().read(&mut stream);
    msg.iter_mut().zip(stream.iter()).for_each(|(byte, mask)| *byte ^= mask);
}

#[cfg(test)]
mod tests;
