#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Appraisal, Status, appraise, conclude, encode::inputs};
use crate::{
    Anchor, Anchors, Claims, Code, Collateral, Custody, Effect, Endorsements, Evidence, Expected,
    Parts, Policy, Reason, Scope, Tcb, TcbStatus, Unverified, Vendor, Window,
    ear::{ResultKey, Verifier},
    fixtures::{NOW, claims, concluded, evidence, expected, with},
    simulated,
    x509::Cache,
};
use serde_json::json;
use sotto_crypto::sign::SigningKey;
use sotto_types::{Hash, Measurement, TeeKind, Time};
use std::collections::BTreeSet;

/// A policy that takes the simulated TEE, under an anchor of this scope.
fn simulated_policy(scope: Scope) -> Policy {
    let der = simulated::root().unwrap();
    let anchor = Anchor { name: "simulated".into(), scope, der, known: vec![] };
    Policy {
        kinds: [TeeKind::Simulated].into(),
        anchors: Anchors([(Vendor::Simulated, vec![anchor])].into()),
        ..Policy::base()
    }
}

fn simulated_evidence() -> Evidence {
    let measurement = Measurement([5; 32]);
    let report = simulated::Report { measurement, binding: [7; 64], made: NOW };
    let parts = Parts { quote: simulated::make(&report).unwrap(), ..Parts::default() };
    Evidence { kind: TeeKind::Simulated, parts }
}

fn judged(evidence: &Evidence, expected: &Expected, policy: &Policy) -> Appraisal {
    let endorsements = Endorsements::default();
    appraise(evidence, &endorsements, expected, policy, NOW, &mut Cache::default())
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal.reasons.iter().map(|reason| reason.code).collect()
}

#[test]
fn genuine_evidence_is_affirmed_and_never_under_a_development_anchor_or_unbound() {
    let evidence = simulated_evidence();
    let policy = simulated_policy(Scope::Production);
    let good = judged(&evidence, &expected(), &policy);
    assert_eq!((good.authentic, good.status), (Some(true), Status::Affirming));
    let unbound = judged(&evidence, &Expected::DangerouslyUnbound, &policy);
    assert_eq!((unbound.authentic, unbound.status), (Some(true), Status::Warning));
    let development = judged(&evidence, &expected(), &simulated_policy(Scope::Development));
    assert_eq!((development.authentic, development.status), (Some(true), Status::Warning));
    assert!(!good.grant.grantable && !unbound.grant.grantable && !development.grant.grantable);
}

#[test]
fn opennhp_ghsa_v4q6_the_kind_and_its_root_come_from_the_policy() {
    let mut evidence = simulated_evidence();
    let refused = judged(&evidence, &expected(), &Policy::base());
    assert_eq!((refused.authentic, refused.status), (None, Status::Contraindicated));
    assert_eq!(codes(&refused), [Code::KindNotAccepted]);
    let rootless = Policy { anchors: Anchors::default(), ..simulated_policy(Scope::Production) };
    let refused = judged(&evidence, &expected(), &rootless);
    assert_eq!((refused.authentic, refused.status), (Some(false), Status::Contraindicated));
    assert_eq!(codes(&refused), [Code::UntrustedRoot]);
    evidence.parts.quote.push(0);
    let refused = judged(&evidence, &expected(), &simulated_policy(Scope::Production));
    assert_eq!(codes(&refused), [Code::Malformed]);
}

#[test]
fn a_forgery_leaves_no_claims_though_they_were_read() {
    let noticed = vec![Reason::new(Code::PartsNotBound, "")];
    let forged = concluded(Claims { noticed, ..claims() }, &Policy::base());
    assert_eq!((forged.authentic, forged.status), (Some(false), Status::Contraindicated));
    assert_eq!((forged.claims, forged.expires), (None, NOW));
}

#[test]
fn what_cannot_be_told_is_neither_genuine_nor_forged() {
    let both = Unverified {
        reasons: vec![
            Reason::new(Code::CollateralMissing, ""),
            Reason::new(Code::SignatureInvalid, ""),
        ],
    };
    let missing = Unverified::new(Code::CollateralMissing, "");
    let of = |outcome| with(Err(outcome), &Endorsements::default(), &Policy::base());
    assert_eq!(
        (of(missing.clone()).authentic, of(missing).status),
        (None, Status::Contraindicated)
    );
    assert_eq!(of(both).authentic, Some(false));
}

#[test]
fn reasons_stand_by_weight_and_once() {
    let noticed = [Code::Advisory, Code::Expired, Code::TpmClock, Code::Expired, Code::Advisory]
        .map(|code| Reason::new(code, ""));
    let claims = Claims { noticed: noticed.to_vec(), ..claims() };
    let appraisal = concluded(claims, &Policy::base());
    let want = [Code::Expired, Code::TpmClock, Code::NoReferenceValues, Code::Advisory];
    assert_eq!(codes(&appraisal), want);
    assert_eq!(appraisal.status, Status::Contraindicated);
}

#[test]
fn a_policy_raises_what_a_reason_does() {
    let raised =
        |effect| Policy { raised: [(Code::NoReferenceValues, effect)].into(), ..Policy::base() };
    assert_eq!(concluded(claims(), &Policy::base()).status, Status::Affirming);
    assert_eq!(concluded(claims(), &raised(Effect::Warning)).status, Status::Warning);
    let worst = concluded(claims(), &raised(Effect::Contraindicated));
    assert_eq!((worst.authentic, worst.status), (Some(true), Status::Contraindicated));
}

#[test]
fn a_result_ends_with_the_first_thing_it_rests_on() {
    let lifetime = |result_lifetime| Policy { result_lifetime, ..Policy::base() };
    let end = |claims, policy: &Policy| concluded(claims, policy).expires.0;
    assert_eq!(end(claims(), &lifetime(60)), NOW.0 + 60);
    assert_eq!(end(claims(), &lifetime(u64::MAX)), 1_765_000_000);
    assert_eq!(end(Claims { windows: vec![], ..claims() }, &lifetime(60)), NOW.0 + 60);
    let made = Claims { made: Some(Time(NOW.0 - 5)), ..claims() };
    let aged = Policy { max_age: Some(30), ..lifetime(60) };
    assert_eq!(end(made.clone(), &aged), NOW.0 + 25);
    assert_eq!(end(made, &lifetime(60)), NOW.0 + 60);
    let date = Some(Time(NOW.0 - 5));
    let tcb = Tcb { status: Some(TcbStatus::OutOfDate), date, ..claims().tcb };
    let graced = Policy { statuses: [(TcbStatus::OutOfDate, Some(20))].into(), ..lifetime(60) };
    assert_eq!(end(Claims { tcb, ..claims() }, &graced), NOW.0 + 15);
}

#[test]
fn a_grant_by_custody_ends_with_it() {
    let key = SigningKey::from_bytes(&[3; 32]).unwrap();
    let custody = Custody {
        identity: "ppid".into(),
        value: vec![0x11; 16],
        custodian: "DC".into(),
        operator: "Operator".into(),
        place: "Zurich".into(),
        not_before: NOW,
        not_after: Time(NOW.0 + 9),
    };
    let custody = vec![custody.sign(&key).unwrap()];
    let endorsements = Endorsements { custody, ..Endorsements::default() };
    let custodians = [("DC".to_owned(), key.public())].into();
    let policy = Policy { custodians, ..Policy::base() };
    let granted = with(Ok(claims()), &endorsements, &policy);
    assert!(granted.grant.grantable);
    assert_eq!(granted.expires, Time(NOW.0 + 9));
    // Without the custodian it is affirmed all the same, and lasts longer.
    let affirmed = with(Ok(claims()), &endorsements, &Policy::base());
    assert_eq!((affirmed.status, affirmed.grant.grantable), (Status::Affirming, false));
    assert_eq!(affirmed.expires, Time(NOW.0 + 86_400));
}

#[test]
fn every_input_changes_the_digest_of_the_inputs() {
    fn collateral() -> Collateral {
        serde_json::from_value(json!({
            "pck_crl_issuer_chain": "", "root_ca_crl": "", "pck_crl": "",
            "tcb_info_issuer_chain": "", "tcb_info": "", "tcb_info_signature": "",
            "qe_identity_issuer_chain": "", "qe_identity": "", "qe_identity_signature": "",
        }))
        .unwrap()
    }
    let parts: [fn(&mut Parts); 7] = [
        |p| p.quote.push(0),
        |p| p.signature = Some(vec![]),
        |p| p.ak = Some(vec![]),
        |p| p.pcrs = Some(vec![]),
        |p| p.event_log = Some(vec![]),
        |p| p.ek_cert = Some(vec![]),
        |p| p.chain.push(vec![]),
    ];
    let endorsements: [fn(&mut Endorsements); 7] = [
        |e| e.collateral = Some(collateral()),
        |e| e.signer = Some(vec![]),
        |e| e.chain.push(vec![]),
        |e| e.crls.push(vec![]),
        |e| e.ocsp.push(vec![]),
        |e| e.rims.push(vec![]),
        |e| e.custody.push(vec![]),
    ];
    let collaterals: [fn(&mut Collateral); 10] = [
        |c| c.pck_crl_issuer_chain.push('x'),
        |c| c.root_ca_crl.push(0),
        |c| c.pck_crl.push(0),
        |c| c.tcb_info_issuer_chain.push('x'),
        |c| c.tcb_info.push('x'),
        |c| c.tcb_info_signature.push(0),
        |c| c.qe_identity_issuer_chain.push('x'),
        |c| c.qe_identity.push('x'),
        |c| c.qe_identity_signature.push(0),
        |c| c.pck_certificate_chain = Some(String::new()),
    ];
    let policy = Hash([1; 32]);
    let base = (evidence(), Endorsements::default(), expected());
    let of = |(evidence, endorsements, expected): &(Evidence, Endorsements, Expected)| {
        inputs(evidence, endorsements, expected, policy, NOW)
    };
    let mut digests = BTreeSet::from([of(&base)]);
    let mut new = |digest: Hash| assert!(digests.insert(digest), "a change without effect");
    for change in parts {
        let mut other = base.clone();
        change(&mut other.0.parts);
        new(of(&other));
    }
    for change in endorsements {
        let mut other = base.clone();
        change(&mut other.1);
        new(of(&other));
    }
    for change in collaterals {
        let (mut other, mut collateral) = (base.clone(), collateral());
        change(&mut collateral);
        other.1.collateral = Some(collateral);
        new(of(&other));
    }
    for expected in [
        Expected::DangerouslyUnbound,
        Expected::nonce(&[7; 64]).unwrap(),
        Expected::report_data(&[8; 64]).unwrap(),
    ] {
        new(of(&(base.0.clone(), base.1.clone(), expected)));
    }
    let kind = Evidence { kind: TeeKind::Sgx, ..base.0.clone() };
    new(of(&(kind, base.1.clone(), base.2.clone())));
    new(inputs(&base.0, &base.1, &base.2, Hash([2; 32]), NOW));
    new(inputs(&base.0, &base.1, &base.2, policy, Time(NOW.0 + 1)));
}

#[test]
fn each_field_changes_the_encoding() {
    let changes: [fn(&mut Appraisal); 11] = [
        |a| a.kind = TeeKind::Sgx,
        |a| a.authentic = None,
        |a| a.status = Status::Warning,
        |a| a.claims = None,
        |a| a.reasons.clear(),
        |a| a.trust = concluded(claims(), &Policy { vmpl: 1, ..Policy::base() }).trust,
        |a| a.grant.grantable = true,
        |a| a.at = Time(0),
        |a| a.expires = Time(0),
        |a| a.policy = Hash([0; 32]),
        |a| a.inputs = Hash([0; 32]),
    ];
    let mut base = concluded(claims(), &Policy::base());
    // A vector that differs from that of good claims.
    let forged = Err(Unverified::new(Code::Malformed, ""));
    base.trust = with(forged, &Endorsements::default(), &Policy::base()).trust;
    let mut encodings = BTreeSet::from([base.encode()]);
    for change in changes {
        let mut other = base.clone();
        change(&mut other);
        assert!(encodings.insert(other.encode()), "a change without effect: {other:?}");
    }
}

/// The digests and bytes of results, and a token, as `tests/vectors/attest.json` holds them.
fn made() -> serde_json::Value {
    let evidence = simulated_evidence();
    let policy = simulated_policy(Scope::Production);
    let affirmed = judged(&evidence, &expected(), &policy);
    let refused = judged(&evidence, &expected(), &Policy { kinds: BTreeSet::new(), ..policy });
    let verifier = Verifier { build: "sotto".into(), developer: "https://example.org".into() };
    let key = ResultKey::from_bytes(&[3; 32]).unwrap();
    let result = |appraisal: &Appraisal| {
        json!({
            "inputs": hex::encode(appraisal.inputs.0),
            "policy": hex::encode(appraisal.policy.0),
            "result": hex::encode(appraisal.encode()),
        })
    };
    json!({
        "about": "Results of appraising the same simulated evidence, encoded, with the digests of \
                  their policy and of all inputs; and the first as an EAR in a JWT, which the ear \
                  crate 0.6.0 reads and verifies. From pure/attest/src/appraise/tests.rs; \
                  SOTTO_BLESS=1 writes this file anew.",
        "affirmed": result(&affirmed),
        "ear": {
            "jwk": key.public_jwk(),
            "jwt": lasting().to_ear_jwt(&verifier, &key),
        },
        "refused": result(&refused),
    })
}

/// A result of the year 2096: a token that readers with a clock still take.
fn lasting() -> Appraisal {
    let now = Time(4_000_000_000);
    let window = Window {
        what: "PCK certificate".into(),
        not_before: Time(1_600_000_000),
        not_after: Time(4_100_000_000),
    };
    let claims = Claims { windows: vec![window], ..claims() };
    let policy = Policy { anchors: Anchors::default(), ..Policy::base() };
    conclude(&evidence(), &Endorsements::default(), &expected(), &policy, now, Ok(claims))
}

/// Another difference here changes what a version of the encoding means, or a policy's name.
#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "the golden file is written on request, and by no build"
)]
fn the_bytes_of_a_result_are_fixed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/attest.json");
    let made = made();
    if std::env::var("SOTTO_BLESS").is_ok_and(|bless| bless == "1") {
        let text = serde_json::to_string_pretty(&made).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
    let golden: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(made, golden);
}

#[test]
fn the_same_inputs_give_the_same_bytes_whatever_was_cached() {
    let policy = simulated_policy(Scope::Production);
    let (evidence, endorsements) = (simulated_evidence(), Endorsements::default());
    let mut cache = Cache::default();
    let mut again = || {
        let appraisal = appraise(&evidence, &endorsements, &expected(), &policy, NOW, &mut cache);
        appraisal.encode()
    };
    let first = again();
    assert_eq!(first, again());
    assert_eq!(first[0], 1);
}

#[test]
fn the_json_of_genuine_evidence() {
    let mut claims = claims();
    claims.tcb.advisories = vec!["INTEL-SA-1".into()];
    let appraisal = concluded(claims, &Policy::base());
    let want = json!({
        "kind": "tdx",
        "authentic": true,
        "status": "affirming",
        "tcb_status": "UpToDate",
        "advisories": ["INTEL-SA-1"],
        "debug": false,
        "platform": {
            "anchor": "Intel SGX Root CA",
            "class": "tdx",
            "identities": { "fmspc": "505050505050", "ppid": "11".repeat(16) },
            "scope": "production",
        },
        "measurements": { "mrtd": "aa".repeat(48), "rtmr0": "bb".repeat(48) },
        "report_data": "07".repeat(64),
        "validity": {
            "not_before": "2025-11-13T02:13:20Z",
            "not_after": "2025-12-06T05:46:40Z",
        },
        "reasons": [
            { "code": "no_reference_values", "detail": "the measurements were not judged" },
            { "code": "advisory", "detail": "INTEL-SA-1" },
        ],
        "grantable": {
            "code": "custody_missing",
            "grantable": false,
            "reason": "whoever can touch a tdx machine can forge its evidence, and no custody \
                       endorsement says who can",
        },
        "trust_vector": {
            "instance-identity": 2, "configuration": 3, "executables": 0, "file-system": 0,
            "hardware": 2, "runtime-opaque": 2, "storage-opaque": 0, "sourced-data": 0,
        },
        "inputs": hex::encode(appraisal.inputs.0),
        "at": "2025-11-24T16:00:00Z",
        "expires": "2025-11-25T16:00:00Z",
    });
    assert_eq!(appraisal.to_json(), want);
}

#[test]
fn the_json_of_what_is_not_genuine_claims_nothing() {
    for (code, authentic) in
        [(Code::SignatureInvalid, json!(false)), (Code::CollateralMissing, json!(null))]
    {
        let outcome = Err(Unverified::new(code, "why"));
        let appraisal = with(outcome, &Endorsements::default(), &Policy::base());
        let value = if authentic == json!(false) { 99 } else { 0 };
        let want = json!({
            "kind": "tdx",
            "authentic": authentic,
            "status": "contraindicated",
            "tcb_status": null,
            "advisories": [],
            "debug": null,
            "platform": null,
            "measurements": {},
            "report_data": null,
            "validity": null,
            "reasons": [{ "code": code.name(), "detail": "why" }],
            "grantable": {
                "code": "not_authentic",
                "grantable": false,
                "reason": "the evidence is not known to be genuine",
            },
            "trust_vector": {
                "instance-identity": value, "configuration": value, "executables": value,
                "file-system": value, "hardware": value, "runtime-opaque": value,
                "storage-opaque": value, "sourced-data": value,
            },
            "inputs": hex::encode(appraisal.inputs.0),
            "at": "2025-11-24T16:00:00Z",
            "expires": "2025-11-24T16:00:00Z",
        });
        assert_eq!(appraisal.to_json(), want);
    }
}

#[test]
fn keys_stand_in_order_so_the_text_is_the_same_everywhere() {
    fn ordered(value: &serde_json::Value) -> bool {
        match value {
            serde_json::Value::Object(map) => map.keys().is_sorted() && map.values().all(ordered),
            serde_json::Value::Array(all) => all.iter().all(ordered),
            _ => true,
        }
    }
    assert!(ordered(&concluded(claims(), &Policy::base()).to_json()));
}
