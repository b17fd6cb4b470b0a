//! Signatures of the field, by one of two backends with the same verdicts: ring (feature `blst`,
//! the default) or pure Rust (feature `twin`).
//!
//! Keys come as `SubjectPublicKeyInfo`. Not here: certificates, and who signs what.

#[cfg_attr(feature = "blst", path = "signature/ring.rs")]
#[cfg_attr(not(feature = "blst"), path = "signature/pure.rs")]
mod backend;
#[cfg(test)]
mod tests;
/// The other backend, to compare verdicts with.
#[cfg(all(test, feature = "blst"))]
#[path = "signature/pure.rs"]
mod twin;

use der::{Decode as _, Encode as _, asn1::BitStringRef, asn1::UintRef};
use x509_cert::spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};

/// How a signature is made. ECDSA signatures are r ‖ s, each as wide as the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// ECDSA with SHA-256.
    EcdsaSha256,
    /// ECDSA with SHA-384.
    EcdsaSha384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RsaPkcs1Sha384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RsaPkcs1Sha512,
    /// RSASSA-PSS with SHA-256, MGF1 with the same, salt of 32 bytes.
    RsaPssSha256,
    /// RSASSA-PSS with SHA-384, MGF1 with the same, salt of 48 bytes.
    RsaPssSha384,
    /// RSASSA-PSS with SHA-512, MGF1 with the same, salt of 64 bytes.
    RsaPssSha512,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// On P-256: 04 ‖ x ‖ y.
    P256([u8; 65]),
    /// On P-384: 04 ‖ x ‖ y.
    P384([u8; 97]),
    /// RSA: modulus and exponent, big-endian without leading zeros.
    Rsa {
        /// The modulus: odd, 2,048 to 8,192 bits in whole bytes.
        modulus: Vec<u8>,
        /// The public exponent: odd, from 3 below 2^33.
        exponent: Vec<u8>,
    },
}

/// Why a key or signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not a key of a kind and size spoken here.
    #[error("not a P-256, P-384 or RSA public key of 2048 to 8192 bits")]
    Key,
    /// The signature has another form than its key and scheme need.
    #[error("the signature has the wrong form for its key")]
    Form,
    /// It does not verify.
    #[error("the signature does not verify")]
    Forged,
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

impl PublicKey {
    /// From a `SubjectPublicKeyInfo` in DER (RFC 5280, RFC 5480).
    ///
    /// # Errors
    /// [`SignatureError::Key`] for bytes left over, other curves and sizes.
    pub fn from_spki(der: &[u8]) -> Result<Self, SignatureError> {
        let spki = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| SignatureError::Key)?;
        let bits: BitStringRef<'_> = spki.subject_public_key;
        let bytes = bits.as_bytes().ok_or(SignatureError::Key)?;
        if spki.algorithm.oid == EC {
            let curve = spki.algorithm.parameters_oid().map_err(|_| SignatureError::Key)?;
            return match curve {
                P256 => Self::from_point(false, bytes),
                P384 => Self::from_point(true, bytes),
                _ => Err(SignatureError::Key),
            };
        }
        if spki.algorithm.oid == RSA {
            return Self::from_pkcs1(bytes);
        }
        Err(SignatureError::Key)
    }

    /// From an uncompressed point of P-256, or of P-384 when `p384`.
    ///
    /// # Errors
    /// [`SignatureError::Key`] for another form; that it lies on the curve is checked with the
    /// signature.
    fn from_point(p384: bool, bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.first() != Some(&4) {
            return Err(SignatureError::Key);
        }
        let key =
            if p384 { bytes.try_into().map(Self::P384) } else { bytes.try_into().map(Self::P256) };
        key.map_err(|_| SignatureError::Key)
    }

    /// From the coordinates of a point, 32 bytes each for P-256 or 48 each for P-384.
    ///
    /// # Errors
    /// [`SignatureError::Key`] for other sizes.
    pub fn from_coordinates(x: &[u8], y: &[u8]) -> Result<Self, SignatureError> {
        let point = [&[4], x, y].concat();
        match (x.len(), y.len()) {
            (32, 32) => Self::from_point(false, &point),
            (48, 48) => Self::from_point(true, &point),
            _ => Err(SignatureError::Key),
        }
    }

    /// From an `RSAPublicKey` in DER (RFC 8017).
    fn from_pkcs1(der: &[u8]) -> Result<Self, SignatureError> {
        #[derive(der::Sequence)]
        struct RsaPublicKey<'a> {
            modulus: UintRef<'a>,
            exponent: UintRef<'a>,
        }
        let key = RsaPublicKey::from_der(der).map_err(|_| SignatureError::Key)?;
        Self::from_rsa(key.modulus.as_bytes(), key.exponent.as_bytes())
    }

    /// From an RSA modulus and exponent, big-endian.
    ///
    /// # Errors
    /// [`SignatureError::Key`] outside the limits of [`PublicKey::Rsa`].
    pub fn from_rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, SignatureError> {
        let trim = |bytes: &[u8]| bytes.iter().copied().skip_while(|b| *b == 0).collect::<Vec<_>>();
        let (modulus, exponent) = (trim(modulus), trim(exponent));
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |b| b.leading_zeros() as usize);
        let value = exponent.iter().fold(0_u64, |n, b| n.wrapping_shl(8) | u64::from(*b));
        let odd = |bytes: &[u8]| bytes.last().is_some_and(|b| b & 1 == 1);
        if !(2048..=8192).contains(&bits)
            || bits % 8 != 0
            || exponent.len() > 5
            || !(3..1 << 33).contains(&value)
            || !odd(&exponent)
            || !odd(&modulus)
        {
            return Err(SignatureError::Key);
        }
        Ok(Self::Rsa { modulus, exponent })
    }

    /// Whether `signature` over `message` is this key's. ECDSA signatures are r ‖ s.
    ///
    /// # Errors
    /// [`SignatureError::Form`] when scheme, key and length do not fit; [`SignatureError::Forged`].
    pub fn verify(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let ecdsa = matches!(scheme, Scheme::EcdsaSha256 | Scheme::EcdsaSha384);
        let fits = match self {
            Self::P256(_) => ecdsa && signature.len() == 64,
            Self::P384(_) => ecdsa && signature.len() == 96,
            Self::Rsa { modulus, .. } => !ecdsa && signature.len() == modulus.len(),
        };
        if !fits {
            return Err(SignatureError::Form);
        }
        backend::verify(self, scheme, message, signature)
    }

    /// [`PublicKey::verify`] for an ECDSA signature in DER (`ECDSA-Sig-Value`), or an RSA one.
    ///
    /// # Errors
    /// As [`PublicKey::verify`]; [`SignatureError::Form`] also for DER that is not canonical.
    pub fn verify_der(
        &self,
        scheme: Scheme,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        match self {
            Self::P256(_) => self.verify(scheme, message, &fixed(signature, 32)?),
            Self::P384(_) => self.verify(scheme, message, &fixed(signature, 48)?),
            Self::Rsa { .. } => self.verify(scheme, message, signature),
        }
    }
}

/// r ‖ s of an `ECDSA-Sig-Value`, each `width` bytes.
fn fixed(der: &[u8], width: usize) -> Result<Vec<u8>, SignatureError> {
    #[derive(der::Sequence)]
    struct EcdsaSigValue<'a> {
        r: UintRef<'a>,
        s: UintRef<'a>,
    }
    let value = EcdsaSigValue::from_der(der).map_err(|_| SignatureError::Form)?;
    if value.to_der().map_err(|_| SignatureError::Form)? != der {
        return Err(SignatureError::Form);
    }
    let mut out = Vec::with_capacity(2 * width);
    for part in [value.r.as_bytes(), value.s.as_bytes()] {
        let pad = width.checked_sub(part.len()).ok_or(SignatureError::Form)?;
        out.resize(out.len() + pad, 0);
        out.extend_from_slice(part);
    }
    Ok(out)
}
