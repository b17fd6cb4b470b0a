//! The tokens' claims. Not here: whether anybody signed them.

use crate::cose::{Fields, Signed, TokenError, canonical, decode};
use crate::{hash::Hash, signature::PublicKey};
use ciborium::Value;

/// Bytes of a token, at most.
pub(super) const TOKEN_MAX: usize = 32 << 10;
/// The tag of a collection of both tokens (DEN0137 A7.2.1).
const COLLECTION: u64 = 399;
/// The tag of the same as a conceptual message wrapper (draft-ffm-rats-cca-token-03), and the
/// content format of each token in it (`application/eat+cwt`).
const WRAPPED: (u64, i32) = (907, 263);
const PLATFORM: i32 = 44234;
const REALM: i32 = 44241;

const PLATFORM_PROFILES: [&str; 3] = [
    "http://arm.com/CCA-SSD/1.0.0",
    "tag:arm.com,2023:cca_platform#1.0.0",
    "tag:arm.com,2024:cca_platform#2.0.0",
];
const REALM_PROFILES: [&str; 2] = ["tag:arm.com,2023:realm#1.0.0", "tag:arm.com,2024:realm#2.0.0"];

/// Both tokens, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The platform's.
    pub platform: PlatformToken,
    /// The realm's.
    pub realm: RealmToken,
}

/// What the platform says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformToken {
    /// The envelope.
    pub signed: Signed,
    /// Which form of the claims.
    pub profile: String,
    /// The hash of the realm's key.
    pub challenge: Vec<u8>,
    /// Which design.
    pub implementation_id: [u8; 32],
    /// Which chip: 01, then 32 bytes.
    pub instance_id: [u8; 33],
    /// How it is configured.
    pub config: Vec<u8>,
    /// The state in its life, as 16 bits of which the upper 8 count.
    pub lifecycle: u16,
    /// What it runs.
    pub software: Vec<Component>,
    /// Where its maker verifies tokens.
    pub service: Option<String>,
    /// The hash function of its measurements.
    pub hash: Hash,
}

/// One piece of a platform's software.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// What it is for.
    pub role: Option<String>,
    /// Its hash.
    pub measurement: Vec<u8>,
    /// Its version, as its maker writes it.
    pub version: Option<String>,
    /// The hash of its signer's key.
    pub signer: Vec<u8>,
}

/// What a realm's manager says of the realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmToken {
    /// The envelope.
    pub signed: Signed,
    /// Which form of the claims; none in the first.
    pub profile: Option<String>,
    /// The challenge the realm was given.
    pub challenge: [u8; 64],
    /// The realm personalization value.
    pub personalization: [u8; 64],
    /// The realm initial measurement.
    pub initial: Vec<u8>,
    /// The realm extensible measurements.
    pub extensible: [Vec<u8>; 4],
    /// The hash function of its measurements.
    pub hash: Hash,
    /// The realm attestation key, as the claim's bytes: a raw point, or a `COSE_Key` under a
    /// profile.
    pub key: Vec<u8>,
    /// The same, read.
    pub public_key: PublicKey,
    /// The hash function over the key.
    pub key_hash: Hash,
}

/// Exactly one collection of a platform's and a realm's token.
///
/// # Errors
/// [`TokenError`].
pub fn parse(bytes: &[u8]) -> Result<Token, TokenError> {
    let form = TokenError::Field { what: "the token", must: "a CCA collection of two tokens" };
    let Value::Tag(tag, collection) = canonical("the collection", bytes, TOKEN_MAX)? else {
        return Err(form);
    };
    let Value::Map(entries) = *collection else { return Err(form) };
    let [(first, platform), (second, realm)] = entries.as_slice() else { return Err(form) };
    if (first, second) != (&Value::from(PLATFORM), &Value::from(REALM)) {
        return Err(form);
    }
    let platform = Signed::parse(inside(tag, platform).ok_or(form.clone())?, TOKEN_MAX)?;
    let realm = Signed::parse_es384(inside(tag, realm).ok_or(form)?, TOKEN_MAX)?;
    Ok(Token { platform: platform_token(platform)?, realm: realm_token(realm)? })
}

/// A token of a collection, in the form of the collection's tag.
fn inside(tag: u64, value: &Value) -> Option<&[u8]> {
    match (tag, value) {
        (COLLECTION, Value::Bytes(token)) => Some(token),
        (tag, Value::Array(pair)) if tag == WRAPPED.0 => match pair.as_slice() {
            [format, Value::Bytes(token)] if *format == Value::from(WRAPPED.1) => Some(token),
            _ => None,
        },
        _ => None,
    }
}

fn platform_token(signed: Signed) -> Result<PlatformToken, TokenError> {
    let what = "the platform's claims";
    let mut claims = Fields::of(what, decode(signed.payload(), TOKEN_MAX)?)?;
    let profile = claims.text(265, "profile")?.ok_or(TokenError::Missing("profile"))?;
    if !PLATFORM_PROFILES.contains(&profile.as_str()) {
        return Err(TokenError::Profile(profile.escape_default().take(64).collect()));
    }
    let lifecycle = claims.number(2395, "lifecycle")?.ok_or(TokenError::Missing("lifecycle"))?;
    let lifecycle = u16::try_from(lifecycle)
        .ok()
        .filter(|state| state >> 8 & 0x0f == 0 && *state < 0x6100)
        .ok_or(TokenError::Field { what: "lifecycle", must: "a state of a CCA platform" })?;
    let instance_id: [u8; 33] = exactly(&mut claims, 256, "instance id")?;
    if instance_id[0] != 1 {
        return Err(TokenError::Field { what: "instance id", must: "a random UEID" });
    }
    let software = claims.array(2399, "software components")?.unwrap_or_default();
    if software.is_empty() {
        return Err(TokenError::Missing("software components"));
    }
    Ok(PlatformToken {
        profile,
        challenge: digest(&mut claims, 10, "platform challenge")?,
        implementation_id: exactly(&mut claims, 2396, "implementation id")?,
        instance_id,
        config: claims.bytes(2401, "config")?.ok_or(TokenError::Missing("config"))?,
        lifecycle,
        software: software.into_iter().map(component).collect::<Result<_, _>>()?,
        service: claims.text(2400, "verification service")?,
        hash: hash(&mut claims, 2402, "platform hash algorithm")?,
        signed,
    })
}

fn component(value: Value) -> Result<Component, TokenError> {
    let mut fields = Fields::of("a software component", value)?;
    Ok(Component {
        role: fields.text(1, "a component's type")?,
        measurement: digest(&mut fields, 2, "a component's measurement")?,
        version: fields.text(4, "a component's version")?,
        signer: digest(&mut fields, 5, "a component's signer id")?,
    })
}

fn realm_token(signed: Signed) -> Result<RealmToken, TokenError> {
    let mut claims = Fields::of("the realm's claims", decode(signed.payload(), TOKEN_MAX)?)?;
    let profile = claims.text(265, "realm profile")?;
    if let Some(unknown) = profile.iter().find(|name| !REALM_PROFILES.contains(&name.as_str())) {
        return Err(TokenError::Profile(unknown.escape_default().take(64).collect()));
    }
    let key = claims.bytes(44237, "realm key")?.ok_or(TokenError::Missing("realm key"))?;
    let public_key = if profile.is_some() { encoded_point(&key)? } else { raw_point(&key)? };
    let extensible = claims.array(44239, "extensible measurements")?.unwrap_or_default();
    let wrong = TokenError::Field { what: "extensible measurements", must: "four digests" };
    let extensible: Vec<Vec<u8>> = extensible
        .into_iter()
        .map(|value| match value {
            Value::Bytes(digest) if matches!(digest.len(), 32 | 48 | 64) => Ok(digest),
            _ => Err(wrong.clone()),
        })
        .collect::<Result<_, _>>()?;
    Ok(RealmToken {
        profile,
        challenge: exactly(&mut claims, 10, "realm challenge")?,
        personalization: exactly(&mut claims, 44235, "personalization value")?,
        initial: digest(&mut claims, 44238, "initial measurement")?,
        extensible: extensible.try_into().map_err(|_| wrong)?,
        hash: hash(&mut claims, 44236, "realm hash algorithm")?,
        key,
        public_key,
        key_hash: hash(&mut claims, 44240, "realm key hash algorithm")?,
        signed,
    })
}

/// The later profiles' key: a `COSE_Key` on P-384.
fn encoded_point(bytes: &[u8]) -> Result<PublicKey, TokenError> {
    let other = TokenError::Field { what: "realm key", must: "a COSE_Key on P-384" };
    match super::keys::cose_key(bytes) {
        Ok(PublicKey::P256(_)) | Err(TokenError::Algorithm(_)) => Err(other),
        result => result,
    }
}

/// The first profile's key: a point of P-384.
fn raw_point(bytes: &[u8]) -> Result<PublicKey, TokenError> {
    let wrong = TokenError::Field { what: "realm key", must: "an uncompressed point of P-384" };
    match bytes.split_first() {
        Some((4, point)) if point.len() == 96 => {
            let (x, y) = point.split_at(48);
            PublicKey::from_coordinates(x, y).map_err(|_| wrong)
        }
        _ => Err(wrong),
    }
}

fn exactly<const N: usize>(
    fields: &mut Fields,
    key: i32,
    what: &'static str,
) -> Result<[u8; N], TokenError> {
    let bytes = fields.bytes(key, what)?.ok_or(TokenError::Missing(what))?;
    bytes.try_into().map_err(|_| TokenError::Field { what, must: "of its one size" })
}

fn digest(fields: &mut Fields, key: i32, what: &'static str) -> Result<Vec<u8>, TokenError> {
    let bytes = fields.bytes(key, what)?.ok_or(TokenError::Missing(what))?;
    match bytes.len() {
        32 | 48 | 64 => Ok(bytes),
        _ => Err(TokenError::Field { what, must: "a digest of 32, 48 or 64 bytes" }),
    }
}

fn hash(fields: &mut Fields, key: i32, what: &'static str) -> Result<Hash, TokenError> {
    let name = fields.text(key, what)?.ok_or(TokenError::Missing(what))?;
    match name.as_str() {
        "sha-256" => Ok(Hash::Sha256),
        "sha-384" => Ok(Hash::Sha384),
        "sha-512" => Ok(Hash::Sha512),
        _ => Err(TokenError::Field { what, must: "sha-256, sha-384 or sha-512" }),
    }
}

impl PlatformToken {
    /// The name of its state.
    pub fn lifecycle(&self) -> &'static str {
        match self.lifecycle >> 8 {
            0x10 => "assembly and test",
            0x20 => "provisioning",
            0x30 => "secured",
            0x40 => "non-CCA platform debug",
            0x50 => "recoverable CCA platform debug",
            0x60 => "decommissioned",
            _ => "unknown",
        }
    }
}

impl Token {
    /// Every claim for people, unverified.
    pub fn describe(&self) -> Vec<(String, String)> {
        let (platform, realm) = (&self.platform, &self.realm);
        let mut out: Vec<(String, String)> = vec![
            ("profile".into(), platform.profile.clone()),
            ("platform challenge".into(), hex::encode(&platform.challenge)),
            ("implementation id".into(), hex::encode(platform.implementation_id)),
            ("instance id".into(), hex::encode(platform.instance_id)),
            ("config".into(), hex::encode(&platform.config)),
            ("lifecycle".into(), format!("{:#06x} {}", platform.lifecycle, platform.lifecycle())),
            ("platform hash".into(), platform.hash.name().into()),
        ];
        out.extend(
            platform
                .service
                .iter()
                .map(|url| ("verification service".into(), url.escape_default().to_string())),
        );
        for (index, component) in platform.software.iter().enumerate() {
            let names = [&component.role, &component.version].into_iter().flatten();
            let names: Vec<String> = names.map(|name| name.escape_default().to_string()).collect();
            out.push((
                format!("sw{index} {}", names.join(" ")),
                hex::encode(&component.measurement),
            ));
            out.push((format!("sw{index} signer"), hex::encode(&component.signer)));
        }
        out.push(("realm profile".into(), realm.profile.clone().unwrap_or("none".into())));
        out.push(("realm challenge".into(), hex::encode(realm.challenge)));
        out.push(("rpv".into(), hex::encode(realm.personalization)));
        out.push(("rim".into(), hex::encode(&realm.initial)));
        let extensible = realm.extensible.iter().enumerate();
        out.extend(extensible.map(|(index, value)| (format!("rem{index}"), hex::encode(value))));
        out.push(("realm hash".into(), realm.hash.name().into()));
        out.push((format!("realm key ({})", realm.key_hash.name()), hex::encode(&realm.key)));
        out
    }
}
