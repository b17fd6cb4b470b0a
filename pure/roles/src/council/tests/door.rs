//! The member's door: a share for exactly the grant that is final, encrypted to the attested key.

use crate::Wanted;
use crate::council::NoShare;
use crate::world::*;
use sotto_crypto::vet::{EncryptedShare, GrantError, TransportKey, TransportSecret};
use sotto_ledger::state::{Clock, Grant, GrantKey, Worker as Record};
use sotto_ledger::view::{key as entry_key, value};
use sotto_ledger::{Event, Refusal};
use sotto_types::{
    Action, AppId, Ask, Attempt, Epoch, Evidence, Identity, KeyPath, NodeId, TeeKind, WorkerKeys,
};

/// The point that hides nothing: a share for it holds its secret in the clear.
fn infinity() -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[0] = 0xc0;
    bytes
}

/// The public half of the secret 1, which everybody knows.
fn generator() -> [u8; 48] {
    let mut bytes = [0; 48];
    let digits = "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905\
                  a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb";
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
    }
    bytes
}

fn node(name: &str) -> NodeId {
    key(name).public().node_id()
}

fn request_key() -> Wanted {
    let app = manifest("auction").id();
    Wanted { app, path: KeyPath::Request, identity: context_identity(1) }
}

fn result_key() -> Wanted {
    Wanted { path: KeyPath::Result, identity: Identity::Epoch(Epoch(0)), ..request_key() }
}

fn transport() -> [u8; 48] {
    keys("worker").public().transport
}

fn ask(world: &World, worker: &NodeId, wanted: &Wanted) -> Result<EncryptedShare, NoShare> {
    world.council.share(&world.view, worker, wanted, &transport(), &mut rng(7))
}

fn open(
    world: &World,
    secret: &TransportSecret,
    wanted: &Wanted,
    share: EncryptedShare,
) -> Result<(), GrantError> {
    let Wanted { app, path, identity } = wanted;
    let network = world.genesis.id();
    let shares = [(1, share)];
    secret.open(&shares, vault().public(), &network, app, *path, identity).map(drop)
}

fn fail(world: &mut World, ask: &Ask) {
    let (request, attempt, reason) = (id(ask), Attempt(1), String::new());
    world.act(&key("worker"), Action::Fail { request, attempt, reason });
}

#[test]
fn the_assigned_worker_gets_its_two_keys_and_only_it_can_open_them() {
    let (world, _, _) = World::with_request();
    for wanted in [request_key(), result_key()] {
        let share = ask(&world, &node("worker"), &wanted).unwrap();
        assert_eq!(open(&world, &keys("worker").transport, &wanted, share), Ok(()));
        let other = open(&world, &keys("another").transport, &wanted, share);
        assert_eq!(other, Err(GrantError::NotVerified));
    }
}

#[test]
fn anything_but_the_grant_is_refused() {
    let (world, _, _) = World::with_request();
    let (request, result) = (request_key(), result_key());
    let refused = [
        Wanted { path: KeyPath::Result, ..request },
        Wanted { path: KeyPath::Request, ..result },
        Wanted { app: AppId([9; 32]), ..request },
        Wanted { app: AppId([9; 32]), ..result },
        Wanted { identity: context_identity(2), ..request },
        Wanted { identity: Identity::Epoch(Epoch(1)), ..result },
        Wanted { identity: Identity::Epoch(Epoch(u64::MAX)), ..result },
        Wanted { identity: Identity::Epoch(Epoch(0)), ..request },
        Wanted { identity: context_identity(1), ..result },
    ];
    for wanted in refused {
        assert_eq!(ask(&world, &node("worker"), &wanted), Err(NoShare::NotGranted), "{wanted:?}");
    }
    for other in [node("another"), node("member"), NodeId::default()] {
        for wanted in [request, result] {
            assert_eq!(ask(&world, &other, &wanted), Err(NoShare::NotGranted), "{wanted:?}");
        }
    }
}

#[test]
fn there_is_no_share_before_the_assignment() {
    let (mut world, _) = World::ready();
    let bid = world.bid(1, "alice", b"70");
    let request = world.ask(vec![bid]);
    let check = |world: &World, is_given: bool| {
        for wanted in [request_key(), result_key()] {
            let share = ask(world, &node("worker"), &wanted);
            assert_eq!(share.is_ok(), is_given, "{share:?}");
        }
    };
    check(&world, false);
    world.requested(&request);
    check(&world, false);
    world.block();
    check(&world, false);
    world.block();
    check(&world, true);
}

#[test]
fn a_closed_context_gives_nothing_any_more() {
    let (mut world, _, request) = World::with_request();
    fail(&mut world, &request);
    assert_eq!(ask(&world, &node("worker"), &request_key()), Err(NoShare::NotGranted));
    // The epoch's key stays with it while the epoch lasts.
    assert!(ask(&world, &node("worker"), &result_key()).is_ok());
}

#[test]
fn an_epochs_key_ends_with_the_epoch_after_it() {
    let (mut world, _, request) = World::with_request();
    fail(&mut world, &request);
    let epoch = |world: &World| world.get::<Clock>(&()).unwrap().epoch;
    while epoch(&world) < Epoch(2) {
        assert!(ask(&world, &node("worker"), &result_key()).is_ok());
        world.block();
    }
    assert_eq!(ask(&world, &node("worker"), &result_key()), Err(NoShare::NotGranted));
}

#[test]
fn the_same_grant_asked_twice_gives_nothing_away() {
    let (world, _, _) = World::with_request();
    let wanted = request_key();
    let mut rng = rng(8);
    let mut give = || {
        let share =
            world.council.share(&world.view, &node("worker"), &wanted, &transport(), &mut rng);
        share.unwrap()
    };
    let (one, other) = (give(), give());
    // With fresh randomness, or the two would show more than one does.
    assert_ne!(one, other);
    for share in [one, other] {
        assert_eq!(open(&world, &keys("worker").transport, &wanted, share), Ok(()));
    }
}

#[test]
fn another_transport_key_is_refused() {
    let (world, _, _) = World::with_request();
    let mut flipped = transport();
    flipped[47] ^= 1;
    let others =
        [keys("another").public().transport, flipped, infinity(), generator(), [0; 48], [255; 48]];
    for other in others {
        let share =
            world.council.share(&world.view, &node("worker"), &request_key(), &other, &mut rng(7));
        assert_eq!(share, Err(NoShare::OtherTransportKey));
    }
}

#[test]
fn a_worker_that_came_back_with_another_transport_key_gets_no_share_of_the_old_grant() {
    let (mut world, worker, _) = World::with_request();
    let binding = sotto_attest::Binding {
        network: world.genesis.id(),
        role: sotto_attest::Role::Worker,
        challenge: world.get::<Clock>(&()).unwrap().challenge,
        keys: WorkerKeys {
            signing: key("worker").public().to_bytes(),
            transport: keys("anew").public().transport,
        },
    };
    let (keys_anew, evidence) = (binding.keys.clone(), world.evidence(&binding));
    world.act(&key("worker"), Action::Attest { keys: keys_anew, payees: vec![], evidence });
    let record: Record = world.get(&worker.id()).unwrap();
    let share = world.council.share(
        &world.view,
        &worker.id(),
        &request_key(),
        &record.keys.transport,
        &mut rng(7),
    );
    assert_eq!(share, Err(NoShare::OtherTransportKey));
}

#[test]
fn a_transport_key_that_hides_nothing_is_not_attested() {
    let mut world = World::new();
    world.block();
    for (number, transport) in [infinity(), generator(), [0; 48]].into_iter().enumerate() {
        let signing = key("mallory").public().to_bytes();
        let keys = WorkerKeys { signing, transport };
        let binding = sotto_attest::Binding {
            network: world.genesis.id(),
            role: sotto_attest::Role::Worker,
            challenge: world.get::<Clock>(&()).unwrap().challenge,
            keys: keys.clone(),
        };
        let evidence = Evidence { kind: TeeKind::Simulated, ..world.evidence(&binding) };
        let attest = Action::Attest { keys, payees: vec![], evidence };
        let action = signed(&world.genesis, &key("mallory"), number as u64 + 1, attest);
        let refused = Event::Refused { action: action.id(), why: Refusal::TransportKey };
        world.council.pool(&world.view, action).unwrap();
        let events = world.block();
        assert!(events.contains(&refused), "{events:?}");
    }
}

#[test]
fn even_a_grant_to_a_key_that_hides_nothing_gives_no_share() {
    let (mut world, _, _) = World::with_request();
    // No ledger gives such a grant: this one is written past it.
    for transport in [infinity(), generator()] {
        assert!(TransportKey::from_bytes(&transport).is_err());
        let Wanted { app, path, identity } = request_key();
        let at = GrantKey::new(&node("worker"), &app, path, &identity);
        let grant = Grant { transport, ..world.get::<Grant>(&at).unwrap() };
        world.view.entries.insert(entry_key::<Grant>(&at), value(&grant).unwrap());
        let share = world.council.share(
            &world.view,
            &node("worker"),
            &request_key(),
            &transport,
            &mut rng(7),
        );
        assert_eq!(share, Err(NoShare::OtherTransportKey));
    }
}

#[test]
fn a_broken_storage_is_an_error_and_no_refusal() {
    let (mut world, _, _) = World::with_request();
    let Wanted { app, path, identity } = request_key();
    let at = GrantKey::new(&node("worker"), &app, path, &identity);
    world.view.entries.insert(entry_key::<Grant>(&at), vec![1, 2, 3]);
    let share = ask(&world, &node("worker"), &request_key());
    assert!(matches!(share, Err(NoShare::Storage(_))), "{share:?}");
}
