//! Platform keys in the forms that makers and verifiers hand them out: JWK (RFC 7517), a list of
//! trust anchors (`instance-id`, `implementation-id`, `pkey` as JWK), `COSE_Key` (RFC 9052 §7),
//! `SubjectPublicKeyInfo` in DER or PEM. Not here: whether a key may be believed.

use super::parse::{PlatformToken, TOKEN_MAX};
use crate::cose::{Fields, TokenError, decode};
use crate::{Code, Reason, signature::PublicKey};
use serde::Deserialize;

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "instance-id", with = "hex::serde")]
    instance_id: Vec<u8>,
    #[serde(rename = "implementation-id", with = "hex::serde")]
    implementation_id: Vec<u8>,
    pkey: Jwk,
}

/// The key of the platform that `token` names.
pub(super) fn read(bytes: &[u8], token: &PlatformToken) -> Result<PublicKey, Reason> {
    let unreadable = || {
        let detail = "the key given is no JWK, list of anchors, COSE_Key or SubjectPublicKeyInfo";
        Reason::new(Code::SignerMissing, detail)
    };
    if bytes.len() > 1 << 20 {
        return Err(unreadable());
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        Some(b'{') => jwk(&serde_json::from_slice(bytes).map_err(|_| unreadable())?),
        Some(b'[') => {
            listed(&serde_json::from_slice::<Vec<Entry>>(bytes).map_err(|_| unreadable())?, token)
        }
        Some(b'-') => {
            let text = core::str::from_utf8(bytes).map_err(|_| unreadable())?;
            let (label, document) = der::Document::from_pem(text).map_err(|_| unreadable())?;
            let key = PublicKey::from_spki(document.as_bytes()).ok();
            key.filter(|_| label == "PUBLIC KEY").ok_or_else(unreadable)
        }
        Some(0x30) => PublicKey::from_spki(bytes).map_err(|_| unreadable()),
        _ => cose_key(bytes).map_err(|error| match error {
            TokenError::Algorithm(_) => error.into(),
            _ => unreadable(),
        }),
    }
}

fn listed(entries: &[Entry], token: &PlatformToken) -> Result<PublicKey, Reason> {
    let mut named = entries.iter().filter(|entry| {
        entry.instance_id == token.instance_id && entry.implementation_id == token.implementation_id
    });
    match (named.next(), named.next()) {
        (Some(entry), None) => jwk(&entry.pkey),
        _ => {
            let instance = hex::encode(token.instance_id);
            let detail = format!("the list given does not name one key for platform {instance}");
            Err(Reason::new(Code::SignerMissing, detail))
        }
    }
}

fn jwk(jwk: &Jwk) -> Result<PublicKey, Reason> {
    let unreadable = || Reason::new(Code::SignerMissing, "the JWK given is no key on its curve");
    let width = match (jwk.kty.as_str(), jwk.crv.as_str()) {
        ("EC", "P-256") => 32,
        ("EC", "P-384") => 48,
        (kty, crv) => {
            let detail = format!("a key of type {} {}", kty.escape_default(), crv.escape_default());
            return Err(TokenError::Algorithm(detail).into());
        }
    };
    let (x, y) = (base64url(&jwk.x), base64url(&jwk.y));
    let (Some(x), Some(y)) = (x, y) else { return Err(unreadable()) };
    if x.len() != width {
        return Err(unreadable());
    }
    PublicKey::from_coordinates(&x, &y).map_err(|_| unreadable())
}

/// Bytes of base64url without padding (RFC 4648 §5), in its one canonical form.
fn base64url(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    (held < 6 && bits == 0).then_some(out)
}

/// A `COSE_Key` on P-256 or P-384, both coordinates given.
pub(super) fn cose_key(bytes: &[u8]) -> Result<PublicKey, TokenError> {
    let what = "the COSE_Key";
    let mut fields = Fields::of(what, decode(bytes, TOKEN_MAX)?)?;
    let curve = (fields.number(1, what)?, fields.number(-1, what)?);
    let width = match curve {
        (Some(2), Some(1)) => 32,
        (Some(2), Some(2)) => 48,
        (kty, crv) => {
            return Err(TokenError::Algorithm(format!("key type {kty:?}, curve {crv:?}")));
        }
    };
    let x = fields.bytes(-2, what)?.ok_or(TokenError::Missing("the key's x"))?;
    let y = fields.bytes(-3, what)?.ok_or(TokenError::Missing("the key's y"))?;
    let wrong = TokenError::Field { what, must: "a point of its curve" };
    if x.len() != width {
        return Err(wrong);
    }
    PublicKey::from_coordinates(&x, &y).map_err(|_| wrong)
}
