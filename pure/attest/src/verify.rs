//! The second step for every kind: whether the signatures hold, up to an anchor of the policy.
//!
//! No clock: dates become windows of the claims and are judged later. Not here: what is signed by
//! whom, which each kind's module knows.

use crate::{
    Anchors, Claims, Code, Endorsements, Evidence, Reason, azure, cca, intel, nitro, nvidia,
    simulated, snp, tpm, x509::Cache,
};
use sotto_types::TeeKind;

/// What verification may use besides the evidence.
#[derive(Debug)]
pub struct Context<'a> {
    /// What others say about the platform.
    pub endorsements: &'a Endorsements,
    /// The roots that the policy names.
    pub anchors: &'a Anchors,
    /// Signatures between certificates that were verified before.
    pub cache: &'a mut Cache,
}

/// Evidence that gave no claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unverified {
    /// Why; never empty.
    pub reasons: Vec<Reason>,
}

impl Unverified {
    /// For one reason.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { reasons: vec![Reason::new(code, detail)] }
    }
}

impl From<Reason> for Unverified {
    fn from(reason: Reason) -> Self {
        Self { reasons: vec![reason] }
    }
}

/// The claims of genuine evidence.
///
/// # Errors
/// Every reason why it is not genuine, or why nobody can tell.
pub fn verify(evidence: &Evidence, context: &mut Context<'_>) -> Result<Claims, Unverified> {
    let parts = &evidence.parts;
    match evidence.kind {
        TeeKind::Simulated => simulated::verify(parts, context),
        kind @ (TeeKind::Tdx | TeeKind::Sgx) => intel::verify(kind, parts, context),
        TeeKind::Snp => snp::verify(parts, context),
        kind @ (TeeKind::AzureSnp | TeeKind::AzureTdx) => azure::verify(kind, parts, context),
        TeeKind::Tpm => tpm::verify(parts, context),
        TeeKind::Nitro => nitro::verify(parts, context),
        TeeKind::Cca => cca::verify(parts, context),
        TeeKind::Nvidia => nvidia::verify(parts, context),
    }
}
