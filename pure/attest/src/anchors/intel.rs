//! Intel's root: one for SGX and TDX. Not here: the certificates under it, which quotes and
//! collateral carry.

use super::{Anchor, Scope};

/// `Intel SGX Root CA`, from certificates.trustedservices.intel.com, SHA-256 of the certificate
/// 44a0196b…fab674d3.
pub(super) fn roots() -> Vec<Anchor> {
    vec![Anchor {
        name: "Intel SGX Root CA".into(),
        scope: Scope::Production,
        der: include_bytes!("intel_sgx_root.der").to_vec(),
        known: vec![],
    }]
}
