#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::{Simulated, Tee, TeeError};
use sotto_attest::{Admission, Binding, Role, admit};
use sotto_types::{Hash, Measurement, NetworkId, NetworkKind, Time, WorkerKeys};

/// A binding that every test may use.
pub(crate) fn binding() -> Binding {
    Binding {
        network: NetworkId([1; 32]),
        role: Role::Worker,
        challenge: Hash([2; 32]),
        keys: WorkerKeys { signing: [3; 33], transport: [4; 48] },
    }
}

fn tee(byte: u8) -> Simulated {
    Simulated::with_measurement(Measurement([byte; 32]))
}

#[test]
fn what_it_seals_opens_only_for_the_same_build_and_label() {
    let sealed = tee(1).seal("keys", b"secret").unwrap();
    assert_eq!(tee(1).unseal("keys", &sealed).unwrap().as_slice(), b"secret");
    assert_eq!(tee(2).unseal("keys", &sealed).err(), Some(TeeError::NotOurs));
    assert_eq!(tee(1).unseal("other", &sealed).err(), Some(TeeError::NotOurs));
    for bit in 0..sealed.len() * 8 {
        let mut bad = sealed.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(tee(1).unseal("keys", &bad).err(), Some(TeeError::NotOurs), "bit {bit}");
    }
    assert_eq!(tee(1).unseal("keys", &sealed[..11]).err(), Some(TeeError::NotOurs));
}

#[test]
fn its_evidence_is_affirmed_under_its_own_measurement() {
    let binding = binding();
    let running = Simulated::of_this_program().unwrap();
    let admission = Admission {
        network: NetworkKind::Development,
        releases: [running.measurement()].into(),
        max_age: 1,
    };
    let evidence = running.evidence(&binding, Time(9)).unwrap();
    let admitted = admit(&evidence, &binding, &admission, Time(9)).unwrap();
    assert_eq!(admitted.measurement, running.measurement());
    assert_ne!(running.measurement(), Measurement::default());
}
