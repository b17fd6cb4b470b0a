//! Answers: taken from the assigned worker alone, with a receipt that says what the ledger knows.

use super::world::*;
use crate::Refusal;
use crate::state::{Answered, Progress, ResultKey, Worker};
use sotto_types::{
    Account, Action, AppId, Attempt, ChainId, Epoch, Fuel, Generation, Hash, NetworkId, NodeId,
    Receipt, RequestId, Time,
};

fn setting() -> (World, Machine, AppId, u64) {
    let (mut world, worker, app) = World::ready();
    let number = world.assigned(app);
    world.announce(&worker, number);
    (world, worker, app, number)
}

fn refused(world: &mut World, worker: &Machine, action: Action) -> Refusal {
    world.act(&worker.key, action).map(|_| ()).unwrap_err()
}

#[test]
fn an_answer_is_kept_with_its_worker() {
    let (mut world, worker, _, number) = setting();
    let answer = world.good_answer(&worker, number);
    world.act(&worker.key, answer.clone()).unwrap();
    let Action::Answer { receipt, result, signature } = answer else { unreachable!() };
    let known: Worker = world.get(&worker.node()).unwrap();
    let expected = Answered { receipt, result, signature, worker: known };
    assert_eq!(world.get::<Answered>(&world.id(number)), Some(expected));
}

#[test]
fn every_field_of_a_receipt_is_the_ledgers() {
    let (mut world, worker, _, number) = setting();
    let result = result_of(number);
    let good = world.receipt(&worker, number, &result);
    type Change = fn(&mut Receipt);
    let changes: [(&str, Change); 21] = [
        ("network", |r| r.network = NetworkId([9; 32])),
        ("chain", |r| r.chain = ChainId([9; 32])),
        ("contract", |r| r.contract = Account([9; 32])),
        ("number", |r| r.number += 1),
        ("request hash", |r| r.request_hash = Hash([9; 32])),
        ("generation", |r| r.generation = Generation(2)),
        ("code", |r| r.code = Hash([9; 32])),
        ("attempt", |r| r.attempt = Attempt(2)),
        ("attempt", |r| r.attempt = Attempt(0)),
        ("epoch", |r| r.epoch = Epoch(1)),
        ("time", |r| r.time = Time(r.time.0 + 1)),
        ("time", |r| r.time = Time(0)),
        ("fuel", |r| r.fuel = Fuel(1_000_001)),
        ("opened", |r| r.opened = 3),
        ("opened", |r| r.opened = u32::MAX),
        ("worker", |r| r.worker = NodeId([9; 32])),
        ("evidence", |r| r.evidence = Hash([9; 32])),
        ("on-chain digest", |r| r.on_chain = Hash([9; 32])),
        ("on-chain digest", |r| r.on_chain.0[31] ^= 1),
        ("app", |r| r.app = AppId([9; 32])),
        ("app", |r| r.app.0[0] ^= 1),
    ];
    for (what, change) in changes {
        let mut receipt = good.clone();
        change(&mut receipt);
        let answer = world.answer(&worker, receipt, &result);
        assert_eq!(refused(&mut world, &worker, answer), Refusal::Receipt(what));
    }
    let unknown = Receipt { request: RequestId([9; 32]), ..good.clone() };
    let answer = world.answer(&worker, unknown, &result);
    assert_eq!(refused(&mut world, &worker, answer), Refusal::Unknown("request"));
    assert!(matches!(world.progress(number), Progress::Assigned(_)));
    // What the ledger does not know is the worker's to say.
    let receipt = Receipt { opened: 0, fuel: Fuel(1_000_000), commitment: Hash([9; 32]), ..good };
    let answer = world.answer(&worker, receipt, &result);
    world.act(&worker.key, answer).unwrap();
}

#[test]
fn a_result_is_the_one_that_was_signed() {
    let (mut world, worker, app, number) = setting();
    let result = result_of(number);
    let good = world.receipt(&worker, number, &result);
    // Another result beside the receipt.
    let mut answer = world.answer(&worker, good.clone(), &result);
    if let Action::Answer { result, .. } = &mut answer {
        result[0] ^= 1;
    }
    let other = Refusal::Receipt("on-chain digest");
    assert_eq!(refused(&mut world, &worker, answer), other);

    // A signature of another key, of the worker's own, of another epoch's, or none at all.
    let signature_of = |key: &sotto_crypto::sign::SigningKey| key.sign(&good.on_chain.0).0;
    let mut high_s = signature_of(&world.result_key(&app, Epoch(0)));
    high_s[64] ^= 7;
    let wrong = [
        signature_of(&key("somebody")),
        signature_of(&worker.key),
        signature_of(&world.result_key(&app, Epoch(1))),
        world.result_key(&app, Epoch(0)).sign(&good.digest()).0,
        high_s,
        [0; 65],
        [0xff; 65],
    ];
    for wrong in wrong {
        let mut answer = world.answer(&worker, good.clone(), &result);
        if let Action::Answer { signature, .. } = &mut answer {
            *signature = wrong;
        }
        assert_eq!(refused(&mut world, &worker, answer), Refusal::ResultKey);
    }
}

#[test]
fn a_receipt_is_signed_by_its_worker() {
    let (mut world, worker, _, number) = setting();
    let result = result_of(number);
    let good = world.receipt(&worker, number, &result);
    let over_other = worker.key.sign(&good.on_chain.0).0;
    for wrong in [key("somebody").sign(&good.digest()).0, over_other, [0; 65]] {
        let mut answer = world.answer(&worker, good.clone(), &result);
        if let Action::Answer { receipt, .. } = &mut answer {
            receipt.signature = wrong;
        }
        assert_eq!(refused(&mut world, &worker, answer), Refusal::Signature);
    }
}

#[test]
fn only_the_assigned_worker_answers_and_once() {
    let (mut world, worker, app) = World::ready();
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let number = world.assigned(app);
    let (mine, theirs) = if world.assignment(number).worker == worker.node() {
        (worker, second)
    } else {
        (second, worker)
    };
    world.announce(&mine, number);
    let answer = world.good_answer(&mine, number);
    assert_eq!(refused(&mut world, &theirs, answer.clone()), Refusal::NotAssigned);
    let result = result_of(number);
    let their_own = world.answer(&theirs, world.receipt(&theirs, number, &result), &result);
    assert_eq!(refused(&mut world, &theirs, their_own), Refusal::NotAssigned);
    world.act(&mine.key, answer.clone()).unwrap();
    let over = Refusal::State("not waiting for an answer");
    assert_eq!(refused(&mut world, &mine, answer), over);
    let kept: Answered = world.get(&world.id(number)).unwrap();
    assert_eq!(kept.result, result);
}

#[test]
fn an_answer_needs_an_assignment_and_a_result_key() {
    let (mut world, worker, app) = World::ready();
    let number = world.assigned(app);
    // Nobody said what the key is.
    let answer = world.good_answer(&worker, number);
    assert_eq!(refused(&mut world, &worker, answer.clone()), Refusal::ResultKey);
    world.announce(&worker, number);
    world.act(&worker.key, answer.clone()).unwrap();
    // A request that is only waiting.
    let ask = world.ask(app);
    world.requested(&ask);
    let Action::Answer { mut receipt, result, signature } = answer else { unreachable!() };
    receipt.receipt.request = world.id(ask.number);
    let early = Action::Answer { receipt, result, signature };
    let over = Refusal::State("not waiting for an answer");
    assert_eq!(refused(&mut world, &worker, early), over);
}

#[test]
fn a_result_key_is_named_by_who_was_granted_it() {
    let (mut world, worker, app) = World::ready();
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let key_of = |name: &str| account(name);
    let name = |app, epoch, key| Action::ResultKey { app, epoch, key };
    let early = name(app, Epoch(0), key_of("k"));
    assert_eq!(refused(&mut world, &worker, early), Refusal::NotGranted);
    let number = world.assigned(app);
    let (mine, theirs) = if world.assignment(number).worker == worker.node() {
        (worker, second)
    } else {
        (second, worker)
    };
    let good = name(app, Epoch(0), key_of("k"));
    assert_eq!(refused(&mut world, &theirs, good.clone()), Refusal::NotGranted);
    let wrong = [
        name(app, Epoch(1), key_of("k")),
        name(app, Epoch(u64::MAX), key_of("k")),
        name(AppId([9; 32]), Epoch(0), key_of("k")),
    ];
    for wrong in wrong {
        assert_eq!(refused(&mut world, &mine, wrong), Refusal::NotGranted);
    }
    world.act(&mine.key, good.clone()).unwrap();
    assert_eq!(refused(&mut world, &mine, good), Refusal::Exists("result key"));
    let other = name(app, Epoch(0), key_of("other"));
    assert_eq!(refused(&mut world, &mine, other), Refusal::OtherResultKey);
    let kept: ResultKey = world.get(&(app, Epoch(0))).unwrap();
    assert_eq!(kept.key, key_of("k"));
}

#[test]
fn an_answer_of_the_last_epoch_is_still_taken() {
    let (mut world, worker, app) = World::ready();
    world.idle(EPOCH - 8 - world.clock().height.0);
    let number = world.assigned(app);
    world.announce(&worker, number);
    world.next_epoch();
    assert_eq!(world.assignment(number).epoch, Epoch(0));
    let answer = world.good_answer(&worker, number);
    world.act(&worker.key, answer).unwrap();
    let kept: Answered = world.get(&world.id(number)).unwrap();
    assert_eq!(kept.receipt.receipt.epoch, Epoch(0));
}
