//! The courier over a testbed, and a stand-in for the ledger beside it.

use super::{Place, Signer, Testbed, Trouble, deliveries};
use crate::{
    BuildError, Command, Cursor, DriveError, Driven, End, Handle, Journal, JournalError,
    MemoryJournal, ResultSink, Said, SendConfig, SinkError, SourceError, SubmitError, WatchConfig,
    drive,
};
use sotto_types::{Ask, BlockRef, ChainEvent, Delivery, Finality, Observation};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle};

/// Turns after which something that should have happened counts as not happening.
const PATIENCE: u32 = 1_500;
/// Real time given to the courier for each block.
const TURN: Duration = Duration::from_millis(10);
/// Reports kept for a failure's text.
const REPORTS: usize = 4;

/// Why a case does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error("reading: {0}")]
    Source(#[from] SourceError),
    #[error("writing: {0}")]
    Sink(#[from] SinkError),
    #[error("building: {0}")]
    Build(#[from] BuildError),
    #[error("submitting: {0}")]
    Submit(#[from] SubmitError),
    #[error("driving: {0}")]
    Drive(#[from] DriveError),
    #[error("journal: {0}")]
    Journal(#[from] JournalError),
    #[error("the courier's loop ended")]
    Stopped,
    #[error("{what} did not happen; last said: {reports:?}")]
    Never { what: &'static str, reports: Vec<String> },
    #[error("{0}")]
    Wrong(String),
}

/// Refuses unless `holds`.
pub(super) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::Wrong(why())) }
}

/// What the ledger would know.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) cursor: Cursor,
    pub(super) events: Vec<ChainEvent>,
    pub(super) ends: BTreeMap<u64, Vec<End>>,
    pub(super) halts: Vec<(BlockRef, BlockRef)>,
    pub(super) reports: u32,
    last: VecDeque<String>,
    outbox: BTreeMap<u64, Delivery>,
}

impl Known {
    pub(super) fn asks(&self) -> Vec<Ask> {
        let asks = self.events.iter().filter_map(|event| match event {
            ChainEvent::Requested(ask) => Some(ask.clone()),
            _ => None,
        });
        asks.collect()
    }

    pub(super) fn end(&self, entry: u64) -> Option<&End> {
        self.ends.get(&entry).and_then(|ends| ends.first())
    }
}

struct Running {
    handle: Handle,
    said: mpsc::UnboundedReceiver<Said>,
    task: JoinHandle<Result<(), DriveError>>,
}

/// The courier over a testbed.
pub(super) struct Rig<'a> {
    pub(super) bed: &'a dyn Testbed,
    pub(super) place: Place,
    pub(super) known: Known,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) sink: Arc<dyn ResultSink>,
    running: Option<Running>,
}

impl Drop for Rig<'_> {
    fn drop(&mut self) {
        self.kill();
    }
}

impl<'a> Rig<'a> {
    /// A running courier on a chain where the result key is registered.
    pub(super) async fn new(bed: &'a dyn Testbed) -> Result<Self, Failure> {
        let place = bed.place();
        let expiry = bed.source().head(Finality::Instant).await?.time.plus(7_000);
        let keys = deliveries::keys(&place, 1, super::result_key(), expiry);
        send_now(&*bed.rival(), &keys).await?;
        bed.advance(12, 12).await?;
        let after = bed.source().head(place.finality).await?;
        let requests = bed.source().request_count(&after).await?;
        let known = Known {
            cursor: Cursor { after, requests, halted: false },
            events: Vec::new(),
            ends: BTreeMap::new(),
            halts: Vec::new(),
            reports: 0,
            last: VecDeque::new(),
            outbox: BTreeMap::new(),
        };
        let journal = Arc::new(MemoryJournal::default());
        let mut rig = Self { bed, place, known, journal, sink: bed.sink(), running: None };
        rig.start().await?;
        Ok(rig)
    }

    /// Starts the loop and tells it what the ledger holds.
    pub(super) async fn start(&mut self) -> Result<(), Failure> {
        let place = &self.place;
        let (handle, said, run) = drive(Driven {
            watch: WatchConfig::new(place.chain(), place.contract),
            send: Some(SendConfig::new(self.sink.void(), u128::MAX)),
            finality: place.finality,
            source: self.bed.source(),
            sink: Some(Arc::clone(&self.sink)),
            journal: Arc::clone(&self.journal),
            clock: self.bed.clock(),
        })
        .await?;
        self.running = Some(Running { handle, said, task: tokio::spawn(run) });
        self.tell(Command::Holds(self.known.outbox.keys().copied().collect())).await?;
        self.tell(Command::Cursor(self.known.cursor)).await?;
        for (entry, delivery) in self.known.outbox.clone() {
            self.tell(Command::Deliver { entry, delivery }).await?;
        }
        Ok(())
    }

    /// Ends the loop wherever it is, as a crash would.
    pub(super) fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.task.abort();
        }
    }

    pub(super) async fn tell(&self, command: Command) -> Result<(), Failure> {
        let running = self.running.as_ref().ok_or(Failure::Stopped)?;
        running.handle.tell(command).await.map_err(|_| Failure::Stopped)
    }

    pub(super) async fn deliver(&mut self, entry: u64, delivery: Delivery) -> Result<(), Failure> {
        self.known.outbox.insert(entry, delivery.clone());
        self.tell(Command::Deliver { entry, delivery }).await
    }

    pub(super) async fn resume(&mut self, after: BlockRef, requests: u64) -> Result<(), Failure> {
        self.known.cursor = Cursor { after, requests, halted: false };
        self.tell(Command::Cursor(self.known.cursor)).await
    }

    /// Lets blocks come until something holds.
    pub(super) async fn until(
        &mut self,
        what: &'static str,
        holds: impl Fn(&Known) -> bool + Send,
    ) -> Result<(), Failure> {
        self.turns(true, what, holds).await
    }

    /// Lets time pass, but no block come, until something holds.
    pub(super) async fn wait(
        &mut self,
        what: &'static str,
        holds: impl Fn(&Known) -> bool + Send,
    ) -> Result<(), Failure> {
        self.turns(false, what, holds).await
    }

    async fn turns(
        &mut self,
        blocks: bool,
        what: &'static str,
        holds: impl Fn(&Known) -> bool + Send,
    ) -> Result<(), Failure> {
        for _ in 0..PATIENCE {
            if holds(&self.known) {
                return Ok(());
            }
            self.turn(blocks).await?;
        }
        Err(Failure::Never { what, reports: self.known.last.iter().cloned().collect() })
    }

    /// One block, if wanted, and time for the courier to see it.
    pub(super) async fn turn(&mut self, block: bool) -> Result<(), Failure> {
        if block {
            self.bed.advance(1, 1).await?;
        }
        tokio::time::sleep(TURN).await;
        let mut heard = Vec::new();
        if let Some(running) = &mut self.running {
            while let Ok(said) = running.said.try_recv() {
                heard.push(said);
            }
            if running.task.is_finished() {
                return Err(Failure::Stopped);
            }
        }
        for said in heard {
            self.hear(said).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, said: Said) -> Result<(), Failure> {
        match said {
            Said::Observed(observation) => self.observed(observation).await,
            Said::Halt { was, now } => {
                self.known.halts.push((was, now));
                self.known.cursor.halted = true;
                self.tell(Command::Cursor(self.known.cursor)).await
            }
            Said::Ended { entry, end } => {
                self.known.ends.entry(entry).or_default().push(end);
                Ok(())
            }
            Said::Watching(report) => self.report(report.to_string()),
            Said::Sending(report) => self.report(report.to_string()),
        }
    }

    fn report(&mut self, report: String) -> Result<(), Failure> {
        self.known.reports += 1;
        self.known.last.push_back(report);
        if self.known.last.len() > REPORTS {
            self.known.last.pop_front();
        }
        Ok(())
    }

    /// Takes an observation up as the ledger does: only one that follows the cursor.
    async fn observed(&mut self, seen: Observation) -> Result<(), Failure> {
        let cursor = &mut self.known.cursor;
        if seen.after != cursor.after || cursor.halted {
            return Ok(());
        }
        let mut number = cursor.requests;
        for event in &seen.events {
            if let ChainEvent::Requested(Ask { number: found, .. })
            | ChainEvent::Unreadable { number: found, .. } = event
            {
                number += 1;
                ensure(*found == number, || format!("request {found} instead of {number}"))?;
            }
        }
        let count = seen.request_count;
        ensure(count == number, || format!("{count} requests counted, {number} observed"))?;
        *cursor = Cursor { after: seen.upto, requests: count, halted: false };
        self.known.events.extend(seen.events);
        self.tell(Command::Cursor(self.known.cursor)).await
    }

    /// Has a request made and observed.
    pub(super) async fn ask(&mut self, callback: super::Callback) -> Result<Ask, Failure> {
        let before = self.known.asks().len();
        self.bed.ask(callback, 3_000).await?;
        self.until("a request's observation", |known| known.asks().len() > before).await?;
        let last = self.known.asks().pop();
        last.ok_or_else(|| Failure::Wrong("no request".into()))
    }

    /// Has a result of a request carried and waits for its end.
    pub(super) async fn fulfil(&mut self, entry: u64, ask: &Ask) -> Result<End, Failure> {
        let delivery = deliveries::fulfil(&self.place, ask, Signer::ResultKey);
        self.deliver(entry, delivery).await?;
        self.ended(entry).await
    }

    pub(super) async fn ended(&mut self, entry: u64) -> Result<End, Failure> {
        self.until("a delivery's end", |known| known.end(entry).is_some()).await?;
        let ends = self.known.ends.get(&entry).cloned().unwrap_or_default();
        match ends.as_slice() {
            [end] => Ok(end.clone()),
            ends => Err(Failure::Wrong(format!("delivery {entry} ended as {ends:?}"))),
        }
    }

    /// How many transactions of the courier's account are in blocks.
    pub(super) async fn nonce(&self) -> Result<u64, Failure> {
        Ok(self.bed.sink().next_nonce(Finality::Instant).await?)
    }
}

/// Carries a delivery without the courier; the caller makes the block.
pub(super) async fn send_now(sink: &dyn ResultSink, delivery: &Delivery) -> Result<(), Failure> {
    let built = sink.build(delivery).await?;
    let mut fee = sink.fee().await?;
    fee.max = fee.max.saturating_mul(2);
    fee.tip = fee.tip.map(|tip| tip.saturating_mul(2));
    let nonce = sink.next_nonce(Finality::Instant).await?;
    let raw = sink.sign(&built, nonce, &fee)?;
    Ok(sink.broadcast(&raw).await?)
}
