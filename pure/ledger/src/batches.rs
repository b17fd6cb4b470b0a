//! Batches: the roots over receipts of direct calls. A root is taken from the boot that the worker
//! last took a seat with, in order and without gaps, so a batch once taken is never another. Not
//! here: the receipts, which their clients hold, and the leaves, which whoever likes may hold.

use crate::apply::{Outcome, Scene};
use crate::event::{Event, Refusal};
use crate::state::{Batched, Boot, Worker};
use crate::view::{Draft, View};
use sotto_crypto::sign::{PublicKey, Signature};
use sotto_types::{NodeId, SignedBatch, limits};

/// A worker hands in a batch.
pub(crate) fn post<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    sender: NodeId,
    signed: &SignedBatch,
) -> Outcome {
    let batch = &signed.batch;
    let known = draft.get::<Worker>(&sender)?.filter(|worker| worker.is_good(scene.clock.epoch));
    let worker = known.ok_or(Refusal::NotWorker(sender))?;
    let mut boot = draft.get::<Boot>(&sender)?.ok_or(Refusal::Unknown("boot"))?;
    let count = u64::from(batch.count);
    let facts = [
        ("network", batch.network == scene.network),
        ("worker", batch.worker == sender),
        ("boot", batch.boot == boot.id),
        ("number", batch.number == boot.batches.saturating_add(1)),
        ("first", batch.first == boot.receipts.saturating_add(1)),
        ("count", count > 0 && count <= limits::BATCH_RECEIPTS_MAX as u64),
    ];
    if let Some((what, _)) = facts.iter().find(|(_, holds)| !holds) {
        return Err(Refusal::Batch(what).into());
    }
    let key = PublicKey::from_bytes(&worker.keys.signing).map_err(|_| Refusal::Signature)?;
    key.verify(&batch.digest(), &Signature(signed.signature)).map_err(|_| Refusal::Signature)?;
    boot.batches = batch.number;
    boot.receipts = boot.receipts.saturating_add(count);
    draft.put(&sender, &boot)?;
    let (number, boot) = (batch.number, batch.boot);
    draft.put(&(sender, (boot, number)), &Batched { signed: signed.clone(), worker })?;
    draft.events.push(Event::Batched { worker: sender, number });
    Ok(())
}
