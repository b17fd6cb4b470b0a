#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::fixtures::{APP, EPOCH, NETWORK, rng, unhex};
use ic_bls12_381::{G1Affine, G1Projective};
use rand_chacha::ChaCha20Rng;
use sotto_types::Epoch;

const PATH: KeyPath = KeyPath::Request;

/// A committee made by a dealer, for tests alone: in a network nobody ever holds the whole key.
struct Committee {
    threshold: usize,
    members: Vec<(u32, VaultSecret)>,
    /// The public shares, as a ledger would know them.
    public: BTreeMap<u32, VaultKey>,
}

/// Shamir's secret sharing: members' shares are values of a random polynomial at 1, 2, 3 …
fn deal(vault: &VaultSecret, threshold: usize, members: u32, rng: &mut ChaCha20Rng) -> Committee {
    let mut coefficients = vec![*vault.scalar];
    coefficients.extend((1..threshold).map(|_| *SecretScalar::generate(rng)));
    let share = |index: u32| {
        let x = Scalar::from(u64::from(index));
        let at = |value: Scalar, coefficient: &Scalar| value * x + coefficient;
        let value = coefficients.iter().rev().fold(Scalar::zero(), at);
        (index, VaultSecret::new(SecretScalar::new(value)))
    };
    let members: Vec<_> = (1..=members).map(share).collect();
    let public = members.iter().map(|(index, secret)| (*index, secret.public.clone())).collect();
    Committee { threshold, members, public }
}

impl Committee {
    fn shares(
        &self,
        key: &AppKey,
        identity: &Identity,
        transport: &TransportKey,
        rng: &mut ChaCha20Rng,
    ) -> Vec<(u32, EncryptedShare)> {
        let grant =
            |secret: &VaultSecret, rng: &mut _| secret.grant_share(key, identity, transport, rng);
        self.members.iter().map(|(index, secret)| (*index, grant(secret, rng))).collect()
    }
}

/// Everything a test of shares needs.
struct Scene {
    rng: ChaCha20Rng,
    vault: VaultSecret,
    key: AppKey,
    transport: TransportSecret,
    committee: Committee,
    shares: Vec<(u32, EncryptedShare)>,
}

fn scene(threshold: usize, members: u32) -> Scene {
    let mut rng = rng(1);
    let vault = VaultSecret::generate(&mut rng);
    let key = vault.public.derive(&NETWORK, &APP, PATH);
    let transport = TransportSecret::generate(&mut rng);
    let committee = deal(&vault, threshold, members, &mut rng);
    let shares = committee.shares(&key, &EPOCH, &transport.public, &mut rng);
    Scene { rng, vault, key, transport, committee, shares }
}

impl Scene {
    fn whole(&mut self) -> [u8; 48] {
        let tpk = &self.transport.public;
        let share = self.vault.grant(&NETWORK, &APP, PATH, &EPOCH, tpk, &mut self.rng);
        self.open(&[(1, share)]).unwrap()
    }

    fn open(&self, shares: &[(u32, EncryptedShare)]) -> Result<[u8; 48], GrantError> {
        let key = self.transport.open_with(shares, &self.key, &EPOCH)?;
        Ok(key.point().encode())
    }

    fn blame(&self, shares: &[(u32, EncryptedShare)]) -> Vec<u32> {
        blame(shares, &self.committee.public, &self.key, &EPOCH, &self.transport.public)
    }
}

fn with(share: &EncryptedShare, at: usize, bytes: &[u8]) -> EncryptedShare {
    let mut out = *share;
    out.0[at..at + bytes.len()].copy_from_slice(bytes);
    out
}

#[test]
fn every_quorum_gives_the_key_of_the_whole() {
    for (threshold, members) in [(1, 1), (3, 4), (5, 7)] {
        let mut scene = scene(threshold, members);
        let whole = scene.whole();
        for start in 0..members as usize {
            let mut shares = scene.shares.clone();
            shares.rotate_left(start);
            shares.truncate(scene.committee.threshold);
            assert_eq!(scene.open(&shares), Ok(whole), "{threshold} of {members} from {start}");
        }
        assert_eq!(scene.open(&scene.shares), Ok(whole), "all {members}");
        for (index, share) in &scene.shares {
            let member = &scene.committee.public[index];
            assert_eq!(share.check(member, &scene.key, &EPOCH, &scene.transport.public), Ok(()));
        }
        assert!(scene.blame(&scene.shares).is_empty());
    }
}

/// The combination, in the vetKD form, opened by `ic-vetkeys`; and the same key from both.
#[test]
fn ic_vetkeys_opens_our_shares() {
    for (threshold, members) in [(1, 1), (3, 4), (5, 7)] {
        let mut scene = scene(threshold, members);
        let shares = &scene.shares[..threshold];
        let weights = lagrange_at_zero(shares.iter().map(|(index, _)| *index)).unwrap();
        let mut sums = (G1Projective::identity(), ic_bls12_381::G2Projective::identity());
        let mut c3 = G1Projective::identity();
        for ((_, share), weight) in shares.iter().zip(&weights) {
            sums.0 += G1Affine::from_compressed(&share.part(0)).unwrap() * weight;
            sums.1 += ic_bls12_381::G2Affine::from_compressed(&share.part(48)).unwrap() * weight;
            c3 += G1Affine::from_compressed(&share.part(144)).unwrap() * weight;
        }
        let mut combined = G1Affine::from(sums.0).to_compressed().to_vec();
        combined.extend(ic_bls12_381::G2Affine::from(sums.1).to_compressed());
        combined.extend(G1Affine::from(c3).to_compressed());

        let mut little = scene.transport.dangerous_to_bytes();
        little.reverse();
        let tsk = ic_vetkeys::TransportSecretKey::deserialize(little.as_slice()).unwrap();
        assert_eq!(tsk.public_key(), scene.transport.public.to_bytes());
        let dpk = ic_vetkeys::DerivedPublicKey::deserialize(&scene.key.to_bytes()).unwrap();
        let key = ic_vetkeys::EncryptedVetKey::deserialize(&combined)
            .unwrap()
            .decrypt_and_verify(&tsk, &dpk, &EPOCH.bytes())
            .unwrap();
        assert_eq!(*key.signature_bytes(), scene.whole());
    }
}

#[test]
fn too_few_or_misnumbered_shares_do_not_open() {
    let scene = scene(3, 4);
    let s = &scene.shares;
    assert_eq!(scene.open(&[]), Err(GrantError::NoShares));
    assert_eq!(scene.open(&s[..2]), Err(GrantError::NotVerified), "t - 1");
    assert_eq!(scene.open(&s[..1]), Err(GrantError::NotVerified), "one");
    assert_eq!(scene.open(&[s[0], s[1], s[1]]), Err(GrantError::DuplicateIndex(2)));
    assert_eq!(scene.open(&[s[0], s[1], (1, s[2].1)]), Err(GrantError::DuplicateIndex(1)));
    assert_eq!(scene.open(&[s[0], s[1], (0, s[2].1)]), Err(GrantError::IndexZero));
    let swapped = [(1, s[1].1), (2, s[0].1), s[2]];
    assert_eq!(scene.open(&swapped), Err(GrantError::NotVerified), "another member's index");
    assert_eq!(scene.blame(&swapped), [1, 2]);
    let beyond = [s[0], s[1], (9, s[2].1)];
    assert_eq!(scene.open(&beyond), Err(GrantError::NotVerified), "index beyond the committee");
    assert_eq!(scene.blame(&beyond), [9]);
    let many: Vec<_> = (1..=MAX_SHARES as u32 + 1).map(|index| (index, s[0].1)).collect();
    assert_eq!(scene.open(&many), Err(GrantError::TooMany));
    assert_eq!(scene.open(&many[..MAX_SHARES]), Err(GrantError::NotVerified));
}

#[test]
fn a_share_for_anything_else_is_found_and_named() {
    let mut scene = scene(3, 4);
    let (key, tpk) = (scene.key.clone(), scene.transport.public.clone());
    let secret = VaultSecret::from_bytes(&scene.committee.members[1].1.dangerous_to_bytes());
    let secret = secret.unwrap();
    let rng = &mut scene.rng;
    let stranger = TransportSecret::generate(rng);
    let other_key = scene.vault.public.derive(&NETWORK, &AppId([9; 32]), PATH);
    let result_key = scene.vault.public.derive(&NETWORK, &APP, KeyPath::Result);
    let other_network = scene.vault.public.derive(&NetworkId([9; 32]), &APP, PATH);
    let another = VaultSecret::generate(rng);
    let cases = [
        ("transport key", secret.grant_share(&key, &EPOCH, &stranger.public, rng)),
        ("identity", secret.grant_share(&key, &Identity::Epoch(Epoch(8)), &tpk, rng)),
        ("app", secret.grant_share(&other_key, &EPOCH, &tpk, rng)),
        ("path", secret.grant_share(&result_key, &EPOCH, &tpk, rng)),
        ("network", secret.grant_share(&other_network, &EPOCH, &tpk, rng)),
        ("secret", another.grant_share(&key, &EPOCH, &tpk, rng)),
        // The member takes its own public share for the vault key.
        ("vault", secret.grant(&NETWORK, &APP, PATH, &EPOCH, &tpk, rng)),
    ];
    let member = scene.committee.public[&2].clone();
    for (name, share) in cases {
        assert_eq!(share.check(&member, &key, &EPOCH, &tpk), Err(ShareError::Partial), "{name}");
        let shares = [scene.shares[0], (2, share), scene.shares[2]];
        assert_eq!(scene.open(&shares), Err(GrantError::NotVerified), "{name}");
        assert_eq!(scene.blame(&shares), [2], "{name}");
    }
    // A member that brings its own public share would pass: that share comes from the ledger.
    let share = another.grant_share(&key, &EPOCH, &tpk, &mut scene.rng);
    assert_eq!(share.check(another.public(), &key, &EPOCH, &tpk), Ok(()));
}

#[test]
fn bad_points_are_refused_and_named() {
    let scene = scene(3, 4);
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    let mut outside = [0; 48];
    (outside[0], outside[47]) = (0x80, 4);
    let good = scene.shares[1].1;
    let member = &scene.committee.public[&2];
    let check =
        |share: &EncryptedShare| share.check(member, &scene.key, &EPOCH, &scene.transport.public);
    for (name, at, bytes) in [
        ("C1", 0, &infinity[..48]),
        ("C1", 0, &outside),
        ("C3", 144, &infinity[..48]),
        ("C3", 144, &outside),
        ("C2", 48, &infinity[..]),
    ] {
        let share = with(&good, at, bytes);
        assert_eq!(check(&share), Err(ShareError::Point(name)));
        let shares = [scene.shares[0], (2, share), scene.shares[2]];
        // C2 is not looked at when opening, only when blaming.
        let bad = if name == "C2" { Ok(()) } else { Err(GrantError::BadShare(2)) };
        assert_eq!(scene.open(&shares).map(|_| ()), bad, "{name}");
        assert_eq!(scene.blame(&shares), [2]);
    }
}

/// With C1 = r·G1 + T, T of small order, whether the key verifies would tell a member the
/// transport secret modulo that order. The subgroup check stands before that.
#[test]
fn a_small_order_part_is_refused() {
    let scene = scene(3, 4);
    let mut outside = [0; 48];
    (outside[0], outside[47]) = (0x80, 4);
    let point = G1Affine::from_compressed_unchecked(&outside).unwrap();
    // (r − 1)·Q + Q: what is left of Q is of an order that divides the cofactor.
    let torsion = G1Projective::from(point) * -Scalar::one() + point;
    assert!(!bool::from(torsion.is_identity()));
    for (name, at) in [("C1", 0), ("C3", 144)] {
        let share = scene.shares[1].1;
        let bytes: [u8; 48] = share.part(at);
        let moved = G1Affine::from_compressed(&bytes).unwrap() + torsion;
        let share = with(&share, at, &G1Affine::from(moved).to_compressed());
        let shares = [scene.shares[0], (2, share), scene.shares[2]];
        assert_eq!(scene.open(&shares), Err(GrantError::BadShare(2)), "{name}");
        let member = &scene.committee.public[&2];
        let checked = share.check(member, &scene.key, &EPOCH, &scene.transport.public);
        assert_eq!(checked, Err(ShareError::Point(name)));
    }
}

#[test]
fn c1_and_c2_must_be_of_one_randomness() {
    let mut scene = scene(3, 4);
    let other = scene.committee.shares(&scene.key, &EPOCH, &scene.transport.public, &mut scene.rng);
    let (one, two) = (&scene.shares[0].1, &other[0].1);
    assert_ne!(one.0, two.0, "fresh randomness for every share");
    let member = &scene.committee.public[&1];
    let check =
        |share: &EncryptedShare| share.check(member, &scene.key, &EPOCH, &scene.transport.public);
    let c2: [u8; 96] = two.part(48);
    assert_eq!(check(&with(one, 48, &c2)), Err(ShareError::Randomness));
    let c1: [u8; 48] = two.part(0);
    assert_eq!(check(&with(one, 0, &c1)), Err(ShareError::Randomness));
    assert_eq!(check(&with(&with(one, 0, &c1), 48, &c2)), Err(ShareError::Partial));
}

#[test]
fn any_flipped_bit_of_a_share_is_caught() {
    let scene = scene(1, 1);
    let member = &scene.committee.public[&1];
    for bit in 0..192 * 8 {
        let mut share = scene.shares[0].1;
        share.0[bit / 8] ^= 1 << (bit % 8);
        let checked = share.check(member, &scene.key, &EPOCH, &scene.transport.public);
        assert!(checked.is_err(), "bit {bit} passes the check");
        if !(48 * 8..144 * 8).contains(&bit) {
            assert!(scene.open(&[(1, share)]).is_err(), "bit {bit} opens");
        }
    }
}

#[test]
fn only_the_transport_secret_opens() {
    let mut scene = scene(3, 4);
    let stranger = TransportSecret::generate(&mut scene.rng);
    let opened = stranger.open_with(&scene.shares[..3], &scene.key, &EPOCH);
    assert_eq!(opened.err(), Some(GrantError::NotVerified));
    let later = Identity::Epoch(Epoch(8));
    let opened = scene.transport.open_with(&scene.shares[..3], &scene.key, &later);
    assert_eq!(opened.err(), Some(GrantError::NotVerified));
}

#[test]
fn resharing_changes_nothing_and_rekeying_everything() {
    let mut scene = scene(3, 4);
    let before = scene.whole();
    let next = deal(&scene.vault, 5, 7, &mut scene.rng);
    let shares = next.shares(&scene.key, &EPOCH, &scene.transport.public, &mut scene.rng);
    assert_eq!(scene.open(&shares[..5]), Ok(before), "the same vault key, the same vetKeys");
    let old = &scene.shares;
    let mixed = [shares[0], shares[1], old[2], shares[3], shares[4]];
    assert_eq!(scene.open(&mixed), Err(GrantError::NotVerified), "shares of two committees");
    let named = blame(&mixed, &next.public, &scene.key, &EPOCH, &scene.transport.public);
    assert_eq!(named, [3]);

    let rekeyed = VaultSecret::generate(&mut scene.rng);
    assert_ne!(rekeyed.public(), scene.vault.public());
    let tpk = &scene.transport.public;
    let share = rekeyed.grant(&NETWORK, &APP, PATH, &EPOCH, tpk, &mut scene.rng);
    assert_eq!(scene.open(&[(1, share)]), Err(GrantError::NotVerified));
    let key = scene
        .transport
        .open(&[(1, share)], rekeyed.public(), &NETWORK, &APP, PATH, &EPOCH)
        .unwrap();
    assert_ne!(key.point().encode(), before);
}

#[test]
fn transport_keys_are_decoded_strictly() {
    let secret = TransportSecret::generate(&mut rng(1));
    let good = secret.public.to_bytes();
    assert_eq!(TransportKey::from_bytes(&good).unwrap(), secret.public);
    let mut infinity = [0; 48];
    infinity[0] = 0xc0;
    let mut outside = [0; 48];
    (outside[0], outside[47]) = (0x80, 4);
    let generator = G1::generator_mul(&Scalar::one()).encode();
    for bad in [infinity, outside, generator, [0; 48], [0xff; 48]] {
        let refused = TransportKey::from_bytes(&bad).unwrap_err();
        assert_eq!(refused.to_string(), "not a valid transport key");
    }

    let bytes = secret.dangerous_to_bytes();
    assert_eq!(TransportSecret::from_bytes(&bytes).unwrap().public, secret.public);
    let mut one = [0; 32];
    one[31] = 1;
    let order = unhex("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    for bad in [[0; 32], one, order, [0xff; 32]] {
        assert!(TransportSecret::from_bytes(&bad).is_err());
    }
    let mut reversed = *bytes;
    reversed.reverse();
    let reversed = TransportSecret::from_bytes(&reversed);
    assert!(reversed.is_err() || reversed.is_ok_and(|other| other.public != secret.public));
}

/// What the refusal of infinity is for: such a share would carry its secret in the clear.
#[test]
fn a_share_for_infinity_would_be_the_partial_itself() {
    let mut scene = scene(1, 1);
    let nobody = TransportKey { point: G1::generator_mul(&Scalar::zero()), bytes: [0; 48] };
    let share = scene.vault.grant(&NETWORK, &APP, PATH, &EPOCH, &nobody, &mut scene.rng);
    assert_eq!(share.part::<48>(144), scene.whole());
}
