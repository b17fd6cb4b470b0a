#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Token, parse};
use crate::cose::TokenError;
use crate::x509::Cache;
use crate::{
    Anchor, Anchors, Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Scope,
    Status, Vendor, appraise,
};
use ciborium::Value;
use p256::ecdsa::signature::Signer as _;
use sotto_types::{TeeKind, Time};

const CHALLENGE: [u8; 64] = [0xc1; 64];
const DIGEST: [u8; 32] = [0x5a; 32];
/// The prefixes of a `SubjectPublicKeyInfo` on P-256 and P-384, before the point.
const SPKI: [&str; 2] = [
    "3059301306072a8648ce3d020106082a8648ce3d030107034200",
    "3076301006072a8648ce3d020106052b81040022036200",
];

#[derive(Clone)]
enum Secret {
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
}

impl Secret {
    fn p256(seed: u8) -> Self {
        Self::P256(p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    fn p384(seed: u8) -> Self {
        Self::P384(p384::ecdsa::SigningKey::from_slice(&[seed; 48]).unwrap())
    }

    fn point(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
            Self::P384(key) => key.verifying_key().to_encoded_point(false).as_bytes().to_vec(),
        }
    }

    fn coordinates(&self) -> (Vec<u8>, Vec<u8>) {
        let point = self.point();
        let (x, y) = point[1..].split_at(point.len() / 2);
        (x.to_vec(), y.to_vec())
    }

    fn spki(&self) -> Vec<u8> {
        let prefix = SPKI[usize::from(matches!(self, Self::P384(_)))];
        [hex::decode(prefix).unwrap(), self.point()].concat()
    }

    fn jwk(&self) -> String {
        let (x, y) = self.coordinates();
        let crv = if x.len() == 32 { "P-256" } else { "P-384" };
        format!(r#"{{"kty":"EC","crv":"{crv}","x":"{}","y":"{}"}}"#, base64url(&x), base64url(&y))
    }

    fn cose_key(&self) -> Vec<u8> {
        let (x, y) = self.coordinates();
        let curve = if x.len() == 32 { 1 } else { 2 };
        map(vec![(1, 2.into()), (-1, curve.into()), (-2, Value::Bytes(x)), (-3, Value::Bytes(y))])
    }

    fn sign1(&self, payload: &[u8]) -> Value {
        let algorithm = if matches!(self, Self::P256(_)) { -7 } else { -35 };
        let protected = Value::Bytes(map(vec![(1, algorithm.into())]));
        let payload = Value::Bytes(payload.to_vec());
        let parts = ["Signature1".into(), protected.clone(), Value::Bytes(vec![]), payload.clone()];
        let covered = bytes(&Value::Array(parts.to_vec()));
        let signature = match self {
            Self::P256(key) => {
                let signature: p256::ecdsa::Signature = key.sign(&covered);
                signature.to_bytes().to_vec()
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::Signature = key.sign(&covered);
                signature.to_bytes().to_vec()
            }
        };
        let items = vec![protected, Value::Map(vec![]), payload, Value::Bytes(signature)];
        Value::Tag(18, Box::new(Value::Array(items)))
    }
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        (0..=chunk.len())
            .for_each(|i| out.push(char::from(DIGITS[(word >> (18 - 6 * i) & 63) as usize])));
    }
    out
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn map(entries: Vec<(i32, Value)>) -> Vec<u8> {
    bytes(&Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect()))
}

fn blob(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.to_vec())
}

#[derive(Clone)]
struct Draft {
    platform: Vec<(i32, Value)>,
    realm: Vec<(i32, Value)>,
    signer: Secret,
    rak: Secret,
    tag: u64,
}

impl Draft {
    /// The first profile: the realm's key as a raw point, hashed as it stands.
    fn legacy() -> Self {
        let (signer, rak) = (Secret::p384(1), Secret::p384(2));
        let component = Value::Map(vec![
            (1.into(), "BL".into()),
            (2.into(), blob(&DIGEST)),
            (4.into(), "1.2.3".into()),
            (5.into(), blob(&[6; 32])),
        ]);
        Self {
            platform: vec![
                (265, "http://arm.com/CCA-SSD/1.0.0".into()),
                (10, blob(&crate::hash::sha256(&rak.point()))),
                (2396, blob(&[3; 32])),
                (256, blob(&[1; 33])),
                (2401, blob(&[0xcf; 4])),
                (2395, 0x3003.into()),
                (2399, Value::Array(vec![component])),
                (2400, "https://verifier.example/".into()),
                (2402, "sha-256".into()),
            ],
            realm: vec![
                (10, blob(&CHALLENGE)),
                (44235, blob(&[0x44; 64])),
                (44237, blob(&rak.point())),
                (44236, "sha-256".into()),
                (44240, "sha-256".into()),
                (44238, blob(&[0x11; 64])),
                (44239, Value::Array(vec![blob(&[0x22; 32]); 4])),
            ],
            signer,
            rak,
            tag: 399,
        }
    }

    /// A later profile: the realm's key as a `COSE_Key`, hashed as it stands.
    fn profiled(platform: &str, realm: &str) -> Self {
        let mut draft = Self::legacy();
        let key = draft.rak.cose_key();
        draft.realm.push((265, realm.into()));
        draft
            .platform(10, blob(&crate::hash::sha256(&key)))
            .platform(265, platform)
            .realm(44237, blob(&key))
    }

    fn platform(mut self, key: i32, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.platform.iter_mut().find(|claim| claim.0 == key).unwrap().1 = value;
        self
    }

    fn realm(mut self, key: i32, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.realm.iter_mut().find(|claim| claim.0 == key).unwrap().1 = value;
        self
    }

    fn collection(&self) -> Value {
        let platform = blob(&bytes(&self.signer.sign1(&map(self.platform.clone()))));
        let realm = blob(&bytes(&self.rak.sign1(&map(self.realm.clone()))));
        let wrap = |token| match self.tag {
            907 => Value::Array(vec![263.into(), token]),
            _ => token,
        };
        Value::Map(vec![(44234.into(), wrap(platform)), (44241.into(), wrap(realm))])
    }

    fn sign(&self) -> Vec<u8> {
        bytes(&Value::Tag(self.tag, Box::new(self.collection())))
    }

    /// A policy whose anchor is this draft's signer and which knows its software.
    fn policy(&self) -> Policy {
        let anchor = Anchor {
            name: "test platform".into(),
            scope: Scope::Production,
            der: self.signer.spki(),
            known: vec![],
        };
        Policy {
            anchors: Anchors::default().with(Vendor::Arm, anchor),
            references: [("sw0".into(), [DIGEST.to_vec()].into())].into(),
            ..Policy::base()
        }
    }

    fn judge(&self) -> Appraisal {
        judge(&self.sign(), None, &self.policy())
    }
}

fn judge(token: &[u8], signer: Option<Vec<u8>>, policy: &Policy) -> Appraisal {
    let parts = Parts { quote: token.to_vec(), ..Parts::default() };
    let evidence = Evidence { kind: TeeKind::Cca, parts };
    let endorsements = Endorsements { signer, ..Endorsements::default() };
    let expected = Expected::nonce(&CHALLENGE).unwrap();
    appraise(&evidence, &endorsements, &expected, policy, Time(1), &mut Cache::default())
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal.reasons.iter().map(|reason| reason.code).collect()
}

fn verdict(appraisal: &Appraisal) -> (Option<bool>, Vec<Code>) {
    (appraisal.authentic, codes(appraisal))
}

#[test]
fn tokens_of_every_profile_are_affirmed_under_a_key_of_the_policy() {
    let mut wrapped =
        Draft::profiled("tag:arm.com,2024:cca_platform#2.0.0", "tag:arm.com,2024:realm#2.0.0");
    wrapped.tag = 907;
    let drafts = [
        Draft::legacy(),
        Draft { signer: Secret::p256(9), ..Draft::legacy() },
        Draft::profiled("http://arm.com/CCA-SSD/1.0.0", "tag:arm.com,2023:realm#1.0.0"),
        Draft::profiled("tag:arm.com,2023:cca_platform#1.0.0", "tag:arm.com,2023:realm#1.0.0"),
        wrapped,
    ];
    for draft in drafts {
        let appraisal = draft.judge();
        assert_eq!((appraisal.status, codes(&appraisal)), (Status::Affirming, vec![]));
        let claims = appraisal.claims.unwrap();
        assert_eq!(
            (claims.platform.class.as_str(), claims.platform.anchor.as_str()),
            ("cca", "test platform")
        );
        assert_eq!(claims.platform.identities["instance_id"], [1; 33]);
        assert_eq!(claims.platform.identities["implementation_id"], [3; 32]);
        assert_eq!(claims.measurements["rim"], [0x11; 64]);
        assert_eq!(claims.measurements["rem3"], [0x22; 32]);
        assert_eq!(claims.measurements["rpv"], [0x44; 64]);
        assert_eq!(claims.measurements["sw0"], DIGEST);
        assert_eq!(claims.measurements["sw0_signer"], [6; 32]);
        assert_eq!(claims.security.secured, Some(true));
        assert_eq!(claims.bound.report_data, CHALLENGE);
    }
}

#[test]
fn another_challenge_is_refused() {
    let appraisal = Draft::legacy().realm(10, blob(&[0xc2; 64])).judge();
    assert_eq!(verdict(&appraisal), (Some(true), vec![Code::NonceMismatch]));
}

#[test]
fn firmware_that_no_reference_value_judges_is_a_warning() {
    let draft = Draft::legacy();
    let policy = Policy { references: [].into(), ..draft.policy() };
    let appraisal = judge(&draft.sign(), None, &policy);
    assert_eq!(appraisal.status, Status::Warning);
    assert_eq!(verdict(&appraisal), (Some(true), vec![Code::ReferenceValuesNeeded]));
    let other =
        Policy { references: [("sw0".into(), [vec![1; 32]].into())].into(), ..draft.policy() };
    assert_eq!(codes(&judge(&draft.sign(), None, &other)), [Code::MeasurementMismatch]);
}

#[test]
fn a_platform_that_is_not_secured_is_refused_though_genuine() {
    for (state, debug) in
        [(0x00, false), (0x10, false), (0x20, false), (0x40, true), (0x50, true), (0x60, false)]
    {
        let appraisal = Draft::legacy().platform(2395, state << 8 | 0xff).judge();
        let want = if debug { vec![Code::Debug, Code::Lifecycle] } else { vec![Code::Lifecycle] };
        assert_eq!(verdict(&appraisal), (Some(true), want), "{state:x}");
        assert_eq!(appraisal.claims.unwrap().security.secured, Some(false));
    }
    for state in [0x30ff, 0x3000] {
        assert_eq!(codes(&Draft::legacy().platform(2395, state).judge()), []);
    }
}

#[test]
fn ccatoken_33_a_realm_key_that_the_platform_does_not_vouch_for_is_refused() {
    let rak = Draft::legacy().rak;
    let other = Draft { rak: Secret::p384(7), ..Draft::legacy() };
    let other =
        Draft { realm: other.realm.clone(), ..other }.realm(44237, blob(&Secret::p384(7).point()));
    assert_eq!(verdict(&other.judge()), (Some(false), vec![Code::PartsNotBound]));
    // The hash of the same key in the form of the other profile binds nothing.
    let crossed = [
        Draft::legacy().platform(10, blob(&crate::hash::sha256(&rak.cose_key()))),
        Draft::profiled("http://arm.com/CCA-SSD/1.0.0", "tag:arm.com,2023:realm#1.0.0")
            .platform(10, blob(&crate::hash::sha256(&rak.point()))),
        Draft::legacy().realm(44240, "sha-512"),
    ];
    for draft in crossed {
        assert_eq!(verdict(&draft.judge()), (Some(false), vec![Code::PartsNotBound]));
    }
}

#[test]
fn a_signature_by_another_key_is_refused_and_every_failure_is_named() {
    let draft = Draft::legacy();
    let realm = Draft { rak: Secret::p384(7), ..draft.clone() };
    assert_eq!(verdict(&realm.judge()), (Some(false), vec![Code::SignatureInvalid]));
    let given = Secret::p384(8).jwk().into_bytes();
    let platform = judge(&draft.sign(), Some(given.clone()), &draft.policy());
    assert_eq!(verdict(&platform), (Some(false), vec![Code::SignatureInvalid]));
    let all = realm.platform(10, blob(&[0; 32]));
    let all = judge(&all.sign(), Some(given), &draft.policy());
    let want = vec![Code::SignatureInvalid, Code::SignatureInvalid, Code::PartsNotBound];
    assert_eq!(verdict(&all), (Some(false), want));
}

#[test]
fn without_a_key_nobody_can_tell() {
    let draft = Draft::legacy();
    for policy in [Policy::base(), Draft { signer: Secret::p384(5), ..draft.clone() }.policy()] {
        let appraisal = judge(&draft.sign(), None, &policy);
        assert_eq!(verdict(&appraisal), (None, vec![Code::SignerMissing]));
        assert_eq!(appraisal.status, Status::Contraindicated);
    }
}

fn listed(key: &Secret, instance: u8) -> Vec<u8> {
    let (instance, implementation) = (hex::encode_upper([instance; 33]), hex::encode([3; 32]));
    let jwk = key.jwk();
    format!(r#"{{"instance-id":"{instance}","implementation-id":"{implementation}","pkey":{jwk}}}"#)
        .into_bytes()
}

#[test]
fn a_key_is_read_in_every_form_and_is_only_the_callers_word() {
    for draft in [Draft::legacy(), Draft { signer: Secret::p256(9), ..Draft::legacy() }] {
        let key = &draft.signer;
        let pem = der::Document::try_from(key.spki()).unwrap();
        let pem = pem.to_pem("PUBLIC KEY", der::pem::LineEnding::LF).unwrap();
        let list = [b"[", listed(key, 7).as_slice(), b",", &listed(key, 1), b"]"].concat();
        let forms = [key.jwk().into_bytes(), list, key.cose_key(), key.spki(), pem.into_bytes()];
        for form in forms {
            let stranger = Policy { anchors: Anchors::default(), ..draft.policy() };
            let appraisal = judge(&draft.sign(), Some(form.clone()), &stranger);
            assert_eq!(appraisal.status, Status::Warning);
            assert_eq!(verdict(&appraisal), (Some(true), vec![Code::DevelopmentAnchor]));
            let known = judge(&draft.sign(), Some(form), &draft.policy());
            assert_eq!((known.status, codes(&known)), (Status::Affirming, vec![]));
        }
    }
}

#[test]
fn keys_that_cannot_be_read_leave_it_open() {
    let draft = Draft::legacy();
    let jwk = draft.signer.jwk();
    let x = base64url(&draft.signer.coordinates().0);
    let mut twice =
        [b"[", listed(&draft.signer, 1).as_slice(), b",", &listed(&draft.signer, 1)].concat();
    twice.push(b']');
    let unreadable: [Vec<u8>; 11] = [
        vec![],
        b"{}".to_vec(),
        b"[]".to_vec(),
        [b"[", listed(&draft.signer, 7).as_slice(), b"]"].concat(),
        twice,
        jwk.replace(&x, &x[1..]).into_bytes(),
        jwk.replace(&x, &format!("{x}=")).into_bytes(),
        jwk.replace("P-384", "P-256").into_bytes(),
        [draft.signer.spki(), vec![0]].concat(),
        b"-----BEGIN PUBLIC KEY-----\n".to_vec(),
        [draft.signer.cose_key(), vec![0]].concat(),
    ];
    for key in unreadable {
        let appraisal = judge(&draft.sign(), Some(key.clone()), &draft.policy());
        let want = (None, vec![Code::SignerMissing]);
        assert_eq!(verdict(&appraisal), want, "{}", String::from_utf8_lossy(&key));
    }
    for key in
        [jwk.replace("P-384", "P-521").into_bytes(), map(vec![(1, 2.into()), (-1, 3.into())])]
    {
        let appraisal = judge(&draft.sign(), Some(key), &draft.policy());
        assert_eq!(verdict(&appraisal), (None, vec![Code::AlgorithmUnsupported]));
    }
}

#[test]
fn the_public_sample_keys_are_known_for_development_and_never_pinned() {
    let samples = Anchors::development();
    assert_eq!(samples.of(Vendor::Arm).len(), 2);
    for anchor in samples.of(Vendor::Arm) {
        assert_eq!(anchor.scope, Scope::Development);
        assert!(crate::signature::PublicKey::from_spki(&anchor.der).is_ok());
    }
    assert_eq!(Anchors::pinned().of(Vendor::Arm), []);
    let both = Anchors::pinned().and(samples);
    assert_eq!((both.of(Vendor::Arm).len(), both.of(Vendor::Aws).len()), (2, 1));
}

#[test]
fn claims_that_are_missing_or_of_another_form_are_refused() {
    let field = |what, must| TokenError::Field { what, must };
    let (legacy, digest) = (Draft::legacy, "a digest of 32, 48 or 64 bytes");
    let one = "of its one size";
    let component = |entries: Vec<(i32, Value)>| {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Value::Array(vec![Value::Map(entries)])
    };
    let rems = |count, size: usize| Value::Array(vec![blob(&vec![1; size]); count]);
    let four = field("extensible measurements", "four digests");
    let cases = [
        (legacy().platform(265, "psa"), TokenError::Profile("psa".into())),
        (legacy().platform(265, Value::Null), TokenError::Missing("profile")),
        (legacy().platform(10, blob(&[0; 31])), field("platform challenge", digest)),
        (legacy().platform(10, Value::Null), TokenError::Missing("platform challenge")),
        (legacy().platform(2396, blob(&[0; 31])), field("implementation id", one)),
        (legacy().platform(256, blob(&[1; 32])), field("instance id", one)),
        (legacy().platform(256, blob(&[2; 33])), field("instance id", "a random UEID")),
        (legacy().platform(2401, Value::Null), TokenError::Missing("config")),
        (legacy().platform(2395, Value::Null), TokenError::Missing("lifecycle")),
        (legacy().platform(2395, 0x6100), field("lifecycle", "a state of a CCA platform")),
        (legacy().platform(2395, 0x3100), field("lifecycle", "a state of a CCA platform")),
        (legacy().platform(2395, 0x13000), field("lifecycle", "a state of a CCA platform")),
        (legacy().platform(2399, Value::Array(vec![])), TokenError::Missing("software components")),
        (
            legacy().platform(2399, component(vec![])),
            TokenError::Missing("a component's measurement"),
        ),
        (
            legacy().platform(2399, component(vec![(2, blob(&DIGEST))])),
            TokenError::Missing("a component's signer id"),
        ),
        (
            legacy().platform(2402, "md5"),
            field("platform hash algorithm", "sha-256, sha-384 or sha-512"),
        ),
        (legacy().realm(10, Value::Null), TokenError::Missing("realm challenge")),
        (legacy().realm(10, blob(&[0; 63])), field("realm challenge", one)),
        (legacy().realm(44235, blob(&[0; 65])), field("personalization value", one)),
        (legacy().realm(44237, Value::Null), TokenError::Missing("realm key")),
        (
            legacy().realm(44237, blob(&[4; 96])),
            field("realm key", "an uncompressed point of P-384"),
        ),
        (
            legacy().realm(44237, blob(&[2; 97])),
            field("realm key", "an uncompressed point of P-384"),
        ),
        (legacy().realm(44238, blob(&[])), field("initial measurement", digest)),
        (legacy().realm(44239, rems(3, 32)), four.clone()),
        (legacy().realm(44239, rems(5, 32)), four.clone()),
        (legacy().realm(44239, rems(4, 31)), four),
        (
            legacy().realm(44240, "sha-1"),
            field("realm key hash algorithm", "sha-256, sha-384 or sha-512"),
        ),
        (
            Draft::profiled("http://arm.com/CCA-SSD/1.0.0", "other"),
            TokenError::Profile("other".into()),
        ),
    ];
    for (draft, error) in cases {
        assert_eq!(parse(&draft.sign()), Err(error));
    }
    let keys = [
        (vec![(1, 2.into()), (-1, 2.into())], TokenError::Missing("the key's x")),
        (
            vec![(1, 2.into()), (-1, 2.into()), (-2, blob(&[1; 48]))],
            TokenError::Missing("the key's y"),
        ),
        (
            vec![(1, 2.into()), (-1, 2.into()), (-2, blob(&[1; 32])), (-3, blob(&[1; 32]))],
            field("the COSE_Key", "a point of its curve"),
        ),
        (vec![(1, 1.into()), (-1, 6.into())], field("realm key", "a COSE_Key on P-384")),
    ];
    for (key, error) in keys {
        let draft = Draft::profiled("http://arm.com/CCA-SSD/1.0.0", "tag:arm.com,2023:realm#1.0.0");
        assert_eq!(parse(&draft.realm(44237, blob(&map(key))).sign()), Err(error));
    }
    let small = Draft::profiled("http://arm.com/CCA-SSD/1.0.0", "tag:arm.com,2023:realm#1.0.0");
    let small = small.realm(44237, blob(&Secret::p256(2).cose_key()));
    assert_eq!(parse(&small.sign()), Err(field("realm key", "a COSE_Key on P-384")));
    let es256 = Draft { rak: Secret::p256(2), ..legacy() };
    assert_eq!(parse(&es256.sign()), Err(field("the algorithm", "ES384")));
    let codes = |draft: Draft| verdict(&draft.judge());
    assert_eq!(codes(legacy().platform(265, "psa")), (Some(false), vec![Code::UnknownVersion]));
    assert_eq!(codes(legacy().realm(10, blob(&[0; 63]))), (Some(false), vec![Code::Malformed]));
}

#[test]
fn collections_of_another_form_are_refused() {
    let good = Draft::legacy();
    let Value::Map(entries) = good.collection() else { unreachable!() };
    let [platform, realm] = <[_; 2]>::try_from(entries).unwrap();
    let form = TokenError::Field { what: "the token", must: "a CCA collection of two tokens" };
    let tagged = |tag, entries| bytes(&Value::Tag(tag, Box::new(Value::Map(entries))));
    let mut unlisted = good.clone();
    unlisted.tag = 907;
    let Value::Map(wrapped) = unlisted.collection() else { unreachable!() };
    let mut format = wrapped.clone();
    format[0].1 = Value::Array(vec![264.into(), blob(&[])]);
    let others = [
        tagged(398, vec![platform.clone(), realm.clone()]),
        tagged(907, vec![platform.clone(), realm.clone()]),
        tagged(399, wrapped),
        tagged(907, format),
        tagged(399, vec![realm.clone(), platform.clone()]),
        tagged(399, vec![platform.clone()]),
        tagged(399, vec![]),
        tagged(399, vec![platform.clone(), realm.clone(), (1.into(), 1.into())]),
        bytes(&Value::Map(vec![platform.clone(), realm])),
        bytes(&Value::Tag(399, Box::new(Value::Null))),
    ];
    for other in others {
        assert_eq!(parse(&other), Err(form.clone()));
    }
    let twice = tagged(399, vec![platform.clone(), platform]);
    assert_eq!(parse(&twice), Err(TokenError::BadKey("Int(44234)".into())));
    let mut longer = good.sign();
    longer.splice(3..4, [0xb8, 0x02]);
    assert_eq!(parse(&longer), Err(TokenError::NotCanonical("the collection")));
    assert_eq!(parse(&[0; 32769]), Err(TokenError::TooLong { got: 32769, max: 32768 }));
}

#[test]
fn no_flipped_bit_and_no_other_length_is_taken() {
    let draft = Draft::legacy();
    let (good, policy) = (draft.sign(), draft.policy());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let appraisal = judge(&bad, None, &policy);
        assert_ne!(appraisal.authentic, Some(true), "byte {at}");
        assert_eq!(appraisal.status, Status::Contraindicated, "byte {at}");
    }
    for length in 0..good.len() {
        assert!(parse(&good[..length]).is_err(), "length {length}");
    }
    assert_eq!(parse(&[good, vec![0]].concat()), Err(TokenError::LeftOver(1)));
}

#[test]
fn a_token_is_described_claim_by_claim() {
    let token: Token = parse(&Draft::legacy().sign()).unwrap();
    let described = token.describe();
    let value = |name: &str| described.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(value("lifecycle"), Some("0x3003 secured"));
    assert_eq!(value("sw0 BL 1.2.3"), Some(hex::encode(DIGEST).as_str()));
    assert_eq!(value("realm challenge"), Some(hex::encode(CHALLENGE).as_str()));
    assert_eq!(value("realm profile"), Some("none"));
}
