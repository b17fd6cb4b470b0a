//! Intel TDX from inside a trust domain: quotes through the kernel's report interface. The host's
//! quoting service makes them. Not here: collateral, which a verifier fetches for itself.

#[cfg(test)]
mod tests;

use crate::{Tee, TeeError, Tsm, device};
use sotto_attest::{
    Binding,
    intel::{self, Quote},
    release,
};
use sotto_types::{Evidence, Measurement, TeeKind, Time};

/// A trust domain.
#[derive(Clone, Debug)]
pub struct Tdx {
    tsm: Tsm,
    measurement: Measurement,
}

impl Tdx {
    /// The one this program runs in. It asks for one quote, to know its measurement.
    ///
    /// # Errors
    /// [`TeeError::Device`]: no such interface, another kind of guest, or no quoting service.
    pub fn new(tsm: Tsm) -> Result<Self, TeeError> {
        let (_, quote) = ask(&tsm, &[0; 64])?;
        let measurement = release(TeeKind::Tdx, &quote.measurements());
        let measurement = measurement.ok_or_else(|| device("the quote lacks a measurement"))?;
        Ok(Self { tsm, measurement })
    }
}

impl Tee for Tdx {
    fn kind(&self) -> TeeKind {
        TeeKind::Tdx
    }

    fn measurement(&self) -> Measurement {
        self.measurement
    }

    /// The quote over [`Binding::bytes`].
    fn evidence(&self, binding: &Binding, _now: Time) -> Result<Evidence, TeeError> {
        let (bytes, _) = ask(&self.tsm, &binding.bytes())?;
        Ok(Evidence { kind: TeeKind::Tdx, bytes })
    }
}

/// A quote over `data`: its bytes, and what they say.
fn ask(tsm: &Tsm, data: &[u8; 64]) -> Result<(Vec<u8>, Quote), TeeError> {
    let report = tsm.report(data, 0)?;
    if report.provider != "tdx_guest" {
        return Err(device(format!("not a trust domain: {} answered", report.provider)));
    }
    let bytes = unpadded(report.outblob);
    let quote = intel::parse(&bytes).map_err(|error| device(error.to_string()))?;
    if quote.kind() != TeeKind::Tdx || quote.report_data() != *data {
        return Err(device("the quote is not over what was asked for"));
    }
    Ok((bytes, quote))
}

/// Some hosts answer with their whole buffer, zeros behind the quote, which verifiers refuse.
fn unpadded(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(length) = intel::length(&bytes)
        && bytes.get(length..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    {
        bytes.truncate(length);
    }
    bytes
}
