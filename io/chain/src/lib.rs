//! The two traits of a chain, the loop that drives the courier over them, an in-memory chain with
//! faults, and the suite every adapter must pass.
//!
//! An adapter is stateless: [`RequestSource`] reads a Sotto contract, [`ResultSink`] writes to it,
//! and everything that must be remembered (cursor, nonces, transactions on their way) is the
//! courier's, kept through [`Journal`]. Not here: any real chain's encoding (`io/chain-*`), the
//! courier's decisions (`roles::courier`), digests (`types`), where a journal lies (`io/store`).

mod clock;
pub mod conformance;
mod drive;
mod journal;
pub mod memory;
mod sink;
mod source;

#[cfg(test)]
mod tests;

pub use clock::{Clock, FastClock, WallClock};
pub use drive::{Command, DriveError, Driven, Handle, Said, drive};
pub use journal::{Journal, JournalError, MemoryJournal};
pub use sink::{ResultSink, SinkCaps, SinkError};
pub use sotto_roles::courier::{
    BuildError, Built, Cursor, End, Fee, Gap, NotAJournal, Raw, SendConfig, SendReport, Sender,
    SubmitError, Survey, TxStatus, WatchConfig, WatchReport, Watcher,
};
pub use source::{ChainIdentity, Nonces, RequestSource, RequestStatus, SourceError, WrongChain};
