//! Certificates of evidence: one line from a signer to an anchor.
//!
//! Evidence comes with its chain, or the chain is known; nothing is searched for. Signatures,
//! names, CA flags, path lengths, key usages and unknown critical extensions are checked here;
//! dates are handed on as windows and judged later. RFC 5280 is the source of the rules. Not here:
//! TLS, host names, policies, name constraints (a certificate that has them is refused, for the
//! extension is critical).

mod cache;
mod certificate;
mod crl;
#[cfg(test)]
pub(crate) mod made;
mod path;
#[cfg(test)]
mod tests;

pub use cache::Cache;
pub use certificate::{Certificate, certificates_from_pem};
pub use crl::{Crl, Revocation, revocation};
pub use path::{Path, verify_path};

use crate::Code;

/// Why a certificate, list or chain is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// Not DER of the type, or bytes left over.
    #[error("not a {0}")]
    Malformed(&'static str),
    /// A signature or digest algorithm not spoken here.
    #[error("algorithm {0} is not spoken")]
    Algorithm(String),
    /// Signed by another key than its issuer's.
    #[error("`{subject}` is not signed by `{issuer}`")]
    Forged {
        /// Whose certificate.
        subject: String,
        /// Who should have signed.
        issuer: String,
    },
    /// The issuer may not issue certificates, or lists.
    #[error("`{0}` may not sign this")]
    NotAnAuthority(String),
    /// More certificates under an issuer than it allows.
    #[error("the path below `{0}` is longer than it allows")]
    TooLong(String),
    /// A critical extension that is not understood.
    #[error("`{subject}` has the unknown critical extension {extension}")]
    CriticalExtension {
        /// Whose certificate.
        subject: String,
        /// The extension's object identifier.
        extension: String,
    },
    /// The chain ends where no anchor is.
    #[error("the chain ends at `{0}`, which no anchor signed")]
    NoAnchor(String),
    /// A certificate on the path was revoked.
    #[error("`{subject}` (serial {serial}) was revoked")]
    Revoked {
        /// Whose certificate.
        subject: String,
        /// Its serial number in hex.
        serial: String,
    },
}

impl X509Error {
    /// The finding it is for a chain.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoAnchor(_) => Code::UntrustedRoot,
            Self::Revoked { .. } => Code::CertificateRevoked,
            _ => Code::ChainInvalid,
        }
    }

    /// The finding it is when lists were looked at: a revoked certificate, or a list that is not
    /// its issuer's.
    pub const fn list_code(&self) -> Code {
        match self {
            Self::Revoked { .. } => Code::CertificateRevoked,
            _ => Code::CollateralInvalid,
        }
    }
}
