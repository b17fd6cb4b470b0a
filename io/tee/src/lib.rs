//! The device side of a TEE: asks for evidence, seals to the environment.
//!
//! One trait, [`Tee`], behind which each kind of hardware will stand; here only [`Simulated`],
//! which protects nothing. Not here: judging evidence (`attest`), endorsements and their collateral
//! (with the real kinds).

mod simulated;
#[cfg(test)]
mod tests;

pub use simulated::Simulated;

use sotto_attest::Binding;
use sotto_types::{Evidence, Measurement, TeeKind, Time};
use zeroize::Zeroizing;

/// A trusted execution environment as seen from inside it.
pub trait Tee: Send + Sync {
    /// Its kind.
    fn kind(&self) -> TeeKind;

    /// What it measured at launch.
    fn measurement(&self) -> Measurement;

    /// Evidence over `binding`, made at `now`.
    fn evidence(&self, binding: &Binding, now: Time) -> Result<Evidence, TeeError>;

    /// Encrypts `secret` so that only the same measurement on the same kind of environment can read
    /// it again. `label` says what it is; another label does not open it.
    fn seal(&self, label: &str, secret: &[u8]) -> Result<Vec<u8>, TeeError>;

    /// What was sealed under `label`.
    fn unseal(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, TeeError>;
}

/// Why a TEE did not answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeeError {
    /// The device or its driver failed.
    #[error("the device failed: {0}")]
    Device(String),
    /// Sealed elsewhere, by another build, under another label, or altered.
    #[error("sealed by another build or environment, or altered")]
    NotOurs,
}
