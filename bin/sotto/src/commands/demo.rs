//! `sotto demo`.

use crate::screen::Screen;
use anyhow::Result;
use clap::Args;
use std::process::ExitCode;

/// Show the whole idea at work on this machine.
#[derive(Args)]
pub(crate) struct Demo {
    /// Play it on the chain behind this JSON-RPC instead of the embedded one; the published
    /// development accounts must hold coins there, as they do on anvil
    #[arg(long)]
    rpc: Option<String>,
}

impl Demo {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let report = crate::demo::play(screen, self.rpc).await?;
        report.print(screen);
        screen.object(&serde_json::to_value(&report)?);
        Ok(ExitCode::SUCCESS)
    }
}
