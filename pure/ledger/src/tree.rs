//! The authenticated root: a Jellyfish Merkle tree (`jmt`) over the entries, keyed by SHA-256 of
//! the entry's key, one version a block. It gives roots and proofs only; values are the view's.

use crate::view::{StorageError, View};
use borsh::BorshDeserialize;
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, RootHash, Version, proof::SparseMerkleProof};
use sha2::Sha256;
use sotto_types::{Proof, Root};
use std::collections::BTreeMap;

type Tree<'a, R> = jmt::JellyfishMerkleTree<'a, R, Sha256>;

/// What a block writes, for one transaction of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Entries; a removed one is `None`.
    pub entries: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// New nodes of the tree.
    pub nodes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Nodes that no later root reaches.
    pub stale: Vec<Vec<u8>>,
}

/// Why a proof is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// Not the encoding of a path.
    #[error("the path is malformed")]
    Malformed,
    /// The path leads to another root, or the entry is another.
    #[error("the path does not lead from the entry to the root")]
    WrongRoot,
}

struct Reader<'v, V>(&'v V, Option<(KeyHash, OwnedValue)>);

fn storage(error: impl core::fmt::Display) -> StorageError {
    StorageError(format!("tree: {error:#}"))
}

impl<V: View> TreeReader for Reader<'_, V> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let bytes = self.0.node(&borsh::to_vec(key)?).map_err(|e| anyhow::anyhow!("{e}"))?;
        Ok(bytes.map(|bytes| Node::try_from_slice(&bytes)).transpose()?)
    }

    fn get_value_option(&self, _: Version, key: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.1.as_ref().filter(|(hash, _)| *hash == key).map(|(_, value)| value.clone()))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        // Asked for only when a tree is restored from a snapshot, which is not done through a view.
        anyhow::bail!("a view does not restore trees")
    }
}

/// The root after `changes` are written as `version`, and all there is to write.
pub(crate) fn commit(
    view: &impl View,
    version: Version,
    changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
) -> Result<(Root, Writes), StorageError> {
    let reader = Reader(view, None);
    let set: Vec<_> =
        changes.iter().map(|(key, value)| (KeyHash::with::<Sha256>(key), value.clone())).collect();
    let (root, update) = Tree::new(&reader).put_value_set(set, version).map_err(storage)?;
    let mut writes = Writes { entries: changes.into_iter().collect(), ..Writes::default() };
    for (key, node) in update.node_batch.nodes() {
        let key = borsh::to_vec(key).map_err(storage)?;
        writes.nodes.push((key, borsh::to_vec(node).map_err(storage)?));
    }
    for stale in &update.stale_node_index_batch {
        writes.stale.push(borsh::to_vec(&stale.node_key).map_err(storage)?);
    }
    Ok((Root(root.0), writes))
}

/// A path from an entry to the root of the view's head; `None` where there is no such entry.
pub fn prove(view: &impl View, key: &[u8]) -> Result<Option<Proof>, StorageError> {
    let Some(value) = view.get(key)? else { return Ok(None) };
    let hash = KeyHash::with::<Sha256>(key);
    let reader = Reader(view, Some((hash, value.clone())));
    let version = view.head()?.height.0;
    let (_, path) = Tree::new(&reader).get_with_proof(hash, version).map_err(storage)?;
    Ok(Some(Proof { key: key.to_vec(), value, path: borsh::to_vec(&path).map_err(storage)? }))
}

/// That `proof.key` holds `proof.value` under `root`.
pub fn check_proof(root: &Root, proof: &Proof) -> Result<(), BadProof> {
    let path = SparseMerkleProof::<Sha256>::try_from_slice(&proof.path)
        .map_err(|_| BadProof::Malformed)?;
    let key = KeyHash::with::<Sha256>(&proof.key);
    path.verify_existence(RootHash(root.0), key, &proof.value).map_err(|_| BadProof::WrongRoot)
}
