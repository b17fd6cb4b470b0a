//! The result as an EAT Attestation Result (draft-ietf-rats-ear-04): claims in JSON, and the same
//! signed as a JWT with ES256. Not here: reading such results, whose key a relying party trusts.

#[cfg(test)]
mod tests;

use crate::Appraisal;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde_json::{Value, json};

/// The profile of the draft's fourth form.
pub const PROFILE: &str = "tag:ietf.org,2026:rats/ear#04";

/// Who appraised (the claim `ear_verifier_id`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    /// Which software.
    pub build: String,
    /// Whose.
    pub developer: String,
}

/// The verifier's secret key: P-256, for ES256. Zeroed when dropped.
pub struct ResultKey(SigningKey);

/// Bytes that are no secret key of P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a secret key of P-256")]
pub struct BadResultKey;

impl ResultKey {
    /// 32 bytes big-endian, at least 1 and below the group order.
    ///
    /// # Errors
    /// [`BadResultKey`].
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadResultKey> {
        SigningKey::from_bytes(bytes.into()).map(Self).map_err(|_| BadResultKey)
    }

    /// The public half as a JWK (RFC 7517).
    pub fn public_jwk(&self) -> Value {
        let point = self.0.verifying_key().to_encoded_point(false);
        let (x, y) =
            point.as_bytes().get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        json!({
            "alg": "ES256",
            "crv": "P-256",
            "kty": "EC",
            "x": base64url(x),
            "y": base64url(y),
        })
    }
}

impl Appraisal {
    /// The claims of the EAR: one submodule, named by the kind, with status, trustworthiness vector,
    /// policy (`ear_appraisal_policy_ids`: its digest) and, as the verifier's own claims, the rest
    /// of [`Appraisal::to_json`]. `iat` is when it was judged, `exp` when it ends.
    pub fn to_ear_claims(&self, verifier: &Verifier) -> Value {
        // In the order of their names: the bytes are the same whether or not maps keep their order.
        json!({
            "ear_verifier_id": { "build": verifier.build, "developer": verifier.developer },
            "eat_profile": PROFILE,
            "exp": self.expires.0,
            "iat": self.at.0,
            "submods": {
                self.kind.name(): {
                    "ear_appraisal_policy_ids": [
                        format!("urn:sotto:policy:{}", hex::encode(self.policy.0)),
                    ],
                    "ear_status": self.status.name(),
                    "ear_trustworthiness_vector": self.trust.to_json(),
                    "ear_verifier_claims": { "sotto": self.to_json() },
                },
            },
        })
    }

    /// The claims as a JWT (RFC 7519) signed with ES256. Deterministic (RFC 6979): the same result
    /// and key give the same text.
    pub fn to_ear_jwt(&self, verifier: &Verifier, key: &ResultKey) -> String {
        let header = base64url(br#"{"alg":"ES256","typ":"JWT"}"#);
        let claims = base64url(self.to_ear_claims(verifier).to_string().as_bytes());
        let signed = format!("{header}.{claims}");
        let signature: Signature = key.0.sign(signed.as_bytes());
        format!("{signed}.{}", base64url(&signature.to_bytes()))
    }
}

/// Base64 for URLs without padding (RFC 4648 §5).
fn base64url(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}
