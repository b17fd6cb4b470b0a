//! Cases of writing.

use super::rig::{Failure, Rig, ensure, send_now};
use super::{Callback, Fault, Signer, Testbed, deliveries};
use crate::{End, RequestStatus};
use sotto_types::{ChainEvent, Finality};

async fn settled(rig: &Rig<'_>, number: u64) -> Result<(), Failure> {
    let status = rig.bed.source().status(number, rig.place.finality).await?;
    ensure(matches!(status, RequestStatus::Settled { .. }), || {
        format!("request {number} is {status:?}")
    })
}

fn is_final(end: &End) -> Result<(), Failure> {
    ensure(matches!(end, End::Final { .. }), || format!("ended as {end:?}"))
}

pub(super) async fn plain(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let first = rig.ask(Callback::Takes).await?;
    let (second, third) = (rig.ask(Callback::None).await?, rig.ask(Callback::None).await?);
    let before = rig.nonce().await?;
    is_final(&rig.fulfil(1, &first).await?)?;
    // One of the batch is settled already: the others are not held up.
    let batch = deliveries::batch(&rig.place, &[first, second, third]);
    rig.deliver(2, batch.clone()).await?;
    is_final(&rig.ended(2).await?)?;
    rig.deliver(3, batch).await?;
    let again = rig.ended(3).await?;
    ensure(again == End::AlreadyDone, || format!("a batch done before ended as {again:?}"))?;
    for number in 1..=3 {
        settled(&rig, number).await?;
    }
    let sent = rig.nonce().await? - before;
    ensure(sent == 2, || format!("{sent} transactions for one result and one batch"))?;
    let delivered =
        |event: &&ChainEvent| matches!(event, ChainEvent::Settled { delivered: true, .. });
    rig.until("three settlements", |k| k.events.iter().filter(delivered).count() == 3).await
}

pub(super) async fn reorg_before(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    rig.deliver(1, deliveries::fulfil(&rig.place, &ask, Signer::ResultKey)).await?;
    let mut turns = 0;
    while bed.source().status(1, Finality::Instant).await? == RequestStatus::Open {
        rig.turn(true).await?;
        turns += 1;
        ensure(turns < 500, || "never in a block".into())?;
    }
    ensure(rig.known.end(1).is_none(), || "ended before it was final".into())?;
    bed.reorg(1).await?;
    is_final(&rig.ended(1).await?)?;
    ensure(rig.known.halts.is_empty(), || "halted below finality".into())?;
    settled(&rig, 1).await
}

pub(super) async fn lost_answer(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    let before = rig.nonce().await?;
    bed.inject(Fault::LostAnswer, 1).await?;
    is_final(&rig.fulfil(1, &ask).await?)?;
    settled(&rig, 1).await?;
    let sent = rig.nonce().await? - before;
    ensure(sent == 1, || format!("{sent} transactions for one result"))
}

pub(super) async fn rejected(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let (one, two) = (rig.ask(Callback::None).await?, rig.ask(Callback::None).await?);
    let before = rig.nonce().await?;
    bed.inject(Fault::Rejected, 1).await?;
    rig.deliver(1, deliveries::fulfil(&rig.place, &one, Signer::ResultKey)).await?;
    rig.deliver(2, deliveries::fulfil(&rig.place, &two, Signer::ResultKey)).await?;
    is_final(&rig.ended(1).await?)?;
    is_final(&rig.ended(2).await?)?;
    ensure(rig.known.reports > 0, || "nothing was rejected".into())?;
    let three = rig.ask(Callback::None).await?;
    is_final(&rig.fulfil(3, &three).await?)?;
    let sent = rig.nonce().await? - before;
    // The nonce of the rejected one is used by the other, or by an empty transaction.
    ensure((3..=4).contains(&sent), || format!("{sent} transactions for three results"))
}

pub(super) async fn rival_before(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    let before = rig.nonce().await?;
    send_now(&*bed.rival(), &deliveries::fulfil(&rig.place, &ask, Signer::ResultKey)).await?;
    bed.advance(1, 1).await?;
    let end = rig.fulfil(1, &ask).await?;
    ensure(end == End::AlreadyDone, || format!("ended as {end:?}"))?;
    let sent = rig.nonce().await? - before;
    ensure(sent == 0, || format!("{sent} transactions for what was done"))
}

pub(super) async fn rival_beside(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    let delivery = deliveries::fulfil(&rig.place, &ask, Signer::ResultKey);
    rig.deliver(1, delivery.clone()).await?;
    // No block comes, so both wait in the pool, the rival's paid better.
    for _ in 0..30 {
        rig.turn(false).await?;
    }
    send_now(&*bed.rival(), &delivery).await?;
    let end = rig.ended(1).await?;
    let fine = matches!(end, End::AlreadyDone | End::Final { .. });
    ensure(fine, || format!("ended as {end:?}"))?;
    settled(&rig, 1).await?;
    let next = rig.ask(Callback::None).await?;
    is_final(&rig.fulfil(2, &next).await?)
}

pub(super) async fn callback_reverts(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::Reverts).await?;
    is_final(&rig.fulfil(1, &ask).await?)?;
    let undelivered = |event: &ChainEvent| {
        matches!(event, ChainEvent::Settled { number: 1, delivered: false, .. })
    };
    rig.until("the settlement", |known| known.events.iter().any(undelivered)).await?;
    let status = bed.source().status(1, rig.place.finality).await?;
    ensure(matches!(status, RequestStatus::Settled { delivered: false, .. }), || {
        format!("request 1 is {status:?}")
    })
}

pub(super) async fn keys_first(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    let before = rig.nonce().await?;
    rig.deliver(1, deliveries::fulfil(&rig.place, &ask, Signer::LateKey)).await?;
    for _ in 0..20 {
        rig.turn(true).await?;
    }
    let sent = rig.nonce().await? - before;
    ensure(sent == 0, || "a result was sent before its key was registered".into())?;
    ensure(rig.known.end(1).is_none(), || format!("ended as {:?}", rig.known.end(1)))?;
    let expiry = bed.source().head(Finality::Instant).await?.time.plus(7_000);
    rig.deliver(2, deliveries::keys(&rig.place, 2, Signer::LateKey.account(), expiry)).await?;
    is_final(&rig.ended(2).await?)?;
    is_final(&rig.ended(1).await?)?;
    let set = |event: &ChainEvent| *event == ChainEvent::KeysSet { nonce: 2 };
    rig.until("the keys' observation", |known| known.events.iter().any(set)).await
}

pub(super) async fn payouts(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    is_final(&rig.fulfil(1, &ask).await?)?;
    let half = ask.escrow.0 / 2;
    rig.deliver(2, deliveries::payout(&rig.place, 2, half)).await?;
    rig.deliver(3, deliveries::payout(&rig.place, 1, half)).await?;
    is_final(&rig.ended(3).await?)?;
    is_final(&rig.ended(2).await?)?;
    let paid = |event: &&ChainEvent| matches!(event, ChainEvent::Paid { .. });
    rig.until("both pay-outs", |k| k.events.iter().filter(paid).count() == 2).await?;
    let order: Vec<&ChainEvent> = rig.known.events.iter().filter(paid).collect();
    let due = [&ChainEvent::Paid { nonce: 1 }, &ChainEvent::Paid { nonce: 2 }];
    ensure(order == due, || format!("paid as {order:?}"))?;
    let nonces = bed.source().nonces(rig.place.finality).await?;
    ensure(nonces.payout == 2, || format!("{nonces:?}"))
}

pub(super) async fn late(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    let before = rig.nonce().await?;
    let now = bed.source().head(Finality::Instant).await?.time;
    // Two seconds before the deadline: the contract would still take it.
    let wait = ask.deadline.0.saturating_sub(now.0 + 2);
    bed.advance(1, wait).await?;
    let end = rig.fulfil(1, &ask).await?;
    ensure(end == End::Late, || format!("ended as {end:?}"))?;
    let sent = rig.nonce().await? - before;
    ensure(sent == 0, || "a late result was broadcast".into())?;
    bed.advance(1, 10).await?;
    bed.refund(1).await?;
    let refunded = |event: &ChainEvent| *event == ChainEvent::Refunded { number: 1 };
    rig.until("the refund", |known| known.events.iter().any(refunded)).await?;
    let status = bed.source().status(1, rig.place.finality).await?;
    ensure(status == RequestStatus::Refunded, || format!("request 1 is {status:?}"))
}

pub(super) async fn stranger(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    let ask = rig.ask(Callback::None).await?;
    let before = rig.nonce().await?;
    rig.deliver(1, deliveries::fulfil(&rig.place, &ask, Signer::Stranger)).await?;
    let mut other = ask.clone();
    other.context = sotto_types::Context([9; 32]);
    rig.deliver(2, deliveries::fulfil(&rig.place, &other, Signer::ResultKey)).await?;
    let end = rig.ended(2).await?;
    ensure(matches!(end, End::Refused { .. }), || format!("other terms ended as {end:?}"))?;
    for _ in 0..20 {
        rig.turn(true).await?;
    }
    // An unknown key may yet be registered: it waits, and nothing is sent.
    ensure(rig.known.end(1).is_none(), || format!("ended as {:?}", rig.known.end(1)))?;
    let sent = rig.nonce().await? - before;
    ensure(sent == 0, || format!("{sent} transactions that could not succeed"))
}
