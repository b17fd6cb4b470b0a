//! Transactions waiting for a block, by sender and nonce.
//!
//! What is refused is refused in [`Pool::check`] and by the chain's rules in `chain`; once
//! journalled a transaction leaves only by being mined, replaced, dropped on request, or made
//! impossible by the state (its nonce used, its cost above its sender's balance). Those are
//! functions of journalled facts alone, so a replay arrives at the same pool.

use crate::{
    block::{LeftOut, Source},
    limits::{POOL_BYTES_MAX, POOL_TXS_MAX, POOL_TXS_PER_SENDER_MAX, REPLACEMENT_BUMP_PERCENT},
    state::Account,
    tx::Tx,
};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, U256},
};
use std::{
    collections::{BTreeMap, BinaryHeap, HashMap},
    sync::Arc,
};

struct Waiting {
    tx: Arc<Tx>,
    /// Order of arrival.
    arrival: u64,
}

/// All waiting transactions.
#[derive(Default)]
pub(crate) struct Pool {
    senders: BTreeMap<Address, BTreeMap<u64, Waiting>>,
    by_hash: HashMap<B256, Arc<Tx>>,
    bytes: usize,
    arrivals: u64,
    revision: u64,
}

/// Why the pool has no place for a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPlace {
    #[error("already known")]
    Known,
    #[error("replacement transaction underpriced")]
    Underpriced,
    #[error("txpool is full")]
    Full,
    #[error("account limit exceeded: at most {POOL_TXS_PER_SENDER_MAX} waiting transactions")]
    SenderFull,
}

impl Pool {
    /// Whether there is a place for `tx`.
    pub(crate) fn check(&self, tx: &Tx) -> Result<(), NoPlace> {
        if self.by_hash.contains_key(&tx.hash) {
            return Err(NoPlace::Known);
        }
        let queue = self.senders.get(&tx.sender);
        if let Some(old) = queue.and_then(|queue| queue.get(&tx.envelope.nonce())) {
            return if outbids(tx, &old.tx) { Ok(()) } else { Err(NoPlace::Underpriced) };
        }
        if queue.is_some_and(|queue| queue.len() >= POOL_TXS_PER_SENDER_MAX) {
            return Err(NoPlace::SenderFull);
        }
        if self.by_hash.len() >= POOL_TXS_MAX || self.bytes + tx.raw.len() > POOL_BYTES_MAX {
            return Err(NoPlace::Full);
        }
        Ok(())
    }

    /// What the sender's waiting transactions other than the one with `nonce` may cost at most.
    pub(crate) fn cost_besides(&self, sender: Address, nonce: u64) -> U256 {
        let queue = self.senders.get(&sender).into_iter().flatten();
        queue
            .filter(|(other, _)| **other != nonce)
            .filter_map(|(_, waiting)| waiting.tx.max_cost())
            .fold(U256::ZERO, U256::saturating_add)
    }

    /// Adds a transaction, in the place of one with the same sender and nonce.
    pub(crate) fn insert(&mut self, tx: Arc<Tx>) {
        self.remove(tx.sender, tx.envelope.nonce());
        self.bytes += tx.raw.len();
        self.by_hash.insert(tx.hash, Arc::clone(&tx));
        self.arrivals += 1;
        let waiting = Waiting { arrival: self.arrivals, tx: Arc::clone(&tx) };
        self.senders.entry(tx.sender).or_default().insert(tx.envelope.nonce(), waiting);
        self.revision += 1;
    }

    /// Removes one transaction by hash; false if it is not here.
    pub(crate) fn drop_tx(&mut self, hash: B256) -> bool {
        let Some(tx) = self.get(hash) else { return false };
        self.remove(tx.sender, tx.envelope.nonce());
        true
    }

    /// Removes what can no longer be mined, given each sender's account.
    pub(crate) fn prune(&mut self, account: impl Fn(Address) -> Account) {
        let mut gone = Vec::new();
        for (sender, queue) in &self.senders {
            let account = account(*sender);
            gone.extend(queue.iter().filter_map(|(nonce, waiting)| {
                let affordable = waiting.tx.max_cost().is_some_and(|cost| cost <= account.balance);
                (*nonce < account.nonce || !affordable).then_some((*sender, *nonce))
            }));
        }
        for (sender, nonce) in gone {
            self.remove(sender, nonce);
        }
    }

    /// A waiting transaction.
    pub(crate) fn get(&self, hash: B256) -> Option<Arc<Tx>> {
        self.by_hash.get(&hash).cloned()
    }

    /// The sender's next nonce when everything minable is mined, from its `nonce` in the state.
    pub(crate) fn next_nonce(&self, sender: Address, nonce: u64) -> u64 {
        let Some(queue) = self.senders.get(&sender) else { return nonce };
        let run = queue.range(nonce..).zip(nonce..).take_while(|((have, _), want)| *have == want);
        nonce + run.count() as u64
    }

    /// Waiting transactions that arrived after `arrival`, and the newest arrival.
    pub(crate) fn since(&self, arrival: u64) -> (Vec<B256>, u64) {
        let all = self.senders.values().flat_map(BTreeMap::values);
        let mut new: Vec<_> = all.filter(|waiting| waiting.arrival > arrival).collect();
        new.sort_by_key(|waiting| waiting.arrival);
        (new.into_iter().map(|waiting| waiting.tx.hash).collect(), self.arrivals)
    }

    /// Numbers of transactions minable now and waiting for an earlier nonce.
    pub(crate) fn counts(&self, nonce: impl Fn(Address) -> u64) -> (u64, u64) {
        let (mut pending, mut all) = (0, 0);
        for (sender, queue) in &self.senders {
            let nonce = nonce(*sender);
            pending += self.next_nonce(*sender, nonce) - nonce;
            all += queue.len() as u64;
        }
        (pending, all - pending)
    }

    /// Changes whenever the pool does.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Candidates for a block, best paying first, each sender's in nonce order.
    pub(crate) fn candidates(
        &self,
        base_fee: u64,
        nonce: impl Fn(Address) -> u64,
    ) -> Candidates<'_> {
        let mut candidates =
            Candidates { pool: self, base_fee, heads: BinaryHeap::new(), last: None };
        for sender in self.senders.keys() {
            candidates.offer(*sender, nonce(*sender));
        }
        candidates
    }

    fn remove(&mut self, sender: Address, nonce: u64) {
        let Some(queue) = self.senders.get_mut(&sender) else { return };
        if let Some(waiting) = queue.remove(&nonce) {
            self.bytes -= waiting.tx.raw.len();
            self.by_hash.remove(&waiting.tx.hash);
            self.revision += 1;
        }
        if queue.is_empty() {
            self.senders.remove(&sender);
        }
    }
}

/// Whether `new` may take the place of `old`: both fees higher by the bump (geth's rule).
fn outbids(new: &Tx, old: &Tx) -> bool {
    let enough = |new: u128, old: u128| {
        let bump = |fee: u128| U256::from(fee) * U256::from(100 + REPLACEMENT_BUMP_PERCENT);
        new > old && U256::from(new) * U256::from(100) >= bump(old)
    };
    let tip =
        |tx: &Tx| tx.envelope.max_priority_fee_per_gas().unwrap_or(tx.envelope.max_fee_per_gas());
    enough(new.envelope.max_fee_per_gas(), old.envelope.max_fee_per_gas())
        && enough(tip(new), tip(old))
}

/// One sender's next transaction: highest tip first, then earliest arrival.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    tip: u128,
    arrival: std::cmp::Reverse<u64>,
    sender: Address,
    nonce: u64,
}

/// See [`Pool::candidates`].
pub(crate) struct Candidates<'a> {
    pool: &'a Pool,
    base_fee: u64,
    heads: BinaryHeap<Head>,
    last: Option<(Address, u64)>,
}

impl Candidates<'_> {
    fn offer(&mut self, sender: Address, nonce: u64) {
        let queue = self.pool.senders.get(&sender);
        let Some(waiting) = queue.and_then(|queue| queue.get(&nonce)) else { return };
        if let Some(tip) = waiting.tx.envelope.effective_tip_per_gas(self.base_fee) {
            let arrival = std::cmp::Reverse(waiting.arrival);
            self.heads.push(Head { tip, arrival, sender, nonce });
        }
    }
}

impl Source for Candidates<'_> {
    fn next(&mut self) -> Option<Arc<Tx>> {
        if let Some((sender, nonce)) = self.last.take() {
            self.offer(sender, nonce.saturating_add(1));
        }
        let head = self.heads.pop()?;
        self.last = Some((head.sender, head.nonce));
        let waiting = self.pool.senders.get(&head.sender)?.get(&head.nonce)?;
        Some(Arc::clone(&waiting.tx))
    }

    /// The sender's later transactions cannot be mined either.
    fn left_out(&mut self, _why: LeftOut) {
        self.last = None;
    }
}
