//! Somebody who asks: an account on a chain, speaking to the Sotto contract as anybody may.

use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::providers::{Provider as _, RootProvider};
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolCall, SolEvent as _};
use anyhow::{Context as _, Result, ensure};
use sotto_chain_evm::{Key, Receipt, Wallet, sotto_abi};
use sotto_devchain::dev_accounts;
use sotto_types::{Account, Amount, Hash};
use std::time::Duration;

alloy::sol!(
    #[allow(missing_docs, reason = "generated")]
    Sotto,
    "../../contracts/solidity/artifacts/Sotto.json"
);

pub(crate) use Sotto::{Ask, Submission};

/// What each request puts in escrow.
pub(crate) const ESCROW: Amount = Amount(1_000_000_000_000_000);

/// An account and the contract it asks.
pub(crate) struct Client {
    wallet: Wallet,
    pub(crate) contract: Account,
    provider: RootProvider,
}

impl Client {
    pub(crate) async fn connect(rpc: &str, contract: &str, account: usize) -> Result<Self> {
        let key = Key::from_bytes(&dev_accounts()[account].private_key.0)?;
        let wallet = Wallet::connect(rpc, key, Duration::from_secs(20)).await?;
        let contract: Address = contract.parse()?;
        let contract = Account::from_address(contract.into_array());
        Ok(Self { wallet, contract, provider: RootProvider::new_http(rpc.parse()?) })
    }

    pub(crate) fn account(&self) -> Account {
        self.wallet.account()
    }

    fn address(&self) -> Address {
        Address::from(self.contract.address().unwrap())
    }

    /// The chain's time.
    pub(crate) async fn time(&self) -> Result<u64> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        Ok(block.context("no block")?.header.timestamp)
    }

    /// Sends a request under `nonce` and does not wait.
    pub(crate) async fn send(&self, nonce: u64, ask: Ask) -> Result<Hash> {
        let call = Sotto::requestCall { ask };
        let data = call.abi_encode();
        Ok(self.wallet.submit_with(nonce, Some(&self.contract), data, ESCROW, 400_000).await?)
    }

    pub(crate) async fn nonce(&self) -> Result<u64> {
        Ok(self.wallet.nonce().await?)
    }

    /// Makes a request and says its number.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<u64> {
        let hash = self.send(self.nonce().await?, ask).await?;
        let receipt = self.wallet.wait(hash).await?;
        number(&receipt)
    }

    pub(crate) async fn view<C: SolCall>(&self, call: &C) -> Result<C::Return> {
        let answer = self.wallet.view(&self.contract, &call.abi_encode(), &[sotto_abi()]).await?;
        Ok(C::abi_decode_returns(&answer)?)
    }

    pub(crate) async fn count(&self) -> Result<u64> {
        self.view(&Sotto::requestCountCall {}).await
    }

    /// 1 open, 2 fulfilled, 3 undelivered, 4 refunded.
    pub(crate) async fn status(&self, number: u64) -> Result<u8> {
        Ok(self.view(&Sotto::statusOfCall { id: number }).await?.status as u8)
    }

    pub(crate) async fn refund(&self, number: u64) -> Result<Receipt> {
        let call = Sotto::refundCall { id: number }.abi_encode();
        let nonce = self.nonce().await?;
        let abis = [sotto_abi()];
        Ok(self.wallet.transact(nonce, &self.contract, call, Amount(0), &abis).await?)
    }

    pub(crate) async fn balance(&self, of: &Account) -> Result<u128> {
        Ok(self.wallet.balance(of).await?.0)
    }

    /// How often each request ended, by its number, and what was paid out in all.
    pub(crate) async fn ends(&self) -> Result<(Vec<u64>, Vec<u64>, u128)> {
        let filter = Filter::new().address(self.address()).from_block(0);
        let (mut fulfilled, mut refunded, mut paid) = (Vec::new(), Vec::new(), 0);
        for log in self.provider.get_logs(&filter).await? {
            let topic = log.topics().get(1).copied().unwrap_or_default();
            let number = U256::from_be_bytes(topic.0).saturating_to::<u64>();
            match log.topics().first() {
                Some(&Sotto::Fulfilled::SIGNATURE_HASH) => fulfilled.push(number),
                Some(&Sotto::Refunded::SIGNATURE_HASH) => refunded.push(number),
                Some(&Sotto::Paid::SIGNATURE_HASH) => {
                    paid += u128::try_from(U256::from_be_slice(&log.data().data))?;
                }
                _ => {}
            }
        }
        Ok((fulfilled, refunded, paid))
    }
}

/// The number of the request a transaction made.
pub(crate) fn number(receipt: &Receipt) -> Result<u64> {
    ensure!(receipt.ok, "the request was refused");
    let made = receipt
        .logs
        .iter()
        .find(|log| log.topics.first() == Some(&Sotto::Requested::SIGNATURE_HASH.0));
    let topic = made.and_then(|log| log.topics.get(1)).context("no request was made")?;
    Ok(U256::from_be_bytes(*topic).saturating_to())
}

/// A request to `app` in a context of its own, without envelopes.
pub(crate) fn plain(app: &str, context: u64, payload: &[u8], deadline: u64) -> Result<Ask> {
    Ok(Ask {
        app: app.parse::<B256>()?,
        generation: 1,
        context: B256::from(U256::from(context)),
        submissions: Vec::new(),
        payload: Bytes::copy_from_slice(payload),
        payloadHash: B256::ZERO,
        callbackGas: 0,
        assurance: 0x0101_0100,
        deadline,
    })
}
