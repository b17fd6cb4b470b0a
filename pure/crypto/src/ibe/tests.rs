#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{OVERHEAD, decrypt, encrypt};
use crate::{
    backend::{G1, G2, SecretScalar},
    fixtures::rng,
    secret::Secret,
};
use ic_vetkeys::{DerivedPublicKey, IbeCiphertext, IbeIdentity, IbeSeed, VetKey};

/// A key pair of one identity: secret, public, and the identity's decryption key.
struct Pair {
    key: G2,
    bytes: [u8; 96],
    sigma: G1,
}

fn pair(seed: u64, identity: &[u8]) -> Pair {
    let secret = SecretScalar::generate(&mut rng(seed));
    let key = G2::generator_mul(&secret);
    let bytes = key.encode();
    Pair { key, bytes, sigma: G1::hash_mul(&bytes, identity, &secret) }
}

impl Pair {
    fn encrypt(&self, identity: &[u8], msg: &[u8], seed: u8) -> Vec<u8> {
        encrypt((&self.key, &self.bytes), identity, msg, &Secret::from_bytes(&[seed; 32])).unwrap()
    }

    fn decrypt(&self, ciphertext: &[u8]) -> Option<Vec<u8>> {
        decrypt(&self.sigma, ciphertext).map(|msg| msg.to_vec())
    }
}

/// Same seed, same bytes as `ic-vetkeys`; and each reads the other's.
#[test]
fn both_directions_with_ic_vetkeys() {
    let ours = pair(1, b"someone");
    let theirs = DerivedPublicKey::deserialize(&ours.bytes).unwrap();
    let their_key = VetKey::deserialize(&ours.sigma.encode()).unwrap();
    for len in [0, 1, 31, 32, 33, 64, 1000, 10_000, 100_000] {
        let msg: Vec<u8> = (0..len).map(|at| (at % 251) as u8).collect();
        let identity = IbeIdentity::from_bytes(b"someone");
        let seed = IbeSeed::from_bytes(&[9; 32]).unwrap();
        let reference = IbeCiphertext::encrypt(&theirs, &identity, &msg, &seed).serialize();
        let ciphertext = ours.encrypt(b"someone", &msg, 9);
        assert_eq!(ciphertext.len(), OVERHEAD + len);
        assert!(ciphertext == reference, "{len} bytes");
        assert!(ours.decrypt(&reference).unwrap() == msg);
        let read = IbeCiphertext::deserialize(&ciphertext).unwrap().decrypt(&their_key).unwrap();
        assert!(read == msg);
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let pair = pair(1, b"someone");
    let good = pair.encrypt(b"someone", b"some message", 9);
    assert_eq!(pair.decrypt(&good).unwrap(), b"some message");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(pair.decrypt(&bad), None, "bit {bit}");
    }
}

#[test]
fn other_forms_are_refused() {
    let pair = pair(1, b"someone");
    let good = pair.encrypt(b"someone", b"some message", 9);
    let other = pair.encrypt(b"someone", b"more message", 8);
    let replaced = |range: core::ops::Range<usize>, with: &[u8]| {
        let mut bytes = good.clone();
        bytes[range].copy_from_slice(with);
        bytes
    };
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    let cases = [
        ("header version 2", replaced(7..8, &[2])),
        ("c1 of another message", replaced(8..104, &other[8..104])),
        ("c2 of another message", replaced(104..136, &other[104..136])),
        ("c3 of another message", replaced(136..148, &other[136..])),
        ("c1 is the generator", replaced(8..104, &G2::generator().encode())),
        ("c1 is infinity", replaced(8..104, &infinity)),
        ("one byte less", good[..good.len() - 1].to_vec()),
        ("one byte more", [&good[..], &[0]].concat()),
        ("shorter than any", good[..135].to_vec()),
        ("of no message", good[..136].to_vec()),
        ("nothing", Vec::new()),
    ];
    for (name, bytes) in cases {
        assert_eq!(pair.decrypt(&bytes), None, "{name}");
    }
}

/// c1 with p added to a coordinate is the same point to a lax decoder; here it is no point.
#[test]
fn a_second_encoding_of_c1_is_refused() {
    let p = hex::decode(
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffff\
         b9feffffffffaaab",
    )
    .unwrap();
    let pair = pair(1, b"someone");
    let mut bytes = pair.encrypt(b"someone", b"some message", 9);
    let mut carry = 0_u16;
    for at in (0..48).rev() {
        carry += u16::from(bytes[8 + 48 + at]) + u16::from(p[at]);
        bytes[8 + 48 + at] = carry as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(pair.decrypt(&bytes), None);
}

#[test]
fn only_the_identity_itself_opens() {
    let key = pair(1, b"someone");
    let ciphertext = key.encrypt(b"someone", b"some message", 9);
    for identity in [b"someon".as_slice(), b"someone ", b"someone\0", b"s", b"anyone"] {
        assert_eq!(pair(1, identity).decrypt(&ciphertext), None, "{identity:?}");
    }
    assert_eq!(pair(2, b"someone").decrypt(&ciphertext), None, "another key");
}

#[test]
fn an_empty_identity_is_refused() {
    let pair = pair(1, b"someone");
    let seed = Secret::from_bytes(&[9; 32]);
    assert_eq!(encrypt((&pair.key, &pair.bytes), b"", b"message", &seed), None);
}
