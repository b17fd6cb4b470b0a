//! A transaction as the courier sees it: opaque bytes with a fee, a hash and a fate.

use borsh::{BorshDeserialize, BorshSerialize};
use sotto_types::{Account, BlockRef, Hash};

/// What one unit of gas is paid, in the chain's smallest coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fee {
    /// The most that is paid for a unit, tip included; the gas price where there is no tip.
    pub max: u128,
    /// What of it goes to the block's maker; none on chains that know one price alone.
    pub tip: Option<u128>,
}

/// A call ready to be signed.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Built {
    /// Who is called.
    pub to: Account,
    /// The call, in the chain's own encoding.
    pub calldata: Vec<u8>,
    /// Gas it may use.
    pub gas: u64,
}

/// A signed transaction.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Raw {
    /// Its bytes, as they are broadcast.
    pub bytes: Vec<u8>,
    /// The hash the chain knows it by.
    pub hash: Hash,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxStatus {
    /// The node knows none of its hashes.
    Unknown,
    /// It waits in the node's pool.
    Pending,
    /// It stands in a block that may still change.
    Included {
        /// The attempt that got in.
        hash: Hash,
        /// The block's height.
        height: u64,
        /// Whether it succeeded.
        ok: bool,
        /// Gas it used.
        gas: u64,
    },
    /// It stands in a final block.
    Final {
        /// The attempt that got in.
        hash: Hash,
        /// The block's height.
        height: u64,
        /// Whether it succeeded.
        ok: bool,
        /// Gas it used.
        gas: u64,
    },
}

/// Why a delivery could not be made into a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// What it says is on the chain already, final or not, whoever brought it.
    #[error("done already")]
    AlreadyDone,
    /// The contract would refuse it.
    #[error("would revert: {reason}")]
    WouldRevert {
        /// The contract's reason.
        reason: String,
        /// Whether time or another delivery may cure it (a key not registered yet).
        curable: bool,
    },
    /// The chain could not be asked.
    #[error("unreachable: {0}")]
    Unreachable(String),
}

/// Why a broadcast did not simply succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The node has exactly this transaction.
    #[error("known already")]
    AlreadyKnown,
    /// What it does is done already; it was not taken.
    #[error("done already")]
    AlreadyDone,
    /// Its nonce is used.
    #[error("nonce too low")]
    NonceTooLow,
    /// Its fee is too low, alone or to replace another of the same nonce.
    #[error("underpriced")]
    Underpriced,
    /// No answer came after it was sent: it may or may not have been taken.
    #[error("no answer: {0}")]
    Ambiguous(String),
    /// The node will not take it.
    #[error("rejected: {0}")]
    Rejected(String),
    /// It was not sent.
    #[error("unreachable: {0}")]
    Unreachable(String),
}

/// The sender's standing on the chain, all asked in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// The newest block, final or not: its time is the chain's time.
    pub head: BlockRef,
    /// The height of the newest final block.
    pub final_height: u64,
    /// The account's next nonce after the newest block.
    pub latest: u64,
    /// The account's next nonce after the newest final block.
    pub settled: u64,
    /// What the chain asks now.
    pub fee: Fee,
}

/// A journal that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAJournal {
    /// It has no bytes.
    #[error("the courier's journal is empty")]
    Empty,
    /// Another version wrote it.
    #[error("the courier's journal has version {found}, this program reads {known}")]
    Version {
        /// Its version.
        found: u8,
        /// The version this program reads.
        known: u8,
    },
    /// It breaks off or says what cannot be.
    #[error("the courier's journal is malformed: {0}")]
    Malformed(String),
}
