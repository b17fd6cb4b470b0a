//! Blocks, accounts and the pool of the chain in memory.

use super::{Wish, contract::Contract};
use crate::{Built, Fee, SubmitError};
use borsh::{BorshDeserialize, BorshSerialize};
use sotto_types::{Account, BlockRef, ChainEvent, Delivery, Hash, KeyEntry, Time, sha256};
use std::collections::BTreeMap;

/// Gas a call is said to use.
const GAS: u64 = 50_000;
/// The price of a unit of gas: less waits for ever.
pub(super) const PRICE: u128 = 100;

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) enum Call {
    Void,
    Deliver(Delivery),
}

/// A transaction as it is broadcast.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(super) struct Tx {
    pub(super) from: Account,
    pub(super) nonce: u64,
    pub(super) fee: Fee,
    pub(super) built: Built,
}

impl Tx {
    pub(super) fn encode(&self) -> Vec<u8> {
        borsh::to_vec(self).unwrap_or_default()
    }

    pub(super) fn hash(&self) -> Hash {
        Hash::of(&self.encode())
    }
}

/// What users of the chain do, in the next block.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Ask(Wish),
    Refund(u64),
    Deliver(u64),
}

/// A transaction's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) height: u64,
    pub(super) ok: bool,
    pub(super) gas: u64,
}

#[derive(Clone, Debug)]
struct Block {
    at: BlockRef,
    contract: Contract,
    nonces: BTreeMap<Account, u64>,
    events: Vec<ChainEvent>,
    published: Vec<(Account, Vec<u8>)>,
    ops: Vec<Op>,
    txs: Vec<(Tx, bool)>,
}

#[derive(Debug)]
pub(super) struct Ledger {
    blocks: Vec<Block>,
    pool: BTreeMap<(Account, u64), Tx>,
    ops: Vec<Op>,
    /// Grows with each reorganisation, so that no block comes twice.
    fork: u64,
}

impl Ledger {
    pub(super) fn new(contract: Contract, time: Time) -> Self {
        let at = BlockRef { height: 0, hash: Hash::of(b"first"), parent: Hash([0; 32]), time };
        let first = Block {
            at,
            contract,
            nonces: BTreeMap::new(),
            events: Vec::new(),
            published: Vec::new(),
            ops: Vec::new(),
            txs: Vec::new(),
        };
        Self { blocks: vec![first], pool: BTreeMap::new(), ops: Vec::new(), fork: 0 }
    }

    #[allow(clippy::expect_used, reason = "the first block is never taken away")]
    fn last(&self) -> &Block {
        self.blocks.last().expect("a chain has a first block")
    }

    pub(super) fn head(&self) -> BlockRef {
        self.last().at
    }

    pub(super) fn contract(&self) -> &Contract {
        &self.last().contract
    }

    pub(super) fn block(&self, height: u64) -> Option<BlockRef> {
        self.at(height).map(|block| block.at)
    }

    pub(super) fn contract_at(&self, height: u64) -> Option<&Contract> {
        self.at(height).map(|block| &block.contract)
    }

    pub(super) fn events(&self, height: u64) -> &[ChainEvent] {
        self.at(height).map_or(&[], |block| &block.events)
    }

    pub(super) fn published(&self, upto: u64) -> impl Iterator<Item = &(Account, Vec<u8>)> {
        let blocks = self.blocks.iter().take_while(move |block| block.at.height <= upto);
        blocks.flat_map(|block| &block.published)
    }

    pub(super) fn nonce(&self, account: &Account, height: u64) -> u64 {
        self.at(height).and_then(|block| block.nonces.get(account)).copied().unwrap_or(0)
    }

    fn at(&self, height: u64) -> Option<&Block> {
        self.blocks.get(usize::try_from(height).ok()?)
    }

    pub(super) fn receipt(&self, hash: &Hash) -> Option<Receipt> {
        self.blocks.iter().find_map(|block| {
            let (_, ok) = block.txs.iter().find(|(tx, _)| tx.hash() == *hash)?;
            Some(Receipt { height: block.at.height, ok: *ok, gas: GAS })
        })
    }

    pub(super) fn pending(&self, hash: &Hash) -> bool {
        self.pool.values().any(|tx| tx.hash() == *hash)
    }

    pub(super) fn history(&self, account: &Account) -> Vec<(Hash, bool)> {
        let txs = self.blocks.iter().flat_map(|block| &block.txs);
        txs.filter(|(tx, _)| tx.from == *account).map(|(tx, ok)| (tx.hash(), *ok)).collect()
    }

    pub(super) fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    pub(super) fn register(&mut self, entry: &KeyEntry) {
        if let Some(block) = self.blocks.last_mut() {
            block.contract.register(entry);
        }
    }

    pub(super) fn submit(&mut self, tx: Tx) -> Result<(), SubmitError> {
        let key = (tx.from, tx.nonce);
        if self.receipt(&tx.hash()).is_some() || self.pending(&tx.hash()) {
            return Err(SubmitError::AlreadyKnown);
        }
        if tx.nonce < self.nonce(&tx.from, self.head().height) {
            return Err(SubmitError::NonceTooLow);
        }
        if tx.fee.max < PRICE {
            return Err(SubmitError::Underpriced);
        }
        if let Some(other) = self.pool.get(&key)
            && tx.fee.max < other.fee.max + other.fee.max / 10
        {
            return Err(SubmitError::Underpriced);
        }
        self.pool.insert(key, tx);
        Ok(())
    }

    /// One more block, `seconds` later: what users do first, then the pool by fee.
    pub(super) fn mine(&mut self, seconds: u64) {
        let parent = self.last();
        let height = parent.at.height + 1;
        let seed = [height.to_be_bytes(), self.fork.to_be_bytes()].concat();
        let hash = Hash(sha256(&[&parent.at.hash.0, &seed]));
        let time = parent.at.time.plus(seconds.max(1));
        let mut block = Block {
            at: BlockRef { height, hash, parent: parent.at.hash, time },
            contract: parent.contract.clone(),
            nonces: parent.nonces.clone(),
            events: Vec::new(),
            published: Vec::new(),
            ops: std::mem::take(&mut self.ops),
            txs: Vec::new(),
        };
        for op in block.ops.clone() {
            block.act(&op);
        }
        while let Some(tx) = self.pick(&block) {
            block.run(tx);
        }
        self.blocks.push(block);
    }

    /// The best paid transaction whose turn it is.
    fn pick(&mut self, block: &Block) -> Option<Tx> {
        let due = self
            .pool
            .iter()
            .filter(|((from, nonce), _)| block.nonces.get(from).copied().unwrap_or(0) == *nonce);
        let key = due.max_by_key(|(_, tx)| tx.fee.max).map(|(key, _)| *key)?;
        self.pool.remove(&key)
    }

    pub(super) fn reorg(&mut self, depth: u64, keep: bool) {
        self.fork += 1;
        let mut undone = Vec::new();
        for _ in 0..depth {
            if self.blocks.len() > 1 {
                undone.extend(self.blocks.pop());
            }
        }
        let made = undone.len();
        if keep {
            let ops = undone.iter().rev().flat_map(|block| block.ops.clone());
            self.ops = ops.chain(std::mem::take(&mut self.ops)).collect();
            for (tx, _) in undone.into_iter().flat_map(|block| block.txs) {
                self.pool.entry((tx.from, tx.nonce)).or_insert(tx);
            }
        } else {
            // A pool without the transactions of the blocks that never were.
            self.pool.clear();
        }
        (0..=made).for_each(|_| self.mine(1));
    }
}

impl Block {
    fn act(&mut self, op: &Op) {
        match op {
            Op::Ask(wish) => {
                let consumer = wish.consumer;
                let envelopes = wish.envelopes.iter().map(|(_, bytes)| (consumer, bytes.clone()));
                self.published.extend(envelopes);
                self.events.push(self.contract.ask(wish, self.at.time));
            }
            // A call that reverts leaves nothing behind.
            Op::Refund(number) => self.events.extend(self.contract.refund(*number, self.at.time)),
            Op::Deliver(number) => self.events.extend(self.contract.deliver(*number)),
        }
    }

    fn run(&mut self, tx: Tx) {
        self.nonces.insert(tx.from, tx.nonce + 1);
        let ok = match Call::try_from_slice(&tx.built.calldata) {
            Ok(Call::Void) => true,
            Ok(Call::Deliver(delivery)) => match self.contract.take(&delivery, self.at.time) {
                Ok(events) => {
                    self.events.extend(events);
                    true
                }
                Err(_) => false,
            },
            Err(_) => false,
        };
        self.txs.push((tx, ok));
    }
}
