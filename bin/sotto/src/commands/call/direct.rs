//! `sotto call --direct`: calls an app in a session, without a chain, and has each receipt proved.

use super::{Call, bytes};
use crate::screen::Screen;
use anyhow::{Context as _, Result};
use rand::rngs::OsRng;
use sotto_types::Wire as _;
use std::process::ExitCode;
use std::time::Duration;

/// How long a seat may take to be taken, and a receipt to come into the ledger.
const PATIENCE: Duration = Duration::from_secs(60);

impl Call {
    /// Each input is a call of one session; the last receipt is kept where one is asked for.
    pub(super) async fn direct(self, screen: &Screen) -> Result<ExitCode> {
        let (gateway, network) = self.at.open()?;
        let progress = screen.progress("opening a session");
        let inputs: Vec<Vec<u8>> =
            self.inputs.iter().map(|text| bytes(text)).collect::<Result<_>>()?;
        let mut session = gateway.direct(&network, &self.app, PATIENCE, &mut OsRng).await?;
        let mut answers = Vec::new();
        for input in inputs {
            progress.now(format!("call {} of {}", answers.len() + 1, self.inputs.len()));
            answers.push(session.call(input).await?);
        }
        let (id, seat) = (session.session().id(), session.session().seat().clone());
        session.bye().await?;
        progress.now("waiting for the receipts to be ledgered");
        let mut calls = Vec::new();
        let mut all_succeeded = true;
        for answer in &answers {
            let bundle = gateway.prove(&network, answer, PATIENCE).await?.encode();
            let checked = network.check_session_receipt(&bundle)?;
            if let Some(path) = &self.receipt {
                std::fs::write(path, &bundle)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            all_succeeded &= answer.outcome.is_ok();
            calls.push((answer, checked, bundle));
        }
        drop(progress);
        screen.say(format!("session  {id}"));
        screen.say(format!("worker   {}, in epoch {}", seat.worker, seat.epoch));
        let mut objects = Vec::new();
        for (answer, checked, bundle) in &calls {
            let (word, shown) = match &answer.outcome {
                Ok(output) => ("answer", shown(output)),
                Err(why) => ("failed", shown(why.as_bytes())),
            };
            screen.say(format!("{word}   {shown}"));
            screen.say(format!("\n{checked}"));
            objects.push(serde_json::json!({
                "call": checked.receipt.call,
                "output": answer.outcome.as_ref().ok().map(alloy::hex::encode_prefixed),
                "text": answer.outcome.as_ref().ok().and_then(|output| text(output)),
                "failed": answer.outcome.as_ref().err(),
                "fuel": checked.receipt.fuel.0,
                "batch": checked.batch,
                "receipt": hex::encode(bundle),
                "verified": true,
                "simulated": checked.simulated,
            }));
        }
        screen.object(&serde_json::json!({
            "session": id.to_string(), "worker": seat.worker.to_string(),
            "boot": seat.boot.to_string(), "epoch": seat.epoch.0, "calls": objects,
        }));
        Ok(if all_succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// An app does not write to anybody's terminal: text with control characters is none.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8(bytes.to_vec()).ok();
    text.filter(|text| !text.contains(|c: char| c.is_control() && c != '\n'))
}

fn shown(bytes: &[u8]) -> String {
    text(bytes).unwrap_or_else(|| alloy::hex::encode_prefixed(bytes))
}
