//! Evidence of a TEE, as a node shows it: affirmed if it is genuine, bit for bit, for this binding.

use crate::Reached;
use crate::network::{NETWORK, RELEASE, keys};
use sotto_attest::simulated::{self, Report};
use sotto_attest::{Admission, Binding, Refusal, Role, admit};
use sotto_types::{Evidence, Hash, Measurement, NetworkKind, TeeKind, Time};
use std::sync::LazyLock;

const MAX_AGE: u64 = 60;

static BINDING: LazyLock<Binding> = LazyLock::new(|| Binding {
    network: NETWORK.genesis.id(),
    role: Role::Worker,
    challenge: Hash([2; 32]),
    keys: keys().public(),
});
/// The evidence there is for [`BINDING`] and a release that is accepted.
static GENUINE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let now = NETWORK.now();
    [Time(now.0 - MAX_AGE), now, now.plus(MAX_AGE)]
        .map(|made| make(&Report { made, ..good() }))
        .into()
});

fn good() -> Report {
    Report { measurement: RELEASE, binding: BINDING.bytes(), made: NETWORK.now() }
}

fn make(report: &Report) -> Vec<u8> {
    simulated::make(report).unwrap()
}

/// Evidence of the simulated kind.
pub fn evidence(bytes: &[u8]) -> Reached {
    let evidence = Evidence { kind: TeeKind::Simulated, bytes: bytes.to_vec() };
    let judged = |network| {
        let admission = Admission { network, releases: [RELEASE].into(), max_age: MAX_AGE };
        admit(&evidence, &BINDING, &admission, NETWORK.now())
    };
    let (kind, network) = (TeeKind::Simulated, NetworkKind::Value);
    assert_eq!(judged(network), Err(Refusal::KindNotAccepted { kind, network }));
    match judged(NetworkKind::Development) {
        Err(why) => {
            assert!(why.to_string().len() <= 512);
            Reached::Refused
        }
        Ok(admitted) => {
            assert!(GENUINE.iter().any(|genuine| genuine == bytes), "forged evidence is affirmed");
            assert_eq!(admitted.evidence, Hash::of(bytes));
            Reached::Taken
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let now = NETWORK.now();
    let mut seeds = GENUINE.clone();
    seeds.extend([
        make(&Report { made: now.plus(MAX_AGE + 1), ..good() }),
        make(&Report { measurement: Measurement([6; 32]), ..good() }),
        make(&Report { binding: [7; 64], ..good() }),
    ]);
    seeds
}
