//! Roots of clouds for their virtual TPMs' attestation keys. Makers of hardware TPMs are too many to
//! pin: a policy names those it wants.

use crate::{Anchor, Scope};

/// Microsoft's roots above the certificates of Azure's attestation keys.
pub(super) fn roots() -> Vec<Anchor> {
    let root = |name: &str, der: &[u8]| Anchor {
        name: name.to_owned(),
        scope: Scope::Production,
        der: der.to_vec(),
        known: Vec::new(),
    };
    vec![
        root("Azure Virtual TPM Root 2023", include_bytes!("tpm_azure_virtual_tpm_2023.der")),
        root("Microsoft RSA Devices Root 2021", include_bytes!("tpm_microsoft_devices_2021.der")),
    ]
}
