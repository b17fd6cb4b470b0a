//! Reading a Sotto contract.

use async_trait::async_trait;
use sotto_types::{Account, BlockRef, ChainEvent, ChainId, Domain, Finality, Hash, NetworkId};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// What stands at the other end, compared with the configuration before anything else is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainIdentity {
    /// CAIP-2 name of the chain that answers.
    pub caip2: String,
    /// SHA-256 of the contract's code.
    pub code: Hash,
    /// The network the contract says it belongs to.
    pub network: NetworkId,
    /// The domain the contract computes its digests with: binds its version's tags, network,
    /// chain and address.
    pub domain: Domain,
}

/// What a node serves is not what was configured: nothing of it may be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongChain {
    /// Another chain.
    #[error("the node serves chain {found}, not {due}")]
    Chain {
        /// CAIP-2 name of the chain it serves.
        found: String,
        /// The one configured.
        due: String,
    },
    /// A Sotto contract of another network.
    #[error("the contract belongs to network {found}, not {due}")]
    Network {
        /// The network it says it belongs to.
        found: NetworkId,
        /// The one configured.
        due: NetworkId,
    },
    /// A contract whose digests are not those of this version at this address.
    #[error("the contract is of another version, or not a Sotto contract")]
    Domain,
}

impl ChainIdentity {
    /// Whether this is the contract at `contract` of `network` on the chain `caip2`.
    ///
    /// # Errors
    /// [`WrongChain`] names what differs first.
    pub fn verify(
        &self,
        caip2: &str,
        network: &NetworkId,
        contract: &Account,
    ) -> Result<(), WrongChain> {
        if self.caip2 != caip2 {
            return Err(WrongChain::Chain { found: self.caip2.clone(), due: caip2.into() });
        }
        if self.network != *network {
            return Err(WrongChain::Network { found: self.network, due: *network });
        }
        let due = Domain::new(network, &ChainId::from_caip2(caip2), contract);
        if self.domain == due { Ok(()) } else { Err(WrongChain::Domain) }
    }
}

/// The contract's last nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Nonces {
    /// Of changes of result keys.
    pub keys: u64,
    /// Of pay-outs.
    pub payout: u64,
    /// Of changes of members.
    pub members: u64,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestStatus {
    /// No request has this number.
    None,
    /// It waits for its result.
    Open,
    /// A result was accepted.
    Settled {
        /// SHA-256 of the result.
        result: Hash,
        /// Whether the consumer took its callback (true where none was wanted).
        delivered: bool,
    },
    /// The escrow went back.
    Refunded,
}

/// Why a chain could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The node does not answer for so many blocks at once.
    #[error("the node refuses so large a range of blocks")]
    RangeTooLarge {
        /// How many blocks it would take, where it says.
        hint: Option<u64>,
    },
    /// The node does not have the block yet, or no longer its state.
    #[error("the node lags behind: {0}")]
    Lagging(String),
    /// No answer.
    #[error("the node does not answer: {0}")]
    Unreachable(String),
    /// The node answered, but not what was asked.
    #[error("the node's answer makes no sense: {0}")]
    Malformed(String),
    /// The node answered with an error of its own.
    #[error("the node refused: {0}")]
    Refused(String),
    /// There is no Sotto contract at the configured address.
    #[error("no Sotto contract there: {0}")]
    NoContract(String),
}

/// Reads one Sotto contract. Every call asks the chain anew.
#[async_trait]
pub trait RequestSource: Send + Sync {
    /// Which chain and contract these are.
    async fn identity(&self) -> Result<ChainIdentity, SourceError>;

    /// The newest block that is final; with [`Finality::Instant`], the newest of all.
    async fn head(&self, finality: Finality) -> Result<BlockRef, SourceError>;

    /// The block at a height, if there is one.
    async fn block(&self, height: u64) -> Result<Option<BlockRef>, SourceError>;

    /// The contract's gapless request counter after a block.
    async fn request_count(&self, at: &BlockRef) -> Result<u64, SourceError>;

    /// What the contract did in these blocks, in the chain's order.
    ///
    /// # Errors
    /// [`SourceError::RangeTooLarge`] if fewer blocks must be asked for.
    async fn events(&self, blocks: RangeInclusive<u64>) -> Result<Vec<ChainEvent>, SourceError>;

    /// Where a request stands at the newest block that is final so.
    async fn status(&self, number: u64, finality: Finality) -> Result<RequestStatus, SourceError>;

    /// The contract's nonces at the newest block that is final so.
    async fn nonces(&self, finality: Finality) -> Result<Nonces, SourceError>;

    /// The envelopes with these hashes that a consumer published on the chain up to a height.
    /// Only bytes with the right SHA-256 come back; what is missing was not published there.
    async fn published(
        &self,
        consumer: &Account,
        hashes: &[Hash],
        upto: u64,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, SourceError>;
}
