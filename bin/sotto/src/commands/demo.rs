//! `sotto demo`.

use crate::screen::Screen;
use anyhow::Result;
use clap::Args;
use std::process::ExitCode;

/// Show the whole idea at work on this machine.
#[derive(Args)]
pub(crate) struct Demo {}

impl Demo {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let report = crate::demo::play(screen).await?;
        report.print(screen);
        screen.object(&serde_json::to_value(&report)?);
        Ok(ExitCode::SUCCESS)
    }
}
