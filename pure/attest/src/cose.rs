//! Signed tokens in CBOR: `COSE_Sign1` (RFC 9052), read strictly.
//!
//! Whatever stands outside the signature has one form only: deterministic encoding (RFC 8949 §4.2),
//! no bytes left over, no unprotected headers. What stands inside is bounded in size, depth and
//! number before it is looked at. Not here: which keys may sign what, and what the claims mean.

mod cbor;
#[cfg(test)]
mod tests;

pub(crate) use cbor::{Fields, Key, canonical, decode};

use crate::{
    Code, Parts, Reason, Unverified,
    signature::{PublicKey, Scheme, SignatureError},
};
use ciborium::Value;
use coset::{AsCborValue as _, CoseSign1, RegisteredLabelWithPrivate, iana};

/// Bytes of a protected header, at most.
const PROTECTED_MAX: usize = 64;
/// The CBOR tag of `COSE_Sign1` (RFC 9052 §2).
const SIGN1: u64 = 18;

/// Why a token cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// More bytes than such a token has.
    #[error("{got} bytes, at most {max} are read")]
    TooLong {
        /// What was given.
        got: usize,
        /// The limit.
        max: usize,
    },
    /// Not CBOR: cut short, not well-formed, or nested too deeply.
    #[error("not CBOR, cut short, or nested deeper than {} levels", cbor::DEPTH_MAX)]
    Cbor,
    /// Bytes after the end.
    #[error("{0} bytes are left over")]
    LeftOver(usize),
    /// More items in one map or array than are read.
    #[error("more than {} items in one map or array", cbor::ITEMS_MAX)]
    TooMany,
    /// A map with one key twice, or with keys that are neither numbers nor text.
    #[error("the key {0} stands twice in a map, or is neither a number nor text")]
    BadKey(String),
    /// The same could be said in other bytes.
    #[error("{0} is not in its one canonical form")]
    NotCanonical(&'static str),
    /// Headers that no signature covers.
    #[error("there are unprotected headers")]
    Unprotected,
    /// A signature algorithm or curve not spoken here.
    #[error("algorithm {0} is not spoken")]
    Algorithm(String),
    /// A profile not known here.
    #[error("the profile `{0}` is not known")]
    Profile(String),
    /// Something that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Something has another type, size or value than it may.
    #[error("{what} is not {must}")]
    Field {
        /// What.
        what: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

impl From<TokenError> for Reason {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Algorithm(_) => Code::AlgorithmUnsupported,
            TokenError::Profile(_) => Code::UnknownVersion,
            _ => Code::Malformed,
        };
        Self::new(code, error.to_string())
    }
}

impl From<TokenError> for Unverified {
    fn from(error: TokenError) -> Self {
        Reason::from(error).into()
    }
}

/// The token of evidence that has no other part.
pub(crate) fn alone(parts: &Parts) -> Result<&[u8], Unverified> {
    let others = [&parts.signature, &parts.ak, &parts.pcrs, &parts.event_log, &parts.ek_cert];
    if others.iter().any(|part| part.is_some()) || !parts.chain.is_empty() {
        return Err(Unverified::new(Code::Malformed, "this kind has one part, more were given"));
    }
    Ok(&parts.quote)
}

/// A `COSE_Sign1` whose signature has not been looked at yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    scheme: Scheme,
    covered: Vec<u8>,
    signature: Vec<u8>,
    payload: Vec<u8>,
}

impl Signed {
    /// Exactly one `COSE_Sign1` of at most `max` bytes, with or without its tag.
    pub(crate) fn parse(bytes: &[u8], max: usize) -> Result<Self, TokenError> {
        let value = canonical("COSE_Sign1", bytes, max)?;
        let untagged = match value {
            Value::Tag(SIGN1, inner) => *inner,
            other => other,
        };
        let form = TokenError::Field { what: "the token", must: "a COSE_Sign1" };
        let Value::Array(items) = &untagged else { return Err(form) };
        match items.as_slice() {
            [
                Value::Bytes(protected),
                Value::Map(unprotected),
                Value::Bytes(_),
                Value::Bytes(_),
            ] => {
                if protected.len() > PROTECTED_MAX {
                    return Err(TokenError::TooLong { got: protected.len(), max: PROTECTED_MAX });
                }
                if !unprotected.is_empty() {
                    return Err(TokenError::Unprotected);
                }
                canonical("the protected header", protected, PROTECTED_MAX)?;
            }
            _ => return Err(form),
        }
        let token = CoseSign1::from_cbor_value(untagged).map_err(|_| form)?;
        Ok(Self {
            scheme: scheme(&token)?,
            covered: token.tbs_data(&[]),
            signature: token.signature,
            payload: token.payload.unwrap_or_default(),
        })
    }

    /// [`Signed::parse`] for kinds whose tokens are signed by ES384 alone: any other algorithm is
    /// not such a token, rather than one that nobody here can judge.
    pub(crate) fn parse_es384(bytes: &[u8], max: usize) -> Result<Self, TokenError> {
        let other = TokenError::Field { what: "the algorithm", must: "ES384" };
        match Self::parse(bytes, max) {
            Ok(signed) if signed.scheme != Scheme::EcdsaSha384 => Err(other),
            Err(TokenError::Algorithm(_)) => Err(other),
            result => result,
        }
    }

    /// What is signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether it is the signature of `key`. A key signs by the algorithm of its curve alone
    /// (RFC 9053 §2.1).
    ///
    /// # Errors
    /// [`SignatureError`].
    pub fn verify(&self, key: &PublicKey) -> Result<(), SignatureError> {
        match (self.scheme, key) {
            (Scheme::EcdsaSha256, PublicKey::P256(_))
            | (Scheme::EcdsaSha384, PublicKey::P384(_)) => {
                key.verify(self.scheme, &self.covered, &self.signature)
            }
            _ => Err(SignatureError::Form),
        }
    }
}

/// The algorithm of the protected header, which names nothing else that has to be understood.
fn scheme(token: &CoseSign1) -> Result<Scheme, TokenError> {
    let header = &token.protected.header;
    if !header.crit.is_empty() {
        return Err(TokenError::Field { what: "the header", must: "free of critical parameters" });
    }
    match &header.alg {
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES256)) => {
            Ok(Scheme::EcdsaSha256)
        }
        Some(RegisteredLabelWithPrivate::Assigned(iana::Algorithm::ES384)) => {
            Ok(Scheme::EcdsaSha384)
        }
        Some(other) => Err(TokenError::Algorithm(format!("{other:?}"))),
        None => Err(TokenError::Missing("the algorithm")),
    }
}
