//! Every limit that decoding enforces: its last good value, and the first one refused.

use super::samples;
use crate::limits::*;
use crate::wire::{Malformed, Wire};
use crate::*;
use core::fmt::Debug;

/// That `value` is refused for `what`, by its bytes.
fn refused<T: Wire + PartialEq + Debug>(value: &T, what: &'static str, got: usize, max: usize) {
    let limit = Malformed::Limit { what, got: got as u64, max: max as u64 };
    assert_eq!(T::decode(&value.encode()), Err(limit));
}

fn invalid<T: Wire + PartialEq + Debug>(value: &T, why: &'static str) {
    assert_eq!(T::decode(&value.encode()), Err(Malformed::Invalid(why)));
}

fn good<T: Wire + PartialEq + Debug>(value: &T) {
    assert_eq!(T::decode(&value.encode()).as_ref(), Ok(value));
}

fn many_members(count: u16) -> Vec<[u8; 33]> {
    let member = |index: u16| {
        let mut key = [2; 33];
        key[1..3].copy_from_slice(&index.to_be_bytes());
        key
    };
    (0..count).map(member).collect()
}

#[test]
fn a_genesis_keeps_its_limits() {
    let base = samples::genesis();
    good(&Genesis { members: many_members(100), ..base.clone() });
    refused(&Genesis { members: many_members(101), ..base.clone() }, "members", 101, MEMBERS_MAX);
    good(&Genesis { name: "n".repeat(64), ..base.clone() });
    refused(&Genesis { name: "n".repeat(65), ..base.clone() }, "name", 65, APP_NAME_MAX);

    let unsorted = "members are not a non-empty ascending list";
    let mut members = base.members.clone();
    members.swap(0, 1);
    invalid(&Genesis { members, ..base.clone() }, unsorted);
    let twice = [base.members[0], base.members[0], base.members[1], base.members[2]].to_vec();
    invalid(&Genesis { members: twice, ..base.clone() }, unsorted);
    invalid(&Genesis { members: vec![], ..base.clone() }, unsorted);

    let timeless = "an epoch or a block lasts no time";
    invalid(&Genesis { epoch_blocks: 0, ..base.clone() }, timeless);
    invalid(&Genesis { block_seconds: 0, ..base.clone() }, timeless);

    let three = base.members[..3].to_vec();
    let few = Genesis { members: three, ..base };
    invalid(&few, "a value network has at least four members");
    good(&Genesis { kind: NetworkKind::Development, ..few });
}

#[test]
fn a_manifest_keeps_its_limits() {
    let base = samples::manifest();
    good(&Manifest { name: "n".repeat(64), ..base.clone() });
    refused(&Manifest { name: "n".repeat(65), ..base.clone() }, "name", 65, APP_NAME_MAX);
    let hosts = |count| vec!["h".to_owned(); count];
    good(&Manifest { hosts: hosts(32), ..base.clone() });
    refused(&Manifest { hosts: hosts(33), ..base.clone() }, "hosts", 33, HOSTS_MAX);
    good(&Manifest { hosts: vec!["h".repeat(253)], ..base.clone() });
    let long = Manifest { hosts: vec!["h".repeat(254)], ..base.clone() };
    refused(&long, "host", 254, HOST_MAX);
    good(&Manifest { memory_mib: 256, ..base.clone() });
    let much = Manifest { memory_mib: 257, ..base.clone() };
    refused(&much, "memory_mib", 257, APP_MEMORY_MIB_MAX);
    good(&Manifest { seconds: 300, ..base.clone() });
    refused(&Manifest { seconds: 301, ..base.clone() }, "seconds", 301, APP_SECONDS_MAX);

    let nothing = "a manifest gives its app nothing to run on";
    invalid(&Manifest { holders: 0, ..base.clone() }, nothing);
    invalid(&Manifest { memory_mib: 0, ..base.clone() }, nothing);
    invalid(&Manifest { seconds: 0, ..base.clone() }, nothing);
    invalid(&Manifest { fuel: Fuel(0), ..base }, nothing);
}

/// A request changed, inside a signed observation.
fn observed(change: impl FnOnce(&mut Ask)) -> SignedAction {
    let mut ask = samples::ask();
    change(&mut ask);
    let events = vec![ChainEvent::Requested(ask)];
    samples::signed(Action::Observe(Observation { events, ..samples::observation() }))
}

#[test]
fn an_observed_request_keeps_its_limits() {
    let submission = samples::ask().submissions[0];
    good(&observed(|ask| ask.submissions = vec![submission; 256]));
    let many = observed(|ask| ask.submissions = vec![submission; 257]);
    refused(&many, "submissions", 257, SUBMISSIONS_MAX);

    let payload = |bytes: usize| {
        observed(|ask| {
            ask.payload = vec![7; bytes];
            ask.payload_hash = Hash::of(&ask.payload);
        })
    };
    good(&payload(1024));
    refused(&payload(1025), "payload", 1025, ONCHAIN_PAYLOAD_MAX);
    let other = observed(|ask| ask.payload_hash.0[0] ^= 1);
    invalid(&other, "the payload is not the one its hash names");
    good(&observed(|ask| {
        ask.payload = vec![];
        ask.payload_hash = samples::hash(9);
    }));
}

fn with_events(events: Vec<ChainEvent>) -> SignedAction {
    samples::signed(Action::Observe(Observation { events, ..samples::observation() }))
}

#[test]
fn an_observation_keeps_its_limits() {
    let some = |count| with_events(vec![ChainEvent::Delivered { number: 1 }; count]);
    good(&some(OBSERVED_EVENTS_MAX));
    refused(&some(OBSERVED_EVENTS_MAX + 1), "events", OBSERVED_EVENTS_MAX + 1, OBSERVED_EVENTS_MAX);
    let because = |length| {
        with_events(vec![ChainEvent::Unreadable { number: 1, reason: "r".repeat(length) }])
    };
    good(&because(256));
    refused(&because(257), "reason", 257, REASON_MAX);
}

#[test]
fn the_other_actions_keep_their_limits() {
    let chain = ChainId([3; 32]);
    let admit = |length: usize| {
        samples::signed(Action::AdmitChain {
            caip2: "c".repeat(length),
            contract: Account::default(),
            finality: Finality::Instant,
            start: samples::block_ref(1),
            key_lifetime: 1,
        })
    };
    good(&admit(41));
    refused(&admit(42), "caip2", 42, 41);

    let attest = |payees: usize, evidence: usize| {
        samples::signed(Action::Attest {
            keys: WorkerKeys { signing: [2; 33], transport: [3; 48] },
            payees: vec![(chain, Account::default()); payees],
            evidence: Evidence { kind: TeeKind::Simulated, bytes: vec![0; evidence] },
        })
    };
    good(&attest(16, EVIDENCE_MAX));
    refused(&attest(17, 1), "payees", 17, 16);
    refused(&attest(1, EVIDENCE_MAX + 1), "evidence", EVIDENCE_MAX + 1, EVIDENCE_MAX);

    let answer = |length: usize| {
        let receipt = samples::signed_receipt();
        let result = vec![0; length];
        samples::signed(Action::Answer { receipt, result, signature: [0; 65] })
    };
    good(&answer(RESULT_MAX));
    refused(&answer(RESULT_MAX + 1), "result", RESULT_MAX + 1, RESULT_MAX);

    let fail = |length: usize| {
        let (request, attempt) = (RequestId([1; 32]), Attempt(1));
        samples::signed(Action::Fail { request, attempt, reason: "r".repeat(length) })
    };
    good(&fail(256));
    refused(&fail(257), "reason", 257, REASON_MAX);

    let manifest = Manifest { holders: 0, ..samples::manifest() };
    let nothing = "a manifest gives its app nothing to run on";
    invalid(&samples::signed(Action::Deploy(manifest)), nothing);
}

#[test]
fn a_block_keeps_its_limits() {
    let hold = samples::signed(Action::Hold(RequestId([1; 32])));
    let of = |actions| Block { actions, ..samples::block() };
    good(&of(vec![hold.clone(); BLOCK_ACTIONS_MAX]));
    let many = of(vec![hold; BLOCK_ACTIONS_MAX + 1]);
    refused(&many, "actions", BLOCK_ACTIONS_MAX + 1, BLOCK_ACTIONS_MAX);

    // A bad action makes a bad block.
    let long = samples::signed(Action::Fail {
        request: RequestId([1; 32]),
        attempt: Attempt(1),
        reason: "r".repeat(257),
    });
    refused(&of(vec![long]), "reason", 257, REASON_MAX);

    // An action that could not travel alone cannot travel in a block either.
    let mut ask = samples::ask();
    ask.submissions = vec![ask.submissions[0]; 256];
    let large = with_events(vec![ChainEvent::Requested(ask); 200]);
    let length = large.encode().len();
    assert!(length > ACTION_MAX, "{length}");
    assert_eq!(
        SignedAction::decode(&large.encode()),
        Err(Malformed::TooLong { got: length, max: ACTION_MAX })
    );
    refused(&of(vec![large]), "bytes of an action", length, ACTION_MAX);
}
