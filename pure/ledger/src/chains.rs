//! Chains outside: which Sotto contracts count, and what was observed of them. An observation
//! begins exactly where the last ended, and the contract's gapless counter proves that no request
//! was missed. Not here: watching (`io`), when blocks are final (their adapter, by configuration).

use crate::apply::{Outcome, Scene, Stop};
use crate::credits;
use crate::event::{Event, Refusal, RequestRefusal};
use crate::state::{Chain, Progress, Request, TREASURY};
use crate::view::{Draft, View};
use crate::{outbox, requests};
use sotto_types::{
    Account, Amount, Ask, BlockRef, ChainEvent, ChainId, Domain, Finality, Hash, Observation,
    RequestId,
};

/// What a member says of a contract it admits.
pub(crate) struct Terms<'a> {
    pub(crate) caip2: &'a str,
    pub(crate) contract: &'a Account,
    pub(crate) finality: &'a Finality,
    pub(crate) start: &'a BlockRef,
    pub(crate) key_lifetime: &'a u64,
}

/// A member admits the Sotto contract of a chain; one contract a chain.
pub(crate) fn admit<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    terms: &Terms<'_>,
) -> Outcome {
    if !scene.is_member(key) {
        return Err(Refusal::NotMember.into());
    }
    let id = ChainId::from_caip2(terms.caip2);
    if draft.get::<Chain>(&id)?.is_some() {
        return Err(Refusal::Exists("chain").into());
    }
    let chain = Chain {
        caip2: terms.caip2.to_owned(),
        contract: *terms.contract,
        domain: Domain::new(&scene.network, &id, terms.contract),
        finality: *terms.finality,
        key_lifetime: *terms.key_lifetime,
        cursor: *terms.start,
        requests: 0,
        halted: None,
        deposits: Amount(0),
        paid: Amount(0),
        outbox: 0,
        keys_nonce: 0,
        payout_nonce: 0,
        payout_done: 0,
    };
    draft.put(&id, &chain)?;
    Ok(())
}

/// A member saw what was final change: everything on that chain stops.
pub(crate) fn halt<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    id: &ChainId,
    was: &BlockRef,
    now: &BlockRef,
) -> Outcome {
    let mut chain = by_member(draft, scene, key, id)?;
    if *was != chain.cursor || now.hash == was.hash {
        return Err(Refusal::Cursor { got: was.height, want: chain.cursor.height }.into());
    }
    chain.halted = Some(*now);
    draft.put(id, &chain)?;
    draft.events.push(Event::Halted(*id));
    Ok(())
}

/// The council decides to go on after another block.
pub(crate) fn resume<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    id: &ChainId,
    after: &BlockRef,
) -> Outcome {
    let mut chain = by_member(draft, scene, key, id)?;
    if chain.halted.take().is_none() {
        return Err(Refusal::NotHalted.into());
    }
    chain.cursor = *after;
    draft.put(id, &chain)?;
    Ok(())
}

/// A member says what it saw. With a council of one, one member is the quorum.
pub(crate) fn observe<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    seen: &Observation,
) -> Outcome {
    let mut chain = by_member(draft, scene, key, &seen.chain)?;
    if let Some(halted) = chain.halted {
        return Err(Refusal::Halted(halted.height).into());
    }
    if seen.contract != chain.contract || seen.after != chain.cursor {
        let (got, want) = (seen.after.height, chain.cursor.height);
        return Err(Refusal::Cursor { got, want }.into());
    }
    if seen.upto.height <= seen.after.height || seen.upto.time < seen.after.time {
        return Err(Refusal::NotRising.into());
    }
    chain.cursor = seen.upto;
    for event in &seen.events {
        take(draft, scene, &mut chain, &seen.chain, event)?;
    }
    if chain.requests != seen.request_count {
        return Err(Refusal::Gap { got: seen.request_count, want: chain.requests }.into());
    }
    draft.put(&seen.chain, &chain)?;
    Ok(())
}

fn by_member<V: View>(
    draft: &Draft<'_, V>,
    scene: &Scene<'_>,
    key: &[u8; 33],
    id: &ChainId,
) -> Result<Chain, Stop> {
    if !scene.is_member(key) {
        return Err(Refusal::NotMember.into());
    }
    Ok(draft.get::<Chain>(id)?.ok_or(Refusal::Unknown("chain"))?)
}

fn take<V: View>(
    draft: &mut Draft<'_, V>,
    scene: &Scene<'_>,
    chain: &mut Chain,
    id: &ChainId,
    event: &ChainEvent,
) -> Outcome {
    match event {
        ChainEvent::Requested(ask) => {
            count(chain, ask.number)?;
            requests::admit(draft, scene, chain, id, ask)?;
        }
        ChainEvent::Unreadable { number, reason } => {
            count(chain, *number)?;
            let refusal = RequestRefusal::Unreadable(reason.clone());
            requests::record_refused(draft, chain, id, unreadable(*number), refusal)?;
        }
        ChainEvent::Settled { number, result, delivered } => {
            settled(draft, chain, id, *number, result, *delivered)?;
        }
        ChainEvent::Delivered { number } => requests::delivered(draft, chain, id, *number)?,
        ChainEvent::Refunded { number } => {
            requests::refunded(draft, chain, id, *number)?;
            outbox::close_results(draft, chain, id, *number)?;
        }
        ChainEvent::KeysSet { nonce } => outbox::close_keys(draft, id, *nonce)?,
        ChainEvent::Paid { nonce } => {
            // Once for every payment of a pay-out, and never for one that this ledger did not give.
            if *nonce <= chain.payout_nonce {
                chain.payout_done = chain.payout_done.max(*nonce);
                outbox::close_payout(draft, id, *nonce)?;
            }
        }
        ChainEvent::MembersSet { .. } => {}
    }
    Ok(())
}

/// The next request is the next number: proof that none is missing.
fn count(chain: &mut Chain, number: u64) -> Outcome {
    let want = chain.requests.saturating_add(1);
    if number != want {
        return Err(Refusal::Gap { got: number, want }.into());
    }
    chain.requests = want;
    Ok(())
}

/// The record of a request of which only the number is known.
fn unreadable(number: u64) -> Ask {
    Ask {
        number,
        consumer: Account::default(),
        app: Default::default(),
        generation: Default::default(),
        context: Default::default(),
        submissions: Vec::new(),
        payload: Vec::new(),
        payload_hash: Hash::of(b""),
        callback_gas: 0,
        assurance: sotto_types::Assurance(0),
        deadline: Default::default(),
        escrow: Amount(0),
    }
}

fn settled<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &mut Chain,
    id: &ChainId,
    number: u64,
    result: &Hash,
    delivered: bool,
) -> Outcome {
    let request_id = RequestId::new(id, &chain.contract, number);
    let request = draft.get::<Request>(&request_id)?.ok_or(Refusal::Unknown("request"))?;
    requests::check_open(&request)?;
    // The contract only takes what this ledger had signed. Should it ever take anything else, the
    // money is still counted, and owed to nobody until the council decides.
    let payee = match &request.progress {
        Progress::Answered { assignment, result: ours, .. } if ours == result => assignment.worker,
        _ => TREASURY,
    };
    let escrow = request.ask.escrow;
    requests::settled(draft, &request_id, request, result, delivered)?;
    credits::deposit(draft, chain, id, payee, escrow)?;
    outbox::close_results(draft, chain, id, number)?;
    Ok(())
}
