//! The replicated state machine: registry, apps, requests, grants, receipts, credits, chains.
//!
//! One door: [`apply`] reads a [`View`] and gives what a block does, writes and root; it never
//! writes, so unfinalised blocks are layered views. A bad action is an event, a bad block is
//! [`Invalid`], a storage error is fatal. Certificates and offline proofs of entries are in
//! [`certificate`]. Not here: the order of blocks (the engine, or the one member driven by `node`),
//! disks (`io/store`), TEEs by name (`attest`), assurance above `single`, stake.
#![forbid(unsafe_code)]

mod apply;
mod apps;
mod batches;
pub mod certificate;
mod chains;
mod credits;
mod epochs;
mod event;
mod grants;
mod outbox;
mod registry;
mod requests;
mod seats;
pub mod state;
mod tree;
pub mod view;

#[cfg(test)]
mod tests;

pub use apply::{Applied, Error, Invalid, apply, found, propose};
pub use event::{Event, Refusal, RequestRefusal};
pub use grants::find as find_grant;
pub use requests::{draw, pool};
pub use seats::{may_sit, seats};
pub use tree::{BadProof, Writes, check_proof, prove};
pub use view::{Head, StorageError, View};
