//! Apps on their way into a network: packages, components, manifests, and their owner's key.

use anyhow::{Context as _, Result, bail};
use rand::rngs::OsRng;
use serde::Deserialize;
use sotto_crypto::sign::SigningKey;
use sotto_runtime::{Config, HostList, Runtime, World};
use sotto_types::{AppKind, Fuel, Hash, Manifest, Upgrade};
use std::path::{Path, PathBuf};

/// The example apps the program carries.
pub(crate) const AUCTION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/auction.wasm"));
pub(crate) const HELLO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hello.wasm"));
pub(crate) const AUCTION_TOML: &str = include_str!("../../../examples/auction/sotto.toml");
pub(crate) const HELLO_TOML: &str = include_str!("../../../examples/hello/sotto.toml");

/// `sotto.toml`: what its author says of an app.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) struct AppFile {
    /// A name for people.
    pub(crate) name: String,
    /// How it runs; `function`.
    kind: Kind,
    /// Hosts it may reach over HTTPS; none keeps it deterministic.
    #[serde(default)]
    hosts: Vec<String>,
    /// Fuel of one call.
    fuel: u64,
    /// Memory of one call, in MiB.
    memory_mib: u32,
    /// The longest one call may take.
    seconds: u32,
    /// How many enclaves may hold its keys at once.
    #[serde(default = "three")]
    holders: u16,
    /// Who may change its code; `immutable`.
    upgrade: WhoUpgrades,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Function,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WhoUpgrades {
    Immutable,
}

const fn three() -> u16 {
    3
}

impl AppFile {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// That a worker would run this component under this manifest.
    pub(crate) fn check(&self, component: &[u8]) -> Result<()> {
        let hosts = HostList::parse(&self.hosts)?;
        let world = if hosts.is_empty() { World::Function } else { World::FunctionHttp };
        Runtime::new(Config::default())?.load(component, world).with_context(|| {
            format!("a worker would not run it with {} hosts in its manifest", self.hosts.len())
        })?;
        Ok(())
    }

    /// The manifest of this component under this owner.
    pub(crate) fn manifest(&self, owner: [u8; 33], component: &[u8]) -> Manifest {
        let Kind::Function = self.kind;
        let WhoUpgrades::Immutable = self.upgrade;
        Manifest {
            owner,
            name: self.name.clone(),
            kind: AppKind::Function,
            code: Hash::of(component),
            hosts: self.hosts.clone(),
            fuel: Fuel(self.fuel),
            memory_mib: self.memory_mib,
            seconds: self.seconds,
            holders: self.holders,
            upgrade: Upgrade::Immutable,
        }
    }
}

/// The owner's key in a file, made if it is not there.
pub(crate) fn owner_key(path: &Path) -> Result<SigningKey> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let bytes = hex::decode(text.trim()).context("the owner's key is not hexadecimal")?;
            let bytes: [u8; 32] =
                bytes.try_into().ok().context("the owner's key is not 32 bytes")?;
            Ok(SigningKey::from_bytes(&bytes)?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = SigningKey::generate(&mut OsRng);
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            write_private(path, hex::encode(key.dangerous_to_bytes().as_slice()).as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file =
        options.open(path).with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// A component and what its author says of it, from a package's folder (built first), or from a
/// component file with its `sotto.toml` beside it or named.
pub(crate) fn read_app(
    path: &Path,
    manifest: Option<&Path>,
    progress: &mut dyn FnMut(&str),
) -> Result<(AppFile, Vec<u8>)> {
    if !path.exists() {
        bail!("there is no {}; name a package's folder or a component", path.display());
    }
    let (component, beside) = if path.is_dir() {
        (build(path, progress)?, path.join("sotto.toml"))
    } else {
        (path.to_owned(), path.with_file_name("sotto.toml"))
    };
    let file = manifest.map_or(beside, Path::to_owned);
    let text = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "cannot read {}; an app's manifest stands there or is named by --manifest",
            file.display()
        )
    })?;
    let app = AppFile::parse(&text).with_context(|| format!("in {}", file.display()))?;
    let bytes = std::fs::read(&component)
        .with_context(|| format!("cannot read {}", component.display()))?;
    Ok((app, bytes))
}

/// Builds a package into a component; says where it lies. Its products go where cargo's would.
pub(crate) fn build(package: &Path, progress: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let shared = std::env::var_os("CARGO_TARGET_DIR").map(|dir| PathBuf::from(dir).join("guests"));
    let target = shared.unwrap_or_else(|| package.join("target"));
    match crate::guest::build_component(package, &target, progress) {
        Ok(component) => Ok(component),
        Err(why) => bail!("{why}"),
    }
}
