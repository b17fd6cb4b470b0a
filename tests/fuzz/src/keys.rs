//! Keys and signatures as bytes: each has one valid form.

use crate::Reached;
use crate::network::{NETWORK, key, keys as worker_keys, vault};
use borsh::BorshDeserialize as _;
use sotto_crypto::sign::{BadSignature, PublicKey, Signature, SigningKey};
use sotto_crypto::vet::{TransportKey, TransportSecret, VaultKey, VaultSecret};
use sotto_types::KeyPath;

/// The first byte says which key the rest is said to be.
pub fn keys(bytes: &[u8]) -> Reached {
    let Some((kind, bytes)) = bytes.split_first() else { return Reached::Refused };
    let taken = match kind {
        0 => fixed::<96>(bytes).is_some_and(vault_key),
        1 => fixed::<48>(bytes).is_some_and(transport_key),
        2 => fixed::<33>(bytes).is_some_and(public_key),
        3 => fixed::<32>(bytes).is_some_and(secrets),
        _ => public_key_of_borsh(bytes),
    };
    if taken { Reached::Taken } else { Reached::Refused }
}

fn fixed<const N: usize>(bytes: &[u8]) -> Option<&[u8; N]> {
    bytes.try_into().ok()
}

fn vault_key(bytes: &[u8; 96]) -> bool {
    let Ok(key) = VaultKey::from_bytes(bytes) else { return false };
    assert_eq!(key.to_bytes(), *bytes, "a second form of a vault key");
    let (network, app) = (NETWORK.genesis.id(), crate::network::manifest().id());
    let derived = key.derive(&network, &app, KeyPath::Request).to_bytes();
    assert!(VaultKey::from_bytes(&derived).is_ok(), "what is derived is no key");
    true
}

fn transport_key(bytes: &[u8; 48]) -> bool {
    let Ok(key) = TransportKey::from_bytes(bytes) else { return false };
    assert_eq!(key.to_bytes(), *bytes, "a second form of a transport key");
    true
}

fn public_key(bytes: &[u8; 33]) -> bool {
    let read = PublicKey::from_bytes(bytes);
    assert_eq!(PublicKey::try_from_slice(bytes).ok(), read.ok(), "two decoders differ");
    let Ok(key) = read else { return false };
    assert_eq!(key.to_bytes(), *bytes, "a second form of a key");
    let mut other = *bytes;
    other[0] ^= 1;
    let other = PublicKey::from_bytes(&other).expect("the point's negative is one");
    assert_ne!((other.address(), other.node_id()), (key.address(), key.node_id()));
    true
}

fn public_key_of_borsh(bytes: &[u8]) -> bool {
    let Ok(key) = PublicKey::try_from_slice(bytes) else { return false };
    assert_eq!(borsh::to_vec(&key).unwrap(), bytes);
    true
}

fn secrets(bytes: &[u8; 32]) -> bool {
    let signing = SigningKey::from_bytes(bytes);
    let transport = TransportSecret::from_bytes(bytes);
    let vault = VaultSecret::from_bytes(bytes);
    let mut taken = false;
    if let Ok(key) = &signing {
        assert_eq!(*key.dangerous_to_bytes(), *bytes);
        taken |= public_key(&key.public().to_bytes());
    }
    if let Ok(key) = &transport {
        assert_eq!(*key.dangerous_to_bytes(), *bytes);
        taken |= transport_key(&key.public().to_bytes());
        assert!(vault.is_ok(), "a transport secret that is no scalar");
    }
    if let Ok(key) = &vault {
        assert_eq!(*key.dangerous_to_bytes(), *bytes);
    }
    taken
}

/// The order of secp256k1's group.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

pub(crate) fn key_seeds() -> Vec<Vec<u8>> {
    let seed = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let worker = worker_keys().public();
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    let generator = TransportSecret::from_bytes(&[0; 32]).err();
    assert!(generator.is_some(), "zero is a secret");
    let mut one = [0; 32];
    one[31] = 1;
    let mut two = one;
    two[31] = 2;
    let doubled = TransportSecret::from_bytes(&two).unwrap().public().to_bytes();
    let mut compact = worker.signing;
    compact[0] = 5;
    vec![
        seed(0, &vault().public().to_bytes()),
        seed(0, &infinity),
        seed(1, &worker.transport),
        seed(1, &doubled),
        seed(1, &infinity[..48]),
        seed(2, &worker.signing),
        seed(2, &compact),
        seed(3, &one),
        seed(3, &two),
        seed(3, &[0; 32]),
        seed(3, &ORDER),
        seed(3, &*key("worker").dangerous_to_bytes()),
        seed(4, &worker.signing),
        seed(4, &compact),
    ]
}

/// A digest and a signature: no other form of a valid one is valid too.
pub fn signature(bytes: &[u8]) -> Reached {
    let Some((digest, signature)) = bytes.split_first_chunk::<32>() else {
        return Reached::Refused;
    };
    let Some(signature) = fixed::<65>(signature) else { return Reached::Refused };
    let signature = Signature(*signature);
    let Ok(key) = signature.recover(digest) else { return Reached::Refused };
    assert_eq!(key.verify(digest, &signature), Ok(()));
    let mut other = signature;
    other.0[64] ^= 27 ^ 28;
    assert_ne!(other.recover(digest), Ok(key), "v says nothing");
    other.0[32..64].copy_from_slice(&negated(&signature.0[32..64]));
    assert_eq!(other.recover(digest), Err(BadSignature::HighS), "s has two forms");
    let mut digest = *digest;
    digest[0] ^= 1;
    assert!(key.verify(&digest, &signature).is_err(), "another digest does too");
    Reached::Taken
}

/// The group's order less `s`, both big-endian.
fn negated(s: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    let mut borrow = false;
    for at in (0..32).rev() {
        let (less, first) = ORDER[at].overflowing_sub(s[at]);
        let (less, second) = less.overflowing_sub(borrow.into());
        (out[at], borrow) = (less, first || second);
    }
    out
}

pub(crate) fn signature_seeds() -> Vec<Vec<u8>> {
    let signed = |name: &str, digest: [u8; 32]| {
        let signature = key(name).sign(&digest);
        [digest.as_slice(), &signature.0].concat()
    };
    let mut seeds: Vec<Vec<u8>> = (0..8).map(|n| signed("worker", [n; 32])).collect();
    seeds.push(signed("member", ORDER));
    let mut high = signed("owner", [9; 32]);
    let s = negated(&high[64..96]);
    high[64..96].copy_from_slice(&s);
    seeds.push(high);
    seeds
}
