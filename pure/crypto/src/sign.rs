//! secp256k1 signatures, recoverable and low-s, over 32-byte digests: nodes, council members and
//! apps' result keys sign with them, and every chain Sotto can stand on checks them. RFC 6979
//! nonces; 65 bytes r ‖ s ‖ v with v 27 or 28, exactly one valid form for each signature. Not
//! here: what a digest is made of (`types`), and the vault key, which is BLS and signs nothing of
//! this kind.

use crate::{secret::Secret, vet::VetKey};
use borsh::{BorshDeserialize, BorshSerialize, io};
use core::fmt;
use k256::{
    ecdsa::{self, RecoveryId, VerifyingKey, hazmat::SignPrimitive},
    sha2::Sha256,
};
use rand_core::CryptoRngCore;
use sha3::{Digest, Keccak256};
use sotto_types::NodeId;
use zeroize::Zeroizing;

/// How many of `n` members' signatures carry a decision: n − ⌊(n−1)/3⌋, more than two thirds.
pub const fn threshold(n: u32) -> u32 {
    n - n.saturating_sub(1) / 3
}

/// Bytes that are no secp256k1 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid secp256k1 {0} key")]
pub struct BadKey(&'static str);

/// A secret secp256k1 key. Zeroed when dropped.
pub struct SigningKey(ecdsa::SigningKey);

impl SigningKey {
    /// A new key from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        loop {
            let bytes: Secret<32> = Secret::generate(rng);
            if let Ok(key) = Self::from_bytes(bytes.expose()) {
                return key;
            }
        }
    }

    /// 32 bytes big-endian, at least 1 and below the group order.
    ///
    /// # Errors
    /// [`BadKey`] for zero and for anything not below the order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        ecdsa::SigningKey::from_bytes(bytes.into()).map(Self).map_err(|_| BadKey("secret"))
    }

    /// The secret itself, for its owner's own storage and nothing else.
    pub fn dangerous_to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes().into())
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }

    /// Signs a digest: deterministic (RFC 6979 with SHA-256), s in the lower half.
    pub fn sign(&self, digest: &[u8; 32]) -> Signature {
        let key = self.0.as_nonzero_scalar();
        let mut retry = Vec::new();
        loop {
            // RFC 6979 §3.6: additional data gives another nonce, used only if the first is
            // one of the ~2^-127 whose point overflows the group order and has no v.
            if let Ok((signature, Some(id))) =
                key.try_sign_prehashed_rfc6979::<Sha256>(digest.into(), &retry)
                && !id.is_x_reduced()
            {
                let mut out = [0; 65];
                out[..64].copy_from_slice(&signature.to_bytes());
                out[64] = 27 + u8::from(id.is_y_odd());
                return Signature(out);
            }
            retry.push(0);
        }
    }
}

/// A public secp256k1 key: a valid point, 33 bytes compressed (SEC 1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Strictly decoded: compressed, canonical, on the curve.
    ///
    /// # Errors
    /// [`BadKey`] for anything else.
    pub fn from_bytes(bytes: &[u8; 33]) -> Result<Self, BadKey> {
        // The decoder also takes tag 5 ("compact"), a second form of the same key.
        if !matches!(bytes[0], 2 | 3) {
            return Err(BadKey("public"));
        }
        VerifyingKey::from_sec1_bytes(bytes).map(Self).map_err(|_| BadKey("public"))
    }

    /// Compressed.
    pub fn to_bytes(&self) -> [u8; 33] {
        let mut out = [0; 33];
        out.copy_from_slice(self.0.to_encoded_point(true).as_bytes());
        out
    }

    /// The node that signs with it.
    pub fn node_id(&self) -> NodeId {
        NodeId::of_key(&self.to_bytes())
    }

    /// Its address on EVM chains: the last 20 bytes of Keccak-256 over the point's 64 bytes.
    pub fn address(&self) -> [u8; 20] {
        let point = self.0.to_encoded_point(false);
        let hash = Keccak256::digest(&point.as_bytes()[1..]);
        let mut out = [0; 20];
        out.copy_from_slice(&hash[12..]);
        out
    }

    /// Checks that this key made `signature` over `digest`, v included.
    ///
    /// # Errors
    /// [`BadSignature`]: not of the one valid form, or of another key or digest.
    pub fn verify(&self, digest: &[u8; 32], signature: &Signature) -> Result<(), BadSignature> {
        if signature.recover(digest)? != *self {
            return Err(BadSignature::Mismatch);
        }
        Ok(())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.to_bytes())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.to_bytes().cmp(&other.to_bytes())
    }
}

impl BorshSerialize for PublicKey {
    fn serialize<W: io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(&self.to_bytes())
    }
}

/// 33 bytes, refused unless they are a key.
impl BorshDeserialize for PublicKey {
    fn deserialize_reader<R: io::Read>(reader: &mut R) -> io::Result<Self> {
        let bytes = <[u8; 33]>::deserialize_reader(reader)?;
        Self::from_bytes(&bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
    }
}

/// 65 bytes r ‖ s ‖ v. Only its length is fixed; [`PublicKey::verify`] and [`Signature::recover`]
/// refuse every form but the one valid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize, BorshDeserialize)]
pub struct Signature(pub [u8; 65]);

impl Signature {
    /// The 65 bytes.
    pub const fn bytes(&self) -> &[u8; 65] {
        &self.0
    }

    /// The key that made it over `digest`.
    ///
    /// # Errors
    /// [`BadSignature`] if it is not of the one valid form, or no key could have made it.
    pub fn recover(&self, digest: &[u8; 32]) -> Result<PublicKey, BadSignature> {
        let odd = match self.0[64] {
            27 => false,
            28 => true,
            v => return Err(BadSignature::Recovery(v)),
        };
        let signature =
            ecdsa::Signature::from_slice(&self.0[..64]).map_err(|_| BadSignature::Range)?;
        if signature.normalize_s().is_some() {
            return Err(BadSignature::HighS);
        }
        VerifyingKey::recover_from_prehash(digest, &signature, RecoveryId::new(odd, false))
            .map(PublicKey)
            .map_err(|_| BadSignature::Mismatch)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(f, &self.0)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("0x")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// v is neither 27 nor 28.
    #[error("v is {0}, neither 27 nor 28")]
    Recovery(u8),
    /// r or s is zero or not below the group order.
    #[error("r or s is zero or not below the group order")]
    Range,
    /// s is in the upper half: the other form of a valid signature.
    #[error("s is in the upper half of the group order")]
    HighS,
    /// No signature of this key over this digest.
    #[error("not a signature of this key over this digest")]
    Mismatch,
}

/// The derivation of an app's result key, which signs on-chain digests and nothing else.
pub struct ResultKey;

impl ResultKey {
    /// The result key of the identity whose vetKey this is (path `result`):
    /// HKDF(vetKey, "sotto/result-key/v1" ‖ counter u8, 32), the first counter from 0 that gives
    /// an integer from 1 to below the group order. Every enclave granted it has the same key.
    pub fn derive(key: &VetKey) -> SigningKey {
        let mut counter = 0_u8;
        loop {
            let info = [b"sotto/result-key/v1".as_slice(), &[counter]].concat();
            let bytes: Secret<32> = key.derive(&info);
            if let Ok(key) = SigningKey::from_bytes(bytes.expose()) {
                return key;
            }
            // One in 2^127 fails; the counter never comes round.
            counter = counter.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests;
