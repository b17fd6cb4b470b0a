//! Measured boot against the image that a policy names. Evidence that is not genuine is compared
//! too, by what its log and its list say: whoever sent it sees what differs. Not here: predicting.

use crate::image::{Log, Prediction, compare_banks, compare_claims};
use crate::{Claims, Evidence, Policy, Reason, hash::Hash, tpm};
use sotto_types::TeeKind;
use std::collections::BTreeMap;

/// How the PCRs differ from the prediction. Nothing without a prediction, or for kinds without
/// PCRs of a firmware's log.
pub(crate) fn image(evidence: &Evidence, claims: Option<&Claims>, policy: &Policy) -> Vec<Reason> {
    let measured = matches!(evidence.kind, TeeKind::Tpm | TeeKind::AzureSnp | TeeKind::AzureTdx);
    let Some(prediction) = policy.image.as_ref().filter(|_| measured) else { return vec![] };
    let logs = logs(evidence.parts.event_log.as_deref());
    match claims {
        Some(claims) => compare_claims(prediction, claims, &logs),
        None => refused(evidence, prediction, &logs),
    }
}

fn refused(
    evidence: &Evidence,
    prediction: &Prediction,
    logs: &BTreeMap<Hash, Log>,
) -> Vec<Reason> {
    if evidence.kind != TeeKind::Tpm {
        return vec![];
    }
    let Ok(examined) = tpm::examine(&evidence.parts) else { return vec![] };
    examined.proven.map_or(vec![], |banks| compare_banks(prediction, &banks, logs))
}

/// The digests that a log extends each PCR with, by bank; none for a log that cannot be read, which
/// verifying said already.
fn logs(log: Option<&[u8]>) -> BTreeMap<Hash, Log> {
    let mut logs: BTreeMap<Hash, Log> = BTreeMap::new();
    let Some(Ok(log)) = log.map(tpm::log::parse) else { return logs };
    for event in log.events {
        let Ok(pcr) = u8::try_from(event.pcr) else { continue };
        for (bank, digest) in event.digests {
            logs.entry(bank).or_default().entry(pcr).or_default().push(digest.to_vec());
        }
    }
    logs
}
