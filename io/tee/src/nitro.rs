//! AWS Nitro from inside an enclave: documents from the Nitro Security Module (NSM).
//!
//! The driver takes CBOR over an `ioctl`, which AWS's own crate does. Not here: verifying a
//! document, and NitroTPM, which speaks of a whole instance.

#[cfg(test)]
mod tests;

use crate::{Tee, TeeError, device};
use aws_nitro_enclaves_nsm_api::{
    api::{Request, Response},
    driver::nsm_process_request,
};
use sotto_attest::{Binding, Measurements, release};
use sotto_types::{Evidence, Measurement, TeeKind, Time};
use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd as _;

const DRIVER: &str = "/dev/nsm";
/// Bytes of a document, at most (the driver's own limit for an answer).
const DOCUMENT_MAX: usize = 0x3000;
/// Bytes of a PCR: SHA-384.
const PCR: usize = 48;

/// Takes one request of the NSM's and gives its answer.
pub trait SecurityModule: Send + Sync {
    /// The answer; what went wrong is an answer too.
    fn answer(&self, request: Request) -> Response;
}

/// The kernel's driver.
#[derive(Debug)]
pub struct NsmDriver(File);

impl NsmDriver {
    /// Opens `/dev/nsm`.
    ///
    /// # Errors
    /// [`TeeError::Device`]: not inside an enclave.
    pub fn open() -> Result<Self, TeeError> {
        let file = OpenOptions::new().read(true).write(true).open(DRIVER);
        file.map(Self).map_err(|error| device(format!("{DRIVER}: {error}")))
    }
}

impl SecurityModule for NsmDriver {
    fn answer(&self, request: Request) -> Response {
        nsm_process_request(self.0.as_raw_fd(), request)
    }
}

/// An enclave.
pub struct Nitro {
    module: Box<dyn SecurityModule>,
    measurement: Measurement,
}

impl Nitro {
    /// The one this program runs in.
    ///
    /// # Errors
    /// [`TeeError::Device`].
    pub fn system() -> Result<Self, TeeError> {
        Self::new(NsmDriver::open()?)
    }

    /// The one behind `module`. It asks for PCRs 0 to 2 (image, kernel, application), to know its
    /// measurement.
    ///
    /// # Errors
    /// [`TeeError::Device`], also for a PCR that can still change.
    pub fn new(module: impl SecurityModule + 'static) -> Result<Self, TeeError> {
        let mut pcrs = Measurements::new();
        for index in 0..3 {
            let value = register(module.answer(Request::DescribePCR { index }))?;
            pcrs.insert(format!("pcr{index}"), value);
        }
        let measurement = release(TeeKind::Nitro, &pcrs);
        let measurement = measurement.ok_or_else(|| device("a PCR is missing"))?;
        Ok(Self { module: Box::new(module), measurement })
    }
}

impl Tee for Nitro {
    fn kind(&self) -> TeeKind {
        TeeKind::Nitro
    }

    fn measurement(&self) -> Measurement {
        self.measurement
    }

    /// The document with [`Binding::bytes`] as its user data and as its nonce, where verifiers look
    /// for a challenge.
    fn evidence(&self, binding: &Binding, _now: Time) -> Result<Evidence, TeeError> {
        let bound = binding.bytes().to_vec();
        let request = Request::Attestation {
            user_data: Some(bound.clone().into()),
            nonce: Some(bound.into()),
            public_key: None,
        };
        let bytes = document(self.module.answer(request))?;
        Ok(Evidence { kind: TeeKind::Nitro, bytes })
    }
}

fn register(answer: Response) -> Result<Vec<u8>, TeeError> {
    match answer {
        Response::DescribePCR { lock: true, data } if data.len() == PCR => Ok(data),
        Response::DescribePCR { lock: false, .. } => Err(device("a launch PCR is not locked")),
        other => Err(refused(&other)),
    }
}

fn document(answer: Response) -> Result<Vec<u8>, TeeError> {
    match answer {
        Response::Attestation { document } if (1..=DOCUMENT_MAX).contains(&document.len()) => {
            Ok(document)
        }
        other => Err(refused(&other)),
    }
}

fn refused(answer: &Response) -> TeeError {
    match answer {
        Response::Error(code) => device(format!("the NSM refused: {code:?}")),
        _ => device("the NSM answered something else"),
    }
}
