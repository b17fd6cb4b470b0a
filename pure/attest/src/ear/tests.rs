#![allow(clippy::unwrap_used, reason = "tests")]

use super::{BadResultKey, ResultKey, Verifier, base64url};
use crate::{
    Appraisal, Claims, Endorsements, Policy, Window,
    appraise::conclude,
    fixtures::{claims, concluded, evidence, expected},
    signature::{PublicKey, Scheme},
};
use serde_json::{Value, json};
use sotto_types::Time;

fn appraisal() -> Appraisal {
    let window = Window {
        what: "PCK certificate".into(),
        not_before: Time(1_600_000_000),
        not_after: Time(4_100_000_000),
    };
    let claims = Claims { windows: vec![window], ..claims() };
    let (policy, now) = (Policy::base(), Time(4_000_000_000));
    let policy = Policy { anchors: crate::Anchors::default(), ..policy };
    conclude(&evidence(), &Endorsements::default(), &expected(), &policy, now, Ok(claims))
}

fn verifier() -> Verifier {
    Verifier { build: "sotto 0.1.0".into(), developer: "https://example.org".into() }
}

fn key() -> ResultKey {
    ResultKey::from_bytes(&[3; 32]).unwrap()
}

/// Base64 for URLs, read by another way than it is written.
fn decode(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut out) = (0_u32, 0, vec![]);
    for byte in text.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            other => panic!("{other}"),
        };
        (bits, count) = (bits << 6 | u32::from(six), count + 6);
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    out
}

#[test]
fn base64_is_that_of_the_rfc() {
    // RFC 4648 §10, without padding, and the two letters of the URL form.
    for (bytes, text) in [
        ("", ""),
        ("f", "Zg"),
        ("fo", "Zm8"),
        ("foo", "Zm9v"),
        ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64url(bytes.as_bytes()), text);
    }
    assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(decode(&base64url(&all)), all);
}

#[test]
fn the_claims_are_those_of_the_draft() {
    let appraisal = appraisal();
    let claims = appraisal.to_ear_claims(&verifier());
    let want = json!({
        "eat_profile": "tag:ietf.org,2026:rats/ear#04",
        "iat": 4_000_000_000_u64,
        "exp": 4_000_086_400_u64,
        "ear_verifier_id": { "build": "sotto 0.1.0", "developer": "https://example.org" },
        "submods": { "tdx": {
            "ear_status": "affirming",
            "ear_trustworthiness_vector": {
                "instance-identity": 2, "configuration": 3, "executables": 0, "file-system": 0,
                "hardware": 2, "runtime-opaque": 2, "storage-opaque": 0, "sourced-data": 0,
            },
            "ear_appraisal_policy_ids": [
                format!("urn:sotto:policy:{}", hex::encode(appraisal.policy.0)),
            ],
            "ear_verifier_claims": { "sotto": appraisal.to_json() },
        } },
    });
    assert_eq!(claims, want);
}

#[test]
fn the_token_holds_the_claims_and_verifies_under_the_key() {
    let token = appraisal().to_ear_jwt(&verifier(), &key());
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let json = |part: &str| serde_json::from_slice::<Value>(&decode(part)).unwrap();
    assert_eq!(json(header), json!({"alg": "ES256", "typ": "JWT"}));
    assert_eq!(json(claims), appraisal().to_ear_claims(&verifier()));

    let jwk = key().public_jwk();
    assert_eq!(
        (&jwk["kty"], &jwk["crv"], &jwk["alg"]),
        (&json!("EC"), &json!("P-256"), &json!("ES256"))
    );
    let coordinate = |name: &str| decode(jwk[name].as_str().unwrap());
    let public = PublicKey::from_coordinates(&coordinate("x"), &coordinate("y")).unwrap();
    let signed = format!("{header}.{claims}");
    let verify =
        |message: &str| public.verify(Scheme::EcdsaSha256, message.as_bytes(), &decode(signature));
    assert_eq!(verify(&signed), Ok(()));
    assert!(verify(&format!("{signed}A")).is_err());
}

#[test]
fn the_same_result_and_key_give_the_same_token() {
    let token = || appraisal().to_ear_jwt(&verifier(), &key());
    assert_eq!(token(), token());
}

#[test]
fn a_refused_result_is_a_token_too() {
    let mut debugged = claims();
    debugged.security.debug = true;
    let claims = concluded(debugged, &Policy::base()).to_ear_claims(&verifier());
    assert_eq!(claims["submods"]["tdx"]["ear_status"], "contraindicated");
    assert_eq!(claims["submods"]["tdx"]["ear_trustworthiness_vector"]["configuration"], 96);
}

#[test]
fn only_scalars_of_the_curve_are_keys() {
    for bytes in [[0; 32], [0xff; 32]] {
        assert_eq!(ResultKey::from_bytes(&bytes).err(), Some(BadResultKey));
    }
}
