//! One Sotto contract behind one node.

use crate::{Key, abi::address, rpc::Fault, rpc::Rpc};
use alloy::primitives::{Address, U64};
use sotto_types::Account;
use std::{sync::Arc, time::Duration};

/// How a contract is reached.
pub struct Config {
    /// The node: an http or https URL.
    pub rpc: String,
    /// The Sotto contract.
    pub contract: Account,
    /// The block from which on the contract's consumers may have published envelopes: the one it
    /// was deployed in, or 0.
    pub start: u64,
    /// How many blocks back envelopes are looked for at most: anyone can name one that was never
    /// published, and each such name costs a look at all of them.
    pub lookback: u64,
    /// The key that sends and pays; none to read only.
    pub signer: Option<Key>,
    /// Most blocks asked for at once.
    pub max_range: u64,
    /// How long one question may take.
    pub timeout: Duration,
    /// The most offered for a unit of gas, in wei.
    pub max_fee: u128,
    /// Seconds between blocks, roughly.
    pub block_time: u64,
}

impl Config {
    /// A contract to be read: 2,000 blocks at once and 100,000 back for envelopes, 10 s for a question, at most 500 gwei for a
    /// unit of gas, a block every second.
    pub fn new(rpc: impl Into<String>, contract: Account) -> Self {
        Self {
            rpc: rpc.into(),
            contract,
            start: 0,
            lookback: 100_000,
            signer: None,
            max_range: 2_000,
            timeout: Duration::from_secs(10),
            max_fee: 500_000_000_000,
            block_time: 1,
        }
    }
}

/// Why a chain could not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The URL cannot be used.
    #[error("the node's URL: {0}")]
    Url(String),
    /// The contract's account is no 20-byte address.
    #[error("{0} is no address of an EVM chain")]
    Contract(Account),
    /// The node does not answer, or not as an Ethereum node.
    #[error("the node: {0}")]
    Node(String),
}

/// Reads and writes one Sotto contract on an EVM chain. Clones share the connection.
#[derive(Clone)]
pub struct EvmChain {
    pub(crate) rpc: Rpc,
    pub(crate) contract: Address,
    pub(crate) start: u64,
    pub(crate) lookback: u64,
    pub(crate) signer: Option<Arc<Key>>,
    pub(crate) chain_id: u64,
    pub(crate) max_range: u64,
    pub(crate) max_fee: u128,
    pub(crate) block_time: u64,
}

impl EvmChain {
    /// Reaches the node and asks which chain it serves; whether that and the contract are the
    /// right ones is the caller's question, by `RequestSource::identity`.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let rpc = Rpc::new(&config.rpc, config.timeout).map_err(ConnectError::Url)?;
        if config.contract.address().is_none() {
            return Err(ConnectError::Contract(config.contract));
        }
        let chain_id = chain_id(&rpc).await.map_err(|e| ConnectError::Node(e.to_string()))?;
        Ok(Self {
            rpc,
            contract: address(&config.contract),
            start: config.start,
            lookback: config.lookback,
            signer: config.signer.map(Arc::new),
            chain_id,
            max_range: config.max_range.max(1),
            max_fee: config.max_fee,
            block_time: config.block_time,
        })
    }

    /// The chain id the node gave (EIP-155).
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }
}

pub(crate) async fn chain_id(rpc: &Rpc) -> Result<u64, Fault> {
    let id: U64 = rpc.ask("eth_chainId", ()).await?;
    Ok(id.to())
}
