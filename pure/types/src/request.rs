//! A request as a chain holds it, and what a watcher of a chain can see.

use crate::digest::{Domain, Terms, submissions_hash};
use crate::wire::{Malformed, at_most};
use crate::{Account, Amount, AppId, Context, ContextId, Generation, Hash, Time, limits};
use borsh::{BorshDeserialize, BorshSerialize};

/// One envelope in a request: named by its hash and by whom the consumer vouches for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Submission {
    /// Who handed it in, as the consumer saw it.
    pub submitter: Account,
    /// SHA-256 of the envelope's bytes.
    pub envelope: Hash,
}

/// The redundancy dial, as chains carry it: bytes kind, k, n, constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct Assurance(pub u32);

impl Assurance {
    /// One worker answers and is believed by its environment alone.
    pub const SINGLE: Self = Self(0x0101_0100);
}

/// A request of a consumer contract, as its chain's Sotto contract recorded it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ask {
    /// Its number in the contract, from 1, without gaps.
    pub number: u64,
    /// The contract that asked (`msg.sender`).
    pub consumer: Account,
    /// The app asked.
    pub app: AppId,
    /// The generation of its code that may answer.
    pub generation: Generation,
    /// The consumer's context.
    pub context: Context,
    /// The envelopes, in order.
    pub submissions: Vec<Submission>,
    /// The payload, where it stands on the chain; else empty and fetched by its hash.
    pub payload: Vec<u8>,
    /// SHA-256 of the payload; of nothing, where there is none.
    pub payload_hash: Hash,
    /// Gas for the callback; 0 wants none.
    pub callback_gas: u32,
    /// How many must agree.
    pub assurance: Assurance,
    /// The last chain time at which a result is taken.
    pub deadline: Time,
    /// What the consumer put in escrow.
    pub escrow: Amount,
}

impl Ask {
    /// The hash of everything but number, app and generation.
    pub fn terms(&self) -> Hash {
        Terms {
            consumer: &self.consumer,
            context: &self.context,
            submissions: &self.submissions,
            payload: &self.payload_hash,
            callback_gas: self.callback_gas,
            assurance: self.assurance.0,
            deadline: self.deadline,
            escrow: self.escrow,
        }
        .hash()
    }

    /// The hash under which the contract keeps the request.
    pub fn hash(&self, domain: &Domain) -> Hash {
        domain.request(self.number, &self.app, self.generation, &self.terms())
    }

    /// The hash of the list of envelopes.
    pub fn submissions_hash(&self) -> Hash {
        submissions_hash(&self.submissions)
    }

    /// The context made unique over chains, contracts and consumers.
    pub fn context_id(&self, chain: &crate::ChainId, contract: &Account) -> ContextId {
        ContextId::new(chain, contract, &self.consumer, &self.context)
    }

    /// The hashes of the bytes somebody must hold before the request can be answered: the
    /// envelopes and, where it does not stand on the chain, the payload.
    pub fn needs(&self) -> Vec<Hash> {
        let mut needs: Vec<Hash> = self.submissions.iter().map(|s| s.envelope).collect();
        if self.payload.is_empty() && self.payload_hash != Hash::of(b"") {
            needs.push(self.payload_hash);
        }
        needs
    }

    pub(crate) fn validate(&self) -> Result<(), Malformed> {
        at_most("submissions", self.submissions.len(), limits::SUBMISSIONS_MAX)?;
        at_most("payload", self.payload.len(), limits::ONCHAIN_PAYLOAD_MAX)?;
        if !self.payload.is_empty() && Hash::of(&self.payload) != self.payload_hash {
            return Err(Malformed::Invalid("the payload is not the one its hash names"));
        }
        Ok(())
    }
}

/// A block of a chain outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockRef {
    /// Its number.
    pub height: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its parent's hash.
    pub parent: Hash,
    /// Its time.
    pub time: Time,
}

/// Something a Sotto contract did, in a block that is final by the chain's configuration.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ChainEvent {
    /// A request was made.
    Requested(Ask),
    /// A request was made that cannot be read or breaks a limit; the counter moves on.
    Unreadable {
        /// The request's number.
        number: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A result was accepted and the escrow moved to the network's account.
    Settled {
        /// The request's number.
        number: u64,
        /// SHA-256 of the result.
        result: Hash,
        /// Whether the consumer took its callback (true where none was wanted).
        delivered: bool,
    },
    /// A failed callback was repeated and taken.
    Delivered {
        /// The request's number.
        number: u64,
    },
    /// The requester took its escrow back.
    Refunded {
        /// The request's number.
        number: u64,
    },
    /// A change of result keys was carried out.
    KeysSet {
        /// Its nonce.
        nonce: u64,
    },
    /// A pay-out was carried out.
    Paid {
        /// Its nonce.
        nonce: u64,
    },
    /// A change of members was carried out.
    MembersSet {
        /// Its nonce.
        nonce: u64,
    },
}

/// What one watcher saw of one Sotto contract: everything in a range of final blocks.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Observation {
    /// The chain.
    pub chain: crate::ChainId,
    /// The Sotto contract.
    pub contract: Account,
    /// The block up to which the last observation went; its hash must still be the chain's.
    pub after: BlockRef,
    /// The last block of this one.
    pub upto: BlockRef,
    /// The contract's request counter at `upto`: proves that none was missed.
    pub request_count: u64,
    /// What happened after `after`, up to and including `upto`, in the chain's order.
    pub events: Vec<ChainEvent>,
}
