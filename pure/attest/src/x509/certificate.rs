//! One certificate, read strictly. Not here: chains of them.

use super::{Cache, X509Error};
use crate::{
    Window,
    signature::{PublicKey, Scheme},
};
use der::{Decode as _, DecodePem as _, Encode as _};
use sotto_types::Time;
use std::collections::BTreeSet;
use x509_cert::{
    ext::pkix::{BasicConstraints, KeyUsage},
    spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, ObjectIdentifier},
};

/// Bytes of a certificate, at most.
const CERTIFICATE_MAX: usize = 16 << 10;
/// Certificates of a chain in PEM, at most.
const CHAIN_MAX: usize = 16;
const PEM_BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const PEM_END: &str = "-----END CERTIFICATE-----";

/// A certificate and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    key: Vec<u8>,
    parsed: x509_cert::Certificate,
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
/// Critical extensions that are understood, or that bind only what is not used here: alternative
/// names (TPM vendors put the model there, RFC 5280 makes it critical without a subject) and
/// extended key usage (which kinds look at themselves).
const UNDERSTOOD: [ObjectIdentifier; 4] = [
    BASIC_CONSTRAINTS,
    KEY_USAGE,
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];

impl Certificate {
    /// From DER, all of it.
    ///
    /// # Errors
    /// [`X509Error::Malformed`], also for an extension that is there twice (RFC 5280 §4.2).
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let malformed = |_| X509Error::Malformed("certificate");
        if der.len() > CERTIFICATE_MAX {
            return Err(X509Error::Malformed("certificate"));
        }
        let parsed = x509_cert::Certificate::from_der(der).map_err(malformed)?;
        let extensions = parsed.tbs_certificate.extensions.as_deref().unwrap_or_default();
        let distinct: BTreeSet<_> = extensions.iter().map(|extension| extension.extn_id).collect();
        if distinct.len() != extensions.len() {
            return Err(X509Error::Malformed("certificate"));
        }
        let tbs = signed_part(der).ok_or(X509Error::Malformed("certificate"))?.to_vec();
        let key = parsed.tbs_certificate.subject_public_key_info.to_der().map_err(malformed)?;
        Ok(Self { der: der.to_vec(), tbs, key, parsed })
    }

    /// From PEM of one certificate, or from DER.
    ///
    /// # Errors
    /// [`X509Error::Malformed`].
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, X509Error> {
        if !bytes.starts_with(b"-----BEGIN") {
            return Self::from_der(bytes);
        }
        if bytes.len() > 2 * CERTIFICATE_MAX {
            return Err(X509Error::Malformed("certificate"));
        }
        let parsed = x509_cert::Certificate::from_pem(bytes)
            .and_then(|certificate| certificate.to_der())
            .map_err(|_| X509Error::Malformed("certificate"))?;
        Self::from_der(&parsed)
    }

    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The `SubjectPublicKeyInfo` (DER).
    pub fn spki(&self) -> &[u8] {
        &self.key
    }

    /// The subject's key.
    ///
    /// # Errors
    /// [`X509Error::Algorithm`] for a key not spoken here.
    pub fn public_key(&self) -> Result<PublicKey, X509Error> {
        PublicKey::from_spki(&self.key).map_err(|error| X509Error::Algorithm(error.to_string()))
    }

    /// The subject's name (RFC 4514).
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate.subject.to_string()
    }

    /// The last common name of the subject; its whole name where it has none.
    pub fn common_name(&self) -> String {
        let relative = self.parsed.tbs_certificate.subject.0.iter().rev();
        let mut attributes = relative.flat_map(|name| name.0.iter());
        let common = attributes.find(|attribute| attribute.oid == COMMON_NAME);
        let bytes = common.map(|attribute| attribute.value.value());
        let text = bytes.and_then(|bytes| core::str::from_utf8(bytes).ok());
        text.map_or_else(|| self.subject(), str::to_owned)
    }

    /// The issuer's name (RFC 4514).
    pub fn issuer(&self) -> String {
        self.parsed.tbs_certificate.issuer.to_string()
    }

    /// The serial number, big-endian.
    pub fn serial(&self) -> &[u8] {
        self.parsed.tbs_certificate.serial_number.as_bytes()
    }

    /// Whether `issuer` has the name of this certificate's issuer, to the byte.
    pub fn names_issuer(&self, issuer: &Self) -> bool {
        self.parsed.tbs_certificate.issuer == issuer.parsed.tbs_certificate.subject
    }

    /// When it is good, under the name `what`.
    pub fn window(&self, what: impl Into<String>) -> Window {
        let validity = &self.parsed.tbs_certificate.validity;
        Window {
            what: what.into(),
            not_before: Time(validity.not_before.to_unix_duration().as_secs()),
            not_after: Time(validity.not_after.to_unix_duration().as_secs()),
        }
    }

    /// The value (inside its OCTET STRING) of the extension with this object identifier.
    pub fn extension(&self, oid: ObjectIdentifier) -> Option<&[u8]> {
        let found = self.extensions().iter().find(|extension| extension.extn_id == oid)?;
        Some(found.extn_value.as_bytes())
    }

    fn extensions(&self) -> &[x509_cert::ext::Extension] {
        self.parsed.tbs_certificate.extensions.as_deref().unwrap_or_default()
    }

    /// The parsed form, for what a kind alone needs.
    pub fn parsed(&self) -> &x509_cert::Certificate {
        &self.parsed
    }

    /// Whether it may sign certificates, and how many may stand between it and the last.
    pub(super) fn authority(&self) -> Result<Option<u8>, X509Error> {
        let refused = || X509Error::NotAnAuthority(self.subject());
        let constraints = self.extension(BASIC_CONSTRAINTS).ok_or_else(refused)?;
        let constraints = BasicConstraints::from_der(constraints).map_err(|_| refused())?;
        if !constraints.ca || !self.usage(KeyUsage::key_cert_sign) {
            return Err(refused());
        }
        Ok(constraints.path_len_constraint)
    }

    /// Whether its key usage allows this; without that extension everything is allowed (RFC 5280
    /// §4.2.1.3).
    pub(super) fn usage(&self, allowed: impl FnOnce(&KeyUsage) -> bool) -> bool {
        let Some(bytes) = self.extension(KEY_USAGE) else { return true };
        KeyUsage::from_der(bytes).is_ok_and(|usage| allowed(&usage))
    }

    /// Refuses a critical extension that nobody here understands.
    pub(super) fn understood(&self, also: &[ObjectIdentifier]) -> Result<(), X509Error> {
        let unknown = self.extensions().iter().find(|extension| {
            let id = &extension.extn_id;
            extension.critical && !UNDERSTOOD.contains(id) && !also.contains(id)
        });
        unknown.map_or(Ok(()), |extension| {
            Err(X509Error::CriticalExtension {
                subject: self.subject(),
                extension: extension.extn_id.to_string(),
            })
        })
    }

    /// Whether `issuer` signed it.
    ///
    /// # Errors
    /// [`X509Error::Forged`], or [`X509Error::Algorithm`].
    pub fn verify_signed_by(&self, issuer: &Self, cache: &mut Cache) -> Result<(), X509Error> {
        let inner = &self.parsed.tbs_certificate.signature;
        let forged = || X509Error::Forged { subject: self.subject(), issuer: issuer.subject() };
        if *inner != self.parsed.signature_algorithm {
            return Err(forged());
        }
        let scheme = scheme(inner)?;
        let key = issuer.public_key()?;
        let signature = self.parsed.signature.as_bytes().ok_or_else(forged)?;
        cache.signed(&self.der, &issuer.key, || {
            key.verify_der(scheme, &self.tbs, signature).map_err(|_| forged())
        })
    }
}

/// The certificates of a text with PEM blocks, in their order, at most 16, with white space between
/// them and white space or zeros after the last (Intel's collateral ends so).
///
/// # Errors
/// [`X509Error::Malformed`] for a block that is no certificate, or for none.
pub fn certificates_from_pem(text: &[u8]) -> Result<Vec<Certificate>, X509Error> {
    let malformed = || X509Error::Malformed("chain of certificates in PEM");
    let text = core::str::from_utf8(text).map_err(|_| malformed())?;
    let mut rest = text.trim_end_matches(|c: char| c.is_ascii_whitespace() || c == '\0');
    let mut certificates = Vec::new();
    while !rest.trim_start().is_empty() {
        let (block, after) = rest.split_once(PEM_END).ok_or_else(malformed)?;
        let block = [block.trim_start(), PEM_END].concat();
        if !block.starts_with(PEM_BEGIN) || certificates.len() == CHAIN_MAX {
            return Err(malformed());
        }
        let certificate = Certificate::from_pem_or_der(block.as_bytes());
        certificates.push(certificate.map_err(|_| malformed())?);
        rest = after;
    }
    if certificates.is_empty() { Err(malformed()) } else { Ok(certificates) }
}

/// The bytes that a certificate's or list's signature covers: the first element of the outer
/// sequence as it stands.
pub(super) fn signed_part(der: &[u8]) -> Option<&[u8]> {
    use der::{Header, Reader as _, SliceReader};
    let mut reader = SliceReader::new(der).ok()?;
    Header::decode(&mut reader).ok()?;
    let start = usize::try_from(reader.position()).ok()?;
    let inner = Header::decode(&mut reader).ok()?;
    let body = usize::try_from(reader.position()).ok()?;
    der.get(start..body.checked_add(usize::try_from(inner.length).ok()?)?)
}

/// The scheme of a signature's algorithm identifier.
pub(super) fn scheme(algorithm: &AlgorithmIdentifierOwned) -> Result<Scheme, X509Error> {
    let unknown = || X509Error::Algorithm(algorithm.oid.to_string());
    Ok(match algorithm.oid.to_string().as_str() {
        "1.2.840.10045.4.3.2" => Scheme::EcdsaSha256,
        "1.2.840.10045.4.3.3" => Scheme::EcdsaSha384,
        "1.2.840.113549.1.1.11" => Scheme::RsaPkcs1Sha256,
        "1.2.840.113549.1.1.12" => Scheme::RsaPkcs1Sha384,
        "1.2.840.113549.1.1.13" => Scheme::RsaPkcs1Sha512,
        "1.2.840.113549.1.1.10" => {
            let parameters = algorithm.parameters.as_ref().ok_or_else(unknown)?;
            let parameters: PssParameters<'_> =
                parameters.decode_as().map_err(|_| X509Error::Malformed("PSS parameter set"))?;
            parameters.scheme().ok_or_else(unknown)?
        }
        _ => return Err(unknown()),
    })
}

/// `RSASSA-PSS-params` (RFC 4055 §3.1). AMD's older certificates write the default trailer out,
/// which DER forbids.
#[derive(der::Sequence)]
struct PssParameters<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    hash: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt: Option<u8>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

impl PssParameters<'_> {
    /// The three forms that are spoken: hash and mask by one function, salt as long as the digest.
    fn scheme(&self) -> Option<Scheme> {
        let hash = hash_of(self.hash.as_ref()?)?;
        let mask = self.mask.as_ref().filter(|mask| mask.oid == MGF1)?;
        let masked = hash_of(&mask.parameters?.decode_as().ok()?)?;
        if masked != hash || self.trailer.is_some_and(|trailer| trailer != 1) {
            return None;
        }
        match (hash, self.salt?) {
            (SHA256, 32) => Some(Scheme::RsaPssSha256),
            (SHA384, 48) => Some(Scheme::RsaPssSha384),
            (SHA512, 64) => Some(Scheme::RsaPssSha512),
            _ => None,
        }
    }
}

/// A hash function's identifier, whose parameters are NULL or left out.
fn hash_of(algorithm: &AlgorithmIdentifierRef<'_>) -> Option<ObjectIdentifier> {
    algorithm.parameters.is_none_or(|any| any.is_null()).then_some(algorithm.oid)
}
