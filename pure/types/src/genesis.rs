//! Where a network begins. Its hash is the network's id and goes into everything.

use crate::wire::{Malformed, at_most, wire};
use crate::{Measurement, NetworkId, Time, id::sha256, limits};
use borsh::{BorshDeserialize, BorshSerialize};

/// What a network is for. Never changes: it is in the genesis and so in the network's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum NetworkKind {
    /// For one machine or a test: simulated TEEs and a council smaller than four are allowed.
    Development,
    /// For secrets and money.
    Value,
}

impl core::fmt::Display for NetworkKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Development => "development",
            Self::Value => "value",
        })
    }
}

/// The first state of a network.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Genesis {
    /// What the network is for.
    pub kind: NetworkKind,
    /// A name for people.
    pub name: String,
    /// When it began; the time of block 0.
    pub time: Time,
    /// The council's first members: compressed secp256k1 keys, ascending.
    pub members: Vec<[u8; 33]>,
    /// The vault's public key (compressed G2).
    pub vault: [u8; 96],
    /// Blocks in an epoch.
    pub epoch_blocks: u64,
    /// Seconds between blocks.
    pub block_seconds: u64,
    /// Measurements of worker releases accepted from the start.
    pub releases: Vec<Measurement>,
}

fn validate(genesis: &Genesis) -> Result<(), Malformed> {
    at_most("members", genesis.members.len(), limits::MEMBERS_MAX)?;
    at_most("name", genesis.name.len(), limits::APP_NAME_MAX)?;
    if genesis.members.is_empty() || !genesis.members.is_sorted_by(|a, b| a < b) {
        return Err(Malformed::Invalid("members are not a non-empty ascending list"));
    }
    if genesis.epoch_blocks == 0 || genesis.block_seconds == 0 {
        return Err(Malformed::Invalid("an epoch or a block lasts no time"));
    }
    if genesis.kind == NetworkKind::Value && genesis.members.len() < 4 {
        return Err(Malformed::Invalid("a value network has at least four members"));
    }
    Ok(())
}

wire!(Genesis, 1, 64 << 10, validate);

impl Genesis {
    /// SHA-256("sotto/network/v1" ‖ version byte ‖ borsh of the genesis).
    pub fn id(&self) -> NetworkId {
        use crate::wire::Wire as _;
        NetworkId(sha256(&[b"sotto/network/v1", &self.encode()]))
    }
}
