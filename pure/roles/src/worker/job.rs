//! One request in a worker's hands.

use super::{Content, Wanted};
use sotto_crypto::envelope::open;
use sotto_crypto::vet::{VaultKey, VetKey};
use sotto_ledger::state::{Assignment, Request};
use sotto_types::{Aad, Hash, Height, Identity, KeyPath, Manifest, NetworkId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How far a job has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Bytes or keys are missing.
    Gathering,
    /// The component runs.
    Running,
    /// The answer was handed in at this height.
    Answered(Height),
}

/// One request in a worker's hands.
pub(super) struct Job {
    pub(super) request: Request,
    pub(super) assignment: Assignment,
    pub(super) manifest: Manifest,
    pub(super) stage: Stage,
    pub(super) opened: usize,
    bytes: BTreeMap<Hash, Vec<u8>>,
}

impl Job {
    pub(super) fn new(request: Request, assignment: Assignment, manifest: Manifest) -> Self {
        let stage = Stage::Gathering;
        Self { request, assignment, manifest, stage, opened: 0, bytes: BTreeMap::new() }
    }

    /// The context's request key, which opens its envelopes.
    pub(super) fn request_key(&self) -> Wanted {
        let context = self.request.ask.context_id(&self.request.chain, &self.request.contract);
        let app = self.request.ask.app;
        Wanted { app, path: KeyPath::Request, identity: Identity::Context(context) }
    }

    /// The epoch's result key, which signs for the chain.
    pub(super) fn result_key(&self) -> Wanted {
        let app = self.request.ask.app;
        Wanted { app, path: KeyPath::Result, identity: Identity::Epoch(self.assignment.epoch) }
    }

    pub(super) fn wants(&self) -> Vec<Wanted> {
        vec![self.request_key(), self.result_key()]
    }

    /// Hashes of bytes it cannot run without.
    pub(super) fn missing(&self, components: &BTreeMap<Hash, Arc<Vec<u8>>>) -> BTreeSet<Hash> {
        let needs = self.request.ask.needs();
        let mut missing: BTreeSet<Hash> =
            needs.into_iter().filter(|hash| !self.bytes.contains_key(hash)).collect();
        if !components.contains_key(&self.manifest.code) {
            missing.insert(self.manifest.code);
        }
        missing
    }

    /// Keeps bytes if this job needs them.
    pub(super) fn keep(&mut self, hash: Hash, bytes: &[u8]) {
        if self.request.ask.needs().contains(&hash) {
            self.bytes.insert(hash, bytes.to_vec());
        }
    }

    /// The public payload, from the chain or fetched by its hash.
    pub(super) fn payload(&self) -> &[u8] {
        let ask = &self.request.ask;
        if ask.payload.is_empty() {
            self.bytes.get(&ask.payload_hash).map_or(&[], Vec::as_slice)
        } else {
            &ask.payload
        }
    }
}

/// Opens a job's envelopes, each as what it must be: for this app, context and submitter. One that
/// does not open is a submission without content and spoils nothing.
pub(super) fn content(
    network: &NetworkId,
    vault: &VaultKey,
    key: &VetKey,
    job: &Job,
) -> Vec<Content> {
    let ask = &job.request.ask;
    let identity = job.request_key().identity;
    ask.submissions
        .iter()
        .map(|submission| {
            let aad = Aad {
                network: *network,
                app: ask.app,
                generation: ask.generation,
                chain: job.request.chain,
                consumer: ask.consumer,
                submitter: submission.submitter,
                context: ask.context,
            };
            let payload = job
                .bytes
                .get(&submission.envelope)
                .and_then(|envelope| open(key, vault, &identity, &aad, envelope).ok())
                .map(|opened| opened.payload);
            Content { submitter: submission.submitter, payload }
        })
        .collect()
}
