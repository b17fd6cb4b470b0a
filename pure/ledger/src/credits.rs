//! Credits: what each chain brought in and what the network owes there. Value is conserved per
//! chain: deposits = paid out or set aside + all credits; so pay-outs never exceed deposits, and no
//! chain's weakness drains another's vault.

use crate::apply::Outcome;
use crate::event::Refusal;
use crate::state::{Chain, Credit};
use crate::view::{Draft, StorageError, View};
use sotto_types::{Amount, ChainId, NodeId};

/// A settled request's escrow came in; it is owed to `node`.
pub(crate) fn deposit<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &mut Chain,
    id: &ChainId,
    node: NodeId,
    amount: Amount,
) -> Outcome {
    // No chain holds so much: whoever says so is refused, and nothing else is broken.
    let overflow = || Refusal::State("worth more than can be counted");
    chain.deposits = chain.deposits.checked_add(amount).ok_or_else(overflow)?;
    let credit = draft.get::<Credit>(&(*id, node))?.map_or(Amount(0), |credit| credit.0);
    let credit = Credit(credit.checked_add(amount).ok_or_else(overflow)?);
    Ok(draft.put(&(*id, node), &credit)?)
}

/// Sets all of `node`'s credit on a chain aside for paying it out. `None` where there is none, or
/// where it would exceed the chain's net deposits.
pub(crate) fn set_aside<V: View>(
    draft: &mut Draft<'_, V>,
    chain: &mut Chain,
    id: &ChainId,
    node: NodeId,
) -> Result<Option<Amount>, StorageError> {
    let Some(Credit(amount)) = draft.get::<Credit>(&(*id, node))? else { return Ok(None) };
    let Some(paid) = chain.paid.checked_add(amount).filter(|paid| *paid <= chain.deposits) else {
        return Ok(None);
    };
    if amount == Amount(0) {
        return Ok(None);
    }
    chain.paid = paid;
    draft.remove::<Credit>(&(*id, node));
    Ok(Some(amount))
}
