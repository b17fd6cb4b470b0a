//! Reports and chains, their forms and forgeries.

use super::{
    codes, judged,
    maker::{FWID, Key, Made, Maker, NONCE, NOW, Node, Use, composite_id, tcb_info},
};
use crate::{
    Code, Endorsements, Evidence, Expected, Policy, Status, appraise,
    nvidia::{Device, NvidiaError, from_hex, from_json, parse},
    x509::Cache,
};
use base64ct::{Base64, Encoding as _};

/// What is always said of a device without answers and manifests.
const NOTES: [Code; 3] = [Code::OcspMissing, Code::RimMissing, Code::RimMissing];

fn with_notes(code: Code) -> Vec<Code> {
    [code].into_iter().chain(NOTES).collect()
}

fn check(evidence: &Evidence, maker: &Maker) -> Vec<Code> {
    codes(&judged(evidence, &Endorsements::default(), &maker.policy()))
}

#[test]
fn a_genuine_report_is_affirmed() {
    let maker = Maker::new();
    let evidence = maker.evidence(&Made::new());
    let endorsements = Endorsements { ocsp: maker.answers(), ..Endorsements::default() };
    let appraisal = judged(&evidence, &endorsements, &maker.policy());
    assert_eq!(codes(&appraisal), [Code::RimMissing, Code::RimMissing]);
    assert_eq!((appraisal.authentic, appraisal.status), (Some(true), Status::Affirming));
    let claims = appraisal.claims.unwrap();
    assert_eq!(claims.platform.class, "nvidia-gh100");
    assert_eq!(claims.platform.anchor, "devices");
    assert_eq!(claims.platform.identities["ueid"], [5; 9]);
    assert_eq!(claims.platform.identities["device"], [4; 9]);
    assert_eq!(claims.bound.report_data, NONCE);
    assert_eq!(claims.measurements["m00"], [1; 48]);
    assert_eq!(claims.measurements["m35"], [36; 48]);
    assert_eq!(claims.measurements["fwid"], FWID);
    assert_eq!(claims.measurements["driver_version"], b"550.1");
    assert_eq!(claims.measurements["vbios_version"], b"96.00.A5.00.01");
    assert_eq!(claims.windows.len(), 5 + 3);
}

#[test]
fn a_chain_may_come_beside_the_report_and_must_come() {
    let maker = Maker::new();
    let mut evidence = maker.evidence(&Made::new());
    let chain = core::mem::take(&mut evidence.parts.chain);
    assert_eq!(check(&evidence, &maker), [Code::SignerMissing]);
    let endorsements = Endorsements { chain, ..Endorsements::default() };
    let appraisal = judged(&evidence, &endorsements, &maker.policy());
    assert_eq!((appraisal.status, codes(&appraisal)), (Status::Affirming, NOTES.to_vec()));
}

#[test]
fn a_replayed_report_is_refused() {
    let maker = Maker::new();
    let made = Made { nonce: [8; 32], ..Made::new() };
    assert_eq!(check(&maker.evidence(&made), &maker), with_notes(Code::NonceMismatch));
    let expected = Expected::DangerouslyUnbound;
    let given = Endorsements::default();
    let mut cache = Cache::default();
    let evidence = maker.evidence(&made);
    let unbound = appraise(&evidence, &given, &expected, &maker.policy(), NOW, &mut cache);
    assert_eq!((unbound.status, codes(&unbound)), (Status::Warning, with_notes(Code::NotBound)));
}

#[test]
fn a_report_signed_by_another_key_is_refused() {
    let maker = Maker::new();
    let mut evidence = maker.evidence(&Made::new());
    evidence.parts.quote = Made::new().signed(&Key::new(99));
    assert_eq!(check(&evidence, &maker), with_notes(Code::SignatureInvalid));
}

#[test]
fn a_report_of_other_firmware_than_the_keys_is_refused() {
    let maker = Maker::new();
    let mut made = Made::new();
    made.opaque[3].1 = vec![1; 48];
    assert_eq!(check(&maker.evidence(&made), &maker), with_notes(Code::PartsNotBound));
    made.opaque.pop();
    assert_eq!(check(&maker.evidence(&made), &maker), NOTES, "old drivers name none");
}

#[test]
fn a_device_of_another_root_is_refused() {
    let maker = Maker::new();
    let evidence = maker.evidence(&Made::new());
    let given = Endorsements::default();
    assert_eq!(codes(&judged(&evidence, &given, &Policy::base())), [Code::UntrustedRoot]);
    // The root of manifests vouches for no device.
    let mut policy = maker.policy();
    policy.anchors.0.remove(&crate::Vendor::Nvidia);
    assert_eq!(codes(&judged(&evidence, &given, &policy)), [Code::UntrustedRoot]);
}

#[test]
fn chains_that_do_not_hold_are_refused() {
    let maker = Maker::new();
    let report = Made::new();
    let refused = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut evidence = maker.evidence(&report);
        change(&mut evidence.parts.chain);
        check(&evidence, &maker)
    };
    let chain_invalid = with_notes(Code::ChainInvalid);
    let stranger = Node::new("stranger", 50, None, Use::Authority).der;
    assert_eq!(refused(&|chain| chain.push(stranger.clone())), chain_invalid, "more than needed");
    assert_eq!(refused(&|chain| chain.swap(2, 3)), chain_invalid, "another order");
    assert_eq!(refused(&|chain| *chain.last_mut().unwrap() = stranger.clone()), chain_invalid);
    assert_eq!(refused(&|chain| drop(chain.pop())), NOTES, "the root may stay at home");
    assert_eq!(refused(&|chain| drop(chain.remove(2))), [Code::UntrustedRoot], "a gap");
    assert_eq!(refused(&|chain| chain[3] = vec![0x30, 0]), [Code::Malformed]);
    // A certificate above the device's key, whose owner is no attestation key.
    let codes = refused(&|chain| drop(chain.remove(0)));
    assert_eq!(
        codes,
        [
            Code::SignatureInvalid,
            Code::ChainInvalid,
            Code::OcspMissing,
            Code::RimMissing,
            Code::RimMissing
        ]
    );
}

#[test]
fn an_issuer_that_may_not_issue_is_refused() {
    let mut maker = Maker::new();
    let brom = Use::Leaf(vec![]);
    maker.chain[1] = Node::new("GH100 A01 GSP BROM", 4, Some(&maker.chain[2]), brom);
    assert_eq!(check(&maker.evidence(&Made::new()), &maker), [Code::ChainInvalid]);
    // Of the right name, signed by another key.
    let mut maker = Maker::new();
    let impostor = Node::new("Test GH100 Provisioner", 60, None, Use::Authority);
    maker.chain[1] = Node::new("GH100 A01 GSP BROM", 4, Some(&impostor), Use::Authority);
    assert_eq!(check(&maker.evidence(&Made::new()), &maker), [Code::ChainInvalid]);
}

#[test]
fn the_flags_of_a_newer_device_are_read() {
    let judge = |flags: u8| {
        let maker = Maker::with(5, tcb_info(&FWID, flags));
        check(&maker.evidence(&Made::new()), &maker)
    };
    assert_eq!(judge(0x80), NOTES, "not configured, as genuine devices say");
    assert_eq!(judge(0x10), with_notes(Code::Debug));
    assert_eq!(judge(0x20), with_notes(Code::Lifecycle));
    assert_eq!(judge(0x40), with_notes(Code::Lifecycle));
    let other = Maker::with(5, tcb_info(&[1; 48], 0));
    assert_eq!(check(&other.evidence(&Made::new()), &other), with_notes(Code::PartsNotBound));
}

#[test]
fn a_part_that_reports_do_not_have_is_refused() {
    let maker = Maker::new();
    let mut evidence = maker.evidence(&Made::new());
    evidence.parts.pcrs = Some(vec![]);
    assert_eq!(check(&evidence, &maker), with_notes(Code::Malformed));
}

#[test]
fn other_versions_are_not_guessed() {
    let maker = Maker::new();
    let twelve = Made { head: [0x12, 0xe0, 1, 0xff], ..Made::new() };
    assert_eq!(check(&maker.evidence(&twelve), &maker), [Code::UnknownVersion]);
    let mut opaque = Made::new();
    opaque.opaque.push((34, vec![2, 0]));
    assert_eq!(check(&maker.evidence(&opaque), &maker), [Code::UnknownVersion]);
    opaque.opaque[4].1 = vec![1, 0];
    assert_eq!(check(&maker.evidence(&opaque), &maker), NOTES);
}

#[test]
fn every_form_that_is_none_is_named() {
    let key = Key::new(5);
    let of = |made: &Made| parse(&made.signed(&key)).map(drop);
    let field = |what, value| Err(NvidiaError::Field { what, value });
    let made = Made::new();
    assert_eq!(of(&made), Ok(()));
    let head = |head| of(&Made { head, ..made.clone() });
    assert_eq!(head([0x11, 0xe1, 1, 0xff]), field("request code", 0xe1));
    assert_eq!(head([0x11, 0xe0, 0, 0xff]), field("request attributes", 0), "no signature");
    assert_eq!(head([0x11, 0xe0, 1, 5]), field("measurement operation", 5), "one of many");
    let response = |response| of(&Made { response, ..made.clone() });
    let version = NvidiaError::Version { what: "response", version: 0x10 };
    assert_eq!(response([0x10, 0x60, 0, 0]), Err(version));
    assert_eq!(response([0x11, 0x61, 0, 0]), field("response code", 0x61));
    assert_eq!(response([0x11, 0x60, 1, 0]), field("response parameter 1", 1));
    assert_eq!(response([0x11, 0x60, 0, 1]), field("response slot", 1));
    let blocks = |blocks| of(&Made { blocks, ..made.clone() });
    assert_eq!(blocks(vec![]), field("number of blocks", 0));
    assert_eq!(blocks(vec![(0, [0; 48])]), field("measurement index", 0));
    let twice = NvidiaError::Twice { what: "measurement", number: 1 };
    assert_eq!(blocks(vec![(1, [0; 48]), (1, [1; 48])]), Err(twice));
    let opaque = Made { opaque: vec![(3, vec![]), (3, vec![])], ..made.clone() };
    let twice = NvidiaError::Twice { what: "opaque field", number: 3 };
    assert_eq!(of(&opaque), Err(twice));
    let mut bytes = made.signed(&key);
    bytes[36] = 8;
    assert_eq!(parse(&bytes).map(drop), field("slot", 8));
    bytes[36] = 0;
    for (at, change) in [(46, "a measurement's specification"), (47, "its size"), (50, "value's")] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(parse(&bytes).is_err(), "{change}");
    }
    bytes.push(0);
    let left = NvidiaError::LeftOver { what: "the signature", bytes: 1 };
    assert_eq!(parse(&bytes), Err(left));
    let long = NvidiaError::TooLong { got: 65 << 10, max: 64 << 10 };
    assert_eq!(parse(&vec![0; 65 << 10]), Err(long));
}

#[test]
fn a_report_cut_at_any_length_is_refused() {
    let bytes = Made::new().signed(&Key::new(5));
    for length in 0..bytes.len() {
        assert!(matches!(parse(&bytes[..length]), Err(NvidiaError::CutShort(_))), "{length}");
    }
}

#[test]
fn every_flipped_byte_is_refused() {
    let maker = Maker::new();
    let good = maker.evidence(&Made::new());
    let policy = maker.policy();
    let (given, mut cache) = (Endorsements::default(), Cache::default());
    let expected = Expected::nonce(&NONCE).unwrap();
    let mut judge = |evidence: &Evidence| {
        appraise(evidence, &given, &expected, &policy, NOW, &mut cache).status
    };
    assert_eq!(judge(&good), Status::Affirming);
    let mut bad = good.clone();
    for at in 0..good.parts.quote.len() {
        bad.parts.quote[at] ^= 1 << (at % 8);
        assert_eq!(judge(&bad), Status::Contraindicated, "byte {at} of the report");
        bad.parts.quote[at] = good.parts.quote[at];
    }
    for number in 0..good.parts.chain.len() {
        // Every byte of the device's own certificate, some of those above, which are alike.
        for at in (0..good.parts.chain[number].len()).step_by(if number == 0 { 1 } else { 5 }) {
            bad.parts.chain[number][at] ^= 1 << (at % 8);
            assert_eq!(judge(&bad), Status::Contraindicated, "byte {at} of certificate {number}");
            bad.parts.chain[number][at] = good.parts.chain[number][at];
        }
    }
}

#[test]
fn text_forms_hold_the_same_evidence() {
    let maker = Maker::new();
    let evidence = maker.evidence(&Made::new());
    let pem: String = evidence
        .parts
        .chain
        .iter()
        .map(|der| {
            let body = Base64::encode_string(der);
            let lines: Vec<&str> =
                body.as_bytes().chunks(64).map(|l| core::str::from_utf8(l).unwrap()).collect();
            let body = lines.join("\n");
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        })
        .collect();
    let report = Base64::encode_string(&evidence.parts.quote);
    let certificate = Base64::encode_string(pem.as_bytes());
    let nonce = hex::encode(NONCE);
    let entry = format!(
        "{{\"arch\":\"HOPPER\",\"nonce\":\"{nonce}\",\"evidence\":\"{report}\",\
         \"certificate\":\"{certificate}\"}}"
    );
    let list = format!("[{entry}]");
    let want = Device {
        arch: Some("HOPPER".into()),
        nonces: vec![nonce.clone()],
        parts: evidence.parts.clone(),
    };
    assert_eq!(from_json(list.as_bytes()), Ok(vec![want.clone()]));
    let body = format!("{{\"nonce\":\"{nonce}\",\"arch\":\"X\",\"evidence_list\":{list}}}");
    let twice = Device { nonces: vec![nonce.clone(), nonce.clone()], ..want.clone() };
    assert_eq!(from_json(body.as_bytes()), Ok(vec![twice]));
    let digits = hex::encode(&evidence.parts.quote) + "\n";
    let bare = Device { arch: None, nonces: vec![], parts: evidence.parts };
    assert_eq!(from_hex(digits.as_bytes(), Some(pem.as_bytes())), Ok(bare));

    assert_eq!(want.contradiction(), None);
    let other = Device { nonces: vec!["00".repeat(32)], ..want };
    assert_eq!(other.contradiction().unwrap().code, Code::PartsNotBound);
    let json = NvidiaError::Text("a JSON list of NVIDIA evidence");
    for text in ["[]", "{}", "7", "[{}]", &list.replace("evidence", "evidences")] {
        assert_eq!(from_json(text.as_bytes()), Err(json.clone()), "{text:.20}");
    }
    let many = format!("[{}]", vec![entry; 65].join(","));
    assert_eq!(from_json(many.as_bytes()), Err(json));
    let broken = list.replacen("EeAB", "EeA*", 1);
    assert_eq!(from_json(broken.as_bytes()), Err(NvidiaError::Text("base64 without line breaks")));
    let chain = list.replace(&certificate, "AAAA");
    assert_eq!(
        from_json(chain.as_bytes()),
        Err(NvidiaError::Text("a chain of certificates in PEM"))
    );
    let hex = NvidiaError::Text("a report in hexadecimal digits");
    assert_eq!(from_hex(b"11e001f", None), Err(hex));
    let long = NvidiaError::TooLong { got: 5 << 20, max: 4 << 20 };
    assert_eq!(from_json(&vec![b' '; 5 << 20]), Err(long.clone()));
    assert_eq!(from_hex(&vec![b'0'; 5 << 20], None), Err(long));
}

#[test]
fn a_device_id_of_another_form_is_no_device_id() {
    let mut broken = composite_id(&Key::new(4), &FWID).content().to_vec();
    broken[4] = 2;
    let extension = rcgen::CustomExtension::from_oid_content(&[2, 23, 133, 5, 4, 1], broken);
    let maker = Maker::with(5, extension);
    assert_eq!(check(&maker.evidence(&Made::new()), &maker), with_notes(Code::ChainInvalid));
}

#[test]
fn a_report_is_described_without_being_believed() {
    let lines = parse(&Made::new().signed(&Key::new(5))).unwrap().describe();
    let line = |name: &str| lines.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    assert_eq!(line("nonce"), Some(hex::encode(NONCE).as_str()));
    assert_eq!(line("VBIOS version"), Some("96.00.A5.00.01"));
    assert_eq!(line("m35"), Some(hex::encode([36; 48]).as_str()));
}
