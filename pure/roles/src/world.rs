//! A small network to tell stories in: a council of one with real keys, blocks that the ledger
//! carries out, and the hands of simulated workers. Every block's actions come from the council's
//! brain, as in the program.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::council::{Council, Gather};
use crate::worker::{DirectRun, Input, Keys, Output, Placed, Run, Shown, Work, Worker};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_attest::{Binding, simulated};
use sotto_crypto::envelope::seal;
use sotto_crypto::sign::SigningKey;
use sotto_crypto::vet::{TransportSecret, VaultSecret};
use sotto_ledger::certificate::{NotBelieved, certify};
use sotto_ledger::state::{
    App, Boot, Clock, Nonce, Open, Outgoing, Progress, Request, Seat, Worker as Record,
};
use sotto_ledger::view::{Entry, Pair, key as entry_key, list, read};
use sotto_ledger::{Applied, Event, Head, StorageError, View, apply, found, propose, prove};
use sotto_types::{
    Aad, Account, Action, Amount, AppId, AppKind, Ask, Assurance, BlockRef, BootId, Certificate,
    ChainEvent, ChainId, Context, Evidence, Finality, Fuel, Generation, Genesis, Hash, Identity,
    KeyPath, Manifest, Measurement, NetworkKind, NodeId, Observation, Proof, RequestId,
    SessionRefused, SignedAction, Submission, TeeKind, Time, Upgrade, sha256,
};
use std::collections::{BTreeMap, VecDeque};

pub(crate) const CAIP2: &str = "eip155:31337";
pub(crate) const START: Time = Time(1_700_000_000);
pub(crate) const RELEASE: Measurement = Measurement([0x51; 32]);
/// Blocks in an epoch: more than one assignment lasts.
pub(crate) const EPOCH: u64 = 60;
/// What an app's component is here: nobody runs it.
pub(crate) const COMPONENT: &[u8] = b"the bytes of a component";

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&sha256(&[b"test key", name.as_bytes()])).unwrap()
}

pub(crate) fn account(name: &str) -> Account {
    Account::from_address(key(name).public().address())
}

pub(crate) fn vault() -> VaultSecret {
    VaultSecret::from_bytes(&[7; 32]).unwrap()
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn chain() -> ChainId {
    ChainId::from_caip2(CAIP2)
}

pub(crate) fn contract() -> Account {
    account("the Sotto contract")
}

/// A worker's keys, by its name.
pub(crate) fn keys(name: &str) -> Keys {
    let mut secret = sha256(&[b"test transport", name.as_bytes()]);
    secret[0] = 0;
    Keys { signing: key(name), transport: TransportSecret::from_bytes(&secret).unwrap() }
}

pub(crate) fn manifest(name: &str) -> Manifest {
    Manifest {
        owner: key("owner").public().to_bytes(),
        name: name.into(),
        kind: AppKind::Function,
        code: Hash::of(COMPONENT),
        hosts: vec![],
        fuel: Fuel(1_000_000),
        memory_mib: 64,
        seconds: 10,
        holders: 4,
        upgrade: Upgrade::Immutable,
    }
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        kind: NetworkKind::Development,
        name: "test".into(),
        time: START,
        members: vec![key("member").public().to_bytes()],
        vault: vault().public().to_bytes(),
        epoch_blocks: EPOCH,
        block_seconds: 1,
        releases: vec![RELEASE],
    }
}

pub(crate) fn signed(
    genesis: &Genesis,
    key: &SigningKey,
    nonce: u64,
    action: Action,
) -> SignedAction {
    let sender = key.public().to_bytes();
    let digest = SignedAction::digest(&genesis.id(), &sender, nonce, &action);
    SignedAction { sender, nonce, action, signature: key.sign(&digest).0 }
}

fn block_ref(height: u64, time: Time) -> BlockRef {
    let hash = |height: u64| Hash(sha256(&[b"chain block", &height.to_be_bytes()]));
    BlockRef { height, hash: hash(height), parent: hash(height.saturating_sub(1)), time }
}

/// A view in memory.
#[derive(Default)]
pub(crate) struct Memory {
    head: Option<Head>,
    pub(crate) entries: BTreeMap<Vec<u8>, Vec<u8>>,
    nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Memory {
    pub(crate) fn commit(&mut self, applied: &Applied) {
        for (key, value) in &applied.writes.entries {
            match value {
                Some(value) => self.entries.insert(key.clone(), value.clone()),
                None => self.entries.remove(key),
            };
        }
        self.nodes.extend(applied.writes.nodes.iter().cloned());
        for key in &applied.writes.stale {
            self.nodes.remove(key);
        }
        self.head = Some(applied.head);
    }
}

impl View for Memory {
    fn head(&self) -> Result<Head, StorageError> {
        self.head.ok_or_else(|| StorageError("empty".into()))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.entries.get(key).cloned())
    }

    fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, StorageError> {
        let from = self.entries.range(prefix.to_vec()..);
        let pairs = from.take_while(|(key, _)| key.starts_with(prefix));
        Ok(pairs.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn node(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.nodes.get(key).cloned())
    }
}

/// What a worker wanted, as far as a test wants to know. The rest was carried out.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) runs: Vec<Run>,
    pub(crate) distrust: Vec<NotBelieved>,
    pub(crate) submitted: Vec<SignedAction>,
    pub(crate) attested: usize,
    pub(crate) replies: Vec<Vec<u8>>,
    pub(crate) refused: Vec<SessionRefused>,
    pub(crate) calls: Vec<DirectRun>,
}

pub(crate) struct World {
    pub(crate) view: Memory,
    pub(crate) genesis: Genesis,
    pub(crate) council: Council,
    /// Bytes that the member holds.
    pub(crate) bytes: BTreeMap<Hash, Vec<u8>>,
    /// What the member had to gather after the last block.
    pub(crate) gather: Vec<Gather>,
    /// Whether what workers submit is lost on its way.
    pub(crate) is_losing: bool,
    /// What the contract's counter says.
    counted: u64,
    rng: ChaCha20Rng,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::of(genesis())
    }

    pub(crate) fn of(genesis: Genesis) -> Self {
        let mut view = Memory::default();
        view.commit(&found(&genesis).unwrap());
        let council = Council::new(&genesis, key("member"), vault());
        let (bytes, gather, counted) = (BTreeMap::new(), Vec::new(), 0);
        Self { view, genesis, council, bytes, gather, is_losing: false, counted, rng: rng(1) }
    }

    /// With an attested worker, an app and a chain.
    pub(crate) fn ready() -> (Self, Worker) {
        Self::ready_of(genesis())
    }

    pub(crate) fn ready_of(genesis: Genesis) -> (Self, Worker) {
        let mut world = Self::of(genesis);
        let mut worker = world.worker("worker");
        world.turn(&mut worker);
        let events = world.block();
        assert!(events.contains(&Event::Attested(worker.id())), "{events:?}");
        world.act(&key("owner"), Action::Deploy(manifest("auction")));
        world.say(Action::AdmitChain {
            caip2: CAIP2.into(),
            contract: contract(),
            finality: Finality::Finalized,
            start: block_ref(100, START),
            key_lifetime: 7200,
        });
        world.keep(COMPONENT.to_vec());
        (world, worker)
    }

    /// With a request of two bids that is assigned to the worker, which does not know of it yet.
    pub(crate) fn with_request() -> (Self, Worker, Ask) {
        let (mut world, worker) = Self::ready();
        let bids = vec![world.bid(1, "alice", b"70"), world.bid(1, "bob", b"90")];
        let ask = world.ask(bids);
        world.assigned(&ask);
        (world, worker, ask)
    }

    // ---- blocks

    pub(crate) fn now(&self) -> Time {
        self.view.head().unwrap().time
    }

    /// The next block, of what the council's brain puts into it, a second after the last.
    pub(crate) fn block(&mut self) -> Vec<Event> {
        let actions = self.council.actions(&self.view).unwrap();
        let time = self.now().plus(1);
        let (block, applied) = propose(&self.view, time, actions).unwrap();
        assert_eq!(apply(&self.view, &block).unwrap(), applied);
        self.view.commit(&applied);
        let held = &self.bytes;
        self.gather = self.council.look(&self.view, |hash| Ok(held.contains_key(hash))).unwrap();
        applied.events
    }

    pub(crate) fn idle(&mut self, blocks: u64) -> Vec<Event> {
        (0..blocks).flat_map(|_| self.block()).collect()
    }

    /// Somebody's action comes into the next block and is carried out.
    pub(crate) fn act(&mut self, key: &SigningKey, action: Action) -> Vec<Event> {
        let nonce = self.nonce(&key.public().node_id()) + 1;
        let signed = signed(&self.genesis, key, nonce, action);
        let action = signed.id();
        self.council.pool(&self.view, signed).unwrap();
        let events = self.block();
        assert!(events.contains(&Event::Done { action }), "{events:?}");
        events
    }

    /// The member's own word comes into the next block, where nothing is refused.
    pub(crate) fn say(&mut self, action: Action) -> Vec<Event> {
        self.council.say(action);
        let events = self.block();
        assert!(!events.iter().any(|e| matches!(e, Event::Refused { .. })), "{events:?}");
        events
    }

    // ---- what stands

    pub(crate) fn get<T: Entry>(&self, key: &T::Key) -> Option<T> {
        read(&self.view, key).unwrap()
    }

    pub(crate) fn prove<T: Entry>(&self, key: &T::Key) -> Proof {
        prove(&self.view, &entry_key::<T>(key)).unwrap().unwrap()
    }

    pub(crate) fn certificate(&self) -> Certificate {
        certify(&key("member"), &self.genesis, &self.view.head().unwrap())
    }

    pub(crate) fn nonce(&self, node: &NodeId) -> u64 {
        self.get::<Nonce>(node).map_or(0, |nonce| nonce.0)
    }

    pub(crate) fn progress(&self, ask: &Ask) -> Progress {
        self.get::<Request>(&id(ask)).unwrap().progress
    }

    pub(crate) fn outbox(&self) -> Vec<Outgoing> {
        let entries = list::<Outgoing>(&self.view, &chain()).unwrap();
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    // ---- the chain

    pub(crate) fn app(&self) -> AppId {
        manifest("auction").id()
    }

    pub(crate) fn keep(&mut self, bytes: Vec<u8>) -> Hash {
        let hash = Hash::of(&bytes);
        self.bytes.insert(hash, bytes);
        hash
    }

    /// A bid in the request of this number, sealed as it should be; the member holds it.
    pub(crate) fn bid(&mut self, number: u64, name: &str, bid: &[u8]) -> Submission {
        let aad = self.aad(number, name);
        let identity = context_identity(number);
        self.sealed(&identity, &aad, account(name), bid)
    }

    /// An envelope to `identity` bound to `aad`, handed in by `submitter`; the member holds it.
    pub(crate) fn sealed(
        &mut self,
        identity: &Identity,
        aad: &Aad,
        submitter: Account,
        bid: &[u8],
    ) -> Submission {
        let vault = vault();
        let sealed = seal(vault.public(), KeyPath::Request, identity, aad, bid, &mut self.rng);
        let envelope = self.keep(sealed.unwrap().0);
        Submission { submitter, envelope }
    }

    /// The associated data of a bidder's envelope in the request of this number.
    pub(crate) fn aad(&self, number: u64, name: &str) -> Aad {
        Aad {
            network: self.genesis.id(),
            app: self.app(),
            generation: Generation(1),
            chain: chain(),
            consumer: account("consumer"),
            submitter: account(name),
            context: context(number),
        }
    }

    /// The next request.
    pub(crate) fn ask(&self, submissions: Vec<Submission>) -> Ask {
        let number = self.counted + 1;
        Ask {
            number,
            consumer: account("consumer"),
            app: self.app(),
            generation: Generation(1),
            context: context(number),
            submissions,
            payload: b"reserve 50".to_vec(),
            payload_hash: Hash::of(b"reserve 50"),
            callback_gas: 100_000,
            assurance: Assurance::SINGLE,
            deadline: self.now().plus(3600),
            escrow: Amount(1_000_000_000),
        }
    }

    pub(crate) fn observation(&mut self, events: Vec<ChainEvent>) -> Observation {
        let made = |event: &&ChainEvent| matches!(event, ChainEvent::Requested(_));
        self.counted += events.iter().filter(made).count() as u64;
        let after = self.get::<sotto_ledger::state::Chain>(&chain()).unwrap().cursor;
        let upto = block_ref(after.height + 1, self.now());
        let (contract, request_count) = (contract(), self.counted);
        Observation { chain: chain(), contract, after, upto, request_count, events }
    }

    /// A request is seen on the chain and admitted.
    pub(crate) fn requested(&mut self, ask: &Ask) {
        let seen = self.observation(vec![ChainEvent::Requested(ask.clone())]);
        let events = self.say(Action::Observe(seen));
        assert!(events.contains(&Event::Requested(id(ask))), "{events:?}");
    }

    /// A request whose bytes the member holds, up to its assignment.
    pub(crate) fn assigned(&mut self, ask: &Ask) {
        self.requested(ask);
        let events = self.idle(2);
        assert!(events.contains(&Event::Held(id(ask))), "{events:?}");
        assert!(matches!(self.progress(ask), Progress::Assigned(_)), "{events:?}");
    }

    // ---- workers

    pub(crate) fn worker(&self, name: &str) -> Worker {
        let payees = vec![(chain(), account(&format!("{name}'s payee")))];
        let boot = BootId(sha256(&[b"test boot", name.as_bytes()]));
        Worker::new(self.genesis.clone(), keys(name), TeeKind::Simulated, payees, boot).unwrap()
    }

    pub(crate) fn work(&self, ask: &Ask) -> Work {
        let request = self.prove::<Request>(&id(ask));
        Work { id: id(ask), request, app: self.prove::<App>(&ask.app) }
    }

    /// The last block as a worker is shown it, with its seats.
    pub(crate) fn shown_to(&self, worker: &Worker) -> Shown {
        let node = worker.id();
        let epoch = self.get::<Clock>(&()).unwrap().epoch;
        let seats = worker.apps().into_iter().filter_map(|app| {
            let at = (epoch, (app, node));
            self.get::<Seat>(&at)?;
            Some(Placed { app, seat: self.prove::<Seat>(&at), manifest: self.prove::<App>(&app) })
        });
        let boot = self.get::<Boot>(&node).map(|_| self.prove::<Boot>(&node));
        Shown { seats: seats.collect(), boot, ..self.shown(&node) }
    }

    /// The last block as a worker is shown it.
    pub(crate) fn shown(&self, worker: &NodeId) -> Shown {
        let mut work = Vec::new();
        for (_, Open(id)) in list::<Open>(&self.view, &()).unwrap() {
            let request: Request = self.get(&id).unwrap();
            if matches!(request.progress, Progress::Assigned(a) if a.worker == *worker) {
                work.push(self.work(&request.ask));
            }
        }
        Shown {
            certificate: self.certificate(),
            clock: self.prove::<Clock>(&()),
            nonce: self.nonce(worker),
            attested: self.get::<Record>(worker).map(|record| record.attested),
            work,
            seats: Vec::new(),
            boot: None,
        }
    }

    pub(crate) fn evidence(&self, binding: &Binding) -> Evidence {
        let binding = binding.bytes();
        let report = simulated::Report { measurement: RELEASE, binding, made: self.now() };
        Evidence { kind: TeeKind::Simulated, bytes: simulated::make(&report).unwrap() }
    }

    /// A worker is shown the last block, and everything but running is done for it.
    pub(crate) fn show(&mut self, worker: &mut Worker) -> Seen {
        let shown = self.shown_to(worker);
        let outputs = worker.step(Input::Block(Box::new(shown)), self.now());
        self.carry_out(worker, outputs)
    }

    /// The next block, shown to a worker.
    pub(crate) fn turn(&mut self, worker: &mut Worker) -> Seen {
        self.block();
        self.show(worker)
    }

    /// A run's outcome, and what follows.
    pub(crate) fn ran(
        &mut self,
        worker: &mut Worker,
        run: &Run,
        outcome: Result<Vec<u8>, String>,
    ) -> Seen {
        let outcome = outcome.map(|output| (output, Fuel(1_000)));
        let (request, attempt) = (run.request, run.attempt);
        let outputs = worker.step(Input::Ran { request, attempt, outcome }, self.now());
        self.carry_out(worker, outputs)
    }

    pub(crate) fn carry_out(&mut self, worker: &mut Worker, outputs: Vec<Output>) -> Seen {
        let mut seen = Seen::default();
        let mut queue = VecDeque::from(outputs);
        while let Some(output) = queue.pop_front() {
            let mut inputs = Vec::new();
            match output {
                Output::Attest(binding) => {
                    seen.attested += 1;
                    inputs.push(Input::Evidence(self.evidence(&binding)));
                }
                Output::Submit(action) => {
                    if !self.is_losing {
                        self.council.pool(&self.view, (*action).clone()).unwrap();
                    }
                    seen.submitted.push(*action);
                }
                Output::AskShares(wanted) => {
                    let record: Record = self.get(&worker.id()).unwrap();
                    let transport = record.keys.transport;
                    let share = self.council.share(
                        &self.view,
                        &worker.id(),
                        &wanted,
                        &transport,
                        &mut self.rng,
                    );
                    inputs.push(Input::Shares { wanted, shares: vec![(1, share.unwrap())] });
                }
                Output::Fetch(hashes) => {
                    let found = hashes.iter().filter_map(|hash| self.bytes.get(hash));
                    inputs.extend(found.map(|bytes| Input::Bytes(bytes.clone())));
                }
                Output::Run(run) => seen.runs.push(*run),
                Output::Distrust(why) => seen.distrust.push(why),
                Output::Reply { sealed, .. } => seen.replies.push(sealed),
                Output::Refuse(why) => seen.refused.push(why),
                Output::Call(run) => seen.calls.push(*run),
                Output::Keep(bytes) => inputs.push(Input::Kept(self.keep(bytes))),
            }
            for input in inputs {
                queue.extend(worker.step(input, self.now()));
            }
        }
        seen
    }
}

/// The context of the request of this number.
pub(crate) fn context(number: u64) -> Context {
    Context(sha256(&[b"context", &number.to_be_bytes()]))
}

/// What envelopes of the request of this number are sealed to.
pub(crate) fn context_identity(number: u64) -> Identity {
    let (chain, contract, consumer) = (chain(), contract(), account("consumer"));
    Identity::Context(sotto_types::ContextId::new(&chain, &contract, &consumer, &context(number)))
}

pub(crate) fn id(ask: &Ask) -> RequestId {
    RequestId::new(&chain(), &contract(), ask.number)
}
