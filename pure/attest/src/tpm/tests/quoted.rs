//! Quotes, and what is wrong with them.

use super::*;

#[test]
fn good_quotes_of_every_scheme_are_authentic_and_warned_of() {
    for way in WAYS {
        let appraisal = Case::new(way).judge();
        assert_eq!(codes(&appraisal), BARE, "{way:?}: {:?}", appraisal.reasons);
        assert_eq!((appraisal.authentic, appraisal.status), (Some(true), Status::Warning));
        let claims = appraisal.claims.unwrap();
        let names: Vec<&str> = claims.measurements.keys().map(String::as_str).collect();
        assert_eq!(names, ["pcr0", "pcr1", "pcr11", "pcr4", "pcr5", "pcr7"]);
        assert_eq!(claims.security.secure_boot, Some(true));
        assert_eq!(claims.bound.report_data, [7; 32]);
        let clock = claims.security.tpm_clock.unwrap();
        assert_eq!((clock.clock_ms, clock.resets, clock.restarts), (123_456, 5, 6));
    }
}

/// CVE-2022-0317 of go-attestation, GHSA-99cg-575x-774p: a quote over nothing proves nothing, and
/// every list of PCRs goes with it.
#[test]
fn go_attestation_cve_2022_0317_an_empty_selection_is_refused() {
    for selection in [vec![], vec![(Hash::Sha256, vec![])]] {
        let mut case = Case::new(Way::P256);
        let list = case.parts.pcrs.clone();
        case.statement.selection = selection;
        case.measure();
        for pcrs in [None, list] {
            case.parts.pcrs = pcrs;
            let appraisal = case.judge();
            assert_eq!(appraisal.status, Status::Contraindicated);
            assert!(codes(&appraisal).contains(&Code::PcrSelection), "{:?}", appraisal.reasons);
            assert_eq!(appraisal.claims.unwrap().measurements, BTreeMap::new());
        }
    }
}

#[test]
fn a_demanded_pcr_that_was_not_quoted_is_missed() {
    let mut case = Case::new(Way::P256);
    case.policy.pcrs = [4, 7].into();
    assert_eq!(case.found(), []);
    case.policy.pcrs = [4, 9].into();
    assert_eq!(case.found(), [Code::PcrSelection]);
    assert_eq!(case.judge().status, Status::Contraindicated);
    let mut case = Case::new(Way::P256);
    case.policy.references.insert("pcr9".into(), [vec![0; 32]].into());
    assert!(case.found().contains(&Code::MeasurementMismatch));
}

#[test]
fn reference_values_are_compared_and_then_enough() {
    let mut case = Case::new(Way::P256);
    let value = case.boot.pcr(Hash::Sha256, 4, false);
    case.policy.references.insert("pcr4".into(), [value].into());
    assert_eq!(case.codes(), [Code::AkNotBound, Code::DevelopmentAnchor]);
    case.policy.references.insert("pcr4".into(), [vec![1; 32]].into());
    assert_eq!(case.found(), [Code::MeasurementMismatch]);
}

#[test]
fn what_no_tpm_generated_or_is_no_quote_is_refused() {
    let mut case = Case::new(Way::P256);
    case.statement.magic = 0xff54_4348;
    assert_eq!(case.codes(), [Code::NotAQuote]);
    assert_eq!(case.judge().authentic, Some(false));
    // TPM_ST_ATTEST_CERTIFY.
    case = Case::new(Way::P256);
    case.statement.kind = 0x8017;
    assert_eq!(case.codes(), [Code::NotAQuote]);
}

/// A real capture of the field has it.
#[test]
fn empty_extra_data_satisfy_no_challenge() {
    let mut case = Case::new(Way::P256);
    case.statement.extra.clear();
    assert!(case.found().contains(&Code::NonceMismatch));
    assert_eq!(case.judge().status, Status::Contraindicated);
    case.expected = Expected::DangerouslyUnbound;
    for nothing in [vec![], vec![0; 32]] {
        case.statement.extra = nothing;
        assert_eq!(case.found(), [Code::NotBound, Code::ChallengeMissing]);
        assert_eq!(case.judge().status, Status::Warning);
    }
}

/// GHSA-4px3-wj2x-xx47: the challenge is compared, whole.
#[test]
fn another_challenge_is_refused() {
    for other in [vec![8; 32], vec![7; 31], vec![7; 33], [vec![7; 32], vec![0; 32]].concat()] {
        let case = Case { expected: Expected::Nonce(other), ..Case::new(Way::P256) };
        assert_eq!(case.found(), [Code::NonceMismatch]);
    }
}

#[test]
fn a_clock_that_is_not_safe_is_said() {
    let mut case = Case::new(Way::P256);
    case.statement.safe = 0;
    assert_eq!(case.found(), [Code::TpmClock]);
    case.statement.safe = 2;
    assert_eq!(case.codes(), [Code::Malformed]);
}

#[test]
fn another_key_or_another_way_of_signing_is_refused() {
    for way in WAYS {
        let case = Case::new(way);
        for other in WAYS.into_iter().filter(|other| *other != way) {
            let ak = Some(other.public(ATTESTS));
            // The two RSA ways share their key, and the signature says its way itself.
            let same =
                matches!((way, other), (Way::Rsassa, Way::Rsapss) | (Way::Rsapss, Way::Rsassa));
            let appraisal = case.judge_parts(Parts { ak, ..case.parts() });
            assert_eq!(
                codes(&appraisal).contains(&Code::SignatureInvalid),
                !same,
                "{way:?} {other:?}"
            );
        }
        let mut parts = case.parts();
        let mut signature = parts.signature.clone().unwrap();
        let last = signature.len() - 1;
        signature[last] ^= 1;
        parts.signature = Some(signature);
        assert_eq!(codes(&case.judge_parts(parts)), [Code::SignatureInvalid]);
    }
}

#[test]
fn a_list_that_is_not_what_was_quoted_is_refused() {
    let mut case = Case::new(Way::P256);
    case.parts.event_log = None;
    let text = String::from_utf8(case.parts.pcrs.clone().unwrap()).unwrap();
    let value = hex::encode(case.boot.pcr(Hash::Sha256, 4, false));
    case.parts.pcrs = Some(text.replace(&value, &"11".repeat(32)).into_bytes());
    assert_eq!(case.codes(), [Code::PcrDigest]);
    // One that lacks a PCR.
    let lacking: Vec<&str> = text.lines().filter(|line| !line.starts_with("4:")).collect();
    case.parts.pcrs = Some(lacking.join("\n").into_bytes());
    assert_eq!(case.codes(), [Code::PcrDigest]);
    // More than was quoted does no harm and is not believed.
    case.parts.pcrs = Some(format!("{text}9: {}\n", "22".repeat(32)).into_bytes());
    assert_eq!(case.found(), []);
    assert!(!case.judge().claims.unwrap().measurements.contains_key("pcr9"));
    case.parts.pcrs = Some(b"nothing of the kind".to_vec());
    assert!(case.codes().contains(&Code::Malformed));
}

#[test]
fn a_missing_part_is_named_and_nobody_can_tell() {
    let case = Case::new(Way::P256);
    let none = [
        Parts { signature: None, ..case.parts() },
        Parts { ak: None, ..case.parts() },
        Parts { pcrs: None, event_log: None, ..case.parts() },
    ];
    for parts in none {
        let appraisal = case.judge_parts(parts);
        assert_eq!(codes(&appraisal), [Code::PartMissing]);
        assert_eq!((appraisal.authentic, appraisal.status), (None, Status::Contraindicated));
    }
}

#[test]
fn every_attribute_of_an_attestation_key_is_demanded() {
    for bit in [1, 4, 5, 16, 18] {
        let case = Case { attributes: ATTESTS ^ 1 << bit, ..Case::new(Way::P256) };
        assert_eq!(case.found(), [Code::AkAttributes], "bit {bit}");
        assert_eq!(case.judge().status, Status::Contraindicated);
    }
}

#[test]
fn quotes_of_sha1_pcrs_are_called_weak() {
    let mut case = Case::new(Way::P256);
    case.boot.banks = vec![Hash::Sha1, Hash::Sha256];
    case.statement.selection = vec![(Hash::Sha1, vec![4]), (Hash::Sha256, vec![4, 7])];
    case.measure();
    assert_eq!(case.found(), [Code::WeakHash]);
    let claims = case.judge().claims.unwrap();
    let names: Vec<&str> = claims.measurements.keys().map(String::as_str).collect();
    assert_eq!(names, ["pcr4", "pcr7", "sha1_pcr4"]);
}

#[test]
fn every_failed_check_is_named() {
    let mut case = Case::new(Way::P256);
    case.statement.digest[0] ^= 1;
    let mut parts = case.parts();
    parts.signature = Some(Case::new(Way::P256).parts().signature.unwrap());
    let found = codes(&case.judge_parts(parts));
    assert_eq!(found, [Code::SignatureInvalid, Code::PcrDigest, Code::EventLogReplay]);
}
