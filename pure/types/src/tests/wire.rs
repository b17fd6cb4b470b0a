//! Every wire type: its golden bytes, and that decoders take those bytes and no others.

use super::{golden, samples};
use crate::wire::{Malformed, Wire};
use crate::*;
use core::fmt::Debug;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A type's one sample, with what a decoder must refuse around it.
fn check<T: Wire + PartialEq>(name: &str, value: &T, cases: &mut Vec<Value>) {
    let bytes = value.encode();
    assert_eq!(bytes[0], T::VERSION);
    // Some messages are secrets and cannot be shown.
    assert!(T::decode(&bytes).as_ref() == Ok(value), "{name}");
    assert_eq!(T::decode(&[]).err(), Some(Malformed::Empty));
    for length in 1..bytes.len() {
        match T::decode(&bytes[..length]) {
            Err(Malformed::Encoding { what, .. }) => assert_eq!(what, T::NAME),
            other => panic!("{name} cut to {length} bytes: {:?}", other.err()),
        }
    }
    for extra in [0, 1, 0xff] {
        let mut long = bytes.clone();
        long.push(extra);
        let why = "Not all bytes read".to_owned();
        assert_eq!(T::decode(&long).err(), Some(Malformed::Encoding { what: T::NAME, why }));
    }
    for version in (0..=u8::MAX).filter(|version| *version != T::VERSION) {
        let mut other = bytes.clone();
        other[0] = version;
        let refused = Malformed::Version { got: version, want: T::VERSION };
        assert_eq!(T::decode(&other).err(), Some(refused));
    }
    let long = vec![T::VERSION; T::MAX + 1];
    let refused = Malformed::TooLong { got: T::MAX + 1, max: T::MAX };
    assert_eq!(T::decode(&long).err(), Some(refused));
    for bit in 0..bytes.len() * 8 {
        let mut other = bytes.clone();
        other[bit / 8] ^= 1 << (bit % 8);
        // What is taken is another value, and has exactly these bytes: no value has two forms.
        if let Ok(taken) = T::decode(&other) {
            assert!(taken != *value, "{name}, bit {bit}");
            assert_eq!(taken.encode(), other, "{name}, bit {bit}");
        }
    }
    cases.push(json!({ "name": name, "type": T::NAME, "hex": hex::encode(&bytes) }));
}

#[test]
fn the_bytes_of_every_wire_type_stand() {
    let mut cases = Vec::new();
    check("genesis", &samples::genesis(), &mut cases);
    check("manifest", &samples::manifest(), &mut cases);
    check("receipt", &samples::receipt(), &mut cases);
    check("signed receipt", &samples::signed_receipt(), &mut cases);
    check("certificate", &samples::certificate(), &mut cases);
    check("proof", &samples::proof(), &mut cases);
    check("receipt bundle", &samples::bundle(), &mut cases);
    for (name, action) in samples::actions() {
        check(&format!("action {name}"), &samples::signed(action), &mut cases);
    }
    check("block", &samples::block(), &mut cases);
    check("opening", &samples::opening(), &mut cases);
    check("session receipt", &samples::session_receipt(), &mut cases);
    check("batch", &samples::signed_batch().batch, &mut cases);
    check("signed batch", &samples::signed_batch(), &mut cases);
    check("leaf proof", &samples::leaf_proof(), &mut cases);
    check("session bundle", &samples::session_bundle(), &mut cases);
    let (says, replies) = samples::said();
    for (at, say) in says.iter().enumerate() {
        check(&format!("say {at}"), say, &mut cases);
    }
    for (at, reply) in replies.iter().enumerate() {
        check(&format!("reply {at}"), reply, &mut cases);
    }
    for (at, refused) in samples::refusals().iter().enumerate() {
        check(&format!("session refused {at}"), refused, &mut cases);
    }
    let about = "Golden bytes of every wire type (a version byte, then borsh), from the fixed \
                 values in pure/types/src/tests/samples.rs. Bytes under a version never change; \
                 SOTTO_BLESS=1 writes this file anew.";
    golden::compare("wire.json", &json!({ "about": about, "cases": cases }));
}

#[test]
fn an_action_of_every_kind_has_a_sample() {
    // A new kind does not compile here before it has one.
    let index = |action: &Action| match action {
        Action::AdmitRelease(_) => 0,
        Action::AdmitChain { .. } => 1,
        Action::Observe(_) => 2,
        Action::Halt { .. } => 3,
        Action::Resume { .. } => 4,
        Action::Hold(_) => 5,
        Action::Attest { .. } => 6,
        Action::Deploy(_) => 7,
        Action::ResultKey { .. } => 8,
        Action::Answer { .. } => 9,
        Action::Fail { .. } => 10,
        Action::Endorse { .. } => 11,
        Action::Sit { .. } => 12,
        Action::Batch(_) => 13,
    };
    let kinds: Vec<usize> = samples::actions().iter().map(|(_, action)| index(action)).collect();
    assert_eq!(kinds, (0..14).collect::<Vec<_>>());
    for (kind, (name, action)) in samples::actions().into_iter().enumerate() {
        assert_eq!(borsh::to_vec(&action).unwrap()[0] as usize, kind, "{name}");
    }
}

#[test]
fn a_long_list_is_not_allocated_before_it_is_read() {
    // A list that says it has 2^32 − 1 items in a message of a few bytes.
    let mut bytes = vec![Proof::VERSION];
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(Proof::decode(&bytes), Err(Malformed::Encoding { what: "Proof", .. })));
    let mut bytes = vec![Block::VERSION];
    bytes.extend_from_slice(&[0; 32 + 8 + 32 + 8]);
    bytes.extend_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(Block::decode(&bytes), Err(Malformed::Encoding { what: "Block", .. })));
}

fn never_panics<T: Wire + PartialEq + Debug>(bytes: &[u8]) {
    let mut versioned = bytes.to_vec();
    if let Some(first) = versioned.first_mut() {
        *first = T::VERSION;
    }
    for bytes in [bytes, &versioned] {
        if let Ok(value) = T::decode(bytes) {
            assert_eq!(value.encode(), bytes);
        }
    }
}

/// A sample's bytes with a few of them changed: close enough to be read far.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> =
        samples::actions().into_iter().map(|(_, a)| samples::signed(a).encode()).collect();
    seeds.push(samples::genesis().encode());
    seeds.push(samples::manifest().encode());
    seeds.push(samples::block().encode());
    seeds.push(samples::bundle().encode());
    seeds.push(samples::opening().encode());
    seeds.push(samples::session_bundle().encode());
    let change = (any::<prop::sample::Index>(), any::<u8>());
    (prop::sample::select(seeds), prop::collection::vec(change, 0..6), 0..3_usize).prop_map(
        |(mut bytes, changes, cut)| {
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(bytes.len() - cut);
            bytes
        },
    )
}

fn decode_as_all(bytes: &[u8]) {
    never_panics::<Genesis>(bytes);
    never_panics::<Manifest>(bytes);
    never_panics::<Receipt>(bytes);
    never_panics::<SignedReceipt>(bytes);
    never_panics::<Certificate>(bytes);
    never_panics::<Proof>(bytes);
    never_panics::<ReceiptBundle>(bytes);
    never_panics::<SignedAction>(bytes);
    never_panics::<Block>(bytes);
    never_panics::<Opening>(bytes);
    never_panics::<SessionRefused>(bytes);
    never_panics::<SessionReceipt>(bytes);
    never_panics::<SignedBatch>(bytes);
    never_panics::<SessionBundle>(bytes);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        decode_as_all(&bytes);
    }

    #[test]
    fn nearly_good_bytes_never_panic(bytes in mutated()) {
        decode_as_all(&bytes);
    }
}
