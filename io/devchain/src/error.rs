//! What can go wrong when a chain is started or its journal is written.

use alloy::primitives::B256;
use std::path::PathBuf;

/// Why a chain could not be started, or may no longer change.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller's configuration is impossible.
    #[error("{field} is {value}, but must be {must}")]
    Config {
        /// The field of [`crate::Config`].
        field: &'static str,
        /// What it held.
        value: String,
        /// What it may hold.
        must: &'static str,
    },
    /// The journal belongs to a chain with other parameters than the configuration's.
    #[error("the journal's {field} is {journal}, the configuration's is {config}")]
    Mismatch {
        /// The parameter that differs.
        field: &'static str,
        /// Its value in the journal.
        journal: String,
        /// Its value in the configuration.
        config: String,
    },
    /// The listening address could not be bound.
    #[error("cannot listen on {addr}: {message}")]
    Listen {
        /// The address asked for.
        addr: std::net::SocketAddr,
        /// What kind of failure.
        kind: std::io::ErrorKind,
        /// The operating system's words.
        message: String,
    },
    /// The journal file could not be read or written.
    #[error("journal {path}: {message}")]
    Io {
        /// The journal's path.
        path: PathBuf,
        /// What kind of failure.
        kind: std::io::ErrorKind,
        /// The operating system's words.
        message: String,
    },
    /// The file is not a journal of this program, or of a version it does not read.
    #[error("{path} is not a journal of this version")]
    NotAJournal {
        /// The file's path.
        path: PathBuf,
    },
    /// A record before the end of the journal is damaged. Nothing was changed.
    #[error("journal record {record} at byte {offset} is corrupt: {why}")]
    Corrupt {
        /// Index of the record, from 0 for the first after the file header.
        record: u64,
        /// Byte offset of the record in the file.
        offset: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Replaying a journalled block gave another block: the journal was made under other rules.
    #[error("replaying block {number} gave {computed}, the journal says {recorded}")]
    Replay {
        /// The block's number.
        number: u64,
        /// The hash the journal holds.
        recorded: B256,
        /// The hash of the replayed block.
        computed: B256,
    },
    /// An earlier write to the journal failed, so the chain no longer changes.
    #[error("the journal failed earlier; the chain takes no further changes")]
    JournalFailed,
    /// The chain was stopped, so it no longer changes.
    #[error("the chain is stopped")]
    Stopped,
    /// A defect in this crate: a block could not be executed.
    #[error("block {number} could not be executed: {why}")]
    Execute {
        /// The block's number.
        number: u64,
        /// The virtual machine's words.
        why: String,
    },
}
