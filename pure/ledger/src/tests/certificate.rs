//! Certificates and what is believed through them, offline: every change is refused, and by name.

use super::memory::Memory;
use super::world::*;
use crate::certificate::{NotBelieved, certify, check_certificate, check_entry, check_receipt};
use crate::state::{Answered, Chain, Request, Worker};
use crate::view::{Head, key as entry_key, value};
use crate::{BadProof, View as _, prove};
use sotto_types::{
    BlockId, Certificate, Generation, Genesis, Hash, Height, NetworkId, NodeId, Proof,
    ReceiptBundle, RequestId, Root, Time, Wire as _,
};

/// A network with an answer, and the bundle of its receipt.
fn answered() -> (World, RequestId, ReceiptBundle) {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let id = world.id(number);
    let bundle = bundle(&world, &id);
    (world, id, bundle)
}

fn certificate(world: &World) -> Certificate {
    certify(&key("member"), &world.genesis, &world.view.head().unwrap())
}

fn bundle(world: &World, id: &RequestId) -> ReceiptBundle {
    let answer = prove(&world.view, &entry_key::<Answered>(id)).unwrap().unwrap();
    ReceiptBundle { certificate: certificate(world), answer }
}

#[test]
fn a_receipt_is_believed_from_the_genesis_alone() {
    let (mut world, id, early) = answered();
    let answered: Answered = world.get(&id).unwrap();
    // Through the bytes that travel, and through any later certificate just as well.
    let travelled = ReceiptBundle::decode(&early.encode()).unwrap();
    assert_eq!(check_receipt(&world.genesis, &travelled), Ok(answered.clone()));
    let settled = world.settled(1);
    world.observe(vec![settled]).unwrap();
    world.next_epoch();
    let late = bundle(&world, &id);
    assert_ne!(late, early);
    assert_eq!(check_receipt(&world.genesis, &late), Ok(answered));
    // A path of one block and the certificate of another do not fit.
    let mixed = ReceiptBundle { answer: early.answer, certificate: late.certificate };
    let wrong = Err(NotBelieved::Path(BadProof::WrongRoot));
    assert_eq!(check_receipt(&world.genesis, &mixed), wrong);
}

#[test]
fn every_flipped_bit_of_a_bundle_is_refused() {
    let (world, _, bundle) = answered();
    let bytes = bundle.encode();
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(bad) = ReceiptBundle::decode(&bad) {
            assert!(check_receipt(&world.genesis, &bad).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_certificate_is_the_members_word_on_exactly_this() {
    let (world, _, _) = answered();
    let good = certificate(&world);
    assert_eq!(check_certificate(&world.genesis, &good), Ok(()));
    let check = |change: &dyn Fn(&mut Certificate)| {
        let mut bad = good.clone();
        change(&mut bad);
        check_certificate(&world.genesis, &bad)
    };
    let network = NetworkId([9; 32]);
    assert_eq!(check(&|c| c.network = network), Err(NotBelieved::Network(network)));
    assert_eq!(check(&|c| c.vault[0] ^= 1), Err(NotBelieved::Vault));
    let forged = Err(NotBelieved::Certificate);
    assert_eq!(check(&|c| c.height = c.height.next()), forged);
    assert_eq!(check(&|c| c.block = BlockId([9; 32])), forged);
    assert_eq!(check(&|c| c.root = Root([9; 32])), forged);
    assert_eq!(check(&|c| c.time = c.time.plus(1)), forged);
    assert_eq!(check(&|c| c.signature = [0; 65]), forged);
    assert_eq!(check(&|c| c.signature[64] ^= 7), forged);
    let other = key("stranger");
    assert_eq!(check(&|c| c.signature = other.sign(&c.digest()).0), forged);
    // The member's signature over something else.
    let action = key("member").sign(&sotto_types::sha256(&[b"something"])).0;
    assert_eq!(check(&|c| c.signature = action), forged);
}

#[test]
fn a_certificate_is_of_one_network() {
    let (world, _, bundle) = answered();
    let other = Genesis { name: "other".into(), ..world.genesis.clone() };
    let network = Err(NotBelieved::Network(world.genesis.id()));
    assert_eq!(check_receipt(&other, &bundle).map(|_| ()), network);
    // The same certificate said to be of the other network is not signed.
    let mut renamed = bundle.clone();
    renamed.certificate.network = other.id();
    let forged = Err(NotBelieved::Certificate);
    assert_eq!(check_receipt(&other, &renamed).map(|_| ()), forged);
    // Version 0 is one member's: a council of several has no certificate yet.
    let several = Genesis { members: genesis(&["member", "b"]).members, ..world.genesis };
    let head = Head { height: Height(1), id: BlockId([1; 32]), time: START, root: Root([1; 32]) };
    let certificate = certify(&key("member"), &several, &head);
    assert_eq!(check_certificate(&several, &certificate), forged);
}

#[test]
fn an_entry_is_proved_under_its_own_key() {
    let (world, id, bundle) = answered();
    let certificate = &bundle.certificate;
    let entry = |rest: &RequestId, proof: &Proof| {
        check_entry::<Answered>(&world.genesis, certificate, rest, proof).map(|_| ())
    };
    assert_eq!(entry(&id, &bundle.answer), Ok(()));
    let wrong = Err(NotBelieved::Path(BadProof::WrongRoot));
    assert_eq!(entry(&RequestId([9; 32]), &bundle.answer), wrong);
    // A proof of another table's entry, or of the same key said to be another table's.
    let request = prove(&world.view, &entry_key::<Request>(&id)).unwrap().unwrap();
    assert_eq!(entry(&id, &request), wrong);
    let as_request =
        check_entry::<Request>(&world.genesis, certificate, &id, &bundle.answer).map(|_| ());
    assert_eq!(as_request, wrong);
    let right = check_entry::<Request>(&world.genesis, certificate, &id, &request);
    assert_eq!(right, Ok(world.request(1)));
    let chain = prove(&world.view, &entry_key::<Chain>(&world.chain_id())).unwrap().unwrap();
    let right = check_entry(&world.genesis, certificate, &world.chain_id(), &chain);
    assert_eq!(right, Ok(world.chain()));
    let changed = |change: &dyn Fn(&mut Proof)| {
        let mut proof = bundle.answer.clone();
        change(&mut proof);
        entry(&id, &proof)
    };
    assert_eq!(changed(&|p| p.value[40] ^= 1), wrong);
    assert_eq!(changed(&|p| p.value.push(0)), wrong);
    assert_eq!(changed(&|p| p.value.clear()), wrong);
    assert_eq!(changed(&|p| *p.path.last_mut().unwrap() ^= 1), wrong);
    let malformed = Err(NotBelieved::Path(BadProof::Malformed));
    assert_eq!(changed(&|p| p.path.clear()), malformed);
    assert_eq!(changed(&|p| p.path.push(0)), malformed);
    assert_eq!(changed(&|p| p.path[0] = 7), malformed);
    // The certificate comes first, whatever the proof is.
    let mut forged = certificate.clone();
    forged.time = Time(0);
    let refused = check_entry::<Answered>(&world.genesis, &forged, &id, &bundle.answer);
    assert_eq!(refused, Err(NotBelieved::Certificate));
}

#[test]
fn a_bundle_is_about_an_answer() {
    let (world, id, good) = answered();
    let check = |key: Vec<u8>| {
        let mut bad = good.clone();
        bad.answer.key = key;
        check_receipt(&world.genesis, &bad).map(|_| ())
    };
    let malformed = Err(NotBelieved::Path(BadProof::Malformed));
    assert_eq!(check(vec![]), malformed);
    assert_eq!(check(b"t".to_vec()), malformed);
    assert_eq!(check(entry_key::<Request>(&id)), malformed);
    assert_eq!(check([entry_key::<Answered>(&id), vec![0]].concat()), malformed);
    let wrong = Err(NotBelieved::Path(BadProof::WrongRoot));
    assert_eq!(check(entry_key::<Answered>(&RequestId([9; 32]))), wrong);
    // An entry of another kind, honestly proved, is no receipt.
    let request = prove(&world.view, &entry_key::<Request>(&id)).unwrap().unwrap();
    let other = ReceiptBundle { answer: request, ..good };
    assert_eq!(check_receipt(&world.genesis, &other).map(|_| ()), malformed);
}

/// A bundle under a member's certificate of a state that holds this answer.
fn certified(world: &World, id: &RequestId, answered: &Answered) -> ReceiptBundle {
    let key_of = entry_key::<Answered>(id);
    let changes = [(key_of.clone(), Some(value(answered).unwrap()))].into();
    let mut view = Memory::default();
    let (root, writes) = crate::tree::commit(&view, 1, changes).unwrap();
    let head = Head { height: Height(1), id: BlockId([1; 32]), time: START, root };
    view.commit(&crate::Applied { head, events: vec![], writes });
    let certificate = certify(&key("member"), &world.genesis, &head);
    ReceiptBundle { certificate, answer: prove(&view, &key_of).unwrap().unwrap() }
}

#[test]
fn even_a_certified_receipt_must_agree_with_itself() {
    let (world, id, _) = answered();
    let good: Answered = world.get(&id).unwrap();
    let check = |change: &dyn Fn(&mut Answered)| {
        let mut bad = good.clone();
        change(&mut bad);
        check_receipt(&world.genesis, &certified(&world, &id, &bad)).map(|_| ())
    };
    let sign = |answered: &mut Answered, name: &str| {
        answered.receipt.signature = key(name).sign(&answered.receipt.receipt.digest()).0;
    };
    assert_eq!(check(&|_| {}), Ok(()));
    let network = NetworkId([9; 32]);
    let foreign = check(&|a| a.receipt.receipt.network = network);
    assert_eq!(foreign, Err(NotBelieved::Network(network)));
    let other = check(&|a| a.receipt.receipt.request = RequestId([9; 32]));
    assert_eq!(other, Err(NotBelieved::Entry(id)));
    // Not signed by the worker that was attested, whatever was changed.
    let worker = Err(NotBelieved::Worker);
    assert_eq!(check(&|a| a.receipt.receipt.generation = Generation(2)), worker);
    assert_eq!(check(&|a| a.receipt.receipt.commitment = Hash([9; 32])), worker);
    assert_eq!(check(&|a| a.receipt.signature = [0; 65]), worker);
    assert_eq!(check(&|a| sign(a, "stranger")), worker);
    let renamed = check(&|a| {
        a.receipt.receipt.worker = NodeId([9; 32]);
        sign(a, "worker");
    });
    assert_eq!(renamed, worker);
    assert_eq!(check(&|a| a.worker.keys.signing = public(&key("stranger"))), worker);
    assert_eq!(check(&|a| a.worker.keys.signing = [0; 33]), worker);
    // Signed, and of another environment than the one appraised.
    let environment = Err(NotBelieved::Environment);
    let evidence = check(&|a| {
        a.receipt.receipt.evidence = Hash([9; 32]);
        sign(a, "worker");
    });
    assert_eq!(evidence, environment);
    assert_eq!(check(&|a| a.worker.evidence = Hash([9; 32])), environment);
    let known: Worker = world.get(&good.receipt.receipt.worker).unwrap();
    assert_eq!(known, good.worker);
}

#[test]
fn reasons_are_for_people() {
    let texts = [
        (NotBelieved::Vault, "the certificate names another vault key than the genesis"),
        (NotBelieved::Certificate, "the certificate is not signed by the member in the genesis"),
        (
            NotBelieved::Path(BadProof::WrongRoot),
            "the path does not lead from the entry to the root",
        ),
        (NotBelieved::Worker, "the receipt is not signed by its worker"),
        (NotBelieved::Environment, "the receipt's environment is not the one appraised"),
    ];
    for (reason, text) in texts {
        assert_eq!(reason.to_string(), text);
    }
}
