//! The chain: blocks, state, pool and clock, changed one journalled record at a time.
//!
//! Every change is first decided, then journalled, then applied, under the caller's write lock; so
//! nobody sees what the journal does not hold, and replaying the journal applies the same changes.

mod admit;
mod change;
mod replay;

pub(crate) use admit::{Funds, Refusal};
pub(crate) use change::Impossible;

use crate::{
    Error,
    block::{self, Block, Built, Draft, LeftOut, Source},
    evm,
    journal::Journal,
    pool::Pool,
    record::{BlockRecord, Genesis, Record},
    state::{Account, Changes, State, Version, View},
    tx::Tx,
};
use alloy::{
    eips::eip1559::BaseFeeParams,
    primitives::{Address, B256, Bytes},
};
use revm::context::BlockEnv;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

/// The whole chain.
pub(crate) struct Chain {
    pub(crate) genesis: Genesis,
    state: State,
    blocks: Vec<Arc<Block>>,
    /// For each block, the state version at its end; the tip's moves with changes between blocks.
    versions: Vec<Version>,
    by_hash: HashMap<B256, u64>,
    by_tx: HashMap<B256, (u64, usize)>,
    pub(crate) pool: Pool,
    clock: Clock,
    /// Reorganisations so far: replacing blocks carry it, so they differ from what they replace.
    reorgs: u64,
    snapshots: BTreeMap<u64, Snapshot>,
    next_snapshot: u64,
    journal: Option<Journal>,
    closed: bool,
    /// Memory holds changes the disk may not: nothing of them may be shown.
    ahead: bool,
    pending: Mutex<Option<(PendingKey, Arc<Built>)>>,
}

#[derive(Clone, Copy, Default)]
struct Clock {
    /// Seconds ahead of the machine's clock.
    offset: i64,
    /// The exact time of the next block, if set.
    next: Option<u64>,
}

struct Snapshot {
    number: u64,
    hash: B256,
    version: Version,
    clock: Clock,
}

/// What the pending block depends on.
type PendingKey = (B256, Version, u64, u64);

/// A point of the chain a question can be asked at.
#[derive(Clone)]
pub(crate) enum At {
    /// The end of a block.
    Block(u64),
    /// The end of the block that would be mined now.
    Pending(Arc<Built>),
}

impl Chain {
    /// The last block.
    pub(crate) fn tip(&self) -> &Arc<Block> {
        // There is always a genesis block: `open` pushes it and nothing pops it.
        &self.blocks[self.blocks.len() - 1]
    }

    /// The last block's number.
    pub(crate) fn height(&self) -> u64 {
        self.tip().header.number
    }

    /// A block by number.
    pub(crate) fn block(&self, number: u64) -> Option<&Arc<Block>> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// A block's number by its hash.
    pub(crate) fn number(&self, hash: B256) -> Option<u64> {
        self.by_hash.get(&hash).copied()
    }

    /// The block of a mined transaction, and its place there.
    pub(crate) fn mined(&self, hash: B256) -> Option<(&Arc<Block>, usize)> {
        let (number, index) = self.by_tx.get(&hash)?;
        Some((self.block(*number)?, *index))
    }

    /// The state at a point of the chain.
    pub(crate) fn view<'a>(&'a self, at: &'a At) -> View<'a> {
        let (version, over) = match at {
            At::Block(number) => {
                let index = usize::try_from(*number).unwrap_or(usize::MAX);
                (self.versions.get(index).copied().unwrap_or_default(), None)
            }
            At::Pending(built) => (self.state.version(), Some(&built.changes)),
        };
        View { state: &self.state, version, over, blocks: &self.blocks }
    }

    /// The block environment at a point of the chain.
    pub(crate) fn env(&self, at: &At) -> BlockEnv {
        match at {
            At::Block(number) => evm::block_env(&self.block(*number).unwrap_or(self.tip()).header),
            At::Pending(built) => evm::block_env(&built.block.header),
        }
    }

    /// An account at the tip.
    pub(crate) fn account(&self, address: Address) -> Account {
        self.state.account(address, self.state.version())
    }

    /// The next block's base fee, in wei per gas.
    pub(crate) fn next_base_fee(&self) -> u64 {
        let fee = self.tip().header.next_block_base_fee(BaseFeeParams::ethereum());
        fee.unwrap_or_default()
    }

    /// The block that would be mined now.
    pub(crate) fn pending(&self) -> Arc<Built> {
        let (timestamp, _) = self.next_time();
        let key = (self.tip().hash, self.state.version(), self.pool.revision(), timestamp);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, built)) = pending.as_ref().filter(|(built_for, _)| *built_for == key) {
            return Arc::clone(built);
        }
        let built = Arc::new(self.build(timestamp));
        *pending = Some((key, Arc::clone(&built)));
        built
    }

    /// Mines one block, empty or not.
    pub(crate) fn mine(&mut self) -> Result<(), Error> {
        let (timestamp, offset) = self.next_time();
        let built = self.build(timestamp);
        self.commit_mined(&built, offset)
    }

    /// Mines until no waiting transaction can be mined.
    pub(crate) fn mine_ready(&mut self) -> Result<(), Error> {
        loop {
            let (timestamp, offset) = self.next_time();
            let built = self.build(timestamp);
            if built.block.mined.is_empty() {
                return Ok(());
            }
            self.commit_mined(&built, offset)?;
        }
    }

    /// Makes several changes that wait for the disk once, together, at the end. Nobody sees them
    /// before: the caller holds the write lock.
    pub(crate) fn together<T, E: From<Error>>(
        &mut self,
        changes: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if let Some(journal) = &mut self.journal {
            journal.defer();
        }
        let result = changes(self);
        if let Some(Err(error)) = self.journal.as_mut().map(Journal::sync) {
            self.ahead = true;
            return Err(error.into());
        }
        result
    }

    /// Whether what is here may be shown: the disk has it too.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.ahead { Err(Error::JournalFailed) } else { Ok(()) }
    }

    /// Refuses every further change and closes the journal, which is then free for another.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.journal = None;
    }

    /// Makes every later write to the journal fail.
    #[cfg(test)]
    pub(crate) fn fail_from_now(&mut self) {
        self.journal.as_mut().map(Journal::fail_from_now);
    }

    fn commit_mined(&mut self, built: &Built, offset: i64) -> Result<(), Error> {
        let txs: Vec<Bytes> = built.block.mined.iter().map(|one| one.tx.raw.clone()).collect();
        let (timestamp, hash) = (built.block.header.timestamp, built.block.hash);
        self.write(&Record::Block(BlockRecord { timestamp, offset, hash, txs }))?;
        self.clock = Clock { offset, next: None };
        self.push(built);
        Ok(())
    }

    /// Journals a record. What it says is applied by the caller, only after this.
    fn write(&mut self, record: &Record) -> Result<(), Error> {
        if self.closed {
            return Err(Error::Stopped);
        }
        self.journal.as_mut().map_or(Ok(()), |journal| journal.append(record))
    }

    fn build(&self, timestamp: u64) -> Built {
        let nonce = |sender| self.account(sender).nonce;
        let mut candidates = self.pool.candidates(self.next_base_fee(), nonce);
        self.draft(timestamp, Bytes::new()).build(self.newest(), &mut candidates)
    }

    /// Executes exactly `txs`; an error if one is left out.
    fn build_exactly(
        &self,
        timestamp: u64,
        extra: Bytes,
        txs: Vec<Arc<Tx>>,
    ) -> Result<Built, Error> {
        let mut exactly = Exactly { txs: txs.into_iter(), left_out: None };
        let built = self.draft(timestamp, extra).build(self.newest(), &mut exactly);
        match exactly.left_out {
            None => Ok(built),
            Some(why) => Err(Error::Execute { number: self.height() + 1, why: why.to_string() }),
        }
    }

    fn draft(&self, timestamp: u64, extra: Bytes) -> Draft<'_> {
        Draft { chain_id: self.genesis.chain_id, parent: self.tip(), timestamp, extra }
    }

    fn newest(&self) -> View<'_> {
        let version = self.state.version();
        View { state: &self.state, version, over: None, blocks: &self.blocks }
    }

    /// Makes a built block the tip.
    fn push(&mut self, built: &Built) {
        let version = self.state.apply(&built.changes);
        self.versions.push(version);
        self.index(&built.block);
        self.blocks.push(Arc::clone(&built.block));
        let (pool, state) = (&mut self.pool, &self.state);
        pool.prune(|sender| state.account(sender, version));
    }

    fn index(&mut self, block: &Block) {
        self.by_hash.insert(block.hash, block.header.number);
        for (index, one) in block.mined.iter().enumerate() {
            self.by_tx.insert(one.tx.hash, (block.header.number, index));
        }
    }

    /// Removes every block above `number` and every state change after `version`.
    fn rollback(&mut self, number: u64, version: Version) {
        while self.height() > number {
            let Some(block) = self.blocks.pop() else { return };
            self.versions.pop();
            self.by_hash.remove(&block.hash);
            for one in &block.mined {
                self.by_tx.remove(&one.tx.hash);
            }
        }
        self.state.rollback(version);
        if let Some(last) = self.versions.last_mut() {
            *last = version;
        }
    }

    /// Applies changes that belong to no block; the tip's state has them from now on.
    fn amend(&mut self, changes: &Changes) {
        let version = self.state.apply(changes);
        if let Some(last) = self.versions.last_mut() {
            *last = version;
        }
    }

    /// The next block's time and the clock's offset after it. Times rise by at least a second.
    fn next_time(&self) -> (u64, i64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
        let floor = self.tip().header.timestamp + 1;
        match self.clock.next {
            Some(next) => {
                let next = next.max(floor);
                (next, next.cast_signed().saturating_sub(now.cast_signed()))
            }
            None => (now.saturating_add_signed(self.clock.offset).max(floor), self.clock.offset),
        }
    }

    fn new(genesis: Genesis, journal: Option<Journal>) -> Self {
        let mut state = State::default();
        let mut changes = Changes::default();
        for (address, balance) in &genesis.accounts {
            let account = Account { balance: *balance, ..Account::default() };
            changes.accounts.insert(*address, Some(account).filter(|_| !balance.is_zero()));
        }
        let version = state.apply(&changes);
        let (timestamp, gas_limit) = (genesis.timestamp, genesis.gas_limit);
        let first = block::genesis(timestamp, gas_limit, genesis.chain_id, state.digest());
        let mut chain = Self {
            genesis,
            state,
            blocks: Vec::new(),
            versions: vec![version],
            by_hash: HashMap::new(),
            by_tx: HashMap::new(),
            pool: Pool::default(),
            clock: Clock::default(),
            reorgs: 0,
            snapshots: BTreeMap::new(),
            next_snapshot: 1,
            journal,
            closed: false,
            ahead: false,
            pending: Mutex::new(None),
        };
        chain.index(&first);
        chain.blocks.push(Arc::new(first));
        chain
    }
}

/// A fixed list of transactions, all of which must go in.
struct Exactly {
    txs: std::vec::IntoIter<Arc<Tx>>,
    left_out: Option<LeftOut>,
}

impl Source for Exactly {
    fn next(&mut self) -> Option<Arc<Tx>> {
        self.txs.next()
    }

    fn left_out(&mut self, why: LeftOut) {
        self.left_out.get_or_insert(why);
    }
}
