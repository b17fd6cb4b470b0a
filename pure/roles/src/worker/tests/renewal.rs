//! Evidence: asked for when it is due, renewed, and named in receipts as the ledger has it.

use crate::worker::{Input, Output, Worker};
use crate::world::*;
use sotto_attest::{Binding, Role};
use sotto_ledger::Event;
use sotto_ledger::state::{Clock, Worker as Record};
use sotto_types::{Action, ChainId, Epoch, Hash};

fn record(world: &World, worker: &Worker) -> Record {
    world.get(&worker.id()).unwrap()
}

/// To the first block of the next epoch.
fn next_epoch(world: &mut World) {
    let height = world.get::<Clock>(&()).unwrap().height.0;
    world.idle(EPOCH - height % EPOCH);
}

#[test]
fn evidence_is_asked_for_over_the_keys_the_network_and_the_challenge() {
    let mut world = World::new();
    let mut worker = world.worker("worker");
    world.block();
    let shown = world.shown(&worker.id());
    let outputs = worker.step(Input::Block(Box::new(shown)), world.now());
    let [Output::Attest(binding)] = &outputs[..] else { panic!("{}", outputs.len()) };
    let challenge = world.get::<Clock>(&()).unwrap().challenge;
    let keys = keys("worker").public();
    let network = world.genesis.id();
    assert_eq!(*binding, Binding { network, role: Role::Worker, challenge, keys });
}

#[test]
fn evidence_is_renewed_in_every_epoch_and_only_then() {
    let mut world = World::new();
    let mut worker = world.worker("worker");
    for epoch in 0..3 {
        assert_eq!(world.turn(&mut worker).attested, 1, "epoch {epoch}");
        let events = world.block();
        assert!(events.contains(&Event::Attested(worker.id())), "{events:?}");
        assert_eq!(record(&world, &worker).attested, Epoch(epoch));
        for _ in 0..20 {
            assert_eq!(world.turn(&mut worker).attested, 0, "epoch {epoch}");
        }
        next_epoch(&mut world);
    }
}

#[test]
fn lost_evidence_is_made_again_after_patience() {
    let mut world = World::new();
    let mut worker = world.worker("worker");
    world.is_losing = true;
    assert_eq!(world.turn(&mut worker).attested, 1);
    for _ in 0..10 {
        assert_eq!(world.turn(&mut worker).attested, 0);
    }
    world.is_losing = false;
    let seen = world.turn(&mut worker);
    assert_eq!(seen.attested, 1);
    assert_eq!(seen.submitted[0].nonce, 1);
    let events = world.block();
    assert!(events.contains(&Event::Attested(worker.id())), "{events:?}");
}

#[test]
fn evidence_that_the_device_did_not_give_is_asked_for_again() {
    let (mut world, _) = World::ready();
    // Restarted with the same keys, in the epoch it was attested in.
    let mut worker = world.worker("worker");
    let asks = |world: &mut World, worker: &mut Worker| {
        world.block();
        let shown = world.shown(&worker.id());
        let outputs = worker.step(Input::Block(Box::new(shown)), world.now());
        outputs.iter().any(|output| matches!(output, Output::Attest(_)))
    };
    assert!(asks(&mut world, &mut worker));
    let later: Vec<bool> = (0..11).map(|_| asks(&mut world, &mut worker)).collect();
    assert_eq!(later.iter().filter(|asked| **asked).count(), 1);
    assert!(later[10]);
}

#[test]
fn a_worker_that_came_back_goes_on_with_its_nonce() {
    let (mut world, _) = World::ready();
    let mut worker = world.worker("worker");
    let seen = world.turn(&mut worker);
    assert_eq!(seen.submitted[0].nonce, 2);
    let events = world.block();
    assert!(events.contains(&Event::Attested(worker.id())), "{events:?}");
}

#[test]
fn a_new_account_is_said_at_once() {
    let (mut world, mut worker) = World::ready();
    assert_eq!(world.turn(&mut worker).attested, 0);
    worker.pay_to(chain(), account("another"));
    let other = ChainId::from_caip2("eip155:1");
    worker.pay_to(other, account("there"));
    let seen = world.turn(&mut worker);
    assert_eq!(seen.attested, 1);
    world.block();
    let expected = [(chain(), account("another")), (other, account("there"))];
    assert_eq!(record(&world, &worker).payees, expected);
    assert_eq!(world.turn(&mut worker).attested, 0);
}

#[test]
fn a_lost_new_account_is_said_again() {
    let (mut world, mut worker) = World::ready();
    world.turn(&mut worker);
    worker.pay_to(chain(), account("another"));
    world.is_losing = true;
    world.turn(&mut worker);
    world.is_losing = false;
    let attested: usize = (0..12).map(|_| world.turn(&mut worker).attested).sum();
    assert_eq!(attested, 1);
    world.block();
    assert_eq!(record(&world, &worker).payees, [(chain(), account("another"))]);
}

#[test]
fn a_receipt_names_the_evidence_that_the_ledger_has() {
    let (mut world, mut worker, _) = World::with_request();
    let before = record(&world, &worker).evidence;
    let run = world.show(&mut worker).runs.pop().unwrap();
    // Renewed while the app runs.
    worker.pay_to(chain(), account("another"));
    assert_eq!(world.turn(&mut worker).attested, 1);
    let seen = world.ran(&mut worker, &run, Ok(b"done".to_vec()));
    let Action::Answer { receipt, .. } = &seen.submitted[1].action else { panic!("no answer") };
    let events = world.block();
    assert!(events.contains(&Event::Answered(run.request)), "{events:?}");
    let after = record(&world, &worker).evidence;
    assert_ne!(before, after);
    assert_eq!(receipt.receipt.evidence, after);
    assert_ne!(after, Hash::default());
}
