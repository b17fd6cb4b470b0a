//! Answers and lists about a device's certificates.

use super::{
    codes, judged,
    maker::{Answering, Key, Made, Maker, NOW, Node, Use},
};
use crate::{
    Appraisal, Code, Endorsements, Status,
    nvidia::{NvidiaError, describe_answer, revocation::check},
    x509::{Cache, verify_path},
};

/// The reasons of a good device with these answers besides good ones about the rest.
fn with_answer(maker: &Maker, answer: Vec<u8>) -> Appraisal {
    let mut ocsp = maker.answers();
    ocsp[0] = answer;
    with(maker, &Endorsements { ocsp, ..Endorsements::default() })
}

fn with(maker: &Maker, endorsements: &Endorsements) -> Appraisal {
    judged(&maker.evidence(&Made::new()), endorsements, &maker.policy())
}

/// What is always said without manifests.
fn and(code: Code) -> Vec<Code> {
    vec![code, Code::RimMissing, Code::RimMissing]
}

/// The answer about the device's second certificate.
fn about(maker: &Maker) -> Answering<'_> {
    Answering::good(&maker.chain[1], &maker.chain[2])
}

/// `CertStatus` revoked, for this reason.
fn revoked(reason: u8) -> Vec<u8> {
    let body = [b"\x18\x0f20290101000000Z".as_slice(), &[0xa0, 3, 0x0a, 1, reason]].concat();
    [&[0xa1, u8::try_from(body.len()).unwrap()], body.as_slice()].concat()
}

#[test]
fn a_revoked_certificate_and_one_on_hold_are_refused() {
    let maker = Maker::new();
    for (reason, word) in [(1, "revoked"), (6, "on hold")] {
        let answer = Answering { status: revoked(reason), ..about(&maker) }.der();
        let appraisal = with_answer(&maker, answer);
        assert_eq!(codes(&appraisal), and(Code::CertificateRevoked));
        assert_eq!(appraisal.authentic, Some(false));
        assert!(appraisal.reasons[0].detail.contains(word), "{:?}", appraisal.reasons[0]);
    }
}

#[test]
fn a_responder_that_does_not_know_is_no_good_answer() {
    let maker = Maker::new();
    let answer = Answering { status: vec![0x82, 0], ..about(&maker) }.der();
    let appraisal = with_answer(&maker, answer);
    assert_eq!(codes(&appraisal), and(Code::OcspUnknown));
    assert_eq!((appraisal.authentic, appraisal.status), (Some(true), Status::Contraindicated));
}

#[test]
fn an_old_answer_says_nothing_of_today() {
    let maker = Maker::new();
    let answer = Answering { until: Some(NOW.0 - 1), ..about(&maker) }.der();
    assert_eq!(codes(&with_answer(&maker, answer)), and(Code::Expired));
    // Without an end it is good for a day.
    let endless = Answering { until: None, ..about(&maker) }.der();
    assert_eq!(codes(&with_answer(&maker, endless)), [Code::RimMissing; 2]);
}

#[test]
fn only_the_issuer_or_whom_it_named_answers() {
    let maker = Maker::new();
    let issuer = &maker.chain[2];
    let responder = Node::new("responder", 30, Some(issuer), Use::Responder);
    let no_responder = Node::new("leaf", 31, Some(issuer), Use::Leaf(vec![]));
    let of_another = Node::new("responder", 32, Some(&maker.chain[3]), Use::Responder);
    let by = |node: &Node| {
        let answer = Answering { signer: &node.key, delegate: Some(node), ..about(&maker) };
        codes(&with_answer(&maker, answer.der()))
    };
    assert_eq!(by(&responder), [Code::RimMissing; 2]);
    assert_eq!(by(&no_responder), and(Code::CollateralInvalid));
    assert_eq!(by(&of_another), and(Code::CollateralInvalid));
    let stranger = Answering { signer: &Key::new(40), ..about(&maker) }.der();
    assert_eq!(codes(&with_answer(&maker, stranger)), and(Code::CollateralInvalid));
}

#[test]
fn the_dates_of_a_responder_count() {
    let maker = Maker::new();
    let issuer = &maker.chain[2];
    let mut params = Node::new("responder", 30, Some(issuer), Use::Responder).params;
    params.not_after = rcgen::date_time_ymd(2029, 1, 1);
    let ended = Node::issued(params, Key::new(30), Some(issuer));
    let answer = Answering { signer: &ended.key, delegate: Some(&ended), ..about(&maker) };
    assert_eq!(codes(&with_answer(&maker, answer.der())), and(Code::Expired));
}

#[test]
fn what_is_no_answer_is_refused() {
    let maker = Maker::new();
    let good = about(&maker).der();
    for bad in [vec![], vec![0x30, 3, 0x0a, 1, 6], good[..good.len() - 1].to_vec(), {
        let mut long = good.clone();
        long.push(0);
        long
    }] {
        let codes = codes(&with_answer(&maker, bad));
        assert_eq!(
            codes,
            [Code::CollateralInvalid, Code::OcspMissing, Code::RimMissing, Code::RimMissing]
        );
    }
}

#[test]
fn an_answer_about_others_counts_for_nothing() {
    let maker = Maker::new();
    let other = Node::new("GH100 A01 GSP BROM", 70, Some(&maker.chain[2]), Use::Authority);
    let answer = Answering { status: revoked(1), ..Answering::good(&other, &maker.chain[2]) }.der();
    let appraisal = with_answer(&maker, answer);
    assert_eq!(codes(&appraisal), and(Code::OcspMissing));
    assert_eq!(appraisal.status, Status::Affirming);
}

#[test]
fn every_flipped_byte_of_an_answer_is_refused_or_makes_it_no_answer() {
    let maker = Maker::new();
    let good = about(&maker).der();
    let certificates: Vec<_> = maker.chain.iter().map(Node::certificate).collect();
    let policy = maker.policy();
    let anchors = policy.anchors.of(crate::Vendor::Nvidia);
    let (leaf, above) = certificates.split_first().unwrap();
    let mut cache = Cache::default();
    let path = verify_path(leaf.clone(), above, anchors, &[], &mut cache).unwrap();
    let mut judge = |answer: Vec<u8>| {
        let given = Endorsements { ocsp: vec![answer], ..Endorsements::default() };
        check(&path, &given, &mut cache).reasons
    };
    let all_but_one = judge(good.clone());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let reasons = judge(bad);
        let refused = reasons.iter().any(|reason| reason.code == Code::CollateralInvalid);
        // Two more certificates than answers, then three.
        let no_answer = reasons.len() == 1 && reasons[0].detail.len() > all_but_one[0].detail.len();
        assert!(refused || no_answer, "byte {at}: {reasons:?}");
    }
}

#[test]
fn revocation_lists_answer_too() {
    let maker = Maker::new();
    let [_, brom, provisioner, identity, root] = maker.chain.as_slice() else { unreachable!() };
    let judge = |crls: Vec<Vec<u8>>| {
        codes(&with(&maker, &Endorsements { crls, ..Endorsements::default() }))
    };
    let lists = |node: &Node| vec![node.list(&[]), identity.list(&[]), root.list(&[])];
    assert_eq!(judge(lists(provisioner)), [Code::RimMissing; 2]);
    let mut revoking = lists(provisioner);
    revoking[0] = provisioner.list(&[brom]);
    assert_eq!(judge(revoking), and(Code::CertificateRevoked));
    // A list of that name by somebody else.
    let impostor = Node::new("Test GH100 Provisioner", 61, None, Use::Authority);
    assert_eq!(judge(lists(&impostor)), and(Code::CollateralInvalid));
    // A list that cannot be read answers for nobody.
    assert_eq!(judge(vec![vec![0x30, 0]]), and(Code::OcspMissing));
}

#[test]
fn an_answer_is_described_without_being_believed() {
    let maker = Maker::new();
    let answer = Answering { status: revoked(6), signer: &Key::new(40), ..about(&maker) }.der();
    let lines = describe_answer(&answer).unwrap();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].0.contains(&"04".repeat(9)) && lines[0].1.contains("reason: Some(6)"));
    assert_eq!(describe_answer(&[]), Err(NvidiaError::Text("a successful OCSP answer")));
}
