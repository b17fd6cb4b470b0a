//! The cache of compiled code: so that a restart does not compile every app anew.
//!
//! Compiled code is native code, and running a forged file would be running the forger's program
//! inside the enclave. So a file counts only if its authentication code fits: HMAC-SHA256 under a
//! key that stays in the enclave, over the app's code hash, the engine's version and whole
//! configuration, the cost table's version, and the file. Whatever does not fit is compiled anew
//! and written over.
//!
//! What is not here: secrecy. A file shows compiled code to whoever can read the disk.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use zeroize::Zeroizing;

use crate::cost::COST_TABLE_VERSION;
use crate::engine::ENGINE_VERSION;
use crate::error::RuntimeError;

/// Bound into every authentication code, and with it the layout: the code, then the bytes.
const DOMAIN: &[u8] = b"sotto/compiled/v1";
/// The length of an authentication code.
const TAG: usize = 32;

/// Where compiled code is kept, and what it is authenticated with.
pub struct CacheConfig {
    /// The folder, made if it is not there. Nothing else should write to it.
    pub dir: PathBuf,
    /// The key. It must be this enclave's alone: who knows it can have any code run in it.
    pub key: Zeroizing<[u8; 32]>,
}

/// The cache, opened for one engine.
pub(crate) struct CodeCache {
    dir: PathBuf,
    key: Zeroizing<[u8; 32]>,
    engine: [u8; 32],
    written: AtomicU64,
}

impl CodeCache {
    pub(crate) fn open(config: CacheConfig, engine: &Engine) -> Result<CodeCache, RuntimeError> {
        fs::create_dir_all(&config.dir)
            .map_err(|error| RuntimeError::Cache(format!("{}: {error}", config.dir.display())))?;
        let engine = fingerprint(engine);
        Ok(CodeCache { dir: config.dir, key: config.key, engine, written: AtomicU64::new(0) })
    }

    /// The compiled form of this code, `None` if it is not there or not ours.
    pub(crate) fn load(&self, engine: &Engine, code: &[u8; 32]) -> Option<Component> {
        let path = self.path(code);
        let file = fs::read(&path).ok()?;
        let authentic = file
            .split_at_checked(TAG)
            .filter(|(tag, body)| self.mac(code, body).verify_slice(tag).is_ok());
        let Some((_, body)) = authentic else {
            tracing::warn!(path = %path.display(), "compiled code is not authentic, compiling anew");
            return None;
        };
        match deserialize(engine, body) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "compiled code was not taken");
                None
            }
        }
    }

    /// Keeps a compiled form. A disk that fails costs the next start some time and nothing else.
    pub(crate) fn store(&self, code: &[u8; 32], component: &Component) {
        let path = self.path(code);
        let written = component
            .serialize()
            .map_err(|error| error.to_string())
            .and_then(|body| self.write(&path, code, &body).map_err(|error| error.to_string()));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "compiled code was not kept");
        }
    }

    /// Beside its place first: a reader finds the old file or the new one, never half of one.
    fn write(&self, path: &Path, code: &[u8; 32], body: &[u8]) -> std::io::Result<()> {
        let count = self.written.fetch_add(1, Ordering::Relaxed);
        let beside = path.with_extension(format!("{}-{count}.new", std::process::id()));
        let tag = self.mac(code, body).finalize().into_bytes();
        let mut file = fs::File::create(&beside)?;
        let written = file
            .write_all(&tag)
            .and_then(|()| file.write_all(body))
            .and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    fn path(&self, code: &[u8; 32]) -> PathBuf {
        self.dir.join(hex::encode(code)).with_extension("compiled")
    }

    fn mac(&self, code: &[u8; 32], body: &[u8]) -> Hmac<Sha256> {
        // HMAC fills a key up to its block with zeros (RFC 2104, section 2).
        let mut block = Zeroizing::new([0; 64]);
        block[..32].copy_from_slice(&self.key[..]);
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.update(DOMAIN);
        mac.update(&self.engine);
        mac.update(code);
        mac.update(body);
        mac
    }
}

/// What compiled code depends on besides the app: the engine's version, its target machine and
/// every setting that changes code, and the cost table.
fn fingerprint(engine: &Engine) -> [u8; 32] {
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sha = Sha(Sha256::new());
    sha.write(ENGINE_VERSION.as_bytes());
    sha.write(&COST_TABLE_VERSION.to_le_bytes());
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.0.finalize().into()
}

#[allow(unsafe_code, reason = "the one door for native code; what comes here is authenticated")]
fn deserialize(engine: &Engine, body: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `body` is what `Component::serialize` gave this same enclave, for this engine: its
    // authentication code under the enclave's key was checked over exactly these bytes.
    unsafe { Component::deserialize(engine, body) }
}
