//! The document's fields, with AWS's limits. Not here: whether anybody signed them.

use super::dstack::{self, Wrapper};
use crate::Reason;
use crate::cose::{Fields, Key, Signed, TokenError, decode};
use ciborium::Value;
use core::ops::RangeInclusive;
use std::collections::BTreeMap;

/// Bytes of a document, at most (the NSM's own limit).
pub(super) const DOCUMENT_MAX: usize = 16 << 10;
/// Certificates of a bundle, at most. AWS uses four.
const BUNDLE_MAX: usize = 8;

/// An attestation document, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The envelope.
    pub signed: Signed,
    /// The hypervisor module that made it: `i-<instance>-enc<enclave>`.
    pub module_id: String,
    /// When, in milliseconds since 1970.
    pub timestamp: u64,
    /// Platform configuration registers by index, 0 to 31.
    pub pcrs: BTreeMap<u8, Vec<u8>>,
    /// The certificate (DER) whose key signed the document.
    pub certificate: Vec<u8>,
    /// Its issuers (DER), the root first.
    pub cabundle: Vec<Vec<u8>>,
    /// A key that the enclave wants to be reached by.
    pub public_key: Option<Vec<u8>>,
    /// What the enclave says.
    pub user_data: Option<Vec<u8>>,
    /// The verifier's challenge.
    pub nonce: Option<Vec<u8>>,
    pub(super) wrapper: Option<Wrapper>,
}

/// Exactly one document: a `COSE_Sign1` with or without its tag, or one in dstack's wrapper.
///
/// # Errors
/// [`TokenError`].
pub fn parse(bytes: &[u8]) -> Result<Document, TokenError> {
    match bytes.first() {
        Some(0) => {
            let (document, wrapper) = dstack::unwrap(bytes)?;
            Ok(Document { wrapper: Some(wrapper), ..bare(document)? })
        }
        _ => bare(bytes),
    }
}

fn bare(bytes: &[u8]) -> Result<Document, TokenError> {
    let signed = Signed::parse_es384(bytes, DOCUMENT_MAX)?;
    let mut fields = Fields::of("the document", decode(signed.payload(), DOCUMENT_MAX)?)?;
    if fields.text("digest", "digest")?.as_deref() != Some("SHA384") {
        return Err(TokenError::Field { what: "digest", must: "SHA384" });
    }
    let module_id = fields.text("module_id", "module_id")?.unwrap_or_default();
    let timestamp = fields.number("timestamp", "timestamp")?.unwrap_or_default();
    if module_id.is_empty() || module_id.len() > 256 {
        return Err(TokenError::Field { what: "module_id", must: "text of 1 to 256 bytes" });
    }
    if timestamp == 0 {
        return Err(TokenError::Field { what: "timestamp", must: "a time after 1970" });
    }
    let certificate = sized(&mut fields, "certificate", 1..=1024)?;
    Ok(Document {
        module_id,
        timestamp,
        pcrs: pcrs(fields.take("pcrs").ok_or(TokenError::Missing("pcrs"))?)?,
        certificate: certificate.ok_or(TokenError::Missing("certificate"))?,
        cabundle: bundle(fields.array("cabundle", "cabundle")?.unwrap_or_default())?,
        public_key: sized(&mut fields, "public_key", 1..=1024)?,
        user_data: sized(&mut fields, "user_data", 0..=1024)?,
        nonce: sized(&mut fields, "nonce", 0..=1024)?,
        wrapper: None,
        signed,
    })
}

fn sized(
    fields: &mut Fields,
    what: &'static str,
    sizes: RangeInclusive<usize>,
) -> Result<Option<Vec<u8>>, TokenError> {
    let bytes = fields.bytes(what, what)?;
    if bytes.as_ref().is_some_and(|bytes| !sizes.contains(&bytes.len())) {
        return Err(TokenError::Field { what, must: "of a size that AWS allows" });
    }
    Ok(bytes)
}

fn pcrs(value: Value) -> Result<BTreeMap<u8, Vec<u8>>, TokenError> {
    let wrong = TokenError::Field { what: "pcrs", must: "1 to 32 registers of 32, 48 or 64 bytes" };
    let entries = Fields::of("pcrs", value)?.rest();
    if entries.is_empty() {
        return Err(wrong);
    }
    entries
        .into_iter()
        .map(|entry| match entry {
            (Key::Int(index @ 0..=31), Value::Bytes(pcr)) if matches!(pcr.len(), 32 | 48 | 64) => {
                u8::try_from(index).map(|index| (index, pcr)).map_err(|_| wrong.clone())
            }
            _ => Err(wrong.clone()),
        })
        .collect()
}

fn bundle(items: Vec<Value>) -> Result<Vec<Vec<u8>>, TokenError> {
    let wrong =
        TokenError::Field { what: "cabundle", must: "1 to 8 certificates of 1 to 1024 bytes" };
    if items.is_empty() || items.len() > BUNDLE_MAX {
        return Err(wrong);
    }
    let certificate = |item| match item {
        Value::Bytes(der) if (1..=1024).contains(&der.len()) => Ok(der),
        _ => Err(wrong.clone()),
    };
    items.into_iter().map(certificate).collect()
}

impl Document {
    /// Whether a register is absent or zero.
    pub(super) fn is_zero(&self, index: u8) -> bool {
        self.pcrs.get(&index).is_none_or(|pcr| pcr.iter().all(|byte| *byte == 0))
    }

    /// Whether a wrapper, if there is one, says what the document says.
    pub(super) fn wrapped(&self) -> Result<(), Reason> {
        self.wrapper.as_ref().map_or(Ok(()), |wrapper| wrapper.fits(self))
    }

    /// Every field for people, unverified.
    pub fn describe(&self) -> Vec<(String, String)> {
        let optional = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or("none".into(), hex::encode);
        let mut out = vec![
            ("module_id".into(), self.module_id.escape_default().to_string()),
            ("timestamp".into(), format!("{} ms", self.timestamp)),
        ];
        out.extend(self.pcrs.iter().map(|(index, pcr)| (format!("pcr{index}"), hex::encode(pcr))));
        out.push(("certificate".into(), hex::encode(&self.certificate)));
        let bundle = self.cabundle.iter().enumerate();
        out.extend(bundle.map(|(index, der)| (format!("cabundle{index}"), hex::encode(der))));
        out.push(("public_key".into(), optional(&self.public_key)));
        out.push(("user_data".into(), optional(&self.user_data)));
        out.push(("nonce".into(), optional(&self.nonce)));
        out.extend(self.wrapper.iter().flat_map(Wrapper::describe));
        out
    }
}
