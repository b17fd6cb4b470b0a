#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::Parts;
use sotto_types::{Malformed, Wire as _, limits};

fn parts() -> Parts {
    Parts {
        quote: vec![1, 2],
        signature: Some(vec![3]),
        ak: None,
        pcrs: Some(vec![]),
        event_log: None,
        ek_cert: Some(vec![4]),
        chain: vec![vec![5, 6], vec![]],
    }
}

#[test]
fn parts_travel_as_these_bytes() {
    let bytes = parts().encode();
    let golden = "01020000000102\
                  010100000003\
                  00\
                  0100000000\
                  00\
                  010100000004\
                  02000000020000000506\
                  00000000";
    assert_eq!(hex::encode(&bytes), golden);
    assert_eq!(Parts::decode(&bytes), Ok(parts()));
    assert_eq!(Parts::decode(&Parts::default().encode()), Ok(Parts::default()));
}

#[test]
fn cut_and_longer_parts_are_refused() {
    let mut bytes = parts().encode();
    assert_eq!(Parts::decode(&[]), Err(Malformed::Empty));
    for length in 1..bytes.len() {
        let refused = Parts::decode(&bytes[..length]);
        assert!(matches!(refused, Err(Malformed::Encoding { what: "Parts", .. })), "{length}");
    }
    bytes.push(0);
    assert!(matches!(Parts::decode(&bytes), Err(Malformed::Encoding { what: "Parts", .. })));
}

#[test]
fn another_version_is_refused() {
    let mut bytes = parts().encode();
    bytes[0] = 2;
    assert_eq!(Parts::decode(&bytes), Err(Malformed::Version { got: 2, want: 1 }));
}

#[test]
fn an_option_is_there_or_not() {
    let mut bytes = parts().encode();
    bytes[7] = 2;
    assert!(matches!(Parts::decode(&bytes), Err(Malformed::Encoding { .. })));
}

#[test]
fn more_bytes_and_more_certificates_than_allowed_are_refused() {
    let max = limits::EVIDENCE_MAX;
    let empty = Parts::default().encode().len();
    let of = |length: usize| Parts { quote: vec![7; length], ..Parts::default() }.encode();
    assert!(Parts::decode(&of(max - empty)).is_ok());
    let too_long = Malformed::TooLong { got: max + 1, max };
    assert_eq!(Parts::decode(&of(max - empty + 1)), Err(too_long));

    let of = |count: usize| Parts { chain: vec![vec![]; count], ..Parts::default() }.encode();
    assert!(Parts::decode(&of(16)).is_ok());
    let refused = Malformed::Limit { what: "certificates", got: 17, max: 16 };
    assert_eq!(Parts::decode(&of(17)), Err(refused));
}

#[test]
fn a_length_that_lies_takes_no_memory() {
    let mut bytes = Parts::default().encode();
    bytes[1..5].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(Parts::decode(&bytes), Err(Malformed::Encoding { .. })));
}
