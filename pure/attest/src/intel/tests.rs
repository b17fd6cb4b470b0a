#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bytes;
mod forge;
mod levels;
mod signers;

use super::{ParsedCollateral, forecast, parse};
use crate::{
    Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Status, TcbStatus, appraise,
    x509::Cache,
};
use dcap_qvl::{QuoteCollateralV3, QuotePolicy, verify::QuoteVerifier};
use forge::{Body, Forge, Made, NOW};
use sotto_types::{TeeKind, Time};

const ALL: [Body; 5] = [Body::Sgx, Body::Td10, Body::Td10V5, Body::Td15, Body::Td15Ex];

fn kind(body: Body) -> TeeKind {
    if body == Body::Sgx { TeeKind::Sgx } else { TeeKind::Tdx }
}

fn policy(made: &Made) -> Policy {
    Policy { anchors: made.anchors.clone(), ..Policy::base() }
}

/// `made` as evidence of `kind`, judged.
fn judge_as(kind: TeeKind, made: &Made, policy: &Policy, now: Time) -> Appraisal {
    let parts = Parts { quote: made.quote.clone(), ..Parts::default() };
    let collateral = Some(made.collateral.clone());
    let endorsements = Endorsements { collateral, ..Endorsements::default() };
    let expected = Expected::report_data(&[7; 64]).unwrap();
    let evidence = Evidence { kind, parts };
    appraise(&evidence, &endorsements, &expected, policy, now, &mut Cache::default())
}

fn judge(forge: &Forge) -> Appraisal {
    let made = forge.make();
    judge_as(kind(forge.body), &made, &policy(&made), NOW)
}

/// The codes of an appraisal that are more than notes.
fn codes(appraisal: &Appraisal) -> Vec<Code> {
    let all = appraisal.reasons.iter().map(|reason| reason.code);
    let mut grave: Vec<Code> = all.filter(|code| code.effect() > crate::Effect::Note).collect();
    grave.dedup();
    grave
}

fn status(appraisal: &Appraisal) -> Option<TcbStatus> {
    appraisal.claims.as_ref().unwrap().tcb.status
}

/// Genuine, and refused for `code` alone.
fn contraindicated(forge: &Forge, code: Code) {
    let appraisal = judge(forge);
    assert_eq!(appraisal.authentic, Some(true), "{:?}", appraisal.reasons);
    assert_eq!(appraisal.status, Status::Contraindicated);
    assert_eq!(codes(&appraisal), [code]);
}

/// Not genuine, for `code` among others.
fn forged(forge: &Forge, code: Code) {
    let appraisal = judge(forge);
    assert_eq!(appraisal.authentic, Some(false), "{:?}", appraisal.reasons);
    assert!(codes(&appraisal).contains(&code), "{code:?} in {:?}", appraisal.reasons);
}

/// What bare `dcap-qvl` says of it.
fn oracle(made: &Made) -> Result<String, String> {
    let json = serde_json::to_string(&made.collateral).unwrap();
    let collateral: QuoteCollateralV3 = serde_json::from_str(&json).unwrap();
    QuoteVerifier::new(made.root.clone())
        .verify_with_policy(&made.quote, collateral, NOW.0, &QuotePolicy::claims_only(NOW.0))
        .map(|claims| claims.tcb.status.to_string())
        .map_err(|error| format!("{error:#}"))
}

#[test]
fn every_form_of_quote_is_affirmed_and_bare_dcap_qvl_agrees() {
    for body in ALL {
        let made = Forge::new(body).make();
        let appraisal = judge_as(kind(body), &made, &policy(&made), NOW);
        assert_eq!(appraisal.status, Status::Affirming, "{body:?} {:?}", appraisal.reasons);
        let claims = appraisal.claims.unwrap();
        assert_eq!(claims.tcb.status, Some(TcbStatus::UpToDate));
        assert_eq!(claims.tcb.evaluation, Some(19));
        assert_eq!(claims.platform.identities["ppid"], [0xbb; 16]);
        assert_eq!(claims.platform.identities["fmspc"], [0x90, 0xc0, 0x6f, 0, 0, 0]);
        assert_eq!(claims.platform.identities["instance_id"], [0xcc; 16]);
        assert_eq!(claims.platform.anchor, "test root");
        assert_eq!(claims.tcb.svns["pcesvn"], 13);
        assert_eq!(claims.tcb.svns["cpusvn15"], 3);
        let (name, value) = match body {
            Body::Sgx => ("mrenclave", vec![0xe1; 32]),
            _ => ("rtmr3", vec![0xa3; 48]),
        };
        assert_eq!(claims.measurements[name], value);
        assert_eq!(oracle(&made), Ok("UpToDate".into()), "{body:?}");
    }
}

#[test]
fn a_quote_bound_to_something_else_is_refused() {
    let made = Forge { report_data: [8; 64], ..Forge::new(Body::Td10) }.make();
    let appraisal = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(codes(&appraisal), [Code::ReportDataMismatch]);
}

#[test]
fn a_quote_of_the_other_kind_or_with_parts_of_another_is_refused() {
    let made = Forge::new(Body::Sgx).make();
    let appraisal = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    assert_eq!(codes(&appraisal), [Code::Malformed]);
    let mut context = crate::Context {
        endorsements: &Endorsements::default(),
        anchors: &made.anchors,
        cache: &mut Cache::default(),
    };
    let quote = made.quote;
    let parts = [
        Parts { signature: Some(vec![]), ..Parts::default() },
        Parts { ak: Some(vec![]), ..Parts::default() },
        Parts { pcrs: Some(vec![]), ..Parts::default() },
        Parts { event_log: Some(vec![]), ..Parts::default() },
        Parts { ek_cert: Some(vec![]), ..Parts::default() },
        Parts { chain: vec![vec![]], ..Parts::default() },
    ];
    for parts in parts {
        let parts = Parts { quote: quote.clone(), ..parts };
        let refused = super::verify(TeeKind::Sgx, &parts, &mut context).unwrap_err();
        assert_eq!(refused.reasons[0].code, Code::Malformed);
    }
}

#[test]
fn what_the_platform_certificate_says_is_noted_and_a_policy_may_raise_it() {
    let forge = Forge { flags: Some([true; 3]), ..Forge::new(Body::Td10) };
    let made = forge.make();
    let mut policy = policy(&made);
    let appraisal = judge_as(TeeKind::Tdx, &made, &policy, NOW);
    assert_eq!(appraisal.status, Status::Affirming);
    for code in [Code::DynamicPlatform, Code::CachedKeys, Code::SmtEnabled] {
        assert!(appraisal.reasons.iter().any(|reason| reason.code == code), "{code:?}");
        policy.raised = [(code, crate::Effect::Contraindicated)].into();
        let raised = judge_as(TeeKind::Tdx, &made, &policy, NOW);
        assert_eq!(raised.status, Status::Contraindicated, "{code:?}");
    }
    // A PCK of the Processor CA says nothing of it.
    let appraisal = judge(&Forge { flags: None, ..Forge::new(Body::Sgx) });
    let notes: Vec<Code> = appraisal.reasons.iter().map(|reason| reason.code).collect();
    assert_eq!((appraisal.status, notes), (Status::Affirming, vec![Code::NoReferenceValues]));
}

#[test]
fn the_attributes_of_a_trust_domain_are_judged() {
    let base = 1 << 28;
    let cases = [
        (base | 1, Code::Debug),
        (base | 1 << 4, Code::Debug),
        (base | 1 << 6, Code::Debug),
        (base | 1 << 17, Code::ServiceTd),
        (base | 1 << 29, Code::Migratable),
        (base | 1 << 1, Code::ReservedAttribute),
        (base | 1 << 40, Code::ReservedAttribute),
        (0, Code::SeptVeDisable),
    ];
    for body in [Body::Td10, Body::Td15, Body::Td15Ex] {
        for (attributes, code) in cases {
            let forge = Forge { attributes, ..Forge::new(body) };
            contraindicated(&forge, code);
            assert!(oracle(&forge.make()).is_err(), "{attributes:#x}");
        }
    }
    // Protection keys and performance counters are nobody's window.
    let forge = Forge { attributes: base | 1 << 30 | 1 << 63, ..Forge::new(Body::Td10) };
    assert_eq!(judge(&forge).status, Status::Affirming);
}

#[test]
fn a_service_td_is_refused_by_either_of_its_hashes() {
    let bound = Forge { service_td: [1; 48], ..Forge::new(Body::Td15) };
    contraindicated(&bound, Code::ServiceTd);
    let now = Forge { current_service_td: [1; 48], ..Forge::new(Body::Td15Ex) };
    contraindicated(&now, Code::ServiceTd);
}

#[test]
fn the_attributes_of_an_enclave_are_judged() {
    for (attributes, code) in [
        (0b111, Code::Debug),
        (0b1101, Code::ReservedAttribute),
        (0b101 | 1 << 11, Code::ReservedAttribute),
    ] {
        contraindicated(&Forge { attributes, ..Forge::new(Body::Sgx) }, code);
    }
}

#[test]
fn every_dated_thing_ends_the_verdict() {
    let made = Forge::new(Body::Td10).make();
    let appraisal = judge_as(TeeKind::Tdx, &made, &policy(&made), NOW);
    let windows = appraisal.claims.unwrap().windows;
    let named: Vec<&str> = windows.iter().map(|window| window.what.as_str()).collect();
    let expected = [
        "PCK certificate",
        "PCK CA certificate",
        "root certificate",
        "TCB signing certificate",
        "root CRL",
        "PCK CRL",
        "TCB info",
        "QE identity",
    ];
    assert_eq!(named, expected);
    for window in &windows {
        let outside = [
            (Time(window.not_before.0 - 1), Code::NotYetValid),
            (window.not_after.next(), Code::Expired),
        ];
        for (now, code) in outside {
            let judged = judge_as(TeeKind::Tdx, &made, &policy(&made), now);
            assert_eq!(judged.authentic, Some(true));
            assert_eq!(judged.status, Status::Contraindicated);
            let named = |reason: &crate::Reason| {
                reason.code == code && reason.detail.starts_with(&window.what)
            };
            assert!(judged.reasons.iter().any(named), "{} {code:?}", window.what);
        }
    }
}

#[test]
fn aleph_vm_1195_old_genuine_tcb_info_does_not_make_a_platform_up_to_date_for_ever() {
    // The level the platform meets was the newest when this TCB info was issued.
    let mut old = Forge {
        cpu_svn: [2; 16],
        tee_tcb_svn: super::tests::forge::first(&[4, 1, 2]),
        ..Forge::new(Body::Td10)
    };
    old.tcb["tcbLevels"].as_array_mut().unwrap().remove(1);
    old.tcb["tcbLevels"][0]["tcbStatus"] = "UpToDate".into();
    old.tcb["tdxModuleIdentities"][0]["tcbLevels"][1]["tcbStatus"] = "UpToDate".into();
    old.tcb["issueDate"] = "2024-05-01T00:00:00Z".into();
    old.tcb["nextUpdate"] = "2024-06-01T00:00:00Z".into();
    old.tcb["tcbEvaluationDataNumber"] = 16.into();
    contraindicated(&old, Code::Expired);
    // And a relying party that saw a newer evaluation refuses it even inside its dates.
    old.tcb["nextUpdate"] = "2025-07-01T00:00:00Z".into();
    let made = old.make();
    let mut policy = policy(&made);
    assert_eq!(judge_as(TeeKind::Tdx, &made, &policy, NOW).status, Status::Affirming);
    policy.minimum_evaluation = Some(17);
    let judged = judge_as(TeeKind::Tdx, &made, &policy, NOW);
    assert_eq!(codes(&judged), [Code::EvaluationTooOld]);
    policy.minimum_evaluation = Some(16);
    assert_eq!(judge_as(TeeKind::Tdx, &made, &policy, NOW).status, Status::Affirming);
}

#[test]
fn a_forecast_names_the_ends_in_order_and_the_status_to_come() {
    let forge =
        Forge { cpu_svn: [2; 16], tee_tcb_svn: forge::first(&[6, 1, 2]), ..Forge::new(Body::Td10) };
    let mut now = forge.clone();
    now.tcb["tcbLevels"].as_array_mut().unwrap().remove(1);
    now.tcb["tcbLevels"][0]["tcbStatus"] = "UpToDate".into();
    let (now, early) = (now.make(), forge.make());
    let quote = parse(&now.quote).unwrap();
    let in_force = ParsedCollateral::parse(&now.collateral).unwrap();
    let other = ParsedCollateral::parse(&early.collateral).unwrap();
    let mut cache = Cache::default();
    let told = forecast(&quote, &in_force, Some(&other), &now.anchors, &mut cache).unwrap();
    assert_eq!(told.tcb.status, Some(TcbStatus::UpToDate));
    assert_eq!(told.then.unwrap().status, Some(TcbStatus::OutOfDate));
    assert_eq!(told.ends.first().unwrap().what, "root CRL");
    assert!(told.ends.is_sorted_by_key(|window| window.not_after));
    let told = forecast(&quote, &in_force, None, &now.anchors, &mut cache).unwrap();
    assert_eq!(told.then, None);
    // A forecast under collateral that nobody signed is refused like the quote itself.
    let mut bad = early.collateral.clone();
    bad.tcb_info_signature[5] ^= 1;
    let bad = ParsedCollateral::parse(&bad).unwrap();
    let refused = forecast(&quote, &in_force, Some(&bad), &now.anchors, &mut cache).unwrap_err();
    assert_eq!(refused.reasons[0].code, Code::CollateralInvalid);
}
