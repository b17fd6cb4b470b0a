//! What a network has to say to a Sotto contract, ready to be carried there by anyone.

use crate::digest::{Domain, KeyEntry, Payment, ResultWords};
use crate::{Account, AppId, Attempt, Generation, Hash, Time};
use borsh::{BorshDeserialize, BorshSerialize};

/// A result with what its contract needs to believe it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answer {
    /// The request's number.
    pub number: u64,
    /// Which assignment answered.
    pub attempt: Attempt,
    /// The app.
    pub app: AppId,
    /// The generation of its code.
    pub generation: Generation,
    /// The hash of the request's terms.
    pub terms: Hash,
    /// The result.
    pub result: Vec<u8>,
    /// The last chain time at which the contract takes it; not part of what is sent.
    pub deadline: Time,
}

impl Answer {
    /// The digest that is signed for it.
    pub fn digest(&self, domain: &Domain) -> Hash {
        domain.result(&ResultWords {
            number: self.number,
            request: &domain.request(self.number, &self.app, self.generation, &self.terms),
            attempt: self.attempt,
            app: &self.app,
            generation: self.generation,
            result: &Hash::of(&self.result),
        })
    }
}

/// One thing to be carried to a Sotto contract, with its proof.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Delivery {
    /// One result, signed by the app's result key.
    Fulfil {
        /// The result.
        answer: Answer,
        /// The result key's signature over its digest.
        signature: [u8; 65],
    },
    /// Results under one proof of the council.
    Batch {
        /// The results.
        answers: Vec<Answer>,
        /// Members' signatures over the batch root, ascending by signer's address.
        signatures: Vec<[u8; 65]>,
    },
    /// Result keys to register or remove.
    Keys {
        /// One more than the contract's last.
        nonce: u64,
        /// The keys.
        entries: Vec<KeyEntry>,
        /// Members' signatures.
        signatures: Vec<[u8; 65]>,
    },
    /// Ledger credits to pay out of the network's account.
    Payout {
        /// One more than the contract's last.
        nonce: u64,
        /// The payments.
        payments: Vec<Payment>,
        /// Members' signatures.
        signatures: Vec<[u8; 65]>,
    },
    /// A new set of members, signed by the old one.
    Members {
        /// One more than the contract's last.
        nonce: u64,
        /// The new members' addresses, ascending.
        members: Vec<Account>,
        /// Members' signatures.
        signatures: Vec<[u8; 65]>,
    },
}

impl Delivery {
    /// The digest its proof signs.
    pub fn digest(&self, domain: &Domain) -> Hash {
        match self {
            Self::Fulfil { answer, .. } => answer.digest(domain),
            Self::Batch { answers, .. } => {
                let digests: Vec<Hash> = answers.iter().map(|a| a.digest(domain)).collect();
                domain.batch(&digests)
            }
            Self::Keys { nonce, entries, .. } => domain.keys(*nonce, entries),
            Self::Payout { nonce, payments, .. } => domain.payout(*nonce, payments),
            Self::Members { nonce, members, .. } => domain.members(*nonce, members),
        }
    }
}
