//! The text forms that reports travel in, and the devices in them. Not here: judging any of them;
//! what a file says beside the reports must agree with them and counts for nothing else.

use super::{NvidiaError, parse};
use crate::{Code, Evidence, Parts, Reason, x509};
use base64ct::{Base64, Encoding as _};
use serde::Deserialize;
use sotto_types::TeeKind;

/// Bytes of a file, at most.
const FILE_MAX: usize = 4 << 20;
/// Devices of one file, at most.
const DEVICES_MAX: usize = 64;

/// One device's evidence out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The architecture that the file names, as `HOPPER`; a label only.
    pub arch: Option<String>,
    /// The nonces that the file names beside the report. They are no expectation, but must be the
    /// report's own.
    pub nonces: Vec<String>,
    /// Report and chain.
    pub parts: Parts,
}

/// The list that NVIDIA's tools write.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    List(Vec<Entry>),
    /// The body of a request to NVIDIA's attestation service, which servers hand out as it is.
    Request {
        nonce: Option<String>,
        arch: Option<String>,
        evidence_list: Vec<Entry>,
    },
}

#[derive(Deserialize)]
struct Entry {
    arch: Option<String>,
    nonce: Option<String>,
    /// The report, in base64.
    evidence: String,
    /// The chain's PEM, in base64.
    certificate: String,
}

impl Device {
    /// As evidence to appraise.
    pub fn evidence(&self) -> Evidence {
        Evidence { kind: TeeKind::Nvidia, parts: self.parts.clone() }
    }

    /// What the file says of the report and the report does not; nothing of what is no report.
    pub fn contradiction(&self) -> Option<Reason> {
        let is = hex::encode(parse(&self.parts.quote).ok()?.nonce);
        let said = self.nonces.iter().find(|said| !said.eq_ignore_ascii_case(&is))?;
        let detail = format!("the file names nonce {said:.64}, the report {is}");
        Some(Reason::new(Code::PartsNotBound, detail))
    }
}

/// The devices of a JSON file: a list of `{evidence, certificate, nonce, arch}`, or a body
/// `{nonce, arch, evidence_list}` for NVIDIA's service.
///
/// # Errors
/// [`NvidiaError`] for the first entry that is none, and for no or more than 64 devices.
pub fn from_json(bytes: &[u8]) -> Result<Vec<Device>, NvidiaError> {
    const WHAT: NvidiaError = NvidiaError::Text("a JSON list of NVIDIA evidence");
    if bytes.len() > FILE_MAX {
        return Err(NvidiaError::TooLong { got: bytes.len(), max: FILE_MAX });
    }
    let (nonce, arch, entries) = match serde_json::from_slice(bytes).map_err(|_| WHAT)? {
        File::List(entries) => (None, None, entries),
        File::Request { nonce, arch, evidence_list } => (nonce, arch, evidence_list),
    };
    if entries.is_empty() || entries.len() > DEVICES_MAX {
        return Err(WHAT);
    }
    entries.into_iter().map(|entry| device(entry, nonce.as_ref(), arch.as_ref())).collect()
}

fn device(
    entry: Entry,
    nonce: Option<&String>,
    arch: Option<&String>,
) -> Result<Device, NvidiaError> {
    let base64 = |text: &str| {
        Base64::decode_vec(text).map_err(|_| NvidiaError::Text("base64 without line breaks"))
    };
    let quote = base64(&entry.evidence)?;
    let chain = chain(&base64(&entry.certificate)?)?;
    Ok(Device {
        arch: entry.arch.or_else(|| arch.cloned()),
        nonces: entry.nonce.into_iter().chain(nonce.cloned()).collect(),
        parts: Parts { quote, chain, ..Parts::default() },
    })
}

/// A report in hexadecimal digits, with its chain's PEM where it was given.
///
/// # Errors
/// [`NvidiaError`].
pub fn from_hex(report: &[u8], pem: Option<&[u8]>) -> Result<Device, NvidiaError> {
    if report.len() > FILE_MAX {
        return Err(NvidiaError::TooLong { got: report.len(), max: FILE_MAX });
    }
    let quote = hex::decode(report.trim_ascii())
        .map_err(|_| NvidiaError::Text("a report in hexadecimal digits"))?;
    let chain = pem.map(chain).transpose()?.unwrap_or_default();
    Ok(Device { arch: None, nonces: vec![], parts: Parts { quote, chain, ..Parts::default() } })
}

fn chain(pem: &[u8]) -> Result<Vec<Vec<u8>>, NvidiaError> {
    let certificates = x509::certificates_from_pem(pem)
        .map_err(|_| NvidiaError::Text("a chain of certificates in PEM"))?;
    Ok(certificates.iter().map(|certificate| certificate.der().to_vec()).collect())
}
