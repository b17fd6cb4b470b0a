#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Fields, Key, Signed, TokenError, alone, canonical, decode};
use crate::{Code, Parts, Unverified, signature::PublicKey, signature::SignatureError};
use ciborium::Value;
use p384::ecdsa::{Signature, SigningKey, signature::Signer as _};

const MAX: usize = 4096;

fn bytes(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 48]).unwrap()
}

fn public(key: &SigningKey) -> PublicKey {
    let point = key.verifying_key().to_encoded_point(false);
    PublicKey::from_coordinates(point.x().unwrap(), point.y().unwrap()).unwrap()
}

/// A token over `payload` whose signature is right for `protected`.
fn token(protected: &[u8], unprotected: Vec<(Value, Value)>, payload: &[u8]) -> Value {
    let covered = bytes(&Value::Array(vec![
        "Signature1".into(),
        Value::Bytes(protected.to_vec()),
        Value::Bytes(vec![]),
        Value::Bytes(payload.to_vec()),
    ]));
    let signature: Signature = key().sign(&covered);
    Value::Array(vec![
        Value::Bytes(protected.to_vec()),
        Value::Map(unprotected),
        Value::Bytes(payload.to_vec()),
        Value::Bytes(signature.to_bytes().to_vec()),
    ])
}

const ES384: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

#[test]
fn a_token_verifies_under_its_key_alone_with_or_without_its_tag() {
    let untagged = token(&ES384, vec![], b"claims");
    let tagged = Value::Tag(18, Box::new(untagged.clone()));
    for form in [untagged, tagged] {
        let signed = Signed::parse(&bytes(&form), MAX).unwrap();
        assert_eq!(signed.payload(), b"claims");
        assert_eq!(signed.verify(&public(&key())), Ok(()));
        let other = public(&SigningKey::from_slice(&[8; 48]).unwrap());
        assert_eq!(signed.verify(&other), Err(SignatureError::Forged));
    }
}

#[test]
fn a_key_signs_by_the_algorithm_of_its_curve_alone() {
    let es256 = [0xa1, 0x01, 0x26];
    let signed = Signed::parse(&bytes(&token(&es256, vec![], b"claims")), MAX).unwrap();
    assert_eq!(signed.verify(&public(&key())), Err(SignatureError::Form));
}

#[test]
fn headers_smuggled_in_unprotected_are_refused() {
    let smuggled = [
        vec![(Value::from(4), Value::Bytes(b"other key".to_vec()))],
        vec![(Value::from(1), Value::from(-7))],
        vec![(Value::from(4), Value::Bytes(vec![]))],
    ];
    for headers in smuggled {
        let form = bytes(&token(&ES384, headers, b"claims"));
        assert_eq!(Signed::parse(&form, MAX), Err(TokenError::Unprotected));
    }
}

#[test]
fn dstack_567_nesting_and_sizes_are_bounded_before_anything_is_built() {
    let deep = [vec![0x81; 4000], vec![0x00]].concat();
    assert_eq!(decode(&deep, MAX), Err(TokenError::Cbor));
    let tags = [vec![0xc1; 4000], vec![0x00]].concat();
    assert_eq!(decode(&tags, MAX), Err(TokenError::Cbor));
    for kind in [0x5b, 0x7b, 0x9b, 0xbb] {
        let promise = [vec![kind], vec![0xff; 8]].concat();
        assert_eq!(decode(&promise, MAX), Err(TokenError::Cbor), "{kind:x}");
        let huge = [vec![kind], vec![0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        assert_eq!(decode(&huge, MAX), Err(TokenError::Cbor), "{kind:x}");
    }
    let many = bytes(&Value::Array(vec![Value::from(0); 65]));
    assert_eq!(decode(&many, MAX), Err(TokenError::TooMany));
    let inside = bytes(&Value::Map(vec![(0.into(), Value::Array(vec![Value::from(0); 65]))]));
    assert_eq!(decode(&inside, MAX), Err(TokenError::TooMany));
    let map = (0..65).map(|key| (Value::from(key), Value::Null)).collect();
    assert_eq!(decode(&bytes(&Value::Map(map)), MAX), Err(TokenError::TooMany));
    assert_eq!(decode(&[0; 4097], MAX), Err(TokenError::TooLong { got: 4097, max: MAX }));
}

#[test]
fn a_key_that_stands_twice_is_refused_at_any_depth() {
    let twice = Value::Map(vec![("a".into(), 1.into()), ("a".into(), 2.into())]);
    let refused = Err(TokenError::BadKey("Text(\"a\")".into()));
    assert_eq!(decode(&bytes(&twice), MAX), refused);
    assert_eq!(decode(&bytes(&Value::Array(vec![twice.clone()])), MAX), refused);
    assert_eq!(decode(&bytes(&Value::Tag(1, Box::new(twice))), MAX), refused);
    // The same number in two encodings is one key.
    assert_eq!(
        decode(&[0xa2, 0x01, 0x00, 0x18, 0x01, 0x00], MAX),
        Err(TokenError::BadKey("Int(1)".into()))
    );
    let odd = Value::Map(vec![(Value::Array(vec![]), 1.into())]);
    assert_eq!(decode(&bytes(&odd), MAX), Err(TokenError::BadKey("Array([])".into())));
}

#[test]
fn bytes_left_over_and_other_encodings_of_the_same_are_refused() {
    let good = bytes(&token(&ES384, vec![], b"claims"));
    let long = [good.as_slice(), &[0]].concat();
    assert_eq!(Signed::parse(&long, MAX), Err(TokenError::LeftOver(1)));
    // The array's length in two bytes, an indefinite array, the protected header's length in two.
    let rest = &good[1..];
    let others = [
        [&[0x98, 0x04], rest].concat(),
        [&[0x9f], rest, &[0xff]].concat(),
        [&[0x84, 0x58, 0x04], &good[2..]].concat(),
        [&[0xd8, 0x12, 0x98, 0x04], rest].concat(),
        [&[0xd8, 0x12], good.as_slice()].concat(),
    ];
    for other in others {
        assert_eq!(Signed::parse(&other, MAX), Err(TokenError::NotCanonical("COSE_Sign1")));
    }
    let header = [0xa1, 0x01, 0x39, 0x00, 0x22];
    let form = bytes(&token(&header, vec![], b"claims"));
    assert_eq!(Signed::parse(&form, MAX), Err(TokenError::NotCanonical("the protected header")));
    assert_eq!(canonical("it", &[0x18, 0x01], MAX), Err(TokenError::NotCanonical("it")));
}

#[test]
fn other_headers_algorithms_and_forms_are_refused() {
    let parse = |protected: &[u8]| Signed::parse(&bytes(&token(protected, vec![], b"x")), MAX);
    let es512 = [0xa1, 0x01, 0x38, 0x23];
    assert_eq!(parse(&es512), Err(TokenError::Algorithm("Assigned(ES512)".into())));
    assert_eq!(parse(&[0xa0]), Err(TokenError::Missing("the algorithm")));
    assert_eq!(parse(&[]), Err(TokenError::Cbor));
    assert_eq!(parse(&[0; 65]), Err(TokenError::TooLong { got: 65, max: 64 }));
    let critical = bytes(&Value::Map(vec![
        (1.into(), (-35).into()),
        (2.into(), Value::Array(vec!["must".into()])),
        ("must".into(), 0.into()),
    ]));
    let refused = TokenError::Field { what: "the header", must: "free of critical parameters" };
    assert_eq!(parse(&critical), Err(refused));
    let form = Err(TokenError::Field { what: "the token", must: "a COSE_Sign1" });
    for other in [
        Value::from(1),
        Value::Array(vec![]),
        Value::Tag(17, Box::new(token(&ES384, vec![], b"x"))),
    ] {
        assert_eq!(Signed::parse(&bytes(&other), MAX), form);
    }
    let Value::Array(mut detached) = token(&ES384, vec![], b"x") else { unreachable!() };
    detached[2] = Value::Null;
    assert_eq!(Signed::parse(&bytes(&Value::Array(detached)), MAX), form);
}

#[test]
fn fields_of_another_type_are_refused() {
    let map = || Fields::of("map", Value::Map(vec![(1.into(), Value::Bool(true))])).unwrap();
    let field = |must| TokenError::Field { what: "it", must };
    assert_eq!(map().bytes(1, "it"), Err(field("a byte string")));
    assert_eq!(map().text(1, "it"), Err(field("text")));
    assert_eq!(map().number(1, "it"), Err(field("a number from 0")));
    assert_eq!(map().array(1, "it"), Err(field("an array")));
    assert_eq!(map().take(2), None);
    assert_eq!(map().rest().into_keys().collect::<Vec<_>>(), [Key::Int(1)]);
    let negative = Value::Map(vec![(1.into(), (-1).into())]);
    assert_eq!(Fields::of("map", negative).unwrap().number(1, "it"), Err(field("a number from 0")));
    let none = Fields::of("map", Value::Null).map(|_| ());
    assert_eq!(none, Err(TokenError::Field { what: "map", must: "a map" }));
}

#[test]
fn a_part_that_tokens_do_not_have_is_refused() {
    let given = Parts { quote: vec![1], ..Parts::default() };
    assert_eq!(alone(&given), Ok(&[1_u8][..]));
    let more = [
        Parts { signature: Some(vec![]), ..given.clone() },
        Parts { ak: Some(vec![]), ..given.clone() },
        Parts { pcrs: Some(vec![]), ..given.clone() },
        Parts { event_log: Some(vec![]), ..given.clone() },
        Parts { ek_cert: Some(vec![]), ..given.clone() },
        Parts { chain: vec![vec![]], ..given },
    ];
    for parts in more {
        let refused = "this kind has one part, more were given";
        assert_eq!(alone(&parts), Err(Unverified::new(Code::Malformed, refused)));
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(
        start in proptest::sample::select(vec![&[][..], &[0x84, 0x44], &[0xd9, 0x01, 0x8f, 0xa2], &[0, 2]]),
        rest in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
    ) {
        let bytes = [start, &rest].concat();
        let _ = (decode(&bytes, MAX), Signed::parse(&bytes, MAX));
        let _ = (crate::nitro::parse(&bytes), crate::cca::parse(&bytes));
    }
}
