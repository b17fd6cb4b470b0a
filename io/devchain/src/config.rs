//! How a chain is started.

use crate::{
    Error, dev_accounts,
    limits::{BLOCK_GAS_MAX, BLOCK_GAS_MIN, GENESIS_ACCOUNTS_MAX, TIME_MAX},
};
use alloy::primitives::{Address, U256};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// When blocks are mined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// One block every so often, empty or not. Block times are whole seconds that rise by at
    /// least one, so below a second they run ahead of the machine's clock.
    Interval(Duration),
    /// A block for each transaction, before `eth_sendRawTransaction` answers.
    OnTransaction,
    /// Only on `evm_mine` and `anvil_mine`.
    Manual,
}

/// Parameters of a development chain.
///
/// Fixed: the hardfork is Osaka, `safe` is the block before the last, `finalized` the one before
/// that (as anvil with `--slots-in-an-epoch 1`), the first block's base fee is 1 gwei.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The chain id; 31337 by default.
    pub chain_id: u64,
    /// Where to listen; by default a free port of 127.0.0.1. Whoever reaches it owns the chain.
    pub listen: SocketAddr,
    /// When blocks are mined; every second by default.
    pub block_time: Mining,
    /// The journal file, created if missing; its folder must exist. None (the default): the chain
    /// is forgotten when it stops. The file must be this process's alone: two processes on one
    /// journal destroy it, and nothing here prevents that, so the caller holds a lock.
    pub journal: Option<PathBuf>,
    /// Accounts funded at genesis, with their balances in wei; by default the ten of
    /// [`dev_accounts`] with 10,000 ether each.
    pub accounts: Vec<(Address, U256)>,
    /// Time of the genesis block in Unix seconds; None (the default): now, or the journal's.
    pub genesis_time: Option<u64>,
    /// Gas a block may use; 30,000,000 by default.
    pub block_gas_limit: u64,
    /// Most blocks one `eth_getLogs` may cover; above it the answer is error -32602. 10,000 by
    /// default.
    pub max_log_range: u64,
}

impl Default for Config {
    fn default() -> Self {
        let balance = U256::from(10_000) * U256::from(10).pow(U256::from(18));
        Self {
            chain_id: 31_337,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            block_time: Mining::Interval(Duration::from_secs(1)),
            journal: None,
            accounts: dev_accounts().iter().map(|account| (account.address, balance)).collect(),
            genesis_time: None,
            block_gas_limit: 30_000_000,
            max_log_range: 10_000,
        }
    }
}

impl Config {
    /// Refuses what cannot be run.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |field, value: String, must| Err(Error::Config { field, value, must });
        if self.chain_id == 0 {
            return refuse("chain_id", "0".into(), "at least 1");
        }
        if self.block_time == Mining::Interval(Duration::ZERO) {
            return refuse("block_time", "0 s".into(), "longer than nothing");
        }
        if !(BLOCK_GAS_MIN..=BLOCK_GAS_MAX).contains(&self.block_gas_limit) {
            let must = "from 21,000 to 10,000,000,000";
            return refuse("block_gas_limit", self.block_gas_limit.to_string(), must);
        }
        if self.accounts.len() > GENESIS_ACCOUNTS_MAX {
            return refuse("accounts", self.accounts.len().to_string(), "at most 100,000");
        }
        if let Some(time) = self.genesis_time.filter(|time| *time > TIME_MAX) {
            return refuse("genesis_time", time.to_string(), "at most 2^40");
        }
        if self.max_log_range == 0 {
            return refuse("max_log_range", "0".into(), "at least 1");
        }
        Ok(())
    }
}
