//! The ledger's state as a person or a program wants to read it.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use sotto_ledger::View;
use sotto_ledger::state::{App, Chain, Clock, Credit, Open, Outgoing, Progress, Request, Worker};
use sotto_ledger::view::{list, read};
use sotto_types::{ChainId, Genesis, NodeId, RequestId};

/// A network's state in figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    /// The network's id.
    pub network: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// The last block.
    pub height: u64,
    /// Its time.
    pub time: u64,
    /// The root after it.
    pub root: String,
    /// The epoch.
    pub epoch: u64,
    /// The workers.
    pub workers: Vec<WorkerLine>,
    /// The apps.
    pub apps: Vec<AppLine>,
    /// The chains.
    pub chains: Vec<ChainLine>,
    /// Requests that somebody must still act on.
    pub open: Vec<RequestLine>,
}

/// A worker in figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkerLine {
    /// Its id.
    pub id: String,
    /// What it runs in.
    pub tee: String,
    /// What it runs.
    pub measurement: String,
    /// The epoch it was last attested in.
    pub attested: u64,
    /// Whether it may be given work now.
    pub good: bool,
}

/// An app in figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of its component.
    pub code: String,
    /// The generation that runs.
    pub generation: u64,
    /// The hosts it may reach.
    pub hosts: Vec<String>,
}

/// A chain in figures; amounts are decimal strings in the chain's smallest unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChainLine {
    /// Its CAIP-2 name.
    pub chain: String,
    /// The Sotto contract.
    pub contract: String,
    /// The last block observed.
    pub observed: u64,
    /// Requests observed.
    pub requests: u64,
    /// Whether it is halted.
    pub halted: bool,
    /// What settled requests brought in.
    pub deposits: String,
    /// What was paid out or set aside for it.
    pub paid: String,
    /// What is owed.
    pub credits: String,
    /// Deliveries on their way.
    pub outbox: usize,
}

/// A request in figures.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestLine {
    /// Its id.
    pub id: String,
    /// Its number in its contract.
    pub number: u64,
    /// The app asked.
    pub app: String,
    /// How far it has come, in one word.
    pub progress: String,
    /// Why, where there is something to say.
    pub detail: Option<String>,
}

/// Reads it all from a view.
pub fn describe(view: &impl View, genesis: &Genesis) -> Result<Status> {
    let head = view.head()?;
    let epoch = read::<Clock>(view, &())?.map_or_else(Default::default, |clock| clock.epoch);
    let mut open = Vec::new();
    for (_, Open(id)) in list::<Open>(view, &())? {
        if let Some(request) = read::<Request>(view, &id)? {
            open.push(request_line(&id, &request));
        }
    }
    Ok(Status {
        network: genesis.id().to_string(),
        name: genesis.name.clone(),
        kind: genesis.kind.to_string(),
        height: head.height.0,
        time: head.time.0,
        root: head.root.to_string(),
        epoch: epoch.0,
        workers: workers(view, epoch)?,
        apps: apps(view)?,
        chains: chains(view)?,
        open,
    })
}

fn workers(view: &impl View, epoch: sotto_types::Epoch) -> Result<Vec<WorkerLine>> {
    let line = |worker: Worker| WorkerLine {
        id: NodeId::of_key(&worker.keys.signing).to_string(),
        tee: worker.tee.to_string(),
        measurement: worker.measurement.to_string(),
        attested: worker.attested.0,
        good: worker.is_good(epoch),
    };
    Ok(list::<Worker>(view, &())?.into_iter().map(|(_, worker)| line(worker)).collect())
}

fn apps(view: &impl View) -> Result<Vec<AppLine>> {
    let line = |app: App| AppLine {
        id: app.manifest.id().to_string(),
        name: app.manifest.name.clone(),
        code: app.manifest.code.to_string(),
        generation: app.generation.0,
        hosts: app.manifest.hosts,
    };
    Ok(list::<App>(view, &())?.into_iter().map(|(_, app)| line(app)).collect())
}

fn chains(view: &impl View) -> Result<Vec<ChainLine>> {
    let mut lines = Vec::new();
    for (_, chain) in list::<Chain>(view, &())? {
        let id = ChainId::from_caip2(&chain.caip2);
        let credits: u128 = list::<Credit>(view, &id)?.iter().map(|(_, credit)| credit.0.0).sum();
        lines.push(ChainLine {
            chain: chain.caip2,
            contract: address(&chain.contract),
            observed: chain.cursor.height,
            requests: chain.requests,
            halted: chain.halted.is_some(),
            deposits: chain.deposits.to_string(),
            paid: chain.paid.to_string(),
            credits: credits.to_string(),
            outbox: list::<Outgoing>(view, &id)?.len(),
        });
    }
    Ok(lines)
}

/// An account as people write it: 20 bytes where it is an address.
fn address(account: &sotto_types::Account) -> String {
    match account.address() {
        Some(address) => format!("0x{}", hex::encode(address)),
        None => account.to_string(),
    }
}

/// A request as people read it.
pub(crate) fn request_line(id: &RequestId, request: &Request) -> RequestLine {
    let (progress, detail) = match &request.progress {
        Progress::Refused(why) => ("refused", Some(why.to_string())),
        Progress::Waiting => ("waiting", Some("its envelopes or payload are not here yet".into())),
        Progress::Held(_) => ("held", None),
        Progress::Assigned(a) => ("assigned", Some(format!("to worker {}", a.worker))),
        Progress::Answered { .. } => ("answered", None),
        Progress::Unanswered => ("unanswered", Some("refund it after its deadline".into())),
        Progress::Failed(why) => ("failed", Some(why.clone())),
        Progress::Settled { delivered: true, .. } => ("settled", None),
        Progress::Settled { delivered: false, .. } => {
            ("settled", Some("the consumer's callback failed; deliver it again".into()))
        }
        Progress::Refunded => ("refunded", None),
    };
    RequestLine {
        id: id.to_string(),
        number: request.ask.number,
        app: request.ask.app.to_string(),
        progress: progress.into(),
        detail,
    }
}
