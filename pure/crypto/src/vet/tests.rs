#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{LEVEL1_DST, LEVEL2_DST, VaultKey, VaultSecret, derive, offset};
use crate::{
    backend::{G1, G2, Scalar, bls_verify},
    fixtures::{APP, EPOCH, NETWORK, rng, unhex, vet_key},
    ibe,
    secret::Secret,
};
use ic_bls12_381::{
    G1Affine,
    hash_to_curve::{ExpandMsgXmd, HashToCurve},
};
use sotto_types::{AppId, ContextId, Epoch, Identity, KeyPath, NetworkId, id::sha256};

/// The vault secret of the published vector: 42.
fn forty_two() -> VaultSecret {
    let mut bytes = [0; 32];
    bytes[31] = 42;
    VaultSecret::from_bytes(&bytes).unwrap()
}

/// s = 42, id `sotto-test-app`, context `request`, identity `epoch-1`, seed 32×09, message 32×07.
#[test]
fn the_published_vector() {
    let vault = forty_two();
    assert_eq!(
        hex::encode(vault.public().to_bytes()),
        "ac7fa63dfc38bbf3712e27a180391bca4ccabf609c5967a0592eff420b6235f3f2b323051cb099acc3969a\
         ca310f7ff4191b2d6db43fafc2c9592f7e5f73981107975d3d92b843891e724dbc9f05b5eee5a3b2b1fc78\
         2ede8149f30830b84444"
    );
    let derived = derive(vault.public(), b"sotto-test-app", b"request");
    let dpk = derived.point.encode();
    assert_eq!(
        hex::encode(dpk),
        "8125fb7f355c8293d9aeacb707aa96c6b086ebdb0d68ca92919133134b8368064254de63540ed8d2a5046a\
         0b75e14e5501f33ee63e2423510cf81b7746c8dcdc7915d2d91b8356fba10e6eafc54b1e0dcd863a5480c6\
         5c1742780f38e8b32a8b"
    );
    let sigma = G1::hash_mul(&dpk, b"epoch-1", &(*vault.scalar + derived.offset));
    assert_eq!(
        hex::encode(sigma.encode()),
        "b08ff4ad3be6524e1533057f22e5d624e4f98f59f6bba88237ea5e41f59aff50d07ec37989a34c5c49a504\
         d1355661a6"
    );
    assert!(bls_verify(&sigma, &dpk, b"epoch-1", &derived.point));
    let seed = Secret::from_bytes(&[9; 32]);
    let ciphertext = ibe::encrypt((&derived.point, &dpk), b"epoch-1", &[7; 32], &seed).unwrap();
    assert_eq!(
        hex::encode(&ciphertext[104..]),
        "5ee138d9c33e452d37116d0fbcf7e1e3d52bcfa2ebdc4f9c2d54c2a065ae7317b0199d0fcba0f5212f44b9\
         5a883f25b5a62e3c98d2ff32fa9ce69aa29469e631"
    );
    assert_eq!(
        hex::encode(sha256(&[&ciphertext])),
        "b013fb6946985f7f54192c435374c737b2c885bacdcb87e53265a7da670ee131"
    );
    assert_eq!(*ibe::decrypt(&sigma, &ciphertext).unwrap(), vec![7; 32]);
}

/// Derivation and signature check by `ic-vetkeys`, on our keys.
#[test]
fn ic_vetkeys_derives_the_same() {
    let vault = VaultSecret::generate(&mut rng(1));
    let master = ic_vetkeys::MasterPublicKey::deserialize(&vault.public().to_bytes()).unwrap();
    let id = [NETWORK.0, APP.0].concat();
    for path in [KeyPath::Request, KeyPath::Result] {
        let ours = vault.public().derive(&NETWORK, &APP, path);
        let theirs = master.derive_canister_key(&id).derive_sub_key(path.bytes());
        assert_eq!(ours.to_bytes().as_slice(), theirs.serialize());
        let key = vet_key(&vault, path, &EPOCH);
        let sigma = key.point().encode();
        assert!(ic_vetkeys::verify_bls_signature(&theirs, &EPOCH.bytes(), &sigma));
        let info = "sotto/some-purpose/v1";
        let derived: Secret<57> = key.derive(info.as_bytes());
        let reference = ic_vetkeys::VetKey::deserialize(&sigma).unwrap();
        assert_eq!(derived.expose().as_slice(), reference.derive_symmetric_key(info, 57));
    }
}

#[test]
fn levels_do_not_mix() {
    let vault = VaultSecret::generate(&mut rng(1));
    let vault = vault.public();
    let point = |id: &[u8], path: &[u8]| derive(vault, id, path).point.encode();
    let reference = point(b"ab", b"c");
    assert_ne!(point(b"a", b"bc"), reference, "another split");
    assert_ne!(point(b"c", b"ab"), reference, "swapped levels");
    // Level 2 under level 1's domain, and the other way round.
    let step = |key: &[u8; 96], id: &[u8], dst: &[u8]| {
        G2::decode(key).unwrap().add(&G2::generator_mul(&offset(key, id, dst))).encode()
    };
    let first = step(&vault.to_bytes(), b"ab", LEVEL1_DST);
    assert_eq!(step(&first, b"c", LEVEL2_DST), reference);
    assert_ne!(step(&first, b"c", LEVEL1_DST), reference, "level 1's domain at level 2");
    let wrong = step(&vault.to_bytes(), b"ab", LEVEL2_DST);
    assert_ne!(step(&wrong, b"c", LEVEL2_DST), reference, "level 2's domain at level 1");
    // `ic-vetkeys` takes an empty context for none: no path of ours is empty.
    for path in [KeyPath::Request, KeyPath::Result] {
        assert!(!path.bytes().is_empty());
        assert_ne!(point(b"ab", path.bytes()), first);
    }
}

#[test]
fn network_app_path_and_vault_each_give_another_key() {
    let vault = VaultSecret::generate(&mut rng(1));
    let other = VaultSecret::generate(&mut rng(2));
    let request = KeyPath::Request;
    let keys = [
        vault.public().derive(&NETWORK, &APP, request),
        vault.public().derive(&NETWORK, &APP, KeyPath::Result),
        vault.public().derive(&NETWORK, &AppId([0x23; 32]), request),
        vault.public().derive(&NetworkId([0x12; 32]), &APP, request),
        vault.public().derive(&NetworkId(APP.0), &AppId(NETWORK.0), request),
        other.public().derive(&NETWORK, &APP, request),
    ];
    for (at, key) in keys.iter().enumerate() {
        for (with, other) in keys.iter().enumerate() {
            assert_eq!(key.to_bytes() == other.to_bytes(), at == with, "{at} and {with}");
            assert_eq!(key == other, at == with, "{at} and {with}");
        }
    }
}

#[test]
fn identities_are_never_empty_and_never_prefixes() {
    let all = [
        Identity::Epoch(Epoch(0)),
        Identity::Epoch(Epoch(1 << 56)),
        Identity::Context(ContextId([0; 32])),
        Identity::Context(ContextId([1; 32])),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!one.bytes().is_empty());
        for (with, other) in all.iter().enumerate() {
            assert!(at == with || !one.bytes().starts_with(&other.bytes()), "{one:?} {other:?}");
        }
    }
}

/// Additive derivation is safe only because the identity point is hashed with its derived key:
/// without the prefix, one app's key gives another's.
#[test]
fn the_related_key_forgery_fails() {
    let vault = VaultSecret::generate(&mut rng(1));
    let one = vault.public().derive(&NETWORK, &APP, KeyPath::Request);
    let two = vault.public().derive(&NETWORK, &AppId([0x23; 32]), KeyPath::Request);
    let secret = |key: &super::AppKey| *vault.scalar + key.offset;
    let shift = two.offset - one.offset;
    let id = EPOCH.bytes();

    // Without the prefix, the point is the same under both keys, and the forgery is perfect.
    let bare = G1::hash_mul(b"", &id, &secret(&one));
    let forged = bare.add(&G1::hash_mul(b"", &id, &shift));
    assert!(bls_verify(&forged, b"", &id, &two.point));
    assert!(!bls_verify(&forged, &two.bytes, &id, &two.point), "the missing prefix is refused");

    // With it, neither key's point takes the forger there.
    let sigma = G1::hash_mul(&one.bytes, &id, &secret(&one));
    assert!(bls_verify(&sigma, &one.bytes, &id, &one.point));
    for prefix in [&one.bytes, &two.bytes] {
        let forged = sigma.add(&G1::hash_mul(prefix, &id, &shift));
        assert!(!bls_verify(&forged, &two.bytes, &id, &two.point));
    }
}

/// A vault partial is not a signature of any other scheme on this curve, and theirs are no keys.
#[test]
fn other_domains_are_other_signatures() {
    let vault = VaultSecret::generate(&mut rng(1));
    let key = vault.public().derive(&NETWORK, &APP, KeyPath::Request);
    let secret = *vault.scalar + key.offset;
    let message = [key.bytes.as_slice(), &EPOCH.bytes()].concat();
    let sign =
        |suite: &str| {
            let dst = format!("BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_{suite}_");
            let point = <ic_bls12_381::G1Projective as HashToCurve<ExpandMsgXmd<sha2::Sha256>>>::
            hash_to_curve(&message, dst.as_bytes());
            G1::decode(&G1Affine::from(point * secret).to_compressed()).unwrap()
        };
    let verify = |point| bls_verify(&point, &key.bytes, &EPOCH.bytes(), &key.point);
    assert!(verify(sign("AUG")));
    assert!(!verify(sign("POP")));
    assert!(!verify(sign("NUL")));
}

#[test]
fn public_keys_are_decoded_strictly() {
    let good = forty_two().public().to_bytes();
    assert_eq!(VaultKey::from_bytes(&good).unwrap().to_bytes(), good);
    let mut outside = [0; 96];
    (outside[0], outside[95]) = (0x80, 2);
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    let mut unflagged = good;
    unflagged[0] &= 0x7f;
    for bad in [outside, infinity, unflagged, [0; 96], [0xff; 96]] {
        let refused = VaultKey::from_bytes(&bad).unwrap_err();
        assert_eq!(refused.to_string(), "not a valid vault key");
    }
}

#[test]
fn secrets_are_decoded_strictly() {
    let secret = VaultSecret::generate(&mut rng(1));
    let bytes = secret.dangerous_to_bytes();
    let again = VaultSecret::from_bytes(&bytes).unwrap();
    assert_eq!(again.public(), secret.public());
    let order = unhex("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    for bad in [[0; 32], order, [0xff; 32]] {
        assert!(VaultSecret::from_bytes(&bad).is_err());
    }
    // The other byte order is another key, or none.
    let mut reversed = *bytes;
    reversed.reverse();
    let reversed = VaultSecret::from_bytes(&reversed);
    assert!(reversed.is_err() || reversed.is_ok_and(|key| key.public() != secret.public()));
}

#[test]
fn a_derived_scalar_would_be_the_vault_key() {
    // Why none is ever handed out: the offset is public.
    let vault = VaultSecret::generate(&mut rng(1));
    let key = vault.public().derive(&NETWORK, &APP, KeyPath::Request);
    let derived: Scalar = *vault.scalar + key.offset;
    assert_eq!(G2::generator_mul(&derived).encode(), key.to_bytes());
    assert_eq!(derived - key.offset, *vault.scalar);
}
