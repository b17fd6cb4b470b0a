//! The device side of a TEE: asks for evidence, seals to the environment.
//!
//! One trait, [`Tee`], behind which each kind of hardware stands: [`Tdx`] and [`Snp`] through the
//! kernel's report interface ([`Tsm`]), [`Nitro`] through its driver, [`MeasuredBoot`] through a
//! [`Tpm`], and [`Simulated`], which protects nothing. Besides, what this machine has ([`probe()`])
//! and the store of what vendors say about platforms ([`collateral`]). Only the simulated kind seals;
//! hardware answers [`TeeError::NoSealing`] rather than write a key that the host could read. Not
//! here: judging any of it (`attest`), HTTP (`net`), SGX (an enclave needs a runtime of its own),
//! GPUs (their vendor's library asks them), Azure's paravisor and Arm CCA.

pub mod collateral;
mod measured;
mod nitro;
mod probe;
mod simulated;
mod snp;
mod tdx;
#[cfg(test)]
mod tests;
pub mod tpm;
mod tsm;

pub use measured::MeasuredBoot;
pub use nitro::{Nitro, NsmDriver, SecurityModule};
pub use probe::{Found, probe, probe_under};
pub use simulated::Simulated;
pub use snp::Snp;
pub use tdx::Tdx;
pub use tpm::Tpm;
pub use tsm::{Report, Tsm};

use sotto_attest::Binding;
use sotto_types::{Evidence, Measurement, TeeKind, Time};
use zeroize::Zeroizing;

/// A trusted execution environment as seen from inside it.
pub trait Tee: Send + Sync {
    /// Its kind.
    fn kind(&self) -> TeeKind;

    /// What was measured at launch, as one value ([`sotto_attest::release`]); of a simulated one,
    /// whatever it says of itself.
    fn measurement(&self) -> Measurement;

    /// Evidence over `binding`, made at `now`. Kinds with a clock of their own say their own time.
    ///
    /// # Errors
    /// [`TeeError::Device`].
    fn evidence(&self, binding: &Binding, now: Time) -> Result<Evidence, TeeError>;

    /// Encrypts `secret` so that only the same measurement on the same kind of environment can read
    /// it again. `label` says what it is; another label does not open it.
    ///
    /// # Errors
    /// [`TeeError::NoSealing`] from every kind that does not override it.
    fn seal(&self, label: &str, secret: &[u8]) -> Result<Vec<u8>, TeeError> {
        let _ = (label, secret);
        Err(TeeError::NoSealing(self.kind()))
    }

    /// What was sealed under `label`.
    ///
    /// # Errors
    /// [`TeeError::NotOurs`], or [`TeeError::NoSealing`] from every kind that does not override it.
    fn unseal(&self, label: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, TeeError> {
        let _ = (label, sealed);
        Err(TeeError::NoSealing(self.kind()))
    }
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
    /// This kind gives no key that only the same measurement gets again.
    #[error("{0} seals nothing")]
    NoSealing(TeeKind),
}

fn device(why: impl Into<String>) -> TeeError {
    TeeError::Device(why.into())
}
