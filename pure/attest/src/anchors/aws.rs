//! AWS's root for Nitro Enclaves. Not here: the regional and zonal authorities, which come with
//! every document.

use super::{Anchor, Scope};

/// `AWS_NitroEnclaves_Root-G1`, SHA-256 fingerprint `641A0321 A3E244EF E4564631 95D60631 7ED7CDCC
/// 3C1756E0 9893F3C6 8F79BB5B`, as the AWS Nitro Enclaves User Guide publishes it ("Verifying the
/// root of trust"). Good until 2049-10-28.
const G1: &[u8] = include_bytes!("aws_nitro_root_g1.der");

/// The roots.
pub(super) fn roots() -> Vec<Anchor> {
    vec![Anchor {
        name: "AWS Nitro Enclaves G1".into(),
        scope: Scope::Production,
        der: G1.to_vec(),
        known: vec![],
    }]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pinned_root_has_the_fingerprint_that_aws_publishes() {
        let published = "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b";
        assert_eq!(hex::encode(crate::hash::sha256(super::G1)), published);
    }
}
