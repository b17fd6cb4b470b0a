//! Blocks, state, cursors and bytes on disk, each block in one transaction.
//!
//! [`Store`] is one redb file and the lock on its folder. A finalised block, all it writes and its
//! certificate are committed together or not at all; what is committed survives a kill at any
//! moment. Not here: what the entries mean (`ledger`), who may read them.

mod lock;
#[cfg(test)]
mod tests;

pub use lock::{Lock, LockError};

use redb::{Database, ReadableDatabase, TableDefinition};
use sotto_ledger::view::Pair;
use sotto_ledger::{Applied, Head, StorageError, View};
use sotto_types::{Block, BlockId, Certificate, Hash, Height, Root, Time, Wire};
use std::path::Path;

type Bytes = TableDefinition<'static, &'static [u8], &'static [u8]>;

const ENTRIES: Bytes = TableDefinition::new("entries");
const NODES: Bytes = TableDefinition::new("nodes");
const BLOCKS: Bytes = TableDefinition::new("blocks");
const CERTIFICATES: Bytes = TableDefinition::new("certificates");
const BLOBS: Bytes = TableDefinition::new("bytes");
const JOURNALS: Bytes = TableDefinition::new("journals");
const HEAD: &[u8] = b"head";

/// Why the disk did not serve. Always fatal to what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] redb::Error),
    /// The folder could not be made or read.
    #[error("folder: {0}")]
    Folder(#[from] std::io::Error),
    /// Bytes that this program did not write.
    #[error("the database holds {0} that cannot be read")]
    Broken(&'static str),
}

macro_rules! from_redb {
    ($($error:ty),*) => {$(
        impl From<$error> for StoreError {
            fn from(error: $error) -> Self {
                Self::Database(error.into())
            }
        }
    )*};
}
from_redb!(
    redb::DatabaseError,
    redb::TransactionError,
    redb::TableError,
    redb::StorageError,
    redb::CommitError
);

/// Everything a node keeps.
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens or makes the database in `folder`. Whoever calls holds the folder's [`Lock`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        std::fs::create_dir_all(folder)?;
        let database = Database::create(folder.join("ledger.redb"))?;
        let write = database.begin_write()?;
        for table in [ENTRIES, NODES, BLOCKS, CERTIFICATES, BLOBS, JOURNALS] {
            write.open_table(table)?;
        }
        write.commit()?;
        Ok(Self { database })
    }

    /// A fixed state to read from: later commits do not change it.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot { read: self.database.begin_read()? })
    }

    /// Writes a finalised block, all that it does and its certificate, in one transaction. The
    /// genesis has no block and no certificate.
    pub fn commit(
        &self,
        applied: &Applied,
        block: Option<(&Block, &Certificate)>,
    ) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        {
            let mut entries = write.open_table(ENTRIES)?;
            for (key, value) in &applied.writes.entries {
                match value {
                    Some(value) => entries.insert(key.as_slice(), value.as_slice())?,
                    None => entries.remove(key.as_slice())?,
                };
            }
            let mut nodes = write.open_table(NODES)?;
            for (key, node) in &applied.writes.nodes {
                nodes.insert(key.as_slice(), node.as_slice())?;
            }
            for key in &applied.writes.stale {
                nodes.remove(key.as_slice())?;
            }
            if let Some((block, certificate)) = block {
                let height = block.height.0.to_be_bytes();
                write.open_table(BLOCKS)?.insert(height.as_slice(), block.encode().as_slice())?;
                let certificate = certificate.encode();
                write
                    .open_table(CERTIFICATES)?
                    .insert(height.as_slice(), certificate.as_slice())?;
            }
            let head = head_bytes(&applied.head);
            write.open_table(JOURNALS)?.insert(HEAD, head.as_slice())?;
        }
        write.commit()?;
        Ok(())
    }

    /// The block at a height.
    pub fn block(&self, height: Height) -> Result<Option<Block>, StoreError> {
        self.message(BLOCKS, height, "a block")
    }

    /// The certificate of the block at a height.
    pub fn certificate(&self, height: Height) -> Result<Option<Certificate>, StoreError> {
        self.message(CERTIFICATES, height, "a certificate")
    }

    /// Keeps bytes under their SHA-256; they are on disk when this returns.
    pub fn keep(&self, bytes: &[u8]) -> Result<Hash, StoreError> {
        let hash = Hash::of(bytes);
        self.write(BLOBS, &hash.0, bytes)?;
        Ok(hash)
    }

    /// The bytes with this SHA-256.
    pub fn bytes(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(BLOBS, &hash.0)
    }

    /// Whether bytes with this SHA-256 are kept.
    pub fn holds(&self, hash: &Hash) -> Result<bool, StoreError> {
        let table = self.database.begin_read()?.open_table(BLOBS)?;
        Ok(table.get(hash.0.as_slice())?.is_some())
    }

    /// A journal as it was last written whole.
    pub fn journal(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(JOURNALS, name.as_bytes())
    }

    /// Writes a journal whole; it is on disk when this returns.
    pub fn write_journal(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(JOURNALS, name.as_bytes(), bytes)
    }

    fn message<T: Wire>(
        &self,
        table: Bytes,
        height: Height,
        what: &'static str,
    ) -> Result<Option<T>, StoreError> {
        self.read(table, &height.0.to_be_bytes())?
            .map(|bytes| T::decode(&bytes).map_err(|_| StoreError::Broken(what)))
            .transpose()
    }

    fn read(&self, table: Bytes, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.database.begin_read()?.open_table(table)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn write(&self, table: Bytes, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        write.open_table(table)?.insert(key, value)?;
        write.commit()?;
        Ok(())
    }
}

/// The ledger's state as of one commit.
pub struct Snapshot {
    read: redb::ReadTransaction,
}

impl Snapshot {
    fn value(&self, table: Bytes, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.read.open_table(table)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn range(&self, prefix: &[u8]) -> Result<Vec<Pair>, StoreError> {
        let table = self.read.open_table(ENTRIES)?;
        let mut found = Vec::new();
        for item in table.range(prefix..)? {
            let (key, value) = item?;
            if !key.value().starts_with(prefix) {
                break;
            }
            found.push((key.value().to_vec(), value.value().to_vec()));
        }
        Ok(found)
    }

    /// Whether a genesis was ever written.
    pub fn is_founded(&self) -> Result<bool, StoreError> {
        Ok(self.value(JOURNALS, HEAD)?.is_some())
    }
}

fn as_storage(error: StoreError) -> StorageError {
    StorageError(error.to_string())
}

impl View for Snapshot {
    fn head(&self) -> Result<Head, StorageError> {
        self.value(JOURNALS, HEAD)
            .map_err(as_storage)?
            .and_then(|bytes| parse_head(&bytes))
            .ok_or_else(|| StorageError("no head is kept".into()))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.value(ENTRIES, key).map_err(as_storage)
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StorageError> {
        self.range(prefix).map_err(as_storage)
    }

    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.value(NODES, key).map_err(as_storage)
    }
}

fn head_bytes(head: &Head) -> Vec<u8> {
    [head.height.0.to_be_bytes().as_slice(), &head.id.0, &head.time.0.to_be_bytes(), &head.root.0]
        .concat()
}

fn parse_head(bytes: &[u8]) -> Option<Head> {
    let (height, rest) = bytes.split_first_chunk::<8>()?;
    let (id, rest) = rest.split_first_chunk::<32>()?;
    let (time, root) = rest.split_first_chunk::<8>()?;
    Some(Head {
        height: Height(u64::from_be_bytes(*height)),
        id: BlockId(*id),
        time: Time(u64::from_be_bytes(*time)),
        root: Root(root.try_into().ok()?),
    })
}
