//! Workers, releases, apps: who is let in.

use super::world::*;
use crate::state::{App, Worker};
use crate::view::{key as entry_key, value};
use crate::{Event, Refusal};
use sotto_attest::{Binding, simulated};
use sotto_types::{
    Action, Epoch, Evidence, Hash, Malformed, Manifest, Measurement, NetworkId, NetworkKind,
    NodeId, TeeKind, Time, WorkerKeys, limits,
};

fn attest(keys: WorkerKeys, evidence: Evidence) -> Action {
    Action::Attest { keys, payees: vec![], evidence }
}

#[test]
fn a_worker_is_kept_as_it_was_appraised() {
    let mut world = World::new();
    let worker = Machine::new("worker");
    let evidence = world.evidence(&worker, &world.binding(&worker));
    let events = world.attest(&worker).unwrap();
    assert!(events.contains(&Event::Attested(worker.node())));
    let known: Worker = world.get(&worker.node()).unwrap();
    let expected = Worker {
        keys: worker.keys(),
        payees: vec![(world.chain_id(), worker.payee)],
        tee: TeeKind::Simulated,
        measurement: RELEASE,
        evidence: Hash::of(&evidence.bytes),
        attested: Epoch(0),
    };
    assert_eq!(known, expected);
}

#[test]
fn a_value_network_refuses_the_simulated_tee() {
    let mut genesis = genesis(&["a", "b", "c", "d"]);
    genesis.kind = NetworkKind::Value;
    let mut world = World::of(genesis);
    let kind = TeeKind::Simulated;
    let network = NetworkKind::Value;
    let refused = sotto_attest::Refusal::KindNotAccepted { kind, network };
    assert_eq!(world.attest(&Machine::new("worker")), Err(Refusal::Appraisal(refused)));
    assert_eq!(world.all::<Worker>(), vec![]);
}

#[test]
fn only_admitted_measurements_run() {
    let mut world = World::new();
    let other = Measurement([0x52; 32]);
    let worker = Machine { measurement: other, ..Machine::new("worker") };
    let unknown = sotto_attest::Refusal::UnknownMeasurement(other);
    assert_eq!(world.attest(&worker), Err(Refusal::Appraisal(unknown)));

    let admit = Action::AdmitRelease(other);
    assert_eq!(world.act(&key("stranger"), admit.clone()), Err(Refusal::NotMember));
    assert_eq!(world.act(&worker.key, admit.clone()), Err(Refusal::NotMember));
    world.say(admit.clone()).unwrap();
    assert_eq!(world.say(admit), Err(Refusal::Admitted(other)));
    assert_eq!(world.say(Action::AdmitRelease(RELEASE)), Err(Refusal::Admitted(RELEASE)));
    world.attest(&worker).unwrap();
}

#[test]
fn evidence_of_another_network_challenge_or_worker_is_refused() {
    let mut world = World::new();
    let (worker, other) = (Machine::new("worker"), Machine::new("other"));
    let good = world.binding(&worker);
    let keys = |signing: &Machine, transport: &Machine| WorkerKeys {
        signing: public(&signing.key),
        transport: transport.transport.public().to_bytes(),
    };
    let wrong = [
        Binding { network: NetworkId([9; 32]), ..good.clone() },
        Binding { challenge: Hash([9; 32]), ..good.clone() },
        Binding { keys: keys(&other, &worker), ..good.clone() },
        Binding { keys: keys(&worker, &other), ..good.clone() },
        Binding { keys: keys(&other, &other), ..good },
    ];
    let refused = Refusal::Appraisal(sotto_attest::Refusal::NotBound);
    for binding in wrong {
        let action = attest(worker.keys(), world.evidence(&worker, &binding));
        assert_eq!(world.act(&worker.key, action), Err(refused.clone()));
    }
    // Good evidence, and somebody else's keys beside it.
    let evidence = world.evidence(&worker, &world.binding(&worker));
    let action = attest(keys(&worker, &other), evidence);
    assert_eq!(world.act(&worker.key, action), Err(refused.clone()));
    // What was good in one epoch is not in the next.
    let old = world.attestation(&worker);
    world.next_epoch();
    assert_eq!(world.act(&worker.key, old), Err(refused));
}

#[test]
fn broken_old_and_future_evidence_is_refused() {
    let mut world = World::new();
    let worker = Machine::new("worker");
    let good = world.evidence(&worker, &world.binding(&worker));
    let mut bad = good.clone();
    bad.bytes[0] ^= 1;
    let untrusted = Refusal::Appraisal(sotto_attest::Refusal::Untrusted);
    assert_eq!(world.act(&worker.key, attest(worker.keys(), bad)), Err(untrusted));
    let cut = Evidence { bytes: good.bytes[..10].to_vec(), ..good };
    let why = Malformed::Invalid("simulated evidence is cut short").to_string();
    let malformed = Refusal::Appraisal(sotto_attest::Refusal::Malformed(why));
    assert_eq!(world.act(&worker.key, attest(worker.keys(), cut)), Err(malformed));

    for far in [-601_i64, 601] {
        // Judged in the next block, a second from now.
        let now = world.clock().time.plus(1);
        let made = Time(now.0.checked_add_signed(far).unwrap());
        let binding = world.binding(&worker).bytes();
        let report = simulated::Report { measurement: RELEASE, binding, made };
        let bytes = simulated::make(&report).unwrap();
        let action = attest(worker.keys(), Evidence { kind: TeeKind::Simulated, bytes });
        let stale = sotto_attest::Refusal::Stale { made, now, max_age: 600 };
        assert_eq!(world.act(&worker.key, action), Err(Refusal::Appraisal(stale)));
    }
}

#[test]
fn keys_are_ones_own() {
    let mut world = World::new();
    let (worker, thief) = (Machine::new("worker"), Machine::new("thief"));
    // Somebody else sends a worker's good evidence.
    let stolen = world.attestation(&worker);
    assert_eq!(world.act(&thief.key, stolen), Err(Refusal::ForeignKeys));
    world.attest(&worker).unwrap();
    // Or binds the worker's transport key to a signing key of its own: grants to it would be
    // grants to the worker.
    let keys = WorkerKeys { signing: public(&thief.key), ..worker.keys() };
    let binding = Binding { keys: keys.clone(), ..world.binding(&thief) };
    let action = attest(keys, world.evidence(&thief, &binding));
    assert_eq!(world.act(&thief.key, action), Err(Refusal::ForeignKeys));
    assert_eq!(world.all::<Worker>().len(), 1);
}

#[test]
fn transport_keys_that_hide_nothing_are_refused() {
    let mut world = World::new();
    let worker = Machine::new("worker");
    let point = |text: &str| -> [u8; 48] {
        let bytes: Vec<u8> =
            (0..48).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect();
        bytes.try_into().unwrap()
    };
    let infinity = point(&format!("c0{}", "00".repeat(47)));
    let generator = point(
        "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
    );
    // On the curve, outside the subgroup.
    let small = point(&format!("80{}04", "00".repeat(46)));
    let mut other_sign = worker.transport.public().to_bytes();
    other_sign[0] &= 0x7f;
    for transport in [infinity, generator, small, [0; 48], [0xff; 48], other_sign] {
        let keys = WorkerKeys { transport, ..worker.keys() };
        let binding = Binding { keys: keys.clone(), ..world.binding(&worker) };
        let action = attest(keys, world.evidence(&worker, &binding));
        assert_eq!(world.act(&worker.key, action), Err(Refusal::TransportKey));
    }
}

#[test]
fn a_worker_renews_in_each_epoch() {
    let mut world = World::new();
    let worker = Machine::new("worker");
    world.attest(&worker).unwrap();
    world.next_epoch();
    let before: Worker = world.get(&worker.node()).unwrap();
    let moved = Machine { payee: account("another payee"), ..Machine::new("worker") };
    world.attest(&moved).unwrap();
    let after: Worker = world.get(&worker.node()).unwrap();
    assert_eq!(after.attested, Epoch(1));
    assert_ne!(after.evidence, before.evidence);
    assert_eq!(after.payees, vec![(world.chain_id(), account("another payee"))]);
    assert_eq!(world.all::<Worker>().len(), 1);
    assert!(after.is_good(Epoch(1)) && after.is_good(Epoch(2)) && !after.is_good(Epoch(3)));
}

#[test]
fn a_network_takes_so_many_workers() {
    let mut world = World::new();
    let worker = Machine::new("worker");
    world.attest(&worker).unwrap();
    let known: Worker = world.get(&worker.node()).unwrap();
    for index in 1..limits::WORKERS_MAX as u64 {
        let mut other = known.clone();
        other.keys.signing[1..9].copy_from_slice(&index.to_be_bytes());
        other.keys.transport[1..9].copy_from_slice(&index.to_be_bytes());
        let node = NodeId::of_key(&other.keys.signing);
        world.view.entries.insert(entry_key::<Worker>(&node), value(&other).unwrap());
    }
    let full = Err(Refusal::TooManyWorkers(limits::WORKERS_MAX));
    assert_eq!(world.attest(&Machine::new("one more")), full);
    // Those who are in may still renew.
    world.attest(&worker).unwrap();
}

#[test]
fn an_app_is_published_by_its_owner_once() {
    let mut world = World::new();
    let manifest = manifest(2);
    let deploy = Action::Deploy(manifest.clone());
    assert_eq!(world.act(&key("stranger"), deploy.clone()), Err(Refusal::NotOwner));
    assert_eq!(world.say(deploy.clone()), Err(Refusal::NotOwner));
    let events = world.act(&key("owner"), deploy.clone()).unwrap();
    assert!(events.contains(&Event::Deployed(manifest.id())));
    let app: App = world.get(&manifest.id()).unwrap();
    assert_eq!((app.manifest, app.generation.0, app.since.0), (manifest.clone(), 1, 3));
    assert_eq!(world.act(&key("owner"), deploy), Err(Refusal::Exists("app")));
    // Another manifest is another app.
    let other = Manifest { code: Hash([0x62; 32]), ..manifest };
    world.act(&key("owner"), Action::Deploy(other.clone())).unwrap();
    assert!(world.get::<App>(&other.id()).is_some());
    assert_eq!(world.all::<App>().len(), 2);
}
