//! The judge: claims against a policy.

use crate::{Binding, Claims, simulated};
use sotto_types::{Evidence, Hash, Measurement, NetworkKind, TeeKind, Time, wire::Malformed};
use std::collections::BTreeSet;

/// What a network accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The network's kind; `simulated` passes in development only.
    pub network: NetworkKind,
    /// Measurements of accepted releases.
    pub releases: BTreeSet<Measurement>,
    /// The oldest evidence taken, in seconds.
    pub max_age: u64,
}

/// How far an appraisal trusts (AR4SI's tiers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing wrong was found. For `simulated` it says only that the path was walked.
    Affirming,
}

/// The attestation result of an appraisal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How far it trusts.
    pub status: Status,
    /// What was appraised.
    pub claims: Claims,
    /// SHA-256 of the evidence.
    pub evidence: Hash,
}

/// Why an appraisal refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not evidence of its kind.
    #[error("malformed evidence: {0}")]
    Malformed(#[from] Malformed),
    /// Not signed by the kind's root.
    #[error("evidence is not signed by the root of its kind")]
    Untrusted,
    /// A kind that the network never takes.
    #[error("a {network} network does not accept {kind} evidence")]
    KindNotAccepted {
        /// The kind.
        kind: TeeKind,
        /// The network's kind.
        network: NetworkKind,
    },
    /// Evidence for somebody or something else.
    #[error("evidence is bound to other keys, another network or another challenge")]
    NotBound,
    /// Nobody admitted what runs there.
    #[error("measurement {0} is no accepted release")]
    UnknownMeasurement(Measurement),
    /// A debugger can look in.
    #[error("the environment can be debugged")]
    Debug,
    /// Too old, or from the future.
    #[error("evidence made at {made} is not within {max_age} s of {now}")]
    Stale {
        /// When it was made.
        made: Time,
        /// When it was judged.
        now: Time,
        /// How old it may be.
        max_age: u64,
    },
}

/// Parse, verify, read the claims, judge. Every check refuses; none is optional.
pub fn appraise(
    evidence: &Evidence,
    binding: &Binding,
    policy: &Policy,
    now: Time,
) -> Result<Verdict, Refusal> {
    if evidence.kind == TeeKind::Simulated && policy.network != NetworkKind::Development {
        return Err(Refusal::KindNotAccepted { kind: evidence.kind, network: policy.network });
    }
    let claims = match evidence.kind {
        TeeKind::Simulated => simulated::verify(&simulated::parse(&evidence.bytes)?),
    }
    .ok_or(Refusal::Untrusted)?;
    judge(&claims, binding, policy, now)?;
    Ok(Verdict { status: Status::Affirming, claims, evidence: Hash::of(&evidence.bytes) })
}

fn judge(claims: &Claims, binding: &Binding, policy: &Policy, now: Time) -> Result<(), Refusal> {
    if claims.binding != binding.bytes() {
        return Err(Refusal::NotBound);
    }
    if claims.debug {
        return Err(Refusal::Debug);
    }
    if !policy.releases.contains(&claims.measurement) {
        return Err(Refusal::UnknownMeasurement(claims.measurement));
    }
    let max_age = policy.max_age;
    if claims.made.0.abs_diff(now.0) > max_age {
        return Err(Refusal::Stale { made: claims.made, now, max_age });
    }
    Ok(())
}
