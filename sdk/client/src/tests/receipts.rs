//! Receipts: what a good one says, and that nothing else passes.

use super::world::{RESULT, World, account, key, network, sign_receipt};
use crate::{ClientError, NotBelieved};
use sotto_ledger::certificate::NotBelieved as Unproved;
use sotto_ledger::state::Answered;
use sotto_ledger::view::{key as entry_key, value};
use sotto_types::{
    Certificate, Hash, Measurement, NetworkKind, Proof, ReceiptBundle, RequestId, Root, TeeKind,
    Wire as _, sha256,
};

#[test]
fn a_good_receipt_says_everything() {
    let world = World::answered();
    let checked = world.network.check_receipt(&world.receipt().encode()).unwrap();
    assert_eq!(checked.result, RESULT);
    assert_eq!(checked.receipt.request, world.id());
    assert_eq!((checked.height, checked.time), (world.certificate().height, world.now()));
    assert_eq!((checked.tee, checked.simulated), (TeeKind::Simulated, true));
    assert_eq!(checked.measurement, Measurement([0x51; 32]));
    assert_eq!(checked.result_key, account("result"));
    assert_eq!(checked.kind, NetworkKind::Development);

    let text = checked.to_string();
    let first = text.lines().next().unwrap();
    assert_eq!(first, "WARNING      the TEE is SIMULATED: nothing protected this execution");
    let receipt = &checked.receipt;
    for expected in [
        format!("request      {}", receipt.request),
        format!("network      {} (development)", world.network.id()),
        format!("app          {}, generation 1", receipt.app),
        format!("result       0x{} (16 bytes)", hex::encode(RESULT)),
        format!("worker       {}", receipt.worker),
        "TEE          simulated (no protection: the host can read all)".into(),
        format!("certified    by block {}, time {}", checked.height, checked.time),
        "not shown    whether the chain accepted the result".into(),
    ] {
        assert!(text.lines().any(|line| line == expected), "{expected}\n\n{text}");
    }
}

#[test]
fn a_long_result_is_shown_cut() {
    let world = World::answered();
    let mut checked = world.network.check_receipt(&world.receipt().encode()).unwrap();
    checked.result = vec![0xab; 257];
    assert!(checked.to_string().contains(&format!("0x{}… (257 bytes)", "ab".repeat(256))));
}

#[test]
fn no_bit_of_a_receipt_can_change() {
    let world = World::answered();
    let good = world.receipt().encode();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        match world.network.check_receipt(&bytes) {
            Err(ClientError::Malformed { .. } | ClientError::NotBelieved(_)) => {}
            other => panic!("byte {at}: {other:?}"),
        }
    }
    for bytes in [&good[..good.len() - 1], &[good.as_slice(), &[0]].concat(), b""] {
        match world.network.check_receipt(bytes) {
            Err(ClientError::Malformed { what: "receipt", .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_receipt_is_of_its_network() {
    let world = World::answered();
    let refused = network("other").check_receipt(&world.receipt().encode());
    assert_eq!(refused, Err(Unproved::Network(world.network.id()).into()));
}

/// What a council that lies would certify: a ledger of this one entry.
fn certified(world: &World, id: &RequestId, answered: &Answered) -> Vec<u8> {
    let (key, value) = (entry_key::<Answered>(id), value(answered).unwrap());
    let (key_hash, value_hash) = (sha256(&[&key]), sha256(&[&value]));
    // A tree of one leaf: its root is the leaf, its path the leaf and no siblings.
    let root = Root(sha256(&[b"JMT::LeafNode", &key_hash, &value_hash]));
    let path = [&[1][..], &key_hash, &value_hash, &[0; 4]].concat();
    let mut certificate = Certificate { root, ..world.certificate() };
    certificate.signature = super::world::key("member").sign(&certificate.digest()).0;
    ReceiptBundle { certificate, answer: Proof { key, value, path } }.encode()
}

#[test]
fn a_council_alone_does_not_make_a_receipt() {
    let world = World::answered();
    let good: Answered = world.get(&world.id()).unwrap();
    let check = |id: &RequestId, answered: &Answered| {
        world.network.check_receipt(&certified(&world, id, answered))
    };
    let not = |why: NotBelieved| Err(ClientError::NotBelieved(why));
    let id = world.id();
    assert!(check(&id, &good).is_ok());

    // Another result than the worker signed.
    let mut other = good.clone();
    other.result = b"another".to_vec();
    let digest = good.receipt.receipt.on_chain;
    assert_eq!(check(&id, &other), not(NotBelieved::Result(digest)));

    // No signature of any result key.
    let mut unsigned = good.clone();
    unsigned.signature = [0; 65];
    assert_eq!(check(&id, &unsigned), not(NotBelieved::ResultKey(digest)));

    // Another signer than the worker attested.
    let mut forged = good.clone();
    forged.receipt.signature = key("owner").sign(&forged.receipt.receipt.digest()).0;
    assert_eq!(check(&id, &forged), not(Unproved::Worker.into()));

    // Evidence that was not the one appraised, signed by the worker itself.
    let mut posing = good.clone();
    posing.receipt.receipt.evidence = Hash([1; 32]);
    posing.receipt = sign_receipt(posing.receipt.receipt);
    assert_eq!(check(&id, &posing), not(Unproved::Environment.into()));

    // A receipt that names a request by one id and by other words.
    let mut renamed = good.clone();
    renamed.receipt.receipt.number = 2;
    renamed.receipt = sign_receipt(renamed.receipt.receipt);
    assert_eq!(check(&id, &renamed), not(NotBelieved::Request(id)));

    // The entry of another request.
    let elsewhere = RequestId([9; 32]);
    assert_eq!(check(&elsewhere, &good), not(Unproved::Entry(elsewhere).into()));
}
