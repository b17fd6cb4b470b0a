//! One file per command.

pub(crate) mod build;
pub(crate) mod call;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod image;
pub(crate) mod receipt;
pub(crate) mod status;
pub(crate) mod tee;
pub(crate) mod up;
pub(crate) mod verify;

use anyhow::{Context as _, Result};
use clap::Args;
use sotto_client::{Gateway, Network};
use std::path::PathBuf;

/// Which network a command speaks to.
#[derive(Args)]
pub(crate) struct Where {
    /// The network's gateway
    #[arg(long, env = "SOTTO_GATEWAY", default_value = "http://127.0.0.1:4690")]
    pub(crate) gateway: String,

    /// The folder of a network on this machine: its genesis is what everything is checked against
    #[arg(long, env = "SOTTO_FOLDER", default_value_os_t = home())]
    pub(crate) folder: PathBuf,
}

impl Where {
    /// The door and the trust root.
    pub(crate) fn open(&self) -> Result<(Gateway, Network)> {
        Ok((Gateway::new(&self.gateway)?, self.network()?))
    }

    /// The trust root.
    pub(crate) fn network(&self) -> Result<Network> {
        let path = self.folder.join("genesis");
        let bytes = std::fs::read(&path).with_context(|| {
            format!(
                "cannot read {}; start a network with `sotto up`, or name its folder by --folder",
                path.display()
            )
        })?;
        Ok(Network::from_genesis(&bytes)?)
    }
}

/// Where a development network lives unless told otherwise.
pub(crate) fn home() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    data.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("sotto")
}
