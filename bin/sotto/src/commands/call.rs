//! `sotto call`: asks an app through the chain, as any account may, and waits for the answer; or
//! directly, in a session.

mod direct;

use crate::bindings::Sotto::{self, Ask, Submission};
use crate::bindings::abis;
use crate::commands::Where;
use crate::local::{address, part};
use crate::screen::Screen;
use alloy::primitives::{B256, Bytes};
use alloy::sol_types::{SolCall as _, SolEvent as _};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use rand::RngCore as _;
use rand::rngs::OsRng;
use sotto_chain_evm::{Key, Wallet};
use sotto_client::Recipient;
use sotto_devchain::dev_accounts;
use sotto_types::{Account, Amount, AppId, Assurance, ChainId, Context, Generation, RequestId};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a transaction may take to get into a block.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ask an app through the chain, or directly, and wait for the answer.
#[derive(Args)]
pub(crate) struct Call {
    /// The app's id
    app: AppId,

    /// With --direct: what the app is called with, one call for each: text, or @FILE
    #[arg(requires = "direct")]
    inputs: Vec<String>,

    /// Call the app in a session with one of its workers, without a chain and without a fee
    #[arg(long, requires = "inputs", conflicts_with_all = ["payload", "sealed", "escrow_gwei", "seconds", "rpc", "key"])]
    direct: bool,

    /// Public payload: text, or @FILE for a file's bytes; at most 1,024 bytes
    #[arg(long, default_value = "")]
    payload: String,

    /// Sealed payload, readable in the app's enclave only: text, or @FILE; may be repeated
    #[arg(long)]
    sealed: Vec<String>,

    /// Escrow, in gwei
    #[arg(long, default_value_t = 1_000_000)]
    escrow_gwei: u64,

    /// Seconds the network has to answer
    #[arg(long, default_value_t = 120)]
    seconds: u64,

    /// The chain's JSON-RPC
    #[arg(long, env = "SOTTO_RPC", default_value = "http://127.0.0.1:8545")]
    rpc: String,

    /// The asking account's key; the development chain's published account by default
    #[arg(long, env = "SOTTO_KEY", hide_env_values = true)]
    key: Option<String>,

    /// Keep the receipt in this file (of several direct calls, the last one's)
    #[arg(long)]
    receipt: Option<PathBuf>,

    #[command(flatten)]
    at: Where,
}

impl Call {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        if self.direct {
            return self.direct(screen).await;
        }
        let (gateway, network) = self.at.open()?;
        let progress = screen.progress("asking");
        let key = match &self.key {
            Some(key) => Key::from_hex(key)?,
            None => Key::from_bytes(&dev_accounts()[part::USER].private_key.0)?,
        };
        let wallet = Wallet::connect(&self.rpc, key, PATIENCE).await?;
        let caip2 = format!("eip155:{}", wallet.chain_id());
        let contract = contract(&gateway.status().await?, &caip2)?;
        let chain = ChainId::from_caip2(&caip2);
        let mut context = [0; 32];
        OsRng.fill_bytes(&mut context);
        let recipient = Recipient {
            app: self.app,
            generation: Generation(1),
            chain,
            contract,
            consumer: wallet.account(),
            submitter: wallet.account(),
            context: Context(context),
        };
        let mut submissions = Vec::new();
        for text in &self.sealed {
            let envelope = network.seal(&recipient, &bytes(text)?, &mut OsRng)?;
            let hash = gateway.keep(envelope).await?;
            let submitter = wallet.account().address().unwrap_or_default().into();
            submissions.push(Submission { submitter, envelope: B256::from(hash.0) });
        }
        let number = self.ask(&wallet, &contract, context, submissions).await?;
        let id = RequestId::new(&chain, &contract, number);
        progress.now(format!("waiting for the answer to request {number}"));
        let bundle = self.wait(&gateway, &id).await?;
        drop(progress);
        let checked = network.check_receipt(&bundle)?;
        if let Some(path) = &self.receipt {
            std::fs::write(path, &bundle)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        let text = direct::text(&checked.result);
        let result = alloy::hex::encode_prefixed(&checked.result);
        screen.say(format!("request  {id}"));
        screen.say(format!("answer   {}", text.as_deref().unwrap_or(&result)));
        screen.say(format!("\n{checked}"));
        screen.object(&serde_json::json!({
            "request": id.to_string(), "number": number, "result": result, "text": text,
            "receipt": hex::encode(&bundle), "verified": true,
        }));
        Ok(ExitCode::SUCCESS)
    }

    /// Makes the request; its number.
    async fn ask(
        &self,
        wallet: &Wallet,
        contract: &Account,
        context: [u8; 32],
        submissions: Vec<Submission>,
    ) -> Result<u64> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        let call = Sotto::requestCall {
            ask: Ask {
                app: B256::from(self.app.0),
                generation: 1,
                context: B256::from(context),
                submissions,
                payload: Bytes::from(bytes(&self.payload)?),
                payloadHash: B256::ZERO,
                callbackGas: 0,
                assurance: Assurance::SINGLE.0,
                deadline: now.saturating_add(self.seconds),
            },
        };
        let escrow = Amount(u128::from(self.escrow_gwei) * 1_000_000_000);
        let nonce = wallet.nonce().await?;
        let receipt = wallet.transact(nonce, contract, call.abi_encode(), escrow, &abis()).await?;
        let made = receipt.logs.iter().find(|log| {
            log.contract == *contract
                && log.topics.first() == Some(&Sotto::Requested::SIGNATURE_HASH.0)
        });
        let topic = made.and_then(|log| log.topics.get(1)).context("no request was made")?;
        let (_, number) = topic.split_last_chunk::<8>().context("a topic is cut short")?;
        Ok(u64::from_be_bytes(*number))
    }

    /// The receipt, once the chain has settled the request.
    async fn wait(&self, gateway: &sotto_client::Gateway, id: &RequestId) -> Result<Vec<u8>> {
        let until = Instant::now() + Duration::from_secs(self.seconds.saturating_add(30));
        loop {
            if let Ok(line) = gateway.request(id).await {
                let detail = line.detail.unwrap_or_default();
                match line.progress.to_string().as_str() {
                    "settled" => return Ok(gateway.receipt(id).await?),
                    "refused" | "failed" | "unanswered" | "refunded" => {
                        bail!("request {} is {}: {detail}", line.number, line.progress)
                    }
                    _ => {}
                }
            }
            if Instant::now() > until {
                bail!("no answer in time; after the deadline the escrow can be refunded");
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

/// Text as it stands, or a file's bytes.
fn bytes(text: &str) -> Result<Vec<u8>> {
    match text.strip_prefix('@') {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read {path}")),
        None => Ok(text.as_bytes().to_vec()),
    }
}

/// The Sotto contract the network has on this chain.
fn contract(status: &serde_json::Value, caip2: &str) -> Result<Account> {
    let chains = status["chains"].as_array().cloned().unwrap_or_default();
    let chain = chains.iter().find(|chain| chain["chain"] == caip2);
    let contract = chain.and_then(|chain| chain["contract"].as_str());
    address(contract.with_context(|| format!("the network has no contract on {caip2}"))?)
}
