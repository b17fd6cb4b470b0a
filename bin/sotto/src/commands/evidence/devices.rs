//! A list of devices is judged as a whole: what its file says must be what its reports say, and all
//! reports answer one challenge.

use sotto_attest::{Appraisal, Code, Effect, Expected, Grant, Reason, Status, nvidia};
use std::collections::BTreeSet;

/// What is wrong with the list beside what is wrong with its devices.
pub(super) fn disagreements(devices: &[nvidia::Device], expected: &Expected) -> Vec<Reason> {
    let mut reasons: Vec<Reason> =
        devices.iter().filter_map(nvidia::Device::contradiction).collect();
    let nonces: BTreeSet<[u8; 32]> = devices
        .iter()
        .filter_map(|device| Some(nvidia::parse(&device.parts.quote).ok()?.nonce))
        .collect();
    // With an expectation each device was held to it already.
    if nonces.len() > 1 && *expected == Expected::DangerouslyUnbound {
        let detail = format!("the devices answer {} challenges", nonces.len());
        reasons.push(Reason::new(Code::CompositeNonce, detail));
    }
    reasons
}

/// The verdict with one more reason against it.
pub(super) fn lowered(mut verdict: Appraisal, reason: &Reason) -> Appraisal {
    if reason.code.effect() == Effect::Forged {
        verdict.authentic = Some(false);
    }
    verdict.status = Status::Contraindicated;
    verdict.grant = Grant::refused(Status::Contraindicated);
    verdict
}
