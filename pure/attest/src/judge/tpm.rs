//! What a policy demands of quotes of a TPM, and of Azure's virtual ones. Not here: their values,
//! which are references like any other measurement.

use crate::{Claims, Code, Policy, Reason};
use sotto_types::TeeKind;

/// Whether the quote covers what it must.
pub(super) fn judge(claims: &Claims, policy: &Policy) -> Vec<Reason> {
    if !matches!(claims.kind, TeeKind::Tpm | TeeKind::AzureSnp | TeeKind::AzureTdx) {
        return Vec::new();
    }
    selection(claims, policy).into_iter().collect()
}

/// A demanded PCR that was not quoted: a quote over other PCRs proves nothing about it
/// (CVE-2022-0317).
fn selection(claims: &Claims, policy: &Policy) -> Option<Reason> {
    let missing = |pcr: &&u8| !claims.measurements.contains_key(&format!("pcr{pcr}"));
    let names: Vec<String> = policy.pcrs.iter().filter(missing).map(u8::to_string).collect();
    let detail = format!("not quoted: PCRs {}", names.join(", "));
    (!names.is_empty()).then(|| Reason::new(Code::PcrSelection, detail))
}
