//! What an envelope is bound to: the identity it is sealed to and its associated data. The
//! cryptography is in `crypto`; only the byte layouts are here (`docs/protocol/envelope.md`).

use crate::{Account, AppId, ChainId, Context, Epoch, Generation, NetworkId, id::sha256};
use borsh::{BorshDeserialize, BorshSerialize};

/// Which of an app's keys: level 2 of the derivation ("context" in vetKD), its period left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum KeyPath {
    /// Opens envelopes sent to the app.
    Request,
    /// Derives the app's result key, which signs on-chain digests and nothing else.
    Result,
}

impl KeyPath {
    /// The bytes given to vetKD. Never empty, no path a prefix of another's.
    pub const fn bytes(&self) -> &'static [u8] {
        match self {
            Self::Request => b"request",
            Self::Result => b"result",
        }
    }
}

/// A period of one key: what the council is asked to grant, and what an envelope is sealed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub enum Identity {
    /// Every message of one epoch.
    Epoch(Epoch),
    /// Every envelope of one context of one consumer on one chain.
    Context(ContextId),
}

/// A context made unique over chains, contracts and consumers:
/// SHA-256("sotto/context/v1" ‖ chain ‖ Sotto contract ‖ consumer ‖ context).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct ContextId(pub [u8; 32]);

impl ContextId {
    /// The one name of `context` as `consumer` of the Sotto contract at `contract` means it.
    pub fn new(chain: &ChainId, contract: &Account, consumer: &Account, context: &Context) -> Self {
        let tag = b"sotto/context/v1";
        Self(sha256(&[tag, &chain.0, &contract.0, &consumer.0, &context.0]))
    }
}

impl Identity {
    /// The identity's bytes: kind (1 epoch, 2 context) ‖ u64 big-endian, or 32 bytes for a context.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Epoch(epoch) => [&[1][..], &epoch.0.to_be_bytes()].concat(),
            Self::Context(context) => [&[2][..], &context.0].concat(),
        }
    }
}

/// Associated data of an envelope: bound into it, never sent. Opening under any other fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Aad {
    /// The network, hence its kind.
    pub network: NetworkId,
    /// The app that may open it.
    pub app: AppId,
    /// The generation of its code that may.
    pub generation: Generation,
    /// The chain the request comes through; zero for a direct one.
    pub chain: ChainId,
    /// The contract that asks; zero for a direct request.
    pub consumer: Account,
    /// Whom the consumer vouches for; zero for a direct request.
    pub submitter: Account,
    /// The context within the consumer.
    pub context: Context,
}

impl Aad {
    /// "sotto/aad/v1" ‖ network ‖ app ‖ generation u64 BE ‖ chain ‖ consumer ‖ submitter ‖
    /// context: 212 bytes.
    pub fn bytes(&self) -> Vec<u8> {
        [
            b"sotto/aad/v1".as_slice(),
            &self.network.0,
            &self.app.0,
            &self.generation.0.to_be_bytes(),
            &self.chain.0,
            &self.consumer.0,
            &self.submitter.0,
            &self.context.0,
        ]
        .concat()
    }
}
