//! Grants: which enclave may hold which key. The ledger says who; the members' partials follow it
//! and nothing else. A grant ends with its epoch or its context.

use crate::apply::Scene;
use crate::state::{Grant, GrantKey, GrantPrefix, Worker};
use crate::view::{Draft, StorageError, View, read};
use sotto_types::{AppId, Identity, KeyPath, NodeId};

/// Gives `worker` one period of one of the app's keys.
pub(crate) fn give<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    node: NodeId,
    worker: &Worker,
    app: AppId,
    path: KeyPath,
    identity: Identity,
) -> Result<(), StorageError> {
    let key = GrantKey::new(&node, &app, path, &identity);
    // A worker that came back with another transport key, attested as well, could not open what
    // was granted to the one before.
    let stands = draft.get::<Grant>(&key)?.is_some_and(|g| g.transport == worker.keys.transport);
    if stands {
        return Ok(());
    }
    let grant = Grant {
        worker: node,
        app,
        path,
        identity,
        transport: worker.keys.transport,
        height: scene.clock.height,
    };
    draft.put(&key, &grant)
}

/// Takes an identity's grants back from everybody: its context is settled, refunded or failed, or
/// its epoch is over.
pub(crate) fn close<V: View>(
    draft: &mut Draft<'_, V>,
    identity: &Identity,
) -> Result<(), StorageError> {
    for (_, grant) in draft.list::<Grant>(&GrantPrefix::new(identity))? {
        let key = GrantKey::new(&grant.worker, &grant.app, grant.path, &grant.identity);
        draft.remove::<Grant>(&key);
    }
    Ok(())
}

/// Takes one path's grants of an identity back from everybody.
pub(crate) fn close_path<V: View>(
    draft: &mut Draft<'_, V>,
    identity: &Identity,
    path: KeyPath,
) -> Result<(), StorageError> {
    for (_, grant) in draft.list::<Grant>(&GrantPrefix::new(identity))? {
        if grant.path == path {
            draft.remove::<Grant>(&GrantKey::new(&grant.worker, &grant.app, path, identity));
        }
    }
    Ok(())
}

/// The grant as it stands in a final state, if there is one: what a member looks up before it
/// gives its partial.
pub fn find(
    view: &impl View,
    worker: &NodeId,
    app: &AppId,
    path: KeyPath,
    identity: &Identity,
) -> Result<Option<Grant>, StorageError> {
    read::<Grant>(view, &GrantKey::new(worker, app, path, identity))
}
