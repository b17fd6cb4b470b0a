//! Workers and their attestation results, and the releases they may run. The ledger appraises by
//! itself at registration and in each epoch; peers do it later. Not here: stake, seats.

use crate::apply::{Outcome, Scene};
use crate::event::{Event, Refusal};
use crate::state::{Release, Worker};
use crate::view::{Draft, StorageError, View};
use sotto_attest::{Admission, Binding, Role, admit};
use sotto_crypto::vet::TransportKey;
use sotto_types::{Account, ChainId, Evidence, Measurement, NodeId, WorkerKeys, limits};
use std::collections::BTreeSet;

/// How old evidence may be, in seconds: longer than an epoch's blocks are apart from clocks.
const EVIDENCE_AGE: u64 = 600;

/// A member admits a release.
pub(crate) fn admit_release<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    measurement: &Measurement,
) -> Outcome {
    if !scene.is_member(key) {
        return Err(Refusal::NotMember.into());
    }
    if draft.get::<Release>(measurement)?.is_some() {
        return Err(Refusal::Admitted(*measurement).into());
    }
    draft.put(measurement, &Release { since: scene.clock.height })?;
    Ok(())
}

/// A worker joins or renews: its evidence is appraised here and now.
pub(crate) fn attest<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    sender: &[u8; 33],
    keys: &WorkerKeys,
    payees: &[(ChainId, Account)],
    evidence: &Evidence,
) -> Outcome {
    if keys.signing != *sender {
        return Err(Refusal::ForeignKeys.into());
    }
    if TransportKey::from_bytes(&keys.transport).is_err() {
        return Err(Refusal::TransportKey.into());
    }
    let node = NodeId::of_key(sender);
    let known = draft.list::<Worker>(&())?;
    let is_new = draft.get::<Worker>(&node)?.is_none();
    if is_new && known.len() >= limits::WORKERS_MAX {
        return Err(Refusal::TooManyWorkers(limits::WORKERS_MAX).into());
    }
    let shared = |worker: &Worker| {
        worker.keys.transport == keys.transport && worker.keys.signing != keys.signing
    };
    if known.iter().any(|(_, worker)| shared(worker)) {
        return Err(Refusal::ForeignKeys.into());
    }
    let binding = Binding {
        network: scene.network,
        role: Role::Worker,
        challenge: scene.clock.challenge,
        keys: keys.clone(),
    };
    let admission = admission(draft, scene)?;
    let admitted =
        admit(evidence, &binding, &admission, scene.clock.time).map_err(Refusal::from)?;
    let worker = Worker {
        keys: keys.clone(),
        payees: payees.to_vec(),
        tee: evidence.kind,
        measurement: admitted.measurement,
        evidence: admitted.evidence,
        attested: scene.clock.epoch,
    };
    draft.put(&node, &worker)?;
    draft.events.push(Event::Attested(node));
    Ok(())
}

/// The workers that may be given work now, ascending by id.
pub(crate) fn good_workers<V: View>(
    draft: &Draft<'_, V>,
    scene: &Scene<'_>,
) -> Result<Vec<(NodeId, Worker)>, StorageError> {
    let all = draft.list::<Worker>(&())?;
    Ok(all
        .into_iter()
        .filter(|(_, worker)| worker.is_good(scene.clock.epoch))
        .map(|(_, worker)| (NodeId::of_key(&worker.keys.signing), worker))
        .collect())
}

fn admission<V: View>(draft: &Draft<'_, V>, scene: &Scene<'_>) -> Result<Admission, StorageError> {
    let mut releases = BTreeSet::new();
    for (key, _) in draft.list::<Release>(&())? {
        if let Some(measurement) = key.get(1..).and_then(|rest| rest.try_into().ok()) {
            releases.insert(Measurement(measurement));
        }
    }
    Ok(Admission { network: scene.genesis.kind, releases, max_age: EVIDENCE_AGE })
}
