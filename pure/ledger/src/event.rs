//! What a block did, and why an action in it did nothing.

use sotto_types::{
    Account, AppId, Attempt, ChainId, Epoch, Hash, Height, Measurement, NodeId, RequestId,
};

/// Something a block did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An action was carried out.
    Done {
        /// The action's id.
        action: Hash,
    },
    /// An action was refused; it changed nothing but its sender's nonce.
    Refused {
        /// The action's id.
        action: Hash,
        /// Why.
        why: Refusal,
    },
    /// A new epoch began.
    Epoch(Epoch),
    /// A worker's evidence was appraised and accepted.
    Attested(NodeId),
    /// An app was published.
    Deployed(AppId),
    /// A request was observed and admitted.
    Requested(RequestId),
    /// A request was observed and refused; its escrow returns after its deadline.
    RequestRefused(RequestId, RequestRefusal),
    /// A quorum holds a request's bytes.
    Held(RequestId),
    /// A request was assigned.
    Assigned {
        /// The request.
        request: RequestId,
        /// The worker.
        worker: NodeId,
        /// Which assignment.
        attempt: Attempt,
    },
    /// No worker could be had, or none answered, in time.
    Unanswered(RequestId),
    /// A worker answered.
    Answered(RequestId),
    /// The app failed.
    Failed(RequestId),
    /// The contract settled a request.
    Settled(RequestId),
    /// The requester has its escrow back.
    Refunded(RequestId),
    /// Something is to be carried to a chain once endorsed.
    Outgoing {
        /// The chain.
        chain: ChainId,
        /// The entry's number.
        entry: u64,
    },
    /// A worker took its seat of an app.
    Seated {
        /// The app.
        app: AppId,
        /// The worker.
        worker: NodeId,
    },
    /// A root over receipts of direct calls was taken.
    Batched {
        /// The worker.
        worker: NodeId,
        /// Which batch of its boot.
        number: u64,
    },
    /// A chain contradicted what was final: nothing moves there until the council decides.
    Halted(ChainId),
}

/// Why the ledger does not admit a request that a chain recorded.
#[derive(
    Clone, Debug, PartialEq, Eq, thiserror::Error, borsh::BorshSerialize, borsh::BorshDeserialize,
)]
pub enum RequestRefusal {
    /// The record could not be read.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// No such app.
    #[error("no app {0} is published")]
    UnknownApp(AppId),
    /// Another generation of the app's code runs.
    #[error("the app runs generation {runs}, not {asked}")]
    Generation {
        /// What was asked.
        asked: u64,
        /// What runs.
        runs: u64,
    },
    /// Only `single` is offered.
    #[error("assurance {0:#010x} is not offered; this network offers single (0x01010100)")]
    Assurance(u32),
    /// Another request of this context is not refunded yet.
    #[error("the context is in use by request {0}, which is not refunded")]
    ContextInUse(u64),
    /// The context was fixed with another list of envelopes, app or payload.
    #[error("the context was fixed by request {0} with another list of envelopes, app or payload")]
    ContextFixed(u64),
    /// It could not be answered before its deadline.
    #[error("the deadline {deadline} is too close to the chain's time {now}")]
    TooLate {
        /// The deadline.
        deadline: u64,
        /// The chain's time.
        now: u64,
    },
}

/// Why an action is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The signature is not the sender's.
    #[error("the signature is not the sender's")]
    Signature,
    /// The nonce is not the sender's next.
    #[error("nonce {got} where {want} is next")]
    Nonce {
        /// Given.
        got: u64,
        /// Wanted.
        want: u64,
    },
    /// Only a council member may.
    #[error("only a council member may do this")]
    NotMember,
    /// Only a worker attested in this epoch or the last may.
    #[error("node {0} is not an attested worker")]
    NotWorker(NodeId),
    /// Appraisal refused.
    #[error("appraisal: {0}")]
    Appraisal(#[from] sotto_attest::Refusal),
    /// The transport key is no point of the group, or is one that hides nothing.
    #[error("the transport key cannot hide a grant")]
    TransportKey,
    /// Another worker has this transport key.
    #[error("the keys are not the sender's own")]
    ForeignKeys,
    /// The pool is full.
    #[error("{0} workers are the most this network takes")]
    TooManyWorkers(usize),
    /// The manifest is not owned by the sender.
    #[error("only the manifest's owner may publish it")]
    NotOwner,
    /// It is there already.
    #[error("{0} is there already")]
    Exists(&'static str),
    /// There is none.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The chain is halted.
    #[error("the chain is halted at block {0}")]
    Halted(u64),
    /// The chain is not halted.
    #[error("the chain is not halted")]
    NotHalted,
    /// The observation does not begin where the last ended.
    #[error("the observation begins after block {got}, the last ended at {want}")]
    Cursor {
        /// Given.
        got: u64,
        /// Wanted.
        want: u64,
    },
    /// The counter shows that requests were missed, or are numbered otherwise.
    #[error("request {got} where the gapless counter says {want}")]
    Gap {
        /// Given.
        got: u64,
        /// Wanted.
        want: u64,
    },
    /// A block that does not come after the one before.
    #[error("time or height does not rise")]
    NotRising,
    /// The request is in another state.
    #[error("the request is {0}")]
    State(&'static str),
    /// The request is assigned to somebody else, or another attempt.
    #[error("the request is not assigned to the sender for this attempt")]
    NotAssigned,
    /// The receipt does not say what the ledger knows.
    #[error("the receipt's {0} is not the ledger's")]
    Receipt(&'static str),
    /// The result key is another, or not announced.
    #[error("the result is not signed by the app's result key")]
    ResultKey,
    /// Another worker announced another key for the same app and epoch.
    #[error("another result key stands for this app and epoch")]
    OtherResultKey,
    /// The worker is not in the app's pool of this epoch.
    #[error("the worker is not in the app's pool of this epoch")]
    NotInPool,
    /// The batch is not the sender's next.
    #[error("the batch's {0} is not the ledger's")]
    Batch(&'static str),
    /// Not granted to the sender.
    #[error("the sender holds no such grant")]
    NotGranted,
    /// A height that is not now.
    #[error("height {0} is not acceptable here")]
    Height(Height),
    /// A measurement is known already.
    #[error("measurement {0} is admitted already")]
    Admitted(Measurement),
    /// An endorsement by somebody who is no member, or given twice.
    #[error("no new member's endorsement by {0}")]
    Endorsement(Account),
}
