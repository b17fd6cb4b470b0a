use super::bed::EvmBed;
use super::node::Node;
use async_trait::async_trait;
use sotto_chain::conformance::{self, Testbed, Testbeds, Trouble};
use std::ffi::OsString;

struct Embedded;

#[async_trait]
impl Testbeds for Embedded {
    async fn fresh(&self) -> Result<Box<dyn Testbed>, Trouble> {
        Ok(Box::new(EvmBed::new(Node::embedded().await).await?))
    }
}

struct Anvil(OsString);

#[async_trait]
impl Testbeds for Anvil {
    async fn fresh(&self) -> Result<Box<dyn Testbed>, Trouble> {
        Ok(Box::new(EvmBed::new(Node::anvil(&self.0).await).await?))
    }
}

async fn conforms(beds: &dyn Testbeds) {
    // SOTTO_CASE picks cases by a part of their names.
    let only = std::env::var("SOTTO_CASE").ok();
    let report = conformance::run(beds, only.as_deref()).await;
    println!("{report}");
    assert_eq!(report.failures(), Vec::<&str>::new(), "\n{report}");
    assert_eq!(report.skipped(), Vec::<&str>::new(), "\n{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_chain() {
    conforms(&Embedded).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anvil() {
    match std::env::var_os("SOTTO_ANVIL") {
        Some(path) => conforms(&Anvil(path)).await,
        None => println!("SOTTO_ANVIL names no anvil: the suite was NOT run against one"),
    }
}
