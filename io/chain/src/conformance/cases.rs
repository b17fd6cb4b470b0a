//! The list of cases.

use super::rig::Failure;
use super::{Fault, Testbed, crash, sending, watching};
use futures::future::BoxFuture;

type Run = for<'a> fn(&'a dyn Testbed) -> BoxFuture<'a, Result<(), Failure>>;

/// One case.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) needs: &'static [Fault],
    pub(super) run: Run,
}

macro_rules! cases {
    ($($name:literal [$($fault:ident),*] $run:path;)*) => {
        vec![$(Case {
            name: $name,
            needs: &[$(Fault::$fault),*],
            run: |bed| Box::pin($run(bed)),
        }),*]
    };
}

pub(super) fn all() -> Vec<Case> {
    cases! {
        "identity, nonces and envelopes" [] watching::identity;
        "requests are observed once, in order" [] watching::plain;
        "duplicate event" [DuplicateEvent] watching::duplicate;
        "lagging replica" [LaggingReplica] watching::lagging;
        "range limit" [RangeLimit] watching::range_limit;
        "unreachable node" [Unreachable] watching::unreachable;
        "reorganisation before finality, watching" [Reorg] watching::reorg_before;
        "reorganisation after finality" [Reorg] watching::reorg_after;
        "a result and a batch are carried" [] sending::plain;
        "reorganisation before finality, sending" [Reorg] sending::reorg_before;
        "lost answer after broadcast" [LostAnswer] sending::lost_answer;
        "rejected then good transaction" [Rejected] sending::rejected;
        "someone else first" [] sending::rival_before;
        "someone else first, in the same block" [] sending::rival_beside;
        "callback reverts" [CallbackRevert] sending::callback_reverts;
        "keys before the results that need them" [] sending::keys_first;
        "pay-outs in the order of their nonces" [] sending::payouts;
        "nothing near the deadline, then the refund" [] sending::late;
        "a result nobody may sign is refused" [] sending::stranger;
        "restart at every step" [] crash::every_step;
    }
}
