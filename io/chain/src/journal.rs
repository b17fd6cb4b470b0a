//! Where the sender's journal is kept.

use async_trait::async_trait;
use std::sync::{Arc, Mutex, PoisonError};

/// The journal could not be read or written: nothing more may be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the courier's journal: {0}")]
pub struct JournalError(pub String);

/// A place for one value.
#[async_trait]
pub trait Journal: Send + Sync {
    /// The bytes saved last.
    async fn load(&self) -> Result<Option<Vec<u8>>, JournalError>;

    /// Replaces the bytes; they must survive a crash from the moment this returns.
    async fn save(&self, bytes: &[u8]) -> Result<(), JournalError>;
}

/// A journal that lives as long as its clones: for tests and throw-away networks.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal(Arc<Mutex<Option<Vec<u8>>>>);

#[async_trait]
impl Journal for MemoryJournal {
    async fn load(&self) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn save(&self, bytes: &[u8]) -> Result<(), JournalError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(bytes.to_vec());
        Ok(())
    }
}
