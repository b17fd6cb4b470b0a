use crate::courier::*;
use sotto_types::{
    Account, Amount, AppId, Ask, Assurance, BlockRef, ChainEvent, ChainId, Context, Generation,
    Hash, Observation, Submission, Time, limits,
};

const NOW: Time = Time(1000);

fn block(height: u64) -> BlockRef {
    forked(height, 0)
}

fn forked(height: u64, fork: u8) -> BlockRef {
    let hash = |height: u64| Hash::of(&[&height.to_be_bytes()[..], &[fork]].concat());
    let parent = hash(height.wrapping_sub(1));
    BlockRef { height, hash: hash(height), parent, time: Time(height) }
}

fn ask(number: u64) -> Ask {
    Ask {
        number,
        consumer: Account([1; 32]),
        app: AppId([2; 32]),
        generation: Generation(1),
        context: Context([3; 32]),
        submissions: Vec::new(),
        payload: Vec::new(),
        payload_hash: Hash::of(b""),
        callback_gas: 0,
        assurance: Assurance::SINGLE,
        deadline: Time(5000),
        escrow: Amount(1),
    }
}

fn requested(number: u64) -> ChainEvent {
    ChainEvent::Requested(ask(number))
}

fn config() -> WatchConfig {
    WatchConfig::new(ChainId([8; 32]), Account([9; 32]))
}

fn cursor(height: u64, requests: u64) -> WatchInput {
    WatchInput::Cursor(Cursor { after: block(height), requests, halted: false })
}

/// A watcher that has asked for the events of blocks 11 to `head`.
fn asking(head: u64, requests: u64) -> Watcher {
    let mut watcher = Watcher::new(config());
    assert_eq!(watcher.step(cursor(10, requests), NOW), [WatchOutput::AskHead]);
    assert_eq!(watcher.step(WatchInput::Head(block(head)), NOW), [WatchOutput::AskBlock(10)]);
    let base = WatchInput::Block { height: 10, block: Some(block(10)) };
    let events = WatchOutput::AskEvents { from: 11, to: head };
    assert_eq!(watcher.step(base, NOW), [events, WatchOutput::AskCount(block(head))]);
    watcher
}

fn answered(
    watcher: &mut Watcher,
    to: u64,
    events: Vec<ChainEvent>,
    count: u64,
) -> Vec<WatchOutput> {
    assert_eq!(watcher.step(WatchInput::Events { from: 11, to, events }, NOW), []);
    watcher.step(WatchInput::Count { at: to, count }, NOW)
}

fn observation(upto: u64, request_count: u64, events: Vec<ChainEvent>) -> Observation {
    let WatchConfig { chain, contract, .. } = config();
    Observation { chain, contract, after: block(10), upto: block(upto), request_count, events }
}

#[test]
fn observes_what_adds_up_each_once() {
    let mut watcher = asking(12, 4);
    let settled = ChainEvent::Settled { number: 2, result: Hash([1; 32]), delivered: true };
    let events = vec![requested(5), requested(5), settled.clone(), requested(6), settled.clone()];
    let out = answered(&mut watcher, 12, events, 6);
    let due = observation(12, 6, vec![requested(5), settled, requested(6)]);
    assert_eq!(out, [WatchOutput::Observe(due), WatchOutput::WakeAt(Time(1010))]);
    // The ledger took it up: on to the next.
    assert_eq!(watcher.step(cursor(12, 6), NOW), [WatchOutput::AskHead]);
}

#[test]
fn says_an_observation_again_that_nobody_took_up() {
    let mut watcher = asking(12, 4);
    answered(&mut watcher, 12, vec![requested(5)], 5);
    assert_eq!(watcher.step(WatchInput::Tick, Time(1009)), []);
    assert_eq!(watcher.step(WatchInput::Tick, Time(1010)), [WatchOutput::AskHead]);
}

#[test]
fn a_gap_is_asked_again_and_reported() {
    let mut watcher = asking(12, 4);
    let mut now = NOW;
    for tries in 1..=6 {
        let out = answered(&mut watcher, 12, vec![requested(5)], 6);
        let gap = WatchReport::Gap { after: 10, tries, gap: Gap::Count { counted: 6, seen: 5 } };
        let reported = out.contains(&WatchOutput::Report(gap));
        assert_eq!(reported, tries % 3 == 0, "{out:?}");
        assert!(!out.iter().any(|o| matches!(o, WatchOutput::Observe(_))));
        let Some(WatchOutput::WakeAt(at)) = out.last() else { panic!("{out:?}") };
        now = now.plus(1).max(*at);
        assert_eq!(watcher.step(WatchInput::Tick, now), [WatchOutput::AskHead]);
        watcher.step(WatchInput::Head(block(12)), now);
        watcher.step(WatchInput::Block { height: 10, block: Some(block(10)) }, now);
    }
    let out = answered(&mut watcher, 12, vec![requested(6), requested(5)], 6);
    assert!(!out.iter().any(|o| matches!(o, WatchOutput::Observe(_))), "out of turn: {out:?}");
}

#[test]
fn a_counter_behind_the_events_is_no_observation() {
    let mut watcher = asking(12, 4);
    let out = answered(&mut watcher, 12, vec![requested(5)], 4);
    assert!(!out.iter().any(|o| matches!(o, WatchOutput::Observe(_))), "{out:?}");
}

#[test]
fn quiet_blocks_are_observed_now_and_then() {
    let mut watcher = asking(19, 4);
    assert_eq!(answered(&mut watcher, 19, vec![], 4), [WatchOutput::WakeAt(Time(1001))]);
    let mut watcher = asking(20, 4);
    let due = observation(20, 4, vec![]);
    assert_eq!(answered(&mut watcher, 20, vec![], 4)[0], WatchOutput::Observe(due));
}

#[test]
fn halves_the_range_where_it_is_too_large() {
    let mut watcher = Watcher::new(config());
    watcher.step(cursor(10, 0), NOW);
    watcher.step(WatchInput::Head(block(110)), NOW);
    watcher.step(WatchInput::Block { height: 10, block: Some(block(10)) }, NOW);
    let refused = WatchInput::RangeTooLarge { from: 11, to: 110, hint: None };
    assert_eq!(watcher.step(refused, NOW), [WatchOutput::AskHead]);
    watcher.step(WatchInput::Head(block(110)), NOW);
    let base = WatchInput::Block { height: 10, block: Some(block(10)) };
    assert_eq!(watcher.step(base, NOW), [WatchOutput::AskBlock(60)]);
    let top = WatchInput::Block { height: 60, block: Some(block(60)) };
    let out = watcher.step(top, NOW);
    assert_eq!(out[0], WatchOutput::AskEvents { from: 11, to: 60 });
    // A part of the way is observed even without events: the next part follows it.
    let out = answered(&mut watcher, 60, vec![], 0);
    assert_eq!(out[0], WatchOutput::Observe(observation(60, 0, vec![])));
}

#[test]
fn halts_when_a_final_block_changed_and_waits() {
    let mut watcher = Watcher::new(config());
    let changed = || WatchInput::Block { height: 10, block: Some(forked(10, 1)) };
    watcher.step(cursor(10, 4), NOW);
    watcher.step(WatchInput::Head(forked(12, 1)), NOW);
    // One answer does not halt a chain.
    assert_eq!(watcher.step(changed(), NOW), [WatchOutput::WakeAt(Time(1001))]);
    assert_eq!(watcher.step(WatchInput::Tick, Time(1001)), [WatchOutput::AskHead]);
    watcher.step(WatchInput::Head(forked(12, 1)), Time(1001));
    let halt = WatchOutput::Halt { was: block(10), now: forked(10, 1) };
    assert_eq!(
        watcher.step(changed(), Time(1001)),
        [halt.clone(), WatchOutput::WakeAt(Time(1011))]
    );
    // Said again until the ledger has it; the same cursor changes nothing.
    assert_eq!(watcher.step(cursor(10, 4), Time(1002)), []);
    assert_eq!(watcher.step(WatchInput::Tick, Time(1011))[0], halt);
    let halted = Cursor { after: block(10), requests: 4, halted: true };
    assert_eq!(watcher.step(WatchInput::Cursor(halted), Time(1012)), []);
    assert_eq!(watcher.step(WatchInput::Tick, Time(1100)), []);
    // The council goes on from another block.
    let resumed = Cursor { after: forked(8, 1), requests: 4, halted: false };
    assert_eq!(watcher.step(WatchInput::Cursor(resumed), Time(1101)), [WatchOutput::AskHead]);
}

#[test]
fn one_strange_answer_does_not_halt() {
    let mut watcher = Watcher::new(config());
    watcher.step(cursor(10, 4), NOW);
    watcher.step(WatchInput::Head(block(12)), NOW);
    watcher.step(WatchInput::Block { height: 10, block: Some(forked(10, 1)) }, NOW);
    watcher.step(WatchInput::Tick, Time(1001));
    watcher.step(WatchInput::Head(block(12)), Time(1001));
    let out = watcher.step(WatchInput::Block { height: 10, block: Some(block(10)) }, Time(1001));
    assert_eq!(out[0], WatchOutput::AskEvents { from: 11, to: 12 });
}

#[test]
fn a_node_behind_the_cursor_is_waited_for() {
    let mut watcher = Watcher::new(config());
    watcher.step(cursor(10, 4), NOW);
    let out = watcher.step(WatchInput::Head(block(9)), NOW);
    assert_eq!(out, [WatchOutput::WakeAt(Time(1001))]);
}

#[test]
fn a_full_block_loses_its_largest_requests_not_the_chain() {
    let large = |number| {
        let submission = Submission { submitter: Account([1; 32]), envelope: Hash([2; 32]) };
        ChainEvent::Requested(Ask {
            submissions: vec![submission; limits::SUBMISSIONS_MAX],
            payload: vec![7; limits::ONCHAIN_PAYLOAD_MAX],
            ..ask(number)
        })
    };
    let one = borsh::to_vec(&large(1)).unwrap().len();
    let fits = limits::ACTION_MAX / one;
    let count = fits as u64 * 2;
    assert!(count < limits::OBSERVED_EVENTS_MAX as u64);
    let mut watcher = asking(11, 0);
    let events: Vec<ChainEvent> = (1..=count).map(large).collect();
    let out = answered(&mut watcher, 11, events, count);
    let Some(WatchOutput::Observe(seen)) = out.first() else { panic!("{out:?}") };
    let bytes = borsh::to_vec(seen).unwrap().len();
    assert!(bytes + 512 < limits::ACTION_MAX, "{bytes} bytes");
    assert_eq!(seen.events.len() as u64, count);
    let readable = seen.events.iter().filter(|e| matches!(e, ChainEvent::Requested(_))).count();
    assert!((fits - 3..=fits).contains(&readable), "{readable} readable of {fits}");

    // More than one block is divided instead.
    let mut watcher = asking(12, 0);
    let events: Vec<ChainEvent> = (1..=count).map(large).collect();
    assert_eq!(answered(&mut watcher, 12, events, count), [WatchOutput::AskHead]);
    // Too many events in one block cannot be observed, and that is said.
    let mut watcher = asking(11, 0);
    let events: Vec<ChainEvent> =
        (1..=limits::OBSERVED_EVENTS_MAX as u64 + 1).map(requested).collect();
    let count = events.len() as u64;
    for tries in 1..=3 {
        let out = answered(&mut watcher, 11, events.clone(), count);
        assert!(!out.iter().any(|o| matches!(o, WatchOutput::Observe(_))));
        let report = WatchReport::Crowded { height: 11, events: events.len() };
        assert_eq!(out.contains(&WatchOutput::Report(report)), tries == 3);
        watcher.step(WatchInput::Tick, Time(1000 + 100 * tries));
        watcher.step(WatchInput::Head(block(11)), NOW);
        watcher.step(WatchInput::Block { height: 10, block: Some(block(10)) }, NOW);
    }
}

#[test]
fn answers_of_an_earlier_question_are_passed_over() {
    let mut watcher = asking(12, 4);
    watcher.step(WatchInput::Events { from: 9, to: 12, events: vec![requested(5)] }, NOW);
    assert_eq!(watcher.step(WatchInput::Count { at: 12, count: 5 }, NOW), []);
    watcher.step(cursor(11, 4), NOW);
    assert_eq!(watcher.step(WatchInput::Count { at: 12, count: 5 }, NOW), []);
    let late = WatchInput::Events { from: 11, to: 12, events: vec![requested(5)] };
    assert_eq!(watcher.step(late, NOW), []);
}
