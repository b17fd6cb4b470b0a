//! AMD SEV-SNP from inside a guest: reports through the kernel's report interface, with the
//! certificates that the host keeps beside them. Not here: fetching certificates that the host does
//! not have ([`crate::collateral`]).

mod table;
#[cfg(test)]
mod tests;

use crate::{Tee, TeeError, Tsm, device};
use sotto_attest::{Binding, Parts, release, snp};
use sotto_types::{Evidence, Measurement, TeeKind, Time, Wire as _, limits};

/// A guest.
#[derive(Clone, Debug)]
pub struct Snp {
    tsm: Tsm,
    level: u8,
    measurement: Measurement,
}

impl Snp {
    /// The one this program runs in, at privilege level `level` (VMPL): 0, or the guest's own under
    /// a service module. It asks for one report, to know its measurement.
    ///
    /// # Errors
    /// [`TeeError::Device`]: no such interface, another kind of guest, or a level above its own.
    pub fn new(tsm: Tsm, level: u8) -> Result<Self, TeeError> {
        let (_, report) = ask(&tsm, level, &[0; 64])?;
        let fields = [
            ("measurement".to_owned(), report.measurement.to_vec()),
            ("host_data".to_owned(), report.host_data.to_vec()),
        ];
        let measurement = release(TeeKind::Snp, &fields.into());
        let measurement = measurement.ok_or_else(|| device("the report lacks a measurement"))?;
        Ok(Self { tsm, level, measurement })
    }
}

impl Tee for Snp {
    fn kind(&self) -> TeeKind {
        TeeKind::Snp
    }

    fn measurement(&self) -> Measurement {
        self.measurement
    }

    /// The report over [`Binding::bytes`] as `quote`, and the host's certificates as `chain`, in
    /// the wire form of [`Parts`].
    fn evidence(&self, binding: &Binding, _now: Time) -> Result<Evidence, TeeError> {
        let (parts, _) = ask(&self.tsm, self.level, &binding.bytes())?;
        let bytes = parts.encode();
        if bytes.len() > limits::EVIDENCE_MAX {
            return Err(device(format!("evidence of {} bytes", bytes.len())));
        }
        Ok(Evidence { kind: TeeKind::Snp, bytes })
    }
}

/// A report over `data`: its parts, and what it says.
fn ask(tsm: &Tsm, level: u8, data: &[u8; 64]) -> Result<(Parts, snp::Report), TeeError> {
    let answer = tsm.report(data, level)?;
    if answer.provider != "sev_guest" {
        return Err(device(format!("not an SNP guest: {} answered", answer.provider)));
    }
    let report = snp::parse(&answer.outblob).map_err(|error| device(error.to_string()))?;
    if report.report_data != *data || report.vmpl != u32::from(level) {
        return Err(device("the report is not over what was asked for"));
    }
    let chain = table::chain(&answer.auxblob, report.signing_key)?;
    Ok((Parts { quote: answer.outblob, chain, ..Parts::default() }, report))
}
