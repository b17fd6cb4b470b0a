//! The JSON in which evidence of Azure's confidential VMs travels. Not here: any belief.
//!
//! Two forms. That of the Confidential Containers attester: without a version every binary part is
//! an array of numbers, and the report may be called `report` and the quote `quote`; with version 1
//! or 2 the HCL report, the VCEK and the TD quote (and here a log) are base64 with the alphabet for
//! URLs, and the parts of the quote hex. And the document of Flashbots' attested TLS (TDX alone),
//! whose certificate of the attestation key is passed over: the hardware vouches for that key.

use super::AzureError;
use base64ct::{Base64, Base64Url, Base64UrlUnpadded, Encoding as _};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use std::collections::BTreeMap;

/// Bytes of a bundle, at most.
const BUNDLE_MAX: usize = 256 << 10;
/// PCRs of a bank.
const PCRS: usize = 24;

/// Evidence of an Azure confidential VM, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The HCL report as it lies in the TPM's NV index.
    pub hcl_report: Vec<u8>,
    /// The virtual TPM's quote (`TPMS_ATTEST`).
    pub message: Vec<u8>,
    /// Its signature: the bare number (RSASSA, SHA-256), or a `TPMT_SIGNATURE`.
    pub signature: Vec<u8>,
    /// The SHA-256 bank.
    pub pcrs: BTreeMap<u8, Vec<u8>>,
    /// SNP: the certificate (DER or PEM) of the report's signer, if it was sent along.
    pub vcek: Option<Vec<u8>>,
    /// TDX: the quote that the TD report was turned into.
    pub td_quote: Option<Vec<u8>>,
    /// The firmware's log, if it was sent along.
    pub event_log: Option<Vec<u8>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    version: Option<u32>,
    #[serde(alias = "report")]
    hcl_report: Bytes,
    #[serde(alias = "quote")]
    tpm_quote: ReadQuote,
    vcek: Option<String>,
    td_quote: Option<Bytes>,
    event_log: Option<Bytes>,
}

/// Flashbots' `AttestationDocument`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    tdx_quote_base64: String,
    hcl_report_base64: String,
    tpm_attestation: DocumentTpm,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentTpm {
    quote: ReadQuote,
    event_log: Vec<u8>,
    #[serde(rename = "ak_certificate_pem")]
    _certificate: IgnoredAny,
    #[serde(rename = "ak_intermediate_certificates_pem", default)]
    _intermediates: Option<IgnoredAny>,
    #[serde(rename = "instance_info", default)]
    _instance: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadQuote {
    message: Bytes,
    signature: Bytes,
    pcrs: Vec<Bytes>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Numbers(Vec<u8>),
}

/// What text stands for.
#[derive(Clone, Copy)]
enum Text {
    Hex,
    Base64,
}

impl Bytes {
    fn bytes(self, versioned: bool, text: Text) -> Result<Vec<u8>, AzureError> {
        match (self, versioned, text) {
            (Self::Numbers(bytes), false, _) => Ok(bytes),
            (Self::Text(words), true, Text::Hex) => {
                // One text for the same bytes: lower case.
                let upper = words.bytes().any(|byte| byte.is_ascii_uppercase());
                let bytes = hex::decode(words).ok().filter(|_| !upper);
                bytes.ok_or_else(|| json("not hex in lower case"))
            }
            (Self::Text(words), true, Text::Base64) => base64(&words),
            _ => Err(json("bytes in the form of another version")),
        }
    }
}

fn base64(text: &str) -> Result<Vec<u8>, AzureError> {
    let decoded = Base64Url::decode_vec(text)
        .or_else(|_| Base64UrlUnpadded::decode_vec(text))
        .or_else(|_| Base64::decode_vec(text));
    decoded.map_err(|_| json("not base64"))
}

/// The parser repeats what it was given: a refusal stays short, whatever that was.
fn json(why: &str) -> AzureError {
    let why = why.chars().take(300).collect();
    AzureError::Json { what: "evidence of an Azure VM", why }
}

/// Exactly one bundle.
///
/// # Errors
/// [`AzureError`].
pub fn parse(bytes: &[u8]) -> Result<Bundle, AzureError> {
    if bytes.len() > BUNDLE_MAX {
        let got = bytes.len();
        let what = "evidence of an Azure VM";
        return Err(AzureError::TooLarge { what, got, max: BUNDLE_MAX });
    }
    // The first key tells the forms apart for people; here one of them reads it, or neither.
    match serde_json::from_slice::<Document>(bytes) {
        Ok(document) => document.bundle(),
        Err(_) => {
            let read: Read =
                serde_json::from_slice(bytes).map_err(|error| json(&error.to_string()))?;
            read.bundle()
        }
    }
}

impl Document {
    fn bundle(self) -> Result<Bundle, AzureError> {
        let tpm = self.tpm_attestation;
        let quote = tpm.quote.quote(false)?;
        Ok(Bundle {
            hcl_report: base64(&self.hcl_report_base64)?,
            message: quote.message,
            signature: quote.signature,
            pcrs: quote.pcrs,
            vcek: None,
            td_quote: Some(base64(&self.tdx_quote_base64)?),
            event_log: Some(tpm.event_log).filter(|log| !log.is_empty()),
        })
    }
}

impl Read {
    fn bundle(self) -> Result<Bundle, AzureError> {
        let versioned = match self.version {
            None => false,
            Some(1 | 2) => true,
            Some(value) => {
                return Err(AzureError::Version { what: "evidence of an Azure VM", value });
            }
        };
        let vcek = self.vcek.map(|text| {
            if text.starts_with("-----BEGIN") { Ok(text.into_bytes()) } else { base64(&text) }
        });
        let quote = self.tpm_quote.quote(versioned)?;
        let optional =
            |part: Option<Bytes>| part.map(|part| part.bytes(versioned, Text::Base64)).transpose();
        Ok(Bundle {
            hcl_report: self.hcl_report.bytes(versioned, Text::Base64)?,
            message: quote.message,
            signature: quote.signature,
            pcrs: quote.pcrs,
            vcek: vcek.transpose()?,
            td_quote: optional(self.td_quote)?,
            event_log: optional(self.event_log)?,
        })
    }
}

/// A quote's parts.
struct Quote {
    message: Vec<u8>,
    signature: Vec<u8>,
    pcrs: BTreeMap<u8, Vec<u8>>,
}

impl ReadQuote {
    fn quote(self, versioned: bool) -> Result<Quote, AzureError> {
        if self.pcrs.len() != PCRS {
            return Err(json("a bank has 24 PCRs"));
        }
        let mut pcrs = BTreeMap::new();
        for (number, value) in (0..).zip(self.pcrs) {
            let value = value.bytes(versioned, Text::Hex)?;
            if value.len() != 32 {
                return Err(json("a PCR of SHA-256 has 32 bytes"));
            }
            pcrs.insert(number, value);
        }
        Ok(Quote {
            message: self.message.bytes(versioned, Text::Hex)?,
            signature: self.signature.bytes(versioned, Text::Hex)?,
            pcrs,
        })
    }
}

#[derive(Serialize)]
struct Written {
    version: u32,
    hcl_report: String,
    tpm_quote: WrittenQuote,
    #[serde(skip_serializing_if = "Option::is_none")]
    vcek: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    td_quote: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_log: Option<String>,
}

#[derive(Serialize)]
struct WrittenQuote {
    message: String,
    signature: String,
    pcrs: Vec<String>,
}

impl Bundle {
    /// The bundle as JSON of version 1: how parts that were gathered one by one become evidence.
    /// A certificate in PEM is written as it is.
    ///
    /// # Errors
    /// [`AzureError::Json`] without the 24 PCRs.
    pub fn to_json(&self) -> Result<Vec<u8>, AzureError> {
        if !self.pcrs.keys().copied().eq(0..24) {
            return Err(json("a bank has 24 PCRs"));
        }
        let base64 = |bytes: &Vec<u8>| Base64Url::encode_string(bytes);
        let certificate = |bytes: &Vec<u8>| match core::str::from_utf8(bytes) {
            Ok(text) if text.starts_with("-----BEGIN") => text.to_owned(),
            _ => base64(bytes),
        };
        let written = Written {
            version: 1,
            hcl_report: base64(&self.hcl_report),
            tpm_quote: WrittenQuote {
                message: hex::encode(&self.message),
                signature: hex::encode(&self.signature),
                pcrs: self.pcrs.values().map(hex::encode).collect(),
            },
            vcek: self.vcek.as_ref().map(certificate),
            td_quote: self.td_quote.as_ref().map(base64),
            event_log: self.event_log.as_ref().map(base64),
        };
        serde_json::to_vec(&written).map_err(|error| json(&error.to_string()))
    }

    /// The fields by name, for people. Nothing here is believed.
    pub fn describe(&self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        if let Ok(hcl) = super::parse_hcl(&self.hcl_report) {
            fields.extend(hcl.describe());
        }
        if let Ok(quote) = crate::tpm::parse(&self.message) {
            fields.extend(quote.describe());
        }
        let pcrs = self.pcrs.iter();
        fields.extend(pcrs.map(|(pcr, value)| (format!("pcr{pcr}"), hex::encode(value))));
        fields
    }
}
