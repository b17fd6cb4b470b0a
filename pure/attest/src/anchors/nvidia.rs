//! NVIDIA's two roots: one for devices, one for manifests of good measurements. They are apart, for
//! a signer of manifests must not vouch for a device.

use super::{Anchor, Scope};

fn root(name: &str, der: &[u8]) -> Anchor {
    Anchor { name: name.into(), scope: Scope::Production, der: der.to_vec(), known: vec![] }
}

/// Under which devices attest: `NVIDIA Device Identity CA`, SHA-256
/// 102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48.
pub(super) fn devices() -> Vec<Anchor> {
    vec![root("NVIDIA Device Identity CA", include_bytes!("nvidia-device-identity.der"))]
}

/// Under which manifests are signed: `NVIDIA CoRIM signing Root CA`, SHA-256
/// 12977b5115acb0381179279fffeb5a8c4d264971ebb32298023a465fa41df5d1.
pub(super) fn manifests() -> Vec<Anchor> {
    vec![root("NVIDIA CoRIM signing Root CA", include_bytes!("nvidia-reference-values.der"))]
}
