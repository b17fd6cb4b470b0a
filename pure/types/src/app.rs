//! What an app is: a component and a manifest.

use crate::wire::{Malformed, Wire as _, at_most, wire};
use crate::{AppId, Fuel, Hash, id::sha256, limits};
use borsh::{BorshDeserialize, BorshSerialize};

/// How an app runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum AppKind {
    /// Stateless: an answer for a request.
    Function,
}

/// Who may change an app's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Upgrade {
    /// Nobody, ever.
    Immutable,
}

/// What its owner says of an app.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Manifest {
    /// The owner's key (compressed secp256k1); signs its deployment.
    pub owner: [u8; 33],
    /// A name for people.
    pub name: String,
    /// How it runs.
    pub kind: AppKind,
    /// SHA-256 of the component.
    pub code: Hash,
    /// Hosts it may reach over HTTPS (`host` or `host:port`); none keeps it deterministic.
    pub hosts: Vec<String>,
    /// Fuel of one call.
    pub fuel: Fuel,
    /// Memory of one call, in MiB.
    pub memory_mib: u32,
    /// The longest one call may take, in seconds.
    pub seconds: u32,
    /// How many enclaves may hold its keys at once.
    pub holders: u16,
    /// Who may change its code.
    pub upgrade: Upgrade,
}

fn validate(manifest: &Manifest) -> Result<(), Malformed> {
    at_most("name", manifest.name.len(), limits::APP_NAME_MAX)?;
    at_most("hosts", manifest.hosts.len(), limits::HOSTS_MAX)?;
    for host in &manifest.hosts {
        at_most("host", host.len(), limits::HOST_MAX)?;
    }
    at_most("memory_mib", manifest.memory_mib as usize, limits::APP_MEMORY_MIB_MAX)?;
    at_most("seconds", manifest.seconds as usize, limits::APP_SECONDS_MAX)?;
    let nothing = manifest.holders == 0 || manifest.fuel == Fuel(0);
    if nothing || manifest.memory_mib == 0 || manifest.seconds == 0 {
        return Err(Malformed::Invalid("a manifest gives its app nothing to run on"));
    }
    Ok(())
}

wire!(Manifest, 1, 16 << 10, validate);

impl Manifest {
    /// The app's id: SHA-256("sotto/app/v1" ‖ manifest).
    pub fn id(&self) -> AppId {
        AppId(sha256(&[b"sotto/app/v1", &self.encode()]))
    }
}
