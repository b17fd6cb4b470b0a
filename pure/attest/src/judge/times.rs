//! Whether everything that was used is good now, and the evidence fresh. Not here: grace periods of
//! vendor statuses (`tcb`).

use crate::{Claims, Code, Policy, Reason, date::rfc3339};
use sotto_types::Time;

pub(super) fn judge(claims: &Claims, policy: &Policy, now: Time) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let today = rfc3339(now);
    for window in &claims.windows {
        let what = &window.what;
        if now < window.not_before {
            let start = rfc3339(window.not_before);
            let detail = format!("{what} begins at {start}, now is {today}");
            reasons.push(Reason::new(Code::NotYetValid, detail));
        }
        if now > window.not_after {
            let end = rfc3339(window.not_after);
            let detail = format!("{what} ended at {end}, now is {today}");
            reasons.push(Reason::new(Code::Expired, detail));
        }
    }
    if let (Some(max), Some(made)) = (policy.max_age, claims.made)
        && made.0.abs_diff(now.0) > max
    {
        let made = rfc3339(made);
        let detail = format!("made at {made}, which is not within {max} s of {today}");
        reasons.push(Reason::new(Code::Stale, detail));
    }
    reasons
}
