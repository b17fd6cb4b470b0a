#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Composite, Link, Whole, appraise_composite, appraise_devices, device_nonce};
use crate::{
    Code, Endorsements, Evidence, Expected, Parts, Policy, Scope, Status, Vendor,
    nvidia::{
        Device,
        tests::maker::{FWID, Key, Made, Maker, NONCE, NOW, composite_id},
    },
    simulated,
    x509::Cache,
};
use sotto_types::{Measurement, TeeKind};

const BINDING: [u8; 64] = [6; 64];

/// A CPU's evidence bound to `binding`: the simulated kind, under an anchor called production here.
fn cpu(binding: &[u8]) -> Evidence {
    let mut field = [0; 64];
    field[..binding.len()].copy_from_slice(binding);
    let report = simulated::Report { measurement: Measurement([5; 32]), binding: field, made: NOW };
    let quote = simulated::make(&report).unwrap();
    Evidence { kind: TeeKind::Simulated, parts: Parts { quote, ..Parts::default() } }
}

fn policy(maker: &Maker) -> Policy {
    let mut policy = maker.policy();
    policy.kinds.insert(TeeKind::Simulated);
    let anchor = crate::Anchor {
        name: "cpu".into(),
        scope: Scope::Production,
        der: simulated::root().unwrap(),
        known: vec![],
    };
    policy.anchors = policy.anchors.with(Vendor::Simulated, anchor);
    policy
}

/// Two devices.
fn makers() -> [Maker; 2] {
    [5, 6].map(|seed| Maker::with(seed, composite_id(&Key::new(4), &FWID)))
}

fn device(maker: &Maker, nonce: [u8; 32]) -> Evidence {
    maker.evidence(&Made { nonce, ..Made::new() })
}

fn judge(cpu: Evidence, devices: Vec<Evidence>, link: &Link) -> Whole {
    let (maker, mut cache) = (Maker::new(), Cache::default());
    let composite = Composite { cpu, devices };
    let (given, policy) = (Endorsements::default(), policy(&maker));
    appraise_composite(&composite, &given, link, &policy, NOW, &mut cache)
}

fn codes(whole: &Whole) -> Vec<Code> {
    whole
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}

fn part(whole: &Whole, name: &str) -> Vec<Code> {
    let part = whole.parts.iter().find(|part| part.name == name).unwrap();
    part.appraisal
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}

fn is(whole: &Whole, authentic: Option<bool>, status: Status) -> bool {
    (whole.authentic, whole.status) == (authentic, status)
}

#[test]
fn parts_under_one_derived_nonce_are_affirmed() {
    let [a, b] = makers();
    let link = Link::derived(&BINDING).unwrap();
    let devices =
        vec![device(&a, device_nonce(&BINDING, 0)), device(&b, device_nonce(&BINDING, 1))];
    let whole = judge(cpu(&BINDING), devices, &link);
    assert!(is(&whole, Some(true), Status::Affirming), "{whole:?}");
    assert_eq!(codes(&whole), []);
    let names: Vec<&str> = whole.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["cpu", "device 0", "device 1"]);
}

#[test]
fn a_gpu_that_answered_another_question_is_refused() {
    let [a, b] = makers();
    let link = Link::derived(&BINDING).unwrap();
    // The challenge itself, another machine's nonce, another device's place.
    for nonce in [NONCE, device_nonce(&[9; 64], 1), device_nonce(&BINDING, 0)] {
        let devices = vec![device(&a, device_nonce(&BINDING, 0)), device(&b, nonce)];
        let whole = judge(cpu(&BINDING), devices, &link);
        assert!(is(&whole, Some(true), Status::Contraindicated));
        assert_eq!(codes(&whole), [Code::CompositeNonce]);
        assert_eq!(part(&whole, "device 1")[0], Code::NonceMismatch);
    }
}

#[test]
fn a_cpu_that_answered_another_question_is_refused() {
    let [a, _] = makers();
    let link = Link::derived(&BINDING).unwrap();
    let whole = judge(cpu(&[9; 64]), vec![device(&a, device_nonce(&BINDING, 0))], &link);
    assert!(is(&whole, Some(true), Status::Contraindicated));
    assert_eq!(part(&whole, "cpu"), [Code::ReportDataMismatch]);
}

#[test]
fn the_rule_of_the_field_binds_nonce_and_key() {
    let [a, _] = makers();
    let link = Link::NonceAndKey { nonce: b"00ff".to_vec(), key: b"a2V5".to_vec() };
    let digest = crate::hash::sha256(b"00ffa2V5");
    let whole = judge(cpu(&digest), vec![device(&a, digest)], &link);
    assert!(is(&whole, Some(true), Status::Affirming), "{whole:?}");
    let other = Link::NonceAndKey { nonce: b"00ff".to_vec(), key: b"a2V6".to_vec() };
    let whole = judge(cpu(&digest), vec![device(&a, digest)], &other);
    assert!(is(&whole, Some(true), Status::Contraindicated));
    assert_eq!(part(&whole, "cpu"), [Code::NonceMismatch]);
    assert_eq!(codes(&whole), [Code::CompositeNonce]);
}

#[test]
fn one_challenge_for_all_is_a_rule_too() {
    let [a, _] = makers();
    let link = Link::challenge(&NONCE).unwrap();
    let whole = judge(cpu(&NONCE), vec![device(&a, NONCE)], &link);
    assert!(is(&whole, Some(true), Status::Affirming), "{whole:?}");
    assert_eq!(link.device(7), Expected::Nonce(NONCE.to_vec()));
}

#[test]
fn one_bad_part_makes_the_whole_bad() {
    let [a, b] = makers();
    let link = Link::challenge(&NONCE).unwrap();
    let mut forged = device(&b, NONCE);
    *forged.parts.quote.last_mut().unwrap() ^= 1;
    let whole = judge(cpu(&NONCE), vec![device(&a, NONCE), forged], &link);
    assert!(is(&whole, Some(false), Status::Contraindicated));
    assert_eq!(part(&whole, "device 1")[0], Code::SignatureInvalid);
    let mut alone = device(&b, NONCE);
    alone.parts.chain.clear();
    let whole = judge(cpu(&NONCE), vec![device(&a, NONCE), alone], &link);
    assert!(is(&whole, None, Status::Contraindicated), "nobody can tell");
    let mut forged = cpu(&NONCE);
    forged.parts.quote[0] ^= 1;
    let whole = judge(forged, vec![device(&a, NONCE)], &link);
    assert!(is(&whole, Some(false), Status::Contraindicated));
}

#[test]
fn a_composite_has_a_cpu_and_devices() {
    let [a, _] = makers();
    let link = Link::challenge(&NONCE).unwrap();
    let none = judge(cpu(&NONCE), vec![], &link);
    assert!(is(&none, None, Status::Contraindicated));
    assert_eq!(codes(&none), [Code::PartMissing]);
    let swapped = judge(device(&a, NONCE), vec![cpu(&NONCE)], &link);
    let kinds = [Code::KindNotAccepted, Code::KindNotAccepted, Code::CompositeNonce];
    assert_eq!(codes(&swapped), kinds);
    assert_eq!(swapped.status, Status::Contraindicated);
    let many = judge(cpu(&NONCE), vec![cpu(&NONCE); 65], &link);
    assert_eq!(codes(&many), [Code::Malformed]);
    assert!(is(&many, Some(false), Status::Contraindicated));
}

#[test]
fn one_device_counted_twice_is_named() {
    let [a, _] = makers();
    let link = Link::challenge(&NONCE).unwrap();
    let twice = vec![device(&a, NONCE), device(&a, NONCE)];
    let whole = judge(cpu(&NONCE), twice, &link);
    assert_eq!((codes(&whole), whole.status), (vec![Code::DeviceRepeated], Status::Affirming));
}

#[test]
fn unbound_devices_are_at_best_a_warning_and_must_agree() {
    let [a, b] = makers();
    let given = Endorsements::default();
    let judge = |second: [u8; 32], said: &str| {
        let device = |maker: &Maker, nonce: [u8; 32], said: &str| Device {
            arch: None,
            nonces: vec![said.to_owned()],
            parts: device(maker, nonce).parts,
        };
        let devices = [device(&a, NONCE, &hex::encode(NONCE)), device(&b, second, said)];
        let (policy, mut cache) = (a.policy(), Cache::default());
        let link = Link::DangerouslyUnbound;
        appraise_devices(&devices, &given, &link, &policy, NOW, &mut cache)
    };
    let same = judge(NONCE, &hex::encode(NONCE).to_uppercase());
    assert!(is(&same, Some(true), Status::Warning), "{same:?}");
    assert_eq!(codes(&same), []);
    let other = judge([8; 32], &hex::encode([8; 32]));
    assert_eq!(codes(&other), [Code::CompositeNonce]);
    assert!(is(&other, Some(true), Status::Contraindicated));
    let contradicted = judge(NONCE, &hex::encode([8; 32]));
    assert_eq!(codes(&contradicted), [Code::PartsNotBound]);
    assert!(is(&contradicted, Some(false), Status::Contraindicated));
}

#[test]
fn a_link_that_says_nothing_is_none() {
    assert!(Link::challenge(&[]).is_err() && Link::challenge(&[0; 32]).is_err());
    assert!(Link::derived(&[0; 64]).is_err());
}

#[test]
fn the_derivation_is_what_the_page_says() {
    // printf 'sotto/composite/v1\x00\x00\x00\x02ab\x00\x00\x00\x01' | sha256sum
    let want = crate::hash::sha256(b"sotto/composite/v1\x00\x00\x00\x02ab\x00\x00\x00\x01");
    assert_eq!(device_nonce(b"ab", 1), want);
    assert_eq!(
        hex::encode(want),
        "d2b26c55ca21a3471622f28a9ade66f836b764360983d8c6390108994a260a0a"
    );
}
