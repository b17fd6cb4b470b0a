//! The entries of the state: what is kept, under which key.

use crate::event::RequestRefusal;
use crate::view::Entry;
use borsh::{BorshDeserialize, BorshSerialize};
use sotto_types::{
    Account, Amount, AppId, Ask, Attempt, BlockRef, BootId, ChainId, ContextId, Delivery, Domain,
    Epoch, Finality, Generation, Genesis, Hash, Height, Identity, KeyPath, Manifest, Measurement,
    NodeId, RequestId, SignedBatch, SignedReceipt, TeeKind, Time, WorkerKeys,
};

macro_rules! entry {
    ($name:ident, $table:literal, $key:ty) => {
        impl Entry for $name {
            const TABLE: u8 = $table;
            type Key = $key;
        }
    };
}

/// The genesis, kept so that a view is complete in itself.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Founding(pub Genesis);
entry!(Founding, b'g', ());

/// Where the clock of epochs stands.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Clock {
    /// The current epoch.
    pub epoch: Epoch,
    /// What evidence of this epoch is bound to: the id of the block before the epoch.
    pub challenge: Hash,
    /// The height of the last block applied.
    pub height: Height,
    /// Its time.
    pub time: Time,
}
entry!(Clock, b'e', ());

/// The last nonce of a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Nonce(pub u64);
entry!(Nonce, b'n', NodeId);

/// An accepted build of Sotto's worker.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Release {
    /// From this height on.
    pub since: Height,
}
entry!(Release, b'l', Measurement);

/// A worker with its last attestation result.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Worker {
    /// Its keys, as bound into its evidence.
    pub keys: WorkerKeys,
    /// Where it is paid, per chain.
    pub payees: Vec<(ChainId, Account)>,
    /// What it runs in.
    pub tee: TeeKind,
    /// What it runs.
    pub measurement: Measurement,
    /// SHA-256 of the evidence appraised.
    pub evidence: Hash,
    /// The epoch of that appraisal.
    pub attested: Epoch,
}
entry!(Worker, b'w', NodeId);

impl Worker {
    /// Whether it may be given work in `epoch`: appraised in it or in the one before.
    pub fn is_good(&self, epoch: Epoch) -> bool {
        self.attested.next() >= epoch
    }
}

/// A published app.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct App {
    /// Its manifest.
    pub manifest: Manifest,
    /// The generation that runs.
    pub generation: Generation,
    /// Since when.
    pub since: Height,
}
entry!(App, b'a', AppId);

/// A Sotto contract on a chain, and the money that passed there.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Chain {
    /// CAIP-2 name.
    pub caip2: String,
    /// The contract.
    pub contract: Account,
    /// Its domain in digests.
    pub domain: Domain,
    /// When its blocks are final.
    pub finality: Finality,
    /// The longest life of a result key there, in seconds.
    pub key_lifetime: u64,
    /// The last block observed.
    pub cursor: BlockRef,
    /// Requests observed.
    pub requests: u64,
    /// The block that contradicted the cursor, if one did.
    pub halted: Option<BlockRef>,
    /// All that settled requests brought in.
    pub deposits: Amount,
    /// All that was paid out or set aside for it; never more than the deposits.
    pub paid: Amount,
    /// The last entry put into its outbox.
    pub outbox: u64,
    /// The last nonce given to a change of keys.
    pub keys_nonce: u64,
    /// The last nonce given to a pay-out.
    pub payout_nonce: u64,
    /// The last pay-out that the contract carried out.
    pub payout_done: u64,
}
entry!(Chain, b'c', ChainId);

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Progress {
    /// Not admitted; the requester takes its escrow back after the deadline.
    Refused(RequestRefusal),
    /// Admitted; its bytes are not held yet.
    Waiting,
    /// A quorum holds its bytes.
    Held(Height),
    /// A worker is to answer.
    Assigned(Assignment),
    /// A worker answered; its result is to be carried to the chain.
    Answered {
        /// The assignment that was answered.
        assignment: Assignment,
        /// When.
        height: Height,
        /// SHA-256 of the result.
        result: Hash,
    },
    /// Nobody answered in time.
    Unanswered,
    /// The app failed: a trap, its own error, or a limit.
    Failed(String),
    /// The contract accepted the result.
    Settled {
        /// SHA-256 of the result.
        result: Hash,
        /// Whether the consumer took its callback.
        delivered: bool,
    },
    /// The requester has its escrow back.
    Refunded,
}

/// Who is to answer a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Assignment {
    /// The worker.
    pub worker: NodeId,
    /// Which assignment of the request.
    pub attempt: Attempt,
    /// The epoch, whose result key signs.
    pub epoch: Epoch,
    /// The height at which it was made.
    pub height: Height,
    /// The block time the app is given as its now.
    pub time: Time,
}

/// A request of a chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Request {
    /// The chain.
    pub chain: ChainId,
    /// The Sotto contract.
    pub contract: Account,
    /// Its hash in the contract.
    pub hash: Hash,
    /// As it was asked. Empty lists for one that could not be read.
    pub ask: Ask,
    /// How far it has come.
    pub progress: Progress,
    /// The last assignment given.
    pub attempts: Attempt,
    /// The outbox entry that carries its result, if one does.
    pub outbox: Option<u64>,
}
entry!(Request, b'q', RequestId);

/// An open request that somebody must still act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Open(pub RequestId);
entry!(Open, b'o', (ChainId, u64));

/// An answer that no outbox entry carries yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ready {
    /// The request.
    pub request: RequestId,
    /// Since when it waits.
    pub since: Height,
}
entry!(Ready, b'y', (ChainId, u64));

/// What fixes a context: the first request admitted in it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Gathering {
    /// Everything a repetition must have in common, hashed: envelopes, app, generation, payload.
    pub fixed: Hash,
    /// The last request admitted in it.
    pub number: u64,
    /// Its id.
    pub request: RequestId,
}
entry!(Gathering, b'x', ContextId);

/// "This enclave may hold this key", until its epoch ends or its context closes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Grant {
    /// The worker.
    pub worker: NodeId,
    /// The app.
    pub app: AppId,
    /// Which of its keys.
    pub path: KeyPath,
    /// Which period.
    pub identity: Identity,
    /// The transport key it is encrypted to.
    pub transport: [u8; 48],
    /// The height at which it was given.
    pub height: Height,
}

/// The key of a grant: SHA-256 of its identity, so that the grants of one identity stand together,
/// then SHA-256 over worker, app and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantKey(pub [[u8; 32]; 2]);

/// The first half of a grant's key: what the grants of one identity have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantPrefix(pub [u8; 32]);

impl crate::view::Key for GrantKey {
    fn bytes(&self) -> Vec<u8> {
        self.0.concat()
    }
}

impl crate::view::Key for GrantPrefix {
    fn bytes(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl GrantPrefix {
    /// The grants of `identity`.
    pub fn new(identity: &Identity) -> Self {
        Self(sotto_types::sha256(&[b"sotto/grant/v1", &identity.bytes()]))
    }
}

impl GrantKey {
    /// The grant of `identity` under `path` of `app` to `worker`.
    pub fn new(worker: &NodeId, app: &AppId, path: KeyPath, identity: &Identity) -> Self {
        let holder = sotto_types::sha256(&[&worker.0, &app.0, path.bytes()]);
        Self([GrantPrefix::new(identity).0, holder])
    }
}
entry!(Grant, b'h', GrantKey);

/// The result key of an app in an epoch, as announced by a worker that holds it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ResultKey {
    /// Its address.
    pub key: Account,
}
entry!(ResultKey, b'k', (AppId, Epoch));

/// That a result key was sent to a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct KeySent {
    /// Under this nonce.
    pub nonce: u64,
}
entry!(KeySent, b's', (ChainId, AppId, Epoch));

/// Something to be carried to a chain.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Outgoing {
    /// What; its signatures are filled in when enough are there.
    pub delivery: Delivery,
    /// Members' signatures so far, by address.
    pub endorsements: Vec<(Account, [u8; 65])>,
    /// Whether it may be carried now.
    pub ready: bool,
    /// Since when it is here.
    pub since: Height,
}
entry!(Outgoing, b'u', (ChainId, u64));

/// An outgoing entry's number, from its key in the state: table ‖ chain ‖ number.
pub fn outbox_number(key: &[u8]) -> Option<u64> {
    key.get(33..).and_then(|number| number.try_into().ok()).map(u64::from_be_bytes)
}

/// What the ledger owes somebody on a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Credit(pub Amount);
entry!(Credit, b'b', (ChainId, NodeId));

/// An answer as it was handed in.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answered {
    /// The receipt.
    pub receipt: SignedReceipt,
    /// The result.
    pub result: Vec<u8>,
    /// The result key's signature.
    pub signature: [u8; 65],
    /// The worker as it was attested when it answered.
    pub worker: Worker,
}
entry!(Answered, b't', RequestId);

/// A worker's place in an app for one epoch: all that a client needs to believe in order to call
/// it directly. Whoever has one has the grant of the epoch's request key.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Seat {
    /// The worker's process: openings name it.
    pub boot: BootId,
    /// The generation of the app's code.
    pub generation: Generation,
    /// SHA-256 of the component that runs.
    pub code: Hash,
    /// The worker as it was attested when it took the seat.
    pub worker: Worker,
    /// Since when.
    pub since: Height,
}
entry!(Seat, b'p', (Epoch, (AppId, NodeId)));

impl Seat {
    /// What a seat's key in the state names: table ‖ epoch ‖ app ‖ worker.
    pub fn place(key: &[u8]) -> Option<(Epoch, AppId, NodeId)> {
        let (epoch, rest) = key.get(1..)?.split_first_chunk::<8>()?;
        let (app, worker) = rest.split_first_chunk::<32>()?;
        let epoch = Epoch(u64::from_be_bytes(*epoch));
        Some((epoch, AppId(*app), NodeId(worker.try_into().ok()?)))
    }
}

/// The process that a worker last took a seat with, and how far its batches have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Boot {
    /// Its boot id.
    pub id: BootId,
    /// Since when.
    pub since: Height,
    /// The number of its last batch.
    pub batches: u64,
    /// Receipts in all of them.
    pub receipts: u64,
}
entry!(Boot, b'i', NodeId);

/// A batch of receipts of direct calls, as it was handed in.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Batched {
    /// The batch.
    pub signed: SignedBatch,
    /// The worker as it was attested then.
    pub worker: Worker,
}
entry!(Batched, b'm', (NodeId, (BootId, u64)));

/// The node that credits of nobody in particular go to.
pub const TREASURY: NodeId = NodeId([0; 32]);
