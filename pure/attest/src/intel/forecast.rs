//! What will turn bad when, before it does: the ends of everything a quote leans on, and its TCB
//! under collateral that is not enforced yet (Intel's "early" set). Not here: fetching either.

use super::{ParsedCollateral, Quote, verify_quote};
use crate::{Anchors, Tcb, Unverified, Window, x509::Cache};

/// The outlook of one quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// Everything that is dated, the earliest end first.
    pub ends: Vec<Window>,
    /// The TCB by the collateral in force.
    pub tcb: Tcb,
    /// The TCB by the other collateral, where one was given.
    pub then: Option<Tcb>,
}

/// What ends when, and what the TCB becomes under `early`.
///
/// # Errors
/// [`Unverified`] as for the quote itself, under either collateral.
pub fn forecast(
    quote: &Quote,
    collateral: &ParsedCollateral<'_>,
    early: Option<&ParsedCollateral<'_>>,
    anchors: &Anchors,
    cache: &mut Cache,
) -> Result<Forecast, Unverified> {
    let claims = verify_quote(quote, collateral, anchors, cache)?;
    let then = early.map(|early| verify_quote(quote, early, anchors, cache)).transpose()?;
    let mut ends = claims.windows;
    ends.sort_by_key(|window| window.not_after);
    Ok(Forecast { ends, tcb: claims.tcb, then: then.map(|claims| claims.tcb) })
}
