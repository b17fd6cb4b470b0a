//! What vouches for an attestation key: the endorsement key's certificate with a credential
//! activated, or a certificate of the key itself. Without either it is anybody's.
//!
//! Sources: TCG EK Credential Profile 2.5, TCG TPM 2.0 Keys for Device Identity and Attestation.
//! Not here: dates, which are handed on.

use super::{AttestationKey, Public, public};
use crate::{
    Anchor, Code, Context, Identities, Parts, Reason, Scope, Vendor, Window,
    signature::PublicKey,
    x509::{Certificate, Crl, Path, X509Error, revocation, verify_path},
};
use der::Decode as _;
use x509_cert::{ext::pkix::ExtendedKeyUsage, spki::ObjectIdentifier};

const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");
/// tcg-kp-EKCertificate. Google's certificates of attestation keys have it too.
const EK: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
/// tcg-kp-AIKCertificate.
const AIK: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.3");
/// Certificates sent along, at most.
const CHAIN_MAX: usize = 8;

/// What a TPM did for the verifier: with the endorsement key it opened a secret that only the TPM
/// which also holds the attestation key gives out (`TPM2_ActivateCredential`). Made by
/// [`super::Credential::activated`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    pub(crate) ek: [u8; 32],
    pub(crate) ak: Vec<u8>,
}

/// Who vouches, and for what.
#[derive(Debug)]
pub(crate) struct Vouched {
    /// The anchor's name and what it is good for.
    pub(crate) anchor: String,
    pub(crate) scope: Scope,
    /// `ak` and `ek`: SHA-256 of the keys as `SubjectPublicKeyInfo`.
    pub(crate) identities: Identities,
    pub(crate) windows: Vec<Window>,
    pub(crate) noticed: Vec<Reason>,
    pub(crate) failed: Vec<Reason>,
}

/// The vouching for `ak` by what was sent along and what the caller knows.
pub(crate) fn vouch(ak: &AttestationKey, parts: &Parts, context: &mut Context<'_>) -> Vouched {
    let mut vouched = Vouched {
        anchor: "no certificate".to_owned(),
        scope: Scope::Development,
        identities: [("ak".to_owned(), public::fingerprint(&ak.key).to_vec())].into(),
        windows: Vec::new(),
        noticed: Vec::new(),
        failed: Vec::new(),
    };
    if let Some(public) = &ak.public {
        vouched.attributes(public);
    }
    let sent = vouched.certificates(&parts.chain, "sent along");
    let given = vouched.certificates(&context.endorsements.chain, "given");
    let own = sent.first().filter(|first| first.public_key().as_ref() == Ok(&ak.key)).cloned();
    let offered: Vec<Certificate> = sent.into_iter().chain(given.iter().cloned()).collect();
    let mut anchors = context.anchors.of(Vendor::Tpm).to_vec();
    anchors.extend(given.iter().filter(|root| root.names_issuer(root)).map(development));
    let mut bound = false;
    if let Some(certificate) = own {
        let path = (certificate, "attestation key", [EK, AIK].as_slice());
        bound = vouched.path(path, &offered, &anchors, context).is_some();
    }
    if let Some(der) = &parts.ek_cert {
        match Certificate::from_pem_or_der(der) {
            Ok(certificate) => {
                let path = (certificate, "endorsement key", [EK].as_slice());
                let ek = vouched.path(path, &offered, &anchors, context);
                bound |= ek.is_some_and(|ek| vouched.holds(&ek, ak, context));
            }
            Err(error) => vouched.failed.push(reason(&error, "endorsement key")),
        }
    }
    if !bound {
        vouched.unbound(ak, parts.ek_cert.is_some());
    }
    vouched
}

/// A root that the caller gave: it vouches for development alone, whatever its name.
fn development(root: &Certificate) -> Anchor {
    let name = format!("given root `{}`", root.subject());
    Anchor { name, scope: Scope::Development, der: root.der().to_vec(), known: Vec::new() }
}

fn reason(error: &X509Error, whose: &str) -> Reason {
    let code = match error {
        X509Error::Malformed(_) => Code::Malformed,
        X509Error::NoAnchor(_) => Code::EkUntrusted,
        other => other.code(),
    };
    Reason::new(code, format!("certificate of the {whose}: {error}"))
}

impl Vouched {
    fn attributes(&mut self, public: &Public) {
        let lacks = public.lacks();
        if !lacks.is_empty() {
            let detail = format!("the attestation key lacks: {}", lacks.join(", "));
            self.noticed.push(Reason::new(Code::AkAttributes, detail));
        }
    }

    fn certificates(&mut self, chain: &[Vec<u8>], whose: &str) -> Vec<Certificate> {
        let mut read = Vec::new();
        for der in chain.iter().take(CHAIN_MAX) {
            match Certificate::from_pem_or_der(der) {
                Ok(certificate) => read.push(certificate),
                Err(error) => {
                    let detail = format!("certificate {whose}: {error}");
                    self.failed.push(Reason::new(Code::Malformed, detail));
                }
            }
        }
        if chain.len() > CHAIN_MAX {
            let detail = format!("more than {CHAIN_MAX} certificates were {whose}");
            self.failed.push(Reason::new(Code::Malformed, detail));
        }
        read
    }

    /// Checks one certificate up to an anchor, with its purposes; the key it certifies.
    fn path(
        &mut self,
        (certificate, whose, purposes): (Certificate, &str, &[ObjectIdentifier]),
        offered: &[Certificate],
        anchors: &[Anchor],
        context: &mut Context<'_>,
    ) -> Option<PublicKey> {
        let key = match certificate.public_key() {
            Ok(key) => key,
            Err(error) => {
                self.failed.push(reason(&error, whose));
                return None;
            }
        };
        if !certificate.extension(EXTENDED_KEY_USAGE).is_some_and(|ext| names(ext, purposes)) {
            let detail = format!("the certificate of the {whose} is not for such a key");
            self.failed.push(Reason::new(Code::ChainInvalid, detail));
        }
        let path = match verify_path(certificate, offered, anchors, &[], context.cache) {
            Ok(path) => path,
            Err(error) => {
                let reason = reason(&error, whose);
                // The quote is no less its key's than without a certificate; a broken chain is
                // another thing.
                match error {
                    X509Error::NoAnchor(_) => self.noticed.push(reason),
                    _ => self.failed.push(reason),
                }
                return None;
            }
        };
        self.revocation(&path, whose, context);
        path.anchor.name.clone_into(&mut self.anchor);
        self.scope = path.anchor.scope;
        self.windows.extend(path.windows());
        Some(key)
    }

    /// Looks every certificate of the path up in its issuer's list, where there is one.
    fn revocation(&mut self, path: &Path<'_>, whose: &str, context: &mut Context<'_>) {
        let mut lists = Vec::new();
        for der in &context.endorsements.crls {
            match Crl::from_der(der) {
                Ok(list) => lists.push(list),
                Err(error) => {
                    self.failed.push(Reason::new(Code::CollateralInvalid, error.to_string()));
                }
            }
        }
        let checked = revocation(path, &lists, context.cache);
        self.failed
            .extend(checked.refused.iter().map(|e| Reason::new(e.list_code(), e.to_string())));
        self.windows.extend(checked.windows);
        if !checked.without_list.is_empty() {
            let issuers = checked.without_list.join("`, `");
            let detail = format!("no revocation list for the {whose}'s certificate of `{issuers}`");
            self.noticed.push(Reason::new(Code::CrlMissing, detail));
        }
    }

    /// Whether a credential showed that the TPM of `ek` holds `ak`.
    fn holds(&mut self, ek: &PublicKey, ak: &AttestationKey, context: &Context<'_>) -> bool {
        let ek = public::fingerprint(ek);
        self.identities.insert("ek".to_owned(), ek.to_vec());
        let name = ak.public.as_ref().map(Public::name);
        let activated = &context.endorsements.activated;
        activated.iter().any(|proof| proof.ek == ek && Some(&proof.ak) == name.as_ref())
    }

    fn unbound(&mut self, ak: &AttestationKey, has_ek: bool) {
        let detail = match (has_ek, &ak.public) {
            (true, Some(_)) => "no credential was activated by the endorsement key's TPM",
            (true, None) => "the key came without its public area, so no credential can name it",
            (false, _) => "no certificate of an endorsement key or of the key itself was given",
        };
        self.noticed.push(Reason::new(Code::AkNotBound, detail));
    }
}

/// Whether the extension names one of the purposes.
fn names(extension: &[u8], purposes: &[ObjectIdentifier]) -> bool {
    ExtendedKeyUsage::from_der(extension)
        .is_ok_and(|usage| usage.0.iter().any(|purpose| purposes.contains(purpose)))
}
