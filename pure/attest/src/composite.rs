//! Several parts that are one machine: a CPU's TEE and the devices attached to it, all bound to one
//! challenge.
//!
//! What each part must carry is worked out from the verifier's own challenge by a rule the verifier
//! chooses; nothing is copied from the message. Bound so, a device answered the same question as the
//! CPU: whether it is attached to that CPU, no report says. Not here: how any part is verified; the
//! vTPM of a cloud's confidential machine, which is a kind of its own.

#[cfg(test)]
mod tests;

use crate::{
    Appraisal, Code, Effect, Endorsements, Evidence, Expected, NoChallenge, Policy, Reason, Status,
    appraise, hash, nvidia::Device, x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::collections::BTreeSet;

/// Devices of one composite, at most.
const DEVICES_MAX: usize = 64;

/// A CPU's evidence and that of its devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composite {
    /// The CPU's.
    pub cpu: Evidence,
    /// The devices', in the prover's order.
    pub devices: Vec<Evidence>,
}

/// How the parts hang together: what the CPU and each device must carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// CPU and devices carry the challenge itself. Made by [`Link::challenge`].
    Challenge(Vec<u8>),
    /// CPU and devices carry SHA-256(nonce ‖ key), `key` being what the machine proves to hold. In
    /// the field (chutes) both are text: the nonce's hexadecimal digits, then the key's base64.
    NonceAndKey {
        /// The verifier's nonce.
        nonce: Vec<u8>,
        /// The key.
        key: Vec<u8>,
    },
    /// The CPU carries `binding`, the whole of its report data; device number i, from zero, carries
    /// SHA-256("sotto/composite/v1" ‖ length of binding (u32) ‖ binding ‖ i (u32)), numbers
    /// big-endian. Made by [`Link::derived`].
    Derived {
        /// What the CPU carries.
        binding: Vec<u8>,
    },
    /// Nobody said: the parts may be anybody's, and old.
    DangerouslyUnbound,
}

impl Link {
    /// All carry the challenge.
    ///
    /// # Errors
    /// [`NoChallenge`].
    pub fn challenge(bytes: &[u8]) -> Result<Self, NoChallenge> {
        Expected::nonce(bytes).map(|_| Self::Challenge(bytes.to_vec()))
    }

    /// Devices carry what follows from the CPU's binding.
    ///
    /// # Errors
    /// [`NoChallenge`].
    pub fn derived(binding: &[u8]) -> Result<Self, NoChallenge> {
        Expected::nonce(binding).map(|_| Self::Derived { binding: binding.to_vec() })
    }

    /// What the CPU must carry.
    pub fn cpu(&self) -> Expected {
        match self {
            Self::Challenge(bytes) => Expected::Nonce(bytes.clone()),
            Self::NonceAndKey { nonce, key } => Expected::Nonce(digest(nonce, key)),
            Self::Derived { binding } => Expected::ReportData(binding.clone()),
            Self::DangerouslyUnbound => Expected::DangerouslyUnbound,
        }
    }

    /// What the device with this number must carry.
    pub fn device(&self, number: u32) -> Expected {
        match self {
            Self::Derived { binding } => Expected::Nonce(device_nonce(binding, number).to_vec()),
            same => match same.cpu() {
                Expected::ReportData(bytes) => Expected::Nonce(bytes),
                other => other,
            },
        }
    }
}

fn digest(nonce: &[u8], key: &[u8]) -> Vec<u8> {
    hash::sha256(&[nonce, key].concat()).to_vec()
}

/// The nonce to ask the device with this number with, for a CPU bound to `binding`; see
/// [`Link::Derived`].
pub fn device_nonce(binding: &[u8], number: u32) -> [u8; 32] {
    let length = u32::try_from(binding.len()).unwrap_or(u32::MAX).to_be_bytes();
    let domain: &[u8] = b"sotto/composite/v1";
    hash::sha256(&[domain, &length, binding, &number.to_be_bytes()].concat())
}

/// One part's verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `cpu`, `device 0`, `device 1`, ….
    pub name: String,
    /// Its own verdict, with its own reasons.
    pub appraisal: Appraisal,
}

/// The verdict on a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Every part is authentic; `None` when of some part nobody can tell, and none is forged.
    pub authentic: Option<bool>,
    /// The worst of the parts' and of what is wrong with the whole.
    pub status: Status,
    /// The parts, the CPU first.
    pub parts: Vec<Part>,
    /// What was found about the whole, the gravest first.
    pub reasons: Vec<Reason>,
    /// When it was judged.
    pub at: Time,
}

/// Judges a CPU with its devices: every part under `policy`, and that all are bound as `link` says.
pub fn appraise_composite(
    composite: &Composite,
    endorsements: &Endorsements,
    link: &Link,
    policy: &Policy,
    now: Time,
    cache: &mut Cache,
) -> Whole {
    let cpu = appraise(&composite.cpu, endorsements, &link.cpu(), policy, now, cache);
    let mut parts = vec![Part { name: "cpu".into(), appraisal: cpu }];
    let mut reasons = Vec::new();
    if composite.cpu.kind == TeeKind::Nvidia {
        reasons.push(Reason::new(Code::KindNotAccepted, "a device stands in the CPU's place"));
    }
    let devices = &composite.devices;
    parts.extend(each(devices, endorsements, link, policy, now, cache, &mut reasons));
    whole(parts, reasons, link, policy, now)
}

/// Judges the devices of one file, without a CPU. Under [`Link::Derived`] they must carry what
/// follows from the binding.
pub fn appraise_devices(
    devices: &[Device],
    endorsements: &Endorsements,
    link: &Link,
    policy: &Policy,
    now: Time,
    cache: &mut Cache,
) -> Whole {
    let mut reasons: Vec<Reason> = devices.iter().filter_map(Device::contradiction).collect();
    let devices: Vec<Evidence> = devices.iter().map(Device::evidence).collect();
    let parts = each(&devices, endorsements, link, policy, now, cache, &mut reasons);
    whole(parts, reasons, link, policy, now)
}

fn each(
    devices: &[Evidence],
    endorsements: &Endorsements,
    link: &Link,
    policy: &Policy,
    now: Time,
    cache: &mut Cache,
    reasons: &mut Vec<Reason>,
) -> Vec<Part> {
    if devices.is_empty() {
        reasons.push(Reason::new(Code::PartMissing, "no device"));
    }
    if devices.len() > DEVICES_MAX {
        let detail = format!("{} devices, at most {DEVICES_MAX}", devices.len());
        reasons.push(Reason::new(Code::Malformed, detail));
        return vec![];
    }
    (0..)
        .zip(devices)
        .map(|(number, device)| {
            let name = format!("device {number}");
            if device.kind != TeeKind::Nvidia {
                let detail = format!("{name} is of kind {}", device.kind);
                reasons.push(Reason::new(Code::KindNotAccepted, detail));
            }
            let expected = link.device(number);
            let appraisal = appraise(device, endorsements, &expected, policy, now, cache);
            reasons.extend(nonce(&name, &appraisal, &expected));
            Part { name, appraisal }
        })
        .collect()
}

/// Says so when a device carries another nonce than the rule gives.
fn nonce(name: &str, appraisal: &Appraisal, expected: &Expected) -> Option<Reason> {
    let Expected::Nonce(want) = expected else { return None };
    let got = &appraisal.claims.as_ref()?.bound.report_data;
    (got != want).then(|| {
        let (got, want) = (hex::encode(got), hex::encode(want));
        Reason::new(Code::CompositeNonce, format!("{name} carries {got}, the rule gives {want}"))
    })
}

fn whole(
    parts: Vec<Part>,
    mut reasons: Vec<Reason>,
    link: &Link,
    policy: &Policy,
    now: Time,
) -> Whole {
    let claims = |part: &Part| part.appraisal.claims.clone();
    let devices: Vec<_> = parts.iter().filter(|part| part.name != "cpu").collect();
    if *link == Link::DangerouslyUnbound {
        // Unbound they may be anybody's; differing, they cannot even be one machine's.
        let nonces: BTreeSet<_> =
            devices.iter().filter_map(|part| Some(claims(part)?.bound.report_data)).collect();
        if nonces.len() > 1 {
            let detail = format!("the devices carry {} different nonces", nonces.len());
            reasons.push(Reason::new(Code::CompositeNonce, detail));
        }
    }
    let mut seen = BTreeSet::new();
    for part in &devices {
        let name = claims(part).and_then(|claims| claims.platform.identities.get("ueid").cloned());
        if let Some(name) = name
            && !seen.insert(name.clone())
        {
            let detail = format!("{} is device {} once more", part.name, hex::encode(name));
            reasons.push(Reason::new(Code::DeviceRepeated, detail));
        }
    }
    reasons.sort_by_key(|reason| (core::cmp::Reverse(policy.effect(reason.code)), reason.clone()));
    reasons.dedup();
    Whole {
        authentic: authentic(&parts, &reasons),
        status: status(&parts, &reasons, policy),
        parts,
        reasons,
        at: now,
    }
}

fn authentic(parts: &[Part], reasons: &[Reason]) -> Option<bool> {
    let effect = |effect: Effect| reasons.iter().any(|reason| reason.code.effect() == effect);
    let part = |is: Option<bool>| parts.iter().any(|part| part.appraisal.authentic == is);
    if effect(Effect::Forged) || part(Some(false)) {
        Some(false)
    } else if effect(Effect::Unknown) || part(None) || parts.is_empty() {
        None
    } else {
        Some(true)
    }
}

fn status(parts: &[Part], reasons: &[Reason], policy: &Policy) -> Status {
    let own = reasons.iter().map(|reason| match policy.effect(reason.code) {
        Effect::Note => Status::Affirming,
        Effect::Warning => Status::Warning,
        Effect::Contraindicated | Effect::Unknown | Effect::Forged => Status::Contraindicated,
    });
    let parts = parts.iter().map(|part| part.appraisal.status);
    own.chain(parts).max().unwrap_or(Status::Contraindicated)
}
