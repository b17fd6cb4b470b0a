#![allow(clippy::unwrap_used, reason = "tests")]

use super::judge;
use crate::{
    Bound, Claims, Code, Expected, Policy, Reason, Scope, Tcb, TcbStatus,
    fixtures::{NOW, claims, expected},
};
use sotto_types::{TeeKind, Time};

/// What is found in `claims` beside what is found in good ones.
fn found(claims: &Claims, policy: &Policy) -> Vec<(Code, String)> {
    let reasons = judge(claims, &expected(), policy, NOW);
    let note = Code::NoReferenceValues;
    reasons.into_iter().filter(|r| r.code != note).map(|r| (r.code, r.detail)).collect()
}

fn codes(claims: &Claims, expected: &Expected, policy: &Policy) -> Vec<Code> {
    judge(claims, expected, policy, NOW).into_iter().map(|reason| reason.code).collect()
}

#[test]
fn good_claims_give_one_note() {
    let reasons = judge(&claims(), &expected(), &Policy::base(), NOW);
    let note = Reason::new(Code::NoReferenceValues, "the measurements were not judged");
    assert_eq!(reasons, [note]);
}

#[test]
fn what_verifying_noticed_is_kept() {
    let noticed = Reason::new(Code::CrlMissing, "no list");
    let claims = Claims { noticed: vec![noticed], ..claims() };
    assert_eq!(found(&claims, &Policy::base()), [(Code::CrlMissing, "no list".into())]);
}

mod binding {
    use super::*;

    fn bound(bound: Bound, expected: &Expected) -> Vec<Code> {
        let claims = Claims { bound, ..claims() };
        let mut codes = codes(&claims, expected, &Policy::base());
        codes.retain(|code| *code != Code::NoReferenceValues);
        codes
    }

    fn field(report_data: Vec<u8>) -> Bound {
        Bound { report_data, nonce: None, padded: true }
    }

    #[test]
    fn the_whole_field_is_compared() {
        let want = Expected::report_data(&[7; 64]).unwrap();
        assert_eq!(bound(field(vec![7; 64]), &want), []);
        let short = Expected::report_data(&[7; 63]).unwrap();
        assert_eq!(bound(field(vec![7; 64]), &short), [Code::ReportDataMismatch]);
        let mut padded = vec![7; 63];
        padded.push(0);
        assert_eq!(bound(field(padded), &short), [Code::ReportDataMismatch]);
    }

    #[test]
    fn a_challenge_is_padded_with_zeros_in_a_fixed_field_only() {
        let want = Expected::nonce(&[7; 32]).unwrap();
        let padded = [[7; 32], [0; 32]].concat();
        assert_eq!(bound(field(padded.clone()), &want), []);
        let open = Bound { padded: false, ..field(padded.clone()) };
        assert_eq!(bound(open, &want), [Code::NonceMismatch]);
        assert_eq!(bound(field([[0; 32], [7; 32]].concat()), &want), [Code::NonceMismatch]);
        let longer = Expected::nonce(&[7; 65]).unwrap();
        assert_eq!(bound(field(vec![7; 64]), &longer), [Code::NonceMismatch]);
    }

    #[test]
    fn a_field_of_its_own_holds_the_challenge_unpadded() {
        let want = Expected::nonce(&[7; 32]).unwrap();
        let own = |nonce: Vec<u8>| Bound { nonce: Some(nonce), ..field(vec![9; 64]) };
        assert_eq!(bound(own(vec![7; 32]), &want), []);
        assert_eq!(bound(own([[7; 32], [0; 32]].concat()), &want), [Code::NonceMismatch]);
        let data = Expected::report_data(&[7; 32]).unwrap();
        assert_eq!(bound(own(vec![7; 32]), &data), [Code::ReportDataMismatch]);
    }

    #[test]
    fn cocos_ghsa_4r6g_an_empty_field_meets_no_expectation() {
        for empty in [vec![], vec![0; 64]] {
            let mismatch = [Code::NonceMismatch, Code::ChallengeMissing];
            assert_eq!(bound(field(empty.clone()), &Expected::nonce(&[7]).unwrap()), mismatch);
            // Made past the doors that refuse it, an empty expectation still expects nothing.
            let nothing = [Code::ChallengeMissing, Code::NonceMismatch];
            assert_eq!(bound(field(empty.clone()), &Expected::Nonce(empty.clone())), nothing);
        }
        let nothing = [Code::ChallengeMissing, Code::NonceMismatch];
        assert_eq!(bound(field(vec![]), &Expected::ReportData(vec![])), nothing);
        assert!(Expected::nonce(&[]).is_err());
        assert!(Expected::nonce(&[0; 64]).is_err());
        assert!(Expected::report_data(&[]).is_err());
        // Whoever names the whole field, zeros and all, has said what it must be.
        let zeros = Expected::report_data(&[0; 64]).unwrap();
        assert_eq!(bound(field(vec![0; 64]), &zeros), []);
        assert_eq!(
            bound(field(vec![0; 63]), &zeros),
            [Code::ReportDataMismatch, Code::ChallengeMissing]
        );
        assert!(Expected::nonce(&[1; 4097]).is_err());
    }

    #[test]
    fn an_empty_challenge_that_its_kind_noticed_is_said_once() {
        let noticed = vec![Reason::new(Code::ChallengeMissing, "the extra data are empty")];
        let claims = Claims { bound: field(vec![]), noticed, ..claims() };
        let codes = codes(&claims, &Expected::nonce(&[7]).unwrap(), &Policy::base());
        let want = [Code::ChallengeMissing, Code::NonceMismatch, Code::NoReferenceValues];
        assert_eq!(codes, want);
    }

    #[test]
    fn unbound_is_said_and_an_empty_challenge_besides() {
        let unbound = &Expected::DangerouslyUnbound;
        assert_eq!(bound(field(vec![7; 64]), unbound), [Code::NotBound]);
        let empty = [Code::NotBound, Code::ChallengeMissing];
        assert_eq!(bound(field(vec![0; 64]), unbound), empty);
        let other = Bound { nonce: Some(vec![]), ..field(vec![7; 64]) };
        assert_eq!(bound(other, unbound), [Code::NotBound]);
    }
}

mod times {
    use super::*;

    fn at(now: Time) -> Vec<(Code, String)> {
        let reasons = judge(&claims(), &expected(), &Policy::base(), now);
        reasons.into_iter().map(|r| (r.code, r.detail)).filter(dated).collect()
    }

    fn dated((code, _): &(Code, String)) -> bool {
        matches!(code, Code::Expired | Code::NotYetValid | Code::Stale)
    }

    #[test]
    fn aleph_vm_1195_everything_used_is_good_from_its_first_second_to_its_last() {
        assert_eq!(at(Time(1_763_000_000)), []);
        assert_eq!(at(Time(1_765_000_000)), []);
        let early =
            "TCB info begins at 2025-11-13T02:13:20Z, now is 2025-11-13T02:13:19Z".to_owned();
        assert_eq!(at(Time(1_762_999_999)), [(Code::NotYetValid, early)]);
        let late = "TCB info ended at 2025-12-06T05:46:40Z, now is 2025-12-06T05:46:41Z".to_owned();
        assert_eq!(at(Time(1_765_000_001)), [(Code::Expired, late)]);
    }

    #[test]
    fn every_window_that_is_missed_is_named() {
        let codes: Vec<Code> = at(Time(1_900_000_001)).into_iter().map(|(code, _)| code).collect();
        assert_eq!(codes, [Code::Expired, Code::Expired]);
    }

    #[test]
    fn evidence_that_says_its_time_is_held_to_its_age() {
        let policy = Policy { max_age: Some(60), ..Policy::base() };
        for (made, fresh) in
            [(NOW.0 - 60, true), (NOW.0 - 61, false), (NOW.0 + 60, true), (NOW.0 + 61, false)]
        {
            let claims = Claims { made: Some(Time(made)), ..claims() };
            assert_eq!(found(&claims, &policy).is_empty(), fresh, "{made}");
            assert_eq!(found(&claims, &Policy::base()), []);
        }
        let claims = Claims { made: Some(Time(NOW.0 - 61)), ..claims() };
        let detail = "made at 2025-11-24T15:58:59Z, which is not within 60 s of \
                      2025-11-24T16:00:00Z";
        assert_eq!(found(&claims, &policy), [(Code::Stale, detail.into())]);
    }
}

mod tcb {
    use super::*;

    fn status(status: TcbStatus, date: Option<Time>) -> Claims {
        let tcb = Tcb { status: Some(status), date, ..claims().tcb };
        Claims { tcb, ..claims() }
    }

    fn taking(status: TcbStatus, grace: Option<u64>) -> Policy {
        Policy { statuses: [(status, grace)].into(), ..Policy::base() }
    }

    #[test]
    fn dcap_qvl_125_a_status_that_is_not_taken_is_refused() {
        for other in TcbStatus::ALL.into_iter().skip(1) {
            let code =
                if other == TcbStatus::Revoked { Code::TcbRevoked } else { Code::TcbStatusRefused };
            let got = found(&status(other, Some(NOW)), &Policy::base());
            assert_eq!(got, [(code, other.name().into())]);
        }
    }

    #[test]
    fn automata_132_no_policy_takes_a_revoked_platform() {
        let policy = taking(TcbStatus::Revoked, None);
        let got = found(&status(TcbStatus::Revoked, Some(NOW)), &policy);
        assert_eq!(got, [(Code::TcbRevoked, "Revoked".into())]);
    }

    #[test]
    fn a_status_is_taken_to_the_last_second_of_its_grace() {
        let policy = taking(TcbStatus::OutOfDate, Some(100));
        let since = |seconds| status(TcbStatus::OutOfDate, Some(Time(NOW.0 - seconds)));
        let within = "OutOfDate since 2025-11-24T15:58:20Z, taken until 2025-11-24T16:00:00Z";
        assert_eq!(found(&since(100), &policy), [(Code::TcbGrace, within.into())]);
        let over = "OutOfDate since 2025-11-24T15:58:19Z, its grace ended at 2025-11-24T15:59:59Z";
        assert_eq!(found(&since(101), &policy), [(Code::TcbStatusRefused, over.into())]);
    }

    #[test]
    fn a_grace_counts_from_the_level_that_is_missed_and_not_from_the_one_met() {
        let policy = taking(TcbStatus::OutOfDate, Some(100));
        let mut claims = status(TcbStatus::OutOfDate, Some(Time(1_000_000_000)));
        assert_eq!(codes(&claims, &expected(), &policy)[0], Code::TcbStatusRefused);
        claims.tcb.superseded = Some(Time(NOW.0 - 100));
        assert_eq!(codes(&claims, &expected(), &policy)[0], Code::TcbGrace);
        claims.tcb.superseded = Some(Time(NOW.0 - 101));
        assert_eq!(codes(&claims, &expected(), &policy)[0], Code::TcbStatusRefused);
    }

    #[test]
    fn a_grace_without_a_date_to_count_from_is_none() {
        let got =
            found(&status(TcbStatus::OutOfDate, None), &taking(TcbStatus::OutOfDate, Some(9)));
        let detail = "OutOfDate, and nothing says since when: no grace";
        assert_eq!(got, [(Code::TcbStatusRefused, detail.into())]);
        let for_ever = taking(TcbStatus::OutOfDate, None);
        let detail = "OutOfDate is taken for ever";
        let got = found(&status(TcbStatus::OutOfDate, None), &for_ever);
        assert_eq!(got, [(Code::TcbGrace, detail.into())]);
    }

    #[test]
    fn a_policy_may_take_nothing_up_to_date_either() {
        let none = Policy { statuses: [].into(), ..Policy::base() };
        assert_eq!(found(&claims(), &none), [(Code::TcbStatusRefused, "UpToDate".into())]);
    }

    #[test]
    fn an_older_evaluation_than_demanded_is_refused() {
        let policy = |minimum| Policy { minimum_evaluation: Some(minimum), ..Policy::base() };
        assert_eq!(found(&claims(), &policy(18)), []);
        let detail = "evaluation 18, at least 19 is demanded".to_owned();
        assert_eq!(found(&claims(), &policy(19)), [(Code::EvaluationTooOld, detail)]);
        let unnumbered =
            |kind| Claims { kind, tcb: Tcb { evaluation: None, ..claims().tcb }, ..claims() };
        let detail = "no evaluation number, at least 1 is demanded".to_owned();
        let refused = [(Code::EvaluationTooOld, detail)];
        assert_eq!(found(&unnumbered(TeeKind::Tdx), &policy(1)), refused);
        assert_eq!(found(&unnumbered(TeeKind::Snp), &policy(1)), []);
    }

    #[test]
    fn advisories_are_named_and_may_be_denied() {
        let tcb = Tcb { advisories: vec!["A".into(), "B".into()], ..claims().tcb };
        let claims = Claims { tcb, ..claims() };
        let policy = Policy { advisories_denied: ["B".into()].into(), ..Policy::base() };
        let named = [(Code::Advisory, "A".into()), (Code::AdvisoryDenied, "B".into())];
        assert_eq!(found(&claims, &policy), named);
    }
}

#[test]
fn attestation_rs_67_debug_is_found_whatever_the_policy() {
    let mut claims = claims();
    claims.security.debug = true;
    let got = found(&claims, &Policy::base());
    assert_eq!(got, [(Code::Debug, "a debugger may look in".into())]);
}

mod platform {
    use super::*;

    fn listed(name: &str, value: &[u8]) -> crate::Platforms {
        [(name.to_owned(), value.to_vec())].into()
    }

    #[test]
    fn one_name_on_the_allow_list_is_enough_and_needed() {
        let policy = |platforms_allowed| Policy { platforms_allowed, ..Policy::base() };
        assert_eq!(found(&claims(), &policy(listed("ppid", &[0x11; 16]))), []);
        let not = "fmspc=505050505050, ppid=11111111111111111111111111111111 is not on the allow \
                   list";
        for other in [listed("ppid", &[0x12; 16]), listed("chip_id", &[0x11; 16])] {
            assert_eq!(found(&claims(), &policy(other)), [(Code::PlatformDenied, not.into())]);
        }
        let mut nameless = claims();
        nameless.platform.identities.clear();
        let detail = "a platform without names is not on the allow list".to_owned();
        let got = found(&nameless, &policy(listed("ppid", &[0x11; 16])));
        assert_eq!(got, [(Code::PlatformDenied, detail)]);
    }

    #[test]
    fn a_masked_name_is_never_allowed() {
        let mut masked = claims();
        masked.platform.identities = [("chip_id".into(), vec![0; 64])].into();
        let policy = Policy { platforms_allowed: listed("chip_id", &[0; 64]), ..Policy::base() };
        assert_eq!(found(&masked, &policy).len(), 1);
    }

    #[test]
    fn a_denied_name_is_refused_though_another_is_allowed() {
        let policy = Policy {
            platforms_allowed: listed("fmspc", &[0x50; 6]),
            platforms_denied: listed("ppid", &[0x11; 16]),
            ..Policy::base()
        };
        let detail = "ppid=11111111111111111111111111111111 is on the deny list".to_owned();
        assert_eq!(found(&claims(), &policy), [(Code::PlatformDenied, detail)]);
    }

    #[test]
    fn a_development_anchor_is_said() {
        let mut claims = claims();
        claims.platform.scope = Scope::Development;
        let detail = "`Intel SGX Root CA` vouches for nothing".to_owned();
        let got = found(&claims, &Policy::base());
        assert_eq!(got, [(Code::DevelopmentAnchor, detail)]);
    }
}

mod references {
    use super::*;

    fn references(entries: &[(&str, &[&[u8]])]) -> Policy {
        let references = entries
            .iter()
            .map(|(name, good)| ((*name).into(), good.iter().map(|v| v.to_vec()).collect()))
            .collect();
        Policy { references, ..Policy::base() }
    }

    fn of(kind: TeeKind, policy: &Policy) -> Vec<(Code, String)> {
        let mut claims = Claims { kind, ..claims() };
        claims.platform.class = kind.name().into();
        found(&claims, policy)
    }

    #[test]
    fn a_named_measurement_must_be_one_of_the_good_ones() {
        let good: &[u8] = &[0xaa; 48];
        assert_eq!(found(&claims(), &references(&[("mrtd", &[&[1], good])])), []);
        let bad = format!("mrtd {} is none of the good ones", "aa".repeat(48));
        let got = found(&claims(), &references(&[("mrtd", &[&[1]])]));
        assert_eq!(got, [(Code::MeasurementMismatch, bad.clone())]);
        let got = found(&claims(), &references(&[("mrtd", &[])]));
        assert_eq!(got, [(Code::MeasurementMismatch, bad)]);
        let got = found(&claims(), &references(&[("pcr4", &[good])]));
        assert_eq!(got, [(Code::MeasurementMismatch, "pcr4 is not in the evidence".into())]);
    }

    #[test]
    fn values_of_a_kind_or_class_are_for_it_alone() {
        let good: &[u8] = &[0xaa; 48];
        assert_eq!(found(&claims(), &references(&[("tdx/mrtd", &[good])])), []);
        let got = found(&claims(), &references(&[("tdx/mrtd", &[&[1]])]));
        assert_eq!(got.first().map(|(code, _)| *code), Some(Code::MeasurementMismatch));
        let other = references(&[("tdx/mrtd", &[good]), ("snp-milan/measurement", &[&[1]])]);
        assert_eq!(found(&claims(), &other), []);
        let mut milan = Claims { kind: TeeKind::Snp, ..claims() };
        milan.platform.class = "snp-milan".into();
        let got = found(&milan, &other);
        let missing = "measurement is not in the evidence".to_owned();
        assert_eq!(got, [(Code::MeasurementMismatch, missing)]);
    }

    #[test]
    fn a_policy_with_values_for_others_alone_is_said_to_have_none() {
        let got = found(&claims(), &references(&[("snp/measurement", &[&[1]])]));
        let detail = "the policy has reference values, and none for tdx".to_owned();
        assert_eq!(got, [(Code::ReferenceValuesNeeded, detail)]);
    }

    #[test]
    fn kinds_that_prove_little_without_values_need_those_of_weight() {
        for kind in TeeKind::ALL {
            let start = match kind {
                TeeKind::Tpm | TeeKind::AzureSnp | TeeKind::AzureTdx => Some("pcr"),
                TeeKind::Cca => Some("sw"),
                _ => None,
            };
            let needed = |start: &str| {
                let detail = format!(
                    "{kind} says little until reference values say which `{start}…` are good"
                );
                vec![(Code::ReferenceValuesNeeded, detail)]
            };
            let want = start.map_or(vec![], needed);
            assert_eq!(of(kind, &Policy::base()), want);
            // Values of something else do not do.
            let good: &[u8] = &[0xaa; 48];
            assert_eq!(of(kind, &references(&[("mrtd", &[good])])), want);
        }
        let mut tpm = Claims { kind: TeeKind::Tpm, ..claims() };
        tpm.measurements = [("pcr4".into(), vec![1; 32])].into();
        for key in ["pcr4", "tpm/pcr4"] {
            assert_eq!(found(&tpm, &references(&[(key, &[&[1; 32]])])), []);
        }
    }
}
