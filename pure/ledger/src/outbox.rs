//! What the network has to say to each chain, and the members' endorsements of it. A lone result
//! goes by the app's result key at once; several that are ready together go in one batch under the
//! members' proof. Not here: carrying (`roles::courier`).

use crate::apply::{Outcome, Scene, Stop};
use crate::credits;
use crate::event::{Event, Refusal};
use crate::state::{
    Answered, Chain, Credit, KeySent, Open, Outgoing, Progress, Ready, Request, ResultKey, Worker,
    outbox_number,
};
use crate::view::{Draft, StorageError, View};
use sotto_crypto::sign::{Signature, threshold};
use sotto_types::{
    Account, Answer, ChainId, Delivery, Height, KeyEntry, NodeId, Payment, RequestId, limits,
};

/// Blocks a ready answer waits for company while others are still being worked on.
const COMPANY_BLOCKS: u64 = 5;
/// Blocks a lone result has to settle by its result key before the members prove it instead.
const LONE_BLOCKS: u64 = 20;

/// Puts whatever is due into each chain's outbox.
pub(crate) fn fill<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
) -> Result<(), StorageError> {
    for (_, mut chain) in draft.list::<Chain>(&())? {
        let id = ChainId::from_caip2(&chain.caip2);
        if chain.halted.is_some() {
            continue;
        }
        let before = chain.clone();
        drop_late(draft, &chain, &id)?;
        send_keys(draft, scene, &mut chain, &id)?;
        send_results(draft, scene, &mut chain, &id)?;
        prove_stuck(draft, scene, &mut chain, &id)?;
        pay_out(draft, scene, &mut chain, &id)?;
        if chain != before {
            draft.put(&id, &chain)?;
        }
    }
    Ok(())
}

/// Results that their contract can take no more, since its final blocks are past their deadline.
/// Nobody need ever refund them, so nothing else would take them out of here.
fn drop_late<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &Chain,
    id: &ChainId,
) -> Result<(), StorageError> {
    for (key, outgoing) in draft.list::<Outgoing>(id)? {
        let answers = match &outgoing.delivery {
            Delivery::Fulfil { answer, .. } => core::slice::from_ref(answer),
            Delivery::Batch { answers, .. } => answers,
            _ => continue,
        };
        let late = answers.iter().all(|answer| answer.deadline < chain.cursor.time);
        if let (true, Some(entry)) = (late, outbox_number(&key)) {
            draft.remove::<Outgoing>(&(*id, entry));
        }
    }
    Ok(())
}

/// Result keys that answers of this epoch need and the chain was not told of.
fn send_keys<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    chain: &mut Chain,
    id: &ChainId,
) -> Result<(), StorageError> {
    let mut entries = Vec::new();
    let mut told = Vec::new();
    for (_, ready) in draft.list::<Ready>(id)? {
        let Some(answered) = draft.get::<Answered>(&ready.request)? else { continue };
        let receipt = &answered.receipt.receipt;
        let sent = (*id, receipt.app, receipt.epoch);
        if draft.get::<KeySent>(&sent)?.is_some() || told.contains(&sent) {
            continue;
        }
        let Some(key) = draft.get::<ResultKey>(&(receipt.app, receipt.epoch))? else { continue };
        let expiry = chain.cursor.time.plus(chain.key_lifetime);
        entries.push(KeyEntry { app: receipt.app, key: key.key, expiry });
        told.push(sent);
        if entries.len() == limits::OUTBOX_ITEMS_MAX {
            break;
        }
    }
    if entries.is_empty() {
        return Ok(());
    }
    chain.keys_nonce = chain.keys_nonce.saturating_add(1);
    let nonce = chain.keys_nonce;
    for sent in told {
        draft.put(&sent, &KeySent { nonce })?;
    }
    let delivery = Delivery::Keys { nonce, entries, signatures: Vec::new() };
    push(draft, scene, chain, id, delivery, false).map(drop)
}

fn send_results<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    chain: &mut Chain,
    id: &ChainId,
) -> Result<(), StorageError> {
    let ready = draft.list::<Ready>(id)?;
    let waiting = |since: Height| scene.clock.height.0.saturating_sub(since.0);
    let ripe = ready.len() >= limits::BATCH_MAX
        || ready.iter().any(|(_, ready)| waiting(ready.since) >= COMPANY_BLOCKS)
        || being_answered(draft, id)? == 0;
    if ready.is_empty() || !ripe {
        return Ok(());
    }
    let mut batch: Vec<RequestId> = Vec::new();
    let mut answers = Vec::new();
    let mut lone = None;
    let mut gas = 0_u64;
    for (_, Ready { request, .. }) in ready.iter().take(limits::BATCH_MAX) {
        let Some(Signed { answer, signature, gas: more }) = answer(draft, request)? else {
            continue;
        };
        gas = gas.saturating_add(more);
        if gas > limits::BATCH_GAS_MAX && !answers.is_empty() {
            break;
        }
        draft.remove::<Ready>(&(*id, answer.number));
        batch.push(*request);
        answers.push(answer);
        lone = Some(signature);
    }
    let delivery = match (answers.len(), lone) {
        (1, Some(signature)) => {
            let Some(answer) = answers.pop() else { return Ok(()) };
            Delivery::Fulfil { answer, signature }
        }
        (0, _) => return Ok(()),
        _ => Delivery::Batch { answers, signatures: Vec::new() },
    };
    let is_ready = matches!(delivery, Delivery::Fulfil { .. });
    let entry = push(draft, scene, chain, id, delivery, is_ready)?;
    for request in &batch {
        mark(draft, request, Some(entry))?;
    }
    Ok(())
}

/// A lone result whose key never came to count: the members prove it instead.
fn prove_stuck<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    chain: &mut Chain,
    id: &ChainId,
) -> Result<(), StorageError> {
    for (_, outgoing) in draft.list::<Outgoing>(id)? {
        let Delivery::Fulfil { answer, .. } = outgoing.delivery else { continue };
        if scene.clock.height.0.saturating_sub(outgoing.since.0) < LONE_BLOCKS {
            continue;
        }
        let request = RequestId::new(id, &chain.contract, answer.number);
        let Some(old) = draft.get::<Request>(&request)?.and_then(|request| request.outbox) else {
            continue;
        };
        draft.remove::<Outgoing>(&(*id, old));
        let delivery = Delivery::Batch { answers: vec![answer], signatures: Vec::new() };
        let entry = push(draft, scene, chain, id, delivery, false)?;
        mark(draft, &request, Some(entry))?;
    }
    Ok(())
}

/// Pays workers what they are owed there, one pay-out at a time, while nothing is being settled or
/// an epoch begins.
fn pay_out<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    chain: &mut Chain,
    id: &ChainId,
) -> Result<(), StorageError> {
    let turning = scene.clock.height.0.is_multiple_of(scene.genesis.epoch_blocks.max(1));
    let idle = draft.list::<Outgoing>(id)?.is_empty() && draft.list::<Open>(id)?.is_empty();
    if chain.payout_nonce != chain.payout_done || !(turning || idle) {
        return Ok(());
    }
    let mut payments = Vec::new();
    for (key, _) in draft.list::<Credit>(id)? {
        let Some(node) = key.get(33..).and_then(|node| node.try_into().ok()).map(NodeId) else {
            continue;
        };
        let Some(to) = payee(draft, chain, &node, id)? else { continue };
        if let Some(amount) = credits::set_aside(draft, chain, id, node)? {
            payments.push(Payment { to, amount });
        }
        if payments.len() == limits::OUTBOX_ITEMS_MAX {
            break;
        }
    }
    if payments.is_empty() {
        return Ok(());
    }
    chain.payout_nonce = chain.payout_nonce.saturating_add(1);
    let nonce = chain.payout_nonce;
    let delivery = Delivery::Payout { nonce, payments, signatures: Vec::new() };
    push(draft, scene, chain, id, delivery, false).map(drop)
}

/// Where a worker is paid on a chain. An account that the contract would never pay (none, its own,
/// or no address where it has one itself) waits: it would hold up everybody's pay-outs.
fn payee<V: View>(
    draft: &Draft<'_, V>,
    chain: &Chain,
    node: &NodeId,
    id: &ChainId,
) -> Result<Option<Account>, StorageError> {
    let Some(worker) = draft.get::<Worker>(node)? else { return Ok(None) };
    let to = worker.payees.iter().find(|(chain, _)| chain == id).map(|(_, to)| *to);
    let is_address = |to: &Account| to.address().is_some() || chain.contract.address().is_none();
    Ok(to.filter(|to| *to != Account::default() && *to != chain.contract && is_address(to)))
}

/// How many requests of a chain a worker is at.
fn being_answered<V: View>(draft: &Draft<'_, V>, id: &ChainId) -> Result<usize, StorageError> {
    let mut count = 0;
    for (_, Open(request)) in draft.list::<Open>(id)? {
        let request = draft.get::<Request>(&request)?;
        let busy = |r: Request| matches!(r.progress, Progress::Assigned(_) | Progress::Held(_));
        count += usize::from(request.is_some_and(busy));
    }
    Ok(count)
}

/// An answer with its result key's signature, and the gas it takes in a batch.
struct Signed {
    answer: Answer,
    signature: [u8; 65],
    gas: u64,
}

fn answer<V: View>(draft: &Draft<'_, V>, id: &RequestId) -> Result<Option<Signed>, StorageError> {
    let (Some(request), Some(answered)) = (draft.get::<Request>(id)?, draft.get::<Answered>(id)?)
    else {
        return Ok(None);
    };
    let ask = &request.ask;
    let bytes = (answered.result.len() as u64).saturating_mul(limits::BATCH_BYTE_GAS);
    let gas = bytes.saturating_add(limits::BATCH_ITEM_GAS).saturating_add(ask.callback_gas.into());
    let answer = Answer {
        number: ask.number,
        attempt: answered.receipt.receipt.attempt,
        app: ask.app,
        generation: ask.generation,
        terms: ask.terms(),
        result: answered.result,
        deadline: ask.deadline,
    };
    Ok(Some(Signed { answer, signature: answered.signature, gas }))
}

fn mark<V: View>(
    draft: &mut Draft<'_, V>,
    id: &RequestId,
    entry: Option<u64>,
) -> Result<(), StorageError> {
    if let Some(mut request) = draft.get::<Request>(id)? {
        request.outbox = entry;
        draft.put(id, &request)?;
    }
    Ok(())
}

fn push<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    chain: &mut Chain,
    id: &ChainId,
    delivery: Delivery,
    ready: bool,
) -> Result<u64, StorageError> {
    chain.outbox = chain.outbox.saturating_add(1);
    let entry = chain.outbox;
    let since = scene.clock.height;
    let outgoing = Outgoing { delivery, endorsements: Vec::new(), ready, since };
    draft.put(&(*id, entry), &outgoing)?;
    draft.events.push(Event::Outgoing { chain: *id, entry });
    Ok(entry)
}

/// A member endorses an entry; with t of n it may be carried.
pub(crate) fn endorse<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    id: &ChainId,
    entry: u64,
    signature: &[u8; 65],
) -> Outcome {
    if !scene.is_member(key) {
        return Err(Refusal::NotMember.into());
    }
    let chain = draft.get::<Chain>(id)?.ok_or(Refusal::Unknown("chain"))?;
    let mut outgoing =
        draft.get::<Outgoing>(&(*id, entry))?.ok_or(Refusal::Unknown("outbox entry"))?;
    let digest = outgoing.delivery.digest(&chain.domain);
    let signer = Signature(*signature).recover(&digest.0).map_err(|_| Refusal::Signature)?;
    let by = Account::from_address(signer.address());
    let is_new = !outgoing.endorsements.iter().any(|(other, _)| *other == by);
    if signer.to_bytes() != *key || outgoing.ready || !is_new {
        return Err(Refusal::Endorsement(by).into());
    }
    outgoing.endorsements.push((by, *signature));
    outgoing.endorsements.sort_unstable();
    let members = u32::try_from(scene.genesis.members.len()).unwrap_or(u32::MAX);
    let needed = threshold(members) as usize;
    if outgoing.endorsements.len() >= needed {
        let proof = outgoing.endorsements.iter().take(needed).map(|(_, s)| *s).collect();
        set_proof(&mut outgoing.delivery, proof);
        outgoing.ready = true;
        draft.events.push(Event::Outgoing { chain: *id, entry });
    }
    draft.put(&(*id, entry), &outgoing)?;
    Ok(())
}

fn set_proof(delivery: &mut Delivery, proof: Vec<[u8; 65]>) {
    match delivery {
        Delivery::Fulfil { .. } => {}
        Delivery::Batch { signatures, .. }
        | Delivery::Keys { signatures, .. }
        | Delivery::Payout { signatures, .. }
        | Delivery::Members { signatures, .. } => *signatures = proof,
    }
}

/// A request ended on its chain: the entry that carries its result ends with its last one.
pub(crate) fn close_results<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &Chain,
    id: &ChainId,
    number: u64,
) -> Outcome {
    let request = draft.get::<Request>(&RequestId::new(id, &chain.contract, number))?;
    let Some(entry) = request.and_then(|request| request.outbox) else { return Ok(()) };
    let Some(outgoing) = draft.get::<Outgoing>(&(*id, entry))? else { return Ok(()) };
    let numbers: Vec<u64> = match &outgoing.delivery {
        Delivery::Fulfil { answer, .. } => vec![answer.number],
        Delivery::Batch { answers, .. } => answers.iter().map(|a| a.number).collect(),
        _ => return Ok(()),
    };
    for number in numbers {
        let other = draft.get::<Request>(&RequestId::new(id, &chain.contract, number))?;
        if matches!(other, Some(Request { progress: Progress::Answered { .. }, .. })) {
            return Ok(());
        }
    }
    draft.remove::<Outgoing>(&(*id, entry));
    Ok(())
}

/// The contract carried out a change of keys.
pub(crate) fn close_keys<V: View>(
    draft: &mut Draft<'_, V>,
    id: &ChainId,
    done: u64,
) -> Result<(), Stop> {
    close_where(draft, id, |d| matches!(d, Delivery::Keys { nonce, .. } if *nonce <= done))
}

/// The contract carried out a pay-out.
pub(crate) fn close_payout<V: View>(
    draft: &mut Draft<'_, V>,
    id: &ChainId,
    done: u64,
) -> Result<(), Stop> {
    close_where(draft, id, |d| matches!(d, Delivery::Payout { nonce, .. } if *nonce <= done))
}

fn close_where<V: View>(
    draft: &mut Draft<'_, V>,
    id: &ChainId,
    is_done: impl Fn(&Delivery) -> bool,
) -> Result<(), Stop> {
    for (key, outgoing) in draft.list::<Outgoing>(id)? {
        if let (Some(entry), true) = (outbox_number(&key), is_done(&outgoing.delivery)) {
            draft.remove::<Outgoing>(&(*id, entry));
        }
    }
    Ok(())
}
