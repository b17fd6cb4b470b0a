//! The `simulated` TEE: the same calls, no protection. Its measurement is SHA-256 of the running
//! executable, self-declared; its sealing key is derived from the published simulated root, so
//! anybody can open what it sealed.

use crate::{Tee, TeeError};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use hkdf::Hkdf;
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use sotto_attest::{Binding, simulated};
use sotto_types::{Evidence, Measurement, TeeKind, Time};
use std::io::Read as _;
use zeroize::Zeroizing;

const NONCE: usize = 12;

/// A TEE that protects nothing, for development networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulated {
    measurement: Measurement,
}

impl Simulated {
    /// Measures the running executable.
    pub fn of_this_program() -> Result<Self, TeeError> {
        let device = |error: std::io::Error| TeeError::Device(error.to_string());
        let path = std::env::current_exe().map_err(device)?;
        let mut file = std::fs::File::open(path).map_err(device)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = file.read(&mut buffer).map_err(device)?;
            match buffer.get(..read) {
                Some(bytes) if !bytes.is_empty() => hash.update(bytes),
                _ => break,
            }
        }
        Ok(Self::with_measurement(Measurement(hash.finalize().into())))
    }

    /// Says of itself whatever it likes: that is what `simulated` is.
    pub const fn with_measurement(measurement: Measurement) -> Self {
        Self { measurement }
    }

    fn cipher(&self, label: &str) -> Result<Aes256Gcm, TeeError> {
        let root = Zeroizing::new(simulated::dangerous_root());
        let mut key = Zeroizing::new([0; 32]);
        let info = [b"sotto/simulated-seal/v1".as_slice(), &self.measurement.0, label.as_bytes()];
        Hkdf::<Sha256>::new(None, root.as_slice())
            .expand_multi_info(&info, key.as_mut_slice())
            .map_err(|_| TeeError::Device("sealing key".into()))?;
        Aes256Gcm::new_from_slice(key.as_slice())
            .map_err(|_| TeeError::Device("sealing key".into()))
    }
}

impl Tee for Simulated {
    fn kind(&self) -> TeeKind {
        TeeKind::Simulated
    }

    fn measurement(&self) -> Measurement {
        self.measurement
    }

    fn evidence(&self, binding: &Binding, now: Time) -> Result<Evidence, TeeError> {
        let report = simulated::Report {
            measurement: self.measurement,
            binding: binding.bytes(),
            made: now,
        };
        let bytes = simulated::make(&report).map_err(|e| TeeError::Device(e.to_string()))?;
        Ok(Evidence { kind: TeeKind::Simulated, bytes })
    }

    fn seal(&self, label: &str, secret: &[u8]) -> Result<Vec<u8>, TeeError> {
        let mut nonce = [0; NONCE];
        rand::rngs::OsRng.fill_bytes(&mut nonce);
        let payload = Payload { msg: secret, aad: label.as_bytes() };
        let sealed = self
            .cipher(label)?
            .encrypt(&nonce.into(), payload)
            .map_err(|_| TeeError::Device("sealing".into()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn unseal(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, TeeError> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE>().ok_or(TeeError::NotOurs)?;
        let payload = Payload { msg: body, aad: label.as_bytes() };
        self.cipher(label)?
            .decrypt(&(*nonce).into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| TeeError::NotOurs)
    }
}
