//! Who may enter a network: the ledger's use of an appraisal. One release list, one binding, one
//! age; anything but an affirming status refuses. Not here: who may hold which key (`ledger`).

use crate::{
    Anchor, Anchors, Appraisal, Binding, Claims, Code, Endorsements, Evidence as Bytes, Expected,
    Parts, Policy, Scope, Status, Vendor, appraise, simulated, x509::Cache,
};
use sotto_types::{Evidence, Hash, Measurement, NetworkKind, TeeKind, Time};
use std::collections::BTreeSet;

/// What a network accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The network's kind; `simulated` passes in development only.
    pub network: NetworkKind,
    /// Measurements of accepted releases.
    pub releases: BTreeSet<Measurement>,
    /// The oldest evidence taken, in seconds.
    pub max_age: u64,
}

/// Evidence that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// What was launched.
    pub measurement: Measurement,
    /// When the evidence was made, as its maker says.
    pub made: Time,
    /// All that it claims.
    pub claims: Claims,
    /// SHA-256 of the evidence.
    pub evidence: Hash,
}

/// Why a network refuses evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not evidence of its kind.
    #[error("malformed evidence: {0}")]
    Malformed(String),
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
    /// The appraisal refuses for another reason.
    #[error("{0}")]
    Contraindicated(String),
}

impl Admission {
    /// The network's policy in full. A development network takes the simulated TEE alone until its
    /// ledger holds endorsements; a value network takes none yet.
    fn policy(&self) -> Policy {
        let development = self.network == NetworkKind::Development;
        let root = simulated::root().filter(|_| development).map(|der| Anchor {
            name: "the simulated TEE of a development network".into(),
            // The network's kind already says that nothing here is worth anything.
            scope: Scope::Production,
            der,
            known: vec![],
        });
        let anchors = Anchors([(Vendor::Simulated, root.into_iter().collect())].into());
        let releases = self.releases.iter().map(|release| release.0.to_vec()).collect();
        Policy {
            kinds: if development { [TeeKind::Simulated].into() } else { [].into() },
            anchors,
            references: [("measurement".into(), releases)].into(),
            max_age: Some(self.max_age),
            ..Policy::base()
        }
    }
}

/// Appraise, and let in or refuse. Every check refuses; none is optional.
///
/// # Errors
/// The gravest [`Refusal`].
pub fn admit(
    evidence: &Evidence,
    binding: &Binding,
    admission: &Admission,
    now: Time,
) -> Result<Admitted, Refusal> {
    let bytes = Bytes {
        kind: evidence.kind,
        parts: Parts { quote: evidence.bytes.clone(), ..Parts::default() },
    };
    let expected = Expected::ReportData(binding.bytes().to_vec());
    let (policy, mut cache) = (admission.policy(), Cache::default());
    let appraisal = appraise(&bytes, &Endorsements::default(), &expected, &policy, now, &mut cache);
    let refusal = |appraisal: &Appraisal| refusal(appraisal, admission, now);
    let measurement = measurement(&appraisal);
    match (appraisal.status, &appraisal.claims, measurement) {
        (Status::Affirming, Some(claims), Some(measurement)) => Ok(Admitted {
            measurement,
            made: claims.made.unwrap_or(now),
            claims: claims.clone(),
            evidence: Hash::of(&evidence.bytes),
        }),
        _ => Err(refusal(&appraisal)),
    }
}

fn measurement(appraisal: &Appraisal) -> Option<Measurement> {
    let bytes = appraisal.claims.as_ref()?.measurements.get("measurement")?;
    Some(Measurement(bytes.as_slice().try_into().ok()?))
}

/// The refusal for an appraisal that does not affirm; of several reasons, the one that says whose
/// fault it is.
fn refusal(appraisal: &Appraisal, admission: &Admission, now: Time) -> Refusal {
    let detail = |code: Code| {
        appraisal.reasons.iter().find(|reason| reason.code == code).map(|r| r.detail.clone())
    };
    let made = appraisal.claims.as_ref().and_then(|claims| claims.made).unwrap_or(now);
    if let Some(why) = detail(Code::Malformed) {
        return Refusal::Malformed(why);
    }
    if detail(Code::KindNotAccepted).is_some() {
        return Refusal::KindNotAccepted { kind: appraisal.kind, network: admission.network };
    }
    if detail(Code::UntrustedRoot).is_some() {
        return Refusal::Untrusted;
    }
    if detail(Code::ReportDataMismatch).is_some() {
        return Refusal::NotBound;
    }
    if let (Some(_), Some(measurement)) =
        (detail(Code::MeasurementMismatch), measurement(appraisal))
    {
        return Refusal::UnknownMeasurement(measurement);
    }
    if detail(Code::Stale).is_some() {
        return Refusal::Stale { made, now, max_age: admission.max_age };
    }
    let all: Vec<String> = appraisal.reasons.iter().map(ToString::to_string).collect();
    Refusal::Contraindicated(all.join("; "))
}
