//! Signatures in pure Rust. Not here: the forms of keys and signatures, which are checked before.

use super::{PublicKey, Scheme, SignatureError};
use crate::hash::Hash;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Sha256, Sha384, Sha512};

pub(super) fn verify(
    key: &PublicKey,
    scheme: Scheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let hash = match scheme {
        Scheme::EcdsaSha256 | Scheme::RsaPkcs1Sha256 | Scheme::RsaPssSha256 => Hash::Sha256,
        Scheme::EcdsaSha384 | Scheme::RsaPkcs1Sha384 | Scheme::RsaPssSha384 => Hash::Sha384,
        Scheme::RsaPkcs1Sha512 | Scheme::RsaPssSha512 => Hash::Sha512,
    };
    let digest = hash.digest(&[message]);
    let verified = match key {
        PublicKey::P256(point) => p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .and_then(|key| {
                key.verify_prehash(&digest, &p256::ecdsa::Signature::from_slice(signature)?)
            })
            .is_ok(),
        PublicKey::P384(point) => p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .and_then(|key| {
                key.verify_prehash(&digest, &p384::ecdsa::Signature::from_slice(signature)?)
            })
            .is_ok(),
        PublicKey::Rsa { modulus, exponent } => {
            let (n, e) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
            // The sizes were checked with the key; the library's own limit is lower.
            let key = RsaPublicKey::new_with_max_size(n, e, 8192);
            key.and_then(|key| rsa(&key, scheme, &digest, signature)).is_ok()
        }
    };
    if verified { Ok(()) } else { Err(SignatureError::Forged) }
}

fn rsa(
    key: &RsaPublicKey,
    scheme: Scheme,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), rsa::Error> {
    match scheme {
        Scheme::RsaPkcs1Sha256 => key.verify(Pkcs1v15Sign::new::<Sha256>(), digest, signature),
        Scheme::RsaPkcs1Sha384 => key.verify(Pkcs1v15Sign::new::<Sha384>(), digest, signature),
        Scheme::RsaPkcs1Sha512 => key.verify(Pkcs1v15Sign::new::<Sha512>(), digest, signature),
        Scheme::RsaPssSha256 => key.verify(Pss::new::<Sha256>(), digest, signature),
        Scheme::RsaPssSha384 => key.verify(Pss::new::<Sha384>(), digest, signature),
        Scheme::RsaPssSha512 => key.verify(Pss::new::<Sha512>(), digest, signature),
        Scheme::EcdsaSha256 | Scheme::EcdsaSha384 => Err(rsa::Error::Verification),
    }
}
