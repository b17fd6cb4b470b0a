//! Requests of chains, from their record to their end. A context is fixed by the first request
//! admitted in it; workers are drawn from a final block's id (grindable by whoever makes blocks,
//! until the beacon); an answer is taken only from the worker assigned, with a receipt that says
//! exactly what the ledger knows.

use crate::apply::{Outcome, Scene};
use crate::event::{Event, Refusal, RequestRefusal};
use crate::grants;
use crate::registry::good_workers;
use crate::state::{
    Answered, App, Assignment, Chain, Gathering, Grant, GrantKey, Open, Progress, Ready, Request,
    ResultKey, Worker,
};
use crate::view::{Draft, StorageError, View};
use sotto_crypto::sign::{PublicKey, Signature};
use sotto_types::{
    Account, AppId, Ask, Assurance, Attempt, BlockId, ChainId, Epoch, Hash, Identity, KeyPath,
    NodeId, Receipt, RequestId, SignedReceipt, digest::ResultWords, limits, sha256,
};

/// A chain recorded a request: admitted or refused, it is kept.
pub(crate) fn admit<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    chain: &Chain,
    id: &ChainId,
    ask: &Ask,
) -> Result<(), StorageError> {
    if let Some(refusal) = refusal(draft, chain, id, ask)? {
        return record_refused(draft, chain, id, ask.clone(), refusal);
    }
    let request_id = RequestId::new(id, &chain.contract, ask.number);
    let gathering = Gathering { fixed: fixed(ask), number: ask.number, request: request_id };
    draft.put(&ask.context_id(id, &chain.contract), &gathering)?;
    // With nothing to be held, a request is ready to be assigned.
    let progress =
        if ask.needs().is_empty() { Progress::Held(scene.clock.height) } else { Progress::Waiting };
    draft.put(&request_id, &record(chain, id, ask.clone(), progress))?;
    draft.put(&(*id, ask.number), &Open(request_id))?;
    draft.events.push(Event::Requested(request_id));
    Ok(())
}

/// Keeps a request that is not admitted.
pub(crate) fn record_refused<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &Chain,
    id: &ChainId,
    ask: Ask,
    refusal: RequestRefusal,
) -> Result<(), StorageError> {
    let request_id = RequestId::new(id, &chain.contract, ask.number);
    draft.put(&request_id, &record(chain, id, ask, Progress::Refused(refusal.clone())))?;
    draft.events.push(Event::RequestRefused(request_id, refusal));
    Ok(())
}

fn record(chain: &Chain, id: &ChainId, ask: Ask, progress: Progress) -> Request {
    Request {
        chain: *id,
        contract: chain.contract,
        hash: ask.hash(&chain.domain),
        ask,
        progress,
        attempts: Attempt(0),
        outbox: None,
    }
}

/// What a repetition in a context must have in common with the first: anything else would let a
/// consumer learn about sealed bids by asking again with a bid left out or another reserve.
fn fixed(ask: &Ask) -> Hash {
    Hash(sha256(&[
        b"sotto/gathering/v1",
        &ask.submissions_hash().0,
        &ask.app.0,
        &ask.generation.0.to_be_bytes(),
        &ask.payload_hash.0,
    ]))
}

fn refusal<V: View>(
    draft: &Draft<'_, V>,
    chain: &Chain,
    id: &ChainId,
    ask: &Ask,
) -> Result<Option<RequestRefusal>, StorageError> {
    if ask.assurance != Assurance::SINGLE {
        return Ok(Some(RequestRefusal::Assurance(ask.assurance.0)));
    }
    let Some(app) = draft.get::<App>(&ask.app)? else {
        return Ok(Some(RequestRefusal::UnknownApp(ask.app)));
    };
    if app.generation != ask.generation {
        let (asked, runs) = (ask.generation.0, app.generation.0);
        return Ok(Some(RequestRefusal::Generation { asked, runs }));
    }
    if let Some(first) = draft.get::<Gathering>(&ask.context_id(id, &chain.contract))? {
        if first.fixed != fixed(ask) {
            return Ok(Some(RequestRefusal::ContextFixed(first.number)));
        }
        let last = draft.get::<Request>(&first.request)?;
        if !matches!(last, Some(Request { progress: Progress::Refunded, .. })) {
            return Ok(Some(RequestRefusal::ContextInUse(first.number)));
        }
    }
    let now = chain.cursor.time;
    if ask.deadline <= now.plus(limits::BROADCAST_MARGIN) {
        return Ok(Some(RequestRefusal::TooLate { deadline: ask.deadline.0, now: now.0 }));
    }
    Ok(None)
}

/// A member holds all bytes of a request. With a council of one, one member is the quorum.
pub(crate) fn hold<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    id: &RequestId,
) -> Outcome {
    if !scene.is_member(key) {
        return Err(Refusal::NotMember.into());
    }
    let mut request = draft.get::<Request>(id)?.ok_or(Refusal::Unknown("request"))?;
    if request.progress != Progress::Waiting {
        return Err(Refusal::State("not waiting for its bytes").into());
    }
    request.progress = Progress::Held(scene.clock.height);
    draft.put(id, &request)?;
    draft.events.push(Event::Held(*id));
    Ok(())
}

/// Assigns every open request whose bytes are held, and passes on those whose worker is silent.
pub(crate) fn assign_open<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
) -> Result<(), StorageError> {
    let open = draft.list::<Open>(&())?;
    if open.is_empty() {
        return Ok(());
    }
    let workers = good_workers(draft, scene)?;
    for (_, Open(id)) in open {
        let Some(request) = draft.get::<Request>(&id)? else { continue };
        let Some(chain) = draft.get::<Chain>(&request.chain)? else { continue };
        step(draft, scene, &workers, &chain, &id, request)?;
    }
    Ok(())
}

fn step<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    workers: &[(NodeId, Worker)],
    chain: &Chain,
    id: &RequestId,
    mut request: Request,
) -> Result<(), StorageError> {
    let late = request.ask.deadline <= chain.cursor.time.plus(limits::BROADCAST_MARGIN);
    let silent = match &request.progress {
        Progress::Assigned(assignment) => {
            let until = assignment.height.0.saturating_add(limits::ATTEMPT_BLOCKS);
            (scene.clock.height.0 > until).then_some(assignment.worker)
        }
        Progress::Held(_) | Progress::Waiting => None,
        _ => return Ok(()),
    };
    if late || (silent.is_some() && request.attempts.0 >= limits::ATTEMPTS_MAX) {
        request.progress = Progress::Unanswered;
        close(draft, &request)?;
        draft.put(id, &request)?;
        draft.events.push(Event::Unanswered(*id));
        return Ok(());
    }
    // Chance for a request comes from a block made after its bytes were held: not in this one.
    let ready = matches!(request.progress, Progress::Held(height) if height < scene.clock.height);
    if ready || silent.is_some() {
        assign(draft, scene, workers, id, request, silent)?;
    }
    Ok(())
}

fn assign<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    workers: &[(NodeId, Worker)],
    id: &RequestId,
    mut request: Request,
    silent: Option<NodeId>,
) -> Result<(), StorageError> {
    let Some(app) = draft.get::<App>(&request.ask.app)? else { return Ok(()) };
    let pool = pool(&scene.clock.challenge, &request.ask.app, app.manifest.holders, workers);
    let attempt = Attempt(request.attempts.0.saturating_add(1));
    let Some(node) = draw(&scene.parent, id, attempt, &pool, silent.as_ref()) else {
        return Ok(());
    };
    let Some((_, worker)) = workers.iter().find(|(other, _)| *other == node) else {
        return Ok(());
    };
    let clock = &scene.clock;
    let assignment = Assignment {
        worker: node,
        attempt,
        epoch: clock.epoch,
        height: clock.height,
        time: clock.time,
    };
    let context = Identity::Context(request.ask.context_id(&request.chain, &request.contract));
    let key = Identity::Epoch(clock.epoch);
    grants::give(draft, scene, node, worker, request.ask.app, KeyPath::Request, context)?;
    grants::give(draft, scene, node, worker, request.ask.app, KeyPath::Result, key)?;
    request.attempts = attempt;
    request.progress = Progress::Assigned(assignment);
    draft.put(id, &request)?;
    draft.events.push(Event::Assigned { request: *id, worker: node, attempt });
    Ok(())
}

/// The enclaves that may hold an app's keys in an epoch: the `holders` first by a hash of the
/// epoch's challenge, the app and the worker. A pure function, so everybody finds the same.
pub fn pool(
    challenge: &Hash,
    app: &AppId,
    holders: u16,
    workers: &[(NodeId, Worker)],
) -> Vec<NodeId> {
    let mut ranked: Vec<([u8; 32], NodeId)> = workers
        .iter()
        .map(|(node, _)| (sha256(&[b"sotto/pool/v1", &challenge.0, &app.0, &node.0]), *node))
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(holders.into()).map(|(_, node)| node).collect()
}

/// The worker of an attempt: a pure function of a final block's id, the request and the pool. Who
/// was silent before is passed over while there is anybody else.
pub fn draw(
    block: &BlockId,
    request: &RequestId,
    attempt: Attempt,
    pool: &[NodeId],
    silent: Option<&NodeId>,
) -> Option<NodeId> {
    let others: Vec<NodeId> = pool.iter().copied().filter(|n| Some(n) != silent).collect();
    let from = if others.is_empty() { pool } else { &others };
    let seed = sha256(&[b"sotto/draw/v1", &block.0, &request.0, &attempt.0.to_be_bytes()]);
    let (number, _) = seed.split_first_chunk::<16>()?;
    let count = u128::try_from(from.len()).ok().filter(|count| *count > 0)?;
    from.get(usize::try_from(u128::from_be_bytes(*number) % count).ok()?).copied()
}

/// A worker that holds an app's result key says what its address is.
pub(crate) fn announce_key<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    sender: NodeId,
    app: &AppId,
    epoch: Epoch,
    key: &Account,
) -> Outcome {
    let grant = GrantKey::new(&sender, app, KeyPath::Result, &Identity::Epoch(epoch));
    if draft.get::<Grant>(&grant)?.is_none() || epoch > scene.clock.epoch {
        return Err(Refusal::NotGranted.into());
    }
    match draft.get::<ResultKey>(&(*app, epoch))? {
        Some(known) if known.key != *key => Err(Refusal::OtherResultKey.into()),
        Some(_) => Err(Refusal::Exists("result key").into()),
        None => Ok(draft.put(&(*app, epoch), &ResultKey { key: *key })?),
    }
}

/// The assigned worker answers.
pub(crate) fn answer<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    sender: NodeId,
    signed: &SignedReceipt,
    result: &[u8],
    signature: &[u8; 65],
) -> Outcome {
    let id = signed.receipt.request;
    let mut request = draft.get::<Request>(&id)?.ok_or(Refusal::Unknown("request"))?;
    let Progress::Assigned(assignment) = request.progress else {
        return Err(Refusal::State("not waiting for an answer").into());
    };
    if assignment.worker != sender {
        return Err(Refusal::NotAssigned.into());
    }
    let worker = draft.get::<Worker>(&sender)?.ok_or(Refusal::NotWorker(sender))?;
    let app = draft.get::<App>(&request.ask.app)?.ok_or(Refusal::Unknown("app"))?;
    let chain = draft.get::<Chain>(&request.chain)?.ok_or(Refusal::Unknown("chain"))?;
    let hash = Hash::of(result);
    let on_chain = chain.domain.result(&ResultWords {
        number: request.ask.number,
        request: &request.hash,
        attempt: assignment.attempt,
        app: &request.ask.app,
        generation: request.ask.generation,
        result: &hash,
    });
    check_receipt(scene, &signed.receipt, &id, &request, &assignment, &app)?;
    check_maker(signed, sender, &worker, &on_chain)?;
    let key = draft.get::<ResultKey>(&(request.ask.app, assignment.epoch))?;
    let signer = Signature(*signature).recover(&on_chain.0).map_err(|_| Refusal::ResultKey)?;
    if key.map(|key| key.key) != Some(Account::from_address(signer.address())) {
        return Err(Refusal::ResultKey.into());
    }
    request.progress = Progress::Answered { assignment, result: hash, height: scene.clock.height };
    let number = request.ask.number;
    draft.remove::<Open>(&(request.chain, number));
    draft.put(&(request.chain, number), &Ready { request: id, since: scene.clock.height })?;
    let answered = Answered {
        receipt: signed.clone(),
        result: result.to_vec(),
        signature: *signature,
        worker,
    };
    draft.put(&id, &answered)?;
    draft.put(&id, &request)?;
    draft.events.push(Event::Answered(id));
    Ok(())
}

fn check_receipt(
    scene: &Scene<'_>,
    receipt: &Receipt,
    id: &RequestId,
    request: &Request,
    assignment: &Assignment,
    app: &App,
) -> Result<(), Refusal> {
    let facts = [
        ("network", receipt.network == scene.network),
        ("request", receipt.request == *id),
        ("chain", receipt.chain == request.chain),
        ("contract", receipt.contract == request.contract),
        ("number", receipt.number == request.ask.number),
        ("request hash", receipt.request_hash == request.hash),
        ("app", receipt.app == request.ask.app),
        ("generation", receipt.generation == request.ask.generation),
        ("code", receipt.code == app.manifest.code),
        ("attempt", receipt.attempt == assignment.attempt),
        ("epoch", receipt.epoch == assignment.epoch),
        ("time", receipt.time == assignment.time),
        ("fuel", receipt.fuel <= app.manifest.fuel),
        ("opened", receipt.opened as usize <= request.ask.submissions.len()),
    ];
    match facts.iter().find(|(_, holds)| !holds) {
        Some((what, _)) => Err(Refusal::Receipt(what)),
        None => Ok(()),
    }
}

fn check_maker(
    signed: &SignedReceipt,
    sender: NodeId,
    worker: &Worker,
    on_chain: &Hash,
) -> Result<(), Refusal> {
    let receipt = &signed.receipt;
    if receipt.worker != sender || receipt.tee != worker.tee {
        return Err(Refusal::Receipt("worker"));
    }
    if receipt.evidence != worker.evidence {
        return Err(Refusal::Receipt("evidence"));
    }
    if receipt.on_chain != *on_chain {
        return Err(Refusal::Receipt("on-chain digest"));
    }
    let key = PublicKey::from_bytes(&worker.keys.signing).map_err(|_| Refusal::Signature)?;
    key.verify(&receipt.digest(), &Signature(signed.signature)).map_err(|_| Refusal::Signature)
}

/// The assigned worker says that the app failed: the requester takes its escrow back later.
pub(crate) fn fail<V: View>(
    draft: &mut Draft<'_, V>,
    sender: NodeId,
    id: &RequestId,
    attempt: Attempt,
    reason: &str,
) -> Outcome {
    let mut request = draft.get::<Request>(id)?.ok_or(Refusal::Unknown("request"))?;
    match request.progress {
        Progress::Assigned(a) if a.worker == sender && a.attempt == attempt => {}
        Progress::Assigned(_) => return Err(Refusal::NotAssigned.into()),
        _ => return Err(Refusal::State("not waiting for an answer").into()),
    }
    request.progress = Progress::Failed(reason.to_owned());
    close(draft, &request)?;
    draft.put(id, &request)?;
    draft.events.push(Event::Failed(*id));
    Ok(())
}

/// A request leaves its contract once: money counted twice would be paid out twice.
pub(crate) fn check_open(request: &Request) -> Result<(), Refusal> {
    match request.progress {
        Progress::Settled { .. } | Progress::Refunded => Err(Refusal::State("at its end already")),
        _ => Ok(()),
    }
}

/// The contract settled a request.
pub(crate) fn settled<V: View>(
    draft: &mut Draft<'_, V>,
    id: &RequestId,
    mut request: Request,
    result: &Hash,
    delivered: bool,
) -> Result<(), StorageError> {
    request.progress = Progress::Settled { result: *result, delivered };
    close(draft, &request)?;
    draft.put(id, &request)?;
    draft.events.push(Event::Settled(*id));
    Ok(())
}

/// A consumer took the callback it had failed to take.
pub(crate) fn delivered<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &Chain,
    id: &ChainId,
    number: u64,
) -> Outcome {
    let request_id = RequestId::new(id, &chain.contract, number);
    let mut request = draft.get::<Request>(&request_id)?.ok_or(Refusal::Unknown("request"))?;
    if let Progress::Settled { delivered, .. } = &mut request.progress {
        *delivered = true;
        draft.put(&request_id, &request)?;
    }
    Ok(())
}

/// A requester took its escrow back: the context is free for the identical list.
pub(crate) fn refunded<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &Chain,
    id: &ChainId,
    number: u64,
) -> Outcome {
    let request_id = RequestId::new(id, &chain.contract, number);
    let mut request = draft.get::<Request>(&request_id)?.ok_or(Refusal::Unknown("request"))?;
    check_open(&request)?;
    close(draft, &request)?;
    request.progress = Progress::Refunded;
    draft.put(&request_id, &request)?;
    draft.events.push(Event::Refunded(request_id));
    Ok(())
}

/// Nobody works on it any more: it leaves the lists, and the grants of its context end; but not
/// those of a context that another request holds.
fn close<V: View>(draft: &mut Draft<'_, V>, request: &Request) -> Result<(), StorageError> {
    let number = request.ask.number;
    draft.remove::<Open>(&(request.chain, number));
    draft.remove::<Ready>(&(request.chain, number));
    let context = request.ask.context_id(&request.chain, &request.contract);
    match draft.get::<Gathering>(&context)? {
        Some(gathering) if gathering.number == number => {
            grants::close(draft, &Identity::Context(context))
        }
        _ => Ok(()),
    }
}
