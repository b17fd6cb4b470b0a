//! `sotto receipt`: shows a receipt, or verifies it from the genesis, offline.

use crate::commands::Where;
use crate::screen::Screen;
use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use sotto_client::{Gateway, Network};
use sotto_ledger::state::Answered;
use sotto_types::{ReceiptBundle, RequestId, SessionBundle, Wire as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// Show or verify receipts.
#[derive(Subcommand)]
pub(crate) enum Receipt {
    /// Decode a receipt without judging it
    Show(Named),
    /// Verify a receipt from a genesis alone; exit status 2 if it is not believed
    Verify(Verify),
}

/// Which receipt.
#[derive(Args)]
pub(crate) struct Named {
    /// A file (raw or hexadecimal), hexadecimal digits, or a request's id to ask the gateway for
    receipt: String,

    #[command(flatten)]
    at: Where,
}

/// Which receipt, and what to believe.
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    named: Named,

    /// The genesis: a file (raw or hexadecimal); the folder's by default
    #[arg(long)]
    genesis: Option<PathBuf>,
}

impl Receipt {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        match self {
            Self::Show(named) => show(&named, screen).await,
            Self::Verify(verify) => verify.run(screen).await,
        }
    }
}

async fn show(named: &Named, screen: &Screen) -> Result<ExitCode> {
    let bytes = named.bytes().await?;
    if is_of_session(&bytes) {
        return show_session(&SessionBundle::decode(&bytes)?, screen);
    }
    let bundle = ReceiptBundle::decode(&bytes)?;
    let answered: Answered = sotto_ledger::view::parse(&bundle.answer.value)?;
    let receipt = &answered.receipt.receipt;
    for (what, value) in [
        ("network", receipt.network.to_string()),
        ("request", receipt.request.to_string()),
        ("asked", format!("number {} of {}", receipt.number, receipt.contract)),
        ("app", format!("{}, generation {}", receipt.app, receipt.generation)),
        ("code", receipt.code.to_string()),
        ("result", alloy::hex::encode_prefixed(&answered.result)),
        ("commitment", receipt.commitment.to_string()),
        ("for chain", receipt.on_chain.to_string()),
        ("ran", format!("assignment {}, epoch {}", receipt.attempt, receipt.epoch)),
        ("opened", format!("{} envelopes", receipt.opened)),
        ("fuel", receipt.fuel.to_string()),
        ("worker", receipt.worker.to_string()),
        ("evidence", receipt.evidence.to_string()),
        ("TEE", receipt.tee.to_string()),
    ] {
        screen.say(format!("{what:12} {value}"));
    }
    screen.say("\nNot verified: `sotto receipt verify` does that.");
    screen.object(&serde_json::json!({
        "verified": null,
        "network": receipt.network.to_string(),
        "request": receipt.request.to_string(),
        "app": receipt.app.to_string(),
        "code": receipt.code.to_string(),
        "worker": receipt.worker.to_string(),
        "tee": receipt.tee.to_string(),
        "result": alloy::hex::encode_prefixed(&answered.result),
    }));
    Ok(ExitCode::SUCCESS)
}

/// The two kinds of receipt differ in their first byte.
fn is_of_session(bytes: &[u8]) -> bool {
    bytes.first() == Some(&SessionBundle::VERSION)
}

fn show_session(bundle: &SessionBundle, screen: &Screen) -> Result<ExitCode> {
    let receipt = &bundle.receipt;
    for (what, value) in [
        ("network", receipt.network.to_string()),
        ("session", format!("{}, call {}", receipt.session, receipt.call)),
        ("app", format!("{}, generation {}", receipt.app, receipt.generation)),
        ("code", receipt.code.to_string()),
        ("succeeded", receipt.succeeded.to_string()),
        ("input", format!("committed to as {}", receipt.input)),
        ("output", format!("committed to as {}", receipt.output)),
        ("ran", format!("epoch {}, at ledger time {}", receipt.epoch, receipt.time)),
        ("fuel", receipt.fuel.to_string()),
        ("worker", receipt.worker.to_string()),
        ("boot", receipt.boot.to_string()),
        ("TEE", receipt.tee.to_string()),
    ] {
        screen.say(format!("{what:12} {value}"));
    }
    screen.say("\nNot verified: `sotto receipt verify` does that.");
    screen.object(&serde_json::json!({
        "verified": null,
        "network": receipt.network.to_string(),
        "session": receipt.session.to_string(),
        "call": receipt.call,
        "app": receipt.app.to_string(),
        "code": receipt.code.to_string(),
        "worker": receipt.worker.to_string(),
        "tee": receipt.tee.to_string(),
    }));
    Ok(ExitCode::SUCCESS)
}

impl Verify {
    async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let bytes = self.named.bytes().await?;
        let network = match &self.genesis {
            Some(path) => Network::from_genesis(&read(path)?)?,
            None => self.named.at.network()?,
        };
        let checked = if is_of_session(&bytes) {
            network.check_session_receipt(&bytes).map(|checked| {
                let object = serde_json::json!({
                    "verified": true,
                    "network": network.id().to_string(),
                    "session": checked.receipt.session.to_string(),
                    "call": checked.receipt.call,
                    "simulated": checked.simulated,
                });
                (checked.to_string(), object)
            })
        } else {
            network.check_receipt(&bytes).map(|checked| {
                let object = serde_json::json!({
                    "verified": true,
                    "network": network.id().to_string(),
                    "request": checked.receipt.request.to_string(),
                    "simulated": checked.simulated,
                    "result": alloy::hex::encode_prefixed(&checked.result),
                });
                (checked.to_string(), object)
            })
        };
        match checked {
            Ok((text, object)) => {
                screen.say(text);
                screen.say(format!("\nverified from the genesis of network {}", network.id()));
                screen.object(&object);
                Ok(ExitCode::SUCCESS)
            }
            Err(why) => {
                screen.say(why.to_string());
                let reason = why.to_string();
                screen.object(&serde_json::json!({ "verified": false, "reason": reason }));
                Ok(ExitCode::from(2))
            }
        }
    }
}

impl Named {
    async fn bytes(&self) -> Result<Vec<u8>> {
        let path = PathBuf::from(&self.receipt);
        if path.exists() {
            return read(&path);
        }
        if let Ok(id) = self.receipt.parse::<RequestId>() {
            return Ok(Gateway::new(&self.at.gateway)?.receipt(&id).await?);
        }
        let digits = self.receipt.strip_prefix("0x").unwrap_or(&self.receipt);
        hex::decode(digits).with_context(|| {
            format!(
                "{} is no file, no request's id and no hexadecimal",
                crate::screen::short(&self.receipt)
            )
        })
    }
}

/// A file's bytes, or what its hexadecimal digits say.
fn read(path: &PathBuf) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = std::str::from_utf8(&bytes).map(str::trim).ok();
    let digits = text.map(|text| text.strip_prefix("0x").unwrap_or(text));
    Ok(digits.and_then(|digits| hex::decode(digits).ok()).unwrap_or(bytes))
}
