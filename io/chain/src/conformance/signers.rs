//! The suite's own signers: fixed, and worth nothing elsewhere.

use sotto_crypto::sign::SigningKey;
use sotto_types::{Account, Hash};

/// Who signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The app's result key.
    ResultKey,
    /// Another result key of the app, registered late.
    LateKey,
    /// Nobody the contract knows.
    Stranger,
}

impl Signer {
    const fn seed(self) -> u8 {
        match self {
            Self::ResultKey => 0x21,
            Self::LateKey => 0x22,
            Self::Stranger => 0x23,
        }
    }

    /// Its account.
    pub fn account(self) -> Account {
        account(&key(self.seed()))
    }

    /// Its signature over a digest.
    pub fn sign(self, digest: &Hash) -> [u8; 65] {
        key(self.seed()).sign(&digest.0).0
    }
}

/// Seeds of the members' keys.
const MEMBERS: [u8; 4] = [0x11, 0x12, 0x13, 0x14];

#[allow(clippy::expect_used, reason = "a constant scalar far below the group's order")]
fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32]).expect("a key")
}

fn account(key: &SigningKey) -> Account {
    Account::from_address(key.public().address())
}

/// The members' accounts, ascending: four, of whom three must sign.
pub fn members() -> Vec<Account> {
    let mut members: Vec<Account> = MEMBERS.iter().map(|seed| account(&key(*seed))).collect();
    members.sort_unstable();
    members
}

/// The account of the app's result key.
pub fn result_key() -> Account {
    Signer::ResultKey.account()
}

/// Three members' signatures over a digest, ascending by account.
pub fn prove(digest: &Hash) -> Vec<[u8; 65]> {
    let mut keys: Vec<SigningKey> = MEMBERS.iter().map(|seed| key(*seed)).collect();
    keys.sort_by_key(account);
    keys.iter().take(3).map(|key| key.sign(&digest.0).0).collect()
}
