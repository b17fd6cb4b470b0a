//! Every byte flipped, every length, every part.

use super::*;
use crate::tpm::{log, parse, parse_public, signature};

/// A change to one part.
type Change = fn(&mut Parts) -> &mut Vec<u8>;

const CHANGES: [(&str, Change); 5] = [
    ("quote", |parts| &mut parts.quote),
    ("signature", |parts| parts.signature.as_mut().unwrap()),
    ("ak", |parts| parts.ak.as_mut().unwrap()),
    ("pcrs", |parts| parts.pcrs.as_mut().unwrap()),
    ("event_log", |parts| parts.event_log.as_mut().unwrap()),
];

/// A case whose reference value and binary list leave nothing open.
fn case() -> Case {
    let mut case = Case::new(Way::P256);
    case.parts.pcrs = Some(case.list());
    case
}

#[test]
fn no_flipped_byte_is_accepted() {
    let case = case();
    let good = case.parts();
    let claims = case.judge().claims.unwrap();
    for (name, part) in CHANGES {
        for at in 0..part(&mut good.clone()).len() {
            let mut bad = good.clone();
            part(&mut bad)[at] ^= 1 << (at % 8);
            let appraisal = case.judge_parts(bad);
            if appraisal.authentic != Some(true) {
                assert_eq!(appraisal.status, Status::Contraindicated);
                continue;
            }
            let now = appraisal.claims.as_ref().unwrap();
            assert_eq!(now.measurements, claims.measurements, "byte {at} of {name}");
            assert_ne!(now.security.secure_boot, Some(false), "byte {at} of {name}");
            // What nobody signs. Of the key's area: its attributes and the hash of its name, by
            // which alone a credential would know it. Of the log: the header's platform class and
            // versions, types of events, data that are labels, and the PCR of an event for which
            // the log need not speak. None changes what is claimed.
            let unsigned = match name {
                "ak" => (2..8).contains(&at),
                "event_log" => true,
                _ => false,
            };
            assert!(unsigned, "byte {at} of {name}");
        }
    }
}

/// What is only told, not measured, may differ; what is measured may not.
#[test]
fn no_flipped_byte_of_a_log_changes_a_value() {
    let case = case();
    let good = case.parts();
    let values = case.judge().claims.unwrap().measurements;
    for at in 0..good.event_log.as_ref().unwrap().len() {
        for bit in [1, 0x80] {
            let mut bad = Parts { pcrs: None, ..good.clone() };
            bad.event_log.as_mut().unwrap()[at] ^= bit;
            if let Some(claims) = case.judge_parts(bad).claims {
                assert_eq!(claims.measurements, values, "byte {at}");
            }
        }
    }
}

#[test]
fn every_other_length_is_refused() {
    let case = case();
    let good = case.parts();
    for (name, part) in CHANGES {
        let length = part(&mut good.clone()).len();
        for short in 0..length {
            let mut bad = good.clone();
            part(&mut bad).truncate(short);
            let appraisal = case.judge_parts(bad);
            assert_ne!(appraisal.authentic, Some(true), "{name} of {short} bytes");
        }
        for more in [0, 10] {
            let mut bad = good.clone();
            part(&mut bad).push(more);
            assert_eq!(case.judge_parts(bad).authentic, Some(false), "{name} and a byte");
        }
    }
}

/// Nothing panics on bytes of no form at all.
#[test]
fn random_bytes_are_read_to_an_error() {
    let mut state = 1_u64;
    for length in 0..2_000_usize {
        let bytes: Vec<u8> = (0..length % 300)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                u8::try_from(state >> 56).unwrap()
            })
            .collect();
        let quote = [&[0xff, b'T', b'C', b'G', 0x80, 0x18][..], &bytes].concat();
        assert!(parse(&quote).is_err());
        let _ = (parse_public(&bytes), signature::parse(&bytes), pcrs::parse(&bytes));
        let _ = log::parse(&bytes).map(|log| (log.replay(true), log.mismatches()));
        let _ = (crate::tpm::from_json(&bytes), crate::tpm::from_attestation(&bytes));
    }
}
