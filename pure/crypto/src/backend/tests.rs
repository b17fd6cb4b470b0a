#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Scalar, SecretScalar, is_zero};
use crate::fixtures::unhex;
use ic_bls12_381::{G1Affine, G2Affine};

/// The field's modulus p, 48 bytes big-endian.
const P: &str = "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f624\
                 1eabfffeb153ffffb9feffffffffaaab";
/// The group's order r, 32 bytes big-endian.
const R: &str = "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001";

/// a + b as 48-byte integers, if it fits.
fn sum(a: &[u8], b: &[u8; 48]) -> Option<[u8; 48]> {
    let mut out = [0; 48];
    let mut carry = 0_u16;
    for at in (0..48).rev() {
        carry += u16::from(a[at]) + u16::from(b[at]);
        out[at] = carry as u8;
        carry >>= 8;
    }
    (carry == 0).then_some(out)
}

/// The encodings `sealing` must refuse in G1, each with its name.
fn bad_g1() -> Vec<(&'static str, [u8; 48])> {
    let p: [u8; 48] = unhex(P);
    let good = G1Affine::generator().to_compressed();
    let with = |first: u8, last: u8| {
        let mut bytes = [0; 48];
        (bytes[0], bytes[47]) = (first, last);
        bytes
    };
    let flagged = |mut bytes: [u8; 48], flags: u8| {
        bytes[0] |= flags;
        bytes
    };
    let mut unflagged = good;
    unflagged[0] &= 0x7f;
    // A multiple of the generator whose x leaves room for p below 2^381.
    let wide = (1_u64..).find_map(|k| {
        let point = G1Affine::from(G1Affine::generator() * Scalar::from(k)).to_compressed();
        let mut x = point;
        x[0] &= 0x1f;
        let shifted = sum(&x, &p).filter(|sum| sum[0] < 0x20)?;
        Some(flagged(shifted, point[0] & 0xe0))
    });
    let off_curve = (1_u8..)
        .map(|x| with(0x80, x))
        .find(|bytes| bool::from(G1Affine::from_compressed_unchecked(bytes).is_none()));
    let outside = with(0x80, 4);
    let on_curve = G1Affine::from_compressed_unchecked(&outside).unwrap();
    assert!(bool::from(on_curve.is_on_curve() & !on_curve.is_torsion_free()));
    let uncompressed = G1Affine::generator().to_uncompressed();
    vec![
        ("outside the subgroup", outside),
        ("outside the subgroup, other y", with(0xa0, 4)),
        ("infinity", with(0xc0, 0)),
        ("infinity with the sign flag", with(0xe0, 0)),
        ("infinity with a bit of x", with(0xc0, 1)),
        ("infinity flag on a point", flagged(good, 0x40)),
        ("infinity without the compression flag", with(0x40, 0)),
        ("all zero", [0; 48]),
        ("no compression flag", unflagged),
        ("x = p", flagged(p, 0x80)),
        ("x + p", wide.unwrap()),
        ("x without y", off_curve.unwrap()),
        ("half of the uncompressed form", *uncompressed.first_chunk().unwrap()),
        ("other half", *uncompressed.last_chunk().unwrap()),
    ]
}

/// The same for G2.
fn bad_g2() -> Vec<(&'static str, [u8; 96])> {
    let p: [u8; 48] = unhex(P);
    let good = G2Affine::generator().to_compressed();
    let with = |first: u8, last: u8| {
        let mut bytes = [0; 96];
        (bytes[0], bytes[95]) = (first, last);
        bytes
    };
    let flagged = |mut bytes: [u8; 96], flags: u8| {
        bytes[0] |= flags;
        bytes
    };
    let low = |low: &[u8; 48]| {
        let mut bytes = good;
        bytes[48..].copy_from_slice(low);
        bytes
    };
    let mut unflagged = good;
    unflagged[0] &= 0x7f;
    let mut high = [0; 96];
    high[..48].copy_from_slice(&p);
    let off_curve = (1_u8..)
        .map(|x| with(0x80, x))
        .find(|bytes| bool::from(G2Affine::from_compressed_unchecked(bytes).is_none()));
    let outside = with(0x80, 2);
    let on_curve = G2Affine::from_compressed_unchecked(&outside).unwrap();
    assert!(bool::from(on_curve.is_on_curve() & !on_curve.is_torsion_free()));
    let uncompressed = G2Affine::generator().to_uncompressed();
    vec![
        ("outside the subgroup", outside),
        ("outside the subgroup, other y", with(0xa0, 2)),
        ("infinity", with(0xc0, 0)),
        ("infinity with the sign flag", with(0xe0, 0)),
        ("infinity with a bit of x", with(0xc0, 1)),
        ("infinity flag on a point", flagged(good, 0x40)),
        ("infinity without the compression flag", with(0x40, 0)),
        ("all zero", [0; 96]),
        ("no compression flag", unflagged),
        ("x.c1 = p", flagged(high, 0x80)),
        ("x.c0 = p", low(&p)),
        ("x.c0 + p", low(&sum(&good[48..], &p).unwrap())),
        ("x without y", off_curve.unwrap()),
        ("half of the uncompressed form", *uncompressed.first_chunk().unwrap()),
        ("other half", *uncompressed.last_chunk().unwrap()),
    ]
}

macro_rules! suite {
    ($name:ident, $backend:path) => {
        mod $name {
            use super::*;
            use backend::{G1, G2, bls_verify, pairing_bytes, pairings_match};
            use $backend as backend;

            fn g1() -> G1 {
                G1::generator_mul(&Scalar::one())
            }

            #[test]
            fn decoding_is_strict() {
                for (name, bytes) in bad_g1() {
                    assert!(G1::decode(&bytes).is_none(), "G1: {name}");
                }
                for (name, bytes) in bad_g2() {
                    assert!(G2::decode(&bytes).is_none(), "G2: {name}");
                }
                let good = G1Affine::generator().to_compressed();
                assert_eq!(G1::decode(&good).unwrap().encode(), good);
                let good = G2Affine::generator().to_compressed();
                assert_eq!(G2::decode(&good).unwrap().encode(), good);
            }

            #[test]
            fn pairing_bytes_are_those_of_the_format() {
                let bytes = pairing_bytes(&g1(), &G2::generator());
                assert_eq!(
                    hex::encode(sotto_types::id::sha256(&[bytes.as_slice()])),
                    "300e47c99502f3af33ad2080847d528cabd90365a90ab98bc174565c27928591"
                );
            }

            #[test]
            fn infinity_never_matches() {
                let (p, q) = (g1(), G2::generator());
                let zero = Scalar::zero();
                let (no_p, no_q) = (G1::generator_mul(&zero), G2::generator_mul(&zero));
                assert!(no_p.is_infinity() && no_q.is_infinity());
                assert!(p.mul(&zero).is_infinity() && no_p.mul(&Scalar::one()).is_infinity());
                assert!(pairings_match((&p, &q), &[(&p, &q)]));
                for bad in [(&no_p, &q), (&p, &no_q), (&no_p, &no_q)] {
                    assert!(!pairings_match(bad, &[bad]));
                    assert!(!pairings_match(bad, &[]));
                    assert!(!pairings_match((&p, &q), &[(&p, &q), bad]));
                    assert!(!bls_verify(bad.0, b"", b"m", bad.1));
                }
            }

            #[test]
            fn pairings_are_bilinear() {
                let (a, b) = (Scalar::from(6_u64), Scalar::from(35_u64));
                let left = (&G1::generator_mul(&a), &G2::generator_mul(&b));
                let whole = G1::generator_mul(&(a * b));
                assert!(pairings_match(left, &[(&whole, &G2::generator())]));
                let part = G1::generator_mul(&(a * b - Scalar::one()));
                let split = [(&part, &G2::generator()), (&g1(), &G2::generator())];
                assert!(pairings_match(left, &split));
                assert!(!pairings_match(left, &split[..1]));
            }

            #[test]
            fn group_laws_hold_at_their_edges() {
                let (two, p) = (Scalar::from(2_u64), g1());
                assert_eq!(p.add(&p).encode(), p.mul(&two).encode());
                assert!(p.add(&p.mul(&-Scalar::one())).is_infinity());
                let none = G1::generator_mul(&Scalar::zero());
                assert_eq!(p.add(&none).encode(), p.encode());
                assert_eq!(none.add(&p).encode(), p.encode());
                let q = G2::generator();
                assert_eq!(q.add(&q).encode(), G2::generator_mul(&two).encode());
                assert!(q.add(&G2::generator_mul(&-Scalar::one())).is_infinity());
            }
        }
    };
}

suite!(selected, crate::backend);
#[cfg(feature = "blst")]
suite!(pure_rust, crate::backend::twin);

/// Every operation, on the same inputs, in both backends.
#[cfg(feature = "blst")]
#[test]
fn backends_agree_byte_for_byte() {
    use super::{native, twin};
    let mut rng = crate::fixtures::rng(5);
    for round in 0_u8..8 {
        let (a, b) = (SecretScalar::generate(&mut rng), SecretScalar::generate(&mut rng));
        let aug = vec![round; usize::from(round) * 31];
        let n = native::G1::hash_mul(&aug, b"message", &a);
        let t = twin::G1::hash_mul(&aug, b"message", &a);
        assert_eq!(n.encode(), t.encode());
        assert_eq!(n.mul(&b).encode(), t.mul(&b).encode());
        let (ng, tg) = (native::G1::generator_mul(&b), twin::G1::generator_mul(&b));
        assert_eq!(ng.encode(), tg.encode());
        assert_eq!(n.add(&ng).encode(), t.add(&tg).encode());
        let (nq, tq) = (native::G2::generator_mul(&b), twin::G2::generator_mul(&b));
        assert_eq!(nq.encode(), tq.encode());
        let (np, tp) = (native::G2::generator(), twin::G2::generator());
        assert_eq!(nq.add(&np).encode(), tq.add(&tp).encode());
        assert_eq!(*native::pairing_bytes(&n, &nq), *twin::pairing_bytes(&t, &tq));
        assert_eq!(
            native::hash_to_scalar(&aug, b"some-domain"),
            twin::hash_to_scalar(&aug, b"some-domain")
        );
        let key = (native::G2::generator_mul(&a), twin::G2::generator_mul(&a));
        assert!(native::bls_verify(&n, &aug, b"message", &key.0));
        assert!(twin::bls_verify(&t, &aug, b"message", &key.1));
        assert!(!native::bls_verify(&n, &aug, b"massage", &key.0));
        assert!(!twin::bls_verify(&t, &aug, b"massage", &key.1));
    }
}

#[test]
fn secret_scalars_are_canonical() {
    let order: [u8; 32] = unhex(R);
    let mut below = order;
    below[31] -= 1;
    let mut one = [0; 32];
    one[31] = 1;
    for (bytes, good) in
        [(order, false), ([0; 32], false), ([0xff; 32], false), (below, true), (one, true)]
    {
        assert_eq!(SecretScalar::from_be(&bytes).is_some(), good, "{}", hex::encode(bytes));
    }
    let scalar = SecretScalar::from_be(&below).unwrap();
    assert_eq!(*scalar, -Scalar::one());
    assert_eq!(*scalar.to_be(), below);
    assert!(is_zero(&Scalar::zero()) && !is_zero(&scalar));
}
