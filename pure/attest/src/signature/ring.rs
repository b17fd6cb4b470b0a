//! Signatures by ring. Not here: the forms of keys and signatures, which are checked before.

use super::{PublicKey, Scheme, SignatureError};
use ring::signature as r;

pub(super) fn verify(
    key: &PublicKey,
    scheme: Scheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let ec = |algorithm: &'static dyn r::VerificationAlgorithm, point: &[u8]| {
        r::UnparsedPublicKey::new(algorithm, point).verify(message, signature)
    };
    let verified = match (key, scheme) {
        // ring has the mixed forms for DER signatures only.
        (PublicKey::P256(point), Scheme::EcdsaSha256) => ec(&r::ECDSA_P256_SHA256_FIXED, point),
        (PublicKey::P384(point), Scheme::EcdsaSha384) => ec(&r::ECDSA_P384_SHA384_FIXED, point),
        (PublicKey::P256(point), Scheme::EcdsaSha384) => {
            let signature = der(signature).ok_or(SignatureError::Forged)?;
            r::UnparsedPublicKey::new(&r::ECDSA_P256_SHA384_ASN1, point).verify(message, &signature)
        }
        (PublicKey::P384(point), Scheme::EcdsaSha256) => {
            let signature = der(signature).ok_or(SignatureError::Forged)?;
            r::UnparsedPublicKey::new(&r::ECDSA_P384_SHA256_ASN1, point).verify(message, &signature)
        }
        (PublicKey::Rsa { modulus, exponent }, scheme) => {
            let parameters = rsa(scheme).ok_or(SignatureError::Form)?;
            r::RsaPublicKeyComponents { n: modulus, e: exponent }
                .verify(parameters, message, signature)
        }
        _ => return Err(SignatureError::Form),
    };
    verified.map_err(|_| SignatureError::Forged)
}

const fn rsa(scheme: Scheme) -> Option<&'static r::RsaParameters> {
    Some(match scheme {
        Scheme::RsaPkcs1Sha256 => &r::RSA_PKCS1_2048_8192_SHA256,
        Scheme::RsaPkcs1Sha384 => &r::RSA_PKCS1_2048_8192_SHA384,
        Scheme::RsaPkcs1Sha512 => &r::RSA_PKCS1_2048_8192_SHA512,
        Scheme::RsaPssSha256 => &r::RSA_PSS_2048_8192_SHA256,
        Scheme::RsaPssSha384 => &r::RSA_PSS_2048_8192_SHA384,
        Scheme::RsaPssSha512 => &r::RSA_PSS_2048_8192_SHA512,
        Scheme::EcdsaSha256 | Scheme::EcdsaSha384 => return None,
    })
}

/// An `ECDSA-Sig-Value` of r ‖ s.
fn der(signature: &[u8]) -> Option<Vec<u8>> {
    use der::{Encode as _, asn1::UintRef};
    #[derive(der::Sequence)]
    struct EcdsaSigValue<'a> {
        r: UintRef<'a>,
        s: UintRef<'a>,
    }
    let (r, s) = signature.split_at_checked(signature.len() / 2)?;
    EcdsaSigValue { r: UintRef::new(r).ok()?, s: UintRef::new(s).ok()? }.to_der().ok()
}
