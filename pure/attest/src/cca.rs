//! Arm CCA: a realm's token under its platform's.
//!
//! The platform token is signed by the platform's key, which its maker hands out; the realm token
//! by the realm attestation key (RAK), whose hash is the platform token's challenge. That hash is
//! over the bytes of the claim as they stand: the raw point where the realm names no profile, the
//! encoded `COSE_Key` where it names one. A key that hashes to the challenge only in the other form
//! is not bound. Sources: Realm Management Monitor specification (DEN0137) A7.2,
//! draft-ffm-rats-cca-token. Not here: reference values for platform software (policy), keys of
//! platforms (endorsements, anchors).

mod keys;
mod parse;
#[cfg(test)]
mod tests;

pub use parse::{Component, PlatformToken, RealmToken, Token, parse};

use crate::{
    Bound, Claims, Code, Context, Measurements, Parts, Platform, Reason, Scope, Security, Tcb,
    Unverified, Vendor, cose::alone, signature::PublicKey,
};
use sotto_types::TeeKind;

/// The claims of a genuine token.
pub(crate) fn verify(parts: &Parts, context: &Context<'_>) -> Result<Claims, Unverified> {
    let token = parse(alone(parts)?)?;
    let mut reasons: Vec<Reason> =
        [bound(&token), realm(&token)].into_iter().filter_map(Result::err).collect();
    match signer(&token, context) {
        Ok(signer) if reasons.is_empty() => Ok(claims(token, signer)),
        Ok(_) => Err(Unverified { reasons }),
        Err(reason) => {
            reasons.push(reason);
            Err(Unverified { reasons })
        }
    }
}

/// Whether the platform vouches for the realm's key.
fn bound(token: &Token) -> Result<(), Reason> {
    let realm = &token.realm;
    let digest = realm.key_hash.digest(&[&realm.key]);
    if digest == token.platform.challenge {
        return Ok(());
    }
    let detail = format!(
        "the realm's key hashes ({}) to {}, the platform vouches for {}",
        realm.key_hash.name(),
        hex::encode(digest),
        hex::encode(&token.platform.challenge)
    );
    Err(Reason::new(Code::PartsNotBound, detail))
}

fn realm(token: &Token) -> Result<(), Reason> {
    token.realm.signed.verify(&token.realm.public_key).map_err(|e| {
        Reason::new(Code::SignatureInvalid, format!("the realm's token under its own key: {e}"))
    })
}

struct Signer {
    name: String,
    scope: Scope,
}

/// Who signed the platform's token: the key that the caller gives, or one of the policy's. A key
/// that only the caller knows is good for development; it is the caller's word and no anchor.
fn signer(token: &Token, context: &Context<'_>) -> Result<Signer, Reason> {
    let signed = |key: &PublicKey| token.platform.signed.verify(key);
    let anchors = context.anchors.of(Vendor::Arm);
    let known = |key: &PublicKey| {
        anchors
            .iter()
            .find(|anchor| PublicKey::from_spki(&anchor.der).as_ref() == Ok(key))
            .map(|anchor| Signer { name: anchor.name.clone(), scope: anchor.scope })
    };
    if let Some(given) = &context.endorsements.signer {
        let key = keys::read(given, &token.platform)?;
        signed(&key).map_err(|e| {
            let detail = format!("the platform's token under the key given: {e}");
            Reason::new(Code::SignatureInvalid, detail)
        })?;
        let unknown =
            || Signer { name: "a key that the caller gave".into(), scope: Scope::Development };
        return Ok(known(&key).unwrap_or_else(unknown));
    }
    anchors
        .iter()
        .filter_map(|anchor| PublicKey::from_spki(&anchor.der).ok())
        .find(|key| signed(key).is_ok())
        .and_then(|key| known(&key))
        .ok_or_else(|| {
            let instance = hex::encode(token.platform.instance_id);
            let detail =
                format!("no key of platform {instance} was given, and no anchor signed it");
            Reason::new(Code::SignerMissing, detail)
        })
}

fn claims(token: Token, signer: Signer) -> Claims {
    let Token { platform, realm } = token;
    let measurements = measurements(&platform, &realm);
    let state = platform.lifecycle >> 8;
    let noticed = (state != 0x30).then(|| {
        let detail = format!("lifecycle {:#06x} is {}", platform.lifecycle, platform.lifecycle());
        Reason::new(Code::Lifecycle, detail)
    });
    Claims {
        kind: TeeKind::Cca,
        platform: Platform {
            class: "cca".into(),
            identities: [
                ("implementation_id".into(), platform.implementation_id.to_vec()),
                ("instance_id".into(), platform.instance_id.to_vec()),
            ]
            .into(),
            anchor: signer.name,
            scope: signer.scope,
        },
        tcb: Tcb::default(),
        measurements,
        security: Security {
            debug: matches!(state, 0x40 | 0x50),
            secured: Some(state == 0x30),
            ..Security::default()
        },
        bound: Bound { report_data: realm.challenge.to_vec(), nonce: None, padded: true },
        windows: vec![],
        made: None,
        noticed: noticed.into_iter().collect(),
    }
}

/// `rim`, `rem0` to `rem3`, `rpv`, `platform_config`, and for the platform's software in its order
/// `sw0` (the measurement) and `sw0_signer`.
fn measurements(platform: &PlatformToken, realm: &RealmToken) -> Measurements {
    let mut out: Measurements = [
        ("platform_config".into(), platform.config.clone()),
        ("rim".into(), realm.initial.clone()),
        ("rpv".into(), realm.personalization.to_vec()),
    ]
    .into();
    let extensible = realm.extensible.iter().enumerate();
    out.extend(extensible.map(|(index, value)| (format!("rem{index}"), value.clone())));
    for (index, component) in platform.software.iter().enumerate() {
        out.insert(format!("sw{index}"), component.measurement.clone());
        out.insert(format!("sw{index}_signer"), component.signer.clone());
    }
    out
}
