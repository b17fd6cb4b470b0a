//! Chains' hands: drives the courier of each chain, tells it what the ledger says, and tells the
//! member what it saw.

use crate::council::Council;
use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use sotto_chain::{
    Command, Cursor, Driven, Handle, Journal, JournalError, RequestSource, ResultSink, Said,
    SendConfig, WallClock, WatchConfig, drive,
};
use sotto_ledger::state::{Chain, Outgoing, outbox_number};
use sotto_ledger::view::{list, read};
use sotto_types::{Account, Action, BlockRef, ChainId, Finality};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

/// A chain as it is handed to a node.
pub struct Hands {
    /// Its CAIP-2 name.
    pub caip2: String,
    /// The Sotto contract on it.
    pub contract: Account,
    /// When its blocks are final.
    pub finality: Finality,
    /// The block after which the contract is watched, where it is new to the ledger.
    pub start: BlockRef,
    /// How long a result key may live there, in seconds of chain time.
    pub key_lifetime: u64,
    /// The most that is paid for a unit of gas.
    pub max_fee: u128,
    /// Reads it.
    pub source: Arc<dyn RequestSource>,
    /// Writes to it.
    pub sink: Arc<dyn ResultSink>,
}

/// Keeps a courier's journal in the node's store.
pub struct Journals {
    council: Arc<Council>,
    name: String,
}

#[async_trait]
impl Journal for Journals {
    async fn load(&self) -> Result<Option<Vec<u8>>, JournalError> {
        self.council.store().journal(&self.name).map_err(|e| JournalError(e.to_string()))
    }

    async fn save(&self, bytes: &[u8]) -> Result<(), JournalError> {
        let (council, name, bytes) = (self.council.clone(), self.name.clone(), bytes.to_vec());
        tokio::task::spawn_blocking(move || council.store().write_journal(&name, &bytes))
            .await
            .map_err(|e| JournalError(e.to_string()))?
            .map_err(|e| JournalError(e.to_string()))
    }
}

pub(crate) async fn attach(
    council: Arc<Council>,
    hands: Hands,
    tasks: &mut JoinSet<()>,
) -> Result<()> {
    let id = ChainId::from_caip2(&hands.caip2);
    let identity = hands.source.identity().await.context("asking the chain who it is")?;
    identity.verify(&hands.caip2, &council.genesis().id(), &hands.contract)?;
    let mut watch = WatchConfig::new(id, hands.contract);
    watch.poll = 1;
    let mut send = SendConfig::new(hands.sink.void(), hands.max_fee);
    send.poll = 1;
    let journal = Journals { council: council.clone(), name: format!("courier/{}", hands.caip2) };
    let driven = Driven {
        watch,
        send: Some(send),
        finality: hands.finality,
        source: hands.source.clone(),
        sink: Some(hands.sink.clone()),
        journal: Arc::new(journal),
        clock: Arc::new(WallClock),
    };
    let (handle, said, run) = drive(driven).await?;
    admit(&council, &hands, &id)?;
    tasks.spawn(async move {
        if let Err(error) = run.await {
            tracing::error!(%error, "the courier stopped");
        }
    });
    tasks.spawn(listen(council.clone(), id, said));
    tasks.spawn(gather(council.clone(), id, hands.source));
    tasks.spawn(tell(council, id, handle));
    Ok(())
}

fn admit(council: &Council, hands: &Hands, id: &ChainId) -> Result<()> {
    match read::<Chain>(&council.snapshot()?, id)? {
        Some(chain) if chain.contract != hands.contract => bail!(
            "the ledger knows another Sotto contract on {}; a network has one on each chain",
            hands.caip2
        ),
        Some(_) => {}
        None => council.say(Action::AdmitChain {
            caip2: hands.caip2.clone(),
            contract: hands.contract,
            finality: hands.finality,
            start: hands.start,
            key_lifetime: hands.key_lifetime,
        }),
    }
    Ok(())
}

async fn listen(council: Arc<Council>, chain: ChainId, mut said: UnboundedReceiver<Said>) {
    while let Some(said) = said.recv().await {
        match said {
            Said::Observed(observation) => council.say(Action::Observe(observation)),
            Said::Halt { was, now } => {
                tracing::error!(was = was.height, "a final block changed: the chain is halted");
                council.say(Action::Halt { chain, was, now });
            }
            Said::Ended { entry, end } => tracing::info!(entry, ?end, "delivery ended"),
            Said::Watching(report) => tracing::warn!(%report, "watching"),
            Said::Sending(report) => tracing::warn!(%report, "sending"),
        }
    }
}

/// Tells the courier after every block where the ledger stands and what it has to carry.
async fn tell(council: Arc<Council>, id: ChainId, handle: Handle) {
    let mut certified = council.certified();
    let mut told = None;
    let mut carried: Option<BTreeSet<u64>> = None;
    loop {
        match news(&council, &id, &mut told, &mut carried) {
            Ok(commands) => {
                for command in commands {
                    if handle.tell(command).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => tracing::error!(error = format!("{error:#}"), "chain's news"),
        }
        if certified.changed().await.is_err() {
            return;
        }
    }
}

fn news(
    council: &Council,
    id: &ChainId,
    told: &mut Option<Cursor>,
    carried: &mut Option<BTreeSet<u64>>,
) -> Result<Vec<Command>> {
    let view = council.snapshot()?;
    let Some(chain) = read::<Chain>(&view, id)? else { return Ok(Vec::new()) };
    let mut commands = Vec::new();
    let cursor =
        Cursor { after: chain.cursor, requests: chain.requests, halted: chain.halted.is_some() };
    if told.replace(cursor) != Some(cursor) {
        commands.push(Command::Cursor(cursor));
    }
    let mut entries = BTreeSet::new();
    let mut fresh = Vec::new();
    let before = carried.clone().unwrap_or_default();
    for (key, outgoing) in list::<Outgoing>(&view, id)? {
        let Some(entry) = outbox_number(&key).filter(|_| outgoing.ready) else { continue };
        entries.insert(entry);
        if !before.contains(&entry) {
            fresh.push(Command::Deliver { entry, delivery: outgoing.delivery });
        }
    }
    if carried.is_none() {
        commands.push(Command::Holds(entries.clone()));
    }
    commands.extend(before.difference(&entries).map(|entry| Command::Gone { entry: *entry }));
    commands.extend(fresh);
    *carried = Some(entries);
    Ok(commands)
}

/// Looks on the chain for bytes that requests need and their consumers published there.
async fn gather(council: Arc<Council>, id: ChainId, source: Arc<dyn RequestSource>) {
    let mut wanted = council.gather();
    while wanted.changed().await.is_ok() {
        let gathers = wanted.borrow_and_update().clone();
        for gather in gathers.iter().filter(|gather| gather.chain == id) {
            let Ok(upto) = cursor(&council, &id) else { continue };
            match source.published(&gather.consumer, &gather.hashes, upto).await {
                Ok(found) => {
                    for bytes in found.values() {
                        if let Err(error) = council.store().keep(bytes) {
                            tracing::error!(%error, "bytes cannot be kept");
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "looking for published bytes"),
            }
        }
    }
}

fn cursor(council: &Council, id: &ChainId) -> Result<u64> {
    let chain = read::<Chain>(&council.snapshot()?, id)?.context("no such chain")?;
    Ok(chain.cursor.height)
}
