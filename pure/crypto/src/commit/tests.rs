#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Blind, blind, commit, verify};
use crate::{
    fixtures::{EPOCH, rng, vet_key},
    vet::VaultSecret,
};
use hkdf::Hkdf;
use sotto_types::{Epoch, Hash, Identity, KeyPath, RequestId, id::sha256};

#[test]
fn as_it_is_written() {
    let vault = VaultSecret::generate(&mut rng(1));
    let key = vet_key(&vault, KeyPath::Request, &EPOCH);
    let request = RequestId([8; 32]);
    let mut expected = [0; 32];
    let info = [b"sotto/output/v1".as_slice(), &[8; 32]].concat();
    Hkdf::<sha2::Sha256>::new(None, &key.point().encode()).expand(&info, &mut expected).unwrap();
    let blind = blind(&key, &request);
    assert_eq!(*blind.expose(), expected);
    let mut bytes = b"sotto/commit/v1".to_vec();
    bytes.extend(expected);
    bytes.extend(Hash::of(b"the output").0);
    assert_eq!(commit(&blind, b"the output").0, sha256(&[&bytes]));
}

#[test]
fn it_binds_output_request_and_identity() {
    let vault = VaultSecret::generate(&mut rng(1));
    let key = vet_key(&vault, KeyPath::Request, &EPOCH);
    let request = RequestId([8; 32]);
    let opening = blind(&key, &request);
    let commitment = commit(&opening, b"yes");
    assert!(verify(&commitment, &opening, b"yes"));
    assert!(verify(&commitment, &Blind::from_bytes(opening.expose()), b"yes"));
    assert!(!verify(&commitment, &opening, b"no"));
    assert!(!verify(&commitment, &opening, b"yes "));
    assert!(!verify(&commitment, &blind(&key, &RequestId([9; 32])), b"yes"));
    let later = vet_key(&vault, KeyPath::Request, &Identity::Epoch(Epoch(8)));
    assert!(!verify(&commitment, &blind(&later, &request), b"yes"));
    let mut other = commitment;
    other.0[31] ^= 1;
    assert!(!verify(&other, &opening, b"yes"));
}
