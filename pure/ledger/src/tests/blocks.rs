//! Blocks as wholes: what follows what, nonces and signatures, one action or none of it.

use super::memory::Memory;
use super::world::*;
use crate::apply::{Error, Invalid};
use crate::state::{Clock, Nonce, Open, Progress};
use crate::view::{Head, StorageError, key as entry_key};
use crate::{Event, Refusal, View as _, apply, found, propose};
use sotto_types::{
    Action, Block, BlockId, ChainEvent, Epoch, Hash, Height, Malformed, Measurement, NetworkId,
    NodeId, Observation, RequestId, Root, Time, Wire as _, limits,
};

/// An action that anybody's ledger refuses.
fn nonsense() -> Action {
    Action::Hold(RequestId([9; 32]))
}

fn invalid(error: Invalid) -> Result<crate::Applied, Error> {
    Err(Error::Invalid(error))
}

#[test]
fn a_genesis_makes_the_first_state() {
    let genesis = genesis(&["member"]);
    let applied = found(&genesis).unwrap();
    assert_eq!(found(&genesis).unwrap(), applied);
    let head = applied.head;
    assert_eq!((head.height, head.time, head.id.0), (Height(0), START, genesis.id().0));
    let mut bad = genesis;
    bad.members.clear();
    let why = Malformed::Invalid("members are not a non-empty ascending list");
    assert_eq!(found(&bad), invalid(Invalid::Malformed(why)));
}

#[test]
fn the_same_block_over_the_same_state_gives_the_same_bytes() {
    let (mut world, _, app) = World::ready();
    let ask = world.ask(app);
    let seen = world.observation(vec![ChainEvent::Requested(ask)]);
    let member = key("member");
    let actions = vec![world.sign(&member, Action::Observe(seen)), world.sign(&member, nonsense())];
    let time = world.view.head().unwrap().time.plus(1);
    let (block, proposed) = propose(&world.view, time, actions).unwrap();
    let other: Memory = world.view.clone();
    // The block as it travels, over a view that was not proposed on.
    let travelled = Block::decode(&block.encode()).unwrap();
    assert_eq!(apply(&other, &travelled).unwrap(), proposed);
    assert_eq!(apply(&other, &travelled).unwrap(), proposed);
    assert_eq!(proposed.head.id, block.id());
    assert_eq!(proposed.head.root, block.root);
}

#[test]
fn a_block_that_does_not_follow_is_no_block() {
    let world = World::new();
    let head = world.view.head().unwrap();
    let (good, _) = propose(&world.view, START.plus(1), vec![]).unwrap();
    let refused = |change: &dyn Fn(&mut Block), why: Invalid| {
        let mut block = good.clone();
        change(&mut block);
        assert_eq!(apply(&world.view, &block), invalid(why));
    };
    let network = NetworkId([9; 32]);
    refused(&|b| b.network = network, Invalid::Network(network));
    for got in [Height(0), Height(2), Height(u64::MAX)] {
        let not_next = Invalid::NotNext { got, parent: head.id, want: Height(1) };
        refused(&|b| b.height = got, not_next);
    }
    let parent = BlockId([9; 32]);
    let not_next = Invalid::NotNext { got: Height(1), parent, want: Height(1) };
    refused(&|b| b.parent = parent, not_next);
    for got in [START, Time(START.0 - 1), Time(0)] {
        refused(&|b| b.time = got, Invalid::Time { got, last: START });
    }
    let says = Root([9; 32]);
    refused(&|b| b.root = says, Invalid::Root { says, gives: good.root });
    // Another time is another clock, hence another root.
    let mut later = good.clone();
    later.time = START.plus(2);
    let Err(Error::Invalid(Invalid::Root { says, .. })) = apply(&world.view, &later) else {
        panic!("a block was taken whose root is another block's");
    };
    assert_eq!(says, good.root);
    assert!(apply(&world.view, &good).is_ok());
}

#[test]
fn a_block_beyond_its_limits_is_no_block() {
    let world = World::new();
    let (good, _) = propose(&world.view, START.plus(1), vec![]).unwrap();
    let key = key("member");
    let one = signed(&world.genesis, &key, 1, nonsense());
    let many = vec![one.clone(); limits::BLOCK_ACTIONS_MAX + 1];
    let (got, max) = (many.len() as u64, limits::BLOCK_ACTIONS_MAX as u64);
    let why = Malformed::Limit { what: "actions", got, max };
    let block = Block { actions: many, ..good.clone() };
    assert_eq!(apply(&world.view, &block), invalid(Invalid::Malformed(why)));

    let (got, max) = (257, 256);
    let fail = Action::Fail {
        request: RequestId([1; 32]),
        attempt: sotto_types::Attempt(1),
        reason: "r".repeat(257),
    };
    let block = Block { actions: vec![signed(&world.genesis, &key, 1, fail)], ..good.clone() };
    let why = Malformed::Limit { what: "reason", got, max };
    assert_eq!(apply(&world.view, &block), invalid(Invalid::Malformed(why)));

    // Good actions, each within its limit, and together too many bytes.
    let event = ChainEvent::Unreadable { number: 1, reason: "r".repeat(256) };
    let events = vec![event; limits::OBSERVED_EVENTS_MAX];
    let seen = Observation {
        chain: world.chain_id(),
        contract: world.contract,
        after: block_ref(1, START),
        upto: block_ref(2, START),
        request_count: 1,
        events,
    };
    let large = signed(&world.genesis, &key, 1, Action::Observe(seen));
    let length = large.encode().len();
    assert!(length <= limits::ACTION_MAX);
    let block = Block { actions: vec![large; limits::BLOCK_MAX / length + 1], ..good };
    let why = Malformed::TooLong { got: block.encode().len(), max: limits::BLOCK_MAX };
    assert_eq!(apply(&world.view, &block), invalid(Invalid::Malformed(why.clone())));
    let proposed = propose(&world.view, START.plus(1), block.actions).map(|(_, a)| a);
    assert_eq!(proposed, invalid(Invalid::Malformed(why)));
}

#[test]
fn a_view_without_a_genesis_is_a_storage_error() {
    let head = Head { height: Height(0), id: BlockId([0; 32]), time: START, root: Root([0; 32]) };
    let empty = Memory { head: Some(head), ..Memory::default() };
    let error = Error::Storage(StorageError("no genesis is kept".into()));
    assert_eq!(propose(&empty, START.plus(1), vec![]).map(|_| ()), Err(error));
    // So is an entry that was never written by this program.
    let mut world = World::new();
    world.view.entries.insert(entry_key::<Clock>(&()), vec![2, 0]);
    let error = Error::Storage(StorageError("entry of table e: unknown version".into()));
    assert_eq!(propose(&world.view, START.plus(1), vec![]).map(|_| ()), Err(error));
}

#[test]
fn a_refused_action_changes_its_senders_nonce_and_nothing_else() {
    let mut world = World::new();
    let signed = world.sign(&key("member"), nonsense());
    let action = signed.id();
    let (_, applied) = propose(&world.view, START.plus(1), vec![signed]).unwrap();
    let why = Refusal::Unknown("request");
    assert_eq!(applied.events, vec![Event::Refused { action, why }]);
    let keys: Vec<Vec<u8>> = applied.writes.entries.iter().map(|(key, _)| key.clone()).collect();
    let nonce = entry_key::<Nonce>(&key("member").public().node_id());
    assert_eq!(keys, vec![entry_key::<Clock>(&()), nonce]);
}

#[test]
fn nonces_rise_by_one() {
    let mut world = World::new();
    let (member, genesis) = (key("member"), world.genesis.clone());
    let node = member.public().node_id();
    let at = |nonce| signed(&genesis, &member, nonce, nonsense());
    let why = |events: Vec<Event>| -> Vec<Refusal> {
        let refusals = events.into_iter().map(|event| match event {
            Event::Refused { why, .. } => why,
            other => panic!("{other:?}"),
        });
        refusals.collect()
    };
    let wrong = |got, want| Refusal::Nonce { got, want };
    let carried = Refusal::Unknown("request");
    // In one block: out of order, then in order, then again, then with a gap.
    let events = world.block(vec![at(2), at(1), at(1), at(2), at(4), at(0)]);
    let expected =
        [wrong(2, 1), carried.clone(), wrong(1, 2), carried.clone(), wrong(4, 3), wrong(0, 3)];
    assert_eq!(why(events), expected);
    // In a later one: a replay, a gap, the next.
    assert_eq!(why(world.block(vec![at(2)])), [wrong(2, 3)]);
    assert_eq!(why(world.block(vec![at(4)])), [wrong(4, 3)]);
    assert_eq!(world.get::<Nonce>(&node), Some(Nonce(2)));
    assert_eq!(why(world.block(vec![at(3)])), [carried]);
    assert_eq!(world.get::<Nonce>(&node), Some(Nonce(3)));
    // Somebody else's nonces are their own.
    assert_eq!(world.act(&key("stranger"), nonsense()), Err(Refusal::NotMember));
}

#[test]
fn an_action_is_its_senders_or_nobodys() {
    let mut world = World::new();
    let (member, genesis) = (key("member"), world.genesis.clone());
    let good = signed(&genesis, &member, 1, nonsense());
    let mut forged = Vec::new();
    for byte in [0, 31, 32, 63, 64] {
        let mut bad = good.clone();
        bad.signature[byte] ^= 1;
        forged.push(bad);
    }
    let mut bad = good.clone();
    bad.action = Action::Hold(RequestId([8; 32]));
    forged.push(bad);
    let mut bad = good.clone();
    bad.nonce = 2;
    forged.push(bad);
    let mut bad = good.clone();
    bad.sender = public(&key("stranger"));
    forged.push(bad);
    for sender in [[0; 33], [2; 33], [0xff; 33]] {
        let mut bad = good.clone();
        bad.sender = sender;
        forged.push(bad);
    }
    // Signed for another network.
    let mut other = genesis.clone();
    other.name = "other".into();
    forged.push(signed(&other, &member, 1, nonsense()));
    let before = world.view.entries.len();
    for bad in forged {
        let action = bad.id();
        let refused = Event::Refused { action, why: Refusal::Signature };
        assert_eq!(world.block(vec![bad]), vec![refused]);
    }
    // Nobody's nonce moved.
    assert_eq!(world.view.entries.len(), before);
    assert_eq!(world.get::<Nonce>(&member.public().node_id()), None);
    let action = good.id();
    let carried = Event::Refused { action, why: Refusal::Unknown("request") };
    assert_eq!(world.block(vec![good]), vec![carried]);
}

#[test]
fn an_action_is_carried_out_whole_or_not_at_all() {
    let (mut world, _, app) = World::ready();
    let before = world.chain();
    let ask = world.ask(app);
    // A good request, a second good one, and then a settlement of nobody's request.
    let mut second = ask.clone();
    second.number = 2;
    second.context.0[0] ^= 1;
    let settled = ChainEvent::Settled { number: 7, result: Hash([1; 32]), delivered: true };
    let seen =
        world.observation(vec![ChainEvent::Requested(ask), ChainEvent::Requested(second), settled]);
    let member = key("member");
    let release = Action::AdmitRelease(Measurement([3; 32]));
    let actions = vec![
        world.sign(&member, release.clone()),
        world.sign(&member, Action::Observe(seen)),
        world.sign(&member, Action::AdmitRelease(Measurement([4; 32]))),
    ];
    let ids: Vec<Hash> = actions.iter().map(|action| action.id()).collect();
    let events = world.block(actions);
    let expected = vec![
        Event::Done { action: ids[0] },
        Event::Refused { action: ids[1], why: Refusal::Unknown("request") },
        Event::Done { action: ids[2] },
    ];
    assert_eq!(events, expected);
    assert_eq!(world.chain(), before);
    assert_eq!(world.all::<crate::state::Request>(), vec![]);
    assert_eq!(world.all::<crate::state::Gathering>(), vec![]);
    assert_eq!(world.all::<Open>(), vec![]);
    for measurement in [3, 4] {
        let release = world.get::<crate::state::Release>(&Measurement([measurement; 32]));
        assert!(release.is_some(), "{measurement}");
    }
}

#[test]
fn what_an_action_before_it_changed_survives_a_refusal() {
    let (mut world, _, app) = World::ready();
    let ask = world.ask(app);
    world.requested(&ask);
    // In one block: request 1 is held, then refunded by an observation that turns out to be
    // nonsense.
    let refunds = [1, 9].map(|number| ChainEvent::Refunded { number });
    let seen = world.observation(refunds.to_vec());
    let member = key("member");
    let actions = vec![
        world.sign(&member, Action::Hold(world.id(1))),
        world.sign(&member, Action::Observe(seen)),
    ];
    let ids: Vec<Hash> = actions.iter().map(|action| action.id()).collect();
    let events = world.block(actions);
    let expected = vec![
        Event::Held(world.id(1)),
        Event::Done { action: ids[0] },
        Event::Refused { action: ids[1], why: Refusal::Unknown("request") },
    ];
    assert_eq!(events, expected);
    let height = world.view.head().unwrap().height;
    assert_eq!(world.progress(1), Progress::Held(height));
    assert_eq!(world.all::<Open>().len(), 1);
}

#[test]
fn epochs_turn_with_their_challenge() {
    let mut world = World::new();
    assert_eq!(world.clock().challenge, Hash(world.genesis.id().0));
    world.idle(EPOCH - 2);
    assert_eq!(world.clock().epoch, Epoch(0));
    assert_eq!(world.block(vec![]), vec![]);
    let before = world.view.head().unwrap();
    assert_eq!(before.height, Height(EPOCH - 1));
    assert_eq!(world.block(vec![]), vec![Event::Epoch(Epoch(1))]);
    let clock = world.clock();
    assert_eq!((clock.epoch, clock.challenge), (Epoch(1), Hash(before.id.0)));
    assert_eq!(world.block(vec![]), vec![]);
    assert_eq!(world.clock().challenge, Hash(before.id.0));
    assert_eq!(world.next_epoch(), vec![Event::Epoch(Epoch(2))]);
    assert_eq!(world.clock().height, Height(2 * EPOCH));
}

#[test]
fn keys_of_different_things_never_meet() {
    // A node's id and an account of the same bytes are different entries.
    let same = [5; 32];
    let nonce = entry_key::<Nonce>(&NodeId(same));
    let worker = entry_key::<crate::state::Worker>(&NodeId(same));
    assert_ne!(nonce, worker);
    assert_eq!(nonce[1..], worker[1..]);
}
