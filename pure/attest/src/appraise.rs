//! The door: evidence in, attestation result out. Not here: any single check; the result's forms
//! (`appraise/json`, `ear`).

mod encode;
mod json;
#[cfg(test)]
mod tests;

use crate::{
    Claims, Code, Context, Effect, Endorsements, Evidence, Expected, Grant, Policy, Reason,
    TrustVector, Unverified, grant, judge, verify, x509::Cache,
};
use sotto_types::{Hash, TeeKind, Time};

/// How far an appraisal trusts (AR4SI's tiers, draft-ietf-rats-ar4si).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing wrong was found.
    Affirming,
    /// Genuine, and something is less than one would wish.
    Warning,
    /// Not to be trusted.
    Contraindicated,
}

impl Status {
    /// AR4SI's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Affirming => "affirming",
            Self::Warning => "warning",
            Self::Contraindicated => "contraindicated",
        }
    }
}

/// The attestation result. The same inputs give the same result to the byte
/// ([`Appraisal::encode`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appraisal {
    /// The kind it was judged as.
    pub kind: TeeKind,
    /// The signatures hold up to an anchor of the policy; `None` when nobody can tell.
    pub authentic: Option<bool>,
    /// How far to trust it: the evidence alone.
    pub status: Status,
    /// What may be believed; none unless `authentic` is true.
    pub claims: Option<Claims>,
    /// Everything that was found, the gravest first.
    pub reasons: Vec<Reason>,
    /// The same in AR4SI's eight claims.
    pub trust: TrustVector,
    /// Whether the platform may be given keys: a perfect quote proves software, not custody.
    pub grant: Grant,
    /// When it was judged.
    pub at: Time,
    /// The last second at which the result may be used: the earliest end of what it rests on, and
    /// at most the policy's lifetime after `at`; `at` itself for evidence that is not authentic.
    pub expires: Time,
    /// The policy's digest ([`Policy::digest`]).
    pub policy: Hash,
    /// The digest of everything that was judged: evidence, endorsements, expectation, policy, time.
    pub inputs: Hash,
}

/// Parse, verify, read the claims, judge.
pub fn appraise(
    evidence: &Evidence,
    endorsements: &Endorsements,
    expected: &Expected,
    policy: &Policy,
    now: Time,
    cache: &mut Cache,
) -> Appraisal {
    let kind = evidence.kind;
    let outcome = if policy.kinds.contains(&kind) {
        let mut context = Context { endorsements, anchors: &policy.anchors, cache };
        verify(evidence, &mut context)
    } else {
        Err(Unverified::new(Code::KindNotAccepted, format!("{kind} is not taken")))
    };
    conclude(evidence, endorsements, expected, policy, now, outcome)
}

/// The result for what verifying gave.
pub(crate) fn conclude(
    evidence: &Evidence,
    endorsements: &Endorsements,
    expected: &Expected,
    policy: &Policy,
    now: Time,
    outcome: Result<Claims, Unverified>,
) -> Appraisal {
    let (claims, mut reasons) = match outcome {
        Ok(claims) => {
            let reasons = judge::judge(&claims, expected, policy, now);
            (Some(claims), reasons)
        }
        Err(unverified) => (None, unverified.reasons),
    };
    reasons.extend(judge::image(evidence, claims.as_ref(), policy));
    reasons.sort_by_key(|reason| (core::cmp::Reverse(policy.effect(reason.code)), reason.clone()));
    reasons.dedup();
    let authentic = authentic(claims.is_some(), &reasons);
    let claims = claims.filter(|_| authentic == Some(true));
    let status = status(authentic, &reasons, policy);
    let trust = TrustVector::of(authentic, claims.as_ref(), &reasons, policy);
    let grant = grant::decide(status, claims.as_ref(), &endorsements.custody, policy, now);
    let policy_digest = Hash(policy.digest());
    Appraisal {
        kind: evidence.kind,
        authentic,
        status,
        reasons,
        trust,
        at: now,
        expires: expires(claims.as_ref(), &grant, policy, now),
        inputs: encode::inputs(evidence, endorsements, expected, policy_digest, now),
        policy: policy_digest,
        claims,
        grant,
    }
}

fn authentic(claims: bool, reasons: &[Reason]) -> Option<bool> {
    let forged = reasons.iter().any(|reason| reason.code.effect() == Effect::Forged);
    if forged { Some(false) } else { claims.then_some(true) }
}

fn status(authentic: Option<bool>, reasons: &[Reason], policy: &Policy) -> Status {
    let worst = reasons.iter().map(|reason| policy.effect(reason.code)).max();
    match worst.unwrap_or(Effect::Note) {
        Effect::Note if authentic == Some(true) => Status::Affirming,
        Effect::Warning if authentic == Some(true) => Status::Warning,
        _ => Status::Contraindicated,
    }
}

fn expires(claims: Option<&Claims>, grant: &Grant, policy: &Policy, now: Time) -> Time {
    let Some(claims) = claims else { return now };
    let grace = claims.tcb.status.and_then(|status| policy.statuses.get(&status).copied()?);
    let ends = [
        claims.validity().map(|(_, end)| end),
        claims.made.zip(policy.max_age).map(|(made, age)| made.plus(age)),
        claims.tcb.since().zip(grace).map(|(since, grace)| since.plus(grace)),
        grant.until(),
    ];
    let longest = now.plus(policy.result_lifetime);
    ends.into_iter().flatten().fold(longest, Time::min)
}
