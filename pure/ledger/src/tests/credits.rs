//! Conservation of value: whatever is observed, in whatever order, sense or nonsense.

use super::world::*;
use crate::Refusal;
use crate::state::{Credit, Outgoing, Progress, Request};
use proptest::prelude::*;
use sotto_types::{Action, Amount, Attempt, ChainEvent, Delivery, Hash};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Ask(u32),
    Hold(u64),
    Work(u64),
    Fail(u64),
    Settle(u64, bool),
    Refund(u64),
    Paid(u64),
    KeysSet(u64),
    Endorse(u64),
    Wait(u64),
    Together(Vec<Step>),
    Halt,
    Resume,
    Move(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let number = 1..7_u64;
    let leaf = prop_oneof![
        4 => any::<u32>().prop_map(Step::Ask),
        4 => number.clone().prop_map(Step::Hold),
        6 => number.clone().prop_map(Step::Work),
        1 => number.clone().prop_map(Step::Fail),
        6 => (number.clone(), prop::bool::weighted(0.8)).prop_map(|(n, r)| Step::Settle(n, r)),
        2 => number.clone().prop_map(Step::Refund),
        4 => (0..5_u64).prop_map(Step::Paid),
        2 => (0..3_u64).prop_map(Step::KeysSet),
        2 => (0..9_u64).prop_map(Step::Endorse),
        3 => (1..30_u64).prop_map(Step::Wait),
        1 => Just(Step::Halt),
        2 => Just(Step::Resume),
        1 => any::<bool>().prop_map(Step::Move),
    ];
    let observed = prop_oneof![
        (number.clone(), any::<bool>()).prop_map(|(n, r)| Step::Settle(n, r)),
        number.prop_map(Step::Refund),
        (0..5_u64).prop_map(Step::Paid),
    ];
    let together = prop::collection::vec(observed, 2..5).prop_map(Step::Together);
    prop_oneof![12 => leaf, 1 => together]
}

fn event(number: u64, right: bool) -> ChainEvent {
    let right = if right { Hash::of(&result_of(number)) } else { Hash([9; 32]) };
    ChainEvent::Settled { number, result: right, delivered: right.0[0] & 1 == 0 }
}

fn observed(step: &Step) -> Option<ChainEvent> {
    match step {
        Step::Settle(number, right) => Some(event(*number, *right)),
        Step::Refund(number) => Some(ChainEvent::Refunded { number: *number }),
        Step::Paid(nonce) => Some(ChainEvent::Paid { nonce: *nonce }),
        Step::KeysSet(nonce) => Some(ChainEvent::KeysSet { nonce: *nonce }),
        _ => None,
    }
}

/// Carries a step out; whether it is refused does not matter here.
fn take(world: &mut World, worker: &mut Machine, app: sotto_types::AppId, step: &Step) {
    // What the contract counts counts, whether a halted ledger hears of it or not.
    world.counted = world.chain().requests;
    if let Some(event) = observed(step) {
        let _ = world.observe(vec![event]);
        return;
    }
    let chain = world.chain_id();
    let _ = match step {
        Step::Ask(escrow) => {
            let mut ask = world.ask(app);
            ask.escrow = Amount(u128::from(*escrow) << (escrow % 64));
            world.observe(vec![ChainEvent::Requested(ask)])
        }
        Step::Hold(number) => world.say(Action::Hold(world.id(*number))),
        Step::Work(number) => {
            if !matches!(
                world.get::<Request>(&world.id(*number)),
                Some(Request { progress: Progress::Assigned(_), .. })
            ) {
                return;
            }
            world.announce(worker, *number);
            let answer = world.good_answer(worker, *number);
            world.act(&worker.key, answer)
        }
        Step::Fail(number) => {
            let (request, attempt) = (world.id(*number), Attempt(1));
            let fail = Action::Fail { request, attempt, reason: "trap".into() };
            world.act(&worker.key, fail)
        }
        Step::Endorse(entry) => {
            let Some(out) = world.get::<Outgoing>(&(chain, *entry)) else { return };
            let digest = out.delivery.digest(&world.chain().domain);
            let signature = key("member").sign(&digest.0).0;
            world.say(Action::Endorse { chain, entry: *entry, signature })
        }
        Step::Wait(blocks) => Ok(world.idle(*blocks)),
        Step::Together(steps) => world.observe(steps.iter().filter_map(observed).collect()),
        Step::Halt => {
            let was = world.chain().cursor;
            world.say(Action::Halt { chain, was, now: block_ref(9, START) })
        }
        Step::Resume => {
            let after = world.chain().cursor;
            world.say(Action::Resume { chain, after })
        }
        Step::Move(payable) => {
            worker.payee = if *payable { account("payee") } else { Default::default() };
            world.attest(worker)
        }
        _ => unreachable!("observed"),
    };
}

/// deposits = paid + Σ credits; paid ≤ deposits; deposits = Σ escrow of what settled; pay-outs
/// have one nonce after the other and together are what is paid.
fn check(world: &World, payouts: &mut BTreeMap<u64, u128>) {
    let chain = world.chain();
    let credits: u128 = world.all::<Credit>().iter().map(|Credit(amount)| amount.0).sum();
    assert_eq!(chain.deposits.0, chain.paid.0 + credits);
    assert!(chain.paid <= chain.deposits);
    let settled = |request: &Request| matches!(request.progress, Progress::Settled { .. });
    let earned: u128 =
        world.all::<Request>().iter().filter(|r| settled(r)).map(|r| r.ask.escrow.0).sum();
    assert_eq!(chain.deposits.0, earned);
    let mut under_way = 0;
    for (_, out) in world.outbox() {
        if let Delivery::Payout { nonce, payments, .. } = out.delivery {
            under_way += 1;
            let sum = payments.iter().map(|payment| payment.amount.0).sum();
            let before = payouts.insert(nonce, sum);
            assert!(before.is_none_or(|before| before == sum), "a pay-out changed");
            assert!(payments.iter().all(|payment| payment.amount.0 > 0));
        }
    }
    assert!(under_way <= 1);
    let nonces: Vec<u64> = payouts.keys().copied().collect();
    assert_eq!(nonces, (1..=chain.payout_nonce).collect::<Vec<_>>());
    assert_eq!(payouts.values().sum::<u128>(), chain.paid.0);
    assert!(chain.payout_done <= chain.payout_nonce);
    assert!(chain.payout_nonce - chain.payout_done <= 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn value_is_conserved(steps in prop::collection::vec(step(), 1..60)) {
        let (mut world, mut worker, app) = World::ready();
        let mut payouts = BTreeMap::new();
        for step in &steps {
            take(&mut world, &mut worker, app, step);
            check(&world, &mut payouts);
        }
    }
}

#[test]
fn the_largest_escrows_do_not_wrap() {
    let (mut world, worker, app) = World::ready();
    let mut settle = |escrow: u128| {
        let mut ask = world.ask(app);
        ask.escrow = Amount(escrow);
        world.requested(&ask);
        world.hold(ask.number);
        world.idle(1);
        world.announce(&worker, ask.number);
        let answer = world.good_answer(&worker, ask.number);
        world.act(&worker.key, answer).unwrap();
        let settled = world.settled(ask.number);
        world.observe(vec![settled]).map(|_| ())
    };
    assert_eq!(settle(u128::MAX), Ok(()));
    let uncounted = Refusal::State("worth more than can be counted");
    assert_eq!(settle(1), Err(uncounted));
    assert_eq!(world.chain().deposits, Amount(u128::MAX));
}
