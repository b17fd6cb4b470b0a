//! Whether what a source answered is whole, and whether it fits into one observation.

use sotto_types::{ChainEvent, Hash, limits};
use std::collections::BTreeSet;

/// How events and counter disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Gap {
    /// A request came out of turn.
    #[error("request {found} came where request {expected} was due")]
    OutOfTurn {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// The counter is not at the last request seen.
    #[error("the contract counted {counted} requests, {seen} were seen")]
    Count {
        /// The contract's counter.
        counted: u64,
        /// The last number seen, or known before.
        seen: u64,
    },
}

/// Bytes of an observation's action around its events: block references, counter, sender, nonce,
/// signature.
const FRAME: usize = 1024;
/// Bytes a request takes that is recorded as unreadable for want of room.
const SMALL: usize = 128;
/// Why a request that does not fit is recorded as unreadable.
const NO_ROOM: &str = "its block holds more than one observation can";

/// The events, each once, if their requests follow `before` without gap and end at `count`.
pub(super) fn vet(events: &[ChainEvent], before: u64, count: u64) -> Result<Vec<ChainEvent>, Gap> {
    let mut seen = BTreeSet::new();
    let mut last = before;
    let mut kept = Vec::with_capacity(events.len());
    for event in events {
        if !seen.insert(fingerprint(event)) {
            continue;
        }
        if let ChainEvent::Requested(sotto_types::Ask { number, .. })
        | ChainEvent::Unreadable { number, .. } = event
        {
            let expected = last.saturating_add(1);
            if *number != expected {
                return Err(Gap::OutOfTurn { expected, found: *number });
            }
            last = *number;
        }
        kept.push(event.clone());
    }
    if last == count { Ok(kept) } else { Err(Gap::Count { counted: count, seen: last }) }
}

/// The events as one observation can carry them; none if there are too many, or, for more than one
/// block, too many bytes.
///
/// A block cannot be divided, so requests that would burst it are recorded as unreadable, the same
/// by every watcher, and refunded: otherwise anyone could stop a chain's inflow with one full
/// block.
pub(super) fn fit(mut events: Vec<ChainEvent>, single: bool) -> Option<Vec<ChainEvent>> {
    let room = limits::ACTION_MAX - FRAME;
    if events.len() > limits::OBSERVED_EVENTS_MAX {
        return None;
    }
    if events.iter().map(size).sum::<usize>() <= room {
        return Some(events);
    }
    if !single {
        return None;
    }
    let least = |event: &ChainEvent| match event {
        ChainEvent::Requested(_) => SMALL,
        other => size(other),
    };
    let mut left = room.checked_sub(events.iter().map(least).sum())?;
    for event in &mut events {
        let ChainEvent::Requested(ask) = event else { continue };
        let number = ask.number;
        match left.checked_sub(size(event)) {
            Some(rest) => left = rest,
            None => *event = ChainEvent::Unreadable { number, reason: NO_ROOM.into() },
        }
    }
    Some(events)
}

fn size(event: &ChainEvent) -> usize {
    borsh::object_length(event).unwrap_or(usize::MAX / 1024)
}

fn fingerprint(event: &ChainEvent) -> Hash {
    Hash::of(&borsh::to_vec(event).unwrap_or_default())
}
