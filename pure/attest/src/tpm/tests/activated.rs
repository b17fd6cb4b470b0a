//! Credentials: made outside the TPM, opened by one in software.

use super::*;
use crate::{
    hash::sha256,
    tpm::{
        Credential, CredentialError, EndorsementKey, Random,
        made::{ENDORSES, p256, p384, rsa},
        make_credential, parse_public,
    },
};
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use p256::elliptic_curve::sec1::{FromEncodedPoint as _, ToEncodedPoint as _};
use rsa::{
    BigUint,
    traits::{PrivateKeyParts as _, PublicKeyParts as _},
};

const SECRET: &[u8] = b"sixteen bytes ok";

fn credential(way: Way, name: &[u8]) -> Credential {
    let ek = EndorsementKey::from_public(&parse_public(&way.public(ENDORSES)).unwrap()).unwrap();
    make_credential(&ek, name, SECRET, &Random([0x31; 128])).unwrap()
}

/// HMAC, written out.
fn hmac(hash: Hash, key: &[u8], message: &[u8]) -> Vec<u8> {
    let block = if hash == Hash::Sha384 { 128 } else { 64 };
    let mut key = key.to_vec();
    key.resize(block, 0);
    let pad = |with: u8| key.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    hash.digest(&[&pad(0x5c), &hash.digest(&[&pad(0x36), message])])
}

fn kdfa(hash: Hash, seed: &[u8], label: &[u8], name: &[u8], bits: u32) -> Vec<u8> {
    let message = [&[0, 0, 0, 1], label, &[0], name, &bits.to_be_bytes()].concat();
    let mut key = hmac(hash, seed, &message);
    key.truncate(usize::try_from(bits / 8).unwrap());
    key
}

fn mgf1(hash: Hash, seed: &[u8], size: usize) -> Vec<u8> {
    (0_u32..).flat_map(|n| hash.digest(&[seed, &n.to_be_bytes()])).take(size).collect()
}

fn xor(one: &[u8], two: &[u8]) -> Vec<u8> {
    one.iter().zip(two).map(|(one, two)| one ^ two).collect()
}

/// The seed, by the endorsement key's secret half.
fn open(way: Way, secret: &[u8]) -> Vec<u8> {
    let hash = way.hash();
    let body = &secret[2..];
    match way {
        Way::Rsassa | Way::Rsapss => {
            let key = rsa();
            let block = BigUint::from_bytes_be(body).modpow(key.d(), key.n()).to_bytes_be();
            let (seed, data) = block.split_at(32);
            let seed = xor(seed, &mgf1(hash, data, 32));
            let data = xor(data, &mgf1(hash, &seed, data.len()));
            assert_eq!(data[..32], hash.digest(&[b"IDENTITY\0"]));
            let one = data[32..].iter().position(|byte| *byte != 0).unwrap();
            assert_eq!(data[32 + one], 1);
            data[32 + one + 1..].to_vec()
        }
        Way::P256 => {
            let (x, y) = (&body[2..34], &body[36..68]);
            let point = p256::EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
            let theirs = p256::PublicKey::from_encoded_point(&point).unwrap();
            let shared = theirs.to_projective() * **p256().as_nonzero_scalar();
            let shared = shared.to_affine().to_encoded_point(false);
            let ours = p256().verifying_key().to_encoded_point(false);
            let parts =
                [&[0, 0, 0, 1], &shared.x().unwrap()[..], b"IDENTITY\0", x, ours.x().unwrap()];
            hash.digest(&parts)
        }
        Way::P384 => {
            let (x, y) = (&body[2..50], &body[52..100]);
            let point = p384::EncodedPoint::from_affine_coordinates(x.into(), y.into(), false);
            let theirs = p384::PublicKey::from_encoded_point(&point).unwrap();
            let shared = theirs.to_projective() * **p384().as_nonzero_scalar();
            let shared = shared.to_affine().to_encoded_point(false);
            let ours = p384().verifying_key().to_encoded_point(false);
            let parts =
                [&[0, 0, 0, 1], &shared.x().unwrap()[..], b"IDENTITY\0", x, ours.x().unwrap()];
            hash.digest(&parts)
        }
    }
}

/// `TPM2_ActivateCredential` for the key of this name.
fn activate(way: Way, credential: &Credential, name: &[u8]) -> Option<Vec<u8>> {
    let hash = way.hash();
    let seed = open(way, &credential.encrypted_secret);
    let blob = &credential.id_object[2..];
    let (integrity, identity) = blob[2..].split_at(hash.size());
    let bits = u32::try_from(hash.size() * 8).unwrap();
    let key = kdfa(hash, &seed, b"INTEGRITY", &[], bits);
    if hmac(hash, &key, &[identity, name].concat()) != integrity {
        return None;
    }
    let bits = if way == Way::P384 { 256 } else { 128 };
    let key = kdfa(hash, &seed, b"STORAGE", name, bits);
    let mut block = aes::Block::default();
    let mut plain = Vec::new();
    for chunk in identity.chunks(16) {
        match bits {
            128 => aes::Aes128::new_from_slice(&key).unwrap().encrypt_block(&mut block),
            _ => aes::Aes256::new_from_slice(&key).unwrap().encrypt_block(&mut block),
        }
        plain.extend(xor(chunk, &block));
        block[..chunk.len()].copy_from_slice(chunk);
    }
    Some(plain[2..].to_vec())
}

#[test]
fn a_credential_is_opened_by_its_tpm_and_binds_its_key() {
    let ak = parse_public(&Way::P256.public(ATTESTS)).unwrap();
    for way in [Way::Rsassa, Way::P256, Way::P384] {
        let credential = credential(way, &ak.name());
        assert_eq!(activate(way, &credential, &ak.name()).unwrap(), SECRET);
        assert_eq!(activate(way, &credential, &[&[0, 0x0b], &[1; 32][..]].concat()), None);
        assert!(credential.activated(SECRET).is_some());
        assert_eq!(credential.activated(b"another 16 bytes"), None);
        assert_eq!(credential.activated(&SECRET[..15]), None);
        let file = credential.to_file();
        assert_eq!(file[..8], [0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1]);
        assert_eq!(file.len(), 8 + credential.id_object.len() + credential.encrypted_secret.len());
    }
}

/// What these bytes of chance give is fixed: swtpm 0.7.1 opened such credentials of all three kinds.
#[test]
fn credentials_are_a_function_of_their_chance() {
    let ak = parse_public(&Way::P256.public(ATTESTS)).unwrap();
    for (way, digest) in GOLDEN {
        let file = credential(way, &ak.name()).to_file();
        assert_eq!(hex::encode(&sha256(&file)[..8]), digest, "{way:?}");
    }
}

const GOLDEN: [(Way, &str); 3] = [
    (Way::Rsassa, "4b23a42076a5f2f4"),
    (Way::P256, "ce63aad3ef9d5fce"),
    (Way::P384, "1feb9c62e86961d1"),
];

#[test]
fn credentials_that_cannot_be_made_are_refused() {
    let ek = parse_public(&Way::P256.public(ENDORSES)).unwrap();
    let ek = EndorsementKey::from_public(&ek).unwrap();
    let make = |secret: &[u8], random: u8| {
        make_credential(&ek, &[0; 34], secret, &Random([random; 128])).map(drop)
    };
    assert_eq!(make(&[], 1), Err(CredentialError::Secret(0)));
    assert_eq!(make(&[1; 33], 1), Err(CredentialError::Secret(33)));
    assert_eq!(make(SECRET, 0), Err(CredentialError::Random));
    assert_eq!(make(SECRET, 0xff), Err(CredentialError::Random));
    assert_eq!(make(SECRET, 1), Ok(()));
    let ak = parse_public(&Way::P256.public(ATTESTS)).unwrap();
    assert_eq!(EndorsementKey::from_public(&ak), Err(CredentialError::NotAStorageKey));
    // A point off its curve.
    let mut area = Way::P256.public(ENDORSES);
    let last = area.len() - 1;
    area[last] ^= 1;
    let ek = EndorsementKey::from_public(&parse_public(&area).unwrap()).unwrap();
    let made = make_credential(&ek, &[0; 34], SECRET, &Random([1; 128]));
    assert_eq!(made.map(drop), Err(CredentialError::Point));
    assert!(EndorsementKey::from_certificate(b"none").is_err());
}
