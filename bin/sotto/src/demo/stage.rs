//! What the demonstration is played on: a network, a chain, and people with accounts.

use crate::apps::{self, AppFile};
use crate::bindings::{Sotto, abis};
use crate::local::{ChainChoice, Local, Options, part};
use alloy::eips::BlockNumberOrTag;
use alloy::primitives::{Address, B256};
use alloy::providers::{Provider as _, RootProvider};
use alloy::rpc::types::Filter;
use alloy::sol_types::{SolCall, SolEvent};
use anyhow::{Context as _, Result, bail};
use rand::rngs::OsRng;
use sotto_chain_evm::{Key, Receipt, Wallet, WalletError};
use sotto_client::{Gateway, Network};
use sotto_crypto::sign::SigningKey;
use sotto_devchain::dev_accounts;
use sotto_types::{Account, Amount, AppId, ChainId, RequestId, Wire as _};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long any one step may take.
const PATIENCE: Duration = Duration::from_secs(90);
/// Blocks of an epoch: longer than the demonstration needs one result key.
const EPOCH_BLOCKS: u64 = 60;
/// Ether, in wei.
pub(super) const ETHER: u128 = 1_000_000_000_000_000_000;
/// What a request puts in escrow.
pub(super) const ESCROW: Amount = Amount(ETHER / 100);

/// Somebody with an account on the chain.
pub(super) struct Actor {
    pub(super) name: &'static str,
    wallet: Wallet,
    nonce: Mutex<u64>,
}

impl Actor {
    async fn new(rpc: &str, name: &'static str, account: usize) -> Result<Self> {
        let account = dev_accounts().get(account).copied().context("no such account")?;
        let key = Key::from_bytes(&account.private_key.0)?;
        let wallet = Wallet::connect(rpc, key, PATIENCE).await?;
        let nonce = Mutex::new(wallet.nonce().await?);
        Ok(Self { name, wallet, nonce })
    }

    pub(super) fn account(&self) -> Account {
        self.wallet.account()
    }

    pub(super) fn address(&self) -> Address {
        Address::from(self.account().address().unwrap_or_default())
    }

    /// Sends a call and waits for its block.
    pub(super) async fn call(
        &self,
        to: &Account,
        call: &impl SolCall,
        value: Amount,
    ) -> Result<Receipt, WalletError> {
        let mut nonce = self.nonce.lock().await;
        let hash = self.wallet.submit(*nonce, Some(to), call.abi_encode(), value, &abis()).await?;
        *nonce += 1;
        drop(nonce);
        let receipt = self.wallet.wait(hash).await?;
        if !receipt.ok {
            return Err(WalletError::Reverted("it ran out of gas or reverted".into()));
        }
        Ok(receipt)
    }

    /// Sends a call with this much gas and does not wait.
    pub(super) async fn send(
        &self,
        to: &Account,
        call: &impl SolCall,
        value: Amount,
        gas: u64,
    ) -> Result<sotto_types::Hash, WalletError> {
        let mut nonce = self.nonce.lock().await;
        let data = call.abi_encode();
        let hash = self.wallet.submit_with(*nonce, Some(to), data, value, gas).await?;
        *nonce += 1;
        Ok(hash)
    }

    pub(super) async fn wait(&self, hash: sotto_types::Hash) -> Result<Receipt, WalletError> {
        self.wallet.wait(hash).await
    }

    pub(super) async fn deploy(&self, code: Vec<u8>) -> Result<(Account, Receipt), WalletError> {
        let mut nonce = self.nonce.lock().await;
        let deployed = self.wallet.deploy(*nonce, code).await?;
        *nonce += 1;
        Ok(deployed)
    }

    /// What a view answers.
    pub(super) async fn view<C: SolCall>(&self, to: &Account, call: &C) -> Result<C::Return> {
        let answer = self.wallet.view(to, &call.abi_encode(), &abis()).await?;
        Ok(C::abi_decode_returns(&answer)?)
    }

    pub(super) async fn balance(&self, of: &Account) -> Result<u128> {
        Ok(self.wallet.balance(of).await?.0)
    }
}

/// The reason a contract gave for refusing; it must have refused.
pub(super) fn refusal(outcome: Result<Receipt, WalletError>, attempt: &str) -> Result<String> {
    match outcome {
        Err(WalletError::Reverted(reason)) => Ok(reason),
        Ok(_) => bail!("the attempt {attempt} was not refused"),
        Err(other) => Err(other.into()),
    }
}

pub(super) struct Stage {
    pub(super) local: Local,
    pub(super) network: Network,
    pub(super) gateway: Gateway,
    pub(super) chain: ChainId,
    pub(super) seller: Actor,
    pub(super) bidders: Vec<Actor>,
    pub(super) mallory: Actor,
    pub(super) payee: Account,
    /// What it held before the worker earned anything.
    pub(super) payee_before: u128,
    pub(super) auction_app: AppId,
    pub(super) hello_app: AppId,
    provider: RootProvider,
    folder: tempfile::TempDir,
}

impl Stage {
    /// Starts a network in a folder of its own and publishes the apps.
    pub(super) async fn set(rpc: Option<String>, now: &dyn Fn(&str)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let any = ([127, 0, 0, 1], 0).into();
        let key = alloy::hex::encode(dev_accounts()[part::COURIER].private_key);
        let chain = rpc.map_or(ChainChoice::Embedded(any), |url| ChainChoice::Rpc { url, key });
        let payee = Account::from_address(dev_accounts()[part::PAYEE].address.into_array());
        let local = Local::start(
            Options {
                folder: folder.path().to_owned(),
                chain,
                payee: Some(payee),
                gateway: any,
                workers: 1,
                epoch_blocks: EPOCH_BLOCKS,
                roots: Vec::new(),
            },
            now,
        )
        .await?;
        let network = Network::from_genesis(&local.node.genesis().encode())?;
        let gateway = Gateway::new(&local.gateway())?;
        now("publishing the auction app");
        let owner = SigningKey::generate(&mut OsRng);
        let auction_app =
            publish(&gateway, &network, &owner, apps::AUCTION_TOML, apps::AUCTION).await?;
        let hello_app = publish(&gateway, &network, &owner, apps::HELLO_TOML, apps::HELLO).await?;
        let rpc = local.rpc.clone();
        let mut bidders = Vec::new();
        for (place, name) in ["Alice", "Bob", "Carol", "Dave", "Erin"].into_iter().enumerate() {
            bidders.push(Actor::new(&rpc, name, 3 + place).await?);
        }
        let provider: RootProvider = RootProvider::new_http(rpc.parse()?);
        let seller = Actor::new(&rpc, "the seller", part::USER).await?;
        Ok(Self {
            chain: ChainId::from_caip2(&format!("eip155:{}", local.chain_id)),
            network,
            gateway,
            payee_before: seller.balance(&payee).await?,
            seller,
            bidders,
            mallory: Actor::new(&rpc, "Mallory", 8).await?,
            payee,
            auction_app,
            hello_app,
            provider,
            folder,
            local,
        })
    }

    pub(super) async fn strike(self) {
        self.local.stop().await;
        drop(self.folder);
    }

    /// The chain's time.
    pub(super) async fn chain_time(&self) -> Result<u64> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        Ok(block.context("the chain has no block")?.header.timestamp)
    }

    /// Until the chain's time has passed `time`.
    pub(super) async fn until(&self, time: u64, now: &dyn Fn(&str), what: &str) -> Result<()> {
        loop {
            let left = time.saturating_add(1).saturating_sub(self.chain_time().await?);
            if left == 0 {
                return Ok(());
            }
            now(&format!("{what}: {left} s to go"));
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// The number of a request, from the events of the transaction that made it.
    pub(super) fn number(&self, receipt: &Receipt) -> Result<u64> {
        let made = receipt
            .logs
            .iter()
            .filter(|log| log.contract == self.local.contract)
            .find(|log| log.topics.first() == Some(&Sotto::Requested::SIGNATURE_HASH.0));
        let topic = made.and_then(|log| log.topics.get(1)).context("no request was made")?;
        let (_, last) = topic.split_last_chunk::<8>().context("a topic is cut short")?;
        Ok(u64::from_be_bytes(*last))
    }

    pub(super) fn request_id(&self, number: u64) -> RequestId {
        RequestId::new(&self.chain, &self.local.contract, number)
    }

    /// Waits until a request stands as `wanted`; what it says about it.
    pub(super) async fn reach(
        &self,
        number: u64,
        wanted: &str,
        now: &dyn Fn(&str),
    ) -> Result<Option<String>> {
        let id = self.request_id(number);
        let until = tokio::time::Instant::now() + PATIENCE;
        let mut seen = "not seen by the ledger yet".to_owned();
        loop {
            if let Ok(line) = self.gateway.request(&id).await {
                let progress = line.progress.to_string();
                if progress == wanted {
                    return Ok(line.detail);
                }
                if matches!(progress.as_str(), "failed" | "refused" | "unanswered") {
                    let why = line.detail.unwrap_or_default();
                    bail!("request {number} is {progress}, not {wanted}: {why}");
                }
                seen = progress;
            }
            if tokio::time::Instant::now() > until {
                bail!("request {number} is {seen}, not {wanted}, after {} s", PATIENCE.as_secs());
            }
            now(&format!("request {number} is {seen}"));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The transactions by which requests were settled on the chain, with the gas each took.
    pub(super) async fn settling(&self, numbers: &[u64]) -> Result<Vec<(B256, u64)>> {
        let contract = Address::from(self.local.contract.address().unwrap_or_default());
        let topics: Vec<B256> = numbers
            .iter()
            .map(|number| B256::from(sotto_types::digest::word((*number).into())))
            .collect();
        let filter = Filter::new()
            .address(contract)
            .event_signature(Sotto::Fulfilled::SIGNATURE_HASH)
            .topic1(topics)
            .from_block(0);
        let mut found = Vec::new();
        for log in self.provider.get_logs(&filter).await? {
            let hash = log.transaction_hash.context("a log without its transaction")?;
            if found.iter().any(|(known, _)| *known == hash) {
                continue;
            }
            let receipt = self.provider.get_transaction_receipt(hash).await?;
            found.push((hash, receipt.context("a transaction without receipt")?.gas_used));
        }
        Ok(found)
    }
}

async fn publish(
    gateway: &Gateway,
    network: &Network,
    owner: &SigningKey,
    toml: &str,
    component: &[u8],
) -> Result<AppId> {
    let manifest = AppFile::parse(toml)?.manifest(owner.public().to_bytes(), component);
    Ok(gateway.deploy(network, owner, &manifest, component.to_vec()).await?)
}

impl Stage {
    /// The gas of the last transaction in which the Sotto contract emitted this event.
    pub(super) async fn gas_of_event(&self, signature: B256) -> Result<Option<u64>> {
        let contract = Address::from(self.local.contract.address().unwrap_or_default());
        let filter = Filter::new().address(contract).event_signature(signature).from_block(0);
        let logs = self.provider.get_logs(&filter).await?;
        let Some(hash) = logs.last().and_then(|log| log.transaction_hash) else { return Ok(None) };
        let receipt = self.provider.get_transaction_receipt(hash).await?;
        Ok(receipt.map(|receipt| receipt.gas_used))
    }
}
