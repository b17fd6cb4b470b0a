//! `sotto build`: a package into a component.

use crate::apps;
use crate::screen::Screen;
use anyhow::Result;
use clap::Args;
use sotto_runtime::{Config, Runtime, World};
use sotto_types::Hash;
use std::path::PathBuf;
use std::process::ExitCode;

/// Make an app's package into a component, and say whether a worker would take it.
#[derive(Args)]
pub(crate) struct Build {
    /// The package's folder, with Cargo.toml and sotto.toml
    #[arg(default_value = ".")]
    package: PathBuf,
}

impl Build {
    pub(crate) fn run(self, screen: &Screen) -> Result<ExitCode> {
        let progress = screen.progress("building");
        let component = apps::build(&self.package, &mut |line| progress.now(line.to_owned()))?;
        progress.now("checking it");
        let bytes = std::fs::read(&component)?;
        let world = admit(&bytes)?;
        drop(progress);
        let code = Hash::of(&bytes);
        screen.say(format!("component  {}", component.display()));
        screen.say(format!("size       {} bytes", bytes.len()));
        screen.say(format!("code       {code}"));
        screen.say(format!("world      {world}"));
        screen.object(&serde_json::json!({
            "component": component, "size": bytes.len(), "code": code.to_string(), "world": world,
        }));
        Ok(ExitCode::SUCCESS)
    }
}

/// The world a worker would run it in.
pub(crate) fn admit(component: &[u8]) -> Result<&'static str> {
    let runtime = Runtime::new(Config::default())?;
    match runtime.load(component, World::Function) {
        Ok(_) => Ok("function: reaches nobody, deterministic"),
        Err(_) => {
            runtime.load(component, World::FunctionHttp)?;
            Ok("function-http: reaches the hosts on its manifest's list")
        }
    }
}
