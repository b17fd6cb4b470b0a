//! A view in memory.

use crate::view::Pair;
use crate::{Applied, Head, StorageError, View};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) head: Option<Head>,
    pub(crate) entries: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Memory {
    pub(crate) fn of(applied: &Applied) -> Self {
        let mut memory = Self::default();
        memory.commit(applied);
        memory
    }

    /// What a store does in one transaction; pruned nodes must have been there.
    pub(crate) fn commit(&mut self, applied: &Applied) {
        for (key, value) in &applied.writes.entries {
            match value {
                Some(value) => self.entries.insert(key.clone(), value.clone()),
                None => self.entries.remove(key),
            };
        }
        for (key, node) in &applied.writes.nodes {
            assert_eq!(self.nodes.insert(key.clone(), node.clone()), None, "a node changed");
        }
        for key in &applied.writes.stale {
            assert!(self.nodes.remove(key).is_some(), "a node was stale that never was");
        }
        self.head = Some(applied.head);
    }
}

impl View for Memory {
    fn head(&self) -> Result<Head, StorageError> {
        self.head.ok_or_else(|| StorageError("empty".into()))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.entries.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StorageError> {
        let from = self.entries.range(prefix.to_vec()..);
        let pairs = from.take_while(|(key, _)| key.starts_with(prefix));
        Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.nodes.get(key).cloned())
    }
}
