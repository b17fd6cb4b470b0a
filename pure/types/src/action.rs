//! What may be asked of the ledger, and the blocks that carry it.

use crate::wire::{Malformed, at_most, wire};
use crate::{
    Account, AppId, BlockId, BootId, ChainId, Epoch, Hash, Height, Manifest, Measurement,
    NetworkId, Observation, RequestId, Root, SignedBatch, SignedReceipt, TeeKind, Time, id::sha256,
    limits,
};
use borsh::{BorshDeserialize, BorshSerialize};

/// Evidence as it travels (RFC 9334): its kind, and bytes of that kind's own form.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Evidence {
    /// The kind its maker claims; policy decides which are looked at.
    pub kind: TeeKind,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A worker's keys, bound into its evidence.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct WorkerKeys {
    /// Signs actions and receipts (compressed secp256k1).
    pub signing: [u8; 33],
    /// Grants are encrypted to it (compressed G1).
    pub transport: [u8; 48],
}

/// When blocks of a chain are taken as final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Finality {
    /// At once.
    Instant,
    /// That many blocks below the head.
    Depth(u32),
    /// What the chain's own `finalized` tag says.
    Finalized,
}

/// One thing asked of the ledger.
#[allow(
    clippy::large_enum_variant,
    reason = "actions are few at a time, and a box would show in every match"
)]
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Action {
    /// A member admits a worker release.
    AdmitRelease(Measurement),
    /// A member admits a Sotto contract on a chain.
    AdmitChain {
        /// CAIP-2 name.
        caip2: String,
        /// The contract.
        contract: Account,
        /// When its blocks are final.
        finality: Finality,
        /// The block to begin after.
        start: crate::BlockRef,
        /// How long a result key may live there, in seconds of chain time.
        key_lifetime: u64,
    },
    /// A member says what it saw of a chain.
    Observe(Observation),
    /// A member saw a block it had taken as final change: nothing moves on that chain until the
    /// council decides.
    Halt {
        /// The chain.
        chain: ChainId,
        /// The block as it was observed.
        was: crate::BlockRef,
        /// The block that stands at that height now.
        now: crate::BlockRef,
    },
    /// The council decides to go on from another block.
    Resume {
        /// The chain.
        chain: ChainId,
        /// The block to go on after.
        after: crate::BlockRef,
    },
    /// A member says that it holds all bytes of a request.
    Hold(RequestId),
    /// A worker joins, or renews for this epoch. Its key signs the action.
    Attest {
        /// Its keys.
        keys: WorkerKeys,
        /// Where it is paid.
        payees: Vec<(ChainId, Account)>,
        /// Evidence over the binding of keys, network and this epoch's challenge.
        evidence: Evidence,
    },
    /// An owner publishes an app.
    Deploy(Manifest),
    /// A granted worker names the address of an app's result key.
    ResultKey {
        /// The app.
        app: AppId,
        /// The epoch of the key.
        epoch: Epoch,
        /// Its address.
        key: Account,
    },
    /// An assigned worker hands in its answer.
    Answer {
        /// The record of the execution.
        receipt: SignedReceipt,
        /// The result for the chain.
        result: Vec<u8>,
        /// The result key's signature over the receipt's on-chain digest.
        signature: [u8; 65],
    },
    /// An assigned worker says why there is none.
    Fail {
        /// The request.
        request: RequestId,
        /// Which assignment.
        attempt: crate::Attempt,
        /// Why, for people.
        reason: String,
    },
    /// A member gives its signatures over an outbox entry's digest.
    Endorse {
        /// The chain.
        chain: ChainId,
        /// The entry's number in that chain's outbox.
        entry: u64,
        /// The member's signature.
        signature: [u8; 65],
    },
    /// An attested worker takes its seat of an app for this epoch, to be called directly.
    Sit {
        /// The app.
        app: AppId,
        /// The worker's process: openings are bound to it.
        boot: BootId,
    },
    /// A worker hands in the root over receipts of direct calls.
    Batch(SignedBatch),
}

/// An action with its sender and a nonce that rises by one.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SignedAction {
    /// The sender's compressed secp256k1 key.
    pub sender: [u8; 33],
    /// One more than the sender's last.
    pub nonce: u64,
    /// What is asked.
    pub action: Action,
    /// Over [`SignedAction::digest`].
    pub signature: [u8; 65],
}

impl SignedAction {
    /// SHA-256("sotto/action/v1" ‖ network ‖ sender ‖ nonce u64 BE ‖ borsh of the action).
    pub fn digest(network: &NetworkId, sender: &[u8; 33], nonce: u64, action: &Action) -> [u8; 32] {
        let body = borsh::to_vec(action).unwrap_or_default();
        sha256(&[b"sotto/action/v1", &network.0, sender, &nonce.to_be_bytes(), &body])
    }

    /// SHA-256 of the encoded action: its name in pools.
    pub fn id(&self) -> Hash {
        use crate::wire::Wire as _;
        Hash::of(&self.encode())
    }
}

fn validate_action(signed: &SignedAction) -> Result<(), Malformed> {
    match &signed.action {
        Action::Observe(observation) => {
            at_most("events", observation.events.len(), limits::OBSERVED_EVENTS_MAX)?;
            for event in &observation.events {
                match event {
                    crate::ChainEvent::Requested(ask) => ask.validate()?,
                    crate::ChainEvent::Unreadable { reason, .. } => {
                        at_most("reason", reason.len(), limits::REASON_MAX)?;
                    }
                    _ => {}
                }
            }
            Ok(())
        }
        Action::AdmitChain { caip2, .. } => at_most("caip2", caip2.len(), 41),
        Action::Attest { payees, evidence, .. } => {
            at_most("payees", payees.len(), 16)?;
            at_most("evidence", evidence.bytes.len(), limits::EVIDENCE_MAX)
        }
        Action::Deploy(manifest) => crate::wire::Wire::validate(manifest),
        Action::Answer { result, .. } => at_most("result", result.len(), limits::RESULT_MAX),
        Action::Fail { reason, .. } => at_most("reason", reason.len(), limits::REASON_MAX),
        Action::AdmitRelease(_)
        | Action::Hold(_)
        | Action::Halt { .. }
        | Action::Resume { .. }
        | Action::ResultKey { .. }
        | Action::Endorse { .. }
        | Action::Sit { .. }
        | Action::Batch(_) => Ok(()),
    }
}

wire!(SignedAction, 1, limits::ACTION_MAX, validate_action);

/// A block of the ledger. Its id is the hash of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Block {
    /// The network.
    pub network: NetworkId,
    /// Its height; the first after the genesis is 1.
    pub height: Height,
    /// The block before; the network id's bytes for the first.
    pub parent: BlockId,
    /// Its time; rises strictly.
    pub time: Time,
    /// The actions, in order.
    pub actions: Vec<SignedAction>,
    /// The ledger's root after them.
    pub root: Root,
}

impl Block {
    /// SHA-256 of the encoded block.
    pub fn id(&self) -> BlockId {
        use crate::wire::Wire as _;
        BlockId(sha256(&[&self.encode()]))
    }
}

fn validate_block(block: &Block) -> Result<(), Malformed> {
    at_most("actions", block.actions.len(), limits::BLOCK_ACTIONS_MAX)?;
    for action in &block.actions {
        // With its version byte, as it travels alone.
        let length = borsh::object_length(action).unwrap_or(usize::MAX).saturating_add(1);
        at_most("bytes of an action", length, limits::ACTION_MAX)?;
        validate_action(action)?;
    }
    Ok(())
}

wire!(Block, 1, limits::BLOCK_MAX, validate_block);
