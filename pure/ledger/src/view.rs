//! How the ledger reads, and the draft it writes into. A draft layers over a view, so unfinalised
//! blocks are layered too; nothing here reaches a disk.

use crate::event::Event;
use borsh::{BorshDeserialize, BorshSerialize};
use sotto_types::{BlockId, Height, Time};
use std::collections::BTreeMap;

/// What stands after the last block: not part of the tree, since a block's id covers its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Head {
    /// The last block's height.
    pub height: Height,
    /// Its id; the network id's bytes after the genesis.
    pub id: BlockId,
    /// Its time.
    pub time: Time,
    /// The root after it.
    pub root: sotto_types::Root,
}

/// The storage under the ledger failed or holds what was never written: fatal, never an opinion
/// about a block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger storage: {0}")]
pub struct StorageError(pub String);

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// State after some block.
pub trait View {
    /// The last block.
    fn head(&self) -> Result<Head, StorageError>;
    /// The value of an entry.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;
    /// All entries whose key begins with `prefix`, ascending.
    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StorageError>;
    /// A node of the tree, by its encoded key.
    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError>;
}

/// A kind of entry in the state.
pub trait Entry: BorshSerialize + BorshDeserialize {
    /// The first byte of its keys.
    const TABLE: u8;
    /// The form of its values; the first byte of each.
    const VERSION: u8 = 1;
    /// What follows the table byte: fixed in width, numbers big-endian.
    type Key: Key;
}

/// The rest of an entry's key.
pub trait Key {
    /// Its bytes.
    fn bytes(&self) -> Vec<u8>;
}

impl Key for () {
    fn bytes(&self) -> Vec<u8> {
        Vec::new()
    }
}

impl Key for u64 {
    fn bytes(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }
}

macro_rules! id_key {
    ($($name:ident),*) => {$(
        impl Key for sotto_types::$name {
            fn bytes(&self) -> Vec<u8> {
                self.0.to_vec()
            }
        }
    )*};
}
id_key!(AppId, BootId, ChainId, NodeId, RequestId, Measurement, ContextId);

impl Key for sotto_types::Epoch {
    fn bytes(&self) -> Vec<u8> {
        self.0.bytes()
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn bytes(&self) -> Vec<u8> {
        [self.0.bytes(), self.1.bytes()].concat()
    }
}

impl<A: Key, B: Key, C: Key> Key for (A, B, C) {
    fn bytes(&self) -> Vec<u8> {
        [self.0.bytes(), self.1.bytes(), self.2.bytes()].concat()
    }
}

/// An entry's whole key in the state.
pub fn key<T: Entry>(rest: &T::Key) -> Vec<u8> {
    let mut out = vec![T::TABLE];
    out.extend(rest.bytes());
    out
}

/// An entry's value in the state.
pub fn value<T: Entry>(entry: &T) -> Result<Vec<u8>, StorageError> {
    let mut out = vec![T::VERSION];
    entry.serialize(&mut out).map_err(|e| StorageError(e.to_string()))?;
    Ok(out)
}

/// Reads an entry's value.
pub fn parse<T: Entry>(value: &[u8]) -> Result<T, StorageError> {
    let broken = |why: &str| StorageError(format!("entry of table {}: {why}", T::TABLE as char));
    match value.split_first() {
        Some((version, body)) if *version == T::VERSION => {
            T::try_from_slice(body).map_err(|e| broken(&e.to_string()))
        }
        _ => Err(broken("unknown version")),
    }
}

/// Reads one entry of a view.
pub fn read<T: Entry>(view: &impl View, rest: &T::Key) -> Result<Option<T>, StorageError> {
    view.get(&key::<T>(rest))?.map(|bytes| parse(&bytes)).transpose()
}

/// Reads all entries of a view whose key begins with `prefix` (within the table).
pub fn list<T: Entry>(
    view: &impl View,
    prefix: &impl Key,
) -> Result<Vec<(Vec<u8>, T)>, StorageError> {
    let prefix = [&[T::TABLE][..], &prefix.bytes()].concat();
    view.scan(&prefix)?.into_iter().map(|(key, value)| Ok((key, parse(&value)?))).collect()
}

type Change = Option<Vec<u8>>;

/// Changes over a view, with the events they gave.
pub struct Draft<'v, V> {
    view: &'v V,
    changes: BTreeMap<Vec<u8>, Change>,
    /// What happened so far in this block.
    pub events: Vec<Event>,
    undo: Vec<(Vec<u8>, Option<Change>)>,
    events_kept: usize,
}

impl<'v, V: View> Draft<'v, V> {
    /// Nothing changed yet.
    pub fn new(view: &'v V) -> Self {
        Self {
            view,
            changes: BTreeMap::new(),
            events: Vec::new(),
            undo: Vec::new(),
            events_kept: 0,
        }
    }

    /// From here on changes can be taken back together.
    pub fn mark(&mut self) {
        self.undo.clear();
        self.events_kept = self.events.len();
    }

    /// Takes back every change and event since the mark.
    pub fn rollback(&mut self) {
        while let Some((key, before)) = self.undo.pop() {
            match before {
                Some(change) => self.changes.insert(key, change),
                None => self.changes.remove(&key),
            };
        }
        self.events.truncate(self.events_kept);
    }

    /// An entry.
    pub fn get<T: Entry>(&self, rest: &T::Key) -> Result<Option<T>, StorageError> {
        let key = key::<T>(rest);
        match self.changes.get(&key) {
            Some(change) => change.as_deref().map(parse).transpose(),
            None => self.view.get(&key)?.as_deref().map(parse).transpose(),
        }
    }

    /// Writes an entry.
    pub fn put<T: Entry>(&mut self, rest: &T::Key, entry: &T) -> Result<(), StorageError> {
        let value = value(entry)?;
        self.change(key::<T>(rest), Some(value));
        Ok(())
    }

    /// Removes an entry.
    pub fn remove<T: Entry>(&mut self, rest: &T::Key) {
        self.change(key::<T>(rest), None);
    }

    /// All entries whose key begins with `prefix` (within the table), ascending by key.
    pub fn list<T: Entry>(&self, prefix: &impl Key) -> Result<Vec<(Vec<u8>, T)>, StorageError> {
        let prefix = [&[T::TABLE][..], &prefix.bytes()].concat();
        let mut found: BTreeMap<Vec<u8>, Vec<u8>> = self.view.scan(&prefix)?.into_iter().collect();
        for (key, change) in self.changes.range(prefix.clone()..) {
            if !key.starts_with(&prefix) {
                break;
            }
            match change {
                Some(value) => found.insert(key.clone(), value.clone()),
                None => found.remove(key),
            };
        }
        found.into_iter().map(|(key, value)| Ok((key, parse(&value)?))).collect()
    }

    /// The changes, ascending by key; a removed entry is `None`.
    pub fn into_changes(self) -> (BTreeMap<Vec<u8>, Change>, Vec<Event>) {
        (self.changes, self.events)
    }

    fn change(&mut self, key: Vec<u8>, change: Change) {
        let before = self.changes.insert(key.clone(), change);
        self.undo.push((key, before));
    }
}
