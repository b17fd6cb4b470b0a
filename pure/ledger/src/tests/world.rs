//! A small network to tell stories in: one member, simulated workers with real keys, an app, a
//! chain with a Sotto contract, requests. Every block is proposed, applied and compared.

use super::memory::Memory;
use crate::state::{
    Answered, Assignment, Chain, Clock, Grant, GrantKey, Outgoing, Progress, Request,
};
use crate::view::{Entry, list, read};
use crate::{Event, Refusal, View as _, apply, found, propose};
use sotto_attest::{Binding, Role, simulated};
use sotto_crypto::sign::SigningKey;
use sotto_crypto::vet::{TransportSecret, VaultSecret};
use sotto_types::{
    Account, Action, Amount, AppId, AppKind, Ask, Assurance, BlockRef, ChainEvent, ChainId,
    Context, Epoch, Evidence, Finality, Fuel, Generation, Genesis, Hash, Identity, KeyPath,
    Manifest, Measurement, NetworkKind, NodeId, Observation, Receipt, RequestId, SignedAction,
    SignedReceipt, Submission, TeeKind, Time, Upgrade, WorkerKeys, digest::ResultWords, sha256,
};
use std::collections::BTreeMap;

pub(crate) const CAIP2: &str = "eip155:31337";
pub(crate) const START: Time = Time(1_700_000_000);
pub(crate) const RELEASE: Measurement = Measurement([0x51; 32]);
/// Blocks in an epoch of the tests.
pub(crate) const EPOCH: u64 = 120;
pub(crate) const KEY_LIFETIME: u64 = 7200;

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&sha256(&[b"test key", name.as_bytes()])).unwrap()
}

pub(crate) fn public(key: &SigningKey) -> [u8; 33] {
    key.public().to_bytes()
}

pub(crate) fn account(name: &str) -> Account {
    Account::from_address(key(name).public().address())
}

pub(crate) fn vault() -> VaultSecret {
    VaultSecret::from_bytes(&[7; 32]).unwrap()
}

pub(crate) fn block_ref(height: u64, time: Time) -> BlockRef {
    let hash = |height: u64| Hash(sha256(&[b"chain block", &height.to_be_bytes()]));
    BlockRef { height, hash: hash(height), parent: hash(height.saturating_sub(1)), time }
}

/// A development network of members by name.
pub(crate) fn genesis(members: &[&str]) -> Genesis {
    let mut members: Vec<[u8; 33]> = members.iter().map(|name| public(&key(name))).collect();
    members.sort_unstable();
    Genesis {
        kind: NetworkKind::Development,
        name: "test".into(),
        time: START,
        members,
        vault: vault().public().to_bytes(),
        epoch_blocks: EPOCH,
        block_seconds: 1,
        releases: vec![RELEASE],
    }
}

/// What a worker has.
pub(crate) struct Machine {
    pub(crate) key: SigningKey,
    pub(crate) transport: TransportSecret,
    pub(crate) payee: Account,
    pub(crate) measurement: Measurement,
}

impl Machine {
    pub(crate) fn new(name: &str) -> Self {
        let mut secret = sha256(&[b"test transport", name.as_bytes()]);
        secret[0] = 0;
        Self {
            key: key(name),
            transport: TransportSecret::from_bytes(&secret).unwrap(),
            payee: account(&format!("{name}'s payee")),
            measurement: RELEASE,
        }
    }

    pub(crate) fn node(&self) -> NodeId {
        self.key.public().node_id()
    }

    pub(crate) fn keys(&self) -> WorkerKeys {
        let transport = self.transport.public().to_bytes();
        WorkerKeys { signing: public(&self.key), transport }
    }
}

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) view: Memory,
    pub(crate) genesis: Genesis,
    pub(crate) nonces: BTreeMap<[u8; 33], u64>,
    pub(crate) contract: Account,
    /// What the contract's counter says.
    pub(crate) counted: u64,
}

impl World {
    pub(crate) fn of(genesis: Genesis) -> Self {
        let view = Memory::of(&found(&genesis).unwrap());
        let contract = account("the Sotto contract");
        Self { view, genesis, nonces: BTreeMap::new(), contract, counted: 0 }
    }

    pub(crate) fn new() -> Self {
        Self::of(genesis(&["member"]))
    }

    /// With one worker, an app and a chain.
    pub(crate) fn ready() -> (Self, Machine, AppId) {
        let mut world = Self::new();
        let worker = Machine::new("worker");
        world.attest(&worker).unwrap();
        let app = world.deploy(4);
        world.admit_chain();
        (world, worker, app)
    }

    // ---- blocks

    pub(crate) fn sign(&mut self, key: &SigningKey, action: Action) -> SignedAction {
        let nonce = self.nonces.entry(public(key)).or_default();
        *nonce += 1;
        signed(&self.genesis, key, *nonce, action)
    }

    /// The next block of these actions, a second after the last.
    pub(crate) fn block(&mut self, actions: Vec<SignedAction>) -> Vec<Event> {
        let time = self.view.head().unwrap().time.plus(1);
        let (block, applied) = propose(&self.view, time, actions).unwrap();
        assert_eq!(apply(&self.view, &block).unwrap(), applied);
        self.view.commit(&applied);
        applied.events
    }

    pub(crate) fn act(&mut self, key: &SigningKey, action: Action) -> Result<Vec<Event>, Refusal> {
        let signed = self.sign(key, action);
        let id = signed.id();
        let events = self.block(vec![signed]);
        let refused = events.iter().find_map(|event| match event {
            Event::Refused { action, why } if *action == id => Some(why.clone()),
            _ => None,
        });
        match refused {
            Some(why) => Err(why),
            None => {
                assert!(events.contains(&Event::Done { action: id }));
                Ok(events)
            }
        }
    }

    /// By the member.
    pub(crate) fn say(&mut self, action: Action) -> Result<Vec<Event>, Refusal> {
        self.act(&key("member"), action)
    }

    pub(crate) fn idle(&mut self, blocks: u64) -> Vec<Event> {
        (0..blocks).flat_map(|_| self.block(vec![])).collect()
    }

    /// Empty blocks up to the first of the next epoch.
    pub(crate) fn next_epoch(&mut self) -> Vec<Event> {
        let height = self.view.head().unwrap().height.0;
        let blocks = self.genesis.epoch_blocks;
        self.idle(blocks - height % blocks)
    }

    // ---- what stands

    pub(crate) fn get<T: Entry>(&self, key: &T::Key) -> Option<T> {
        read(&self.view, key).unwrap()
    }

    pub(crate) fn all<T: Entry>(&self) -> Vec<T> {
        list::<T>(&self.view, &()).unwrap().into_iter().map(|(_, entry)| entry).collect()
    }

    pub(crate) fn clock(&self) -> Clock {
        self.get(&()).unwrap()
    }

    pub(crate) fn chain_id(&self) -> ChainId {
        ChainId::from_caip2(CAIP2)
    }

    pub(crate) fn chain(&self) -> Chain {
        self.get(&self.chain_id()).unwrap()
    }

    pub(crate) fn id(&self, number: u64) -> RequestId {
        RequestId::new(&self.chain_id(), &self.contract, number)
    }

    pub(crate) fn request(&self, number: u64) -> Request {
        self.get(&self.id(number)).unwrap()
    }

    pub(crate) fn progress(&self, number: u64) -> Progress {
        self.request(number).progress
    }

    pub(crate) fn assignment(&self, number: u64) -> Assignment {
        match self.progress(number) {
            Progress::Assigned(assignment) | Progress::Answered { assignment, .. } => assignment,
            other => panic!("request {number} is {other:?}"),
        }
    }

    pub(crate) fn outbox(&self) -> Vec<(u64, Outgoing)> {
        let entries = list::<Outgoing>(&self.view, &self.chain_id()).unwrap();
        let number = |key: &[u8]| u64::from_be_bytes(key[33..].try_into().unwrap());
        entries.into_iter().map(|(key, entry)| (number(&key), entry)).collect()
    }

    /// The grant of a request's context to a worker.
    pub(crate) fn context_grant(&self, node: &NodeId, number: u64) -> Option<Grant> {
        let ask = self.request(number).ask;
        let identity = Identity::Context(ask.context_id(&self.chain_id(), &self.contract));
        self.get(&GrantKey::new(node, &ask.app, KeyPath::Request, &identity))
    }

    // ---- workers and apps

    pub(crate) fn binding(&self, worker: &Machine) -> Binding {
        Binding {
            network: self.genesis.id(),
            role: Role::Worker,
            challenge: self.clock().challenge,
            keys: worker.keys(),
        }
    }

    pub(crate) fn evidence(&self, worker: &Machine, binding: &Binding) -> Evidence {
        let report = simulated::Report {
            measurement: worker.measurement,
            binding: binding.bytes(),
            made: self.clock().time,
        };
        Evidence { kind: TeeKind::Simulated, bytes: simulated::make(&report).unwrap() }
    }

    pub(crate) fn attestation(&self, worker: &Machine) -> Action {
        Action::Attest {
            keys: worker.keys(),
            payees: vec![(self.chain_id(), worker.payee)],
            evidence: self.evidence(worker, &self.binding(worker)),
        }
    }

    pub(crate) fn attest(&mut self, worker: &Machine) -> Result<Vec<Event>, Refusal> {
        let action = self.attestation(worker);
        self.act(&worker.key, action)
    }

    /// An app that so many enclaves may hold the keys of.
    pub(crate) fn deploy(&mut self, holders: u16) -> AppId {
        let manifest = manifest(holders);
        self.act(&key("owner"), Action::Deploy(manifest.clone())).unwrap();
        manifest.id()
    }

    // ---- the chain

    pub(crate) fn admission(&self) -> Action {
        Action::AdmitChain {
            caip2: CAIP2.into(),
            contract: self.contract,
            finality: Finality::Finalized,
            start: block_ref(100, START),
            key_lifetime: KEY_LIFETIME,
        }
    }

    pub(crate) fn admit_chain(&mut self) {
        let action = self.admission();
        self.say(action).unwrap();
    }

    /// The next request of a consumer, with two envelopes, in a context named after its number.
    pub(crate) fn ask(&self, app: AppId) -> Ask {
        let number = self.counted + 1;
        let submission = |name: &str| Submission {
            submitter: account(name),
            envelope: Hash(sha256(&[b"envelope", name.as_bytes(), &number.to_be_bytes()])),
        };
        Ask {
            number,
            consumer: account("consumer"),
            app,
            generation: Generation(1),
            context: Context(sha256(&[b"context", &number.to_be_bytes()])),
            submissions: vec![submission("alice"), submission("bob")],
            payload: vec![],
            payload_hash: Hash::of(b""),
            callback_gas: 100_000,
            assurance: Assurance::SINGLE,
            deadline: self.view.head().unwrap().time.plus(3600),
            escrow: Amount(1_000_000_000),
        }
    }

    /// What a watcher would say next, at the ledger's own time.
    pub(crate) fn observation(&mut self, events: Vec<ChainEvent>) -> Observation {
        let made = |event: &&ChainEvent| {
            matches!(event, ChainEvent::Requested(_) | ChainEvent::Unreadable { .. })
        };
        self.counted += events.iter().filter(made).count() as u64;
        let after = self.chain().cursor;
        let upto = block_ref(after.height + 1, self.view.head().unwrap().time.max(after.time));
        let (chain, contract) = (self.chain_id(), self.contract);
        Observation { chain, contract, after, upto, request_count: self.counted, events }
    }

    pub(crate) fn observe(&mut self, events: Vec<ChainEvent>) -> Result<Vec<Event>, Refusal> {
        let seen = self.observation(events);
        self.say(Action::Observe(seen))
    }

    /// Chain time passes to `time`, and nothing else.
    pub(crate) fn chain_time(&mut self, time: Time) {
        let mut seen = self.observation(vec![]);
        seen.upto.time = time;
        self.say(Action::Observe(seen)).unwrap();
    }

    /// A request is made and admitted.
    pub(crate) fn requested(&mut self, ask: &Ask) {
        let events = self.observe(vec![ChainEvent::Requested(ask.clone())]).unwrap();
        assert!(events.contains(&Event::Requested(self.id(ask.number))), "{events:?}");
    }

    pub(crate) fn hold(&mut self, number: u64) {
        self.say(Action::Hold(self.id(number))).unwrap();
    }

    /// A usual request up to its assignment; its number.
    pub(crate) fn assigned(&mut self, app: AppId) -> u64 {
        let ask = self.ask(app);
        self.requested(&ask);
        self.hold(ask.number);
        self.idle(1);
        self.assignment(ask.number);
        ask.number
    }

    // ---- answers

    /// The app's result key in an epoch.
    pub(crate) fn result_key(&self, app: &AppId, epoch: Epoch) -> SigningKey {
        key(&format!("result {app} {epoch}"))
    }

    /// The worker says which key it is, if nobody has.
    pub(crate) fn announce(&mut self, worker: &Machine, number: u64) {
        let (app, epoch) = (self.request(number).ask.app, self.assignment(number).epoch);
        if self.get::<crate::state::ResultKey>(&(app, epoch)).is_none() {
            let address = self.result_key(&app, epoch).public().address();
            let key = Account::from_address(address);
            self.act(&worker.key, Action::ResultKey { app, epoch, key }).unwrap();
        }
    }

    pub(crate) fn receipt(&self, worker: &Machine, number: u64, result: &[u8]) -> Receipt {
        let (request, assignment) = (self.request(number), self.assignment(number));
        let known: crate::state::Worker = self.get(&worker.node()).unwrap();
        let ask = &request.ask;
        Receipt {
            network: self.genesis.id(),
            request: self.id(number),
            chain: request.chain,
            contract: request.contract,
            number,
            request_hash: request.hash,
            app: ask.app,
            generation: ask.generation,
            code: manifest(1).code,
            attempt: assignment.attempt,
            epoch: assignment.epoch,
            time: assignment.time,
            opened: 2,
            commitment: Hash(sha256(&[b"commitment", result])),
            fuel: Fuel(1_000),
            on_chain: self.on_chain(number, result),
            worker: worker.node(),
            tee: TeeKind::Simulated,
            evidence: known.evidence,
        }
    }

    pub(crate) fn on_chain(&self, number: u64, result: &[u8]) -> Hash {
        let (request, assignment) = (self.request(number), self.assignment(number));
        self.chain().domain.result(&ResultWords {
            number,
            request: &request.hash,
            attempt: assignment.attempt,
            app: &request.ask.app,
            generation: request.ask.generation,
            result: &Hash::of(result),
        })
    }

    /// An answer with this receipt, signed by the worker and by the right result key.
    pub(crate) fn answer(&self, worker: &Machine, receipt: Receipt, result: &[u8]) -> Action {
        let key = self.result_key(&receipt.app, receipt.epoch);
        let signature = key.sign(&receipt.on_chain.0).0;
        let receipt = SignedReceipt { signature: worker.key.sign(&receipt.digest()).0, receipt };
        Action::Answer { receipt, result: result.to_vec(), signature }
    }

    pub(crate) fn good_answer(&self, worker: &Machine, number: u64) -> Action {
        let result = result_of(number);
        self.answer(worker, self.receipt(worker, number, &result), &result)
    }

    /// A usual request up to its answer; its number.
    pub(crate) fn answered(&mut self, worker: &Machine, app: AppId) -> u64 {
        let number = self.assigned(app);
        self.announce(worker, number);
        let answer = self.good_answer(worker, number);
        self.act(&worker.key, answer).unwrap();
        assert!(self.get::<Answered>(&self.id(number)).is_some());
        number
    }

    /// The contract took the right result.
    pub(crate) fn settled(&self, number: u64) -> ChainEvent {
        let result = Hash::of(&result_of(number));
        ChainEvent::Settled { number, result, delivered: true }
    }
}

/// What the app answers to a request.
pub(crate) fn result_of(number: u64) -> Vec<u8> {
    format!("result of {number}").into_bytes()
}

pub(crate) fn manifest(holders: u16) -> Manifest {
    Manifest {
        owner: public(&key("owner")),
        name: "auction".into(),
        kind: AppKind::Function,
        code: Hash([0x61; 32]),
        hosts: vec![],
        fuel: Fuel(1_000_000),
        memory_mib: 64,
        seconds: 10,
        holders,
        upgrade: Upgrade::Immutable,
    }
}

pub(crate) fn signed(
    genesis: &Genesis,
    key: &SigningKey,
    nonce: u64,
    action: Action,
) -> SignedAction {
    let sender = public(key);
    let digest = SignedAction::digest(&genesis.id(), &sender, nonce, &action);
    SignedAction { sender, nonce, action, signature: key.sign(&digest).0 }
}
