//! Writing to a Sotto contract.

use async_trait::async_trait;
use sotto_roles::courier::{BuildError, Built, Fee, Raw, SubmitError, TxStatus};
use sotto_types::{Account, Delivery, Finality, Hash};

/// What a chain takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SinkCaps {
    /// Results in one batch.
    pub batch: usize,
    /// Bytes of one result.
    pub result: usize,
    /// Gas a callback may have.
    pub callback_gas: u32,
    /// Seconds between blocks, roughly.
    pub block_time: u64,
}

/// Why the account or the fee could not be asked for, or a call not be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SinkError {
    /// No answer.
    #[error("the node does not answer: {0}")]
    Unreachable(String),
    /// The node's answer makes no sense, or it refused.
    #[error("the node refused: {0}")]
    Refused(String),
    /// This adapter was given no key.
    #[error("no signing key is configured")]
    NoSigner,
    /// The call cannot be signed.
    #[error("cannot be signed: {0}")]
    Unsignable(String),
}

/// Writes to one Sotto contract from one account. Every call asks the chain anew; nonces come from
/// the caller.
#[async_trait]
pub trait ResultSink: Send + Sync {
    /// What the chain takes.
    fn caps(&self) -> SinkCaps;

    /// The account that sends and pays.
    fn account(&self) -> Account;

    /// A call that does nothing, cheaply: it uses up a nonce.
    fn void(&self) -> Built;

    /// The account's next nonce after the newest block that is final so.
    async fn next_nonce(&self, finality: Finality) -> Result<u64, SinkError>;

    /// What a unit of gas costs now.
    async fn fee(&self) -> Result<Fee, SinkError>;

    /// Makes a delivery into a call and tries it on the newest state.
    ///
    /// # Errors
    /// [`BuildError::AlreadyDone`] if the chain has it, [`BuildError::WouldRevert`] with the
    /// contract's reason, [`BuildError::Unreachable`] if the chain could not be asked.
    async fn build(&self, delivery: &Delivery) -> Result<Built, BuildError>;

    /// Signs a call. The same arguments give the same bytes; nothing is sent.
    fn sign(&self, built: &Built, nonce: u64, fee: &Fee) -> Result<Raw, SinkError>;

    /// Gives a transaction to the chain.
    async fn broadcast(&self, raw: &Raw) -> Result<(), SubmitError>;

    /// What became of a transaction, of whose attempts at most one can be in a block; `finality`
    /// says when a block is final.
    async fn tx_status(&self, hashes: &[Hash], finality: Finality) -> Result<TxStatus, SinkError>;
}
