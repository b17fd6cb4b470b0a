//! A small network with real keys, brought to where every kind of message has something to mean:
//! one request settled, one answered, one assigned to the worker, one waiting for its bytes. Not
//! here: what is done to it (the targets).

mod memory;

pub(crate) use memory::Memory;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use sotto_attest::{Binding, simulated};
use sotto_crypto::vet::{TransportSecret, VaultSecret};
use sotto_crypto::{envelope::seal, sign::SigningKey};
use sotto_ledger::certificate::certify;
use sotto_ledger::state::{
    Answered, App, Boot, Chain, Clock, Nonce, Open, Progress, Request, Seat,
};
use sotto_ledger::view::{Entry, key as entry_key, list, read};
use sotto_ledger::{Event, View as _, apply, found, propose, prove};
use sotto_roles::council::Council;
use sotto_roles::worker::{Input, Keys, Output, Placed, Shown, Work, Worker};
use sotto_types::{
    Aad, Account, Action, Amount, AppKind, Ask, Assurance, Block, BlockRef, BootId, ChainEvent,
    ChainId, Context, ContextId, Evidence, Finality, Fuel, Generation, Genesis, Hash, Identity,
    KeyPath, Manifest, Measurement, NetworkKind, NodeId, Observation, Proof, ReceiptBundle,
    RequestId, SignedAction, Submission, TeeKind, Time, Upgrade, sha256,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

/// When it begins.
const START: Time = Time(1_700_000_000);
/// The release its workers run.
pub(crate) const RELEASE: Measurement = Measurement([0x51; 32]);
/// What its app's component is: nobody runs it.
pub(crate) const COMPONENT: &[u8] = b"the bytes of a component";
/// The request that is settled.
pub(crate) const SETTLED: u64 = 1;
/// The request that is answered.
pub(crate) const ANSWERED: u64 = 2;
/// The request that is assigned.
pub(crate) const ASSIGNED: u64 = 3;
/// The request that waits for its bytes.
pub(crate) const WAITING: u64 = 4;

/// The network as all targets find it.
pub(crate) static NETWORK: LazyLock<Network> = LazyLock::new(Network::ready);

pub(crate) fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&sha256(&[b"fuzz key", name.as_bytes()])).unwrap()
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
    ChainId::from_caip2("eip155:31337")
}

pub(crate) fn contract() -> Account {
    account("the Sotto contract")
}

pub(crate) fn id(number: u64) -> RequestId {
    RequestId::new(&chain(), &contract(), number)
}

/// The worker's keys, as a new process has them.
/// The worker's process.
pub(crate) const BOOT: BootId = BootId([0xb0; 32]);

pub(crate) fn keys() -> Keys {
    let mut secret = sha256(&[b"fuzz transport"]);
    secret[0] = 0;
    Keys { signing: key("worker"), transport: TransportSecret::from_bytes(&secret).unwrap() }
}

/// The worker, as a new process has it.
pub(crate) fn worker(genesis: &Genesis) -> Worker {
    let payees = vec![(chain(), account("the worker's payee"))];
    Worker::new(genesis.clone(), keys(), TeeKind::Simulated, payees, BOOT).unwrap()
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        owner: key("owner").public().to_bytes(),
        name: "auction".into(),
        kind: AppKind::Function,
        code: Hash::of(COMPONENT),
        hosts: vec!["example.com".into(), "example.org:8443".into()],
        fuel: Fuel(1_000_000),
        memory_mib: 64,
        seconds: 10,
        holders: 4,
        upgrade: Upgrade::Immutable,
    }
}

fn genesis() -> Genesis {
    Genesis {
        kind: NetworkKind::Development,
        name: "fuzz".into(),
        time: START,
        members: vec![key("member").public().to_bytes()],
        vault: vault().public().to_bytes(),
        epoch_blocks: 1000,
        block_seconds: 1,
        releases: vec![RELEASE],
    }
}

pub(crate) fn block_ref(height: u64, time: Time) -> BlockRef {
    let hash = |height: u64| Hash(sha256(&[b"chain block", &height.to_be_bytes()]));
    BlockRef { height, hash: hash(height), parent: hash(height.saturating_sub(1)), time }
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

/// A council of one, and the hands of one worker.
pub(crate) struct Network {
    pub(crate) genesis: Genesis,
    pub(crate) view: Memory,
    /// Every block but the genesis.
    pub(crate) blocks: Vec<Block>,
    /// Bytes that the member holds.
    pub(crate) held: BTreeMap<Hash, Vec<u8>>,
    /// Receipts as gateways give them, under certificates of different blocks.
    pub(crate) bundles: Vec<ReceiptBundle>,
    /// What the bidders of every request bid, in order.
    pub(crate) bids: Vec<(Account, Vec<u8>)>,
    /// What the worker signed on the way.
    pub(crate) submitted: Vec<SignedAction>,
    /// What the contract's counter says.
    pub(crate) counted: u64,
}

impl Network {
    fn founded(genesis: Genesis) -> Self {
        let mut view = Memory::default();
        view.commit(&found(&genesis).unwrap());
        let bid = |name: &str, bid: &[u8]| (account(name), bid.to_vec());
        Self {
            view,
            blocks: Vec::new(),
            held: BTreeMap::new(),
            bundles: Vec::new(),
            bids: vec![bid("alice", b"70"), bid("bob", b"90")],
            submitted: Vec::new(),
            counted: 0,
            genesis,
        }
    }

    fn ready() -> Self {
        let mut network = Self::founded(genesis());
        let mut council = Council::new(&network.genesis, key("member"), vault());
        let mut worker = worker(&network.genesis);
        network.hold(COMPONENT.to_vec());
        network.settle_in(&mut council, &mut worker);
        for number in [SETTLED, ANSWERED] {
            network.ask(&mut council, number, true);
            for _ in 0..4 {
                network.turn(&mut council, &mut worker);
            }
            network.bundles.push(network.bundle::<Answered>(&id(number)));
        }
        let result = Hash::of(&result(SETTLED));
        let settled = ChainEvent::Settled { number: SETTLED, result, delivered: true };
        network.observe(&mut council, vec![settled]);
        network.bundles.push(network.bundle::<Answered>(&id(SETTLED)));
        network.ask(&mut council, ASSIGNED, true);
        // Held, then assigned; the worker is not told.
        network.block(&mut council);
        network.block(&mut council);
        network.ask(&mut council, WAITING, false);
        network.check();
        network
    }

    /// A network whose worker has a seat of the app, and its member.
    pub(crate) fn seated() -> (Self, Council) {
        let genesis = genesis();
        let mut network = Self::founded(genesis);
        let mut council = Council::new(&network.genesis, key("member"), vault());
        let mut worker = worker(&network.genesis);
        network.hold(COMPONENT.to_vec());
        network.settle_in(&mut council, &mut worker);
        worker.step(Input::Serve(manifest().id()), network.now());
        while network.shown().seats.is_empty() {
            network.turn(&mut council, &mut worker);
        }
        (network, council)
    }

    /// The worker is attested, the app and the chain are there.
    fn settle_in(&mut self, council: &mut Council, worker: &mut Worker) {
        self.turn(council, worker);
        let nonce = 1;
        let deploy = signed(&self.genesis, &key("owner"), nonce, Action::Deploy(manifest()));
        council.pool(&self.view, deploy).unwrap();
        council.say(admission());
        self.block(council);
    }

    /// That everything is where it is said to be.
    fn check(&self) {
        let progress = |number| self.get::<Request>(&id(number)).unwrap().progress;
        assert!(matches!(progress(SETTLED), Progress::Settled { .. }), "{:?}", progress(SETTLED));
        assert!(matches!(progress(ANSWERED), Progress::Answered { .. }));
        assert!(matches!(progress(ASSIGNED), Progress::Assigned(_)));
        assert_eq!(progress(WAITING), Progress::Waiting);
        assert!(self.get::<Chain>(&chain()).unwrap().deposits > Amount(0));
    }

    // ---- blocks

    fn block(&mut self, council: &mut Council) {
        let actions = council.actions(&self.view).unwrap();
        let (block, applied) = propose(&self.view, self.now().plus(1), actions).unwrap();
        assert_eq!(apply(&self.view, &block).unwrap(), applied);
        let refused = applied.events.iter().find(|e| matches!(e, Event::Refused { .. }));
        assert_eq!(refused, None);
        self.view.commit(&applied);
        self.blocks.push(block);
        let held = &self.held;
        council.look(&self.view, |hash| Ok(held.contains_key(hash))).unwrap();
    }

    /// The next block, shown to the worker, whose wishes are carried out.
    fn turn(&mut self, council: &mut Council, worker: &mut Worker) {
        self.block(council);
        let shown = Input::Block(Box::new(self.shown()));
        let mut queue = VecDeque::from(worker.step(shown, self.now()));
        while let Some(output) = queue.pop_front() {
            for input in self.carry_out(council, output) {
                queue.extend(worker.step(input, self.now()));
            }
        }
    }

    fn carry_out(&mut self, council: &mut Council, output: Output) -> Vec<Input> {
        if let Output::Submit(action) = output {
            self.submitted.push((*action).clone());
            council.pool(&self.view, *action).unwrap();
            return Vec::new();
        }
        self.answer(council, output)
    }

    /// What the hands of an honest worker bring it.
    pub(crate) fn answer(&self, council: &Council, output: Output) -> Vec<Input> {
        match output {
            Output::Attest(binding) => vec![Input::Evidence(self.evidence(&binding))],
            Output::AskShares(wanted) => {
                let transport = keys().public().transport;
                let node = key("worker").public().node_id();
                let share = council.share(&self.view, &node, &wanted, &transport, &mut rng(5));
                vec![Input::Shares { wanted, shares: vec![(1, share.unwrap())] }]
            }
            Output::Fetch(hashes) => {
                let found = hashes.iter().filter_map(|hash| self.held.get(hash));
                found.map(|bytes| Input::Bytes(bytes.clone())).collect()
            }
            Output::Run(run) => {
                let number = (SETTLED..=WAITING).find(|n| id(*n) == run.request).unwrap();
                let (request, attempt) = (run.request, run.attempt);
                vec![Input::Ran { request, attempt, outcome: Ok((result(number), Fuel(1000))) }]
            }
            Output::Distrust(why) => panic!("the honest network is not believed: {why}"),
            Output::Keep(bytes) => vec![Input::Kept(Hash::of(&bytes))],
            Output::Call(run) => {
                let (session, outcome) = (run.session, Ok((run.call.payload, Fuel(1000))));
                vec![Input::Called { session, outcome }]
            }
            Output::Submit(_) | Output::Reply { .. } | Output::Refuse(_) => Vec::new(),
        }
    }

    // ---- what stands

    pub(crate) fn now(&self) -> Time {
        self.view.head().unwrap().time
    }

    pub(crate) fn get<T: Entry>(&self, key: &T::Key) -> Option<T> {
        read(&self.view, key).unwrap()
    }

    pub(crate) fn prove<T: Entry>(&self, key: &T::Key) -> Proof {
        prove(&self.view, &entry_key::<T>(key)).unwrap().unwrap()
    }

    pub(crate) fn bundle<T: Entry>(&self, rest: &T::Key) -> ReceiptBundle {
        let head = self.view.head().unwrap();
        let certificate = certify(&key("member"), &self.genesis, &head);
        ReceiptBundle { certificate, answer: self.prove::<T>(rest) }
    }

    /// The last block as the worker is shown it.
    pub(crate) fn shown(&self) -> Shown {
        let node = key("worker").public().node_id();
        let mut work = Vec::new();
        for (_, Open(id)) in list::<Open>(&self.view, &()).unwrap() {
            let request: Request = self.get(&id).unwrap();
            if matches!(request.progress, Progress::Assigned(a) if a.worker == node) {
                let app = self.prove::<App>(&request.ask.app);
                work.push(Work { id, request: self.prove::<Request>(&id), app });
            }
        }
        let certificate = certify(&key("member"), &self.genesis, &self.view.head().unwrap());
        let attested = self.get::<sotto_ledger::state::Worker>(&node).map(|w| w.attested);
        let (clock, nonce) = (self.prove::<Clock>(&()), self.nonce(&node));
        let epoch = self.get::<Clock>(&()).unwrap().epoch;
        let app = manifest().id();
        let mut seats = Vec::new();
        if self.get::<Seat>(&(epoch, (app, node))).is_some() {
            let seat = self.prove::<Seat>(&(epoch, (app, node)));
            seats.push(Placed { app, seat, manifest: self.prove::<App>(&app) });
        }
        let boot = self.get::<Boot>(&node).map(|_| self.prove::<Boot>(&node));
        Shown { certificate, clock, nonce, attested, work, seats, boot }
    }

    pub(crate) fn nonce(&self, node: &NodeId) -> u64 {
        self.get::<Nonce>(node).map_or(0, |nonce| nonce.0)
    }

    pub(crate) fn evidence(&self, binding: &Binding) -> Evidence {
        let binding = binding.bytes();
        let report = simulated::Report { measurement: RELEASE, binding, made: self.now() };
        Evidence { kind: TeeKind::Simulated, bytes: simulated::make(&report).unwrap() }
    }

    // ---- requests

    fn hold(&mut self, bytes: Vec<u8>) -> Hash {
        let hash = Hash::of(&bytes);
        self.held.insert(hash, bytes);
        hash
    }

    /// What a watcher would say next.
    pub(crate) fn observation(&self, events: Vec<ChainEvent>) -> Observation {
        let made = |event: &&ChainEvent| {
            matches!(event, ChainEvent::Requested(_) | ChainEvent::Unreadable { .. })
        };
        let request_count = self.counted + events.iter().filter(made).count() as u64;
        let after = self.get::<Chain>(&chain()).unwrap().cursor;
        let upto = block_ref(after.height + 1, self.now());
        let (chain, contract) = (chain(), contract());
        Observation { chain, contract, after, upto, request_count, events }
    }

    fn observe(&mut self, council: &mut Council, events: Vec<ChainEvent>) {
        let seen = self.observation(events);
        self.counted = seen.request_count;
        council.say(Action::Observe(seen));
        self.block(council);
    }

    /// A request of the bidders is made and admitted.
    fn ask(&mut self, council: &mut Council, number: u64, is_held: bool) {
        let mut rng = rng(number);
        let mut submissions = Vec::new();
        for (submitter, bid) in self.bids.clone() {
            let aad = self.aad(number, submitter);
            let vault = vault();
            let (vault, identity) = (vault.public(), identity(number));
            let sealed = seal(vault, KeyPath::Request, &identity, &aad, &bid, &mut rng);
            let bytes = sealed.unwrap().0;
            let envelope = if is_held { self.hold(bytes) } else { Hash::of(&bytes) };
            submissions.push(Submission { submitter, envelope });
        }
        let ask = self.asked(number, submissions);
        self.observe(council, vec![ChainEvent::Requested(ask)]);
    }

    /// A request as its chain holds it.
    pub(crate) fn asked(&self, number: u64, submissions: Vec<Submission>) -> Ask {
        Ask {
            number,
            consumer: account("consumer"),
            app: manifest().id(),
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

    fn aad(&self, number: u64, submitter: Account) -> Aad {
        Aad {
            network: self.genesis.id(),
            app: manifest().id(),
            generation: Generation(1),
            chain: chain(),
            consumer: account("consumer"),
            submitter,
            context: context(number),
        }
    }
}

/// What the app answers to the request of this number.
pub(crate) fn result(number: u64) -> Vec<u8> {
    format!("result of {number}").into_bytes()
}

/// The member admits the contract.
fn admission() -> Action {
    Action::AdmitChain {
        caip2: "eip155:31337".into(),
        contract: contract(),
        finality: Finality::Finalized,
        start: block_ref(100, START),
        key_lifetime: 7200,
    }
}

fn context(number: u64) -> Context {
    Context(sha256(&[b"fuzz context", &number.to_be_bytes()]))
}

fn identity(number: u64) -> Identity {
    let (chain, contract, consumer) = (chain(), contract(), account("consumer"));
    Identity::Context(ContextId::new(&chain, &contract, &consumer, &context(number)))
}
