//! A revocation list (RFC 5280 §5): who signed it, when it holds, what it names. Not here: fetching
//! one, or what a missing one means.

use super::{Cache, Certificate, Path, X509Error, certificate};
use crate::Window;
use der::Decode as _;
use sotto_types::Time;
use std::collections::BTreeSet;
use x509_cert::ext::pkix::KeyUsage;

/// Bytes of a list, at most.
const CRL_MAX: usize = 4 << 20;

/// A list and its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    der: Vec<u8>,
    tbs: Vec<u8>,
    parsed: x509_cert::crl::CertificateList,
    serials: BTreeSet<Vec<u8>>,
}

impl Crl {
    /// From DER, all of it.
    ///
    /// # Errors
    /// [`X509Error::Malformed`], also for a critical extension: the list may be partial, or an
    /// entry another issuer's.
    pub fn from_der(der: &[u8]) -> Result<Self, X509Error> {
        let malformed = || X509Error::Malformed("revocation list");
        if der.len() > CRL_MAX {
            return Err(malformed());
        }
        let parsed = x509_cert::crl::CertificateList::from_der(der).map_err(|_| malformed())?;
        let tbs = certificate::signed_part(der).ok_or_else(malformed)?.to_vec();
        let revoked = parsed.tbs_cert_list.revoked_certificates.as_deref().unwrap_or_default();
        let entries = revoked.iter().map(|entry| &entry.crl_entry_extensions);
        let partial = entries
            .chain([&parsed.tbs_cert_list.crl_extensions])
            .flatten()
            .any(|all| all.iter().any(|extension| extension.critical));
        if partial {
            return Err(malformed());
        }
        let serials = revoked.iter().map(|entry| entry.serial_number.as_bytes().to_vec()).collect();
        Ok(Self { der: der.to_vec(), tbs, parsed, serials })
    }

    /// Whether `issuer` issued it: name, key usage and signature.
    ///
    /// # Errors
    /// [`X509Error::Forged`], [`X509Error::NotAnAuthority`], or [`X509Error::Algorithm`].
    pub fn verify_issued_by(
        &self,
        issuer: &Certificate,
        cache: &mut Cache,
    ) -> Result<(), X509Error> {
        let forged = || X509Error::Forged {
            subject: format!("revocation list of {}", self.parsed.tbs_cert_list.issuer),
            issuer: issuer.subject(),
        };
        let inner = &self.parsed.tbs_cert_list.signature;
        if !self.is_for(issuer) || *inner != self.parsed.signature_algorithm {
            return Err(forged());
        }
        if !issuer.usage(KeyUsage::crl_sign) {
            return Err(X509Error::NotAnAuthority(issuer.subject()));
        }
        let scheme = certificate::scheme(inner)?;
        let signature = self.parsed.signature.as_bytes().ok_or_else(forged)?;
        let key = issuer.public_key()?;
        cache.signed(&self.der, issuer.spki(), || {
            key.verify_der(scheme, &self.tbs, signature).map_err(|_| forged())
        })
    }

    /// Whether it bears the issuer's name.
    pub fn is_for(&self, issuer: &Certificate) -> bool {
        self.parsed.tbs_cert_list.issuer == issuer.parsed().tbs_certificate.subject
    }

    /// Whether it names this certificate.
    pub fn revokes(&self, certificate: &Certificate) -> bool {
        self.serials.contains(certificate.serial())
    }

    /// From this update to the next; a list that names no next one is good for a day.
    pub fn window(&self, what: impl Into<String>) -> Window {
        let list = &self.parsed.tbs_cert_list;
        let this = list.this_update.to_unix_duration().as_secs();
        let next = list.next_update.map_or(this + 86_400, |time| time.to_unix_duration().as_secs());
        Window { what: what.into(), not_before: Time(this), not_after: Time(next) }
    }
}

/// What lists say of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocation {
    /// Certificates that were revoked, and lists that their issuer did not sign.
    pub refused: Vec<X509Error>,
    /// When each list that was used is good, named by its issuer.
    pub windows: Vec<Window>,
    /// Subjects of issuers on the path of whom there was no list.
    pub without_list: Vec<String>,
}

/// Looks every certificate of the path up in the lists of its issuer. Lists of others are passed
/// over.
pub fn revocation(path: &Path<'_>, lists: &[Crl], cache: &mut Cache) -> Revocation {
    let mut found = Revocation::default();
    for (index, certificate) in path.certificates.iter().enumerate() {
        let issuer = path.issuer(index);
        let mut without = true;
        for list in lists.iter().filter(|list| list.is_for(issuer)) {
            without = false;
            if let Err(error) = list.verify_issued_by(issuer, cache) {
                found.refused.push(error);
                continue;
            }
            found.windows.push(list.window(format!("revocation list of {}", issuer.common_name())));
            if list.revokes(certificate) {
                found.refused.push(X509Error::Revoked {
                    subject: certificate.subject(),
                    serial: hex::encode(certificate.serial()),
                });
            }
        }
        if without {
            found.without_list.push(issuer.subject());
        }
    }
    found
}
