#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{PublicKey, Scheme, SignatureError};
use crate::hash::Hash;
use der::{Encode as _, asn1::BitString};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey, traits::PublicKeyParts as _};
use sha2::{Sha256, Sha384, Sha512};
use std::sync::LazyLock;
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

const MESSAGE: &[u8] = b"a message";
const ECDSA: [Scheme; 2] = [Scheme::EcdsaSha256, Scheme::EcdsaSha384];
const RSA: [Scheme; 6] = [
    Scheme::RsaPkcs1Sha256,
    Scheme::RsaPkcs1Sha384,
    Scheme::RsaPkcs1Sha512,
    Scheme::RsaPssSha256,
    Scheme::RsaPssSha384,
    Scheme::RsaPssSha512,
];

/// The verdict, which is the other backend's too.
fn verify(
    key: &PublicKey,
    scheme: Scheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let verdict = key.verify(scheme, message, signature);
    #[cfg(feature = "blst")]
    if verdict != Err(SignatureError::Form) {
        assert_eq!(super::twin::verify(key, scheme, message, signature), verdict);
    }
    verdict
}

fn digest(scheme: Scheme) -> Vec<u8> {
    let hash = match scheme {
        Scheme::EcdsaSha256 | Scheme::RsaPkcs1Sha256 | Scheme::RsaPssSha256 => Hash::Sha256,
        Scheme::EcdsaSha384 | Scheme::RsaPkcs1Sha384 | Scheme::RsaPssSha384 => Hash::Sha384,
        Scheme::RsaPkcs1Sha512 | Scheme::RsaPssSha512 => Hash::Sha512,
    };
    hash.digest(&[MESSAGE])
}

fn p256(scheme: Scheme) -> (PublicKey, Vec<u8>) {
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let signature: p256::ecdsa::Signature = key.sign_prehash(&digest(scheme)).unwrap();
    let point = key.verifying_key().to_encoded_point(false);
    let public = PublicKey::from_coordinates(point.x().unwrap(), point.y().unwrap()).unwrap();
    (public, signature.to_bytes().to_vec())
}

fn p384(scheme: Scheme) -> (PublicKey, Vec<u8>) {
    let key = p384::ecdsa::SigningKey::from_slice(&[7; 48]).unwrap();
    let signature: p384::ecdsa::Signature = key.sign_prehash(&digest(scheme)).unwrap();
    let point = key.verifying_key().to_encoded_point(false);
    let public = PublicKey::from_coordinates(point.x().unwrap(), point.y().unwrap()).unwrap();
    (public, signature.to_bytes().to_vec())
}

static KEY: LazyLock<RsaPrivateKey> =
    LazyLock::new(|| RsaPrivateKey::new(&mut ChaCha20Rng::seed_from_u64(1), 2048).unwrap());

fn rsa_public() -> PublicKey {
    PublicKey::from_rsa(&KEY.n().to_bytes_be(), &KEY.e().to_bytes_be()).unwrap()
}

fn rsa(scheme: Scheme) -> Vec<u8> {
    let digest = digest(scheme);
    let mut chance = ChaCha20Rng::seed_from_u64(2);
    let pss = |padding, chance: &mut ChaCha20Rng| KEY.sign_with_rng(chance, padding, &digest);
    match scheme {
        Scheme::RsaPkcs1Sha256 => KEY.sign(Pkcs1v15Sign::new::<Sha256>(), &digest),
        Scheme::RsaPkcs1Sha384 => KEY.sign(Pkcs1v15Sign::new::<Sha384>(), &digest),
        Scheme::RsaPkcs1Sha512 => KEY.sign(Pkcs1v15Sign::new::<Sha512>(), &digest),
        Scheme::RsaPssSha256 => pss(Pss::new::<Sha256>(), &mut chance),
        Scheme::RsaPssSha384 => pss(Pss::new::<Sha384>(), &mut chance),
        _ => pss(Pss::new::<Sha512>(), &mut chance),
    }
    .unwrap()
}

/// Every key with a good signature of every scheme that it has.
fn all() -> Vec<(PublicKey, Scheme, Vec<u8>)> {
    let ecdsa = ECDSA.into_iter().flat_map(|scheme| {
        [p256(scheme), p384(scheme)].map(|(key, signature)| (key, scheme, signature))
    });
    let rsa = RSA.into_iter().map(|scheme| (rsa_public(), scheme, rsa(scheme)));
    ecdsa.chain(rsa).collect()
}

#[test]
fn good_signatures_of_every_scheme_verify() {
    for (key, scheme, signature) in all() {
        assert_eq!(verify(&key, scheme, MESSAGE, &signature), Ok(()), "{scheme:?}");
    }
}

#[test]
fn another_message_key_scheme_or_signature_is_forged() {
    let all = all();
    for (key, scheme, signature) in &all {
        let other = verify(key, *scheme, b"another message", signature);
        assert_eq!(other, Err(SignatureError::Forged), "{scheme:?}");
        for (_, other_scheme, _) in all.iter().filter(|(_, other, _)| other != scheme) {
            assert!(verify(key, *other_scheme, MESSAGE, signature).is_err());
        }
        for index in 0..signature.len() {
            let mut odd = signature.clone();
            odd[index] ^= 1 << (index % 8);
            assert_eq!(verify(key, *scheme, MESSAGE, &odd), Err(SignatureError::Forged));
        }
    }
}

#[test]
fn signatures_of_another_length_have_the_wrong_form() {
    for (key, scheme, signature) in all() {
        for odd in [&signature[1..], &[&[0], &signature[..]].concat(), &[]] {
            assert_eq!(verify(&key, scheme, MESSAGE, odd), Err(SignatureError::Form));
        }
    }
    let (key, _) = p256(Scheme::EcdsaSha256);
    let (_, long) = p384(Scheme::EcdsaSha384);
    assert_eq!(verify(&key, Scheme::EcdsaSha384, MESSAGE, &long), Err(SignatureError::Form));
    assert_eq!(verify(&key, Scheme::RsaPssSha256, MESSAGE, &[0; 64]), Err(SignatureError::Form));
    let key = rsa_public();
    assert_eq!(verify(&key, Scheme::EcdsaSha256, MESSAGE, &[0; 256]), Err(SignatureError::Form));
}

const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
                          581a0db248b0a77aecec196accc52973";

#[test]
fn scalars_of_zero_or_beyond_the_order_are_forged() {
    for (signed, order) in [
        (p256 as fn(Scheme) -> (PublicKey, Vec<u8>), P256_ORDER),
        (p384 as fn(Scheme) -> (PublicKey, Vec<u8>), P384_ORDER),
    ] {
        let order = hex::decode(order).unwrap();
        for scheme in ECDSA {
            let (key, signature) = signed(scheme);
            let (r, s) = signature.split_at(order.len());
            let (zero, ones) = (vec![0; order.len()], vec![0xff; order.len()]);
            for (r, s) in [
                (&zero[..], s),
                (r, &zero[..]),
                (&order[..], s),
                (r, &order[..]),
                (&ones[..], s),
                (&zero[..], &zero[..]),
            ] {
                let odd = [r, s].concat();
                assert_eq!(verify(&key, scheme, MESSAGE, &odd), Err(SignatureError::Forged));
            }
            // The other root of s is ECDSA's own second form; both backends take it.
            let n = BigUint::from_bytes_be(&order);
            let other = (n - BigUint::from_bytes_be(s)).to_bytes_be();
            let pad = vec![0; order.len() - other.len()];
            let other = [r, &pad, &other].concat();
            assert_eq!(verify(&key, scheme, MESSAGE, &other), Ok(()));
        }
    }
}

#[test]
fn points_off_the_curve_and_at_infinity_are_no_keys() {
    let (key, signature) = p256(Scheme::EcdsaSha256);
    let PublicKey::P256(point) = key else { panic!("a P-256 key") };
    let mut off = point;
    off[64] ^= 1;
    let mut beyond = [0xff; 65];
    beyond[0] = 4;
    let mut zero = [0; 65];
    zero[0] = 4;
    for odd in [off, beyond, zero] {
        let key = PublicKey::P256(odd);
        let verdict = verify(&key, Scheme::EcdsaSha256, MESSAGE, &signature);
        assert_eq!(verdict, Err(SignatureError::Forged));
    }
    let (key, signature) = p384(Scheme::EcdsaSha384);
    let PublicKey::P384(mut off) = key else { panic!("a P-384 key") };
    off[96] ^= 1;
    let verdict = verify(&PublicKey::P384(off), Scheme::EcdsaSha384, MESSAGE, &signature);
    assert_eq!(verdict, Err(SignatureError::Forged));
    for (x, y) in [(31, 32), (32, 48), (48, 32), (0, 0), (66, 66)] {
        let key = PublicKey::from_coordinates(&vec![1; x], &vec![1; y]);
        assert_eq!(key, Err(SignatureError::Key));
    }
}

const EC: &str = "1.2.840.10045.2.1";

fn spki(algorithm: &str, curve: Option<&str>, key: &[u8]) -> Vec<u8> {
    let oid = |text: &str| ObjectIdentifier::new(text).unwrap();
    let algorithm = AlgorithmIdentifierOwned {
        oid: oid(algorithm),
        parameters: curve.map(|curve| (&oid(curve)).into()),
    };
    let subject_public_key = BitString::from_bytes(key).unwrap();
    SubjectPublicKeyInfoOwned { algorithm, subject_public_key }.to_der().unwrap()
}

#[test]
fn keys_are_read_strictly() {
    let (key, _) = p256(Scheme::EcdsaSha256);
    let PublicKey::P256(point) = key.clone() else { panic!("a P-256 key") };
    let p256 = Some("1.2.840.10045.3.1.7");
    let good = spki(EC, p256, &point);
    assert_eq!(PublicKey::from_spki(&good), Ok(key));
    let compressed = [&[2], &point[1..33]].concat();
    for odd in [
        [&good[..], &[0]].concat(),
        good[..good.len() - 1].to_vec(),
        spki(EC, Some("1.3.132.0.10"), &point),
        spki(EC, Some("1.3.132.0.34"), &point),
        spki(EC, None, &point),
        spki(EC, p256, &compressed),
        spki(EC, p256, &[0]),
        spki(EC, p256, &point[..64]),
        spki("1.3.101.112", None, &point[..32]),
        Vec::new(),
    ] {
        assert_eq!(PublicKey::from_spki(&odd), Err(SignatureError::Key));
    }
}

#[test]
fn rsa_keys_have_sizes_and_exponents_that_are_spoken() {
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= (8 - bits % 8) % 8;
        bytes
    };
    let e = &[1, 0, 1][..];
    for bits in [2048, 2056, 3072, 4096, 8192] {
        assert!(PublicKey::from_rsa(&modulus(bits), e).is_ok());
        assert!(PublicKey::from_rsa(&[vec![0, 0], modulus(bits)].concat(), &[0, 3]).is_ok());
    }
    for bits in [512, 1024, 2040, 2047, 2049, 8193, 8200, 65_536] {
        assert_eq!(PublicKey::from_rsa(&modulus(bits), e), Err(SignatureError::Key), "{bits}");
    }
    let mut even = modulus(2048);
    even[255] = 0xfe;
    assert_eq!(PublicKey::from_rsa(&even, e), Err(SignatureError::Key));
    for exponent in [&[][..], &[0], &[1], &[2], &[4], &[2, 0, 0, 0, 1], &[1; 6]] {
        let key = PublicKey::from_rsa(&modulus(2048), exponent);
        assert_eq!(key, Err(SignatureError::Key), "{exponent:?}");
    }
    assert!(PublicKey::from_rsa(&modulus(2048), &[1, 0, 0, 0, 1]).is_ok());
    assert_eq!(PublicKey::from_rsa(&[], &[]), Err(SignatureError::Key));
}

#[test]
fn rsa_paddings_of_another_form_are_forged() {
    let key = rsa_public();
    let mut chance = ChaCha20Rng::seed_from_u64(3);
    for salt in [0, 20, 47, 49] {
        let digest = digest(Scheme::RsaPssSha384);
        let odd =
            KEY.sign_with_rng(&mut chance, Pss::new_with_salt::<Sha384>(salt), &digest).unwrap();
        let verdict = verify(&key, Scheme::RsaPssSha384, MESSAGE, &odd);
        assert_eq!(verdict, Err(SignatureError::Forged), "salt of {salt} bytes");
    }
    let bare = KEY.sign(Pkcs1v15Sign::new_unprefixed(), &digest(Scheme::RsaPkcs1Sha256)).unwrap();
    let verdict = verify(&key, Scheme::RsaPkcs1Sha256, MESSAGE, &bare);
    assert_eq!(verdict, Err(SignatureError::Forged), "a digest without its name");
    let modulus = KEY.n().to_bytes_be();
    for odd in [vec![0; 256], vec![0xff; 256], modulus] {
        for scheme in RSA {
            assert_eq!(verify(&key, scheme, MESSAGE, &odd), Err(SignatureError::Forged));
        }
    }
}

/// `INTEGER`s of r and s with these contents.
fn sequence(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| [&[2, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap()], &body[..]].concat()
}

#[test]
fn signatures_in_der_are_canonical() {
    let scheme = Scheme::EcdsaSha384;
    let (key, signature) = p384(scheme);
    let (r, s) = signature.split_at(48);
    let minimal = |scalar: &[u8]| {
        let start = scalar.iter().position(|b| *b != 0).unwrap();
        let sign = if scalar[start] >= 0x80 { vec![0] } else { vec![] };
        [sign, scalar[start..].to_vec()].concat()
    };
    let (r, s) = (minimal(r), minimal(s));
    let good = sequence(&r, &s);
    let check = |der: &[u8]| key.verify_der(scheme, MESSAGE, der);
    assert_eq!(check(&good), Ok(()));
    let padded = |scalar: &[u8]| [&[0], scalar].concat();
    let body = &good[2..];
    for odd in [
        [&good[..], &[0]].concat(),
        good[..good.len() - 1].to_vec(),
        sequence(&padded(&r), &s),
        sequence(&r, &padded(&s)),
        sequence(&[&[0x80], &r[1..]].concat(), &s),
        sequence(&[0x7f; 49], &s),
        sequence(&[], &s),
        [&[0x30, 0x81, u8::try_from(body.len()).unwrap()], body].concat(),
        [&[0x31], &good[1..]].concat(),
        signature.clone(),
        Vec::new(),
    ] {
        assert_eq!(check(&odd), Err(SignatureError::Form), "{}", hex::encode(&odd));
    }
    assert_eq!(check(&sequence(&[0], &s)), Err(SignatureError::Forged));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes, the two backends agree and nothing panics.
    #[test]
    fn no_random_key_or_signature_verifies(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        x in prop::array::uniform32(any::<u8>()),
        chosen in 0..8_usize,
    ) {
        let scheme = ECDSA.into_iter().chain(RSA).nth(chosen).unwrap();
        let fitting = |size: usize| bytes.iter().copied().cycle().take(size).collect::<Vec<_>>();
        let keys = [
            PublicKey::from_spki(&bytes),
            PublicKey::from_coordinates(&x, &x),
            PublicKey::from_rsa(&bytes, &[1, 0, 1]),
            Ok(p384(Scheme::EcdsaSha384).0),
            Ok(rsa_public()),
        ];
        for key in keys.into_iter().flatten() {
            for size in [64, 96, 256] {
                if !bytes.is_empty() {
                    prop_assert!(verify(&key, scheme, MESSAGE, &fitting(size)).is_err());
                }
            }
            prop_assert!(key.verify_der(scheme, MESSAGE, &bytes).is_err());
        }
    }
}
