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
    let report = conformance::run(&MemoryBeds, std::env::var("ONLY").ok().as_deref()).await;
    println!("{report}");
    assert_eq!(report.failures(), Vec::<&str>::new(), "\n{report}");
    assert_eq!(report.skipped(), Vec::<&str>::new());
}
