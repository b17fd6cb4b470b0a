//! `sotto doctor`: what this machine has and what is missing, and how to get it.

use crate::commands::Where;
use crate::screen::Screen;
use anyhow::Result;
use clap::Args;
use std::process::{Command, ExitCode};

/// Say what this machine has and what is missing.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    at: Where,
}

struct Finding {
    what: &'static str,
    found: Result<String, String>,
}

impl Doctor {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let findings = [
            Finding { what: "rust", found: tool("rustc", "install Rust from https://rustup.rs") },
            Finding { what: "wasm target", found: wasm_target() },
            Finding { what: "folder", found: self.folder() },
            Finding { what: "network", found: self.network().await },
        ];
        for finding in &findings {
            match &finding.found {
                Ok(found) => screen.say(format!("ok       {:12} {found}", finding.what)),
                Err(missing) => screen.say(format!("missing  {:12} {missing}", finding.what)),
            }
        }
        let list: Vec<_> = findings
            .iter()
            .map(|f| {
                let (ok, text) = match &f.found {
                    Ok(text) => (true, text),
                    Err(text) => (false, text),
                };
                serde_json::json!({ "what": f.what, "ok": ok, "detail": text })
            })
            .collect();
        screen.object(&serde_json::json!({ "findings": list }));
        Ok(ExitCode::SUCCESS)
    }

    fn folder(&self) -> Result<String, String> {
        let folder = &self.at.folder;
        if folder.join("genesis").exists() {
            return Ok(format!("{} holds a network", folder.display()));
        }
        Err(format!("{} holds no network yet: sotto up", folder.display()))
    }

    async fn network(&self) -> Result<String, String> {
        let gateway = sotto_client::Gateway::new(&self.at.gateway).map_err(|e| e.to_string())?;
        match gateway.status().await {
            Ok(status) => Ok(format!("{} answers at height {}", self.at.gateway, status["height"])),
            Err(error) => Err(format!("{} does not answer ({error}): sotto up", self.at.gateway)),
        }
    }
}

fn tool(name: &str, how: &str) -> Result<String, String> {
    let output = Command::new(name).arg("--version").output();
    let output = output.map_err(|_| format!("{name} is not here: {how}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn wasm_target() -> Result<String, String> {
    let how = "rustup target add wasm32-unknown-unknown";
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = output.map_err(|_| how.to_owned())?;
    let root = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    let lib = std::path::Path::new(&root).join("lib/rustlib/wasm32-unknown-unknown");
    if lib.exists() { Ok("wasm32-unknown-unknown".into()) } else { Err(how.into()) }
}
