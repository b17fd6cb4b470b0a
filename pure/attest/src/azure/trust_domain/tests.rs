#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{SAME, differs, module, security, under_paravisor};
use crate::{Bound, Claims, Code, Measurements, Platform, Scope, Security, Tcb, hash::Hash};
use sotto_types::TeeKind;

/// Claims in which every field is another, and the report that they are of.
fn case() -> (Claims, Vec<u8>) {
    let mut report = vec![0; 1184];
    report[0] = 0x81;
    report[128..192].fill(0x77);
    let mut measurements = Measurements::new();
    for (number, (name, from, length)) in SAME.into_iter().enumerate() {
        let value = vec![u8::try_from(number).unwrap() + 1; length];
        report[from..from + length].copy_from_slice(&value);
        measurements.insert(name.to_owned(), value);
    }
    let hash = Hash::Sha384.digest(&[&report[512..1024]]);
    report[80..128].copy_from_slice(&hash);
    let claims = Claims {
        kind: TeeKind::AzureTdx,
        platform: Platform {
            class: "tdx".into(),
            identities: [].into(),
            anchor: "test".into(),
            scope: Scope::Production,
        },
        tcb: Tcb::default(),
        measurements,
        security: Security::default(),
        bound: Bound { report_data: vec![0x77; 64], nonce: None, padded: true },
        windows: vec![],
        made: None,
        noticed: vec![],
    };
    (claims, report)
}

#[test]
fn a_td_report_and_its_quote_say_the_same_in_every_field() {
    let (claims, report) = case();
    assert_eq!(differs(&report, &claims), None);
    for (name, ..) in SAME {
        let mut other = claims.clone();
        other.measurements.get_mut(name).unwrap()[0] ^= 1;
        let reason = differs(&report, &other).unwrap();
        assert_eq!(reason.code, Code::PartsNotBound);
        assert!(reason.detail.ends_with(name), "{reason}");
        other.measurements.remove(name);
        assert!(differs(&report, &other).is_some(), "{name}");
    }
    let mut other = claims;
    other.bound.report_data[63] ^= 1;
    assert!(differs(&report, &other).unwrap().detail.ends_with("report data"));
}

#[test]
fn what_no_quote_covers_is_of_the_reports_own_form() {
    let (claims, report) = case();
    // Type; TDINFO's reserved end, by its hash; what follows the report.
    for (at, code) in [(0, Code::Malformed), (1023, Code::PartsNotBound), (1100, Code::Malformed)] {
        let mut other = report.clone();
        other[at] ^= 1;
        assert_eq!(differs(&other, &claims).unwrap().code, code, "byte {at}");
    }
    assert_eq!(differs(&report[..1000], &claims).unwrap().code, Code::PartsNotBound);
}

#[test]
fn attributes_are_read_without_collateral() {
    let of = |attributes: u64, service: u8| {
        let named = [
            ("tdattributes".to_owned(), attributes.to_le_bytes().to_vec()),
            ("mrservicetd".to_owned(), vec![service; 48]),
        ];
        security(&named.into())
    };
    let plain = of(1 << 28, 0);
    assert_eq!((plain.debug, plain.sept_ve_disable), (false, Some(true)));
    assert_eq!((plain.migratable, plain.service_td), (Some(false), Some(false)));
    assert!(of(1, 0).debug);
    assert_eq!(of(1 << 29, 0).migratable, Some(true));
    assert_eq!(of(0, 1).service_td, Some(true));
}

#[test]
fn another_signer_of_the_tdx_module_is_found_without_collateral() {
    let of = |signer: u8| module(&[("mrsignerseam".to_owned(), vec![signer; 48])].into());
    assert_eq!(of(0), None);
    assert_eq!(of(1).unwrap().code, Code::TdxModule);
}

#[test]
fn a_bit_that_the_paravisor_answers_for_is_a_warning() {
    let (mut claims, _) = case();
    for (bit, said) in [(Some(true), false), (Some(false), true), (None, false)] {
        claims.security.sept_ve_disable = bit;
        let found = under_paravisor(claims.clone());
        assert_eq!(found.security.sept_ve_disable, None);
        assert_eq!(found.noticed.iter().any(|r| r.code == Code::ParavisorVe), said);
    }
}
