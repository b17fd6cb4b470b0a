//! The outbox: what is carried to a chain, under which proof, until when.

use super::world::*;
use crate::state::{Outgoing, Progress, Ready};
use crate::{Event, Refusal};
use sotto_crypto::sign::{Signature, SigningKey};
use sotto_types::{
    Account, Action, Amount, AppId, ChainEvent, Delivery, Hash, KeyEntry, Payment, limits,
};

fn endorse(world: &World, key: &SigningKey, entry: u64) -> Action {
    let outgoing: Outgoing = world.get(&(world.chain_id(), entry)).unwrap();
    let digest = outgoing.delivery.digest(&world.chain().domain);
    Action::Endorse { chain: world.chain_id(), entry, signature: key.sign(&digest.0).0 }
}

fn endorsed(world: &mut World, entry: u64) {
    let action = endorse(world, &key("member"), entry);
    world.say(action).unwrap();
}

/// The numbers of a batch's or a lone result's requests.
fn results(delivery: &Delivery) -> Vec<u64> {
    match delivery {
        Delivery::Fulfil { answer, .. } => vec![answer.number],
        Delivery::Batch { answers, .. } => answers.iter().map(|a| a.number).collect(),
        _ => vec![],
    }
}

/// So many requests, answered in one block.
fn answered_together(
    world: &mut World,
    worker: &Machine,
    app: AppId,
    count: usize,
    callback_gas: u32,
) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        let mut ask = world.ask(app);
        ask.callback_gas = callback_gas;
        world.requested(&ask);
        numbers.push(ask.number);
    }
    let member = key("member");
    let mut holds = Vec::new();
    for number in &numbers {
        let hold = Action::Hold(world.id(*number));
        holds.push(world.sign(&member, hold));
    }
    world.block(holds);
    world.idle(1);
    world.announce(worker, numbers[0]);
    let answers: Vec<Action> =
        numbers.iter().map(|number| world.good_answer(worker, *number)).collect();
    let answers = answers.into_iter().map(|answer| world.sign(&worker.key, answer)).collect();
    let events = world.block(answers);
    assert!(!events.iter().any(|event| matches!(event, Event::Refused { .. })), "{events:?}");
    numbers
}

#[test]
fn a_lone_result_goes_by_its_key_and_the_key_before_it() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let out = world.outbox();
    assert_eq!(out.iter().map(|(entry, _)| *entry).collect::<Vec<_>>(), vec![1, 2]);
    let time = world.chain().cursor.time;
    let address = world.result_key(&app, world.clock().epoch).public().address();
    let key = Account::from_address(address);
    let entry = KeyEntry { app, key, expiry: time.plus(KEY_LIFETIME) };
    let keys = Delivery::Keys { nonce: 1, entries: vec![entry], signatures: vec![] };
    assert_eq!(out[0].1.delivery, keys);
    assert!(!out[0].1.ready && out[1].1.ready);
    let Delivery::Fulfil { answer, signature } = &out[1].1.delivery else { panic!("{:?}", out[1]) };
    // The contract will find exactly this digest, and the key that was registered behind it.
    let request = world.request(number);
    assert_eq!(answer.digest(&world.chain().domain), world.on_chain(number, &answer.result));
    assert_eq!(answer.deadline, request.ask.deadline);
    assert_eq!(request.outbox, Some(2));
    let digest = answer.digest(&world.chain().domain);
    assert_eq!(Signature(*signature).recover(&digest.0).unwrap().address(), address);
    assert_eq!(world.all::<Ready>(), vec![]);
    // A second result of the epoch needs no key again.
    let second = world.answered(&worker, app);
    let out = world.outbox();
    assert_eq!(out.len(), 3);
    assert_eq!(results(&out[2].1.delivery), vec![second]);
    assert!(out[2].1.ready);
}

#[test]
fn each_epochs_key_is_sent_once() {
    let (mut world, worker, app) = World::ready();
    world.answered(&worker, app);
    world.next_epoch();
    world.attest(&worker).unwrap();
    world.answered(&worker, app);
    world.answered(&worker, app);
    let keys: Vec<u64> = world
        .outbox()
        .into_iter()
        .filter_map(|(_, out)| match out.delivery {
            Delivery::Keys { nonce, .. } => Some(nonce),
            _ => None,
        })
        .collect();
    assert_eq!(keys, vec![1, 2]);
    assert_eq!(world.chain().keys_nonce, 2);
}

#[test]
fn an_endorsement_is_a_members_own_and_given_once() {
    let (mut world, worker, app) = World::ready();
    world.answered(&worker, app);
    let chain = world.chain_id();
    let member = key("member");
    let good = endorse(&world, &member, 1);
    let Action::Endorse { signature, .. } = good else { unreachable!() };
    // Somebody else's signature under a member's name, and the other way round.
    let theirs = endorse(&world, &key("stranger"), 1);
    let stranger = Account::from_address(key("stranger").public().address());
    assert_eq!(world.say(theirs.clone()).map(|_| ()), Err(Refusal::Endorsement(stranger)));
    assert_eq!(world.act(&key("stranger"), theirs).map(|_| ()), Err(Refusal::NotMember));
    assert_eq!(world.act(&key("stranger"), good.clone()).map(|_| ()), Err(Refusal::NotMember));
    // Over the digest of another entry, or of nothing; not a signature at all.
    for wrong in [
        endorse(&world, &member, 2),
        Action::Endorse { chain, entry: 1, signature: { member.sign(&[7; 32]).0 } },
    ] {
        let Action::Endorse { signature, .. } = wrong else { unreachable!() };
        let refused = world.say(Action::Endorse { chain, entry: 1, signature });
        assert!(matches!(refused, Err(Refusal::Endorsement(_))), "{refused:?}");
    }
    // No form of a signature at all: another v, an r or s of zero.
    for range in [64..65, 0..32, 32..64] {
        let mut signature = signature;
        signature[range].fill(0);
        let refused = world.say(Action::Endorse { chain, entry: 1, signature }).map(|_| ());
        assert_eq!(refused, Err(Refusal::Signature));
    }
    let nowhere = Action::Endorse { chain, entry: 9, signature };
    assert_eq!(world.say(nowhere).map(|_| ()), Err(Refusal::Unknown("outbox entry")));
    assert!(!world.outbox()[0].1.ready);

    let events = world.say(good.clone()).unwrap();
    assert!(events.contains(&Event::Outgoing { chain, entry: 1 }));
    let ready = &world.outbox()[0].1;
    assert!(ready.ready);
    let Delivery::Keys { signatures, .. } = &ready.delivery else { unreachable!() };
    assert_eq!(*signatures, vec![signature]);
    let me = Account::from_address(member.public().address());
    assert_eq!(world.say(good).map(|_| ()), Err(Refusal::Endorsement(me)));
    // A lone result is its key's word, not the members'.
    let lone = endorse(&world, &member, 2);
    assert_eq!(world.say(lone).map(|_| ()), Err(Refusal::Endorsement(me)));
}

#[test]
fn three_of_four_members_prove_and_ascend_by_address() {
    let names = ["member", "b", "c", "d"];
    let mut world = World::of(genesis(&names));
    let worker = Machine::new("worker");
    world.attest(&worker).unwrap();
    let app = world.deploy(4);
    world.admit_chain();
    answered_together(&mut world, &worker, app, 2, 0);
    let entry = world.outbox().last().unwrap().0;
    let ready = |world: &World| world.get::<Outgoing>(&(world.chain_id(), entry)).unwrap();
    for (count, name) in names.iter().take(3).enumerate() {
        let out = ready(&world);
        assert_eq!((out.ready, out.endorsements.len()), (false, count));
        let action = endorse(&world, &key(name), entry);
        world.act(&key(name), action.clone()).unwrap();
        if count < 2 {
            let by = account(name);
            let twice = world.act(&key(name), action).map(|_| ());
            assert_eq!(twice, Err(Refusal::Endorsement(by)));
        }
    }
    let out = ready(&world);
    assert!(out.ready);
    let Delivery::Batch { signatures, .. } = &out.delivery else { panic!("{out:?}") };
    let digest = out.delivery.digest(&world.chain().domain);
    let signers: Vec<Account> = signatures
        .iter()
        .map(|s| Account::from_address(Signature(*s).recover(&digest.0).unwrap().address()))
        .collect();
    assert_eq!(signers.len(), 3);
    assert!(signers.is_sorted_by(|a, b| a < b), "{signers:?}");
    // The fourth comes too late, and changes nothing.
    let late = endorse(&world, &key("d"), entry);
    let refused = world.act(&key("d"), late).map(|_| ());
    assert_eq!(refused, Err(Refusal::Endorsement(account("d"))));
    assert_eq!(ready(&world), out);
}

#[test]
fn results_that_are_ready_together_go_together() {
    let (mut world, worker, app) = World::ready();
    let numbers = answered_together(&mut world, &worker, app, 3, 0);
    let out = world.outbox();
    // One key for the app and epoch, however many answers need it.
    assert!(matches!(&out[0].1.delivery, Delivery::Keys { entries, .. } if entries.len() == 1));
    assert_eq!(out.len(), 2);
    let (entry, batch) = out.last().unwrap();
    assert_eq!(results(&batch.delivery), numbers);
    assert!(!batch.ready && matches!(batch.delivery, Delivery::Batch { .. }));
    for number in &numbers {
        assert_eq!(world.request(*number).outbox, Some(*entry));
    }
    assert_eq!(world.all::<Ready>(), vec![]);
    endorsed(&mut world, *entry);
    // It stays until the last of its results has ended, one way or the other.
    let (first, second) = (world.settled(numbers[0]), world.settled(numbers[1]));
    world.observe(vec![first]).unwrap();
    world.observe(vec![second]).unwrap();
    assert!(world.get::<Outgoing>(&(world.chain_id(), *entry)).is_some());
    world.observe(vec![ChainEvent::Refunded { number: numbers[2] }]).unwrap();
    assert!(world.get::<Outgoing>(&(world.chain_id(), *entry)).is_none());
}

#[test]
fn a_ready_result_waits_a_little_for_company() {
    let (mut world, worker, app) = World::ready();
    let (one, two, three) = (world.assigned(app), world.assigned(app), world.assigned(app));
    world.announce(&worker, one);
    for number in [one, two] {
        let answer = world.good_answer(&worker, number);
        world.act(&worker.key, answer).unwrap();
    }
    // The third is still being worked on.
    assert_eq!(world.all::<Ready>().len(), 2);
    world.idle(3);
    assert_eq!(world.all::<Ready>().len(), 2);
    world.idle(1);
    assert_eq!(world.all::<Ready>(), vec![]);
    assert_eq!(results(&world.outbox().last().unwrap().1.delivery), vec![one, two]);
    let answer = world.good_answer(&worker, three);
    world.act(&worker.key, answer).unwrap();
    assert_eq!(results(&world.outbox().last().unwrap().1.delivery), vec![three]);
}

#[test]
fn what_ends_while_it_waits_is_not_sent() {
    let (mut world, worker, app) = World::ready();
    let (one, two) = (world.assigned(app), world.assigned(app));
    world.announce(&worker, one);
    let answer = world.good_answer(&worker, one);
    world.act(&worker.key, answer).unwrap();
    assert_eq!(world.all::<Ready>().len(), 1);
    world.observe(vec![ChainEvent::Refunded { number: one }]).unwrap();
    assert_eq!(world.all::<Ready>(), vec![]);
    world.idle(10);
    let answer = world.good_answer(&worker, two);
    world.act(&worker.key, answer).unwrap();
    let sent: Vec<u64> =
        world.outbox().iter().flat_map(|(_, out)| results(&out.delivery)).collect();
    assert_eq!(sent, vec![two]);
}

#[test]
fn a_batch_holds_so_many() {
    let (mut world, worker, app) = World::ready();
    let count = limits::BATCH_MAX + 2;
    let numbers = answered_together(&mut world, &worker, app, count, 0);
    let batches = |world: &World| -> Vec<Vec<u64>> {
        let out = world.outbox().into_iter().map(|(_, out)| results(&out.delivery));
        out.filter(|numbers| !numbers.is_empty()).collect()
    };
    assert_eq!(batches(&world), vec![numbers[..limits::BATCH_MAX].to_vec()]);
    world.idle(1);
    assert_eq!(batches(&world)[1], numbers[limits::BATCH_MAX..]);
}

#[test]
fn a_batch_fits_a_transaction() {
    let (mut world, worker, app) = World::ready();
    // Seven callbacks of two million gas each: more than one transaction may have.
    let numbers = answered_together(&mut world, &worker, app, 7, limits::CALLBACK_GAS_MAX);
    world.idle(3);
    let batches: Vec<Vec<u64>> = world
        .outbox()
        .into_iter()
        .map(|(_, out)| results(&out.delivery))
        .filter(|numbers| !numbers.is_empty())
        .collect();
    assert_eq!(batches.concat(), numbers);
    for batch in &batches {
        assert!(batch.len() as u64 * u64::from(limits::CALLBACK_GAS_MAX) < limits::BATCH_GAS_MAX);
    }
    assert_eq!(batches.len(), 2);
    for number in numbers {
        let entry = world.request(number).outbox.unwrap();
        let out: Outgoing = world.get(&(world.chain_id(), entry)).unwrap();
        assert!(results(&out.delivery).contains(&number));
    }
}

#[test]
fn a_stuck_lone_result_is_proved_by_the_members() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    assert_eq!(world.request(number).outbox, Some(2));
    world.idle(19);
    assert!(matches!(world.outbox()[1].1.delivery, Delivery::Fulfil { .. }));
    let chain = world.chain_id();
    assert_eq!(world.block(vec![]), vec![Event::Outgoing { chain, entry: 3 }]);
    let out = world.outbox();
    assert_eq!(out.iter().map(|(entry, _)| *entry).collect::<Vec<_>>(), vec![1, 3]);
    assert!(matches!(&out[1].1.delivery, Delivery::Batch { answers, .. } if answers.len() == 1));
    assert!(!out[1].1.ready);
    assert_eq!(world.request(number).outbox, Some(3));
    // Once; and it ends like any other.
    world.idle(30);
    assert_eq!(world.outbox().len(), 2);
    let settled = world.settled(number);
    world.observe(vec![settled]).unwrap();
    assert!(world.get::<Outgoing>(&(chain, 3)).is_none());
}

#[test]
fn results_that_are_too_late_leave_the_outbox() {
    let (mut world, worker, app) = World::ready();
    let lone = world.answered(&worker, app);
    let numbers = answered_together(&mut world, &worker, app, 2, 0);
    let deadline = |world: &World, number| world.request(number).ask.deadline;
    let left = |world: &World| -> Vec<u64> {
        world.outbox().iter().flat_map(|(_, out)| results(&out.delivery)).collect()
    };
    assert_eq!(left(&world), [vec![lone], numbers.clone()].concat());
    // Up to the deadline itself the contract takes them; a batch stays for its last.
    world.chain_time(deadline(&world, lone));
    assert_eq!(left(&world), [vec![lone], numbers.clone()].concat());
    world.chain_time(deadline(&world, numbers[1]));
    assert_eq!(left(&world), numbers);
    world.chain_time(deadline(&world, numbers[1]).plus(1));
    assert!(left(&world).is_empty());
    // Their refund comes when it comes.
    assert!(matches!(world.progress(lone), Progress::Answered { .. }));
    world.observe(vec![ChainEvent::Refunded { number: lone }]).unwrap();
    assert_eq!(world.progress(lone), Progress::Refunded);
}

#[test]
fn keys_end_when_the_chain_shows_them() {
    let (mut world, worker, app) = World::ready();
    world.answered(&worker, app);
    world.observe(vec![ChainEvent::KeysSet { nonce: 0 }]).unwrap();
    assert_eq!(world.outbox().len(), 2);
    world.observe(vec![ChainEvent::KeysSet { nonce: 1 }]).unwrap();
    let left: Vec<u64> = world.outbox().iter().map(|(entry, _)| *entry).collect();
    assert_eq!(left, vec![2]);
}

/// A request settled, with nothing left in the outbox but the pay-out it gives.
fn earned(world: &mut World, worker: &Machine, app: AppId) -> Vec<(u64, Outgoing)> {
    let number = world.answered(worker, app);
    let nonce = world.chain().keys_nonce;
    let settled = world.settled(number);
    world.observe(vec![ChainEvent::KeysSet { nonce }, settled]).unwrap();
    assert!(matches!(world.progress(number), Progress::Settled { .. }));
    world.outbox()
}

#[test]
fn a_worker_is_paid_what_its_answers_brought() {
    let (mut world, worker, app) = World::ready();
    let out = earned(&mut world, &worker, app);
    let payment = Payment { to: worker.payee, amount: Amount(1_000_000_000) };
    let payout = |nonce, payments| Delivery::Payout { nonce, payments, signatures: Vec::new() };
    assert_eq!(out.len(), 1);
    let (entry, first) = &out[0];
    assert_eq!(first.delivery, payout(1, vec![payment.clone()]));
    assert_eq!(world.chain().paid, Amount(1_000_000_000));
    endorsed(&mut world, *entry);
    // Until the chain shows it, no other pay-out is made.
    let out = earned(&mut world, &worker, app);
    assert_eq!(out.len(), 1);
    world.idle(10);
    world.next_epoch();
    assert_eq!((world.outbox().len(), world.chain().payout_nonce), (1, 1));
    // A pay-out that was never ordered changes nothing.
    world.observe(vec![ChainEvent::Paid { nonce: 7 }]).unwrap();
    assert_eq!((world.chain().payout_done, world.chain().payout_nonce), (0, 1));
    // Two payments of one pay-out are two events of one nonce.
    let paid = ChainEvent::Paid { nonce: 1 };
    world.observe(vec![paid.clone(), paid.clone()]).unwrap();
    let out = world.outbox();
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].1.delivery, payout(2, vec![payment]));
    // The old one again, late: the new one is still under way.
    world.observe(vec![paid]).unwrap();
    assert_eq!((world.chain().payout_done, world.chain().payout_nonce), (1, 2));
    assert_eq!(world.outbox(), out);
    assert_eq!(world.chain().paid, world.chain().deposits);
}

#[test]
fn a_payee_that_no_contract_pays_holds_nobody_up() {
    let (mut world, worker, app) = World::ready();
    let contract = world.contract;
    for payee in [Account::default(), contract, Account([1; 32])] {
        let bad = Machine { payee, ..Machine::new("worker") };
        world.attest(&bad).unwrap();
        let out = earned(&mut world, &bad, app);
        assert_eq!(out, vec![], "{payee}");
        assert_eq!(world.chain().paid, Amount(0));
    }
    // Nothing is lost: with an account that can be paid, all of it is.
    world.attest(&worker).unwrap();
    world.idle(1);
    let payment = Payment { to: worker.payee, amount: Amount(3_000_000_000) };
    let out = world.outbox();
    let payout = Delivery::Payout { nonce: 1, payments: vec![payment], signatures: vec![] };
    assert_eq!(out[0].1.delivery, payout);
}

#[test]
fn a_result_that_nobody_signed_is_owed_to_nobody() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let settled = ChainEvent::Settled { number, result: Hash([9; 32]), delivered: true };
    world.observe(vec![ChainEvent::KeysSet { nonce: 1 }, settled]).unwrap();
    assert_eq!(world.outbox(), vec![]);
    world.next_epoch();
    let chain = world.chain();
    assert_eq!((chain.deposits, chain.paid), (Amount(1_000_000_000), Amount(0)));
}
