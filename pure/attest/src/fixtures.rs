//! Claims that tests change in one place. Not here: evidence.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::{
    Appraisal, Bound, Claims, Endorsements, Evidence, Expected, Parts, Platform, Policy, Scope,
    Security, Tcb, TcbStatus, Unverified, Window, appraise::conclude,
};
use sotto_types::{TeeKind, Time};

/// 2025-11-24T16:00:00Z.
pub(crate) const NOW: Time = Time(1_764_000_000);

/// What an up-to-date TDX machine would say.
pub(crate) fn claims() -> Claims {
    let window = |what: &str, from, to| Window {
        what: what.into(),
        not_before: Time(from),
        not_after: Time(to),
    };
    Claims {
        kind: TeeKind::Tdx,
        platform: Platform {
            class: "tdx".into(),
            identities: [("fmspc".into(), vec![0x50; 6]), ("ppid".into(), vec![0x11; 16])].into(),
            anchor: "Intel SGX Root CA".into(),
            scope: Scope::Production,
        },
        tcb: Tcb {
            status: Some(TcbStatus::UpToDate),
            advisories: vec![],
            evaluation: Some(18),
            date: Some(Time(1_760_000_000)),
            superseded: None,
            svns: [("pcesvn".into(), 13)].into(),
        },
        measurements: [("mrtd".into(), vec![0xaa; 48]), ("rtmr0".into(), vec![0xbb; 48])].into(),
        security: Security { service_td: Some(false), ..Security::default() },
        bound: Bound { report_data: vec![7; 64], nonce: None, padded: true },
        windows: vec![
            window("PCK certificate", 1_600_000_000, 1_900_000_000),
            window("TCB info", 1_763_000_000, 1_765_000_000),
        ],
        made: None,
        noticed: vec![],
    }
}

pub(crate) fn expected() -> Expected {
    Expected::report_data(&[7; 64]).unwrap()
}

pub(crate) fn evidence() -> Evidence {
    let parts = Parts { quote: b"a quote".to_vec(), ..Parts::default() };
    Evidence { kind: TeeKind::Tdx, parts }
}

/// The result for claims that were verified.
pub(crate) fn concluded(claims: Claims, policy: &Policy) -> Appraisal {
    with(Ok(claims), &Endorsements::default(), policy)
}

pub(crate) fn with(
    outcome: Result<Claims, Unverified>,
    endorsements: &Endorsements,
    policy: &Policy,
) -> Appraisal {
    let kind = outcome.as_ref().map_or(TeeKind::Tdx, |claims| claims.kind);
    let evidence = Evidence { kind, ..evidence() };
    conclude(&evidence, endorsements, &expected(), policy, NOW, outcome)
}
