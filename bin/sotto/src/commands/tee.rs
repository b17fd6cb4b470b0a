//! `sotto tee`: what this machine can attest with. Not here: judging evidence (`sotto evidence`).

use crate::screen::Screen;
use anyhow::Result;
use clap::Subcommand;
use std::process::ExitCode;

/// This machine's trusted execution environments.
#[derive(Subcommand)]
pub(crate) enum Tee {
    /// Say what this machine has and what is missing
    Probe,
}

impl Tee {
    pub(crate) fn run(self, screen: &Screen) -> Result<ExitCode> {
        match self {
            Self::Probe => {
                probe(screen);
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn probe(screen: &Screen) {
    let found = sotto_tee::probe();
    let mut list = Vec::new();
    for found in &found {
        let (word, ok, text) = match &found.found {
            Ok(text) => ("has", true, text),
            Err(text) => ("lacks", false, text),
        };
        screen.say(format!("{word:6} {:18} {text}", found.what));
        list.push(serde_json::json!({ "what": found.what, "ok": ok, "detail": text }));
    }
    screen.object(&serde_json::json!({ "findings": list }));
}
