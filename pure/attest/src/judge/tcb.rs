//! Whether the platform is patched well enough: the vendor's status with its grace, the number of
//! the vendor's evaluation, advisories. Not here: what the vendor's list says of a platform (the
//! kinds), security versions of AMD (the kind's own judge).

use crate::{Claims, Code, Policy, Reason, Tcb, TcbStatus, date::rfc3339};
use sotto_types::{TeeKind, Time};

pub(super) fn judge(claims: &Claims, policy: &Policy, now: Time) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(status) = claims.tcb.status {
        reasons.extend(held(status, &claims.tcb, policy, now));
    }
    reasons.extend(evaluation(claims, policy));
    for advisory in &claims.tcb.advisories {
        let denied = policy.advisories_denied.contains(advisory);
        let code = if denied { Code::AdvisoryDenied } else { Code::Advisory };
        reasons.push(Reason::new(code, advisory.as_str()));
    }
    reasons
}

/// A status that the policy does not take, or no longer.
fn held(status: TcbStatus, tcb: &Tcb, policy: &Policy, now: Time) -> Option<Reason> {
    let name = status.name();
    if status == TcbStatus::Revoked {
        // No policy takes it: the vendor says that its keys are not to be believed.
        return Some(Reason::new(Code::TcbRevoked, name));
    }
    let refused = |detail: String| Some(Reason::new(Code::TcbStatusRefused, detail));
    match policy.statuses.get(&status) {
        None => refused(name.into()),
        Some(None) if status == TcbStatus::UpToDate => None,
        Some(None) => Some(Reason::new(Code::TcbGrace, format!("{name} is taken for ever"))),
        Some(Some(grace)) => {
            let Some(since) = tcb.since() else {
                return refused(format!("{name}, and nothing says since when: no grace"));
            };
            let end = since.plus(*grace);
            if now > end {
                return refused(format!(
                    "{name} since {}, its grace ended at {}",
                    rfc3339(since),
                    rfc3339(end)
                ));
            }
            let detail = format!("{name} since {}, taken until {}", rfc3339(since), rfc3339(end));
            Some(Reason::new(Code::TcbGrace, detail))
        }
    }
}

fn evaluation(claims: &Claims, policy: &Policy) -> Option<Reason> {
    let minimum = policy.minimum_evaluation?;
    let numbered = matches!(claims.kind, TeeKind::Tdx | TeeKind::Sgx | TeeKind::AzureTdx);
    let detail = match claims.tcb.evaluation {
        Some(number) if number >= minimum => return None,
        Some(number) => format!("evaluation {number}, at least {minimum} is demanded"),
        None if numbered => format!("no evaluation number, at least {minimum} is demanded"),
        None => return None,
    };
    Some(Reason::new(Code::EvaluationTooOld, detail))
}
