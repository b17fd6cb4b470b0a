//! `sotto status`: how a network stands, as its gateway says.

use crate::commands::Where;
use crate::screen::{Screen, short};
use anyhow::Result;
use clap::Args;
use serde_json::Value;
use std::process::ExitCode;

/// Say how the network stands.
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    at: Where,
}

impl Status {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let status = sotto_client::Gateway::new(&self.at.gateway)?.status().await?;
        screen.object(&status);
        if screen.is_json() {
            return Ok(ExitCode::SUCCESS);
        }
        let text = |value: &Value| value.as_str().map_or(value.to_string(), ToOwned::to_owned);
        screen.say(format!("network  {} ({})", text(&status["network"]), text(&status["kind"])));
        screen.say(format!("height   {}  epoch {}", status["height"], status["epoch"]));
        let rows = |key: &str| status[key].as_array().cloned().unwrap_or_default();
        for worker in rows("workers") {
            let good = if worker["good"] == true { "good" } else { "not attested lately" };
            screen.say(format!(
                "worker   {}  {good}  TEE {}",
                short(&text(&worker["id"])),
                text(&worker["tee"])
            ));
        }
        for app in rows("apps") {
            screen.say(format!("app      {}  {}", text(&app["id"]), text(&app["name"])));
        }
        for chain in rows("chains") {
            screen.say(format!(
                "chain    {}  contract {}  observed to block {}  requests {}  deposits {}  paid {}{}",
                text(&chain["chain"]),
                text(&chain["contract"]),
                chain["observed"],
                chain["requests"],
                text(&chain["deposits"]),
                text(&chain["paid"]),
                if chain["halted"] == true { "  HALTED" } else { "" }
            ));
        }
        for request in rows("open") {
            screen.say(format!(
                "open     request {} is {} {}",
                request["number"],
                text(&request["progress"]),
                request["detail"].as_str().unwrap_or_default()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
