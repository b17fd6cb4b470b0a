//! The trust root: what it takes, what it refuses, and that what it makes is taken.

use super::world::{World, account, genesis, key, manifest, network, recipient, rng, vault};
use crate::{AGE_BLOCKS, AGE_MAX, AHEAD_MAX, ClientError, Network, NotBelieved};
use sotto_crypto::envelope::{self, SealError};
use sotto_crypto::vet::{TransportSecret, VetKey};
use sotto_ledger::BadProof;
use sotto_ledger::certificate::NotBelieved as Unproved;
use sotto_ledger::state::{App, Clock};
use sotto_ledger::view::key as entry_key;
use sotto_types::{Action, AppId, Context, Identity, KeyPath, NetworkId, Wire as _, limits};

#[test]
fn a_network_is_its_genesis() {
    let genesis = genesis("test");
    let network = Network::from_genesis(&genesis.encode()).unwrap();
    assert_eq!(network.genesis(), &genesis);
    assert_eq!(network.id(), genesis.id());
    assert_eq!(network.vault().to_bytes(), genesis.vault);
    assert_ne!(network.id(), super::world::network("other").id());
}

#[test]
fn what_is_no_genesis_founds_nothing() {
    let bytes = genesis("test").encode();
    let refused = |bytes: &[u8]| match Network::from_genesis(bytes) {
        Err(ClientError::Malformed { what, .. }) => assert_eq!(what, "genesis"),
        other => panic!("{other:?}"),
    };
    refused(b"");
    refused(&bytes[..bytes.len() - 1]);
    refused(&[bytes.as_slice(), &[0]].concat());
    let mut keyless = genesis("test");
    keyless.vault = [0; 96];
    refused(&keyless.encode());
    let mut infinite = genesis("test");
    infinite.vault = [0; 96];
    infinite.vault[0] = 0xc0;
    refused(&infinite.encode());
}

#[test]
fn a_certificate_is_believed_for_a_while() {
    let world = World::new();
    let (network, certificate) = (&world.network, world.certificate());
    let time = certificate.time;
    let max = AGE_MAX + AGE_BLOCKS;
    assert_eq!(network.certificate_age_max(), max);
    assert_eq!(network.check_certificate(&certificate, time), Ok(()));
    assert_eq!(network.check_certificate(&certificate, time.plus(max)), Ok(()));
    let now = time.plus(max + 1);
    let stale = NotBelieved::Stale { time, now, max };
    assert_eq!(network.check_certificate(&certificate, now), Err(stale));

    let mut now = time;
    now.0 -= AHEAD_MAX;
    assert_eq!(network.check_certificate(&certificate, now), Ok(()));
    now.0 -= 1;
    let ahead = NotBelieved::Ahead { time, now, max: AHEAD_MAX };
    assert_eq!(network.check_certificate(&certificate, now), Err(ahead));
}

#[test]
fn a_certificate_is_this_networks_or_nothing() {
    let world = World::new();
    let good = world.certificate();
    let check = |certificate: &_| world.network.check_certificate(certificate, good.time);

    let mut changed = good.clone();
    changed.height = changed.height.next();
    assert_eq!(check(&changed), Err(Unproved::Certificate.into()));
    let mut changed = good.clone();
    changed.signature[10] ^= 1;
    assert_eq!(check(&changed), Err(Unproved::Certificate.into()));
    let mut changed = good.clone();
    changed.vault[50] ^= 1;
    assert_eq!(check(&changed), Err(Unproved::Vault.into()));
    // Signed by somebody, not by the member.
    let mut changed = good.clone();
    changed.signature = key("owner").sign(&changed.digest()).0;
    assert_eq!(check(&changed), Err(Unproved::Certificate.into()));

    let other = network("other");
    let refused = Unproved::Network(world.network.id()).into();
    assert_eq!(other.check_certificate(&good, good.time), Err(refused));
}

#[test]
fn an_entry_is_proved_or_not_there() {
    let world = World::answered();
    let (network, now) = (&world.network, world.now());
    let app = manifest("owner").id();
    let bundle = world.bundle(&entry_key::<App>(&app)).unwrap();
    let entry = network.check_entry::<App>(&bundle, &app, now).unwrap();
    assert_eq!(entry.manifest, manifest("owner"));

    // Proved, and not what was asked for.
    let wrong_root: NotBelieved = Unproved::Path(BadProof::WrongRoot).into();
    let other = network.check_entry::<App>(&bundle, &AppId([1; 32]), now);
    assert_eq!(other, Err(wrong_root.clone()));
    assert_eq!(network.check_entry::<Clock>(&bundle, &(), now), Err(wrong_root.clone()));
    // Another value under the same key.
    let mut lie = bundle.clone();
    *lie.answer.value.last_mut().unwrap() ^= 1;
    assert_eq!(network.check_entry::<App>(&lie, &app, now), Err(wrong_root));
    // Old, and as good as ever for what never changes.
    let later = now.plus(3600);
    let max = network.certificate_age_max();
    let stale = NotBelieved::Stale { time: now, now: later, max };
    assert_eq!(network.check_entry::<App>(&bundle, &app, later), Err(stale));
    assert_eq!(network.check_past_entry::<App>(&bundle, &app), Ok(entry));
}

/// What the enclave granted the context of `to` holds.
fn granted(network: NetworkId, to: &crate::Recipient) -> VetKey {
    let (vault, mut rng) = (vault(), rng(99));
    let transport = TransportSecret::generate(&mut rng);
    let (path, identity) = (KeyPath::Request, to.identity());
    let key = transport.public();
    let share = vault.grant(&network, &to.app, path, &identity, key, &mut rng);
    transport.open(&[(1, share)], vault.public(), &network, &to.app, path, &identity).unwrap()
}

#[test]
fn an_envelope_opens_as_what_it_was_sealed_for_and_as_nothing_else() {
    let (network, to) = (network("test"), recipient());
    let sealed = network.seal(&to, b"42000", &mut rng(3)).unwrap();
    assert_eq!(sealed.len(), envelope::sealed_len(5));
    let key = granted(network.id(), &to);
    let open = |to: &crate::Recipient, sealed: &[u8]| {
        let aad = to.aad(network.id());
        envelope::open(&key, network.vault(), &to.identity(), &aad, sealed)
            .map(|opened| opened.payload.to_vec())
    };
    assert_eq!(open(&to, &sealed), Ok(b"42000".to_vec()));

    let mut bob = to;
    bob.submitter = account("bob");
    assert!(open(&bob, &sealed).is_err());
    let mut later = to;
    later.generation = later.generation.next();
    assert!(open(&later, &sealed).is_err());
    let mut elsewhere = to;
    elsewhere.context = Context([8; 32]);
    assert_ne!(elsewhere.identity(), to.identity());
    assert!(open(&elsewhere, &sealed).is_err());
    let mut flipped = sealed.clone();
    flipped[200] ^= 1;
    assert!(open(&to, &flipped).is_err());

    let again = network.seal(&to, b"42000", &mut rng(4)).unwrap();
    assert_ne!(again, sealed);
}

#[test]
fn an_identity_names_chain_contract_consumer_and_context() {
    let to = recipient();
    let Identity::Context(id) = to.identity() else { panic!("not a context") };
    let mut others = [to; 4];
    others[0].chain.0[0] ^= 1;
    others[1].contract.0[31] ^= 1;
    others[2].consumer.0[31] ^= 1;
    others[3].context.0[0] ^= 1;
    for other in others {
        assert_ne!(other.identity(), Identity::Context(id));
    }
}

#[test]
fn a_payload_too_long_is_not_sealed() {
    let len = limits::SEALED_PAYLOAD_MAX + 1;
    let sealed = network("test").seal(&recipient(), &vec![0; len], &mut rng(5));
    assert_eq!(sealed, Err(ClientError::Seal(SealError::TooLong { len })));
}

#[test]
fn an_action_is_signed_for_one_network() {
    let mut world = World::new();
    let deploy = || Action::Deploy(manifest("owner"));
    let elsewhere = network("other").sign(&key("owner"), 1, deploy());
    assert_eq!(world.block(elsewhere), Some("the signature is not the sender's".into()));
    let here = world.network.sign(&key("owner"), 1, deploy());
    assert_eq!(world.block(here), None);
    assert!(world.get::<App>(&manifest("owner").id()).is_some());
}
