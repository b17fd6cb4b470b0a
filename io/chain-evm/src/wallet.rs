//! One account that deploys, calls and waits: for setting up and for demonstrations. Nonces are
//! the caller's, as everywhere.

use crate::abi::{account, address};
use crate::chain::chain_id;
use crate::rpc::{Fault, Rpc, call_request};
use crate::sink::{Unsigned, broadcast, fee, nonce, with_margin};
use crate::{Key, reason};
use alloy::{
    json_abi::JsonAbi,
    primitives::{Address, B256, TxKind, U64, U256},
    rpc::types::{Log, TransactionRequest},
};
use serde::Deserialize;
use sotto_chain::{Raw, SubmitError};
use sotto_types::{Account, Amount, Hash};
use std::time::Duration;
use tokio::time::Instant;

/// Time between two looks for a receipt.
const LOOK: Duration = Duration::from_millis(100);
/// The most offered for a unit of gas, in wei.
const MAX_FEE: u128 = 500_000_000_000;

/// Why a transaction did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalletError {
    /// The node's URL cannot be used.
    #[error("the node's URL: {0}")]
    Url(String),
    /// The node does not answer, or answers nonsense.
    #[error("the node: {0}")]
    Node(String),
    /// The contract refuses the call.
    #[error("refused by the contract: {0}")]
    Reverted(String),
    /// The node did not take the transaction.
    #[error("not sent: {0}")]
    NotSent(#[from] SubmitError),
    /// It got into no block in time.
    #[error("{hash} got into no block within {seconds} s")]
    NotMined {
        /// Its hash.
        hash: Hash,
        /// How long was waited.
        seconds: u64,
    },
}

/// An event a contract emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLog {
    /// The contract.
    pub contract: Account,
    /// Its topics, the event's signature first.
    pub topics: Vec<[u8; 32]>,
    /// The rest, ABI-encoded.
    pub data: Vec<u8>,
}

/// A transaction in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its hash.
    pub hash: Hash,
    /// The block's height.
    pub height: u64,
    /// Whether it succeeded.
    pub ok: bool,
    /// Gas it used.
    pub gas: u64,
    /// The contract it made.
    pub contract: Option<Account>,
    /// The events it caused, in order.
    pub logs: Vec<EventLog>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mined {
    block_number: U64,
    status: U64,
    gas_used: U64,
    contract_address: Option<Address>,
    logs: Vec<Log>,
}

/// An account on an EVM chain.
pub struct Wallet {
    rpc: Rpc,
    key: Key,
    chain_id: u64,
    timeout: Duration,
}

impl Wallet {
    /// The account of `key` on the chain the node serves; a transaction may take `timeout` to get
    /// into a block, and a question as long to be answered.
    ///
    /// # Errors
    /// [`WalletError::Url`], [`WalletError::Node`].
    pub async fn connect(url: &str, key: Key, timeout: Duration) -> Result<Self, WalletError> {
        let rpc = Rpc::new(url, timeout).map_err(WalletError::Url)?;
        let chain_id = chain_id(&rpc).await.map_err(node)?;
        Ok(Self { rpc, key, chain_id, timeout })
    }

    /// The account.
    pub fn account(&self) -> Account {
        self.key.account()
    }

    /// The chain's id (EIP-155).
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// What an account holds, in wei.
    ///
    /// # Errors
    /// [`WalletError::Node`].
    pub async fn balance(&self, of: &Account) -> Result<Amount, WalletError> {
        let balance: U256 =
            self.rpc.ask("eth_getBalance", (address(of), "latest")).await.map_err(node)?;
        let balance = balance.try_into().map_err(|_| WalletError::Node("a balance".into()))?;
        Ok(Amount(balance))
    }

    /// The next nonce, transactions that wait included.
    ///
    /// # Errors
    /// [`WalletError::Node`].
    pub async fn nonce(&self) -> Result<u64, WalletError> {
        nonce(&self.rpc, address(&self.account()), "pending").await.map_err(node)
    }

    /// What a view of a contract answers.
    ///
    /// # Errors
    /// [`WalletError::Reverted`] with the contract's reason, [`WalletError::Node`].
    pub async fn view(
        &self,
        to: &Account,
        calldata: &[u8],
        abis: &[&JsonAbi],
    ) -> Result<Vec<u8>, WalletError> {
        let from = Some(address(&self.account()));
        let answer = self.rpc.call(from, address(to), calldata, "latest").await;
        answer.map(|bytes| bytes.to_vec()).map_err(|fault| reverted(fault, abis))
    }

    /// Tries a transaction out, signs it and broadcasts it: a call, or with no `to` a contract to
    /// deploy from `code`. `abis` name the errors it may meet.
    ///
    /// # Errors
    /// [`WalletError::Reverted`] if it would be refused (nothing is sent then),
    /// [`WalletError::NotSent`], [`WalletError::Node`].
    pub async fn submit(
        &self,
        nonce: u64,
        to: Option<&Account>,
        code: Vec<u8>,
        value: Amount,
        abis: &[&JsonAbi],
    ) -> Result<Hash, WalletError> {
        let request = self.request(to, &code, value);
        let gas: U64 = self
            .rpc
            .ask("eth_estimateGas", (request,))
            .await
            .map_err(|fault| reverted(fault, abis))?;
        self.submit_with(nonce, to, code, value, with_margin(gas.to())).await
    }

    /// As [`Self::submit`], with this gas limit and without trying it out: what reverts does so on
    /// the chain.
    ///
    /// # Errors
    /// [`WalletError::NotSent`], [`WalletError::Node`].
    pub async fn submit_with(
        &self,
        nonce: u64,
        to: Option<&Account>,
        code: Vec<u8>,
        value: Amount,
        gas: u64,
    ) -> Result<Hash, WalletError> {
        let fee = fee(&self.rpc, MAX_FEE).await.map_err(node)?;
        let unsigned = Unsigned {
            chain_id: self.chain_id,
            nonce,
            to: to.map_or(TxKind::Create, |to| TxKind::Call(address(to))),
            value: U256::from(value.0),
            input: code,
            gas,
            fee,
        };
        let raw: Raw = unsigned.sign(&self.key).map_err(WalletError::Node)?;
        match broadcast(&self.rpc, &raw).await {
            Ok(()) | Err(SubmitError::AlreadyKnown) => Ok(raw.hash),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until a transaction is in a block.
    ///
    /// # Errors
    /// [`WalletError::NotMined`], [`WalletError::Node`].
    pub async fn wait(&self, hash: Hash) -> Result<Receipt, WalletError> {
        let until = Instant::now() + self.timeout;
        loop {
            let mined: Option<Mined> = self
                .rpc
                .ask("eth_getTransactionReceipt", (B256::from(hash.0),))
                .await
                .map_err(node)?;
            if let Some(mined) = mined {
                return Ok(mined.receipt(hash));
            }
            if Instant::now() >= until {
                return Err(WalletError::NotMined { hash, seconds: self.timeout.as_secs() });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Submits a call and waits for it.
    ///
    /// # Errors
    /// As [`Self::submit`] and [`Self::wait`]; [`WalletError::Reverted`] too if it failed on the
    /// chain.
    pub async fn transact(
        &self,
        nonce: u64,
        to: &Account,
        calldata: Vec<u8>,
        value: Amount,
        abis: &[&JsonAbi],
    ) -> Result<Receipt, WalletError> {
        let hash = self.submit(nonce, Some(to), calldata, value, abis).await?;
        self.wait(hash).await?.succeeded()
    }

    /// Deploys a contract from its creation code with the constructor's arguments behind it.
    ///
    /// # Errors
    /// As [`Self::transact`].
    pub async fn deploy(
        &self,
        nonce: u64,
        code: Vec<u8>,
    ) -> Result<(Account, Receipt), WalletError> {
        let hash = self.submit(nonce, None, code, Amount(0), &[]).await?;
        let receipt = self.wait(hash).await?.succeeded()?;
        let contract = receipt.contract;
        let missing = || WalletError::Node(format!("{hash} made no contract"));
        Ok((contract.ok_or_else(missing)?, receipt))
    }

    fn request(&self, to: Option<&Account>, input: &[u8], value: Amount) -> TransactionRequest {
        let from = address(&self.account());
        let mut request = call_request(Some(from), Address::ZERO, input);
        request.to = Some(to.map_or(TxKind::Create, |to| TxKind::Call(address(to))));
        request.value = Some(U256::from(value.0));
        request
    }
}

impl Receipt {
    fn succeeded(self) -> Result<Self, WalletError> {
        if self.ok {
            Ok(self)
        } else {
            Err(WalletError::Reverted(format!("{} failed on the chain", self.hash)))
        }
    }
}

impl Mined {
    fn receipt(self, hash: Hash) -> Receipt {
        let logs = self.logs.into_iter().map(|log| EventLog {
            contract: account(log.inner.address),
            topics: log.inner.data.topics().iter().map(|topic| topic.0).collect(),
            data: log.inner.data.data.to_vec(),
        });
        Receipt {
            hash,
            height: self.block_number.to(),
            ok: self.status.to::<u64>() == 1,
            gas: self.gas_used.to(),
            contract: self.contract_address.map(account),
            logs: logs.collect(),
        }
    }
}

fn node(fault: Fault) -> WalletError {
    WalletError::Node(fault.to_string())
}

fn reverted(fault: Fault, abis: &[&JsonAbi]) -> WalletError {
    match fault {
        Fault::Refused { data: Some(data), .. } => WalletError::Reverted(reason(&data, abis)),
        Fault::Refused { message, .. } if message.to_lowercase().contains("revert") => {
            WalletError::Reverted(message)
        }
        fault => node(fault),
    }
}
