//! Worker, council member and gateway of one machine: builds hands, drives brains.
//!
//! Each file here carries out what the brain of the same name in `roles` decides, over the crates
//! of `io`. Not here: any rule of the protocol (`pure/`), the command line (`bin/sotto`), a choice
//! of chain families: whoever starts a node hands it the chains' two traits.

mod chains;
mod clock;
mod council;
mod egress;
mod gateway;
mod keys;
mod status;
mod worker;

pub use chains::{Hands, Journals};
pub use clock::wall_clock;
pub use council::{Outcome, Rejected};
pub use egress::WebEgress;
pub use status::{AppLine, ChainLine, RequestLine, Status, WorkerLine, describe};

use anyhow::{Context as _, Result};
use council::Council;
use sotto_ledger::View as _;
use sotto_runtime::{CacheConfig, Config as RuntimeConfig, Runtime};
use sotto_store::{Lock, Store};
use sotto_tee::Tee;
use sotto_types::{Account, Action, ChainId, Genesis, NetworkKind, NodeId, SignedAction};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinSet;

/// How a development network on one machine is set up.
pub struct Config {
    /// Where it keeps everything.
    pub folder: PathBuf,
    /// A name for people, in a new genesis.
    pub name: String,
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    /// Blocks in an epoch, in a new genesis.
    pub epoch_blocks: u64,
    /// How many workers run here.
    pub workers: u16,
    /// Roots besides the web's that apps' TLS trusts (DER).
    pub roots: Vec<Vec<u8>>,
}

/// A development network of one council member, its workers and a gateway, running.
pub struct Node {
    council: Arc<Council>,
    workers: Vec<worker::Handle>,
    gateway: sotto_net::Door,
    tasks: JoinSet<()>,
    _lock: Lock,
}

impl Node {
    /// Founds the network in the folder, or goes on with the one that is there.
    pub async fn start(config: Config, tee: Arc<dyn Tee>) -> Result<Self> {
        sotto_net::install_default();
        let lock = Lock::take(&config.folder)?;
        let store = Arc::new(Store::open(&config.folder)?);
        let member = keys::member(&config.folder, &*tee)?;
        let (genesis, is_new) = found(&config, &store, &member, &*tee)?;
        let mut tasks = JoinSet::new();
        let council = Council::new(store, genesis.clone(), member)?;
        if !is_new {
            council.admit_release(tee.measurement())?;
        }
        council.clone().run(&mut tasks);
        let cache = CacheConfig {
            dir: config.folder.join("compiled"),
            key: keys::cache(&config.folder, &*tee)?,
        };
        let runtime =
            Runtime::new(RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() })?;
        let mut workers = Vec::new();
        for number in 0..config.workers {
            let keys = keys::worker(&config.folder, number, &*tee)?;
            let egress = Arc::new(WebEgress::new(&config.roots)?);
            let hands = worker::Hands {
                council: council.clone(),
                runtime: runtime.clone(),
                tee: tee.clone(),
                egress,
            };
            workers.push(worker::start(hands, &genesis, keys, &mut tasks)?);
        }
        let gateway = gateway::open(config.gateway, council.clone(), workers.clone()).await?;
        Ok(Self { council, workers, gateway, tasks, _lock: lock })
    }

    /// The network's genesis.
    pub fn genesis(&self) -> &Genesis {
        self.council.genesis()
    }

    /// Where the gateway listens.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway.address()
    }

    /// The workers' ids.
    pub fn workers(&self) -> Vec<NodeId> {
        self.workers.iter().map(|worker| worker.id).collect()
    }

    /// Begins to watch and to write to a chain; it is admitted to the ledger if it is new there.
    /// `payee` is the account its workers are paid to.
    pub async fn attach(&mut self, hands: Hands, payee: Account) -> Result<ChainId> {
        let chain = ChainId::from_caip2(&hands.caip2);
        for worker in &self.workers {
            worker.pay_to(chain, payee).await;
        }
        chains::attach(self.council.clone(), hands, &mut self.tasks).await?;
        Ok(chain)
    }

    /// Hands in an action and waits until a block holds it.
    pub async fn act(&self, signed: SignedAction) -> Result<Outcome, Rejected> {
        self.council.act(signed).await
    }

    /// Has the member say something itself; used to drive it in demonstrations and tests.
    pub fn say(&self, action: Action) {
        self.council.say(action);
    }

    /// What a person wants to know of it.
    pub fn status(&self) -> Result<Status> {
        status::describe(&self.council.snapshot()?, self.council.genesis())
    }

    /// Stops everything; what was acknowledged is on disk already.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// Waits until something that should run for ever ended, and says so.
    pub async fn ended(&mut self) -> Option<String> {
        let ended = self.tasks.join_next().await?;
        Some(match ended {
            Ok(()) => "a task of the node ended".to_owned(),
            Err(error) => format!("a task of the node failed: {error}"),
        })
    }
}

/// The genesis in the store, or a new one.
fn found(
    config: &Config,
    store: &Store,
    member: &keys::Member,
    tee: &dyn Tee,
) -> Result<(Genesis, bool)> {
    let snapshot = store.snapshot()?;
    if snapshot.is_founded()? {
        let founding: Option<sotto_ledger::state::Founding> =
            sotto_ledger::view::read(&snapshot, &())?;
        let genesis = founding.context("the database holds no genesis")?.0;
        snapshot.head()?;
        return Ok((genesis, false));
    }
    let genesis = Genesis {
        kind: NetworkKind::Development,
        name: config.name.clone(),
        time: wall_clock(),
        members: vec![member.key.public().to_bytes()],
        vault: member.vault.public().to_bytes(),
        epoch_blocks: config.epoch_blocks,
        block_seconds: 1,
        releases: vec![tee.measurement()],
    };
    store.commit(&sotto_ledger::found(&genesis)?, None)?;
    Ok((genesis, true))
}
