//! The `simulated` TEE: no protection at all, only the same path through the same checks.
//!
//! Its root is one key pair published here, so anybody can make its evidence; a policy accepts it
//! for development networks only. The measurement is what the maker says of itself.

use crate::Claims;
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

/// The claims, if the simulated root signed them.
pub fn verify(signed: &Signed) -> Option<Claims> {
    let root = SigningKey::from_bytes(&dangerous_root()).ok()?.public();
    verify_under(&root, signed)
}

fn verify_under(root: &PublicKey, signed: &Signed) -> Option<Claims> {
    let report = borsh::to_vec(&signed.report).ok()?;
    root.verify(&digest(&report), &signed.signature).ok()?;
    Some(Claims {
        kind: TeeKind::Simulated,
        measurement: signed.report.measurement,
        debug: false,
        binding: signed.report.binding,
        made: signed.report.made,
    })
}
