//! The worker's brain: what an enclave believes, opens, runs and signs.
//!
//! It believes only what a certificate and a path prove: an envelope of a request is opened when
//! the request is final in the ledger and assigned to this very key. Its secrets (signing key,
//! transport secret, vetKeys) live here and nowhere else. Not here: running the component
//! (`io/runtime`), asking the device for evidence (`io/tee`), carrying messages (`bin/node`).

mod batches;
mod direct;
mod job;
#[cfg(test)]
mod tests;

pub use crate::Wanted;
pub use direct::DirectRun;

use direct::{Direct, Identified};
use job::{Job, Stage, content};
use rand_core::CryptoRngCore;
use sotto_attest::{Binding, Role};
use sotto_crypto::commit::{blind, commit};
use sotto_crypto::sign::{ResultKey, SigningKey};
use sotto_crypto::vet::{EncryptedShare, TransportSecret, VaultKey, VetKey};
use sotto_ledger::certificate::{NotBelieved, check_entry};
use sotto_ledger::state::{App, Clock, Progress, Request};
use sotto_types::digest::ResultWords;
use sotto_types::{
    Account, Action, AppId, Attempt, BootId, Certificate, ChainId, Domain, Epoch, Evidence, Fuel,
    Genesis, Hash, Height, Identity, KeyPath, Manifest, NodeId, Opening, Proof, Receipt, RequestId,
    SessionId, SessionRefused, SignedAction, SignedReceipt, TeeKind, Time, WorkerKeys, limits,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The oldest certificate that is acted upon, in seconds against the worker's own clock.
const STALE: u64 = 120;
/// Blocks after which what was handed in, and is not seen to count, is taken as lost.
const PATIENCE: u64 = 10;

/// A worker's secrets. Lost with the enclave unless sealed.
pub struct Keys {
    /// Signs actions and receipts.
    pub signing: SigningKey,
    /// Opens grants.
    pub transport: TransportSecret,
}

impl Keys {
    /// New ones.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self { signing: SigningKey::generate(rng), transport: TransportSecret::generate(rng) }
    }

    /// The public halves, as they are bound into evidence.
    pub fn public(&self) -> WorkerKeys {
        WorkerKeys {
            signing: self.signing.public().to_bytes(),
            transport: self.transport.public().to_bytes(),
        }
    }
}

/// A request that may be this worker's, with what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// The request.
    pub id: RequestId,
    /// Its entry.
    pub request: Proof,
    /// The entry of its app.
    pub app: Proof,
}

/// One submission as the app sees it.
pub struct Content {
    /// Who handed it in.
    pub submitter: Account,
    /// What it held; none where it does not open for this app, context and submitter.
    pub payload: Option<zeroize::Zeroizing<Vec<u8>>>,
}

/// What an app is called with.
pub struct Call {
    /// The chain; zero for a direct call.
    pub chain: ChainId,
    /// The consumer; zero for a direct call.
    pub caller: Account,
    /// The consumer's context; for a direct call the session.
    pub context: sotto_types::Context,
    /// The block time it takes as now.
    pub time: Time,
    /// The public payload; in a direct call what the client said, which nobody else reads.
    pub payload: Vec<u8>,
    /// The submissions, in order.
    pub submissions: Vec<Content>,
}

/// A seat that may be this worker's, with what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The app.
    pub app: AppId,
    /// The seat's entry.
    pub seat: Proof,
    /// The entry of the app.
    pub manifest: Proof,
}

/// A certified block as a worker is shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The certificate.
    pub certificate: Certificate,
    /// The ledger's clock, proved under it.
    pub clock: Proof,
    /// The last nonce of this worker's that the ledger counted. Not proved: a lie costs the liar
    /// this worker's service and nothing else.
    pub nonce: u64,
    /// The epoch this worker was last attested in. Not proved, for the same reason.
    pub attested: Option<Epoch>,
    /// All requests assigned to it.
    pub work: Vec<Work>,
    /// Its seats of this epoch among the apps it [serves](Worker::apps).
    pub seats: Vec<Placed>,
    /// The entry of its boot, if it ever took a seat.
    pub boot: Option<Proof>,
}

/// What reaches a worker.
pub enum Input {
    /// A certified block.
    Block(Box<Shown>),
    /// Evidence made by the device, as asked for.
    Evidence(Evidence),
    /// Shares of a grant, by member index.
    Shares {
        /// The grant.
        wanted: Wanted,
        /// The shares.
        shares: Vec<(u32, EncryptedShare)>,
    },
    /// Bytes that were to be fetched.
    Bytes(Vec<u8>),
    /// The app came to an end.
    Ran {
        /// For this request.
        request: RequestId,
        /// This assignment.
        attempt: Attempt,
        /// Its output and the fuel it took, or why there is none.
        outcome: Result<(Vec<u8>, Fuel), String>,
    },
    /// Somebody wants to call this app here.
    Serve(AppId),
    /// Somebody opens a session.
    Open(Opening),
    /// A sealed message of a session.
    Say {
        /// The session.
        session: SessionId,
        /// The message.
        sealed: Vec<u8>,
    },
    /// A direct call came to its end.
    Called {
        /// The session.
        session: SessionId,
        /// Its output and the fuel it took, or why there is none.
        outcome: Result<(Vec<u8>, Fuel), String>,
    },
    /// Bytes of [`Output::Keep`] with this hash are held.
    Kept(Hash),
}

/// What a worker wants done.
pub enum Output {
    /// Ask the device for evidence over this.
    Attest(Binding),
    /// Hand an action to the council.
    Submit(Box<SignedAction>),
    /// Ask the members for their shares.
    AskShares(Wanted),
    /// Fetch bytes by their hash.
    Fetch(BTreeSet<Hash>),
    /// Run a component.
    Run(Box<Run>),
    /// Answer the client of a session.
    Reply {
        /// The session.
        session: SessionId,
        /// The sealed answer.
        sealed: Vec<u8>,
    },
    /// Tell whoever sent a session's message why nothing was done.
    Refuse(SessionRefused),
    /// Run a component for a session.
    Call(Box<DirectRun>),
    /// Hold these bytes for anybody, and say when they are held.
    Keep(Vec<u8>),
    /// Something was not believed; for the log.
    Distrust(NotBelieved),
}

/// A component to be run.
pub struct Run {
    /// For this request.
    pub request: RequestId,
    /// This assignment.
    pub attempt: Attempt,
    /// Within whose limits.
    pub manifest: Manifest,
    /// The component, whose hash the manifest names.
    pub component: Arc<Vec<u8>>,
    /// What it is called with.
    pub call: Call,
}

/// The worker.
pub struct Worker {
    genesis: Genesis,
    vault: VaultKey,
    keys: Keys,
    tee: TeeKind,
    payees: Vec<(ChainId, Account)>,
    height: Height,
    clock: Option<Clock>,
    /// The last nonce used, and the height at which the ledger's count last moved.
    nonce: (u64, Height),
    counted: u64,
    /// When evidence was last asked for, and for which epoch.
    asked: Option<(Epoch, Height)>,
    evidence: Hash,
    jobs: BTreeMap<RequestId, Job>,
    components: BTreeMap<Hash, Arc<Vec<u8>>>,
    vet_keys: BTreeMap<Wanted, VetKey>,
    announced: BTreeSet<(AppId, Epoch)>,
    direct: Direct,
}

impl Worker {
    /// A worker of the network of `genesis` with these keys, in a TEE of this kind, paid to these
    /// accounts. `boot` names this process and is drawn anew for each. `None` if the genesis names
    /// no vault key.
    pub fn new(
        genesis: Genesis,
        keys: Keys,
        tee: TeeKind,
        payees: Vec<(ChainId, Account)>,
        boot: BootId,
    ) -> Option<Self> {
        let vault = VaultKey::from_bytes(&genesis.vault).ok()?;
        let (network, node) = (genesis.id(), keys.signing.public().node_id());
        let direct = Direct::new(Identified { network, node, tee, boot });
        Some(Self {
            genesis,
            vault,
            keys,
            tee,
            payees,
            height: Height(0),
            clock: None,
            nonce: (0, Height(0)),
            counted: 0,
            asked: None,
            evidence: Hash::default(),
            jobs: BTreeMap::new(),
            components: BTreeMap::new(),
            vet_keys: BTreeMap::new(),
            announced: BTreeSet::new(),
            direct,
        })
    }

    /// The worker's id.
    pub fn id(&self) -> NodeId {
        self.keys.signing.public().node_id()
    }

    /// The apps it serves directly, or would: their seats are what it wants to be shown.
    pub fn apps(&self) -> Vec<AppId> {
        self.direct.apps().collect()
    }

    /// Where it is paid from now on; it says so with its next attestation, which is due at once.
    pub fn pay_to(&mut self, chain: ChainId, account: Account) {
        self.payees.retain(|(other, _)| *other != chain);
        self.payees.push((chain, account));
        self.asked = None;
    }

    /// Takes an input and says what it wants. `now` is the worker's own clock.
    pub fn step(&mut self, input: Input, now: Time) -> Vec<Output> {
        match input {
            Input::Block(shown) => self.block(&shown, now),
            Input::Evidence(evidence) => vec![self.attest(evidence)],
            Input::Shares { wanted, shares } => self.shares(wanted, &shares),
            Input::Bytes(bytes) => self.bytes(bytes),
            Input::Ran { request, attempt, outcome } => self.ran(request, attempt, outcome),
            Input::Serve(app) => {
                self.direct.serve(app);
                Vec::new()
            }
            Input::Open(opening) => {
                told(self.direct.open(&opening, &self.vault, &self.vet_keys, now))
            }
            Input::Say { session, sealed } => told(self.direct.say(session, &sealed, now)),
            Input::Called { session, outcome } => {
                self.direct.called(session, outcome, &self.keys.signing)
            }
            Input::Kept(hash) => {
                self.direct.held(&hash);
                Vec::new()
            }
        }
    }

    fn block(&mut self, shown: &Shown, now: Time) -> Vec<Output> {
        let certificate = &shown.certificate;
        if certificate.height <= self.height || certificate.time.0.abs_diff(now.0) > STALE {
            return Vec::new();
        }
        let clock = match check_entry::<Clock>(&self.genesis, certificate, &(), &shown.clock) {
            Ok(clock) => clock,
            Err(why) => return vec![Output::Distrust(why)],
        };
        self.height = certificate.height;
        self.count(shown.nonce);
        let mut outputs = self.attest_if_due(shown.attested, &clock);
        outputs.extend(self.sit_and_hand_in(shown, &clock, now));
        self.clock = Some(clock);
        self.drop_finished(&shown.work);
        for work in &shown.work {
            if let Err(why) = self.take(certificate, work) {
                outputs.push(Output::Distrust(why));
            }
        }
        outputs.extend(self.advance());
        outputs
    }

    /// What its direct side has to say after a block. Said only here, so that its actions and the
    /// others' nonces have one order.
    fn sit_and_hand_in(&mut self, shown: &Shown, clock: &Clock, now: Time) -> Vec<Output> {
        let (genesis, certificate) = (&self.genesis, &shown.certificate);
        self.direct.block(clock, now);
        let mut outputs = Vec::new();
        for placed in &shown.seats {
            if let Err(why) = self.direct.seated(genesis, certificate, placed) {
                outputs.push(Output::Distrust(why));
            }
        }
        let taken = match self.direct.batches_taken(genesis, certificate, shown.boot.as_ref()) {
            Ok(taken) => taken,
            Err(why) => {
                outputs.push(Output::Distrust(why));
                0
            }
        };
        // The ledger takes these from attested workers only.
        if shown.attested.is_none_or(|epoch| epoch.next() < clock.epoch) {
            return outputs;
        }
        let (actions, more) = self.direct.due(taken, &self.keys);
        outputs.extend(more);
        outputs.extend(actions.into_iter().map(|action| self.submit(action)).collect::<Vec<_>>());
        outputs
    }

    /// Follows the ledger's count of this worker's actions. What does not come to count within
    /// [`PATIENCE`] blocks is lost: its nonces are used again, and what it said is said again.
    fn count(&mut self, counted: u64) {
        if counted > self.counted || self.nonce.0 <= counted {
            self.counted = counted;
            self.nonce = (self.nonce.0.max(counted), self.height);
        } else if self.height.0.saturating_sub(self.nonce.1.0) > PATIENCE {
            self.nonce = (counted, self.height);
            self.announced.clear();
            self.asked = None;
            self.direct.lost();
        }
    }

    fn attest_if_due(&mut self, attested: Option<Epoch>, clock: &Clock) -> Vec<Output> {
        let just_asked = self.asked.is_some_and(|(epoch, height)| {
            epoch == clock.epoch && self.height.0.saturating_sub(height.0) <= PATIENCE
        });
        // Without evidence of its own making it could sign no receipt that the ledger takes.
        let renew = self.asked.is_none()
            || attested != Some(clock.epoch)
            || self.evidence == Hash::default();
        if just_asked || !renew {
            return Vec::new();
        }
        self.asked = Some((clock.epoch, self.height));
        vec![Output::Attest(Binding {
            network: self.genesis.id(),
            role: Role::Worker,
            challenge: clock.challenge,
            keys: self.keys.public(),
        })]
    }

    fn attest(&mut self, evidence: Evidence) -> Output {
        self.evidence = Hash::of(&evidence.bytes);
        self.submit(Action::Attest {
            keys: self.keys.public(),
            payees: self.payees.clone(),
            evidence,
        })
    }

    /// Forgets jobs that are no longer its own, and the keys that only they needed.
    fn drop_finished(&mut self, work: &[Work]) {
        let mine: BTreeSet<RequestId> = work.iter().map(|work| work.id).collect();
        self.jobs.retain(|id, _| mine.contains(id));
        let Some(clock) = &self.clock else { return };
        let wanted: BTreeSet<Wanted> = self.jobs.values().flat_map(Job::wants).collect();
        self.vet_keys.retain(|key, _| match (key.identity, key.path) {
            (Identity::Epoch(epoch), KeyPath::Request) => epoch == clock.epoch,
            (Identity::Epoch(epoch), KeyPath::Result) => epoch.next() >= clock.epoch,
            (Identity::Context(_), _) => wanted.contains(key),
        });
        self.announced.retain(|(_, epoch)| epoch.next() >= clock.epoch);
        let codes: BTreeSet<Hash> = self.jobs.values().map(|job| job.manifest.code).collect();
        self.components.retain(|code, _| codes.contains(code));
    }

    /// Takes a request up if the ledger assigned it to this worker, or again if the answer to it
    /// was lost.
    fn take(&mut self, certificate: &Certificate, work: &Work) -> Result<(), NotBelieved> {
        let genesis = &self.genesis;
        let request: Request = check_entry(genesis, certificate, &work.id, &work.request)?;
        let Progress::Assigned(assignment) = request.progress else { return Ok(()) };
        let lost = |since: Height| self.height.0.saturating_sub(since.0) > PATIENCE;
        let known = self.jobs.get(&work.id).is_some_and(|job| {
            let answered = matches!(job.stage, Stage::Answered(since) if lost(since));
            job.assignment.attempt == assignment.attempt && !answered
        });
        if assignment.worker != self.id() || known {
            return Ok(());
        }
        let app: App = check_entry(genesis, certificate, &request.ask.app, &work.app)?;
        self.jobs.insert(work.id, Job::new(request, assignment, app.manifest));
        Ok(())
    }

    /// What the jobs still lack is asked for, again with every block; what lacks nothing runs.
    fn advance(&mut self) -> Vec<Output> {
        let mut outputs = Vec::new();
        let mut missing = BTreeSet::new();
        let mut shares = BTreeSet::new();
        let mut ready = Vec::new();
        for (id, job) in &self.jobs {
            if job.stage != Stage::Gathering {
                continue;
            }
            let bytes = job.missing(&self.components);
            let keys: Vec<Wanted> =
                job.wants().into_iter().filter(|key| !self.vet_keys.contains_key(key)).collect();
            if bytes.is_empty() && keys.is_empty() {
                ready.push(*id);
            }
            missing.extend(bytes);
            shares.extend(keys);
        }
        missing.extend(self.direct.missing());
        shares.extend(self.direct.wants().filter(|key| !self.vet_keys.contains_key(key)));
        outputs.extend(ready.into_iter().filter_map(|id| self.run(id)));
        outputs.extend(shares.into_iter().map(Output::AskShares));
        if !missing.is_empty() {
            outputs.push(Output::Fetch(missing));
        }
        outputs
    }

    fn shares(&mut self, wanted: Wanted, shares: &[(u32, EncryptedShare)]) -> Vec<Output> {
        let is_wanted = self.jobs.values().any(|job| job.wants().contains(&wanted))
            || self.direct.wants().any(|key| key == wanted);
        if !is_wanted || self.vet_keys.contains_key(&wanted) {
            return Vec::new();
        }
        let Wanted { app, path, identity } = wanted;
        let network = self.genesis.id();
        let opened = self.keys.transport.open(shares, &self.vault, &network, &app, path, &identity);
        let Ok(key) = opened else { return Vec::new() };
        self.vet_keys.insert(wanted, key);
        self.start_ready()
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Vec<Output> {
        let hash = Hash::of(&bytes);
        for job in self.jobs.values_mut() {
            job.keep(hash, &bytes);
        }
        self.direct.keep(&hash, &bytes);
        // Anybody may name a component's hash as an envelope's: the same bytes then serve as both.
        if self.jobs.values().any(|job| job.manifest.code == hash) {
            self.components.insert(hash, Arc::new(bytes));
        }
        self.start_ready()
    }

    fn start_ready(&mut self) -> Vec<Output> {
        self.advance().into_iter().filter(|output| matches!(output, Output::Run(_))).collect()
    }

    fn run(&mut self, id: RequestId) -> Option<Output> {
        let job = self.jobs.get_mut(&id)?;
        let component = self.components.get(&job.manifest.code)?.clone();
        let key = self.vet_keys.get(&job.request_key())?;
        let submissions = content(&self.genesis.id(), &self.vault, key, job);
        job.opened = submissions.iter().filter(|content| content.payload.is_some()).count();
        job.stage = Stage::Running;
        let ask = &job.request.ask;
        let call = Call {
            chain: job.request.chain,
            caller: ask.consumer,
            context: ask.context,
            time: job.assignment.time,
            payload: job.payload().to_vec(),
            submissions,
        };
        let attempt = job.assignment.attempt;
        let manifest = job.manifest.clone();
        Some(Output::Run(Box::new(Run { request: id, attempt, manifest, component, call })))
    }

    fn ran(
        &mut self,
        id: RequestId,
        attempt: Attempt,
        outcome: Result<(Vec<u8>, Fuel), String>,
    ) -> Vec<Output> {
        // One run has one outcome: a second one would have the result key sign two results.
        let is_running = self
            .jobs
            .get(&id)
            .is_some_and(|job| job.assignment.attempt == attempt && job.stage == Stage::Running);
        if !is_running {
            return Vec::new();
        }
        let outputs = match outcome {
            Ok((output, _)) if output.len() > limits::RESULT_MAX => {
                let (got, max) = (output.len(), limits::RESULT_MAX);
                self.fail(id, attempt, &format!("a result of {got} bytes where {max} fit a chain"))
            }
            Ok((output, fuel)) => self.answer(id, output, fuel).unwrap_or_default(),
            Err(reason) => self.fail(id, attempt, &reason),
        };
        let height = self.height;
        if let Some(job) = self.jobs.get_mut(&id) {
            job.stage = Stage::Answered(height);
        }
        outputs
    }

    fn fail(&mut self, request: RequestId, attempt: Attempt, reason: &str) -> Vec<Output> {
        vec![self.submit(Action::Fail { request, attempt, reason: cut(reason) })]
    }

    /// The receipt, signed; the digest for the chain, signed by the app's result key; and, the
    /// first time in an epoch, what that key's address is.
    fn answer(&mut self, id: RequestId, result: Vec<u8>, fuel: Fuel) -> Option<Vec<Output>> {
        let job = self.jobs.get(&id)?;
        let (app, epoch) = (job.request.ask.app, job.assignment.epoch);
        let result_key = ResultKey::derive(self.vet_keys.get(&job.result_key())?);
        let blind = blind(self.vet_keys.get(&job.request_key())?, &id);
        let receipt = self.receipt(id, job, &result, fuel, commit(&blind, &result));
        let signature = result_key.sign(&receipt.on_chain.0).0;
        let signed = self.keys.signing.sign(&receipt.digest()).0;
        let receipt = SignedReceipt { receipt, signature: signed };
        let mut outputs = Vec::new();
        if self.announced.insert((app, epoch)) {
            let key = Account::from_address(result_key.public().address());
            outputs.push(self.submit(Action::ResultKey { app, epoch, key }));
        }
        outputs.push(self.submit(Action::Answer { receipt, result, signature }));
        Some(outputs)
    }

    fn receipt(
        &self,
        id: RequestId,
        job: &Job,
        result: &[u8],
        fuel: Fuel,
        commitment: Hash,
    ) -> Receipt {
        let Job { request, assignment, manifest, .. } = job;
        let network = self.genesis.id();
        let on_chain =
            Domain::new(&network, &request.chain, &request.contract).result(&ResultWords {
                number: request.ask.number,
                request: &request.hash,
                attempt: assignment.attempt,
                app: &request.ask.app,
                generation: request.ask.generation,
                result: &Hash::of(result),
            });
        Receipt {
            network,
            request: id,
            chain: request.chain,
            contract: request.contract,
            number: request.ask.number,
            request_hash: request.hash,
            app: request.ask.app,
            generation: request.ask.generation,
            code: manifest.code,
            attempt: assignment.attempt,
            epoch: assignment.epoch,
            time: assignment.time,
            opened: u32::try_from(job.opened).unwrap_or(u32::MAX),
            commitment,
            fuel,
            on_chain,
            worker: self.id(),
            tee: self.tee,
            evidence: self.evidence,
        }
    }

    fn submit(&mut self, action: Action) -> Output {
        self.nonce.0 = self.nonce.0.saturating_add(1);
        let nonce = self.nonce.0;
        let sender = self.keys.signing.public().to_bytes();
        let digest = SignedAction::digest(&self.genesis.id(), &sender, nonce, &action);
        let signature = self.keys.signing.sign(&digest).0;
        Output::Submit(Box::new(SignedAction { sender, nonce, action, signature }))
    }
}

/// A reason as long as one is kept.
fn cut(reason: &str) -> String {
    let mut end = reason.len().min(limits::REASON_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    reason.get(..end).unwrap_or_default().to_owned()
}

fn told(told: Result<Vec<Output>, SessionRefused>) -> Vec<Output> {
    told.unwrap_or_else(|why| vec![Output::Refuse(why)])
}
