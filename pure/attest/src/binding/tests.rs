#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Binding, Role};
use sha2::{Digest as _, Sha256, Sha512};
use sotto_types::{Hash, NetworkId, WorkerKeys};
use std::collections::BTreeSet;

fn binding() -> Binding {
    Binding {
        network: NetworkId([1; 32]),
        role: Role::Worker,
        challenge: Hash([2; 32]),
        keys: WorkerKeys { signing: [3; 33], transport: [4; 48] },
    }
}

#[test]
fn both_forms_are_hashes_of_the_same_fields_under_their_own_domains() {
    let fields = [&[1; 32], b"worker\0\0".as_slice(), &[2; 32], &[3; 33], &[4; 48]].concat();
    let long = Sha512::digest([b"sotto/bind/ledger/v1".as_slice(), &fields].concat());
    assert_eq!(binding().bytes(), <[u8; 64]>::from(long));
    let short = Sha256::digest([b"sotto/bind/ledger32/v1".as_slice(), &fields].concat());
    assert_eq!(binding().short(), <[u8; 32]>::from(short));
}

#[test]
fn each_field_changes_the_short_form() {
    let base = binding();
    let keys = &base.keys;
    let all = [
        base.clone(),
        Binding { network: NetworkId([9; 32]), ..base.clone() },
        Binding { challenge: Hash([9; 32]), ..base.clone() },
        Binding { keys: WorkerKeys { signing: [9; 33], ..keys.clone() }, ..base.clone() },
        Binding { keys: WorkerKeys { transport: [9; 48], ..keys.clone() }, ..base.clone() },
    ];
    let different: BTreeSet<_> = all.iter().map(Binding::short).collect();
    assert_eq!(different.len(), all.len());
}
