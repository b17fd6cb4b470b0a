//! A worker's hands: shows its brain each certified block and carries out what it wants.

mod direct;

use crate::clock::wall_clock;
use crate::council::Council;
use anyhow::{Context as _, Result};
use rand::RngCore as _;
use rand::rngs::OsRng;
use sotto_attest::Binding;
use sotto_ledger::state::{
    App, Boot, Clock, Nonce, Open, Progress, Request, Seat, Worker as Record,
};
use sotto_ledger::view::{key, list, read};
use sotto_ledger::{View, prove};
use sotto_roles::worker::{Input, Keys, Output, Placed, Run, Shown, Wanted, Work, Worker};
use sotto_runtime::{Call, Egress, HostList, Limits, Reach, Runtime, Submission, World};
use sotto_tee::Tee;
use sotto_types::{
    Account, AppId, BootId, Certificate, ChainId, Fuel, Genesis, Hash, Manifest, NodeId, Proof,
    SignedAction, limits,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Inputs that may wait for the brain.
const QUEUE: usize = 1024;

/// What a worker works with.
pub(crate) struct Hands {
    pub(crate) council: Arc<Council>,
    pub(crate) runtime: Runtime,
    pub(crate) tee: Arc<dyn Tee>,
    pub(crate) egress: Arc<dyn Egress>,
}

/// A running worker.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) id: NodeId,
    /// Its process, as its seats name it.
    pub(crate) boot: BootId,
    payees: mpsc::Sender<(ChainId, Account)>,
    hand: Hand,
}

impl Handle {
    /// Has it paid to `account` on `chain`.
    pub(crate) async fn pay_to(&self, chain: ChainId, account: Account) {
        let _ = self.payees.send((chain, account)).await;
    }
}

pub(crate) fn start(
    hands: Hands,
    genesis: &Genesis,
    keys: Keys,
    tasks: &mut JoinSet<()>,
) -> Result<Handle> {
    let mut boot = BootId::default();
    OsRng.fill_bytes(&mut boot.0);
    let brain = Worker::new(genesis.clone(), keys, hands.tee.kind(), Vec::new(), boot)
        .context("the genesis names no vault key")?;
    let id = brain.id();
    let (payees, paid) = mpsc::channel(16);
    let (back, inputs) = mpsc::channel(QUEUE);
    let hand = Hand { id, brain: Arc::new(Mutex::new(brain)), hands: Arc::new(hands), back };
    let handle = Handle { id, boot, payees, hand: hand.clone() };
    tasks.spawn(async move { hand.drive(inputs, paid).await });
    Ok(handle)
}

#[derive(Clone)]
struct Hand {
    id: NodeId,
    brain: Arc<Mutex<Worker>>,
    hands: Arc<Hands>,
    back: mpsc::Sender<Input>,
}

impl Hand {
    async fn drive(
        self,
        mut inputs: mpsc::Receiver<Input>,
        mut payees: mpsc::Receiver<(ChainId, Account)>,
    ) {
        let mut certified = self.hands.council.certified();
        loop {
            let input = tokio::select! {
                changed = certified.changed() => match changed.map(|()| self.show()) {
                    Ok(Ok(Some(shown))) => Input::Block(Box::new(shown)),
                    Ok(Ok(None)) => continue,
                    Ok(Err(error)) => {
                        tracing::error!(error = format!("{error:#}"), "worker sees no block");
                        continue;
                    }
                    Err(_) => return,
                },
                Some((chain, account)) = payees.recv() => {
                    self.brain().pay_to(chain, account);
                    continue;
                }
                Some(input) = inputs.recv() => input,
            };
            // Only here does the brain say what it signs with a nonce: in the order of its blocks.
            for output in self.step(input) {
                self.carry_out(output);
            }
        }
    }

    /// Whole after every step, so a panic elsewhere cannot spoil it.
    fn brain(&self) -> MutexGuard<'_, Worker> {
        self.brain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, input: Input) -> Vec<Output> {
        self.brain().step(input, wall_clock())
    }

    /// The last certified block as this worker is shown it.
    fn show(&self) -> Result<Option<Shown>> {
        let (certificate, view) = self.hands.council.latest()?;
        let Some(certificate) = certificate else { return Ok(None) };
        let apps = self.brain().apps();
        show(&view, certificate, &self.id, &apps).map(Some)
    }

    fn carry_out(&self, output: Output) {
        match output {
            Output::Attest(binding) => self.attest(&binding),
            Output::Submit(action) => self.submit(*action),
            Output::AskShares(wanted) => self.ask_shares(wanted),
            Output::Fetch(hashes) => self.fetch(hashes),
            Output::Run(run) => self.run(*run),
            Output::Keep(bytes) => self.keep(bytes),
            // These follow what a client sent, and go back to it where that is carried out.
            Output::Reply { .. } | Output::Refuse(_) | Output::Call(_) => {}
            Output::Distrust(why) => tracing::warn!(%why, "worker does not believe"),
        }
    }

    fn answer(&self, input: Input) {
        if self.back.try_send(input).is_err() {
            // Whatever is missing is asked for again with the next block.
            tracing::warn!("the worker's queue is full");
        }
    }

    fn attest(&self, binding: &Binding) {
        match self.hands.tee.evidence(binding, wall_clock()) {
            Ok(evidence) => self.answer(Input::Evidence(evidence)),
            Err(error) => tracing::error!(%error, "no evidence"),
        }
    }

    /// Pooled in line, so that nonces keep their order; waited for beside.
    fn submit(&self, action: SignedAction) {
        let told = match self.hands.council.pool(action) {
            Ok(told) => told,
            Err(error) => return tracing::warn!(%error, "worker's action not taken"),
        };
        tokio::spawn(async move {
            if let Ok(Some(why)) = told.await.map(|outcome| outcome.refused) {
                tracing::warn!(%why, "worker's action refused");
            }
        });
    }

    fn ask_shares(&self, wanted: Wanted) {
        let hand = self.clone();
        tokio::task::spawn_blocking(move || match hand.hands.council.share(&hand.id, &wanted) {
            Ok(share) => hand.answer(Input::Shares { wanted, shares: vec![(1, share)] }),
            Err(error) => tracing::warn!(%error, "no share"),
        });
    }

    fn fetch(&self, hashes: BTreeSet<Hash>) {
        for hash in hashes {
            match self.hands.council.store().bytes(&hash) {
                Ok(Some(bytes)) => self.answer(Input::Bytes(bytes)),
                Ok(None) => tracing::debug!(%hash, "bytes not here yet"),
                Err(error) => tracing::error!(%error, "bytes cannot be read"),
            }
        }
    }

    fn keep(&self, bytes: Vec<u8>) {
        let hand = self.clone();
        tokio::task::spawn_blocking(move || match hand.hands.council.store().keep(&bytes) {
            Ok(hash) => hand.answer(Input::Kept(hash)),
            // Kept again with the next block.
            Err(error) => tracing::error!(%error, "leaves cannot be kept"),
        });
    }

    fn run(&self, run: Run) {
        let hand = self.clone();
        tokio::spawn(async move {
            let (request, attempt) = (run.request, run.attempt);
            let Run { manifest, component, call, .. } = run;
            let outcome = hand.execute(&manifest, component, call, limits::RESULT_MAX).await;
            if let Err(reason) = &outcome {
                tracing::warn!(%request, %reason, "the app failed");
            }
            // Waits for its turn: unlike bytes and shares, an outcome is not asked for again.
            let _ = hand.back.send(Input::Ran { request, attempt, outcome }).await;
        });
    }

    async fn execute(
        &self,
        manifest: &Manifest,
        component: Arc<Vec<u8>>,
        input: sotto_roles::worker::Call,
        output_max: usize,
    ) -> Result<(Vec<u8>, Fuel), String> {
        let text = |error: &dyn core::fmt::Display| error.to_string();
        let hosts = HostList::parse(&manifest.hosts).map_err(|e| text(&e))?;
        let world = if hosts.is_empty() { World::Function } else { World::FunctionHttp };
        let runtime = self.hands.runtime.clone();
        let app = match runtime.app(&manifest.code.0, world) {
            Some(app) => app,
            None => tokio::task::spawn_blocking(move || runtime.load(&component, world))
                .await
                .map_err(|e| text(&e))?
                .map_err(|e| text(&e))?,
        };
        let reach = (!hosts.is_empty())
            .then(|| Reach { hosts: Arc::new(hosts), egress: self.hands.egress.clone() });
        let limits = Limits {
            fuel: manifest.fuel.0,
            memory_bytes: u64::from(manifest.memory_mib) << 20,
            time: Duration::from_secs(manifest.seconds.into()),
            output_bytes: output_max as u64,
        };
        let answer = app.call(&call(input), &limits, reach).await.map_err(|e| text(&e))?;
        Ok((answer.output, Fuel(answer.fuel_used)))
    }
}

fn call(call: sotto_roles::worker::Call) -> Call {
    let submissions = call.submissions.into_iter().map(|content| Submission {
        submitter: content.submitter.0,
        content: content.payload.map(|payload| payload.to_vec()),
    });
    Call {
        chain: call.chain.0,
        caller: call.caller.0,
        context: call.context.0.to_vec(),
        time: call.time.0,
        payload: call.payload,
        submissions: submissions.collect(),
    }
}

fn show(view: &impl View, certificate: Certificate, id: &NodeId, apps: &[AppId]) -> Result<Shown> {
    let entry = |key: Vec<u8>| -> Result<Proof> {
        prove(view, &key)?.context("an entry the ledger always holds is missing")
    };
    let mut work = Vec::new();
    for (_, Open(request_id)) in list::<Open>(view, &())? {
        let Some(request) = read::<Request>(view, &request_id)? else { continue };
        let is_mine = matches!(request.progress, Progress::Assigned(a) if a.worker == *id);
        if is_mine {
            work.push(Work {
                id: request_id,
                request: entry(key::<Request>(&request_id))?,
                app: entry(key::<App>(&request.ask.app))?,
            });
        }
    }
    let mut seats = Vec::new();
    let epoch = read::<Clock>(view, &())?.map_or_else(Default::default, |clock| clock.epoch);
    for app in apps {
        if let Some(seat) = prove(view, &key::<Seat>(&(epoch, (*app, *id))))? {
            seats.push(Placed { app: *app, seat, manifest: entry(key::<App>(app))? });
        }
    }
    Ok(Shown {
        certificate,
        clock: entry(key::<Clock>(&()))?,
        nonce: read::<Nonce>(view, id)?.map_or(0, |nonce| nonce.0),
        attested: read::<Record>(view, id)?.map(|worker| worker.attested),
        work,
        seats,
        boot: prove(view, &key::<Boot>(id))?,
    })
}
