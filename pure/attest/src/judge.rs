//! The fourth step: claims against a policy at a time. It looks at claims alone; that they are
//! genuine was settled before. Every check that fails gives its reason. Not here: signatures; what
//! a reason does to the status (`reason`, `policy`).

mod binding;
mod image;
mod intel;
mod platform;
mod references;
mod snp;
mod tcb;
#[cfg(test)]
mod tests;
mod times;
mod tpm;

pub(crate) use image::image;

use crate::{Claims, Code, Expected, Policy, Reason};
use sotto_types::Time;

/// Everything that is wrong with `claims`, or worth saying.
pub(crate) fn judge(
    claims: &Claims,
    expected: &Expected,
    policy: &Policy,
    now: Time,
) -> Vec<Reason> {
    let mut reasons = claims.noticed.clone();
    // A kind may have said already that its challenge is empty.
    let said = |code| claims.noticed.iter().any(|reason| reason.code == code);
    let bound = binding::judge(&claims.bound, expected);
    reasons.extend(bound.into_iter().filter(|r| r.code != Code::ChallengeMissing || !said(r.code)));
    reasons.extend(times::judge(claims, policy, now));
    reasons.extend(tcb::judge(claims, policy, now));
    reasons.extend(security(claims));
    reasons.extend(intel::intel(claims));
    reasons.extend(snp::snp(claims, policy));
    reasons.extend(tpm::judge(claims, policy));
    reasons.extend(platform::judge(&claims.platform, policy));
    reasons.extend(references::judge(claims, policy));
    reasons
}

/// What no policy has a switch for.
fn security(claims: &Claims) -> Option<Reason> {
    let debug = claims.security.debug;
    debug.then(|| Reason::new(Code::Debug, "a debugger may look in"))
}
