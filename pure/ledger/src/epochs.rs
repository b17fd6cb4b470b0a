//! The turning of epochs: a fixed number of blocks, each with its own challenge for evidence.
//! Not here: what turns with them (assignment in `requests`, attestation in `registry`).

use crate::event::Event;
use crate::state::Clock;
use crate::view::{Draft, Head, StorageError, View};
use crate::{grants, seats};
use sotto_types::{Block, Epoch, Genesis, Hash, Identity};

/// Moves the clock to `block`, and into a new epoch where one begins.
pub(crate) fn turn<V: View>(
    draft: &mut Draft<'_, V>,
    genesis: &Genesis,
    head: &Head,
    block: &Block,
) -> Result<Clock, StorageError> {
    let before = draft.get::<Clock>(&())?.ok_or_else(|| StorageError("no clock is kept".into()))?;
    let epoch = block.height.epoch(genesis.epoch_blocks);
    let mut clock = Clock { height: block.height, time: block.time, ..before.clone() };
    if epoch != before.epoch {
        clock.epoch = epoch;
        clock.challenge = Hash(head.id.0);
        seats::close(draft, before.epoch)?;
        // The other grants of the last epoch stay: an answer may still be under way, and its worker may
        // restart.
        if let Some(over) = epoch.0.checked_sub(2) {
            grants::close(draft, &Identity::Epoch(Epoch(over)))?;
        }
        draft.events.push(Event::Epoch(epoch));
    }
    draft.put(&(), &clock)?;
    Ok(clock)
}
