//! Development-only changes: balances, the clock, reorganisations, snapshots.

use super::{Chain, Clock, Snapshot};
use crate::{
    Error,
    limits::{REORG_BLOCKS_MAX, SNAPSHOTS_MAX, TIME_MAX},
    record::Record,
    state::{Account, Changes},
};
use alloy::primitives::{Address, B256, Bytes, U256};

/// Why a development change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Impossible {
    #[error("timestamp {asked} is not above the last block's {tip}")]
    TimeNotRising { asked: u64, tip: u64 },
    #[error("time {asked} is beyond {TIME_MAX}")]
    TimeTooLate { asked: u64 },
    #[error("cannot replace {depth} blocks: at most {most}")]
    TooDeep { depth: u64, most: u64 },
    #[error(transparent)]
    Chain(#[from] Error),
}

impl Chain {
    /// Gives an account a balance, from the next question on.
    pub(crate) fn set_balance(&mut self, address: Address, balance: U256) -> Result<(), Error> {
        self.write(&Record::Balance { address, balance })?;
        self.apply_balance(address, balance);
        Ok(())
    }

    /// Moves the chain's clock ahead and returns how far it is ahead of the machine's.
    pub(crate) fn increase_time(&mut self, seconds: u64) -> Result<i64, Impossible> {
        let late = Impossible::TimeTooLate { asked: seconds };
        if seconds > TIME_MAX {
            return Err(late);
        }
        let offset = self.clock.offset.saturating_add(seconds.cast_signed());
        if offset > TIME_MAX.cast_signed() {
            return Err(late);
        }
        self.write(&Record::Clock { offset })?;
        self.clock.offset = offset;
        Ok(offset)
    }

    /// Fixes the next block's time. The clock runs on from there.
    pub(crate) fn set_next_time(&mut self, timestamp: u64) -> Result<(), Impossible> {
        let tip = self.tip().header.timestamp;
        if timestamp <= tip {
            return Err(Impossible::TimeNotRising { asked: timestamp, tip });
        }
        if timestamp > TIME_MAX {
            return Err(Impossible::TimeTooLate { asked: timestamp });
        }
        self.write(&Record::NextTime { timestamp })?;
        self.clock.next = Some(timestamp);
        Ok(())
    }

    /// Replaces the last `depth` blocks with empty ones of the same times and other hashes. Their
    /// transactions are dropped, and so are balances set above the fork point.
    pub(crate) fn reorg(&mut self, depth: u64) -> Result<(), Impossible> {
        let most = self.height().min(REORG_BLOCKS_MAX);
        if depth > most {
            return Err(Impossible::TooDeep { depth, most });
        }
        if depth == 0 {
            return Ok(());
        }
        self.write(&Record::Reorg { depth })?;
        Ok(self.apply_reorg(depth)?)
    }

    /// Remembers this point and returns its number.
    pub(crate) fn snapshot(&mut self) -> Result<u64, Error> {
        self.write(&Record::Snapshot)?;
        Ok(self.apply_snapshot())
    }

    /// Goes back to a snapshot, which ends it and all later ones; false if there is none. Waiting
    /// transactions stay in the pool.
    pub(crate) fn revert(&mut self, id: u64) -> Result<bool, Error> {
        if !self.snapshots.contains_key(&id) {
            return Ok(false);
        }
        self.write(&Record::Revert { id })?;
        Ok(self.apply_revert(id))
    }

    /// Takes a waiting transaction out of the pool; false if it is not there.
    pub(crate) fn drop_tx(&mut self, hash: B256) -> Result<bool, Error> {
        if self.pool.get(hash).is_none() {
            return Ok(false);
        }
        self.write(&Record::Dropped { hash })?;
        Ok(self.pool.drop_tx(hash))
    }

    pub(super) fn apply_balance(&mut self, address: Address, balance: U256) {
        let account = Account { balance, ..self.account(address) };
        let exists = account != Account::default();
        let mut changes = Changes::default();
        changes.accounts.insert(address, exists.then_some(account));
        self.amend(&changes);
    }

    pub(super) fn apply_reorg(&mut self, depth: u64) -> Result<(), Error> {
        let fork = self.height() - depth;
        let times: Vec<u64> = (fork + 1..=self.height())
            .filter_map(|number| self.block(number))
            .map(|block| block.header.timestamp)
            .collect();
        let index = usize::try_from(fork).unwrap_or(usize::MAX);
        let version = self.versions.get(index).copied().unwrap_or_default();
        self.rollback(fork, version);
        self.reorgs += 1;
        let extra = Bytes::copy_from_slice(&self.reorgs.to_be_bytes());
        for time in times {
            let built = self.build_exactly(time, extra.clone(), Vec::new())?;
            self.push(&built);
        }
        let (by_hash, snapshots) = (&self.by_hash, &mut self.snapshots);
        snapshots.retain(|_, snapshot| by_hash.contains_key(&snapshot.hash));
        Ok(())
    }

    pub(super) fn apply_snapshot(&mut self) -> u64 {
        let id = self.next_snapshot;
        self.next_snapshot += 1;
        let (number, hash, version) = (self.height(), self.tip().hash, self.state.version());
        self.snapshots.insert(id, Snapshot { number, hash, version, clock: self.clock });
        if self.snapshots.len() > SNAPSHOTS_MAX {
            self.snapshots.pop_first();
        }
        id
    }

    pub(super) fn apply_revert(&mut self, id: u64) -> bool {
        let Some(snapshot) = self.snapshots.get(&id) else { return false };
        let (number, version) = (snapshot.number, snapshot.version);
        self.clock = Clock { ..snapshot.clock };
        self.snapshots.split_off(&id);
        self.rollback(number, version);
        true
    }
}
