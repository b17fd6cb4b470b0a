//! A view in memory.

use sotto_ledger::view::Pair;
use sotto_ledger::{Applied, Head, StorageError, View};
use std::collections::BTreeMap;

#[derive(Clone, Default)]
pub(crate) struct Memory {
    head: Option<Head>,
    pub(crate) entries: BTreeMap<Vec<u8>, Vec<u8>>,
    nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Memory {
    /// What a store does in one transaction.
    pub(crate) fn commit(&mut self, applied: &Applied) {
        for (key, value) in &applied.writes.entries {
            match value {
                Some(value) => self.entries.insert(key.clone(), value.clone()),
                None => self.entries.remove(key),
            };
        }
        self.nodes.extend(applied.writes.nodes.iter().cloned());
        for key in &applied.writes.stale {
            self.nodes.remove(key);
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
