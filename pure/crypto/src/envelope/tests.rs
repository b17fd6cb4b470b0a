#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::{
    fixtures::{APP, EPOCH, NETWORK, aad, rng, vet_key},
    vet::VaultSecret,
};
use proptest::prelude::*;
use sotto_types::{Account, AppId, ChainId, Context, ContextId, Epoch, Generation, NetworkId};

fn vault() -> VaultSecret {
    VaultSecret::generate(&mut rng(1))
}

fn sealed(payload: &[u8]) -> Vec<u8> {
    let vault = vault();
    let path = KeyPath::Request;
    seal(vault.public(), path, &EPOCH, &aad(), payload, &mut rng(2)).unwrap().0
}

fn opened(envelope: &[u8]) -> Result<Vec<u8>, OpenFailed> {
    opened_as(&EPOCH, &aad(), envelope)
}

fn opened_as(identity: &Identity, aad: &Aad, envelope: &[u8]) -> Result<Vec<u8>, OpenFailed> {
    let vault = vault();
    let key = vet_key(&vault, KeyPath::Request, identity);
    open(&key, vault.public(), identity, aad, envelope).map(|opened| opened.payload.to_vec())
}

/// An envelope of any padded bytes and any hash of associated data, from someone who knows K.
fn forged(padded: &[u8], bound: &[u8; 32]) -> Vec<u8> {
    let vault = vault();
    let key = vault.public().derive(&NETWORK, &APP, KeyPath::Request);
    let k = Secret::from_bytes(&[5; 32]);
    let message = [k.expose().as_slice(), bound].concat();
    let seed = Secret::from_bytes(&[6; 32]);
    let mut out = vec![VERSION];
    out.extend(ibe::encrypt(key.parts(), &EPOCH.bytes(), &message, &seed).unwrap());
    let (cipher, nonce) = dem(&k, &sha256(&[&out]));
    let at = out.len();
    out.extend_from_slice(padded);
    let tag = cipher.encrypt_in_place_detached((&nonce).into(), &[], &mut out[at..]).unwrap();
    out.extend_from_slice(&tag);
    out
}

#[test]
fn payloads_at_every_edge_of_the_size_classes() {
    for (payload, class) in [
        (0, 64),
        (1, 64),
        (63, 64),
        (64, 256),
        (255, 256),
        (256, 1024),
        (1023, 1024),
        (1024, 4096),
        (4095, 4096),
        (100_000, 262_144),
    ] {
        let bytes: Vec<u8> = (0..payload).map(|at| (at % 253) as u8).collect();
        let envelope = sealed(&bytes);
        assert_eq!(envelope.len(), 217 + class, "{payload} bytes");
        assert_eq!(sealed_len(payload), envelope.len());
        assert!(opened(&envelope).unwrap() == bytes, "{payload} bytes");
    }
}

#[test]
fn payloads_that_look_like_padding() {
    for payload in [vec![0x80], vec![0x80, 0], vec![0; 63], vec![0x80; 63], vec![0; 64]] {
        assert_eq!(opened(&sealed(&payload)).unwrap(), payload);
    }
}

#[test]
fn what_is_not_sealed() {
    let vault = vault();
    let seal = |path, aad: &Aad, payload: &[u8]| {
        let sealed = seal(vault.public(), path, &EPOCH, aad, payload, &mut rng(2));
        sealed.map(|_| ()).unwrap_err()
    };
    let long = vec![0; PAYLOAD_MAX + 1];
    assert_eq!(seal(KeyPath::Request, &aad(), &long), SealError::TooLong { len: PAYLOAD_MAX + 1 });
    assert_eq!(seal(KeyPath::Result, &aad(), b""), SealError::Path(KeyPath::Result));
    let key = vault.public().derive(&NETWORK, &APP, KeyPath::Request);
    for other in
        [Aad { network: NetworkId([9; 32]), ..aad() }, Aad { app: AppId([9; 32]), ..aad() }]
    {
        let refused = seal_to(&key, &EPOCH, &other, b"", &mut rng(2)).map(|_| ());
        assert_eq!(refused, Err(SealError::Foreign));
    }
}

#[test]
fn the_largest_payload() {
    let payload = vec![0xa5; PAYLOAD_MAX];
    let envelope = sealed(&payload);
    assert_eq!(envelope.len(), sealed_len(PAYLOAD_MAX));
    assert!(opened(&envelope).unwrap() == payload);
}

#[test]
fn every_flipped_bit_is_refused() {
    let good = sealed(b"bid: 42");
    let vault = vault();
    let key = vet_key(&vault, KeyPath::Request, &EPOCH);
    let open = |bytes: &[u8]| {
        open(&key, vault.public(), &EPOCH, &aad(), bytes).map(|opened| opened.payload.to_vec())
    };
    assert_eq!(open(&good).unwrap(), b"bid: 42");
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&bad), Err(OpenFailed), "bit {bit}");
    }
}

#[test]
fn another_aad_in_any_field_is_refused() {
    let good = sealed(b"bid: 42");
    let others = [
        Aad { network: NetworkId([9; 32]), ..aad() },
        Aad { app: AppId([9; 32]), ..aad() },
        Aad { generation: Generation(4), ..aad() },
        Aad { chain: ChainId::from_caip2("eip155:1"), ..aad() },
        Aad { consumer: Account::from_address([9; 20]), ..aad() },
        Aad { submitter: Account::from_address([9; 20]), ..aad() },
        Aad { context: Context([9; 32]), ..aad() },
        Aad { consumer: aad().submitter, submitter: aad().consumer, ..aad() },
    ];
    for other in others {
        assert_eq!(opened_as(&EPOCH, &other, &good), Err(OpenFailed), "{other:?}");
    }
    assert_eq!(opened(&good).unwrap(), b"bid: 42");
}

#[test]
fn another_identity_path_app_network_or_vault_is_refused() {
    let good = sealed(b"bid: 42");
    let vault = vault();
    let context = Identity::Context(ContextId([7; 32]));
    for identity in [Identity::Epoch(Epoch(8)), Identity::Epoch(Epoch(6)), context] {
        assert_eq!(opened_as(&identity, &aad(), &good), Err(OpenFailed), "{identity:?}");
    }
    let key = vet_key(&vault, KeyPath::Request, &EPOCH);
    let opened = open(&key, vault.public(), &context, &aad(), &good);
    assert!(opened.is_err(), "another identity than the key's");
    let result = vet_key(&vault, KeyPath::Result, &EPOCH);
    assert!(open(&result, vault.public(), &EPOCH, &aad(), &good).is_err(), "another path");

    // After a re-key, neither the new key nor the old one under the new vault's name.
    let rekeyed = VaultSecret::generate(&mut rng(77));
    let new = vet_key(&rekeyed, KeyPath::Request, &EPOCH);
    assert!(open(&new, rekeyed.public(), &EPOCH, &aad(), &good).is_err());
    assert!(open(&key, rekeyed.public(), &EPOCH, &aad(), &good).is_err());
    assert!(open(&new, vault.public(), &EPOCH, &aad(), &good).is_err());
}

#[test]
fn an_envelope_to_a_context_opens_there_alone() {
    let vault = vault();
    let chain = aad().chain;
    let contract = Account::from_address([0x33; 20]);
    let name = |consumer, context| {
        Identity::Context(ContextId::new(&chain, &contract, &consumer, &context))
    };
    let here = name(aad().consumer, aad().context);
    let (envelope, _) =
        seal(vault.public(), KeyPath::Request, &here, &aad(), b"bid", &mut rng(2)).unwrap();
    assert_eq!(opened_as(&here, &aad(), &envelope).unwrap(), b"bid");
    for other in [name(aad().submitter, aad().context), name(aad().consumer, Context([9; 32]))] {
        assert_eq!(opened_as(&other, &aad(), &envelope), Err(OpenFailed));
    }
}

#[test]
fn parts_of_two_envelopes_do_not_go_together() {
    let vault = vault();
    let mut rng = rng(2);
    let mut next = |payload: &[u8]| {
        seal(vault.public(), KeyPath::Request, &EPOCH, &aad(), payload, &mut rng).unwrap().0
    };
    let (one, two) = (next(b"first"), next(b"other"));
    assert_eq!(opened(&one).unwrap(), b"first");
    assert_eq!(opened(&two).unwrap(), b"other");
    assert_eq!(opened(&[&one[..HEAD], &two[HEAD..]].concat()), Err(OpenFailed));
    for cut in [57, 105, 137, 169, HEAD + 1, one.len() - TAG] {
        assert_eq!(opened(&[&one[..cut], &two[cut..]].concat()), Err(OpenFailed), "at {cut}");
    }
}

#[test]
fn other_lengths_and_versions_are_refused() {
    let good = sealed(b"bid: 42");
    for len in 0..good.len() {
        assert_eq!(opened(&good[..len]), Err(OpenFailed), "{len} bytes");
    }
    assert_eq!(opened(&[&good[..], &[0]].concat()), Err(OpenFailed));
    assert_eq!(opened(&[&good[..], &[0; 192]].concat()), Err(OpenFailed));
    for version in [0, 2, 0x80] {
        let mut bytes = good.clone();
        bytes[0] = version;
        assert_eq!(opened(&bytes), Err(OpenFailed), "version {version}");
    }
}

/// Who knows K still cannot make the same bytes open as something else: the padding is checked,
/// and a wrong hash of the associated data looks like a wrong tag.
#[test]
fn what_only_the_sender_could_forge() {
    let bound = sha256(&[&aad().bytes()]);
    let padded = |payload: &[u8], len: usize| {
        let mut bytes = payload.to_vec();
        bytes.push(0x80);
        bytes.resize(len, 0);
        bytes
    };
    assert_eq!(opened(&forged(&padded(b"ok", 64), &bound)).unwrap(), b"ok");
    let unmarked = [b"no".as_slice(), &[0; 62]].concat();
    let dirty = [&padded(b"no", 63)[..], &[1]].concat();
    for (name, envelope) in [
        ("another hash", forged(&padded(b"no", 64), &[7; 32])),
        ("a class too large", forged(&padded(b"no", 256), &bound)),
        ("far too large", forged(&padded(b"no", 4096), &bound)),
        ("no class", forged(&padded(b"no", 65), &bound)),
        ("too small", forged(&padded(b"no", 32), &bound)),
        ("no padding", forged(&unmarked, &bound)),
        ("all zero", forged(&[0; 64], &bound)),
        ("dirty padding", forged(&dirty, &bound)),
        ("nothing", forged(&[], &bound)),
    ] {
        assert_eq!(opened(&envelope), Err(OpenFailed), "{name}");
    }
}

#[test]
fn a_second_encoding_of_the_same_point_is_refused() {
    // x.c0 + p in c1, which lax decoders read as x.c0.
    let p = hex::decode(
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffff\
         b9feffffffffaaab",
    )
    .unwrap();
    let mut bytes = sealed(b"bid: 42");
    let mut carry = 0_u16;
    for at in (0..48).rev() {
        let byte = &mut bytes[1 + 8 + 48 + at];
        carry += u16::from(*byte) + u16::from(p[at]);
        *byte = carry as u8;
        carry >>= 8;
    }
    assert_eq!(carry, 0);
    assert_eq!(opened(&bytes), Err(OpenFailed));
}

#[test]
fn nothing_is_drawn_twice() {
    let vault = vault();
    let mut rng = rng(2);
    let mut next =
        || seal(vault.public(), KeyPath::Request, &EPOCH, &aad(), b"same", &mut rng).unwrap().0;
    let (one, two) = (next(), next());
    for part in [9..105, 105..137, 137..169, HEAD..one.len()] {
        assert_ne!(one[part.clone()], two[part]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn opening_gives_what_was_sealed(
        payload in proptest::collection::vec(any::<u8>(), 0..3000),
        seed in any::<u64>(),
        submitter in any::<[u8; 32]>(),
        generation in any::<u64>(),
        context in any::<Option<[u8; 32]>>(),
        epoch in any::<u64>(),
    ) {
        let vault = vault();
        let identity = match context {
            Some(context) => Identity::Context(ContextId(context)),
            None => Identity::Epoch(Epoch(epoch)),
        };
        let (submitter, generation) = (Account(submitter), Generation(generation));
        let aad = Aad { submitter, generation, ..aad() };
        let key = vet_key(&vault, KeyPath::Request, &identity);
        let (envelope, mut client) =
            seal(vault.public(), KeyPath::Request, &identity, &aad, &payload, &mut rng(seed))
                .unwrap();
        prop_assert_eq!(envelope.len(), sealed_len(payload.len()));
        let mut opened = open(&key, vault.public(), &identity, &aad, &envelope).unwrap();
        prop_assert_eq!(&*opened.payload, &payload);
        let answer = opened.session.seal_next(&payload).unwrap();
        prop_assert_eq!(&*client.open_next(&answer).unwrap(), &payload);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600), good in any::<bool>()) {
        // Half of the inputs get past the first checks.
        let mut envelope = bytes;
        if good && envelope.len() >= 300 {
            let reference = sealed(b"");
            envelope[..250].copy_from_slice(&reference[..250]);
            envelope.truncate(281);
        }
        prop_assert!(opened(&envelope).is_err());
    }
}
