//! A machine whose start its TPM measured. Memory is not encrypted: whoever has the machine can look
//! in, and a TPM that a host keeps speaks for that host. Not here: the TPM's commands ([`Tpm`]).

#[cfg(test)]
mod tests;

use crate::{Tee, TeeError, Tpm, device};
use sotto_attest::{Binding, hash::Hash, release};
use sotto_types::{Evidence, Measurement, TeeKind, Time, Wire as _, limits};
use std::collections::BTreeSet;

/// A machine with a TPM.
pub struct MeasuredBoot {
    tpm: Tpm,
    bank: Hash,
    pcrs: BTreeSet<u8>,
    measurement: Measurement,
}

impl MeasuredBoot {
    /// This machine, as `pcrs` of `bank` describe it. Those that make up the measurement
    /// ([`release`]: 4, 9, 11, 12 and 13) must be among them.
    ///
    /// # Errors
    /// [`TeeError::Device`], also when one of these five is missing.
    pub fn new(tpm: Tpm, bank: Hash, pcrs: BTreeSet<u8>) -> Result<Self, TeeError> {
        let values = tpm.pcrs(bank, &pcrs)?;
        let named = values.into_iter().map(|(pcr, value)| (format!("pcr{pcr}"), value)).collect();
        let measurement = release(TeeKind::Tpm, &named);
        let measurement =
            measurement.ok_or_else(|| device("PCRs 4, 9, 11, 12 and 13 must be quoted"))?;
        Ok(Self { tpm, bank, pcrs, measurement })
    }

    /// The TPM, to activate credentials with.
    pub const fn tpm(&self) -> &Tpm {
        &self.tpm
    }
}

impl Tee for MeasuredBoot {
    fn kind(&self) -> TeeKind {
        TeeKind::Tpm
    }

    fn measurement(&self) -> Measurement {
        self.measurement
    }

    /// The quote over [`Binding::short`] with its signature, key, values and endorsement
    /// certificate, in the wire form of [`sotto_attest::Parts`].
    fn evidence(&self, binding: &Binding, _now: Time) -> Result<Evidence, TeeError> {
        let bytes = self.tpm.quote(&binding.short(), self.bank, &self.pcrs)?.encode();
        if bytes.len() > limits::EVIDENCE_MAX {
            return Err(device(format!("evidence of {} bytes", bytes.len())));
        }
        Ok(Evidence { kind: TeeKind::Tpm, bytes })
    }
}
