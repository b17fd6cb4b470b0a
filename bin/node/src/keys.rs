//! Secrets on disk, sealed to the environment: only the same build in the same kind of environment
//! opens them again.

use anyhow::{Context as _, Result, bail};
use rand::RngCore as _;
use rand::rngs::OsRng;
use sotto_crypto::sign::SigningKey;
use sotto_crypto::vet::{TransportSecret, VaultSecret};
use sotto_roles::worker::Keys;
use sotto_tee::{Tee, TeeError};
use std::path::Path;
use zeroize::Zeroizing;

/// A council member's secrets.
pub(crate) struct Member {
    pub(crate) key: SigningKey,
    pub(crate) vault: VaultSecret,
}

type Pair = (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>);

/// The member's secrets, made at the first start.
pub(crate) fn member(folder: &Path, tee: &dyn Tee) -> Result<Member> {
    let path = folder.join("member.sealed");
    let make = || {
        let key = SigningKey::generate(&mut OsRng).dangerous_to_bytes();
        (key, VaultSecret::generate(&mut OsRng).dangerous_to_bytes())
    };
    let (key, vault) = match pair(&path, "member", tee, make) {
        Err(error) if matches!(error.downcast_ref(), Some(TeeError::NotOurs)) => bail!(
            "the member's keys in {} were sealed by another build of sotto, and no other build \
             can open them. Go on with that build, or begin anew with --fresh",
            path.display()
        ),
        other => other?,
    };
    Ok(Member { key: SigningKey::from_bytes(&key)?, vault: VaultSecret::from_bytes(&vault)? })
}

/// A worker's secrets; new ones where another build sealed the old: a worker is replaced easily.
pub(crate) fn worker(folder: &Path, number: u16, tee: &dyn Tee) -> Result<Keys> {
    let path = folder.join(format!("worker-{number}.sealed"));
    let make = || {
        let keys = Keys::generate(&mut OsRng);
        (keys.signing.dangerous_to_bytes(), keys.transport.dangerous_to_bytes())
    };
    let (signing, transport) = match pair(&path, "worker", tee, make) {
        Err(error) if matches!(error.downcast_ref(), Some(TeeError::NotOurs)) => {
            std::fs::remove_file(&path)?;
            pair(&path, "worker", tee, make)?
        }
        other => other?,
    };
    Ok(Keys {
        signing: SigningKey::from_bytes(&signing)?,
        transport: TransportSecret::from_bytes(&transport)?,
    })
}

/// The key under which compiled code is kept; a new one costs a compilation.
pub(crate) fn cache(folder: &Path, tee: &dyn Tee) -> Result<Zeroizing<[u8; 32]>> {
    let path = folder.join("cache.sealed");
    let make = || {
        let mut key = Zeroizing::new([0; 32]);
        OsRng.fill_bytes(key.as_mut_slice());
        (key, Zeroizing::new([0; 32]))
    };
    match pair(&path, "cache", tee, make) {
        Err(error) if matches!(error.downcast_ref(), Some(TeeError::NotOurs)) => {
            std::fs::remove_file(&path)?;
            Ok(pair(&path, "cache", tee, make)?.0)
        }
        other => Ok(other?.0),
    }
}

fn pair(path: &Path, label: &str, tee: &dyn Tee, make: impl FnOnce() -> Pair) -> Result<Pair> {
    if let Some(sealed) = read(path)? {
        let plain = tee.unseal(label, &sealed)?;
        let (first, second) = plain.split_first_chunk::<32>().context("cut short")?;
        let second: &[u8; 32] = second.try_into().context("of another length")?;
        return Ok((Zeroizing::new(*first), Zeroizing::new(*second)));
    }
    let (first, second) = make();
    let plain = Zeroizing::new([first.as_slice(), second.as_slice()].concat());
    write(path, &tee.seal(label, &plain)?)?;
    Ok((first, second))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Whole or not at all, and on disk when it returns.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    let part = path.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}
