//! Keys that public sample tokens of Arm CCA are signed with. Their secret halves are published, so
//! they are good for development only. Not here: keys of real platforms, which their makers hand
//! out one by one; nobody has published a root for them.

use super::{Anchor, Scope};

/// The platform keys of the sample tokens of Veraison and Trusted Firmware-A (P-384) and of
/// Veraison's services (P-256), as `SubjectPublicKeyInfo`.
const SAMPLES: [(&str, &[u8]); 2] = [
    ("Arm CCA sample key P-384", include_bytes!("arm_test_p384.der")),
    ("Arm CCA sample key P-256", include_bytes!("arm_test_p256.der")),
];

/// The keys.
pub(super) fn samples() -> Vec<Anchor> {
    let anchor = |(name, der): (&str, &[u8])| Anchor {
        name: name.into(),
        scope: Scope::Development,
        der: der.to_vec(),
        known: vec![],
    };
    SAMPLES.into_iter().map(anchor).collect()
}
