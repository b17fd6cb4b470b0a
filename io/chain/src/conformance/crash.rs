//! The loop is ended before and after everything it does to the outside, one after the other.

use super::rig::{Failure, Rig, ensure};
use super::{Callback, Signer, Testbed, deliveries};
use crate::{
    BuildError, Built, End, Fee, Journal, JournalError, Raw, RequestStatus, ResultSink, SinkCaps,
    SinkError, SubmitError, TxStatus,
};
use async_trait::async_trait;
use sotto_types::{Account, Delivery, Finality, Hash};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// Steps a delivery takes at most, if the chain is slow.
const STEPS: i64 = 100;

/// Counts steps down; at the last one whoever takes it never returns.
struct Fuse(AtomicI64);

impl Fuse {
    async fn burn(&self) {
        if self.0.fetch_sub(1, Ordering::SeqCst) <= 0 {
            std::future::pending::<()>().await;
        }
    }

    fn blown(&self) -> bool {
        self.0.load(Ordering::SeqCst) < 0
    }
}

struct FusedSink {
    inner: Arc<dyn ResultSink>,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl ResultSink for FusedSink {
    fn caps(&self) -> SinkCaps {
        self.inner.caps()
    }

    fn account(&self) -> Account {
        self.inner.account()
    }

    fn void(&self) -> Built {
        self.inner.void()
    }

    async fn next_nonce(&self, finality: Finality) -> Result<u64, SinkError> {
        self.inner.next_nonce(finality).await
    }

    async fn fee(&self) -> Result<Fee, SinkError> {
        self.inner.fee().await
    }

    async fn build(&self, delivery: &Delivery) -> Result<Built, BuildError> {
        self.fuse.burn().await;
        self.inner.build(delivery).await
    }

    fn sign(&self, built: &Built, nonce: u64, fee: &Fee) -> Result<Raw, SinkError> {
        self.inner.sign(built, nonce, fee)
    }

    async fn broadcast(&self, raw: &Raw) -> Result<(), SubmitError> {
        self.fuse.burn().await;
        let result = self.inner.broadcast(raw).await;
        self.fuse.burn().await;
        result
    }

    async fn tx_status(&self, hashes: &[Hash], finality: Finality) -> Result<TxStatus, SinkError> {
        self.fuse.burn().await;
        let status = self.inner.tx_status(hashes, finality).await;
        self.fuse.burn().await;
        status
    }
}

struct FusedJournal {
    inner: Arc<dyn Journal>,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl Journal for FusedJournal {
    async fn load(&self) -> Result<Option<Vec<u8>>, JournalError> {
        self.inner.load().await
    }

    async fn save(&self, bytes: &[u8]) -> Result<(), JournalError> {
        self.fuse.burn().await;
        self.inner.save(bytes).await?;
        self.fuse.burn().await;
        Ok(())
    }
}

pub(super) async fn every_step(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    for step in 0..STEPS {
        let ask = rig.ask(Callback::None).await?;
        let crashed = crash_at(&mut rig, step, &ask).await?;
        if !crashed {
            return ensure(step >= 6, || format!("only {step} steps were seen"));
        }
    }
    Err(Failure::Wrong(format!("a delivery takes more than {STEPS} steps")))
}

/// Carries one result, ending the loop at a step of it; false if it was done before.
async fn crash_at(rig: &mut Rig<'_>, step: i64, ask: &sotto_types::Ask) -> Result<bool, Failure> {
    let (sink, journal) = (Arc::clone(&rig.sink), Arc::clone(&rig.journal));
    let before = rig.nonce().await?;
    let entry = ask.number;
    let fuse = Arc::new(Fuse(AtomicI64::new(step)));
    rig.kill();
    rig.sink = Arc::new(FusedSink { inner: Arc::clone(&sink), fuse: Arc::clone(&fuse) });
    rig.journal = Arc::new(FusedJournal { inner: Arc::clone(&journal), fuse: Arc::clone(&fuse) });
    rig.start().await?;
    let delivery = deliveries::fulfil(&rig.place, ask, Signer::ResultKey);
    rig.deliver(entry, delivery).await?;
    let watched = Arc::clone(&fuse);
    rig.until("the end or the crash", move |known| watched.blown() || known.end(entry).is_some())
        .await?;
    let crashed = fuse.blown();
    rig.kill();
    (rig.sink, rig.journal) = (sink, journal);
    rig.start().await?;
    rig.until("the end after the crash", |known| known.end(entry).is_some()).await?;
    let ends = rig.known.ends.get(&entry).cloned().unwrap_or_default();
    let one = matches!(ends.first(), Some(End::Final { .. }))
        && ends.iter().all(|e| Some(e) == ends.first());
    ensure(one, || format!("crash at step {step}: ended as {ends:?}"))?;
    let status = rig.bed.source().status(entry, rig.place.finality).await?;
    ensure(matches!(status, RequestStatus::Settled { .. }), || {
        format!("crash at step {step}: request {entry} is {status:?}")
    })?;
    let sent = rig.nonce().await? - before;
    ensure(sent == 1, || format!("crash at step {step}: {sent} transactions for one result"))?;
    Ok(crashed)
}
