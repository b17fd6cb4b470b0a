//! `sotto up`: a development network until stopped.

use crate::commands::home;
use crate::local::{ChainChoice, Local, Options, address, part, show};
use crate::screen::Screen;
use anyhow::{Context as _, Result, bail};
use clap::Args;
use sotto_devchain::dev_accounts;
use sotto_types::Account;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Run a development network on this machine until stopped.
#[derive(Args)]
pub(crate) struct Up {
    /// Forget the network that is there and begin a new one
    #[arg(long, conflicts_with = "keep")]
    fresh: bool,

    /// Go on with the network that is there, and fail if there is none
    #[arg(long)]
    keep: bool,

    /// Where the network lives
    #[arg(long, env = "SOTTO_FOLDER", default_value_os_t = home())]
    folder: PathBuf,

    /// Port of the gateway on 127.0.0.1
    #[arg(long, default_value_t = 4690)]
    gateway_port: u16,

    /// Port of the embedded chain on 127.0.0.1
    #[arg(long, default_value_t = 8545)]
    chain_port: u16,

    /// Stand on the chain behind this JSON-RPC instead of the embedded one; needs --key
    #[arg(long, requires = "key")]
    rpc: Option<String>,

    /// A funded key on that chain (32 bytes of hexadecimal): deploys the contract, carries results
    #[arg(long, env = "SOTTO_KEY", hide_env_values = true)]
    key: Option<String>,

    /// Where workers are paid: an address; a published development account, or the key's own
    #[arg(long)]
    payee: Option<String>,

    /// How many workers run
    #[arg(long, default_value_t = 1)]
    workers: u16,

    /// Blocks (of a second) in an epoch
    #[arg(long, default_value_t = 30)]
    epoch: u64,

    /// A certificate authority (DER) that apps' TLS trusts besides the web's; may be repeated
    #[arg(long)]
    trust: Vec<PathBuf>,
}

impl Up {
    pub(crate) async fn run(self, screen: &Screen) -> Result<ExitCode> {
        let exists = self.folder.join("contract.json").exists();
        if self.keep && !exists {
            bail!("there is no network in {}; leave --keep out", self.folder.display());
        }
        if self.fresh {
            self.refuse_to_strand()?;
            clear(&self.folder)?;
        }
        let options = self.options()?;
        let mut local = {
            let progress = screen.progress("starting");
            Local::start(options, &|what| progress.now(what)).await?
        };
        self.say(screen, &local);
        let stopped = tokio::select! {
            ended = local.node.ended() => ended,
            () = asked_to_stop() => None,
        };
        local.stop().await;
        match stopped {
            Some(why) => bail!("{why}; `sotto up --verbose` shows more"),
            None => Ok(ExitCode::SUCCESS),
        }
    }

    /// The keys in a folder are the only ones that can pay out what its contract holds. On the
    /// embedded chain both go together; on a chain elsewhere the contract would stay behind.
    fn refuse_to_strand(&self) -> Result<()> {
        let elsewhere = !self.folder.join("chain.journal").exists();
        if elsewhere && self.folder.join("contract.json").exists() {
            bail!(
                "{} holds the only keys of a contract on a chain elsewhere; nothing was removed. \
                 Name another folder by --folder, or move this one away",
                self.folder.display()
            );
        }
        Ok(())
    }

    fn options(&self) -> Result<Options> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        free(self.gateway_port, "the gateway", "--gateway-port")?;
        let chain = match (&self.rpc, &self.key) {
            (Some(url), Some(key)) => ChainChoice::Rpc { url: url.clone(), key: key.clone() },
            _ => {
                free(self.chain_port, "the embedded chain", "--chain-port")?;
                ChainChoice::Embedded(at(self.chain_port))
            }
        };
        let read = |path: &PathBuf| {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
        };
        Ok(Options {
            folder: self.folder.clone(),
            chain,
            payee: self.payee()?,
            gateway: at(self.gateway_port),
            workers: self.workers,
            epoch_blocks: self.epoch,
            roots: self.trust.iter().map(read).collect::<Result<_>>()?,
        })
    }

    fn payee(&self) -> Result<Option<Account>> {
        let published = dev_accounts()[part::PAYEE].address.into_array();
        match &self.payee {
            Some(text) => address(text).map(Some),
            None => Ok(self.rpc.is_none().then(|| Account::from_address(published))),
        }
    }

    fn say(&self, screen: &Screen, local: &Local) {
        let user = dev_accounts()[part::USER];
        let embedded = self.rpc.is_none();
        let network = local.node.genesis().id().to_string();
        let key = alloy::hex::encode_prefixed(user.private_key);
        screen.say(format!("network   {network} (development; the TEE is simulated)"));
        screen.say(format!("folder    {}", self.folder.display()));
        screen.say(format!("gateway   {}", local.gateway()));
        screen.say(format!("chain     {} (eip155:{})", local.rpc, local.chain_id));
        screen.say(format!("contract  {}", show(&local.contract)));
        for worker in local.node.workers() {
            screen.say(format!("worker    {worker}"));
        }
        if embedded {
            screen.say(format!("account   {}  10,000 ETH of no value", user.address));
            screen.say(format!("its key   {key} (published: never use it elsewhere)"));
        }
        screen.say("\nTry: sotto deploy examples/hello    Stop: Ctrl-C");
        screen.object(&serde_json::json!({
            "network": network,
            "folder": self.folder,
            "gateway": local.gateway(),
            "rpc": local.rpc,
            "chain": format!("eip155:{}", local.chain_id),
            "contract": show(&local.contract),
            "workers": local.node.workers().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "account": embedded.then(|| user.address.to_string()),
            "key": embedded.then_some(key),
        }));
    }
}

/// That a port can be had; says by whom it is taken where the system tells.
fn free(port: u16, what: &str, flag: &str) -> Result<()> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) => bail!(
            "port {port} for {what} cannot be had: {error}{}; choose another by {flag}",
            holder(port).map(|holder| format!(" ({holder} has it)")).unwrap_or_default()
        ),
    }
}

/// The process that listens on a port of this machine, where /proc tells.
fn holder(port: u16) -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let suffix = format!(":{port:04X}");
    let listening = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next().is_some_and(|local| local.ends_with(&suffix))
            && fields.nth(1).is_some_and(|state| state == "0A")
    };
    let inode = table.lines().find(listening)?.split_whitespace().nth(9)?.to_owned();
    let wanted = format!("socket:[{inode}]");
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Ok(files) = std::fs::read_dir(process.path().join("fd")) else { continue };
        let holds = files
            .flatten()
            .any(|file| std::fs::read_link(file.path()).is_ok_and(|to| to == Path::new(&wanted)));
        if holds {
            let id = process.file_name().to_string_lossy().into_owned();
            let name = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("process {id}, {}", name.trim()));
        }
    }
    None
}

/// Removes what a network keeps, and nothing else that lies in the folder.
fn clear(folder: &Path) -> Result<()> {
    let _lock = sotto_store::Lock::take(folder)?;
    for name in [
        "ledger.redb",
        "chain.journal",
        "contract.json",
        "genesis",
        "member.sealed",
        "cache.sealed",
    ] {
        remove(&folder.join(name))?;
    }
    for file in std::fs::read_dir(folder)?.flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if name.starts_with("worker-") && name.ends_with(".sealed") {
            remove(&file.path())?;
        }
    }
    match std::fs::remove_dir_all(folder.join("compiled")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Ctrl-C, or a polite kill.
async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
