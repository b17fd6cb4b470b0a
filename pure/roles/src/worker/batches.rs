//! Receipts of direct calls on their way into the ledger: a batch is closed when it is full or two
//! blocks old, its leaves are held, then its root is handed in, again until the ledger has it. What
//! is not in the ledger when the process dies is gone. Not here: what a receipt says.

use super::PATIENCE;
use sotto_crypto::sign::SigningKey;
use sotto_types::{Batch, BootId, Hash, Height, NetworkId, SignedBatch, limits, merkle};
use std::collections::VecDeque;

/// What is the same in all batches of a process.
pub(super) struct Maker<'k> {
    pub(super) network: NetworkId,
    pub(super) boot: BootId,
    pub(super) key: &'k SigningKey,
}

/// The batches of one process.
pub(super) struct Batches {
    /// The number of the batch that is being filled.
    number: u64,
    /// The number of its first receipt.
    first: u64,
    leaves: Vec<Hash>,
    /// The block after which its first receipt came.
    since: Height,
    closed: VecDeque<Closed>,
}

struct Closed {
    signed: SignedBatch,
    /// The leaves, until they are held.
    leaves: Option<Vec<u8>>,
    handed_in: Option<Height>,
}

impl Batches {
    pub(super) fn new() -> Self {
        let (number, first, since) = (1, 1, Height(0));
        Self { number, first, leaves: Vec::new(), since, closed: VecDeque::new() }
    }

    /// Whether the ledger is so far behind that no further receipt should be promised.
    pub(super) fn is_full(&self) -> bool {
        self.closed.len() >= limits::BATCHES_WAITING_MAX
    }

    /// Adds a leaf: its batch and its place there, and leaves to be held if that closed it.
    pub(super) fn add(
        &mut self,
        leaf: Hash,
        height: Height,
        maker: &Maker<'_>,
    ) -> (u64, u32, Option<Vec<u8>>) {
        if self.leaves.is_empty() {
            self.since = height;
        }
        let number = self.number;
        let index = u32::try_from(self.leaves.len()).unwrap_or(u32::MAX);
        self.leaves.push(leaf);
        let is_full = self.leaves.len() >= limits::BATCH_RECEIPTS_MAX;
        (number, index, is_full.then(|| self.close(maker)))
    }

    /// These leaves are held from now on.
    pub(super) fn held(&mut self, leaves: &Hash) {
        for closed in &mut self.closed {
            if closed.signed.batch.leaves == *leaves {
                closed.leaves = None;
            }
        }
    }

    /// All that was handed in is lost and is handed in again.
    pub(super) fn lost(&mut self) {
        self.closed.iter_mut().for_each(|closed| closed.handed_in = None);
    }

    /// A block: `taken` batches are in the ledger. What to hold, and what to hand in.
    pub(super) fn block(
        &mut self,
        height: Height,
        taken: u64,
        maker: &Maker<'_>,
    ) -> (Vec<Vec<u8>>, Vec<SignedBatch>) {
        while self.closed.front().is_some_and(|first| first.signed.batch.number <= taken) {
            self.closed.pop_front();
        }
        let age = height.0.saturating_sub(self.since.0);
        if !self.leaves.is_empty() && age >= limits::BATCH_BLOCKS {
            self.close(maker);
        }
        let hold = self.closed.iter().filter_map(|closed| closed.leaves.clone()).collect();
        let mut hand_in = Vec::new();
        for closed in &mut self.closed {
            // In order and without gaps: one that waits holds up those behind it.
            if closed.leaves.is_some() {
                break;
            }
            let waits =
                closed.handed_in.is_some_and(|at| height.0.saturating_sub(at.0) <= PATIENCE);
            if !waits {
                closed.handed_in = Some(height);
                hand_in.push(closed.signed.clone());
            }
        }
        (hold, hand_in)
    }

    /// Closes the batch; its leaves behind one another.
    fn close(&mut self, maker: &Maker<'_>) -> Vec<u8> {
        let leaves = core::mem::take(&mut self.leaves);
        let bytes: Vec<u8> = leaves.iter().flat_map(|leaf| leaf.0).collect();
        let count = u32::try_from(leaves.len()).unwrap_or(u32::MAX);
        let batch = Batch {
            network: maker.network,
            worker: maker.key.public().node_id(),
            boot: maker.boot,
            number: self.number,
            first: self.first,
            count,
            root: merkle::root(&leaves),
            leaves: Hash::of(&bytes),
        };
        let signature = maker.key.sign(&batch.digest()).0;
        let signed = SignedBatch { batch, signature };
        self.closed.push_back(Closed { signed, leaves: Some(bytes.clone()), handed_in: None });
        self.number = self.number.saturating_add(1);
        self.first = self.first.saturating_add(u64::from(count));
        bytes
    }
}
