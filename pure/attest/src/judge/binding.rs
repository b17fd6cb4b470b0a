//! Whether evidence is bound to what the relying party expects. An empty field binds nothing and
//! meets no expectation (GHSA-4r6g-mp48-j2rw, GHSA-4px3-wj2x-xx47); zeros bind nothing either, and
//! meet only whoever named the whole field, zeros and all. Not here: how an expectation is made
//! (`binding`).

use crate::{Bound, Code, Expected, Reason};

pub(super) fn judge(bound: &Bound, expected: &Expected) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let challenge = bound.nonce.as_ref().unwrap_or(&bound.report_data);
    let (field, mismatch) = match expected {
        Expected::DangerouslyUnbound => {
            reasons.push(Reason::new(Code::NotBound, "nobody said what it should be bound to"));
            if !says(challenge) && !says(&bound.report_data) {
                reasons.push(Reason::new(Code::ChallengeMissing, "its challenge is empty"));
            }
            return reasons;
        }
        Expected::ReportData(want) => {
            let same = *want == bound.report_data;
            (&bound.report_data, (!same).then_some((Code::ReportDataMismatch, want)))
        }
        Expected::Nonce(want) => {
            let same = padded(want, bound, challenge.len()) == *challenge;
            (challenge, (!same).then_some((Code::NonceMismatch, want)))
        }
    };
    if let Some((code, want)) = mismatch {
        let (got, want) = (hex::encode(field), hex::encode(want));
        reasons.push(Reason::new(code, format!("bound to `{got}`, expected `{want}`")));
    }
    let named = matches!(expected, Expected::ReportData(want) if !want.is_empty());
    let met = named && mismatch.is_none();
    if !says(field) && !met {
        reasons.push(Reason::new(Code::ChallengeMissing, "its challenge is empty"));
        if mismatch.is_none() {
            let detail = "an expectation that is empty or all zero expects nothing";
            reasons.push(Reason::new(Code::NonceMismatch, detail));
        }
    }
    reasons
}

/// Some byte is not zero.
fn says(field: &[u8]) -> bool {
    field.iter().any(|byte| *byte != 0)
}

/// The challenge as it stands in a field of `width` bytes.
fn padded(challenge: &[u8], bound: &Bound, width: usize) -> Vec<u8> {
    let mut padded = challenge.to_vec();
    if bound.nonce.is_none() && bound.padded && padded.len() < width {
        padded.resize(width, 0);
    }
    padded
}
