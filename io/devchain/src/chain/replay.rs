//! Opening a chain: its journal's records applied in order.

use super::{Chain, Clock};
use crate::{
    Error,
    journal::{Journal, Place},
    record::{BlockRecord, Genesis, Record},
    tx::Tx,
};
use alloy::primitives::Bytes;
use std::{path::Path, sync::Arc};

impl Chain {
    /// A new chain, or the journal's. `timed` says whether the configuration fixes the genesis
    /// time, which then must be the journal's too.
    pub(crate) fn open(
        genesis: Genesis,
        timed: bool,
        journal: Option<&Path>,
    ) -> Result<Self, Error> {
        let Some(path) = journal else { return Ok(Self::new(genesis, None)) };
        let (journal, records) = Journal::open(path)?;
        let mut records = records.into_iter();
        let mut chain = match records.next() {
            None => {
                let mut chain = Self::new(genesis, Some(journal));
                chain.write(&Record::Genesis(chain.genesis.clone()))?;
                return Ok(chain);
            }
            Some((_, Record::Genesis(recorded))) => {
                compare(&recorded, &genesis, timed)?;
                Self::new(recorded, None)
            }
            Some((place, _)) => return Err(place.corrupt("the first record is not the genesis")),
        };
        for (place, record) in records {
            chain.replay(place, record)?;
        }
        chain.journal = Some(journal);
        Ok(chain)
    }

    fn replay(&mut self, place: Place, record: Record) -> Result<(), Error> {
        match record {
            Record::Genesis(_) => return Err(place.corrupt("a second genesis")),
            Record::Accepted(raw) => {
                let tx = decode(place, &raw)?;
                self.pool.insert(Arc::new(tx));
            }
            Record::Block(block) => self.replay_block(place, &block)?,
            Record::Balance { address, balance } => self.apply_balance(address, balance),
            Record::Clock { offset } => self.clock.offset = offset,
            Record::NextTime { timestamp } => self.clock.next = Some(timestamp),
            Record::Reorg { depth } => {
                if depth > self.height() {
                    return Err(place.corrupt("a reorganisation deeper than the chain"));
                }
                self.apply_reorg(depth)?;
            }
            Record::Snapshot => {
                self.apply_snapshot();
            }
            Record::Revert { id } => {
                if !self.apply_revert(id) {
                    return Err(place.corrupt("a return to an unknown snapshot"));
                }
            }
            Record::Dropped { hash } => {
                self.pool.drop_tx(hash);
            }
        }
        Ok(())
    }

    fn replay_block(&mut self, place: Place, record: &BlockRecord) -> Result<(), Error> {
        if record.timestamp <= self.tip().header.timestamp {
            return Err(place.corrupt("a block earlier than its parent"));
        }
        let txs: Result<Vec<_>, Error> = record
            .txs
            .iter()
            .map(|raw| match self.pool.get(alloy::primitives::keccak256(raw)) {
                // Its sender is known already: recovering it again would double the work.
                Some(tx) => Ok(tx),
                None => decode(place, raw).map(Arc::new),
            })
            .collect();
        let built = self.build_exactly(record.timestamp, Bytes::new(), txs?)?;
        if built.block.hash != record.hash {
            return Err(Error::Replay {
                number: built.block.header.number,
                recorded: record.hash,
                computed: built.block.hash,
            });
        }
        self.clock = Clock { offset: record.offset, next: None };
        self.push(&built);
        Ok(())
    }
}

fn decode(place: Place, raw: &Bytes) -> Result<Tx, Error> {
    Tx::decode(raw).map_err(|_| place.corrupt("its transaction does not decode"))
}

fn compare(journal: &Genesis, config: &Genesis, timed: bool) -> Result<(), Error> {
    let differ = |field, journal: u64, config: u64| {
        let (journal, config) = (journal.to_string(), config.to_string());
        Err(Error::Mismatch { field, journal, config })
    };
    if journal.chain_id != config.chain_id {
        return differ("chain id", journal.chain_id, config.chain_id);
    }
    if journal.gas_limit != config.gas_limit {
        return differ("block gas limit", journal.gas_limit, config.gas_limit);
    }
    if timed && journal.timestamp != config.timestamp {
        return differ("genesis time", journal.timestamp, config.timestamp);
    }
    if journal.accounts == config.accounts {
        return Ok(());
    }
    let first = |ours: &Genesis, theirs: &Genesis| {
        let found = ours.accounts.iter().find(|account| !theirs.accounts.contains(account));
        found.map_or("no such account".to_owned(), |(address, balance)| {
            format!("{address} with {balance} wei")
        })
    };
    Err(Error::Mismatch {
        field: "genesis accounts",
        journal: first(journal, config),
        config: first(config, journal),
    })
}
