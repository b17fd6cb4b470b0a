//! What chains see signed: SHA-256 over 32-byte big-endian words, the same in Rust, Solidity and
//! TypeScript (`docs/protocol/contract.md`, vectors in `tests/vectors/digest.json`). Borsh never
//! appears here. Each digest begins with its tag, SHA-256 of a name of its own, so that a signature
//! over one kind is never a signature over another.

use crate::{Account, Amount, AppId, Attempt, ChainId, Context, Generation, Hash, NetworkId, Time};
use crate::{id::sha256, request::Submission};
use borsh::{BorshDeserialize, BorshSerialize};

/// A whole number as a 32-byte big-endian word.
pub fn word(number: u128) -> [u8; 32] {
    let mut out = [0; 32];
    out[16..].copy_from_slice(&number.to_be_bytes());
    out
}

fn tag(name: &str) -> [u8; 32] {
    sha256(&[name.as_bytes()])
}

fn tagged(name: &str, words: &[&[u8; 32]]) -> [u8; 32] {
    let tag = tag(name);
    let mut parts: Vec<&[u8]> = vec![&tag];
    parts.extend(words.iter().map(|word| word.as_slice()));
    sha256(&parts)
}

/// One Sotto contract of one network on one chain:
/// H(tag("sotto/domain/v1") ‖ network ‖ chain ‖ contract). Every digest below begins with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Domain(pub [u8; 32]);

/// A payment out of a Sotto contract's network account.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Payment {
    /// Who is paid.
    pub to: Account,
    /// How much of the chain's own coin.
    pub amount: Amount,
}

/// A result key of an app and how long a chain believes it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct KeyEntry {
    /// The app.
    pub app: AppId,
    /// The key's address on the chain.
    pub key: Account,
    /// Chain time after which it is no longer believed; zero removes it.
    pub expiry: Time,
}

/// The parts of a request that its terms bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms<'a> {
    /// Who asks.
    pub consumer: &'a Account,
    /// The consumer's context.
    pub context: &'a Context,
    /// The envelopes in order.
    pub submissions: &'a [Submission],
    /// SHA-256 of the payload.
    pub payload: &'a Hash,
    /// Gas for the callback.
    pub callback_gas: u32,
    /// The assurance word.
    pub assurance: u32,
    /// The deadline, chain time.
    pub deadline: Time,
    /// What was put in escrow.
    pub escrow: Amount,
}

/// The parts of a result that its digest binds besides the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultWords<'a> {
    /// The request's number in its contract.
    pub number: u64,
    /// The request's hash.
    pub request: &'a Hash,
    /// Which assignment answered.
    pub attempt: Attempt,
    /// The app.
    pub app: &'a AppId,
    /// The generation of its code.
    pub generation: Generation,
    /// SHA-256 of the result.
    pub result: &'a Hash,
}

/// H over (submitter ‖ envelope hash) of each submission in order.
pub fn submissions_hash(submissions: &[Submission]) -> Hash {
    let words: Vec<&[u8]> = submissions
        .iter()
        .flat_map(|s| [s.submitter.0.as_slice(), s.envelope.0.as_slice()])
        .collect();
    Hash(sha256(&words))
}

impl Terms<'_> {
    /// H(tag("sotto/terms/v1") ‖ consumer ‖ context ‖ submissions ‖ payload hash ‖ callback gas ‖
    /// assurance ‖ deadline ‖ escrow).
    pub fn hash(&self) -> Hash {
        Hash(tagged(
            "sotto/terms/v1",
            &[
                &self.consumer.0,
                &self.context.0,
                &submissions_hash(self.submissions).0,
                &self.payload.0,
                &word(self.callback_gas.into()),
                &word(self.assurance.into()),
                &word(self.deadline.0.into()),
                &word(self.escrow.0),
            ],
        ))
    }
}

impl Domain {
    /// The domain of the contract at `contract`.
    pub fn new(network: &NetworkId, chain: &ChainId, contract: &Account) -> Self {
        Self(tagged("sotto/domain/v1", &[&network.0, &chain.0, &contract.0]))
    }

    /// H(tag("sotto/request/v1") ‖ domain ‖ number ‖ app ‖ generation ‖ terms).
    pub fn request(&self, number: u64, app: &AppId, generation: Generation, terms: &Hash) -> Hash {
        Hash(tagged(
            "sotto/request/v1",
            &[&self.0, &word(number.into()), &app.0, &word(generation.0.into()), &terms.0],
        ))
    }

    /// H(tag("sotto/result/v1") ‖ domain ‖ number ‖ request hash ‖ attempt ‖ app ‖ generation ‖
    /// result hash): what an app's result key signs, and nothing else.
    pub fn result(&self, result: &ResultWords<'_>) -> Hash {
        Hash(tagged(
            "sotto/result/v1",
            &[
                &self.0,
                &word(result.number.into()),
                &result.request.0,
                &word(result.attempt.0.into()),
                &result.app.0,
                &word(result.generation.0.into()),
                &result.result.0,
            ],
        ))
    }

    /// The batch root: H(tag("sotto/batch/v1") ‖ domain ‖ result digests in order).
    pub fn batch(&self, results: &[Hash]) -> Hash {
        let words: Vec<&[u8; 32]> =
            core::iter::once(&self.0).chain(results.iter().map(|r| &r.0)).collect();
        Hash(tagged("sotto/batch/v1", &words))
    }

    /// H(tag("sotto/keys/v1") ‖ domain ‖ nonce ‖ H(app ‖ key ‖ expiry, …)).
    pub fn keys(&self, nonce: u64, entries: &[KeyEntry]) -> Hash {
        let words: Vec<[u8; 32]> =
            entries.iter().flat_map(|e| [e.app.0, e.key.0, word(e.expiry.0.into())]).collect();
        self.listed("sotto/keys/v1", nonce, &words)
    }

    /// H(tag("sotto/payout/v1") ‖ domain ‖ nonce ‖ H(to ‖ amount, …)).
    pub fn payout(&self, nonce: u64, payments: &[Payment]) -> Hash {
        let words: Vec<[u8; 32]> =
            payments.iter().flat_map(|p| [p.to.0, word(p.amount.0)]).collect();
        self.listed("sotto/payout/v1", nonce, &words)
    }

    /// H(tag("sotto/members/v1") ‖ domain ‖ nonce ‖ H(member, …)).
    pub fn members(&self, nonce: u64, members: &[Account]) -> Hash {
        let words: Vec<[u8; 32]> = members.iter().map(|m| m.0).collect();
        self.listed("sotto/members/v1", nonce, &words)
    }

    fn listed(&self, name: &str, nonce: u64, words: &[[u8; 32]]) -> Hash {
        let parts: Vec<&[u8]> = words.iter().map(|word| word.as_slice()).collect();
        Hash(tagged(name, &[&self.0, &word(nonce.into()), &sha256(&parts)]))
    }
}
