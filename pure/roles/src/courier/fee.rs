//! How a fee rises when a transaction does not get in.

use super::Fee;

/// The fee of the next attempt: max(min(max(old × 1.1, estimate), 3 × estimate), old), each part by
/// itself (the rule of Hyperlane's lander), and never over `cap` unless the old one was.
///
/// Nodes replace a pending transaction only where both parts rise by a tenth; where the cap or the
/// estimate does not allow that, the old fee comes back and the same bytes are sent again.
pub fn bumped(old: &Fee, estimate: &Fee, cap: u128) -> Fee {
    let max = part(old.max, estimate.max).min(cap.max(old.max));
    let tip = match (old.tip, estimate.tip) {
        (Some(old), estimate) => Some(part(old, estimate.unwrap_or(old)).min(max)),
        (None, _) => None,
    };
    let new = Fee { max, tip };
    if replaces(old, &new) { new } else { *old }
}

fn part(old: u128, estimate: u128) -> u128 {
    tenth_more(old).max(estimate).min(estimate.saturating_mul(3)).max(old)
}

fn tenth_more(old: u128) -> u128 {
    old.saturating_add(old.div_ceil(10))
}

/// Whether a node would let `new` take the place of `old`.
fn replaces(old: &Fee, new: &Fee) -> bool {
    new.max >= tenth_more(old.max)
        && match (old.tip, new.tip) {
            (Some(old), Some(new)) => new >= tenth_more(old),
            _ => true,
        }
}
