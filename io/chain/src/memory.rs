//! A chain in memory: deterministic, with the Sotto contract's rules, blocks made by hand, and
//! faults that can be switched on.
//!
//! It decides by the same digests and signatures as a real contract; what it leaves out are gas
//! metering and any byte format of its own (calls are borsh). [`MemoryChain`] is the chain itself,
//! [`MemorySource`] and [`MemorySink`] are a node in front of it, whose answers the faults spoil.

mod contract;
mod ledger;
mod sink;
mod source;

pub use contract::{Callback, Refusal};
pub use sink::MemorySink;
pub use source::MemorySource;

use crate::conformance::Fault;
use contract::Contract;
use ledger::{Ledger, Op};
use sotto_types::{
    Account, AppId, Ask, BlockRef, ChainId, Domain, Hash, KeyEntry, NetworkId, Submission, Time,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How a chain begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryConfig {
    /// CAIP-2 name.
    pub caip2: String,
    /// The network the contract belongs to.
    pub network: NetworkId,
    /// The contract's account.
    pub contract: Account,
    /// The first members' accounts.
    pub members: Vec<Account>,
    /// How long a result key may live, in seconds.
    pub key_lifetime: u64,
    /// Time of the first block.
    pub genesis: Time,
}

impl MemoryConfig {
    /// A chain for tests, with these members.
    pub fn new(network: NetworkId, members: Vec<Account>) -> Self {
        Self {
            caip2: "sotto:memory".into(),
            network,
            contract: Account::from_address([0x50; 20]),
            members,
            key_lifetime: 7200,
            genesis: Time(1_700_000_000),
        }
    }
}

/// The chain. Clones are the same chain.
#[derive(Clone, Debug)]
pub struct MemoryChain {
    config: MemoryConfig,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    faults: BTreeMap<Fault, u32>,
}

impl Inner {
    /// Whether a fault is on; counts it down.
    fn strikes(&mut self, fault: Fault) -> bool {
        match self.faults.get_mut(&fault) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

impl MemoryChain {
    /// A chain of one block that holds the contract.
    pub fn new(config: MemoryConfig) -> Self {
        let chain = ChainId::from_caip2(&config.caip2);
        let domain = Domain::new(&config.network, &chain, &config.contract);
        let contract = Contract::new(domain, config.members.clone(), config.key_lifetime);
        let ledger = Ledger::new(contract, config.genesis);
        let inner = Inner { ledger, faults: BTreeMap::new() };
        Self { config, inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it began with.
    pub const fn config(&self) -> &MemoryConfig {
        &self.config
    }

    /// The contract's domain.
    pub fn domain(&self) -> Domain {
        let chain = ChainId::from_caip2(&self.config.caip2);
        Domain::new(&self.config.network, &chain, &self.config.contract)
    }

    /// A node to read from; faults spoil its answers.
    pub fn source(&self) -> MemorySource {
        MemorySource::new(self.clone())
    }

    /// A node to write to from an account; faults spoil its answers if `faulty`.
    pub fn sink(&self, account: Account, faulty: bool) -> MemorySink {
        MemorySink::new(self.clone(), account, faulty)
    }

    /// Switches a fault on for that many strikes; 0 switches it off.
    pub fn inject(&self, fault: Fault, times: u32) {
        self.lock().faults.insert(fault, times);
    }

    /// Makes blocks, the time passing evenly, at least a second for each.
    pub fn mine(&self, blocks: u64, seconds: u64) {
        let mut inner = self.lock();
        for block in 0..blocks {
            let share = (seconds / blocks).max(1);
            let rest = if block == 0 { seconds.saturating_sub(share * blocks) } else { 0 };
            inner.ledger.mine(share + rest);
        }
    }

    /// Puts `depth + 1` other blocks in place of the newest `depth`; their transactions get in
    /// again if `keep`, else they never were.
    pub fn reorg(&self, depth: u64, keep: bool) {
        self.lock().ledger.reorg(depth, keep);
    }

    /// A consumer publishes envelopes and asks with them; both stand in the next block.
    pub fn ask(&self, wish: Wish) {
        self.lock().ledger.push(Op::Ask(wish));
    }

    /// Someone asks for a refund in the next block.
    pub fn refund(&self, number: u64) {
        self.lock().ledger.push(Op::Refund(number));
    }

    /// Someone repeats a failed callback in the next block; it works then.
    pub fn deliver(&self, number: u64) {
        self.lock().ledger.push(Op::Deliver(number));
    }

    /// Registers a result key at once, without proof: for tests that begin after that.
    pub fn register(&self, entry: &KeyEntry) {
        self.lock().ledger.register(entry);
    }

    /// The request with this number, as it was asked.
    pub fn asked(&self, number: u64) -> Option<Ask> {
        self.lock().ledger.contract().asked(number).cloned()
    }

    /// The newest block.
    pub fn head(&self) -> BlockRef {
        self.lock().ledger.head()
    }

    /// What the contract holds for the network, in the chain's coin.
    pub fn balance(&self) -> u128 {
        self.lock().ledger.contract().balance()
    }

    /// Transactions of an account that are in blocks, with whether each succeeded.
    pub fn history(&self, account: &Account) -> Vec<(Hash, bool)> {
        self.lock().ledger.history(account)
    }
}

/// What a consumer wants asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The consumer.
    pub consumer: Account,
    /// The app.
    pub app: AppId,
    /// The consumer's context.
    pub context: sotto_types::Context,
    /// Envelopes with who handed each in.
    pub envelopes: Vec<(Account, Vec<u8>)>,
    /// The payload.
    pub payload: Vec<u8>,
    /// How the consumer takes the callback.
    pub callback: Callback,
    /// Seconds until the deadline, from the block it gets into.
    pub seconds: u64,
    /// The escrow.
    pub escrow: sotto_types::Amount,
}

impl Wish {
    fn submissions(&self) -> Vec<Submission> {
        self.envelopes
            .iter()
            .map(|(submitter, bytes)| Submission {
                submitter: *submitter,
                envelope: Hash::of(bytes),
            })
            .collect()
    }
}
