//! Whole evidence of a TPM in one file, as other projects write it, taken apart into [`Parts`].
//!
//! Two forms: the JSON of the Confidential Containers attester (`ak_public`, `tpm_quote` with
//! message, signature and PCRs), and the protocol buffer of go-tpm-tools (`attest.Attestation`, of
//! which the quote of the widest bank is taken). Not here: any belief.

use super::{Banks, TpmError, hash_of, pcrs, public, signature};
use crate::Parts;
use base64ct::{Base64, Encoding as _};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Bytes of a bundle, at most.
const BUNDLE_MAX: usize = 20 << 20;

/// Why a bundle is not taken apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Too many bytes.
    #[error("a bundle of {got} bytes; {max} are read")]
    TooLarge {
        /// How many there are.
        got: usize,
        /// How many there may be.
        max: usize,
    },
    /// Not the JSON of this form.
    #[error("not such JSON: {0}")]
    Json(String),
    /// Not the protocol buffer of this form.
    #[error("not such a protocol buffer")]
    Protobuf,
    /// A part inside it.
    #[error(transparent)]
    Part(#[from] TpmError),
}

fn small(bytes: &[u8]) -> Result<(), BundleError> {
    if bytes.len() > BUNDLE_MAX {
        return Err(BundleError::TooLarge { got: bytes.len(), max: BUNDLE_MAX });
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    ak_public: String,
    tpm_quote: JsonQuote,
    #[serde(default)]
    eventlog: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonQuote {
    message: String,
    signature: String,
    pcrs: Vec<String>,
}

/// The parts of the Confidential Containers attester's JSON.
///
/// # Errors
/// [`BundleError`].
pub fn from_json(bytes: &[u8]) -> Result<Parts, BundleError> {
    small(bytes)?;
    let json: Json =
        serde_json::from_slice(bytes).map_err(|error| BundleError::Json(error.to_string()))?;
    let base64 =
        |text: &str| Base64::decode_vec(text).map_err(|error| BundleError::Json(error.to_string()));
    let pcrs = serde_json::to_vec(&json.tpm_quote.pcrs)
        .map_err(|error| BundleError::Json(error.to_string()))?;
    Ok(Parts {
        quote: base64(&json.tpm_quote.message)?,
        signature: Some(base64(&json.tpm_quote.signature)?),
        ak: Some(base64(&json.ak_public)?),
        pcrs: Some(pcrs),
        event_log: json.eventlog.as_deref().map(base64).transpose()?,
        ..Parts::default()
    })
}

/// The parts of go-tpm-tools' `attest.Attestation` (proto/attest.proto): attestation key (1), quotes
/// (2), event log (3), certificate of the key (6) and those above it (7).
///
/// # Errors
/// [`BundleError`].
pub fn from_attestation(bytes: &[u8]) -> Result<Parts, BundleError> {
    small(bytes)?;
    let mut parts = Parts::default();
    let mut widest = None;
    let mut certificates = (Vec::new(), Vec::new());
    for field in Fields(bytes) {
        match field? {
            (1, Value::Bytes(area)) => {
                public::parse(area)?;
                parts.ak = Some(area.to_vec());
            }
            (2, Value::Bytes(quote)) => {
                let quote = tpm_quote(quote)?;
                let bank = quote.2.keys().next().copied();
                if widest <= bank {
                    widest = bank;
                    parts.quote = quote.0;
                    parts.signature = Some(quote.1);
                    parts.pcrs = Some(pcrs::to_text(&quote.2).into_bytes());
                }
            }
            (3, Value::Bytes(log)) => parts.event_log = Some(log.to_vec()),
            (6, Value::Bytes(certificate)) => certificates.0.push(certificate.to_vec()),
            (7, Value::Bytes(certificate)) => certificates.1.push(certificate.to_vec()),
            _ => {}
        }
    }
    parts.chain = [certificates.0, certificates.1].concat();
    if parts.quote.is_empty() { Err(BundleError::Protobuf) } else { Ok(parts) }
}

/// `tpm.Quote`: message (1), signature (2), PCRs (3).
fn tpm_quote(bytes: &[u8]) -> Result<(Vec<u8>, Vec<u8>, Banks), BundleError> {
    let (mut message, mut mark, mut banks) = (Vec::new(), Vec::new(), Banks::new());
    for field in Fields(bytes) {
        match field? {
            (1, Value::Bytes(bytes)) => message = bytes.to_vec(),
            (2, Value::Bytes(bytes)) => {
                signature::parse(bytes)?;
                mark = bytes.to_vec();
            }
            (3, Value::Bytes(bytes)) => {
                let (bank, values) = tpm_pcrs(bytes)?;
                banks.insert(hash_of(bank)?, values);
            }
            _ => {}
        }
    }
    Ok((message, mark, banks))
}

/// `tpm.PCRs`: hash (1), a map from number to value (2).
fn tpm_pcrs(bytes: &[u8]) -> Result<(u16, BTreeMap<u8, Vec<u8>>), BundleError> {
    let (mut bank, mut values) = (0, BTreeMap::new());
    for field in Fields(bytes) {
        match field? {
            (1, Value::Number(number)) => {
                bank = u16::try_from(number).map_err(|_| BundleError::Protobuf)?;
            }
            (2, Value::Bytes(entry)) => {
                let (mut pcr, mut digest) = (0, Vec::new());
                for field in Fields(entry) {
                    match field? {
                        (1, Value::Number(number)) => pcr = number,
                        (2, Value::Bytes(bytes)) => digest = bytes.to_vec(),
                        _ => return Err(BundleError::Protobuf),
                    }
                }
                let pcr = u8::try_from(pcr).map_err(|_| BundleError::Protobuf)?;
                values.insert(pcr, digest);
            }
            _ => {}
        }
    }
    Ok((bank, values))
}

/// A field's value, of the two wire types that the messages have.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), BundleError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(BundleError::Protobuf))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Value<'a>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            2 => {
                let size = usize::try_from(self.varint()?).ok()?;
                let (bytes, rest) = self.0.split_at_checked(size)?;
                self.0 = rest;
                Value::Bytes(bytes)
            }
            _ => return None,
        };
        Some((tag >> 3, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}
