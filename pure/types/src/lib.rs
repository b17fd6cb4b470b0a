//! Ids, hashes, amounts, limits, wire messages and receipts, in one canonical encoding.
//!
//! Every other room speaks in these types. Wire types are borsh with a version byte in front
//! ([`wire`]); what a contract must parse is SHA-256 over fixed-width big-endian words
//! ([`digest`]). Not here: cryptography beyond SHA-256 (`crypto`), rules (`ledger`), any clock,
//! disk or network.
#![forbid(unsafe_code)]

mod action;
mod app;
pub mod digest;
mod genesis;
pub mod id;
pub mod limits;
pub mod merkle;
mod num;
mod outbox;
mod receipt;
mod request;
mod seal;
pub mod session;
#[cfg(test)]
mod tests;
pub mod wire;

pub use action::{Action, Block, Evidence, Finality, SignedAction, WorkerKeys};
pub use app::{AppKind, Manifest, Upgrade};
pub use digest::{Domain, KeyEntry, Payment};
pub use genesis::{Genesis, NetworkKind};
pub use id::{
    Account, AppId, BlockId, BootId, ChainId, Context, Hash, Measurement, NetworkId, NodeId,
    NotAnId, RequestId, Root, SessionId, sha256,
};
pub use num::{Amount, Attempt, Epoch, Fuel, Generation, Height, Time};
pub use outbox::{Answer, Delivery};
pub use receipt::{Certificate, Proof, Receipt, ReceiptBundle, SignedReceipt, TeeKind};
pub use request::{Ask, Assurance, BlockRef, ChainEvent, Observation, Submission};
pub use seal::{Aad, ContextId, Identity, KeyPath};
pub use session::{
    Batch, LeafProof, Opening, SessionBundle, SessionReceipt, SessionRefused, SignedBatch,
};
pub use wire::{Malformed, Wire};
