//! What is missing is asked for until it is there; what is not needed any more is forgotten.

use crate::worker::{Input, Output, Shown, Wanted, Worker};
use crate::world::*;
use sotto_crypto::vet::{EncryptedShare, TransportKey};
use sotto_types::{Action, AppId, Attempt, Epoch, Hash, Identity, KeyPath};
use std::collections::BTreeSet;

fn next(world: &mut World, worker: &mut Worker) -> Vec<Output> {
    world.block();
    let shown = world.shown(&worker.id());
    worker.step(Input::Block(Box::new(shown)), world.now())
}

fn asked(outputs: &[Output]) -> BTreeSet<Wanted> {
    let wanted = |output: &Output| match output {
        Output::AskShares(wanted) => Some(*wanted),
        _ => None,
    };
    outputs.iter().filter_map(wanted).collect()
}

fn fetched(outputs: &[Output]) -> BTreeSet<Hash> {
    let hashes = |output: &Output| match output {
        Output::Fetch(hashes) => Some(hashes.clone()),
        _ => None,
    };
    outputs.iter().filter_map(hashes).flatten().collect()
}

fn runs(outputs: &[Output]) -> usize {
    outputs.iter().filter(|output| matches!(output, Output::Run(_))).count()
}

fn request_key(number: u64) -> Wanted {
    let app = manifest("auction").id();
    Wanted { app, path: KeyPath::Request, identity: context_identity(number) }
}

fn result_key(epoch: u64) -> Wanted {
    let app = manifest("auction").id();
    Wanted { app, path: KeyPath::Result, identity: Identity::Epoch(Epoch(epoch)) }
}

fn share(world: &World, wanted: &Wanted, transport: &TransportKey) -> EncryptedShare {
    let Wanted { app, path, identity } = wanted;
    vault().grant(&world.genesis.id(), app, *path, identity, transport, &mut rng(3))
}

fn own_transport() -> TransportKey {
    keys("worker").transport.public().clone()
}

#[test]
fn bytes_are_asked_for_with_every_block_until_they_are_there() {
    let (mut world, mut worker, ask) = World::with_request();
    let envelopes: Vec<Hash> = ask.submissions.iter().map(|s| s.envelope).collect();
    let mut missing: BTreeSet<Hash> = envelopes.iter().copied().collect();
    missing.insert(Hash::of(COMPONENT));
    assert_eq!(fetched(&next(&mut world, &mut worker)), missing);
    assert_eq!(fetched(&next(&mut world, &mut worker)), missing);
    let now = world.now();
    for wrong in [b"other bytes".to_vec(), vec![], COMPONENT[1..].to_vec()] {
        assert!(worker.step(Input::Bytes(wrong), now).is_empty());
    }
    assert_eq!(fetched(&next(&mut world, &mut worker)), missing);
    for hash in [Hash::of(COMPONENT), envelopes[0]] {
        assert!(worker.step(Input::Bytes(world.bytes[&hash].clone()), now).is_empty());
        missing.remove(&hash);
    }
    assert_eq!(fetched(&next(&mut world, &mut worker)), missing);
    worker.step(Input::Bytes(world.bytes[&envelopes[1]].clone()), now);
    let outputs = next(&mut world, &mut worker);
    assert_eq!(fetched(&outputs), BTreeSet::new());
    assert_eq!(asked(&outputs), [request_key(1), result_key(0)].into());
}

#[test]
fn shares_that_do_not_open_are_passed_over_and_asked_for_again() {
    let (mut world, mut worker, _) = World::with_request();
    let shown = world.shown(&worker.id());
    let outputs = worker.step(Input::Block(Box::new(shown)), world.now());
    for hash in fetched(&outputs) {
        worker.step(Input::Bytes(world.bytes[&hash].clone()), world.now());
    }
    let wanted = request_key(1);
    let good = share(&world, &wanted, &own_transport());
    let of_other_path = Wanted { path: KeyPath::Result, ..wanted };
    let of_other_app = Wanted { app: AppId([9; 32]), ..wanted };
    let mut flipped = good;
    flipped.0[191] ^= 1;
    let bad = vec![
        vec![],
        vec![(1, EncryptedShare([0; 192]))],
        vec![(1, EncryptedShare([0xc0; 192]))],
        vec![(0, good)],
        vec![(1, good), (1, good)],
        vec![(1, good), (2, share(&world, &request_key(2), &own_transport()))],
        vec![(1, flipped)],
        vec![(1, share(&world, &request_key(2), &own_transport()))],
        vec![(1, share(&world, &result_key(0), &own_transport()))],
        vec![(1, share(&world, &of_other_path, &own_transport()))],
        vec![(1, share(&world, &of_other_app, &own_transport()))],
        vec![(1, share(&world, &wanted, keys("another").transport.public()))],
    ];
    for shares in bad {
        assert!(worker.step(Input::Shares { wanted, shares }, world.now()).is_empty());
    }
    let outputs = next(&mut world, &mut worker);
    assert_eq!(asked(&outputs), [request_key(1), result_key(0)].into());
    assert_eq!(runs(&outputs), 0);
    // With one of the two keys it does not run yet: it could not sign.
    let shares = vec![(1, good)];
    assert!(worker.step(Input::Shares { wanted, shares }, world.now()).is_empty());
    assert_eq!(asked(&next(&mut world, &mut worker)), [result_key(0)].into());
    let wanted = result_key(0);
    let shares = vec![(1, share(&world, &wanted, &own_transport()))];
    assert_eq!(runs(&worker.step(Input::Shares { wanted, shares }, world.now())), 1);
}

#[test]
fn keys_that_no_request_needs_are_not_taken() {
    let (mut world, mut worker, _) = World::with_request();
    next(&mut world, &mut worker);
    for wanted in [request_key(2), result_key(1), result_key(u64::MAX)] {
        let shares = vec![(1, share(&world, &wanted, &own_transport()))];
        assert!(worker.step(Input::Shares { wanted, shares }, world.now()).is_empty());
    }
    assert!(worker.vet_keys.is_empty());
}

#[test]
fn two_requests_of_an_app_share_its_component_and_result_key() {
    let (mut world, mut worker, first) = World::with_request();
    let bid = world.bid(2, "carol", b"60");
    let second = world.ask(vec![bid]);
    world.assigned(&second);
    let outputs = next(&mut world, &mut worker);
    assert_eq!(asked(&outputs), [request_key(1), request_key(2), result_key(0)].into());
    let asks = outputs.iter().filter(|output| matches!(output, Output::AskShares(_)));
    assert_eq!(asks.count(), 3);
    let mut hashes = first.needs();
    hashes.extend(second.needs());
    hashes.push(Hash::of(COMPONENT));
    assert_eq!(fetched(&outputs), hashes.into_iter().collect());
    let seen = world.carry_out(&mut worker, outputs);
    assert_eq!(seen.runs.len(), 2);
}

#[test]
fn a_request_that_runs_is_not_run_again() {
    let (mut world, mut worker, _) = World::with_request();
    assert_eq!(world.show(&mut worker).runs.len(), 1);
    for _ in 0..20 {
        let seen = world.turn(&mut worker);
        assert_eq!((seen.runs.len(), seen.submitted.len()), (0, 0));
    }
}

#[test]
fn what_ended_is_forgotten_with_its_keys() {
    let (mut world, mut worker, ask) = World::with_request();
    let run = world.show(&mut worker).runs.pop().unwrap();
    let held: BTreeSet<Wanted> = worker.vet_keys.keys().copied().collect();
    assert_eq!(held, [request_key(1), result_key(0)].into());
    let (request, attempt, reason) = (id(&ask), Attempt(1), String::new());
    world.act(&key("worker"), Action::Fail { request, attempt, reason });
    world.show(&mut worker);
    assert!(worker.jobs.is_empty() && worker.components.is_empty());
    let held: BTreeSet<Wanted> = worker.vet_keys.keys().copied().collect();
    assert_eq!(held, [result_key(0)].into());
    // What the app says now is too late.
    let seen = world.ran(&mut worker, &run, Ok(b"late".to_vec()));
    assert!(seen.submitted.is_empty());
}

#[test]
fn what_the_host_hides_is_forgotten_too() {
    let (mut world, mut worker, _) = World::with_request();
    world.show(&mut worker);
    world.block();
    let shown = Shown { work: vec![], ..world.shown(&worker.id()) };
    worker.step(Input::Block(Box::new(shown)), world.now());
    assert!(worker.jobs.is_empty());
    // Shown again, it begins anew.
    assert_eq!(world.turn(&mut worker).runs.len(), 1);
}

#[test]
fn the_keys_of_an_epoch_are_forgotten_after_the_next() {
    let (mut world, mut worker, _) = World::with_request();
    let run = world.show(&mut worker).runs.pop().unwrap();
    world.ran(&mut worker, &run, Ok(b"done".to_vec()));
    let announced = (manifest("auction").id(), Epoch(0));
    for epoch in 0..3 {
        world.turn(&mut worker);
        let is_kept = epoch < 2;
        assert_eq!(worker.vet_keys.contains_key(&result_key(0)), is_kept, "epoch {epoch}");
        assert_eq!(worker.announced.contains(&announced), is_kept, "epoch {epoch}");
        world.idle(EPOCH);
    }
}
