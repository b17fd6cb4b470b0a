//! The `simulated` TEE: no protection at all, only the same path through the same checks.
//!
//! Its root is one key pair published here, so anybody can make its evidence; it is an anchor for
//! development. The measurement is what the maker says of itself.

use crate::{Bound, Claims, Code, Context, Parts, Platform, Security, Tcb, Unverified, Vendor};
use borsh::{BorshDeserialize, BorshSerialize};
use sotto_crypto::sign::{PublicKey, Signature, SigningKey};
use sotto_types::{Measurement, TeeKind, Time, sha256, wire::Malformed};

/// The secret half of the simulated root, published on purpose: SHA-256 of
/// "sotto: anybody may sign as the simulated TEE".
pub fn dangerous_root() -> [u8; 32] {
    sha256(&[b"sotto: anybody may sign as the simulated TEE"])
}

/// The signed part of simulated evidence.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Report {
    /// SHA-256 of the running executable, self-declared.
    pub measurement: Measurement,
    /// What the report is bound to.
    pub binding: [u8; 64],
    /// When it was made.
    pub made: Time,
}

/// A report with the simulated root's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    report: Report,
    signature: Signature,
}

const REPORT_LEN: usize = 32 + 64 + 8;
const SIGNED_LEN: usize = REPORT_LEN + 65;

fn digest(report: &[u8]) -> [u8; 32] {
    sha256(&[b"sotto/simulated/v1", report])
}

/// Evidence for `report`, as anybody can make it.
pub fn make(report: &Report) -> Result<Vec<u8>, Malformed> {
    let mut bytes = borsh::to_vec(report)
        .map_err(|e| Malformed::Encoding { what: "report", why: e.to_string() })?;
    let root = SigningKey::from_bytes(&dangerous_root())
        .map_err(|_| Malformed::Invalid("the simulated root is not a key"))?;
    bytes.extend_from_slice(&root.sign(&digest(&bytes)).0);
    Ok(bytes)
}

/// Exactly one report and its signature.
pub fn parse(bytes: &[u8]) -> Result<Signed, Malformed> {
    if bytes.len() > SIGNED_LEN {
        return Err(Malformed::TooLong { got: bytes.len(), max: SIGNED_LEN });
    }
    let (report, signature) = bytes
        .split_at_checked(REPORT_LEN)
        .ok_or(Malformed::Invalid("simulated evidence is cut short"))?;
    let report = Report::try_from_slice(report)
        .map_err(|e| Malformed::Encoding { what: "report", why: e.to_string() })?;
    let signature =
        signature.try_into().map_err(|_| Malformed::Invalid("simulated evidence is cut short"))?;
    Ok(Signed { report, signature: Signature(signature) })
}

impl Signed {
    /// Its fields, decoded and not believed.
    pub fn describe(&self) -> Vec<(String, String)> {
        let report = &self.report;
        [
            ("measurement", hex::encode(report.measurement.0)),
            ("binding", hex::encode(report.binding)),
            ("made", crate::date::rfc3339(report.made)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

/// The claims, if an anchor of [`Vendor::Simulated`] signed them.
pub(crate) fn verify(parts: &Parts, context: &Context<'_>) -> Result<Claims, Unverified> {
    let signed =
        parse(&parts.quote).map_err(|e| Unverified::new(Code::Malformed, e.to_string()))?;
    let anchor = context
        .anchors
        .of(Vendor::Simulated)
        .iter()
        .find(|anchor| verify_under(&anchor.der, &signed).is_some())
        .ok_or_else(|| Unverified::new(Code::UntrustedRoot, "not signed by the simulated root"))?;
    let report = &signed.report;
    Ok(Claims {
        kind: TeeKind::Simulated,
        platform: Platform {
            class: "simulated".into(),
            identities: [].into(),
            anchor: anchor.name.clone(),
            scope: anchor.scope,
        },
        tcb: Tcb::default(),
        measurements: [("measurement".into(), report.measurement.0.to_vec())].into(),
        security: Security::default(),
        bound: Bound { report_data: report.binding.to_vec(), nonce: None, padded: true },
        windows: vec![],
        made: Some(report.made),
        noticed: vec![],
    })
}

/// The simulated root's public half, in the form of its anchor: 33 bytes, compressed.
pub fn root() -> Option<Vec<u8>> {
    let key = SigningKey::from_bytes(&dangerous_root()).ok()?;
    Some(key.public().to_bytes().to_vec())
}

fn verify_under(root: &[u8], signed: &Signed) -> Option<()> {
    let root = PublicKey::from_bytes(root.try_into().ok()?).ok()?;
    let report = borsh::to_vec(&signed.report).ok()?;
    root.verify(&digest(&report), &signed.signature).ok()
}
