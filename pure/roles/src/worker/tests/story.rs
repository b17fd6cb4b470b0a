//! One request from its worker's first evidence to the pay-out.

use crate::world::*;
use sotto_crypto::commit::{blind, verify};
use sotto_crypto::sign::{PublicKey, Signature, SigningKey};
use sotto_crypto::vet::TransportSecret;
use sotto_ledger::Event;
use sotto_ledger::certificate::check_receipt;
use sotto_ledger::state::{Answered, Assignment, Chain, Progress, Worker as Record};
use sotto_types::{
    Account, Action, ChainEvent, Delivery, Fuel, Hash, KeyPath, Payment, ReceiptBundle, TeeKind,
};

fn signer(signature: &[u8; 65], digest: &Hash) -> Account {
    Account::from_address(Signature(*signature).recover(&digest.0).unwrap().address())
}

fn assignment(progress: &Progress) -> Assignment {
    match progress {
        Progress::Assigned(assignment) | Progress::Answered { assignment, .. } => *assignment,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_travels_from_evidence_to_an_endorsed_outbox() {
    let (mut world, mut worker, ask) = World::with_request();
    let assigned = assignment(&world.progress(&ask));

    // The call is what was asked, with each bid opened for its bidder.
    let mut seen = world.show(&mut worker);
    assert_eq!(seen.distrust, []);
    let run = seen.runs.pop().unwrap();
    assert!(seen.runs.is_empty());
    assert_eq!((run.request, run.attempt), (id(&ask), assigned.attempt));
    assert_eq!(run.manifest, manifest("auction"));
    assert_eq!(run.component.as_slice(), COMPONENT);
    let call = &run.call;
    assert_eq!((call.chain, call.caller, call.context), (chain(), ask.consumer, ask.context));
    assert_eq!((call.time, call.payload.as_slice()), (assigned.time, b"reserve 50".as_slice()));
    let bids: Vec<(Account, &[u8])> =
        call.submissions.iter().map(|c| (c.submitter, &c.payload.as_ref().unwrap()[..])).collect();
    assert_eq!(bids, [(account("alice"), &b"70"[..]), (account("bob"), &b"90"[..])]);

    // The answer is accepted, after the result key it is signed with.
    let seen = world.ran(&mut worker, &run, Ok(b"bob at 70".to_vec()));
    let nonces: Vec<u64> = seen.submitted.iter().map(|action| action.nonce).collect();
    assert_eq!(nonces, [2, 3]);
    assert!(matches!(seen.submitted[0].action, Action::ResultKey { .. }));
    let Action::Answer { receipt, .. } = &seen.submitted[1].action else { panic!("no answer") };
    let events = world.block();
    for action in &seen.submitted {
        assert!(events.contains(&Event::Done { action: action.id() }), "{events:?}");
    }
    assert!(events.contains(&Event::Answered(id(&ask))));

    // The receipt is what the ledger knows, provable from the genesis alone.
    let answer = world.prove::<Answered>(&id(&ask));
    let bundle = ReceiptBundle { certificate: world.certificate(), answer };
    let answered = check_receipt(&world.genesis, &bundle).unwrap();
    assert_eq!(answered.receipt, *receipt);
    let record: Record = world.get(&worker.id()).unwrap();
    let receipt = &receipt.receipt;
    assert_eq!((receipt.evidence, receipt.tee), (record.evidence, TeeKind::Simulated));
    assert_eq!((receipt.opened, receipt.fuel, receipt.time), (2, Fuel(1_000), assigned.time));

    // Whoever holds the context's key can check what was committed to.
    let transport = TransportSecret::generate(&mut rng(9));
    let (network, identity) = (world.genesis.id(), context_identity(1));
    let (path, tpk) = (KeyPath::Request, transport.public());
    let share = vault().grant(&network, &ask.app, path, &identity, tpk, &mut rng(10));
    let shares = [(1, share)];
    let vet_key =
        transport.open(&shares, vault().public(), &network, &ask.app, path, &identity).unwrap();
    let blind = blind(&vet_key, &id(&ask));
    assert!(verify(&receipt.commitment, &blind, b"bob at 70"));
    assert!(!verify(&receipt.commitment, &blind, b"bob at 71"));

    check_outbox(&mut world, &key("member").public());
    settle(&mut world);
}

/// The result goes by its key at once; the key goes once the member has endorsed it.
fn check_outbox(world: &mut World, member: &PublicKey) {
    let domain = world.get::<Chain>(&chain()).unwrap().domain;
    let [keys, result] = world.outbox().try_into().unwrap();
    assert!(!keys.ready && result.ready);
    world.block();
    let [keys, result] = world.outbox().try_into().unwrap();
    assert!(keys.ready && result.ready);
    let Delivery::Keys { entries, signatures, .. } = &keys.delivery else { panic!("{keys:?}") };
    let by = Account::from_address(member.address());
    assert_eq!(signatures.len(), 1);
    assert_eq!(signer(&signatures[0], &keys.delivery.digest(&domain)), by);
    let Delivery::Fulfil { answer, signature } = &result.delivery else { panic!("{result:?}") };
    assert_eq!(answer.result, b"bob at 70");
    assert_eq!(signer(signature, &answer.digest(&domain)), entries[0].key);
}

/// The contract takes both, and the worker's credit is paid out where it said.
fn settle(world: &mut World) {
    let result = Hash::of(b"bob at 70");
    let events = vec![
        ChainEvent::KeysSet { nonce: 1 },
        ChainEvent::Settled { number: 1, result, delivered: true },
    ];
    let seen = world.observation(events);
    world.say(Action::Observe(seen));
    world.block();
    let [payout] = world.outbox().try_into().unwrap();
    assert!(payout.ready);
    let Delivery::Payout { payments, .. } = &payout.delivery else { panic!("{payout:?}") };
    let to = account("worker's payee");
    assert_eq!(*payments, [Payment { to, amount: sotto_types::Amount(1_000_000_000) }]);
}

#[test]
fn a_worker_of_a_genesis_without_a_vault_key_is_none() {
    let mut genesis = genesis();
    genesis.vault = [0; 96];
    let keys = crate::worker::Keys {
        signing: SigningKey::from_bytes(&[1; 32]).unwrap(),
        transport: TransportSecret::generate(&mut rng(1)),
    };
    let worker =
        crate::worker::Worker::new(genesis, keys, TeeKind::Simulated, vec![], Default::default());
    assert!(worker.is_none());
}

#[test]
fn generated_keys_are_the_ones_said_in_public() {
    let keys = crate::worker::Keys::generate(&mut rng(5));
    let public = keys.public();
    assert_eq!(public.signing, keys.signing.public().to_bytes());
    assert_eq!(public.transport, keys.transport.public().to_bytes());
    let other = crate::worker::Keys::generate(&mut rng(6)).public();
    assert!(public.signing != other.signing && public.transport != other.transport);
}
