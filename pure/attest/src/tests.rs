#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::{Admission, Binding, Refusal, Role, admit, simulated};
use sotto_types::{Evidence, Hash, Measurement, NetworkId, NetworkKind, TeeKind, Time, WorkerKeys};

const NOW: Time = Time(1_000_000);

fn binding() -> Binding {
    Binding {
        network: NetworkId([1; 32]),
        role: Role::Worker,
        challenge: Hash([2; 32]),
        keys: WorkerKeys { signing: [3; 33], transport: [4; 48] },
    }
}

fn policy() -> Admission {
    Admission {
        network: NetworkKind::Development,
        releases: [Measurement([5; 32])].into(),
        max_age: 60,
    }
}

fn report() -> simulated::Report {
    simulated::Report { measurement: Measurement([5; 32]), binding: binding().bytes(), made: NOW }
}

fn evidence(report: &simulated::Report) -> Evidence {
    Evidence { kind: TeeKind::Simulated, bytes: simulated::make(report).unwrap() }
}

fn check(report: &simulated::Report, policy: &Admission) -> Result<(), Refusal> {
    admit(&evidence(report), &binding(), policy, NOW).map(drop)
}

#[test]
fn genuine_evidence_is_affirmed() {
    let verdict = admit(&evidence(&report()), &binding(), &policy(), NOW).unwrap();
    assert_eq!(verdict.measurement, Measurement([5; 32]));
    assert_eq!(verdict.evidence, Hash::of(&evidence(&report()).bytes));
}

#[test]
fn a_value_network_never_takes_the_simulated_kind() {
    let value = Admission { network: NetworkKind::Value, ..policy() };
    let refusal =
        Refusal::KindNotAccepted { kind: TeeKind::Simulated, network: NetworkKind::Value };
    assert_eq!(check(&report(), &value), Err(refusal));
}

#[test]
fn each_part_of_the_binding_binds() {
    let base = binding();
    let others = [
        Binding { network: NetworkId([9; 32]), ..base.clone() },
        Binding { challenge: Hash([9; 32]), ..base.clone() },
        Binding { keys: WorkerKeys { signing: [9; 33], ..base.keys.clone() }, ..base.clone() },
        Binding { keys: WorkerKeys { transport: [9; 48], ..base.keys.clone() }, ..base.clone() },
    ];
    for other in others {
        let report = simulated::Report { binding: other.bytes(), ..report() };
        assert_eq!(check(&report, &policy()), Err(Refusal::NotBound));
    }
}

#[test]
fn an_unknown_measurement_and_a_wrong_time_are_refused() {
    let other = simulated::Report { measurement: Measurement([6; 32]), ..report() };
    let unknown = Refusal::UnknownMeasurement(Measurement([6; 32]));
    assert_eq!(check(&other, &policy()), Err(unknown));
    for made in [Time(NOW.0 - 61), Time(NOW.0 + 61)] {
        let stale = Refusal::Stale { made, now: NOW, max_age: 60 };
        assert_eq!(check(&simulated::Report { made, ..report() }, &policy()), Err(stale));
    }
}

#[test]
fn every_flipped_bit_and_every_other_length_is_refused() {
    let good = evidence(&report());
    for bit in 0..good.bytes.len() * 8 {
        let mut bad = good.clone();
        bad.bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(admit(&bad, &binding(), &policy(), NOW).is_err(), "bit {bit}");
    }
    for length in 0..good.bytes.len() {
        let bad = Evidence { bytes: good.bytes[..length].to_vec(), ..good.clone() };
        assert!(admit(&bad, &binding(), &policy(), NOW).is_err(), "length {length}");
    }
    let mut long = good;
    long.bytes.push(0);
    assert!(matches!(admit(&long, &binding(), &policy(), NOW), Err(Refusal::Malformed(_))));
}
