#![allow(clippy::unwrap_used, reason = "tests")]

use super::{Custody, CustodyError, check};
use crate::{Platform, fixtures};
use sotto_crypto::sign::{PublicKey, SigningKey};
use sotto_types::Time;
use std::collections::BTreeMap;

fn key(byte: u8) -> SigningKey {
    SigningKey::from_bytes(&[byte; 32]).unwrap()
}

fn custodians() -> BTreeMap<String, PublicKey> {
    [("Example DC".into(), key(3).public()), ("Other DC".into(), key(4).public())].into()
}

fn platform() -> Platform {
    fixtures::claims().platform
}

fn custody() -> Custody {
    Custody {
        identity: "ppid".into(),
        value: vec![0x11; 16],
        custodian: "Example DC".into(),
        operator: "Operator 1".into(),
        place: "Cage 4, Zurich".into(),
        not_before: Time(100),
        not_after: Time(200),
    }
}

fn at(signed: &[u8], now: u64) -> Result<Custody, CustodyError> {
    check(signed, &platform(), &custodians(), Time(now))
}

fn malformed(custody: &Custody) -> CustodyError {
    custody.sign(&key(3)).unwrap_err()
}

#[test]
fn a_statement_counts_from_its_first_second_to_its_last() {
    let signed = custody().sign(&key(3)).unwrap();
    for now in [100, 150, 200] {
        assert_eq!(at(&signed, now), Ok(custody()));
    }
    assert_eq!(at(&signed, 99), Err(CustodyError::NotYetValid(Time(100))));
    assert_eq!(at(&signed, 201), Err(CustodyError::Expired(Time(200))));
}

#[test]
fn a_statement_about_another_machine_does_not_count_here() {
    for (identity, value) in [("ppid", vec![0x12; 16]), ("chip_id", vec![0x11; 16])] {
        let other = Custody { identity: identity.into(), value: value.clone(), ..custody() };
        let error = CustodyError::OtherPlatform { identity: identity.into(), value };
        assert_eq!(at(&other.sign(&key(3)).unwrap(), 150), Err(error));
    }
}

#[test]
fn only_the_custodian_it_names_signs_it() {
    let error = CustodyError::Forged("Example DC".into());
    // Another custodian of the policy is not this one.
    assert_eq!(at(&custody().sign(&key(4)).unwrap(), 150), Err(error));
    let stranger = Custody { custodian: "Nobody".into(), ..custody() };
    let error = CustodyError::UnknownCustodian("Nobody".into());
    assert_eq!(at(&stranger.sign(&key(3)).unwrap(), 150), Err(error));
}

#[test]
fn every_flipped_bit_and_every_other_length_is_refused() {
    let signed = custody().sign(&key(3)).unwrap();
    for bit in 0..signed.len() * 8 {
        let mut bad = signed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(at(&bad, 150).is_err(), "bit {bit}");
    }
    for length in 0..signed.len() {
        assert!(at(&signed[..length], 150).is_err(), "length {length}");
    }
    let long = [signed.as_slice(), &[0]].concat();
    assert!(at(&long, 150).is_err());
}

#[test]
fn what_says_nothing_is_not_signed() {
    let texts: [fn(&mut Custody) -> &mut String; 4] =
        [|c| &mut c.identity, |c| &mut c.custodian, |c| &mut c.operator, |c| &mut c.place];
    for text in texts {
        for bad in ["", "a\u{1b}[2J", "a\nb"] {
            let mut custody = custody();
            *text(&mut custody) = bad.into();
            let error = CustodyError::Malformed("a text is empty or has control characters");
            assert_eq!(malformed(&custody), error);
        }
    }
    for value in [vec![], vec![0; 64]] {
        let error = CustodyError::Malformed("the machine's name is empty or masked");
        assert_eq!(malformed(&Custody { value, ..custody() }), error);
    }
    let error = CustodyError::Malformed("it ends before it begins");
    assert_eq!(malformed(&Custody { not_after: Time(99), ..custody() }), error);
    let error = CustodyError::Malformed("longer than 1024 bytes");
    assert_eq!(malformed(&Custody { place: "a".repeat(1000), ..custody() }), error);
}

#[test]
fn other_bytes_are_refused_by_name() {
    let signed = custody().sign(&key(3)).unwrap();
    let with_version = |version: u8| [&[version], signed.get(1..).unwrap()].concat();
    let cases: [(&[u8], &str); 4] = [
        (&[], "not of version 1"),
        (&with_version(2), "not of version 1"),
        (&[1; 65], "cut short"),
        (&[1; 80], "not one statement"),
    ];
    for (bytes, why) in cases {
        assert_eq!(Custody::parse(bytes).unwrap_err().to_string(), malformed_text(why));
    }
}

fn malformed_text(why: &str) -> String {
    format!("malformed custody endorsement: {why}")
}

#[test]
fn the_bytes_are_fixed() {
    let signed = custody().sign(&key(3)).unwrap();
    let start = "0104000000707069641000000011111111111111111111111111111111\
                 0a0000004578616d706c652044430a0000004f70657261746f722031\
                 0e000000436167652034 2c205a7572696368"
        .replace(' ', "");
    assert!(hex::encode(&signed).starts_with(&start), "{}", hex::encode(&signed));
    assert_eq!(signed.len(), start.len() / 2 + 16 + 65);
}
