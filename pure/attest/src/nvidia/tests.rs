#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

pub(crate) mod maker;
mod manifests;
mod reports;
mod revocation;

use crate::{Appraisal, Code, Endorsements, Evidence, Expected, Policy, appraise, x509::Cache};
use maker::NOW;

/// Judged under `policy`, bound to the nonce that reports are made with.
fn judged(evidence: &Evidence, endorsements: &Endorsements, policy: &Policy) -> Appraisal {
    let expected = Expected::nonce(&maker::NONCE).unwrap();
    appraise(evidence, endorsements, &expected, policy, NOW, &mut Cache::default())
}

/// The codes of an appraisal, in the order of the reasons.
fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}
