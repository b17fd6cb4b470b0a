//! Cases of reading.

use super::rig::{Failure, Rig, ensure};
use super::{Callback, Fault, Testbed};
use crate::{Nonces, RequestStatus, WrongChain};
use sotto_types::{ChainEvent, Finality, Hash};

pub(super) async fn identity(bed: &dyn Testbed) -> Result<(), Failure> {
    let rig = Rig::new(bed).await?;
    let (source, place) = (bed.source(), bed.place());
    let found = source.identity().await?;
    let verified = found.verify(&place.caip2, &place.network, &place.contract);
    ensure(verified.is_ok(), || format!("{verified:?}"))?;
    let other = found.verify(&place.caip2, &place.network, &super::result_key());
    ensure(other == Err(WrongChain::Domain), || "any contract passes for another".into())?;
    ensure(found.code != Hash::of(b""), || "no code hash".into())?;
    let nonces = source.nonces(place.finality).await?;
    let due = Nonces { keys: 1, payout: 0, members: 0 };
    ensure(nonces == due, || format!("{nonces:?} where {due:?} is due"))?;
    let none = source.status(1_000_000, Finality::Instant).await?;
    ensure(none == RequestStatus::None, || format!("{none:?} of a request nobody made"))?;

    let envelope = b"sealed, one may hope".to_vec();
    let hash = Hash::of(&envelope);
    let consumer = bed.publish(&envelope).await?;
    let upto = source.head(Finality::Instant).await?.height;
    let asked = [hash, Hash::of(b"never published")];
    let found = source.published(&consumer, &asked, upto).await?;
    ensure(found == [(hash, envelope)].into(), || format!("published: {found:?}"))?;
    let early = source.published(&consumer, &asked, upto - 1).await?;
    ensure(early.is_empty(), || "an envelope before it was published".into())?;
    let stranger = source.published(&super::result_key(), &asked, upto).await?;
    ensure(stranger.is_empty(), || "another consumer's envelope".into())?;
    drop(rig);
    Ok(())
}

pub(super) async fn plain(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    for callback in [Callback::None, Callback::Takes, Callback::None] {
        bed.ask(callback, 3_000).await?;
    }
    rig.until("three requests", |known| known.asks().len() >= 3).await?;
    rig.until("an empty observation", |known| known.cursor.requests == 3).await?;
    numbered(&rig, 3)?;
    let asks = rig.known.asks();
    let domain = rig.place.domain();
    let status = bed.source().status(1, rig.place.finality).await?;
    ensure(status == RequestStatus::Open, || format!("request 1 is {status:?}"))?;
    let different =
        asks.iter().map(|ask| ask.hash(&domain)).collect::<std::collections::BTreeSet<_>>();
    ensure(different.len() == 3, || "requests with equal hashes".into())
}

/// Exactly the requests from 1 to `count`, once each.
fn numbered(rig: &Rig<'_>, count: u64) -> Result<(), Failure> {
    let found: Vec<u64> = rig.known.asks().iter().map(|ask| ask.number).collect();
    ensure(found == (1..=count).collect::<Vec<_>>(), || format!("requests {found:?}"))
}

pub(super) async fn duplicate(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    bed.inject(Fault::DuplicateEvent, 10_000).await?;
    let ask = rig.ask(Callback::None).await?;
    rig.fulfil(1, &ask).await?;
    rig.ask(Callback::None).await?;
    let settled = |event: &&ChainEvent| matches!(event, ChainEvent::Settled { .. });
    rig.until("the settlement", |known| known.events.iter().any(|e| settled(&e))).await?;
    let count = rig.known.events.iter().filter(settled).count();
    ensure(count == 1, || format!("one settlement observed {count} times"))?;
    numbered(&rig, 2)
}

pub(super) async fn lagging(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    bed.inject(Fault::LaggingReplica, 10_000).await?;
    bed.ask(Callback::None, 3_000).await?;
    // Final, but among the newest blocks, whose events the node does not have. Whatever is
    // observed meanwhile, the stand-in for the ledger checks counter against events.
    bed.advance(4, 4).await?;
    rig.wait("a report of what is missing", |known| known.reports > 0).await?;
    ensure(rig.known.asks().is_empty(), || "seen in spite of the fault".into())?;
    bed.inject(Fault::LaggingReplica, 0).await?;
    rig.until("the request", |known| known.asks().len() == 1).await?;
    numbered(&rig, 1)
}

pub(super) async fn range_limit(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    rig.kill();
    bed.ask(Callback::None, 3_000).await?;
    bed.advance(40, 40).await?;
    bed.ask(Callback::None, 3_000).await?;
    bed.inject(Fault::RangeLimit, 10_000).await?;
    rig.start().await?;
    rig.until("both requests", |known| known.asks().len() == 2).await?;
    numbered(&rig, 2)
}

pub(super) async fn unreachable(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    bed.ask(Callback::None, 3_000).await?;
    bed.inject(Fault::Unreachable, 6).await?;
    rig.until("the request", |known| known.asks().len() == 1).await?;
    let ask = rig.known.asks().remove(0);
    bed.inject(Fault::Unreachable, 6).await?;
    rig.fulfil(1, &ask).await?;
    let status = bed.source().status(1, rig.place.finality).await?;
    ensure(matches!(status, RequestStatus::Settled { .. }), || format!("{status:?}"))
}

pub(super) async fn reorg_before(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    bed.ask(Callback::None, 3_000).await?;
    rig.turn(false).await?;
    bed.reorg(1).await?;
    for _ in 0..3 {
        rig.turn(true).await?;
    }
    bed.ask(Callback::Takes, 2_000).await?;
    rig.until("the request that stayed", |known| !known.asks().is_empty()).await?;
    ensure(rig.known.halts.is_empty(), || "halted below finality".into())?;
    let count = bed.source().request_count(&rig.known.cursor.after).await?;
    numbered(&rig, count)
}

pub(super) async fn reorg_after(bed: &dyn Testbed) -> Result<(), Failure> {
    let mut rig = Rig::new(bed).await?;
    rig.ask(Callback::None).await?;
    let was = rig.known.cursor.after;
    let head = bed.source().head(Finality::Instant).await?;
    bed.reorg(head.height - was.height + 2).await?;
    rig.until("the halt", |known| !known.halts.is_empty()).await?;
    let halt = rig.known.halts.first().copied();
    let is = bed.source().block(was.height).await?;
    ensure(halt == is.map(|is| (was, is)), || format!("{halt:?} where {was:?} became {is:?}"))?;
    let events = rig.known.events.len();
    bed.ask(Callback::None, 3_000).await?;
    for _ in 0..20 {
        rig.turn(true).await?;
    }
    let still = rig.known.cursor.after == was && rig.known.events.len() == events;
    ensure(still, || "observed although halted".into())?;

    let lower = bed.source().block(was.height - 4).await?;
    let lower = lower.ok_or_else(|| Failure::Wrong("no block below".into()))?;
    let count = bed.source().request_count(&lower).await?;
    rig.resume(lower, count).await?;
    rig.until("a request after the halt", |known| known.events.len() > events).await
}
