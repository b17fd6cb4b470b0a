#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Measurements, release};
use sha2::{Digest as _, Sha256};
use sotto_types::{Measurement, TeeKind};

/// The launch measurements of a kind, each with a value of its own, and more that are none.
fn measured(names: &[&str]) -> Measurements {
    let more = ["rtmr3", "mrsigner", "report_id", "pcr3", "pcr0x"];
    let all = names.iter().copied().chain(more);
    (1_u8..).zip(all).map(|(value, name)| (name.to_owned(), vec![value; 3])).collect()
}

const KINDS: [(TeeKind, &[&str]); 5] = [
    (TeeKind::Tdx, &["mrtd", "rtmr0", "rtmr1", "rtmr2", "mrconfigid", "mrowner", "mrownerconfig"]),
    (TeeKind::Sgx, &["mrenclave"]),
    (TeeKind::Snp, &["measurement", "host_data"]),
    (TeeKind::Nitro, &["pcr0", "pcr1", "pcr2"]),
    (TeeKind::Tpm, &["pcr4", "pcr9", "pcr11", "pcr12", "pcr13"]),
];

#[test]
fn a_release_is_the_hash_of_names_and_values_in_order() {
    let bytes =
        b"sotto/release/v1snpmeasurement\0\0\0\0\x03\x01\x01\x01host_data\0\0\0\0\x03\x02\x02\x02";
    let expected = Measurement(Sha256::digest(bytes).into());
    let measured = measured(&["measurement", "host_data"]);
    assert_eq!(release(TeeKind::Snp, &measured), Some(expected));
}

#[test]
fn each_launch_measurement_counts_and_nothing_else() {
    for (kind, names) in KINDS {
        let good = measured(names);
        let is = release(kind, &good);
        assert!(is.is_some(), "{kind}");
        for name in good.keys() {
            let mut other = good.clone();
            other.insert(name.clone(), vec![0xff; 3]);
            let counts = names.contains(&name.as_str());
            assert_eq!(release(kind, &other) != is, counts, "{kind} {name}");
            other.remove(name);
            assert_eq!(release(kind, &other).is_none(), counts, "{kind} without {name}");
        }
    }
}

#[test]
fn lengths_keep_neighbours_apart() {
    let of = |a: &[u8], b: &[u8]| {
        let both = [("measurement", a), ("host_data", b)];
        let both = both.map(|(name, value)| (name.to_owned(), value.to_vec())).into();
        release(TeeKind::Snp, &both).unwrap()
    };
    assert_ne!(of(b"ab", b"c"), of(b"a", b"bc"));
}

#[test]
fn kinds_without_one_launch_have_no_release() {
    let all: Measurements = KINDS.iter().flat_map(|(_, names)| measured(names)).collect();
    for kind in TeeKind::ALL {
        let has = KINDS.iter().any(|(other, _)| *other == kind);
        assert_eq!(release(kind, &all).is_some(), has, "{kind}");
    }
}
