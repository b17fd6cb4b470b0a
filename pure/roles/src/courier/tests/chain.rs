//! A chain for the sender alone: nonces, a pool, blocks, and what may go wrong with each answer.

use crate::courier::*;
use sotto_types::{
    Account, Answer, AppId, Attempt, BlockRef, Delivery, Generation, Hash, KeyEntry, Time,
};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const VOID: u64 = u64::MAX;

pub(super) fn config() -> SendConfig {
    let void = Built { to: Account([0; 32]), calldata: VOID.to_be_bytes().to_vec(), gas: 21_000 };
    SendConfig { window: 4, ..SendConfig::new(void, 1 << 40) }
}

pub(super) fn fulfil(number: u64, deadline: u64) -> Delivery {
    let answer = Answer {
        number,
        attempt: Attempt(1),
        app: AppId([1; 32]),
        generation: Generation(1),
        terms: Hash([2; 32]),
        result: vec![3],
        deadline: Time(deadline),
    };
    Delivery::Fulfil { answer, signature: [0; 65] }
}

pub(super) fn keys(nonce: u64) -> Delivery {
    let entry = KeyEntry { app: AppId([1; 32]), key: Account([4; 32]), expiry: Time(9_999_999) };
    Delivery::Keys { nonce, entries: vec![entry], signatures: vec![] }
}

/// What a delivery does, as one number: 1,000,000 + nonce for keys.
pub(super) fn deed(delivery: &Delivery) -> u64 {
    match delivery {
        Delivery::Fulfil { answer, .. } => answer.number,
        Delivery::Keys { nonce, .. } => 1_000_000 + nonce,
        _ => unreachable!("not used here"),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tx {
    pub(super) nonce: u64,
    pub(super) deed: u64,
    pub(super) fee: Fee,
}

impl Tx {
    pub(super) fn raw(&self) -> Raw {
        let tip = self.fee.tip.unwrap();
        let bytes = [self.nonce.to_be_bytes(), self.deed.to_be_bytes()].concat();
        let fee = [self.fee.max.to_be_bytes(), tip.to_be_bytes()].concat();
        let bytes = [bytes, fee].concat();
        Raw { hash: Hash::of(&bytes), bytes }
    }

    pub(super) fn decode(raw: &Raw) -> Self {
        let number = |at: usize| u64::from_be_bytes(raw.bytes[at..at + 8].try_into().unwrap());
        let fee = |at: usize| u128::from_be_bytes(raw.bytes[at..at + 16].try_into().unwrap());
        let fee = Fee { max: fee(16), tip: Some(fee(32)) };
        Self { nonce: number(0), deed: number(8), fee }
    }
}

/// Blocks of transactions with whether each succeeded; final two blocks deep.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    pub(super) blocks: Vec<Vec<(Tx, bool)>>,
    pub(super) pool: BTreeMap<u64, Tx>,
    pub(super) time: u64,
    pub(super) deadlines: BTreeMap<u64, u64>,
    pub(super) broadcasts: Vec<(Tx, u64)>,
}

impl Chain {
    pub(super) fn done(&self) -> BTreeSet<u64> {
        let all = self.blocks.iter().flatten();
        all.filter(|(tx, ok)| *ok && tx.deed != VOID).map(|(tx, _)| tx.deed).collect()
    }

    pub(super) fn nonce(&self, blocks: usize) -> u64 {
        self.blocks.iter().take(blocks).map(|block| block.len() as u64).sum()
    }

    pub(super) fn settled(&self) -> usize {
        self.blocks.len().saturating_sub(2)
    }

    pub(super) fn survey(&self) -> Survey {
        let height = self.blocks.len() as u64;
        Survey {
            head: BlockRef {
                height,
                hash: Hash([0; 32]),
                parent: Hash([0; 32]),
                time: Time(self.time),
            },
            final_height: self.settled() as u64,
            latest: self.nonce(self.blocks.len()),
            settled: self.nonce(self.settled()),
            fee: Fee { max: 100, tip: Some(10) },
        }
    }

    pub(super) fn build(&self, delivery: &Delivery) -> Result<Built, BuildError> {
        let (deed, done) = (deed(delivery), self.done());
        if done.contains(&deed) {
            return Err(BuildError::AlreadyDone);
        }
        let needs = match delivery {
            Delivery::Keys { nonce, .. } if *nonce > 1 => Some(1_000_000 + nonce - 1),
            // Every third result needs the first keys.
            Delivery::Fulfil { answer, .. } if answer.number % 3 == 0 => Some(1_000_001),
            _ => None,
        };
        if needs.is_some_and(|needed| !done.contains(&needed)) {
            return Err(BuildError::WouldRevert { reason: "not yet".into(), curable: true });
        }
        let calldata = deed.to_be_bytes().to_vec();
        Ok(Built { to: Account([1; 32]), calldata, gas: 50_000 })
    }

    pub(super) fn sign(nonce: u64, built: &Built, fee: Fee) -> Raw {
        let deed = u64::from_be_bytes(built.calldata.clone().try_into().unwrap());
        Tx { nonce, deed, fee }.raw()
    }

    pub(super) fn submit(&mut self, raw: &Raw) -> Result<(), SubmitError> {
        let tx = Tx::decode(raw);
        self.broadcasts.push((tx.clone(), self.time));
        if tx.nonce < self.nonce(self.blocks.len()) {
            return Err(SubmitError::NonceTooLow);
        }
        match self.pool.get(&tx.nonce) {
            Some(other) if *other == tx => Err(SubmitError::AlreadyKnown),
            Some(other) if tx.fee.max < other.fee.max + other.fee.max / 10 => {
                Err(SubmitError::Underpriced)
            }
            _ => {
                self.pool.insert(tx.nonce, tx);
                Ok(())
            }
        }
    }

    pub(super) fn fate(&self, hashes: &[Hash]) -> TxStatus {
        for (at, block) in self.blocks.iter().enumerate() {
            for (tx, ok) in block {
                let hash = tx.raw().hash;
                if !hashes.contains(&hash) {
                    continue;
                }
                let (height, ok, gas) = (at as u64 + 1, *ok, 1);
                return if at < self.settled() {
                    TxStatus::Final { hash, height, ok, gas }
                } else {
                    TxStatus::Included { hash, height, ok, gas }
                };
            }
        }
        let pending = self.pool.values().any(|tx| hashes.contains(&tx.raw().hash));
        if pending { TxStatus::Pending } else { TxStatus::Unknown }
    }

    /// A block `seconds` later with at most `room` transactions.
    pub(super) fn mine(&mut self, seconds: u64, room: usize) {
        self.time += seconds;
        let mut block = Vec::new();
        let mut nonce = self.nonce(self.blocks.len());
        let mut done = self.done();
        while block.len() < room
            && let Some(tx) = self.pool.remove(&nonce)
        {
            let late = self.deadlines.get(&tx.deed).is_some_and(|deadline| self.time > *deadline);
            let ok = tx.deed == VOID || (!late && done.insert(tx.deed));
            block.push((tx, ok));
            nonce += 1;
        }
        self.blocks.push(block);
    }

    /// Undoes the newest block; its transactions wait again, or are forgotten.
    pub(super) fn undo(&mut self, keep: bool) {
        let Some(block) = self.blocks.pop() else { return };
        for (tx, _) in block.into_iter().filter(|_| keep) {
            self.pool.entry(tx.nonce).or_insert(tx);
        }
        if !keep {
            self.pool.clear();
        }
    }
}
