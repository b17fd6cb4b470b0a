//! The key of the account that sends.

use alloy::{
    primitives::{B256, Signature},
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use sotto_types::Account;

/// Bytes that are no secp256k1 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secp256k1 key: 32 bytes between 1 and the group's order, in hexadecimal")]
pub struct BadKey;

/// A secp256k1 key. It has no Debug and no Clone, and is wiped when dropped.
pub struct Key(PrivateKeySigner);

impl Key {
    /// The key with this scalar, big-endian.
    ///
    /// # Errors
    /// [`BadKey`] if it is zero or not below the group's order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        PrivateKeySigner::from_slice(bytes).map(Self).map_err(|_| BadKey)
    }

    /// The key written in hexadecimal, with or without `0x`.
    ///
    /// # Errors
    /// [`BadKey`] if it is not 64 hexadecimal digits of a key.
    pub fn from_hex(text: &str) -> Result<Self, BadKey> {
        let digits = text.trim();
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        let mut bytes = [0; 32];
        let decoded = hex::decode_to_slice(digits, &mut bytes).map_err(|_| BadKey);
        let key = decoded.and_then(|()| Self::from_bytes(&bytes));
        bytes.fill(0);
        std::hint::black_box(&bytes);
        key
    }

    /// The account it signs for.
    pub fn account(&self) -> Account {
        crate::abi::account(self.0.address())
    }

    pub(crate) fn sign(&self, hash: &B256) -> Result<Signature, String> {
        self.0.sign_hash_sync(hash).map_err(|error| error.to_string())
    }
}
