//! `sotto deploy`: publishes an app.

use crate::apps;
use crate::commands::{Where, home};
use crate::screen::Screen;
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;

/// Publish an app: its component's bytes go to the gateway, its manifest into the ledger.
#[derive(Args)]
pub(crate) struct Deploy {
    /// A package's folder (built first), or a component with its sotto.toml beside it
    app: PathBuf,

    /// The manifest, where it does not lie beside the component
    #[arg(long)]
    manifest: Option<PathBuf>,

    /// The owner's key, made there if there is none
    #[arg(long, default_value_os_t = home().join("owner.key"))]
    owner: PathBuf,

    #[command(flatten)]
    at: Where,
}

impl Deploy {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let (gateway, network) = self.at.open()?;
        let progress = screen.progress("building");
        let mut say = |line: &str| progress.now(line.to_owned());
        let (app, component) = apps::read_app(&self.app, self.manifest.as_deref(), &mut say)?;
        progress.now("checking that a worker would take it");
        app.check(&component)?;
        let key = apps::owner_key(&self.owner)?;
        let manifest = app.manifest(key.public().to_bytes(), &component);
        progress.now("publishing");
        let id = gateway.deploy(&network, &key, &manifest, component.clone()).await?;
        drop(progress);
        screen.say(format!("app         {id}"));
        screen.say(format!("name        {}", app.name));
        screen.say(format!("code        {} ({} bytes)", manifest.code, component.len()));
        screen.say("generation  1");
        screen.say(format!("\nTry: sotto call {id} --payload world"));
        screen.object(&serde_json::json!({
            "app": id.to_string(), "name": app.name, "code": manifest.code.to_string(),
            "generation": 1, "owner": alloy::hex::encode_prefixed(key.public().to_bytes()),
        }));
        Ok(ExitCode::SUCCESS)
    }
}
