//! A development network on this machine: a chain (embedded, or one reached by its RPC), the Sotto
//! contract on it, and a node of one council member, workers and a gateway.

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use sotto_chain::RequestSource as _;
use sotto_chain_evm::{Config as EvmConfig, EvmChain, Key, Wallet, deploy_code};
use sotto_devchain::{Config as ChainConfig, Devchain, dev_accounts};
use sotto_node::{Config as NodeConfig, Hands, Node};
use sotto_tee::Simulated;
use sotto_types::{Account, BlockRef, Finality, Hash, Time, Wire as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a transaction or an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most offered for a unit of gas, in wei.
const MAX_FEE: u128 = 500_000_000_000;

/// Which of the chain's published development accounts does what.
pub(crate) mod part {
    /// Lent to whoever tries the network.
    pub(crate) const USER: usize = 0;
    /// Deploys the Sotto contract and carries results.
    pub(crate) const COURIER: usize = 1;
    /// Where workers are paid.
    pub(crate) const PAYEE: usize = 2;
}

/// What chain to stand on.
pub(crate) enum ChainChoice {
    /// The embedded development chain, listening here.
    Embedded(SocketAddr),
    /// A node elsewhere, with a funded key.
    Rpc {
        /// Its URL.
        url: String,
        /// Pays for deploying and carrying.
        key: String,
    },
}

/// How to start.
pub(crate) struct Options {
    pub(crate) folder: PathBuf,
    pub(crate) chain: ChainChoice,
    /// Where workers are paid; the key's own account unless told.
    pub(crate) payee: Option<Account>,
    pub(crate) gateway: SocketAddr,
    pub(crate) workers: u16,
    pub(crate) epoch_blocks: u64,
    pub(crate) roots: Vec<Vec<u8>>,
}

/// Where the contract stands; kept in the folder, so that it is deployed once.
#[derive(Serialize, Deserialize)]
struct Site {
    network: String,
    chain_id: u64,
    contract: String,
    height: u64,
    hash: String,
    parent: String,
    time: u64,
    gas: u64,
}

/// A running development network.
pub(crate) struct Local {
    pub(crate) node: Node,
    pub(crate) rpc: String,
    pub(crate) chain_id: u64,
    pub(crate) contract: Account,
    /// Gas that deploying the contract took.
    pub(crate) deploy_gas: u64,
    devchain: Option<Devchain>,
}

impl Local {
    /// Starts everything; `now` hears what is being done.
    pub(crate) async fn start(options: Options, now: &dyn Fn(&str)) -> Result<Self> {
        now("measuring this program and starting the node");
        let tee = tokio::task::spawn_blocking(Simulated::of_this_program).await??;
        let mut node = Node::start(
            NodeConfig {
                folder: options.folder.clone(),
                name: "local".into(),
                gateway: options.gateway,
                epoch_blocks: options.epoch_blocks,
                workers: options.workers,
                roots: options.roots,
            },
            Arc::new(tee),
        )
        .await?;
        now("starting the chain");
        let (devchain, rpc, key) = chain(&options.folder, options.chain).await?;
        let wallet = Wallet::connect(&rpc, Key::from_hex(&key)?, PATIENCE).await?;
        let key_lifetime = node.genesis().epoch_blocks * node.genesis().block_seconds * 2;
        let lifetime = u32::try_from(key_lifetime).context("an epoch is too long")?;
        let site = site(&options.folder, &node, &wallet, &rpc, lifetime, now).await?;
        let contract = address(&site.contract)?;
        let mut config = EvmConfig::new(rpc.clone(), contract);
        config.start = site.height;
        config.signer = Some(Key::from_hex(&key)?);
        let evm = Arc::new(EvmChain::connect(config).await?);
        let payee = options.payee.unwrap_or(wallet.account());
        now("attaching the chain to the ledger");
        node.attach(
            Hands {
                caip2: format!("eip155:{}", site.chain_id),
                contract,
                finality: Finality::Finalized,
                start: block_ref(&site)?,
                key_lifetime,
                max_fee: MAX_FEE,
                source: evm.clone(),
                sink: evm,
            },
            payee,
        )
        .await?;
        let local =
            Self { node, rpc, chain_id: site.chain_id, contract, deploy_gas: site.gas, devchain };
        std::fs::write(options.folder.join("genesis"), local.node.genesis().encode())?;
        now("waiting for the worker to be attested");
        local.wait_until_ready().await?;
        Ok(local)
    }

    /// The gateway's URL.
    pub(crate) fn gateway(&self) -> String {
        format!("http://{}", self.node.gateway())
    }

    /// Until the chain is in the ledger and the workers are attested.
    async fn wait_until_ready(&self) -> Result<()> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let status = self.node.status()?;
            let good = status.workers.iter().any(|worker| worker.good);
            if good && !status.chains.is_empty() {
                return Ok(());
            }
            if tokio::time::Instant::now() > until {
                bail!("no worker was attested within {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Stops everything in order.
    pub(crate) async fn stop(self) {
        self.node.stop().await;
        if let Some(devchain) = self.devchain {
            devchain.stop().await;
        }
    }
}

/// The chain to stand on, its URL, and the key that pays there.
async fn chain(folder: &Path, choice: ChainChoice) -> Result<(Option<Devchain>, String, String)> {
    match choice {
        ChainChoice::Embedded(listen) => {
            let journal = Some(folder.join("chain.journal"));
            let config = ChainConfig { listen, journal, ..ChainConfig::default() };
            let devchain = Devchain::start(config).await.with_context(|| {
                format!("the embedded chain on {listen} (another port: --chain-port)")
            })?;
            let key = dev_accounts()[part::COURIER].private_key;
            let url = devchain.url();
            Ok((Some(devchain), url, hex::encode(key)))
        }
        ChainChoice::Rpc { url, key } => Ok((None, url, key)),
    }
}

/// Where the Sotto contract stands: as noted in the folder, or deployed now.
async fn site(
    folder: &Path,
    node: &Node,
    wallet: &Wallet,
    rpc: &str,
    key_lifetime: u32,
    now: &dyn Fn(&str),
) -> Result<Site> {
    let path = folder.join("contract.json");
    let network = node.genesis().id().to_string();
    if let Ok(text) = std::fs::read_to_string(&path) {
        let site: Site = serde_json::from_str(&text)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        if site.network != network || site.chain_id != wallet.chain_id() {
            bail!(
                "{} names a contract of network {} on chain {}; begin anew with --fresh",
                path.display(),
                site.network,
                site.chain_id
            );
        }
        return Ok(site);
    }
    now("deploying the Sotto contract");
    let members: Vec<Account> = node
        .genesis()
        .members
        .iter()
        .map(|key| {
            Ok(Account::from_address(sotto_crypto::sign::PublicKey::from_bytes(key)?.address()))
        })
        .collect::<Result<_>>()?;
    let code = deploy_code(&node.genesis().id(), &members, key_lifetime);
    let (contract, receipt) = wallet.deploy(wallet.nonce().await?, code).await?;
    let evm = EvmChain::connect(EvmConfig::new(rpc, contract)).await?;
    let block = evm.block(receipt.height).await?.context("the block of the deployment is gone")?;
    let site = Site {
        network,
        chain_id: wallet.chain_id(),
        contract: show(&contract),
        height: block.height,
        hash: block.hash.to_string(),
        parent: block.parent.to_string(),
        time: block.time.0,
        gas: receipt.gas,
    };
    let part = path.with_extension("part");
    std::fs::write(&part, serde_json::to_vec_pretty(&site)?)?;
    std::fs::rename(&part, &path)?;
    Ok(site)
}

fn block_ref(site: &Site) -> Result<BlockRef> {
    Ok(BlockRef {
        height: site.height,
        hash: site.hash.parse::<Hash>()?,
        parent: site.parent.parse::<Hash>()?,
        time: Time(site.time),
    })
}

/// An address as people write it.
pub(crate) fn show(account: &Account) -> String {
    match account.address() {
        Some(address) => alloy::primitives::Address::from(address).to_checksum(None),
        None => account.to_string(),
    }
}

/// Reads an address as people write it.
pub(crate) fn address(text: &str) -> Result<Account> {
    let address: alloy::primitives::Address =
        text.parse().with_context(|| format!("{text} is not an address"))?;
    Ok(Account::from_address(address.into_array()))
}
