#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Document, parse};
use crate::cose::TokenError;
use crate::x509::Cache;
use crate::{
    Anchor, Anchors, Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Scope,
    Status, Vendor, appraise,
};
use ciborium::Value;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose as Use, PKCS_ECDSA_P384_SHA384, SigningKey as _, date_time_ymd,
};
use sotto_types::{TeeKind, Time};

const PCR: [u8; 48] = [0x11; 48];

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

fn now() -> Time {
    Time(u64::try_from(date_time_ymd(2025, 6, 15).unix_timestamp()).unwrap() + 3600)
}

fn params(name: &str, ca: bool) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 6, if ca { 1 } else { 15 });
    params.not_after = date_time_ymd(2025, 6, if ca { 30 } else { 16 });
    params.is_ca = if ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    params.key_usages = vec![if ca { Use::KeyCertSign } else { Use::DigitalSignature }];
    params
}

/// Certificates from the root to the leaf, and the leaf's key.
struct World {
    chain: Vec<Vec<u8>>,
    key: KeyPair,
}

impl World {
    fn new() -> Self {
        Self::shaped(|_, _| {})
    }

    /// Root, zone and leaf, each changed by `shape` before it is signed.
    fn shaped(shape: impl Fn(&str, &mut CertificateParams)) -> Self {
        let mut chain = Vec::new();
        let mut above: Option<(CertificateParams, KeyPair)> = None;
        for (name, ca) in [("root", true), ("zone", true), ("leaf", false)] {
            let (mut params, key) = (params(name, ca), key());
            shape(name, &mut params);
            let certificate = match above {
                None => params.self_signed(&key),
                Some((issuer, secret)) => params.signed_by(&key, &Issuer::new(issuer, secret)),
            };
            chain.push(certificate.unwrap().der().to_vec());
            above = Some((params, key));
        }
        Self { chain, key: above.unwrap().1 }
    }

    fn draft(&self) -> Draft {
        let certificate = |der: &Vec<u8>| Value::Bytes(der.clone());
        let pcrs = (0..16).map(|i| (Value::from(i), Value::Bytes(PCR.to_vec()))).collect();
        Draft {
            fields: vec![
                ("module_id", "i-0123-enc4567".into()),
                ("digest", "SHA384".into()),
                ("timestamp", (now().0 * 1000 + 7).into()),
                ("pcrs", Value::Map(pcrs)),
                ("certificate", certificate(self.chain.last().unwrap())),
                ("cabundle", self.chain[..2].iter().map(certificate).collect::<Vec<_>>().into()),
                ("public_key", Value::Null),
                ("user_data", Value::Bytes(b"what the enclave says".to_vec())),
                ("nonce", Value::Bytes(b"challenge".to_vec())),
            ],
            algorithm: -35,
        }
    }

    fn policy(&self) -> Policy {
        let root = Anchor {
            name: "test root".into(),
            scope: Scope::Production,
            der: self.chain[0].clone(),
            known: vec![],
        };
        Policy { anchors: Anchors::default().with(Vendor::Aws, root), ..Policy::base() }
    }

    fn judge(&self, draft: &Draft, expected: &Expected) -> Appraisal {
        judge(&draft.sign(&self.key), expected, &self.policy(), now())
    }
}

#[derive(Clone)]
struct Draft {
    fields: Vec<(&'static str, Value)>,
    algorithm: i64,
}

impl Draft {
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        self.fields.iter_mut().find(|field| field.0 == name).unwrap().1 = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.0 != name);
        self
    }

    fn sign(&self, key: &KeyPair) -> Vec<u8> {
        let fields = self.fields.iter().map(|(name, value)| ((*name).into(), value.clone()));
        let payload = Value::Bytes(bytes(&Value::Map(fields.collect())));
        let header = bytes(&Value::Map(vec![(1.into(), self.algorithm.into())]));
        let protected = Value::Bytes(header);
        let covered = bytes(&Value::Array(vec![
            "Signature1".into(),
            protected.clone(),
            Value::Bytes(vec![]),
            payload.clone(),
        ]));
        let signature = p384::ecdsa::Signature::from_der(&key.sign(&covered).unwrap()).unwrap();
        let signature = Value::Bytes(signature.to_bytes().to_vec());
        bytes(&Value::Array(vec![protected, Value::Map(vec![]), payload, signature]))
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn judge(document: &[u8], expected: &Expected, policy: &Policy, now: Time) -> Appraisal {
    let parts = Parts { quote: document.to_vec(), ..Parts::default() };
    let evidence = Evidence { kind: TeeKind::Nitro, parts };
    appraise(&evidence, &Endorsements::default(), expected, policy, now, &mut Cache::default())
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}

fn nonce() -> Expected {
    Expected::nonce(b"challenge").unwrap()
}

#[test]
fn a_genuine_document_is_affirmed_for_its_nonce_and_for_its_user_data() {
    let world = World::new();
    let said = Expected::report_data(b"what the enclave says").unwrap();
    for expected in [nonce(), said] {
        let appraisal = world.judge(&world.draft(), &expected);
        assert_eq!((appraisal.status, codes(&appraisal)), (Status::Affirming, vec![]));
        let claims = appraisal.claims.unwrap();
        assert_eq!(claims.platform.class, "nitro");
        assert_eq!(claims.platform.identities["module_id"], b"i-0123-enc4567");
        assert_eq!(claims.platform.identities["instance_id"], b"i-0123");
        assert_eq!(claims.measurements["pcr15"], PCR);
        assert_eq!((claims.made, claims.windows.len()), (Some(now()), 3));
        assert!(!claims.security.debug);
    }
    let unbound = world.judge(&world.draft(), &Expected::DangerouslyUnbound);
    assert_eq!((unbound.status, codes(&unbound)), (Status::Warning, vec![Code::NotBound]));
    let keyed = world.draft().with("public_key", Value::Bytes(vec![4; 33]));
    let claims = world.judge(&keyed, &nonce()).claims.unwrap();
    assert_eq!(claims.measurements["public_key"], [4; 33]);
}

#[test]
fn a_document_without_nonce_or_user_data_matches_no_expectation() {
    let world = World::new();
    let empty = [
        world.draft().without("nonce").without("user_data"),
        world.draft().with("nonce", Value::Null).with("user_data", Value::Null),
        world.draft().with("nonce", Value::Bytes(vec![])).with("user_data", Value::Bytes(vec![])),
    ];
    for draft in empty {
        let appraisal = world.judge(&draft, &nonce());
        assert_eq!(
            (appraisal.authentic, codes(&appraisal)),
            (Some(true), vec![Code::NonceMismatch, Code::ChallengeMissing])
        );
        let said = Expected::report_data(b"x").unwrap();
        let said = codes(&world.judge(&draft, &said));
        assert_eq!(said, [Code::ReportDataMismatch, Code::ChallengeMissing]);
    }
    // A challenge that stands in user_data is not a nonce.
    let draft = world.draft().with("nonce", Value::Null);
    let said = Expected::nonce(b"what the enclave says").unwrap();
    assert_eq!(codes(&world.judge(&draft, &said)), [Code::NonceMismatch, Code::ChallengeMissing]);
}

#[test]
fn debug_pcrs_are_refused_though_genuine() {
    let world = World::new();
    let with = |zeros: &[i32]| {
        let pcr = |i| if zeros.contains(&i) { [0; 48] } else { PCR };
        let pcrs = (0..16).map(|i| (i.into(), Value::Bytes(pcr(i).to_vec()))).collect();
        world.judge(&world.draft().with("pcrs", Value::Map(pcrs)), &nonce())
    };
    let debug = with(&[0, 1, 2]);
    assert_eq!((debug.authentic, debug.status), (Some(true), Status::Contraindicated));
    assert_eq!(codes(&debug), [Code::Debug, Code::DebugPcrs]);
    assert_eq!(codes(&with(&[1])), [Code::DebugPcrs]);
    assert_eq!(codes(&with(&[3, 4, 15])), []);
    let absent = Value::Map(vec![(4.into(), Value::Bytes(PCR.to_vec()))]);
    let absent = world.judge(&world.draft().with("pcrs", absent), &nonce());
    assert_eq!(codes(&absent), [Code::Debug, Code::DebugPcrs]);
}

#[test]
fn a_document_made_outside_its_leafs_hours_is_refused() {
    let world = World::new();
    let (start, end) = (now().0 - 3600, now().0 - 3600 + 86400);
    for (made, good) in [(start - 1, false), (start, true), (end, true), (end + 1, false)] {
        let appraisal = world.judge(&world.draft().with("timestamp", made * 1000), &nonce());
        let want = if good { vec![] } else { vec![Code::LeafLifetime] };
        assert_eq!((appraisal.authentic, codes(&appraisal)), (Some(true), want), "{made}");
    }
}

#[test]
fn outside_the_certificates_dates_it_is_genuine_and_refused() {
    let world = World::new();
    let document = world.draft().sign(&world.key);
    for (at, code) in [(now().0 - 3601, Code::NotYetValid), (now().0 + 86400, Code::Expired)] {
        let appraisal = judge(&document, &nonce(), &world.policy(), Time(at));
        assert_eq!((appraisal.authentic, codes(&appraisal)), (Some(true), vec![code]));
    }
    let stale = Policy { max_age: Some(60), ..world.policy() };
    let appraisal = judge(&document, &nonce(), &stale, Time(now().0 + 61));
    assert_eq!(codes(&appraisal), [Code::Stale]);
}

#[test]
fn a_root_that_only_bears_the_name_is_refused() {
    let (world, other) = (World::new(), World::new());
    let appraisal = judge(&other.draft().sign(&other.key), &nonce(), &world.policy(), now());
    assert_eq!((appraisal.authentic, codes(&appraisal)), (Some(false), vec![Code::UntrustedRoot]));
    let pinned = judge(&world.draft().sign(&world.key), &nonce(), &Policy::base(), now());
    assert_eq!((pinned.authentic, codes(&pinned)), (Some(false), vec![Code::UntrustedRoot]));
}

#[test]
fn a_signature_by_another_key_is_refused_and_every_failure_is_named() {
    let (world, other) = (World::new(), World::new());
    let forged = judge(&world.draft().sign(&other.key), &nonce(), &world.policy(), now());
    assert_eq!((forged.authentic, codes(&forged)), (Some(false), vec![Code::SignatureInvalid]));
    let both = judge(&world.draft().sign(&other.key), &nonce(), &other.policy(), now());
    assert_eq!(codes(&both), [Code::SignatureInvalid, Code::UntrustedRoot]);
}

#[test]
fn a_chain_that_is_not_the_bundle_is_refused() {
    let world = World::new();
    let [root, zone, leaf] = world.chain.clone().try_into().unwrap();
    let bundles: [&[&Vec<u8>]; 6] = [
        &[&zone, &root],
        &[&root, &zone, &zone],
        &[&root, &root, &zone],
        &[&root, &zone, &leaf],
        &[&zone],
        &[&root, &vec![0x30, 0x00]],
    ];
    for bundle in bundles {
        let bundle: Vec<Value> = bundle.iter().map(|der| Value::Bytes(der.to_vec())).collect();
        let appraisal = world.judge(&world.draft().with("cabundle", bundle), &nonce());
        assert_eq!(
            (appraisal.authentic, codes(&appraisal)),
            (Some(false), vec![Code::ChainInvalid])
        );
    }
    let rootless = world.judge(&world.draft().with("cabundle", vec![Value::Bytes(root)]), &nonce());
    assert_eq!(codes(&rootless), [Code::UntrustedRoot]);
    let no_leaf = world.draft().with("certificate", Value::Bytes(vec![0x30, 0x00]));
    assert_eq!(codes(&world.judge(&no_leaf, &nonce())), [Code::ChainInvalid]);
}

#[test]
fn certificates_that_may_not_sign_are_refused() {
    type Shape = fn(&str, &mut CertificateParams);
    let shapes: [Shape; 5] = [
        |name, params| {
            if name == "zone" {
                params.is_ca = IsCa::ExplicitNoCa
            }
        },
        |name, params| {
            if name == "zone" {
                params.key_usages = vec![Use::DigitalSignature]
            }
        },
        |name, params| {
            if name == "leaf" {
                params.key_usages = vec![Use::KeyCertSign]
            }
        },
        |name, params| {
            if name == "leaf" {
                params.key_usages = vec![]
            }
        },
        |name, params| {
            if name == "leaf" {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }
        },
    ];
    for (index, shape) in shapes.into_iter().enumerate() {
        let world = World::shaped(shape);
        let appraisal = world.judge(&world.draft(), &nonce());
        let got = (appraisal.authentic, codes(&appraisal));
        assert_eq!(got, (Some(false), vec![Code::ChainInvalid]), "{index}");
    }
}

#[test]
fn fields_outside_awss_limits_are_refused() {
    let world = World::new();
    let draft = world.draft();
    let field = |what, must| TokenError::Field { what, must };
    let size = "of a size that AWS allows";
    let of = |count| Value::Bytes(vec![1; count]);
    let pcrs = |entries: Vec<(Value, Value)>| draft.clone().with("pcrs", Value::Map(entries));
    let registers = field("pcrs", "1 to 32 registers of 32, 48 or 64 bytes");
    let bundle = field("cabundle", "1 to 8 certificates of 1 to 1024 bytes");
    let cases = [
        (draft.clone().with("digest", "SHA256"), field("digest", "SHA384")),
        (draft.clone().without("digest"), field("digest", "SHA384")),
        (draft.clone().with("module_id", ""), field("module_id", "text of 1 to 256 bytes")),
        (draft.clone().with("module_id", 1), field("module_id", "text")),
        (draft.clone().with("timestamp", 0), field("timestamp", "a time after 1970")),
        (draft.clone().with("timestamp", -1), field("timestamp", "a number from 0")),
        (draft.clone().without("certificate"), TokenError::Missing("certificate")),
        (draft.clone().with("certificate", of(0)), field("certificate", size)),
        (draft.clone().with("certificate", of(1025)), field("certificate", size)),
        (draft.clone().without("pcrs"), TokenError::Missing("pcrs")),
        (pcrs(vec![]), registers.clone()),
        (pcrs(vec![(32.into(), of(48))]), registers.clone()),
        (pcrs(vec![((-1).into(), of(48))]), registers.clone()),
        (pcrs(vec![("0".into(), of(48))]), registers.clone()),
        (pcrs(vec![(0.into(), of(47))]), registers),
        (draft.clone().without("cabundle"), bundle.clone()),
        (draft.clone().with("cabundle", vec![of(9); 9]), bundle.clone()),
        (draft.clone().with("cabundle", vec![of(0)]), bundle.clone()),
        (draft.clone().with("cabundle", vec![of(1025)]), bundle),
        (draft.clone().with("public_key", of(0)), field("public_key", size)),
        (draft.clone().with("public_key", of(1025)), field("public_key", size)),
        (draft.clone().with("user_data", of(1025)), field("user_data", size)),
        (draft.clone().with("nonce", of(1025)), field("nonce", size)),
        (draft.clone().with("nonce", "text"), field("nonce", "a byte string")),
        (Draft { algorithm: -7, ..draft.clone() }, field("the algorithm", "ES384")),
        (Draft { algorithm: -36, ..draft.clone() }, field("the algorithm", "ES384")),
    ];
    for (draft, error) in cases {
        assert_eq!(parse(&draft.sign(&world.key)), Err(error));
    }
    let twice = Value::Map(vec![(0.into(), of(48)), (0.into(), of(48))]);
    let twice = parse(&draft.clone().with("pcrs", twice).sign(&world.key));
    assert_eq!(twice, Err(TokenError::BadKey("Int(0)".into())));
    let malformed = world.judge(&draft.with("digest", "SHA256"), &nonce());
    assert_eq!((malformed.authentic, codes(&malformed)), (Some(false), vec![Code::Malformed]));
    let long = parse(&[0x84; 16385]);
    assert_eq!(long, Err(TokenError::TooLong { got: 16385, max: 16384 }));
}

#[test]
fn no_flipped_bit_and_no_other_length_is_taken() {
    let world = World::new();
    let good = world.draft().sign(&world.key);
    let policy = world.policy();
    let step = (good.len() / 4096).max(1);
    for at in (0..good.len()).step_by(step) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let appraisal = judge(&bad, &nonce(), &policy, now());
        assert_eq!(appraisal.status, Status::Contraindicated, "byte {at}");
        assert_eq!(appraisal.authentic, Some(false), "byte {at}");
    }
    for length in 0..good.len() {
        assert!(parse(&good[..length]).is_err(), "length {length}");
    }
    assert_eq!(parse(&[good, vec![0]].concat()), Err(TokenError::LeftOver(1)));
}

fn compact(length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(length) if length < 64 => vec![length << 2],
        _ => u16::try_from(length << 2 | 1).unwrap().to_le_bytes().to_vec(),
    }
}

/// dstack's wrapper with one event, and where the event's name and bytes begin.
fn wrapped(document: &[u8], report_data: &[u8; 64], config: &str) -> (Vec<u8>, usize) {
    let mut out = [&[0, 2], compact(document.len()).as_slice(), document, &[1 << 2]].concat();
    let event = out.len();
    out.extend([&[4 << 2], b"name".as_slice(), &[3 << 2], &[7, 8, 9]].concat());
    out.extend(report_data);
    out.extend(compact(config.len()));
    out.extend(config.as_bytes());
    (out, event)
}

#[test]
fn dstacks_wrapper_says_what_the_document_says_or_is_refused() {
    let world = World::new();
    let said = [5; 64];
    let document = world.draft().with("user_data", Value::Bytes(said.to_vec())).sign(&world.key);
    let image = crate::hash::sha256(&[PCR; 3].concat());
    let config = format!(r#"{{"os_image_hash":"{}"}}"#, hex::encode(image));
    let (good, event) = wrapped(&document, &said, &config);
    let expected = Expected::report_data(&said).unwrap();
    let judge = |bytes: &[u8]| judge(bytes, &expected, &world.policy(), now());
    assert_eq!((judge(&good).status, codes(&judge(&good))), (Status::Affirming, vec![]));

    let other = wrapped(&document, &[6; 64], &config).0;
    assert_eq!(
        (judge(&other).authentic, codes(&judge(&other))),
        (Some(false), vec![Code::PartsNotBound])
    );
    for config in [config.replace(':', ": "), config.to_uppercase(), String::new()] {
        let other = wrapped(&document, &said, &config).0;
        assert_eq!(codes(&judge(&other)), [Code::PartsNotBound]);
    }

    // What an event says is signed by nobody and used for nothing. Everything else is held.
    let unsigned: Vec<usize> = (event + 1..event + 5).chain(event + 6..event + 9).collect();
    let document = 4..4 + document.len();
    for at in (0..good.len()).filter(|at| !document.contains(at)) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let appraisal = judge(&bad);
        let taken = appraisal.status == Status::Affirming;
        assert_eq!(taken, unsigned.contains(&at), "byte {at}");
        if taken {
            assert_eq!(appraisal.claims, judge(&good).claims);
        }
    }
    for length in 0..good.len() {
        assert!(parse(&good[..length]).is_err(), "length {length}");
    }
}

#[test]
fn other_wrappers_and_lengths_in_a_longer_form_are_refused() {
    let world = World::new();
    let document = world.draft().sign(&world.key);
    let (good, _) = wrapped(&document, &[5; 64], "{}");
    let form = Err(TokenError::Field { what: "the wrapper", must: "dstack's for Nitro" });
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        parse(&bytes)
    };
    assert_eq!(changed(1, 0), form);
    assert_eq!(changed(2, 3), form);
    let mut bytes = good.clone();
    let end = bytes.len() - 3;
    bytes.splice(end..=end, [2 << 2 | 1, 0]);
    assert_eq!(parse(&bytes), Err(TokenError::NotCanonical("a length of the wrapper")));
    assert_eq!(parse(&[good.as_slice(), &[1, 2]].concat()), Err(TokenError::LeftOver(2)));
    assert_eq!(parse(&[0; 32769]), Err(TokenError::TooLong { got: 32769, max: 32768 }));
    let many = [&[0, 2], compact(document.len()).as_slice(), &document, &compact(65)].concat();
    assert_eq!(parse(&many), Err(TokenError::TooMany));
}

#[test]
fn a_document_is_described_field_by_field() {
    let world = World::new();
    let document: Document = parse(&world.draft().sign(&world.key)).unwrap();
    let described = document.describe();
    let value = |name: &str| described.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(value("module_id"), Some("i-0123-enc4567"));
    assert_eq!(value("pcr7"), Some(hex::encode(PCR).as_str()));
    assert_eq!(value("public_key"), Some("none"));
    assert_eq!(value("nonce"), Some(hex::encode("challenge").as_str()));
    let (wrapper, _) = wrapped(&world.draft().sign(&world.key), &[5; 64], "{}");
    let described = parse(&wrapper).unwrap().describe();
    assert!(described.contains(&("unsigned event name".into(), "070809".into())));
}
