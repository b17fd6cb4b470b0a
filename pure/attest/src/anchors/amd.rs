//! AMD's roots for SEV-SNP, one per product, with the two authorities under each that sign
//! endorsement keys (AMD 57230, "VCEK certificate and KDS interface specification"; served by AMD's
//! key distribution service as `vcek/v1/…/cert_chain` and `vlek/v1/…/cert_chain`).

use super::{Anchor, Scope};

/// ARK-Milan, ARK-Genoa (also Bergamo and Siena) and ARK-Turin.
pub(super) fn roots() -> Vec<Anchor> {
    vec![
        anchor(
            "AMD Milan",
            include_bytes!("amd_milan_ark.der"),
            include_bytes!("amd_milan_ask.der"),
            include_bytes!("amd_milan_asvk.der"),
        ),
        anchor(
            "AMD Genoa",
            include_bytes!("amd_genoa_ark.der"),
            include_bytes!("amd_genoa_ask.der"),
            include_bytes!("amd_genoa_asvk.der"),
        ),
        anchor(
            "AMD Turin",
            include_bytes!("amd_turin_ark.der"),
            include_bytes!("amd_turin_ask.der"),
            include_bytes!("amd_turin_asvk.der"),
        ),
    ]
}

fn anchor(name: &str, ark: &[u8], ask: &[u8], asvk: &[u8]) -> Anchor {
    Anchor {
        name: name.into(),
        scope: Scope::Production,
        der: ark.to_vec(),
        known: vec![ask.to_vec(), asvk.to_vec()],
    }
}
