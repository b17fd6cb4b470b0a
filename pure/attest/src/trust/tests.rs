#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Aspect, TrustVector, tier};
use crate::{
    Claims, Code, Effect, Endorsements, Policy, Reason, Status, Unverified,
    fixtures::{claims, concluded, with},
};
use sotto_types::TeeKind;

fn values(claims: Claims, policy: &Policy) -> [i8; 8] {
    concluded(claims, policy).trust.values()
}

fn noticing(code: Code) -> Claims {
    Claims { noticed: vec![Reason::new(code, "")], ..claims() }
}

#[test]
fn good_evidence_of_each_kind() {
    let of = |kind| values(Claims { kind, ..claims() }, &Policy::base());
    assert_eq!(of(TeeKind::Tdx), [2, 3, 0, 0, 2, 2, 0, 0]);
    assert_eq!(of(TeeKind::Snp), [2, 3, 0, 0, 2, 2, 0, 0]);
    assert_eq!(of(TeeKind::Nitro), [2, 3, 0, 0, 2, 0, 0, 0]);
    assert_eq!(of(TeeKind::Nvidia), [2, 3, 0, 0, 2, 0, 0, 0]);
    assert_eq!(of(TeeKind::Tpm), [2, 0, 33, 0, 2, 0, 0, 0]);
    let mut nameless = claims();
    nameless.platform.identities = [("chip_id".into(), vec![0; 64])].into();
    assert_eq!(values(nameless, &Policy::base()), [0, 3, 0, 0, 2, 2, 0, 0]);
    let references = [("mrtd".to_owned(), [vec![0xaa; 48]].into())].into();
    let compared = Policy { references, ..Policy::base() };
    assert_eq!(values(claims(), &compared), [2, 3, 3, 0, 2, 2, 0, 0]);
}

#[test]
fn the_gravest_reason_of_an_aspect_decides_it() {
    let of = |code| values(noticing(code), &Policy::base());
    assert_eq!(of(Code::Debug), [2, 96, 0, 0, 2, 2, 0, 0]);
    assert_eq!(of(Code::NonceMismatch), [96, 3, 0, 0, 2, 2, 0, 0]);
    assert_eq!(of(Code::NotBound), [0, 3, 0, 0, 2, 2, 0, 0]);
    assert_eq!(of(Code::MeasurementMismatch), [2, 3, 96, 0, 2, 2, 0, 0]);
    assert_eq!(of(Code::ReferenceValuesNeeded), [2, 3, 33, 0, 2, 2, 0, 0]);
    assert_eq!(of(Code::TcbRevoked), [2, 3, 0, 0, 96, 2, 0, 0]);
    assert_eq!(of(Code::Advisory), [2, 3, 0, 0, 2, 2, 0, 0]);
    let raised = Policy { raised: [(Code::Advisory, Effect::Warning)].into(), ..Policy::base() };
    assert_eq!(values(noticing(Code::Advisory), &raised), [2, 3, 0, 0, 32, 2, 0, 0]);
}

#[test]
fn forged_evidence_failed_everywhere_and_the_unknown_claims_nothing() {
    let of = |code| {
        let outcome = Err(Unverified::new(code, ""));
        with(outcome, &Endorsements::default(), &Policy::base()).trust.values()
    };
    assert_eq!(of(Code::SignatureInvalid), [99; 8]);
    assert_eq!(of(Code::CollateralMissing), [0; 8]);
}

#[test]
fn a_contraindication_shows_in_the_vector_whatever_its_code() {
    for code in Code::ALL.iter().copied().filter(|code| code.effect() == Effect::Contraindicated) {
        let appraisal = concluded(noticing(code), &Policy::base());
        let worst = appraisal.trust.values().into_iter().filter_map(tier).max();
        assert_eq!(worst, Some(Status::Contraindicated), "{code:?}");
        assert_eq!(appraisal.status, Status::Contraindicated);
    }
}

#[test]
fn the_vector_never_looks_worse_than_the_status() {
    for code in Code::ALL.iter().copied() {
        let appraisal = concluded(noticing(code), &Policy::base());
        let worst = appraisal.trust.values().into_iter().filter_map(tier).max();
        assert!(worst.is_none_or(|worst| worst <= appraisal.status), "{code:?}");
    }
}

#[test]
fn tiers_are_those_of_the_draft() {
    let known = [
        (-128, Some(Status::Contraindicated)),
        (-97, Some(Status::Contraindicated)),
        (-96, Some(Status::Warning)),
        (-33, Some(Status::Warning)),
        (-32, Some(Status::Affirming)),
        (-2, Some(Status::Affirming)),
        (-1, None),
        (0, None),
        (1, None),
        (2, Some(Status::Affirming)),
        (31, Some(Status::Affirming)),
        (32, Some(Status::Warning)),
        (95, Some(Status::Warning)),
        (96, Some(Status::Contraindicated)),
        (127, Some(Status::Contraindicated)),
    ];
    for (value, want) in known {
        assert_eq!(tier(value), want, "{value}");
    }
}

#[test]
fn each_claim_is_found_by_its_name() {
    let vector = TrustVector([1, 2, 3, 4, 5, 6, 7, 8]);
    let got: Vec<i8> = Aspect::ALL.into_iter().map(|aspect| vector.get(aspect)).collect();
    assert_eq!(got, vector.values());
    let json = serde_json::Value::Object(vector.to_json());
    for aspect in Aspect::ALL {
        assert_eq!(json[aspect.name()], vector.get(aspect));
    }
    assert_eq!(json.as_object().unwrap().len(), 8);
}
