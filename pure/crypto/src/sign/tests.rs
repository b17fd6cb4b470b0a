#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::{
    fixtures::{EPOCH, rng, unhex, vet_key},
    vet::VaultSecret,
};
use proptest::prelude::*;
use sotto_types::{Epoch, Identity, KeyPath, id::sha256};

/// The group's order n.
const N: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

fn key(last: u8) -> SigningKey {
    let mut bytes = [0; 32];
    bytes[31] = last;
    SigningKey::from_bytes(&bytes).unwrap()
}

/// n − x, big-endian.
fn negated(x: &[u8]) -> [u8; 32] {
    let n: [u8; 32] = unhex(N);
    let mut out = [0; 32];
    let mut borrow = 0_i16;
    for at in (0..32).rev() {
        let digit = i16::from(n[at]) - i16::from(x[at]) - borrow;
        out[at] = digit.rem_euclid(256) as u8;
        borrow = i16::from(digit < 0);
    }
    out
}

fn with(signature: &Signature, at: usize, bytes: &[u8]) -> Signature {
    let mut out = *signature;
    out.0[at..at + bytes.len()].copy_from_slice(bytes);
    out
}

#[test]
fn known_keys() {
    let one = key(1).public();
    assert_eq!(
        one.to_string(),
        "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    );
    assert_eq!(one.address(), unhex("7e5f4552091a69125d5dfcb7b8c2659029395bdf"));
    let dev = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
    let dev = SigningKey::from_bytes(&unhex(dev)).unwrap();
    assert_eq!(dev.public().address(), unhex("f39fd6e51aad88f6f4ce6ab8827279cfffb92266"));
    assert_eq!(one.node_id().0, sha256(&[&one.to_bytes()]));
}

/// The RFC 6979 vector for secp256k1 that is everywhere: key 1, "Satoshi Nakamoto".
#[test]
fn a_known_signature() {
    let digest = sha256(&[b"Satoshi Nakamoto"]);
    let signature = key(1).sign(&digest);
    assert_eq!(
        hex::encode(&signature.0[..64]),
        "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8\
         2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
    );
    assert!(matches!(signature.0[64], 27 | 28));
    assert_eq!(key(1).public().verify(&digest, &signature), Ok(()));
    assert_eq!(signature.recover(&digest), Ok(key(1).public()));
}

#[test]
fn every_other_form_is_refused() {
    let digest = [3; 32];
    let signing = key(7);
    let public = signing.public();
    let good = signing.sign(&digest);
    let n: [u8; 32] = unhex(N);
    let flipped = 27 + 28 - good.0[64];
    let high = with(&with(&good, 32, &negated(&good.0[32..64])), 64, &[flipped]);
    let mut wrapped = n;
    wrapped[31] += 1;
    for (name, bad, why) in [
        ("s in the upper half, v to match", high, BadSignature::HighS),
        ("the other v", with(&good, 64, &[flipped]), BadSignature::Mismatch),
        ("v 0", with(&good, 64, &[0]), BadSignature::Recovery(0)),
        ("v 1", with(&good, 64, &[1]), BadSignature::Recovery(1)),
        ("v 26", with(&good, 64, &[26]), BadSignature::Recovery(26)),
        ("v 29", with(&good, 64, &[29]), BadSignature::Recovery(29)),
        ("r 0", with(&good, 0, &[0; 32]), BadSignature::Range),
        ("s 0", with(&good, 32, &[0; 32]), BadSignature::Range),
        ("r n", with(&good, 0, &n), BadSignature::Range),
        ("s n", with(&good, 32, &n), BadSignature::Range),
        ("r n + 1", with(&good, 0, &wrapped), BadSignature::Range),
        ("r the largest", with(&good, 0, &[0xff; 32]), BadSignature::Range),
        ("s the largest", with(&good, 32, &[0xff; 32]), BadSignature::Range),
        ("another's", key(8).sign(&digest), BadSignature::Mismatch),
        ("of another digest", signing.sign(&[4; 32]), BadSignature::Mismatch),
    ] {
        assert_eq!(public.verify(&digest, &bad), Err(why), "{name}");
    }
    assert_eq!(public.verify(&[4; 32], &good), Err(BadSignature::Mismatch));
    assert_eq!(public.verify(&digest, &good), Ok(()));
}

#[test]
fn every_flipped_bit_is_refused() {
    let digest = [3; 32];
    let (public, good) = (key(7).public(), key(7).sign(&digest));
    for bit in 0..65 * 8 {
        let mut bad = good;
        bad.0[bit / 8] ^= 1 << (bit % 8);
        assert!(public.verify(&digest, &bad).is_err(), "bit {bit}");
        let mut digest = digest;
        digest[bit / 8 % 32] ^= 1 << (bit % 8);
        assert_eq!(public.verify(&digest, &good), Err(BadSignature::Mismatch));
    }
}

#[test]
fn keys_are_decoded_strictly() {
    let good = key(7).public().to_bytes();
    let with = |at: usize, byte: u8| {
        let mut out = good;
        out[at] = byte;
        out
    };
    // p, as x: not canonical.
    let mut wide = [0xff; 33];
    wide[0] = 2;
    wide[29..].copy_from_slice(&[0xff, 0xff, 0xfc, 0x2f]);
    wide[28] = 0xfe;
    // x = 5 is on no point of secp256k1.
    let mut off = [0; 33];
    (off[0], off[32]) = (2, 5);
    for (name, bad) in [
        ("x = p", wide),
        ("x without y", off),
        ("the uncompressed tag", with(0, 4)),
        ("the hybrid tag", with(0, 6)),
        ("tag 0", with(0, 0)),
        ("tag 5", with(0, 5)),
        ("zero", [0; 33]),
    ] {
        assert!(PublicKey::from_bytes(&bad).is_err(), "{name}");
        assert!(borsh::from_slice::<PublicKey>(&bad).is_err(), "{name}");
    }
    assert_eq!(PublicKey::from_bytes(&good), Ok(key(7).public()));
    for bad in [[0; 32], unhex(N), [0xff; 32]] {
        assert!(SigningKey::from_bytes(&bad).is_err());
    }
}

#[test]
fn borsh_is_the_bytes_themselves() {
    let (public, signature) = (key(7).public(), key(7).sign(&[3; 32]));
    assert_eq!(borsh::to_vec(&public).unwrap(), public.to_bytes());
    assert_eq!(borsh::to_vec(&signature).unwrap(), signature.0);
    assert_eq!(borsh::from_slice::<PublicKey>(&public.to_bytes()).unwrap(), public);
    assert_eq!(borsh::from_slice::<Signature>(&signature.0).unwrap(), signature);
    for len in [0, 64, 66] {
        assert!(borsh::from_slice::<Signature>(&vec![27; len]).is_err(), "{len} bytes");
    }
    for len in [0, 32, 34] {
        assert!(borsh::from_slice::<PublicKey>(&vec![2; len]).is_err(), "{len} bytes");
    }
    assert_eq!(format!("{public:?}"), format!("PublicKey({public})"));
    assert_eq!(signature.to_string().len(), 2 + 130);
}

#[test]
fn thresholds() {
    let of = |n| threshold(n);
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 10, 100].map(of), [0, 1, 2, 3, 3, 4, 5, 5, 7, 67]);
    for n in 1..1000_u32 {
        // Two quorums share an honest member, and all but the faulty make one.
        let faulty = (n - 1) / 3;
        assert!(2 * threshold(n) > n + faulty, "{n}");
        assert!(threshold(n) <= n - faulty, "{n}");
    }
}

#[test]
fn the_result_key_is_that_of_its_identity() {
    let vault = VaultSecret::generate(&mut rng(1));
    let derive = |path, identity| ResultKey::derive(&vet_key(&vault, path, identity)).public();
    let one = derive(KeyPath::Result, &EPOCH);
    assert_eq!(one, derive(KeyPath::Result, &EPOCH));
    assert_ne!(one, derive(KeyPath::Result, &Identity::Epoch(Epoch(8))));
    assert_ne!(one, derive(KeyPath::Request, &EPOCH));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_signed_verifies(seed in any::<u64>(), digest in any::<[u8; 32]>()) {
        let signing = SigningKey::generate(&mut rng(seed));
        let again = SigningKey::from_bytes(&signing.dangerous_to_bytes()).unwrap();
        let signature = signing.sign(&digest);
        prop_assert_eq!(again.sign(&digest), signature);
        prop_assert_eq!(signature.recover(&digest), Ok(signing.public()));
        prop_assert_eq!(signing.public().verify(&digest, &signature), Ok(()));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 65), digest in any::<[u8; 32]>(), v in 27_u8..29) {
        let mut signature = Signature(bytes.try_into().unwrap());
        signature.0[64] = v;
        if let Ok(key) = signature.recover(&digest) {
            prop_assert_eq!(key.verify(&digest, &signature), Ok(()));
        }
    }
}
