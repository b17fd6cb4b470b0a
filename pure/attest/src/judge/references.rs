//! Measurements against reference values. Not here: where reference values come from (`policy`,
//! `manifest`), and vendors' manifests that a kind compares itself.

use crate::{Claims, Code, Policy, Reason};
use sotto_types::TeeKind;

/// Kinds that prove little until somebody says what should have been measured, and how the
/// measurements begin that somebody has to speak of: a TPM quotes whatever was booted, and no vendor
/// says how well an Arm platform is patched.
const NEEDED: [(TeeKind, &str); 4] = [
    (TeeKind::Tpm, "pcr"),
    (TeeKind::AzureSnp, "pcr"),
    (TeeKind::AzureTdx, "pcr"),
    (TeeKind::Cca, "sw"),
];

pub(super) fn judge(claims: &Claims, policy: &Policy) -> Vec<Reason> {
    let mut applied = Vec::new();
    let mut reasons = Vec::new();
    for (key, good) in &policy.references {
        let Some(name) = applies(key, claims) else { continue };
        applied.push(name);
        let detail = match claims.measurements.get(name) {
            Some(value) if good.contains(value) => continue,
            Some(value) => format!("{name} {} is none of the good ones", hex::encode(value)),
            None => format!("{name} is not in the evidence"),
        };
        reasons.push(Reason::new(Code::MeasurementMismatch, detail));
    }
    reasons.extend(missing(claims, policy, &applied));
    reasons
}

/// That nothing, or nothing of weight, was compared.
fn missing(claims: &Claims, policy: &Policy, applied: &[&str]) -> Option<Reason> {
    let needed = NEEDED.iter().find(|(kind, _)| *kind == claims.kind);
    let needs = |detail| Some(Reason::new(Code::ReferenceValuesNeeded, detail));
    match needed {
        Some((_, "pcr")) if policy.image.is_some() => None,
        Some((kind, start)) if !applied.iter().any(|name| name.starts_with(start)) => needs(
            format!("{kind} says little until reference values say which `{start}…` are good"),
        ),
        Some(_) => None,
        None if !applied.is_empty() => None,
        None if policy.references.is_empty() => {
            let detail = "the measurements were not judged";
            Some(Reason::new(Code::NoReferenceValues, detail))
        }
        None => {
            let class = &claims.platform.class;
            needs(format!("the policy has reference values, and none for {class}"))
        }
    }
}

/// The measurement that a reference value's key speaks of, if it is about these claims:
/// `name` is about all evidence, `tdx/name` about a kind, `snp-milan/name` about a class.
pub(crate) fn applies<'a>(key: &'a str, claims: &Claims) -> Option<&'a str> {
    match key.split_once('/') {
        None => Some(key),
        Some((of, name)) => {
            (of == claims.kind.name() || of == claims.platform.class).then_some(name)
        }
    }
}
