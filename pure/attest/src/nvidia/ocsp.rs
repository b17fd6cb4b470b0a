//! OCSP answers (RFC 6960): what a certificate's issuer says of it. Not here: requests and their
//! nonces; an answer is as fresh as its dates.

use super::NvidiaError;
use crate::{
    hash::Hash,
    signature::Scheme,
    x509::{Cache, Certificate},
};
use der::{
    Decode as _, Encode as _, Tag, Tagged as _,
    asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, OctetStringRef},
};
use sotto_types::Time;
use x509_cert::{
    ext::{Extensions, pkix::ExtendedKeyUsage},
    serial_number::SerialNumber,
    spki::AlgorithmIdentifierRef,
};

/// Bytes of an answer, at most.
const ANSWER_MAX: usize = 64 << 10;
const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");

/// Whether a certificate still holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does.
    Good,
    /// It does not, since this time. Reason 6 is a hold (RFC 5280 §5.3.1).
    Revoked { since: Time, reason: Option<u8> },
    /// The responder does not know it.
    Unknown,
}

/// What is said of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Single {
    hash: Hash,
    issuer_name: Vec<u8>,
    issuer_key: Vec<u8>,
    serial: Vec<u8>,
    pub(super) standing: Standing,
    /// From this second on.
    pub(super) this_update: Time,
    /// Up to this one; a day without it.
    pub(super) next_update: Time,
}

/// One signed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    tbs: Vec<u8>,
    scheme: Scheme,
    signature: Vec<u8>,
    singles: Vec<Single>,
    certificates: Vec<Certificate>,
}

#[derive(der::Sequence)]
pub(super) struct OcspResponse<'a> {
    pub(super) status: AnyRef<'a>,
    #[asn1(context_specific = "0", optional = "true")]
    pub(super) bytes: Option<ResponseBytes<'a>>,
}

#[derive(der::Sequence)]
pub(super) struct ResponseBytes<'a> {
    pub(super) kind: ObjectIdentifier,
    pub(super) response: OctetStringRef<'a>,
}

#[derive(der::Sequence)]
pub(super) struct BasicOcspResponse<'a> {
    pub(super) tbs: AnyRef<'a>,
    pub(super) algorithm: AlgorithmIdentifierRef<'a>,
    pub(super) signature: BitStringRef<'a>,
    #[asn1(context_specific = "0", optional = "true")]
    pub(super) certificates: Option<Vec<AnyRef<'a>>>,
}

#[derive(der::Sequence)]
pub(super) struct ResponseData<'a> {
    #[asn1(context_specific = "0", optional = "true")]
    pub(super) version: Option<u8>,
    pub(super) responder: AnyRef<'a>,
    pub(super) produced_at: GeneralizedTime,
    pub(super) responses: Vec<SingleResponse<'a>>,
    #[asn1(context_specific = "1", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

#[derive(der::Sequence)]
pub(super) struct SingleResponse<'a> {
    pub(super) id: CertId<'a>,
    pub(super) status: AnyRef<'a>,
    pub(super) this_update: GeneralizedTime,
    #[asn1(context_specific = "0", optional = "true")]
    pub(super) next_update: Option<GeneralizedTime>,
    #[asn1(context_specific = "1", optional = "true")]
    pub(super) extensions: Option<Extensions>,
}

#[derive(der::Sequence)]
pub(super) struct CertId<'a> {
    pub(super) hash: AlgorithmIdentifierRef<'a>,
    pub(super) issuer_name: OctetStringRef<'a>,
    pub(super) issuer_key: OctetStringRef<'a>,
    pub(super) serial: SerialNumber,
}

#[derive(der::Sequence)]
pub(super) struct RevokedInfo<'a> {
    pub(super) since: GeneralizedTime,
    #[asn1(context_specific = "0", optional = "true")]
    pub(super) reason: Option<AnyRef<'a>>,
}

/// What an OCSP answer says, for people, by name. Untrusted.
///
/// # Errors
/// [`NvidiaError::Text`] for bytes that are no successful answer.
pub fn describe_answer(bytes: &[u8]) -> Result<Vec<(String, String)>, NvidiaError> {
    let answer = Answer::from_der(bytes).ok_or(NvidiaError::Text("a successful OCSP answer"))?;
    let line = |single: &Single| {
        let (serial, standing) = (hex::encode(&single.serial), &single.standing);
        let (from, to) = (single.this_update, single.next_update);
        (format!("certificate {serial}"), format!("{standing:?}, from {from} to {to}"))
    };
    Ok(answer.singles.iter().map(line).collect())
}

impl Answer {
    /// A successful basic answer, all of it; `None` for anything else.
    pub(super) fn from_der(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > ANSWER_MAX {
            return None;
        }
        let outer = OcspResponse::from_der(bytes).ok()?;
        let successful = outer.status.tag() == Tag::Enumerated && outer.status.value() == [0];
        let inner = outer.bytes.filter(|inner| successful && inner.kind == BASIC)?;
        let basic = BasicOcspResponse::from_der(inner.response.as_bytes()).ok()?;
        let tbs = basic.tbs.to_der().ok()?;
        let data = ResponseData::from_der(&tbs).ok()?;
        if data.version.unwrap_or(0) != 0 || critical(data.extensions.as_ref()) {
            return None;
        }
        let singles = data.responses.iter().map(Single::read).collect::<Option<_>>()?;
        let certificates = basic.certificates.unwrap_or_default();
        let certificates = certificates
            .iter()
            .map(|certificate| Certificate::from_der(&certificate.to_der().ok()?).ok())
            .collect::<Option<_>>()?;
        Some(Self {
            scheme: scheme(&basic.algorithm)?,
            signature: basic.signature.as_bytes()?.to_vec(),
            tbs,
            singles,
            certificates,
        })
    }

    /// What it says of `certificate` under `issuer`.
    pub(super) fn about(&self, certificate: &Certificate, issuer: &Certificate) -> Option<&Single> {
        self.singles.iter().find(|single| single.is_about(certificate, issuer))
    }

    /// Whether `issuer` gave it, itself (`Some(None)`) or by a responder it named for that
    /// (RFC 6960 §4.2.2.2); `None` when it did not.
    pub(super) fn given_by(
        &self,
        issuer: &Certificate,
        cache: &mut Cache,
    ) -> Option<Option<&Certificate>> {
        if self.signed_with(issuer) {
            return Some(None);
        }
        let delegate = self.certificates.iter().find(|certificate| {
            certificate.names_issuer(issuer)
                && answers(certificate)
                && certificate.verify_signed_by(issuer, cache).is_ok()
                && self.signed_with(certificate)
        });
        delegate.map(Some)
    }

    fn signed_with(&self, certificate: &Certificate) -> bool {
        let verified =
            certificate.public_key().map(|k| k.verify_der(self.scheme, &self.tbs, &self.signature));
        matches!(verified, Ok(Ok(())))
    }
}

/// Whether a certificate's issuer lets it answer for it.
fn answers(certificate: &Certificate) -> bool {
    let usage = certificate.extension(EXTENDED_KEY_USAGE).map(ExtendedKeyUsage::from_der);
    matches!(usage, Some(Ok(usage)) if usage.0.contains(&OCSP_SIGNING))
}

impl Single {
    fn read(response: &SingleResponse<'_>) -> Option<Self> {
        if critical(response.extensions.as_ref()) {
            return None;
        }
        let seconds = |time: &GeneralizedTime| time.to_unix_duration().as_secs();
        let this = seconds(&response.this_update);
        let next = response.next_update.as_ref().map_or(this.saturating_add(86_400), seconds);
        Some(Self {
            hash: hash(&response.id.hash)?,
            issuer_name: response.id.issuer_name.as_bytes().to_vec(),
            issuer_key: response.id.issuer_key.as_bytes().to_vec(),
            serial: response.id.serial.as_bytes().to_vec(),
            standing: standing(response.status)?,
            this_update: Time(this),
            next_update: Time(next),
        })
    }

    fn is_about(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        let tbs = &issuer.parsed().tbs_certificate;
        let key = tbs.subject_public_key_info.subject_public_key.as_bytes();
        let (Ok(name), Some(key)) = (tbs.subject.to_der(), key) else { return false };
        self.serial == certificate.serial()
            && self.issuer_name == self.hash.digest(&[&name])
            && self.issuer_key == self.hash.digest(&[key])
    }
}

/// `CertStatus`: good [0], revoked [1], unknown [2], all with implicit tags.
fn standing(status: AnyRef<'_>) -> Option<Standing> {
    let Tag::ContextSpecific { number, constructed } = status.tag() else { return None };
    match (number.value(), constructed) {
        (0, false) if status.value().is_empty() => Some(Standing::Good),
        (2, false) if status.value().is_empty() => Some(Standing::Unknown),
        (1, true) => {
            let info = AnyRef::new(Tag::Sequence, status.value()).ok()?.to_der().ok()?;
            let info = RevokedInfo::from_der(&info).ok()?;
            let since = Time(info.since.to_unix_duration().as_secs());
            let reason = match info.reason {
                None => None,
                Some(reason) if reason.tag() == Tag::Enumerated => match reason.value() {
                    [reason] => Some(*reason),
                    _ => return None,
                },
                Some(_) => return None,
            };
            Some(Standing::Revoked { since, reason })
        }
        _ => None,
    }
}

fn critical(extensions: Option<&Extensions>) -> bool {
    extensions.is_some_and(|all| all.iter().any(|extension| extension.critical))
}

fn hash(algorithm: &AlgorithmIdentifierRef<'_>) -> Option<Hash> {
    match algorithm.oid.to_string().as_str() {
        "1.3.14.3.2.26" => Some(Hash::Sha1),
        "2.16.840.1.101.3.4.2.1" => Some(Hash::Sha256),
        "2.16.840.1.101.3.4.2.2" => Some(Hash::Sha384),
        "2.16.840.1.101.3.4.2.3" => Some(Hash::Sha512),
        _ => None,
    }
}

fn scheme(algorithm: &AlgorithmIdentifierRef<'_>) -> Option<Scheme> {
    match algorithm.oid.to_string().as_str() {
        "1.2.840.10045.4.3.2" => Some(Scheme::EcdsaSha256),
        "1.2.840.10045.4.3.3" => Some(Scheme::EcdsaSha384),
        _ => None,
    }
}
