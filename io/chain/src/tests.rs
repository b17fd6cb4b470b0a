//! The suite on the chain in memory, and the loop's own behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::conformance::{self, APP, Callback, Fault, Place, Testbed, Testbeds, Trouble};
use crate::memory::{MemoryChain, MemoryConfig, Wish};
use crate::*;
use async_trait::async_trait;
use sotto_types::{Account, Amount, Context, Finality, NetworkId};
use std::{sync::Arc, time::Duration};

struct MemoryBed {
    chain: MemoryChain,
    clock: FastClock,
}

fn sender(seed: u8) -> Account {
    Account::from_address([seed; 20])
}

impl MemoryBed {
    fn wish(&self, callback: Callback, seconds: u64, envelopes: Vec<(Account, Vec<u8>)>) -> Wish {
        Wish {
            consumer: sender(0xC0),
            app: APP,
            context: Context([1; 32]),
            envelopes,
            payload: b"a payload".to_vec(),
            callback,
            seconds,
            escrow: Amount(1_000_000),
        }
    }
}

#[async_trait]
impl Testbed for MemoryBed {
    fn can(&self, _: Fault) -> bool {
        true
    }

    fn place(&self) -> Place {
        let config = self.chain.config();
        Place {
            caip2: config.caip2.clone(),
            network: config.network,
            contract: config.contract,
            finality: Finality::Depth(3),
        }
    }

    fn source(&self) -> Arc<dyn RequestSource> {
        Arc::new(self.chain.source())
    }

    fn sink(&self) -> Arc<dyn ResultSink> {
        Arc::new(self.chain.sink(sender(0xAA), true))
    }

    fn rival(&self) -> Arc<dyn ResultSink> {
        Arc::new(self.chain.sink(sender(0xBB), false))
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.clock)
    }

    async fn inject(&self, fault: Fault, times: u32) -> Result<(), Trouble> {
        self.chain.inject(fault, times);
        Ok(())
    }

    async fn ask(&self, callback: Callback, seconds: u64) -> Result<(), Trouble> {
        self.chain.ask(self.wish(callback, seconds, Vec::new()));
        self.chain.mine(1, 1);
        Ok(())
    }

    async fn publish(&self, envelope: &[u8]) -> Result<Account, Trouble> {
        let wish = self.wish(Callback::None, 100, vec![(sender(1), envelope.to_vec())]);
        self.chain.ask(wish);
        self.chain.mine(1, 1);
        Ok(sender(0xC0))
    }

    async fn refund(&self, number: u64) -> Result<(), Trouble> {
        self.chain.refund(number);
        self.chain.mine(1, 1);
        Ok(())
    }

    async fn advance(&self, blocks: u64, seconds: u64) -> Result<(), Trouble> {
        self.chain.mine(blocks, seconds);
        Ok(())
    }

    async fn reorg(&self, depth: u64) -> Result<(), Trouble> {
        self.chain.reorg(depth, false);
        Ok(())
    }
}

struct MemoryBeds;

#[async_trait]
impl Testbeds for MemoryBeds {
    async fn fresh(&self) -> Result<Box<dyn Testbed>, Trouble> {
        let config = MemoryConfig::new(NetworkId([7; 32]), conformance::members());
        let chain = MemoryChain::new(config);
        Ok(Box::new(MemoryBed { chain, clock: FastClock::new(Duration::from_millis(10)) }))
    }
}

#[tokio::test]
async fn conformance_in_memory() {
    let report = conformance::run(&MemoryBeds, None).await;
    println!("{report}");
    assert_eq!(report.failures(), Vec::<&str>::new(), "\n{report}");
    assert_eq!(report.skipped(), Vec::<&str>::new());
}

fn driven(chain: &MemoryChain, journal: Arc<dyn Journal>) -> Driven {
    let sink = chain.sink(sender(0xAA), true);
    Driven {
        watch: WatchConfig::new(
            sotto_types::ChainId::from_caip2(&chain.config().caip2),
            chain.config().contract,
        ),
        send: Some(SendConfig::new(sink.void(), u128::MAX)),
        finality: Finality::Instant,
        source: Arc::new(chain.source()),
        sink: Some(Arc::new(sink)),
        journal,
        clock: Arc::new(FastClock::new(Duration::from_millis(5))),
    }
}

fn memory_chain() -> MemoryChain {
    MemoryChain::new(MemoryConfig::new(NetworkId([7; 32]), conformance::members()))
}

#[tokio::test]
async fn the_loop_ends_with_its_door() {
    let chain = memory_chain();
    let journal = Arc::new(MemoryJournal::default());
    let (handle, said, run) = drive(driven(&chain, journal.clone())).await.unwrap();
    let task = tokio::spawn(run);
    let other = handle.clone();
    drop(handle);
    other.tell(Command::Gone { entry: 1 }).await.unwrap();
    assert!(!task.is_finished());
    drop(other);
    assert_eq!(task.await.unwrap(), Ok(()));
    drop(said);
    // Or with whoever listens.
    let (handle, said, run) = drive(driven(&chain, journal)).await.unwrap();
    let task = tokio::spawn(run);
    drop(said);
    let _ = handle.tell(Command::Gone { entry: 1 }).await;
    assert_eq!(task.await.unwrap(), Ok(()));
    assert!(handle.tell(Command::Gone { entry: 1 }).await.is_err());
}

struct BadJournal(Option<Vec<u8>>);

#[async_trait]
impl Journal for BadJournal {
    async fn load(&self) -> Result<Option<Vec<u8>>, JournalError> {
        Ok(self.0.clone())
    }

    async fn save(&self, _: &[u8]) -> Result<(), JournalError> {
        Err(JournalError("the disk is full".into()))
    }
}

#[tokio::test]
async fn nothing_is_sent_that_cannot_be_journalled() {
    let chain = memory_chain();
    let (app, key) = (APP, conformance::result_key());
    let expiry = sotto_types::Time(2_000_000_000);
    chain.register(&sotto_types::KeyEntry { app, key, expiry });
    let bed = MemoryBed { chain, clock: FastClock::new(Duration::from_millis(5)) };
    bed.ask(Callback::None, 1_000).await.unwrap();
    let ask = bed.chain.asked(1).unwrap();
    let answer = sotto_types::Answer {
        number: 1,
        attempt: sotto_types::Attempt(1),
        app: ask.app,
        generation: ask.generation,
        terms: ask.terms(),
        result: vec![1],
        deadline: ask.deadline,
    };
    let signature = conformance::Signer::ResultKey.sign(&answer.digest(&bed.chain.domain()));
    let delivery = sotto_types::Delivery::Fulfil { answer, signature };
    let failed = DriveError::Journal(JournalError("the disk is full".into()));
    let (handle, _said, run) = drive(driven(&bed.chain, Arc::new(BadJournal(None)))).await.unwrap();
    let task = tokio::spawn(run);
    handle.tell(Command::Deliver { entry: 1, delivery }).await.unwrap();
    assert_eq!(task.await.unwrap(), Err(failed));
    bed.chain.mine(3, 3);
    assert_eq!(bed.chain.history(&sender(0xAA)), []);
}

#[tokio::test]
async fn what_cannot_be_driven_is_refused() {
    let chain = memory_chain();
    let foreign = Arc::new(BadJournal(Some(vec![9])));
    let refused = drive(driven(&chain, foreign)).await.err();
    let version = NotAJournal::Version { found: 9, known: 1 };
    assert_eq!(refused, Some(DriveError::NotAJournal(version)));
    let journal = Arc::new(MemoryJournal::default());
    let refused = drive(Driven { sink: None, ..driven(&chain, journal) }).await.err();
    assert_eq!(refused, Some(DriveError::NoSink));
}

#[tokio::test]
async fn another_chain_is_told_apart() {
    let chain = memory_chain();
    let found = chain.source().identity().await.unwrap();
    let MemoryConfig { caip2, network, contract, .. } = chain.config().clone();
    assert_eq!(found.verify(&caip2, &network, &contract), Ok(()));
    let due = "eip155:1".to_owned();
    let wrong = WrongChain::Chain { found: caip2.clone(), due: due.clone() };
    assert_eq!(found.verify(&due, &network, &contract), Err(wrong));
    let other = NetworkId([8; 32]);
    let wrong = WrongChain::Network { found: network, due: other };
    assert_eq!(found.verify(&caip2, &other, &contract), Err(wrong));
    assert_eq!(found.verify(&caip2, &network, &sender(9)), Err(WrongChain::Domain));
}
