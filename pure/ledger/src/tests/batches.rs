//! Batches of receipts: in order, from the one boot that counts, and believed from the genesis.

use super::world::*;
use crate::certificate::{NotBelieved, certify, check_session_receipt};
use crate::state::{Batched, Boot, Worker};
use crate::view::key as entry_key;
use crate::{BadProof, Event, Refusal, View as _, prove};
use sotto_types::{
    Action, AppId, Batch, BootId, Epoch, Fuel, Generation, Hash, LeafProof, NetworkId, NodeId,
    ReceiptBundle, SessionBundle, SessionId, SessionReceipt, SignedBatch, TeeKind, Time, Wire as _,
    limits, merkle,
};

const BOOT: BootId = BootId([0xb0; 32]);
const LATER: BootId = BootId([0xb1; 32]);

fn receipts(world: &World, worker: &Machine, app: AppId, count: u64) -> Vec<SessionReceipt> {
    let receipt = |call| SessionReceipt {
        network: world.genesis.id(),
        app,
        generation: Generation(1),
        code: Hash([0x61; 32]),
        epoch: Epoch(0),
        worker: worker.node(),
        tee: TeeKind::Simulated,
        boot: BOOT,
        session: SessionId([4; 32]),
        call,
        time: Time(9),
        succeeded: true,
        input: Hash([5; 32]),
        output: Hash([6; 32]),
        fuel: Fuel(7),
    };
    (1..=count).map(receipt).collect()
}

fn leaves(receipts: &[SessionReceipt]) -> Vec<Hash> {
    receipts.iter().map(SessionReceipt::leaf).collect()
}

fn batch(world: &World, worker: &Machine, number: u64, first: u64, leaves: &[Hash]) -> Batch {
    Batch {
        network: world.genesis.id(),
        worker: worker.node(),
        boot: BOOT,
        number,
        first,
        count: u32::try_from(leaves.len()).unwrap(),
        root: merkle::root(leaves),
        leaves: Hash([8; 32]),
    }
}

fn sign(worker: &Machine, batch: Batch) -> SignedBatch {
    let signature = worker.key.sign(&batch.digest()).0;
    SignedBatch { batch, signature }
}

fn post(world: &mut World, worker: &Machine, batch: Batch) -> Result<(), Refusal> {
    let signed = sign(worker, batch);
    world.act(&worker.key, Action::Batch(signed)).map(|_| ())
}

/// With a seat, and so a boot.
fn seated() -> (World, Machine, AppId) {
    let (mut world, worker, app) = World::ready();
    world.act(&worker.key, Action::Sit { app, boot: BOOT }).unwrap();
    (world, worker, app)
}

#[test]
fn batches_are_taken_in_order_and_kept() {
    let (mut world, worker, app) = seated();
    let leaves = leaves(&receipts(&world, &worker, app, 5));
    let first = sign(&worker, batch(&world, &worker, 1, 1, &leaves[..3]));
    let events = world.act(&worker.key, Action::Batch(first.clone())).unwrap();
    assert!(events.contains(&Event::Batched { worker: worker.node(), number: 1 }));
    let second = batch(&world, &worker, 2, 4, &leaves[3..]);
    assert_eq!(post(&mut world, &worker, second), Ok(()));
    let boot: Boot = world.get(&worker.node()).unwrap();
    assert_eq!((boot.id, boot.batches, boot.receipts), (BOOT, 2, 5));
    let place = (worker.node(), (BOOT, 1));
    let record: Worker = world.get(&worker.node()).unwrap();
    assert_eq!(world.get(&place), Some(Batched { signed: first, worker: record }));
}

#[test]
fn a_batch_that_is_not_the_next_is_refused_for_what_is_wrong() {
    let (mut world, worker, app) = seated();
    let leaves = leaves(&receipts(&world, &worker, app, 3));
    let good = batch(&world, &worker, 1, 1, &leaves);
    assert_eq!(post(&mut world, &worker, good.clone()), Ok(()));
    let next = Batch { number: 2, first: 4, ..good.clone() };
    let too_many = u32::try_from(limits::BATCH_RECEIPTS_MAX).unwrap() + 1;
    let cases = [
        ("network", Batch { network: NetworkId([9; 32]), ..next.clone() }),
        ("worker", Batch { worker: NodeId([9; 32]), ..next.clone() }),
        ("boot", Batch { boot: LATER, ..next.clone() }),
        // The same again, and one after a gap.
        ("number", good),
        ("number", Batch { number: 3, ..next.clone() }),
        ("first", Batch { first: 3, ..next.clone() }),
        ("first", Batch { first: 5, ..next.clone() }),
        ("count", Batch { count: 0, ..next.clone() }),
        ("count", Batch { count: too_many, ..next.clone() }),
    ];
    for (what, bad) in cases {
        assert_eq!(post(&mut world, &worker, bad), Err(Refusal::Batch(what)));
    }
    let fullest = Batch { count: too_many - 1, ..next };
    assert_eq!(post(&mut world, &worker, fullest), Ok(()));
}

#[test]
fn a_batch_is_its_attested_workers_own() {
    let (mut world, worker, app) = seated();
    let leaves = leaves(&receipts(&world, &worker, app, 3));
    let good = batch(&world, &worker, 1, 1, &leaves);
    // Signed by another key than the worker's; handed in by somebody else; by no worker at all.
    let second = Machine::new("second");
    let forged = sign(&second, good.clone());
    assert_eq!(world.act(&worker.key, Action::Batch(forged)).unwrap_err(), Refusal::Signature);
    let refused = Err(Refusal::NotWorker(second.node()));
    assert_eq!(post(&mut world, &second, good.clone()), refused);
    world.attest(&second).unwrap();
    assert_eq!(post(&mut world, &second, good.clone()), Err(Refusal::Unknown("boot")));
    world.act(&second.key, Action::Sit { app, boot: BOOT }).unwrap();
    assert_eq!(post(&mut world, &second, good.clone()), Err(Refusal::Batch("worker")));
    // No longer attested.
    world.next_epoch();
    world.next_epoch();
    let refused = Err(Refusal::NotWorker(worker.node()));
    assert_eq!(post(&mut world, &worker, good), refused);
}

#[test]
fn a_boot_that_is_over_hands_in_no_more_and_what_it_did_stays() {
    let (mut world, worker, app) = seated();
    let leaves = leaves(&receipts(&world, &worker, app, 3));
    let good = batch(&world, &worker, 1, 1, &leaves);
    post(&mut world, &worker, good.clone()).unwrap();
    world.act(&worker.key, Action::Sit { app, boot: LATER }).unwrap();
    let old = Batch { number: 2, first: 4, ..good.clone() };
    assert_eq!(post(&mut world, &worker, old), Err(Refusal::Batch("boot")));
    // The new boot counts from one, and the old one's batch keeps its place.
    assert_eq!(post(&mut world, &worker, Batch { boot: LATER, ..good.clone() }), Ok(()));
    let kept: Batched = world.get(&(worker.node(), (BOOT, 1))).unwrap();
    assert_eq!(kept.signed.batch, good);
}

/// A ledgered batch of five, and the bundle of its third receipt.
fn bundled() -> (World, Machine, SessionBundle) {
    let (mut world, worker, app) = seated();
    let receipts = receipts(&world, &worker, app, 5);
    let leaves = leaves(&receipts);
    let good = batch(&world, &worker, 1, 1, &leaves);
    post(&mut world, &worker, good).unwrap();
    let answer = entry_key::<Batched>(&(worker.node(), (BOOT, 1)));
    let answer = prove(&world.view, &answer).unwrap().unwrap();
    let head = world.view.head().unwrap();
    let certificate = certify(&key("member"), &world.genesis, &head);
    let batch = ReceiptBundle { certificate, answer };
    let path = merkle::path(&leaves, 2).unwrap();
    let proof = LeafProof { index: 2, path, batch };
    let bundle = SessionBundle { receipt: receipts[2].clone(), proof };
    (world, worker, bundle)
}

#[test]
fn a_receipt_of_a_call_is_believed_from_the_genesis_alone() {
    let (world, worker, bundle) = bundled();
    let travelled = SessionBundle::decode(&bundle.encode()).unwrap();
    let batched = check_session_receipt(&world.genesis, &travelled).unwrap();
    assert_eq!(Some(batched), world.get(&(worker.node(), (BOOT, 1))));
    let mut other = world.genesis.clone();
    other.name = "other".into();
    let network = world.genesis.id();
    let refused = Err(NotBelieved::Network(network));
    assert_eq!(check_session_receipt(&other, &bundle), refused);
}

#[test]
fn every_change_of_a_receipt_or_its_proof_is_refused() {
    let (world, _, good) = bundled();
    let check = |change: &dyn Fn(&mut SessionBundle)| {
        let mut bad = good.clone();
        change(&mut bad);
        check_session_receipt(&world.genesis, &bad).unwrap_err()
    };
    let batch = NotBelieved::Batch(1);
    assert_eq!(check(&|b| b.receipt.output = Hash([9; 32])), batch);
    assert_eq!(check(&|b| b.receipt.call = 4), batch);
    assert_eq!(check(&|b| b.receipt.succeeded = false), batch);
    assert_eq!(check(&|b| b.proof.index = 1), batch);
    assert_eq!(check(&|b| b.proof.path.truncate(1)), batch);
    let other = NetworkId([9; 32]);
    assert_eq!(check(&|b| b.receipt.network = other), NotBelieved::Network(other));
    // The batch proved is not of the worker, or the process, that the receipt names.
    let path = NotBelieved::Path(BadProof::WrongRoot);
    assert_eq!(check(&|b| b.receipt.worker = NodeId([9; 32])), path);
    assert_eq!(check(&|b| b.receipt.boot = LATER), path);
    let bytes = good.encode();
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(bad) = SessionBundle::decode(&bad) {
            assert!(check_session_receipt(&world.genesis, &bad).is_err(), "bit {bit}");
        }
    }
}
