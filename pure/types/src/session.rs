//! Direct sessions: what opens one, what is said inside, and the receipts of its calls
//! (`docs/protocol/session.md`). Inside a session a call costs no public-key work, and none is
//! ledgered by itself: receipts are gathered into batches, and a batch's root is. Not here: the
//! cryptography (`crypto`), who may open what (`ledger`), how many at once (`roles`).

use crate::wire::{Malformed, at_most, wire};
use crate::{
    Aad, Account, AppId, BootId, ChainId, Context, Epoch, Fuel, Generation, Hash, NetworkId,
    NodeId, ReceiptBundle, SessionId, TeeKind, Time, id::sha256, limits, merkle,
};
use borsh::{BorshDeserialize, BorshSerialize};

/// The first message to a seat: an envelope sealed to `request/<epoch>` of the app, and in the
/// open what the seat needs to know before it opens it. A wrong word here opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Opening {
    /// The app.
    pub app: AppId,
    /// The epoch whose key it is sealed to.
    pub epoch: Epoch,
    /// The seat's worker.
    pub worker: NodeId,
    /// The process of that worker it is meant for.
    pub boot: BootId,
    /// The envelope. Its payload is an encoded [`Say`].
    pub envelope: Vec<u8>,
}

fn validate_opening(opening: &Opening) -> Result<(), Malformed> {
    at_most("envelope", opening.envelope.len(), limits::ENVELOPE_MAX)
}

wire!(Opening, 1, limits::ENVELOPE_MAX + 256, validate_opening);

impl Opening {
    /// The session's name: SHA-256 of the envelope. An envelope has one form and is taken once.
    pub fn session(&self) -> SessionId {
        SessionId(sha256(&[&self.envelope]))
    }
}

impl Aad {
    /// What the opening of a direct session is bound to: nobody's chain, and for a context
    /// SHA-256("sotto/seat/v1" ‖ worker ‖ boot). The boot is why a session has one server: whoever
    /// opens an envelope again would use the same nonces with the same keys.
    pub fn direct(
        network: NetworkId,
        app: AppId,
        generation: Generation,
        worker: &NodeId,
        boot: &BootId,
    ) -> Self {
        Self {
            network,
            app,
            generation,
            chain: ChainId::default(),
            consumer: Account::default(),
            submitter: Account::default(),
            context: Context(sha256(&[b"sotto/seat/v1", &worker.0, &boot.0])),
        }
    }
}

/// What a client says, padded and sealed in the session (the first one in the envelope).
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Say {
    /// Nothing yet: is the session open?
    Hello,
    /// Run the app on this input.
    Call(Vec<u8>),
    /// The session ends.
    Bye,
}

fn validate_say(say: &Say) -> Result<(), Malformed> {
    match say {
        Say::Call(input) => at_most("input", input.len(), limits::DIRECT_INPUT_MAX),
        Say::Hello | Say::Bye => Ok(()),
    }
}

wire!(Say, 1, limits::SEALED_PAYLOAD_MAX, validate_say);

/// What the seat says, padded and sealed in the session.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Reply {
    /// The session is open.
    Welcome,
    /// A call came to its end.
    Answer(Answered),
    /// The session is over.
    Bye,
}

/// The end of one call, with what its receipt says that the client cannot know by itself.
#[derive(Clone, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Answered {
    /// Which call of the session, counted from 1.
    pub call: u64,
    /// The ledger block time the app was given as its now.
    pub time: Time,
    /// Fuel used; 0 where the app failed.
    pub fuel: Fuel,
    /// The output, or why there is none.
    pub outcome: Result<Vec<u8>, String>,
    /// The batch its receipt is in, counted from 1 for each boot.
    pub batch: u64,
    /// Its place there, counted from 0.
    pub index: u32,
}

fn validate_reply(reply: &Reply) -> Result<(), Malformed> {
    match reply {
        Reply::Answer(Answered { outcome: Ok(output), .. }) => {
            at_most("output", output.len(), limits::DIRECT_OUTPUT_MAX)
        }
        Reply::Answer(Answered { outcome: Err(why), .. }) => {
            at_most("reason", why.len(), limits::REASON_MAX)
        }
        Reply::Welcome | Reply::Bye => Ok(()),
    }
}

wire!(Reply, 1, limits::SEALED_PAYLOAD_MAX, validate_reply);

/// Why a seat does not do what was sent to it. Said outside any session, so it is the word of
/// whoever carries it; nothing of a sealed message is told by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, BorshSerialize, BorshDeserialize)]
pub enum SessionRefused {
    /// Not a message at all.
    #[error("malformed: {0}")]
    Malformed(String),
    /// More bytes than a message may have.
    #[error("a message of {got} bytes where at most {max} are taken")]
    TooLarge {
        /// Bytes given.
        got: u64,
        /// Bytes taken.
        max: u64,
    },
    /// No such worker here.
    #[error("worker {0} is not here")]
    OtherWorker(NodeId),
    /// The worker was started anew since: look its seat up again.
    #[error("the worker was started anew: its boot is {now}")]
    OtherBoot {
        /// Its boot id now.
        now: BootId,
    },
    /// Another epoch runs: look the seat up and open again.
    #[error("epoch {now} runs: open again")]
    OtherEpoch {
        /// The epoch.
        now: Epoch,
    },
    /// The worker has no seat of this app, or waits for the app's key or code: ask again soon.
    #[error("the worker has no seat of this app yet: ask again soon")]
    NoSeat,
    /// This very opening was taken before.
    #[error("this opening was taken before")]
    Seen,
    /// It does not open as what it says it is.
    #[error("the message does not open")]
    DoesNotOpen,
    /// No such session: it ended, stood idle too long, or was never opened.
    #[error("there is no such session: open again")]
    NoSession,
    /// A message of this session that does not come after the last one.
    #[error("message {counter} does not come after {last}")]
    Replayed {
        /// Its counter.
        counter: u64,
        /// The last one taken.
        last: u64,
    },
    /// The session's last call still runs.
    #[error("the session's last call still runs")]
    Running,
    /// Too much at once: sessions, calls, or receipts that are not ledgered yet.
    #[error("too many {0}: ask again later")]
    Full(String),
}

fn validate_refused(refused: &SessionRefused) -> Result<(), Malformed> {
    match refused {
        SessionRefused::Malformed(text) | SessionRefused::Full(text) => {
            at_most("reason", text.len(), limits::REASON_MAX)
        }
        _ => Ok(()),
    }
}

wire!(SessionRefused, 1, 1024, validate_refused);

/// The record of one call of a direct session. It is the client's: it holds commitments under a
/// blind that only client and enclave have, and of it the ledger holds a leaf's hash in a root.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionReceipt {
    /// The network.
    pub network: NetworkId,
    /// The app that ran.
    pub app: AppId,
    /// The generation of its code.
    pub generation: Generation,
    /// SHA-256 of the component that ran.
    pub code: Hash,
    /// The epoch of the session's key.
    pub epoch: Epoch,
    /// The worker.
    pub worker: NodeId,
    /// What it ran in, as appraised. `Simulated` says plainly that nothing was protected.
    pub tee: TeeKind,
    /// The process of the worker.
    pub boot: BootId,
    /// The session.
    pub session: SessionId,
    /// Which call of it, counted from 1.
    pub call: u64,
    /// The ledger block time the app was given as its now.
    pub time: Time,
    /// Whether the app gave an output.
    pub succeeded: bool,
    /// Commitment to the input.
    pub input: Hash,
    /// Commitment to the output, or to the reason why there is none.
    pub output: Hash,
    /// Fuel used; 0 where the app failed.
    pub fuel: Fuel,
}

wire!(SessionReceipt, 1, 1024);

impl SessionReceipt {
    /// Its leaf in the tree of a batch: SHA-256(00 ‖ encoded receipt).
    pub fn leaf(&self) -> Hash {
        use crate::wire::Wire as _;
        merkle::leaf(&self.encode())
    }
}

/// Receipts of one boot of a worker, in the order of their calls' ends, under one root.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Batch {
    /// The network.
    pub network: NetworkId,
    /// The worker.
    pub worker: NodeId,
    /// Its process.
    pub boot: BootId,
    /// Which batch of that boot, counted from 1, without gaps.
    pub number: u64,
    /// The number of its first receipt, counted from 1 over all batches of that boot.
    pub first: u64,
    /// How many there are.
    pub count: u32,
    /// The Merkle root over their leaves.
    pub root: Hash,
    /// SHA-256 of the leaves behind one another: where they are found. The root is what counts.
    pub leaves: Hash,
}

wire!(Batch, 1, 256);

impl Batch {
    /// What the worker's certified key signs: SHA-256("sotto/batch/v1" ‖ batch).
    pub fn digest(&self) -> [u8; 32] {
        use crate::wire::Wire as _;
        sha256(&[b"sotto/batch/v1", &self.encode()])
    }
}

/// A batch with its worker's signature (r ‖ s ‖ v).
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedBatch {
    /// The batch.
    pub batch: Batch,
    /// By the worker's certified key over [`Batch::digest`].
    pub signature: [u8; 65],
}

wire!(SignedBatch, 1, 512);

/// What proves that a leaf is in a ledgered batch: all a gateway is asked for, and none of it
/// tells what the receipt says.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct LeafProof {
    /// The leaf's place in the batch.
    pub index: u32,
    /// The way from it to the batch's root.
    pub path: Vec<Hash>,
    /// The ledger's entry of the batch, with certificate and path.
    pub batch: ReceiptBundle,
}

fn validate_proof(proof: &LeafProof) -> Result<(), Malformed> {
    at_most("path", proof.path.len(), limits::LEAF_PATH_MAX)
}

wire!(LeafProof, 1, 2 * limits::PROOF_MAX + 4096, validate_proof);

/// A receipt with all that is needed to check it from the genesis, offline.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SessionBundle {
    /// The receipt.
    pub receipt: SessionReceipt,
    /// That the ledger holds it.
    pub proof: LeafProof,
}

fn validate_bundle(bundle: &SessionBundle) -> Result<(), Malformed> {
    validate_proof(&bundle.proof)
}

// Not 1, so that a file tells by its first byte which kind of receipt it holds.
wire!(SessionBundle, 2, 2 * limits::PROOF_MAX + 8192, validate_bundle);
