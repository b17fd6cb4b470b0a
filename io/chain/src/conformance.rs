//! What every adapter must show, over a chain that can be disturbed.
//!
//! [`run`] takes a maker of [`Testbed`]s, makes a fresh one for each case and drives the real
//! courier over it. A case whose faults a testbed cannot make is reported as skipped, by name; it
//! never counts as passed. Signers are the suite's own ([`members`], [`result_key`]), so that every
//! chain is given the same deliveries.

mod cases;
mod crash;
mod deliveries;
mod rig;
mod sending;
mod signers;
mod watching;

pub use crate::memory::Callback;
pub use signers::{Signer, members, prove, result_key};

use crate::{Clock, RequestSource, ResultSink};
use async_trait::async_trait;
use sotto_types::{Account, AppId, ChainId, Domain, Finality, NetworkId};
use std::{fmt, sync::Arc};

/// What can go wrong between the courier and a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The node gives every event twice.
    DuplicateEvent,
    /// The node gives no events of the newest blocks, as if there were none.
    LaggingReplica,
    /// The node takes a transaction, and its answer is lost.
    LostAnswer,
    /// The node refuses a transaction.
    Rejected,
    /// The node refuses to look at more than a few blocks at once.
    RangeLimit,
    /// The node does not answer.
    Unreachable,
    /// Blocks are replaced by others, without their transactions.
    Reorg,
    /// A consumer's callback reverts.
    CallbackRevert,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DuplicateEvent => "duplicate event",
            Self::LaggingReplica => "lagging replica",
            Self::LostAnswer => "lost answer after broadcast",
            Self::Rejected => "rejected transaction",
            Self::RangeLimit => "range limit",
            Self::Unreachable => "unreachable node",
            Self::Reorg => "reorganisation",
            Self::CallbackRevert => "reverting callback",
        })
    }
}

/// The testbed itself failed: no verdict on the adapter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the testbed: {0}")]
pub struct Trouble(pub String);

/// Which contract a testbed holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// CAIP-2 name of its chain.
    pub caip2: String,
    /// Its network.
    pub network: NetworkId,
    /// Its account.
    pub contract: Account,
    /// When its blocks count as final; at least two blocks deep, at most eight.
    pub finality: Finality,
}

impl Place {
    /// The chain's id.
    pub fn chain(&self) -> ChainId {
        ChainId::from_caip2(&self.caip2)
    }

    /// The contract's domain.
    pub fn domain(&self) -> Domain {
        Domain::new(&self.network, &self.chain(), &self.contract)
    }
}

/// The app every request of the suite asks.
pub const APP: AppId = AppId([0xA9; 32]);

/// One fresh chain with a Sotto contract of the members [`members`], whose result keys may live
/// for two hours. It makes blocks only when told to.
#[async_trait]
pub trait Testbed: Send + Sync {
    /// Whether this fault can be made here.
    fn can(&self, fault: Fault) -> bool;

    /// Which contract it is.
    fn place(&self) -> Place;

    /// Reads through the faults.
    fn source(&self) -> Arc<dyn RequestSource>;

    /// Writes through the faults, from a funded account.
    fn sink(&self) -> Arc<dyn ResultSink>;

    /// Writes past the faults, from another funded account.
    fn rival(&self) -> Arc<dyn ResultSink>;

    /// The clock the courier is driven by; its seconds should be short.
    fn clock(&self) -> Arc<dyn Clock>;

    /// The next `times` answers (requests, for a range limit) are spoiled; 0 ends it.
    async fn inject(&self, fault: Fault, times: u32) -> Result<(), Trouble>;

    /// A consumer asks [`APP`], generation 1, with some escrow; one block is made. The deadline is
    /// `seconds` after that block, give or take one.
    async fn ask(&self, callback: Callback, seconds: u64) -> Result<(), Trouble>;

    /// A consumer publishes an envelope; one block is made.
    async fn publish(&self, envelope: &[u8]) -> Result<Account, Trouble>;

    /// Someone asks for the refund of a request; one block is made.
    async fn refund(&self, number: u64) -> Result<(), Trouble>;

    /// Makes blocks, `seconds` passing in all, at least one for each block.
    async fn advance(&self, blocks: u64, seconds: u64) -> Result<(), Trouble>;

    /// Replaces the newest `depth` blocks by at least as many others, without their transactions.
    async fn reorg(&self, depth: u64) -> Result<(), Trouble>;
}

/// Makes fresh testbeds.
#[async_trait]
pub trait Testbeds: Send + Sync {
    /// One more, like all others.
    async fn fresh(&self) -> Result<Box<dyn Testbed>, Trouble>;
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It was not tried: the testbed cannot make this fault.
    Skipped(Fault),
    /// It does not hold.
    Failed(String),
}

/// All cases, in order, with what became of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(pub Vec<(&'static str, Outcome)>);

impl Report {
    /// The cases that do not hold.
    pub fn failures(&self) -> Vec<&'static str> {
        self.named(|outcome| matches!(outcome, Outcome::Failed(_)))
    }

    /// The cases that were not tried.
    pub fn skipped(&self) -> Vec<&'static str> {
        self.named(|outcome| matches!(outcome, Outcome::Skipped(_)))
    }

    fn named(&self, keep: impl Fn(&Outcome) -> bool) -> Vec<&'static str> {
        self.0.iter().filter(|(_, outcome)| keep(outcome)).map(|(name, _)| *name).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, outcome) in &self.0 {
            match outcome {
                Outcome::Passed => writeln!(f, "passed   {name}")?,
                Outcome::Skipped(fault) => writeln!(f, "SKIPPED  {name}: no {fault} here")?,
                Outcome::Failed(why) => writeln!(f, "FAILED   {name}: {why}")?,
            }
        }
        Ok(())
    }
}

/// Runs every case, or only those whose name holds `only`, each on a testbed of its own.
pub async fn run(beds: &dyn Testbeds, only: Option<&str>) -> Report {
    let mut report = Report::default();
    let chosen = |name: &str| only.is_none_or(|part| name.contains(part));
    for case in cases::all().into_iter().filter(|case| chosen(case.name)) {
        let outcome = match beds.fresh().await {
            Err(trouble) => Outcome::Failed(trouble.to_string()),
            Ok(bed) => match case.needs.iter().find(|fault| !bed.can(**fault)) {
                Some(fault) => Outcome::Skipped(*fault),
                None => match (case.run)(&*bed).await {
                    Ok(()) => Outcome::Passed,
                    Err(failure) => Outcome::Failed(failure.to_string()),
                },
            },
        };
        report.0.push((case.name, outcome));
    }
    report
}
