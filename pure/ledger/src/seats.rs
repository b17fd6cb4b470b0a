//! Seats: where apps are called directly. A worker of an app's pool takes its seat for an epoch,
//! naming its boot, and with it is granted `request/<epoch>`; both end with the epoch. Seats are
//! taken, not handed out, so an app that nobody calls costs nothing. Not here: which worker a
//! client chooses, sessions (`roles::worker`), receipts of calls (`batches`).

use crate::apply::{Outcome, Scene};
use crate::event::{Event, Refusal};
use crate::grants;
use crate::registry::good_workers;
use crate::requests::pool;
use crate::state::{App, Boot, Clock, Seat, Worker};
use crate::view::{Draft, StorageError, View, list, read};
use sotto_types::{AppId, BootId, Epoch, Identity, KeyPath, NodeId};

/// A worker takes its seat. Taken again with another boot it is that process's alone: whoever held
/// it before is not believed any more.
pub(crate) fn sit<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    node: NodeId,
    id: &AppId,
    boot: &BootId,
) -> Outcome {
    let clock = &scene.clock;
    let workers = good_workers(draft, scene)?;
    let worker = of(&workers, &node).ok_or(Refusal::NotWorker(node))?;
    let app = draft.get::<App>(id)?.ok_or(Refusal::Unknown("app"))?;
    if !pool(&clock.challenge, id, app.manifest.holders, &workers).contains(&node) {
        return Err(Refusal::NotInPool.into());
    }
    let place = (clock.epoch, (*id, node));
    let seat = Seat {
        boot: *boot,
        generation: app.generation,
        code: app.manifest.code,
        worker: worker.clone(),
        since: clock.height,
    };
    let is_same = |old: &Seat| (old.boot, &old.worker) == (*boot, worker);
    if draft.get::<Seat>(&place)?.as_ref().is_some_and(is_same) {
        return Err(Refusal::Exists("seat").into());
    }
    if draft.get::<Boot>(&node)?.is_none_or(|known| known.id != *boot) {
        draft.put(&node, &Boot { id: *boot, since: clock.height, batches: 0, receipts: 0 })?;
    }
    let key = Identity::Epoch(clock.epoch);
    grants::give(draft, scene, node, worker, *id, KeyPath::Request, key)?;
    draft.put(&place, &seat)?;
    draft.events.push(Event::Seated { app: *id, worker: node });
    Ok(())
}

/// The seats of an epoch end with it, and so do the grants of its request keys.
pub(crate) fn close<V: View>(draft: &mut Draft<'_, V>, epoch: Epoch) -> Result<(), StorageError> {
    for (key, _) in draft.list::<Seat>(&epoch)? {
        if let Some((_, app, worker)) = Seat::place(&key) {
            draft.remove::<Seat>(&(epoch, (app, worker)));
        }
    }
    grants::close_path(draft, &Identity::Epoch(epoch), KeyPath::Request)
}

/// The seats of an app now, as they stand in a view.
pub fn seats(view: &impl View, app: &AppId) -> Result<Vec<(NodeId, Seat)>, StorageError> {
    let Some(clock) = read::<Clock>(view, &())? else { return Ok(Vec::new()) };
    let found = list::<Seat>(view, &(clock.epoch, *app))?;
    let named = |(key, seat): (Vec<u8>, Seat)| Some((Seat::place(&key)?.2, seat));
    Ok(found.into_iter().filter_map(named).collect())
}

/// Whether the ledger would give this worker a seat of the app now: what is looked at before
/// anybody asks for one.
pub fn may_sit(view: &impl View, app: &AppId, node: &NodeId) -> Result<bool, StorageError> {
    let (Some(clock), Some(app_entry)) = (read::<Clock>(view, &())?, read::<App>(view, app)?)
    else {
        return Ok(false);
    };
    let mut workers: Vec<(NodeId, Worker)> = Vec::new();
    for (_, worker) in list::<Worker>(view, &())? {
        if worker.is_good(clock.epoch) {
            workers.push((NodeId::of_key(&worker.keys.signing), worker));
        }
    }
    Ok(pool(&clock.challenge, app, app_entry.manifest.holders, &workers).contains(node))
}

fn of<'w>(workers: &'w [(NodeId, Worker)], node: &NodeId) -> Option<&'w Worker> {
    workers.iter().find(|(other, _)| other == node).map(|(_, worker)| worker)
}
