//! The council member's hands: makes a block a second, executes it, certifies it and commits it in
//! one transaction, and only then lets anybody see it.

use crate::clock::wall_clock;
use crate::keys::Member;
use anyhow::{Context as _, Result};
use rand::rngs::OsRng;
use sotto_crypto::vet::EncryptedShare;
use sotto_ledger::state::{Release, Worker};
use sotto_ledger::view::read;
use sotto_ledger::{Event, Refusal, StorageError, View as _, certificate::certify, propose};
use sotto_roles::council::{Council as Brain, Gather, NoShare, NotPooled};
use sotto_roles::worker::Wanted;
use sotto_store::{Snapshot, Store};
use sotto_types::{
    Action, Certificate, Genesis, Hash, Height, Measurement, NodeId, SignedAction, Time,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// What became of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The block that holds it.
    pub height: Height,
    /// Why the ledger refused it, if it did.
    pub refused: Option<Refusal>,
}

/// Why an action never came into a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Not taken into the pool.
    Pool(NotPooled),
    /// No block held it in time.
    Late,
    /// The node stopped or its storage failed.
    Stopped,
}

impl core::fmt::Display for Rejected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Pool(why) => write!(f, "the council does not take the action: {why}"),
            Self::Late => f.write_str("no block held the action in time"),
            Self::Stopped => f.write_str("the council stopped"),
        }
    }
}

impl std::error::Error for Rejected {}

/// How long an action may wait for a block.
const PATIENCE: Duration = Duration::from_secs(60);

type Waiting = BTreeMap<Hash, Vec<oneshot::Sender<Outcome>>>;

/// One council member, which is the whole council.
pub(crate) struct Council {
    store: Arc<Store>,
    genesis: Genesis,
    brain: Mutex<Brain>,
    waiting: Mutex<Waiting>,
    certified: watch::Sender<Height>,
    gather: watch::Sender<Vec<Gather>>,
}

/// A lock is whole after every step here, so a panic elsewhere cannot spoil what it guards.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Council {
    pub(crate) fn new(store: Arc<Store>, genesis: Genesis, member: Member) -> Result<Arc<Self>> {
        let brain = Mutex::new(Brain::new(&genesis, member.key, member.vault));
        let height = store.snapshot()?.head()?.height;
        Ok(Arc::new(Self {
            store,
            genesis,
            brain,
            waiting: Mutex::new(BTreeMap::new()),
            certified: watch::channel(height).0,
            gather: watch::channel(Vec::new()).0,
        }))
    }

    pub(crate) fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn snapshot(&self) -> Result<Snapshot> {
        Ok(self.store.snapshot()?)
    }

    /// Rises with every certified block.
    pub(crate) fn certified(&self) -> watch::Receiver<Height> {
        self.certified.subscribe()
    }

    /// What has to be gathered, after every block.
    pub(crate) fn gather(&self) -> watch::Receiver<Vec<Gather>> {
        self.gather.subscribe()
    }

    pub(crate) fn say(&self, action: Action) {
        locked(&self.brain).say(action);
    }

    /// The member admits its own build, once.
    pub(crate) fn admit_release(&self, measurement: Measurement) -> Result<()> {
        if read::<Release>(&self.snapshot()?, &measurement)?.is_none() {
            self.say(Action::AdmitRelease(measurement));
        }
        Ok(())
    }

    /// Puts an action into the pool and gives what to wait on.
    pub(crate) fn pool(
        &self,
        signed: SignedAction,
    ) -> Result<oneshot::Receiver<Outcome>, Rejected> {
        let snapshot = self.store.snapshot().map_err(|_| Rejected::Stopped)?;
        let id = signed.id();
        let (tell, told) = oneshot::channel();
        // No block takes the action from the brain before its waiter is noted.
        let mut brain = locked(&self.brain);
        brain.pool(&snapshot, signed).map_err(Rejected::Pool)?;
        locked(&self.waiting).entry(id).or_default().push(tell);
        Ok(told)
    }

    pub(crate) async fn act(&self, signed: SignedAction) -> Result<Outcome, Rejected> {
        let told = self.pool(signed)?;
        match tokio::time::timeout(PATIENCE, told).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(Rejected::Stopped),
            Err(_) => Err(Rejected::Late),
        }
    }

    /// This member's share for a worker that the ledger granted it.
    pub(crate) fn share(
        &self,
        worker: &NodeId,
        wanted: &Wanted,
    ) -> Result<EncryptedShare, NoShare> {
        let storage = |e: sotto_store::StoreError| NoShare::Storage(StorageError(e.to_string()));
        let snapshot = self.store.snapshot().map_err(storage)?;
        let record = read::<Worker>(&snapshot, worker)?.ok_or(NoShare::NotGranted)?;
        let brain = locked(&self.brain);
        brain.share(&snapshot, worker, wanted, &record.keys.transport, &mut OsRng)
    }

    /// The last certificate, with a view of exactly the state it certifies.
    pub(crate) fn latest(&self) -> Result<(Option<Certificate>, Snapshot)> {
        let snapshot = self.store.snapshot()?;
        let certificate = self.store.certificate(snapshot.head()?.height)?;
        Ok((certificate, snapshot))
    }

    pub(crate) fn run(self: Arc<Self>, tasks: &mut JoinSet<()>) {
        tasks.spawn(async move {
            let period = Duration::from_secs(self.genesis.block_seconds);
            let mut tick = tokio::time::interval(period);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                let council = self.clone();
                let made = tokio::task::spawn_blocking(move || council.make_block()).await;
                if let Err(error) = made.context("the block's task").and_then(|made| made) {
                    // Disk and storage failures are fatal: nothing may be acknowledged after one.
                    tracing::error!(error = format!("{error:#}"), "the council stops");
                    return;
                }
            }
        });
    }

    fn make_block(&self) -> Result<()> {
        let before = self.store.snapshot()?;
        let head = before.head()?;
        let time = Time(wall_clock().0.max(head.time.next().0));
        let actions = locked(&self.brain).actions(&before)?;
        let (block, applied) = propose(&before, time, actions)?;
        let certificate = certify(locked(&self.brain).key(), &self.genesis, &applied.head);
        self.store.commit(&applied, Some((&block, &certificate)))?;
        drop(before);
        self.announce(block.height, &applied.events);
        let after = self.store.snapshot()?;
        let gather = locked(&self.brain)
            .look(&after, |hash| self.store.holds(hash).map_err(|e| StorageError(e.to_string())))?;
        self.gather.send_replace(gather);
        self.certified.send_replace(block.height);
        Ok(())
    }

    fn announce(&self, height: Height, events: &[Event]) {
        for event in events {
            let (action, refused) = match event {
                Event::Done { action } => (action, None),
                Event::Refused { action, why } => {
                    tracing::debug!(%why, "action refused");
                    (action, Some(why.clone()))
                }
                other => {
                    tracing::info!(height = height.0, event = ?other, "ledger");
                    continue;
                }
            };
            for waiting in locked(&self.waiting).remove(action).unwrap_or_default() {
                let _ = waiting.send(Outcome { height, refused: refused.clone() });
            }
        }
    }
}
