//! Names made of hashes. Each is 32 bytes of its own type, so that an app is never taken for a
//! context. What is hashed into each is said where the thing itself is defined.

use borsh::{BorshDeserialize, BorshSerialize};
use core::{fmt, str::FromStr};
use sha2::{Digest as _, Sha256};

/// SHA-256 over the concatenation of `parts`. Callers keep parts fixed in width or prefixed by
/// their length, so that no two lists of parts give the same bytes.
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Text that is not exactly 64 hexadecimal digits, with or without `0x`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 32 bytes of hexadecimal: {0}")]
pub struct NotAnId(String);

/// Bytes of text in hexadecimal, with or without a leading `0x`.
pub(crate) fn unhex<const N: usize>(text: &str) -> Result<[u8; N], NotAnId> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let mut out = [0; N];
    hex::decode_to_slice(digits, &mut out).map_err(|_| NotAnId(text.chars().take(80).collect()))?;
    Ok(out)
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(BorshSerialize, BorshDeserialize)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// The 32 bytes.
            pub const fn bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "0x{}", hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode(&self.0[..6]))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Ok(Self(unhex(text)?))
            }
        }
    };
}

id!(
    /// SHA-256 of some bytes: an envelope, a payload, a result, a component.
    Hash
);
id!(
    /// A network: the hash of its [genesis](crate::Genesis), hence of its kind too.
    NetworkId
);
id!(
    /// An app: the hash of its [manifest](crate::Manifest) at birth; it stays through generations.
    AppId
);
id!(
    /// A chain outside: SHA-256 of its CAIP-2 name, such as `eip155:31337`.
    ChainId
);
id!(
    /// An account on some chain, left-padded with zeros to 32 bytes.
    Account
);
id!(
    /// What a consumer calls one gathering of envelopes: an auction, a session. Chosen by it.
    Context
);
id!(
    /// A node (worker or council member): SHA-256 of its compressed secp256k1 key.
    NodeId
);
id!(
    /// A block: SHA-256 of its borsh bytes.
    BlockId
);
id!(
    /// The authenticated root of the ledger after a block.
    Root
);
id!(
    /// A request known to the ledger: see [`RequestId::new`].
    RequestId
);
id!(
    /// One process of a worker: drawn at random when it starts, never kept.
    BootId
);
id!(
    /// A direct session: SHA-256 of the envelope that opened it.
    SessionId
);
id!(
    /// A TEE's launch measurement, hashed or padded to 32 bytes by its kind's module.
    Measurement
);

impl Hash {
    /// SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha256(&[bytes]))
    }
}

impl ChainId {
    /// The chain with this CAIP-2 name.
    pub fn from_caip2(name: &str) -> Self {
        Self(sha256(&[name.as_bytes()]))
    }
}

impl Account {
    /// The account of a 20-byte address.
    pub fn from_address(address: [u8; 20]) -> Self {
        let mut out = [0; 32];
        out[12..].copy_from_slice(&address);
        Self(out)
    }

    /// The 20-byte address, if the first twelve bytes are zero.
    pub fn address(&self) -> Option<[u8; 20]> {
        let (zeros, address) = self.0.split_first_chunk::<12>()?;
        if *zeros != [0; 12] {
            return None;
        }
        address.try_into().ok()
    }
}

impl NodeId {
    /// The node that signs with this compressed secp256k1 key (SEC 1, 33 bytes).
    pub fn of_key(key: &[u8; 33]) -> Self {
        Self(sha256(&[key]))
    }
}

impl RequestId {
    /// The request a Sotto contract numbered `number`:
    /// SHA-256("sotto/request-id/v1" ‖ chain ‖ contract ‖ number u64 BE).
    pub fn new(chain: &ChainId, contract: &Account, number: u64) -> Self {
        Self(sha256(&[b"sotto/request-id/v1", &chain.0, &contract.0, &number.to_be_bytes()]))
    }
}
