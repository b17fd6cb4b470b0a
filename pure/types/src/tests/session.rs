//! Sessions: digests and bindings as `tests/vectors/session.json` holds them, and limits.

use super::{golden, samples};
use crate::limits::*;
use crate::session::{Answered, Reply, Say};
use crate::wire::{Malformed, Wire as _};
use crate::*;
use serde_json::json;

#[test]
fn digests_and_bindings_stand() {
    let Opening { app, worker, boot, .. } = samples::opening();
    let network = NetworkId([0x01; 32]);
    let aad = Aad::direct(network, app, Generation(8), &worker, &boot);
    let hex = |bytes: &[u8]| format!("0x{}", hex::encode(bytes));
    let leaves: Vec<Hash> = (0..5_u64)
        .map(|call| SessionReceipt { call, ..samples::session_receipt() }.leaf())
        .collect();
    let paths: Vec<Vec<String>> = (0..5)
        .map(|at| merkle::path(&leaves, at).unwrap().iter().map(Hash::to_string).collect())
        .collect();
    let made = json!({
        "about": "Direct sessions: the associated data of an opening, its name, a receipt's leaf, \
                  a batch's digest, and a tree of five receipts that differ in their call (0 to \
                  4), from the fixed values in pure/types/src/tests/samples.rs.",
        "aad": hex(&aad.bytes()),
        "context": aad.context.to_string(),
        "session": samples::opening().session().to_string(),
        "leaf": samples::session_receipt().leaf().to_string(),
        "batch_digest": hex(&samples::signed_batch().batch.digest()),
        "leaves": leaves.iter().map(Hash::to_string).collect::<Vec<_>>(),
        "root": merkle::root(&leaves).to_string(),
        "paths": paths,
    });
    golden::compare("session.json", &made);
}

#[test]
fn an_opening_is_bound_to_its_seat_and_process() {
    let [network, other] = [NetworkId([1; 32]), NetworkId([2; 32])];
    let (app, node, boot) = (AppId([3; 32]), NodeId([4; 32]), BootId([5; 32]));
    let base = Aad::direct(network, app, Generation(1), &node, &boot);
    let others = [
        Aad::direct(other, app, Generation(1), &node, &boot),
        Aad::direct(network, AppId([9; 32]), Generation(1), &node, &boot),
        Aad::direct(network, app, Generation(2), &node, &boot),
        Aad::direct(network, app, Generation(1), &NodeId([9; 32]), &boot),
        Aad::direct(network, app, Generation(1), &node, &BootId([9; 32])),
        // The two are not interchangeable.
        Aad::direct(network, app, Generation(1), &NodeId(boot.0), &BootId(node.0)),
    ];
    assert!(others.iter().all(|aad| aad.bytes() != base.bytes()));
    let zero = (ChainId::default(), Account::default(), Account::default());
    assert_eq!((base.chain, base.consumer, base.submitter), zero);
}

fn refused<T: Wire>(value: &T, what: &'static str, got: usize, max: usize) {
    let limit = Malformed::Limit { what, got: got as u64, max: max as u64 };
    assert_eq!(T::decode(&value.encode()).err(), Some(limit));
}

#[test]
fn messages_keep_their_limits_and_fit_an_envelope() {
    let opening = |size| Opening { envelope: vec![0; size], ..samples::opening() };
    assert_eq!(Opening::decode(&opening(ENVELOPE_MAX).encode()), Ok(opening(ENVELOPE_MAX)));
    refused(&opening(ENVELOPE_MAX + 1), "envelope", ENVELOPE_MAX + 1, ENVELOPE_MAX);

    let max = DIRECT_INPUT_MAX;
    let fullest = Say::Call(vec![0; max]).encode();
    assert!(Say::decode(&fullest).is_ok() && fullest.len() <= SEALED_PAYLOAD_MAX);
    refused(&Say::Call(vec![0; max + 1]), "input", max + 1, max);

    let max = DIRECT_OUTPUT_MAX;
    let answered = |outcome| {
        let (call, time, fuel, batch, index) = (u64::MAX, Time(0), Fuel(0), 0, 0);
        Reply::Answer(Answered { call, time, fuel, outcome, batch, index })
    };
    let fullest = answered(Ok(vec![0; max])).encode();
    assert!(Reply::decode(&fullest).is_ok() && fullest.len() <= SEALED_PAYLOAD_MAX);
    refused(&answered(Ok(vec![0; max + 1])), "output", max + 1, max);
    let long = "n".repeat(REASON_MAX + 1);
    refused(&answered(Err(long.clone())), "reason", REASON_MAX + 1, REASON_MAX);
    refused(&SessionRefused::Full(long.clone()), "reason", REASON_MAX + 1, REASON_MAX);
    refused(&SessionRefused::Malformed(long), "reason", REASON_MAX + 1, REASON_MAX);

    let path = vec![Hash::default(); LEAF_PATH_MAX + 1];
    let proof = LeafProof { path, ..samples::leaf_proof() };
    refused(&proof, "path", LEAF_PATH_MAX + 1, LEAF_PATH_MAX);
    let bundle = SessionBundle { proof, ..samples::session_bundle() };
    refused(&bundle, "path", LEAF_PATH_MAX + 1, LEAF_PATH_MAX);
}

#[test]
fn the_two_kinds_of_receipt_differ_in_their_first_byte() {
    assert_ne!(samples::session_bundle().encode()[0], samples::bundle().encode()[0]);
}
