//! A whole network in memory: one member, one simulated worker, an app, a chain, a request and its
//! answer, each by the ledger's own code; and what a gateway would answer of it.

use crate::{Network, Recipient};
use rand::{SeedableRng, rngs::StdRng};
use sotto_attest::{Binding, Role, simulated};
use sotto_crypto::sign::SigningKey;
use sotto_crypto::vet::{TransportSecret, VaultSecret};
use sotto_ledger::certificate::certify;
use sotto_ledger::state::{Answered, Assignment, Chain, Clock, Nonce, Progress, Request, Worker};
use sotto_ledger::view::{Entry, Pair, key as entry_key, read};
use sotto_ledger::{Applied, Event, Head, StorageError, View, found, propose, prove};
use sotto_types::digest::ResultWords;
use sotto_types::*;
use std::collections::BTreeMap;

pub(crate) const CAIP2: &str = "eip155:31337";
pub(crate) const START: Time = Time(1_700_000_000);
pub(crate) const RESULT: &[u8] = b"winner and price";
pub(crate) const COMPONENT: &[u8] = b"\0asm and so on";
const RELEASE: Measurement = Measurement([0x51; 32]);

pub(crate) fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&sha256(&[b"test key", name.as_bytes()])).unwrap()
}

pub(crate) fn public(name: &str) -> [u8; 33] {
    key(name).public().to_bytes()
}

pub(crate) fn account(name: &str) -> Account {
    Account::from_address(key(name).public().address())
}

pub(crate) fn vault() -> VaultSecret {
    VaultSecret::from_bytes(&[7; 32]).unwrap()
}

pub(crate) fn genesis(name: &str) -> Genesis {
    Genesis {
        kind: NetworkKind::Development,
        name: name.into(),
        time: START,
        members: vec![public("member")],
        vault: vault().public().to_bytes(),
        epoch_blocks: 120,
        block_seconds: 1,
        releases: vec![RELEASE],
    }
}

pub(crate) fn network(name: &str) -> Network {
    Network::from_genesis(&genesis(name).encode()).unwrap()
}

pub(crate) fn manifest(owner: &str) -> Manifest {
    Manifest {
        owner: public(owner),
        name: "auction".into(),
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

pub(crate) fn recipient() -> Recipient {
    Recipient {
        app: manifest("owner").id(),
        generation: Generation(1),
        chain: ChainId::from_caip2(CAIP2),
        contract: account("the Sotto contract"),
        consumer: account("consumer"),
        submitter: account("alice"),
        context: Context([6; 32]),
    }
}

#[derive(Default)]
pub(crate) struct Memory {
    head: Option<Head>,
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Memory {
    fn commit(&mut self, applied: &Applied) {
        for (key, value) in &applied.writes.entries {
            match value {
                Some(value) => self.entries.insert(key.clone(), value.clone()),
                None => self.entries.remove(key),
            };
        }
        self.nodes.extend(applied.writes.nodes.iter().cloned());
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

pub(crate) struct World {
    pub(crate) view: Memory,
    pub(crate) network: Network,
    pub(crate) held: BTreeMap<Hash, Vec<u8>>,
}

impl World {
    /// The network at its birth.
    pub(crate) fn new() -> Self {
        let network = network("test");
        let mut view = Memory::default();
        view.commit(&found(network.genesis()).unwrap());
        Self { view, network, held: BTreeMap::new() }
    }

    /// With a request that was asked, held, assigned and answered.
    pub(crate) fn answered() -> Self {
        let mut world = Self::new();
        world.attest();
        world.act("owner", Action::Deploy(manifest("owner")));
        world.admit_chain();
        world.request();
        let assignment = world.assignment();
        let app = manifest("owner").id();
        let epoch = assignment.epoch;
        world.act("worker", Action::ResultKey { app, epoch, key: account("result") });
        world.answer(&assignment);
        assert!(world.get::<Answered>(&world.id()).is_some());
        world
    }

    pub(crate) fn get<T: Entry>(&self, key: &T::Key) -> Option<T> {
        read(&self.view, key).unwrap()
    }

    /// The one request's id.
    pub(crate) fn id(&self) -> RequestId {
        RequestId::new(&recipient().chain, &recipient().contract, 1)
    }

    pub(crate) fn now(&self) -> Time {
        self.view.head().unwrap().time
    }

    pub(crate) fn certificate(&self) -> Certificate {
        certify(&key("member"), self.network.genesis(), &self.view.head().unwrap())
    }

    pub(crate) fn bundle(&self, key: &[u8]) -> Option<ReceiptBundle> {
        let answer = prove(&self.view, key).unwrap()?;
        Some(ReceiptBundle { certificate: self.certificate(), answer })
    }

    pub(crate) fn receipt(&self) -> ReceiptBundle {
        self.bundle(&entry_key::<Answered>(&self.id())).unwrap()
    }

    // ---- how it came about

    /// The next block of one action; why it was refused, if it was.
    pub(crate) fn block(&mut self, signed: SignedAction) -> Option<String> {
        let id = signed.id();
        let (_, applied) = propose(&self.view, self.now().plus(1), vec![signed]).unwrap();
        self.view.commit(&applied);
        applied.events.iter().find_map(|event| match event {
            Event::Refused { action, why } if *action == id => Some(why.to_string()),
            _ => None,
        })
    }

    pub(crate) fn nonce(&self, node: &NodeId) -> u64 {
        self.get::<Nonce>(node).map_or(0, |nonce| nonce.0)
    }

    pub(crate) fn act(&mut self, who: &str, action: Action) {
        let key = key(who);
        let nonce = self.nonce(&key.public().node_id()) + 1;
        let signed = self.network.sign(&key, nonce, action);
        assert_eq!(self.block(signed), None);
    }

    fn attest(&mut self) {
        let clock: Clock = self.get(&()).unwrap();
        let transport = TransportSecret::from_bytes(&[9; 32]).unwrap().public().to_bytes();
        let keys = WorkerKeys { signing: public("worker"), transport };
        let network = self.network.id();
        let binding =
            Binding { network, role: Role::Worker, challenge: clock.challenge, keys: keys.clone() };
        let report =
            simulated::Report { measurement: RELEASE, binding: binding.bytes(), made: clock.time };
        let bytes = simulated::make(&report).unwrap();
        let evidence = Evidence { kind: TeeKind::Simulated, bytes };
        let payees = vec![(recipient().chain, account("payee"))];
        self.act("worker", Action::Attest { keys, payees, evidence });
    }

    fn admit_chain(&mut self) {
        let admission = Action::AdmitChain {
            caip2: CAIP2.into(),
            contract: recipient().contract,
            finality: Finality::Finalized,
            start: chain_block(100, START),
            key_lifetime: 7200,
        };
        self.act("member", admission);
    }

    /// A request with Alice's envelope, up to its assignment.
    fn request(&mut self) {
        let to = recipient();
        let envelope = self.network.seal(&to, b"42", &mut rng(1)).unwrap();
        let submission = Submission { submitter: to.submitter, envelope: Hash::of(&envelope) };
        self.held.insert(submission.envelope, envelope);
        let ask = Ask {
            number: 1,
            consumer: to.consumer,
            app: to.app,
            generation: to.generation,
            context: to.context,
            submissions: vec![submission],
            payload: vec![],
            payload_hash: Hash::of(b""),
            callback_gas: 100_000,
            assurance: Assurance::SINGLE,
            deadline: self.now().plus(3600),
            escrow: Amount(1_000_000_000),
        };
        let observation = Observation {
            chain: to.chain,
            contract: to.contract,
            after: chain_block(100, START),
            upto: chain_block(101, self.now()),
            request_count: 1,
            events: vec![ChainEvent::Requested(ask)],
        };
        self.act("member", Action::Observe(observation));
        self.act("member", Action::Hold(self.id()));
        let (_, applied) = propose(&self.view, self.now().plus(1), vec![]).unwrap();
        self.view.commit(&applied);
    }

    pub(crate) fn assignment(&self) -> Assignment {
        match self.get::<Request>(&self.id()).unwrap().progress {
            Progress::Assigned(assignment) => assignment,
            other => panic!("the request is {other:?}"),
        }
    }

    fn answer(&mut self, assignment: &Assignment) {
        let request: Request = self.get(&self.id()).unwrap();
        let worker: Worker = self.get(&assignment.worker).unwrap();
        let chain: Chain = self.get(&request.chain).unwrap();
        let on_chain = chain.domain.result(&ResultWords {
            number: 1,
            request: &request.hash,
            attempt: assignment.attempt,
            app: &request.ask.app,
            generation: request.ask.generation,
            result: &Hash::of(RESULT),
        });
        let receipt = Receipt {
            network: self.network.id(),
            request: self.id(),
            chain: request.chain,
            contract: request.contract,
            number: 1,
            request_hash: request.hash,
            app: request.ask.app,
            generation: request.ask.generation,
            code: Hash::of(COMPONENT),
            attempt: assignment.attempt,
            epoch: assignment.epoch,
            time: assignment.time,
            opened: 1,
            commitment: Hash([0xcc; 32]),
            fuel: Fuel(1_000),
            on_chain,
            worker: assignment.worker,
            tee: TeeKind::Simulated,
            evidence: worker.evidence,
        };
        let signature = key("result").sign(&on_chain.0).0;
        let signed = sign_receipt(receipt);
        let result = RESULT.to_vec();
        self.act("worker", Action::Answer { receipt: signed, result, signature });
    }

    // ---- the gateway

    /// What `bin/node` answers at these paths, from this state.
    pub(crate) fn serve(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let found = match (method, parts.as_slice()) {
            ("GET", ["health"]) => Some(b"ok\n".to_vec()),
            ("GET", ["v1", "genesis"]) => Some(self.network.genesis().encode()),
            ("GET", ["v1", "certificate"]) => Some(self.certificate().encode()),
            ("GET", ["v1", "status"]) => Some(br#"{"name":"test","height":9}"#.to_vec()),
            ("GET", ["v1", "entry", key]) => {
                self.bundle(&hex::decode(key).unwrap()).map(|bundle| bundle.encode())
            }
            ("GET", ["v1", "nonce", node]) => {
                let nonce = self.nonce(&node.parse().unwrap());
                Some(format!(r#"{{"nonce":{nonce}}}"#).into_bytes())
            }
            ("GET", ["v1", "receipts", id]) => {
                let key = entry_key::<Answered>(&id.parse().unwrap());
                self.bundle(&key).map(|bundle| bundle.encode())
            }
            ("GET", ["v1", "requests", id]) => self.line(&id.parse().unwrap()),
            ("GET", ["v1", "bytes", hash]) => self.held.get(&hash.parse().unwrap()).cloned(),
            ("POST", ["v1", "bytes"]) => {
                self.held.insert(Hash::of(body), body.to_vec());
                Some(format!(r#"{{"hash":"{}"}}"#, Hash::of(body)).into_bytes())
            }
            ("POST", ["v1", "actions"]) => return self.serve_action(body),
            _ => None,
        };
        found.map_or((404, b"there is no such thing here\n".to_vec()), |body| (200, body))
    }

    fn serve_action(&mut self, body: &[u8]) -> (u16, Vec<u8>) {
        let signed = SignedAction::decode(body).unwrap();
        let next = self.nonce(&NodeId::of_key(&signed.sender)) + 1;
        if signed.nonce < next {
            let why = format!("nonce {} was used; {next} is next\n", signed.nonce);
            return (409, why.into_bytes());
        }
        let refused = self.block(signed);
        let height = self.view.head().unwrap().height.0;
        let outcome = serde_json::json!({ "height": height, "refused": refused });
        (200, outcome.to_string().into_bytes())
    }

    fn line(&self, id: &RequestId) -> Option<Vec<u8>> {
        let request: Request = self.get(id)?;
        let progress = match request.progress {
            Progress::Answered { .. } => "answered",
            other => panic!("not in these tests: {other:?}"),
        };
        Some(request_line(id, &request.ask.app, progress))
    }
}

pub(crate) fn request_line(id: &RequestId, app: &AppId, progress: &str) -> Vec<u8> {
    let line = serde_json::json!({
        "id": id.to_string(),
        "number": 1,
        "app": app.to_string(),
        "progress": progress,
        "detail": null,
    });
    line.to_string().into_bytes()
}

pub(crate) fn sign_receipt(receipt: Receipt) -> SignedReceipt {
    SignedReceipt { signature: key("worker").sign(&receipt.digest()).0, receipt }
}

fn chain_block(height: u64, time: Time) -> BlockRef {
    let hash = |height: u64| Hash(sha256(&[b"chain block", &height.to_be_bytes()]));
    BlockRef { height, hash: hash(height), parent: hash(height - 1), time }
}
