use super::chain::{Chain, config, fulfil, keys};
use crate::courier::*;
use sotto_types::{Delivery, Hash, Time, limits};

/// A sender over a chain, answering every question at once unless told otherwise.
struct Bench {
    sender: Sender,
    chain: Chain,
    journal: Option<Vec<u8>>,
    now: u64,
    ends: Vec<(u64, End)>,
    reports: Vec<SendReport>,
    submit: Vec<Result<(), SubmitError>>,
    /// What was tried out, in order.
    built: Vec<u64>,
}

impl Bench {
    fn new() -> Self {
        Self {
            sender: Sender::new(config(), None).unwrap(),
            chain: Chain { time: 5000, ..Chain::default() },
            journal: None,
            now: 100,
            ends: Vec::new(),
            reports: Vec::new(),
            submit: Vec::new(),
            built: Vec::new(),
        }
    }

    fn input(&mut self, input: SendInput) {
        let mut inputs = std::collections::VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.sender.step(input, Time(self.now)) {
                inputs.extend(self.carry(output));
            }
        }
    }

    fn carry(&mut self, output: SendOutput) -> Option<SendInput> {
        Some(match output {
            SendOutput::Persist(bytes) => {
                self.journal = Some(bytes);
                return None;
            }
            SendOutput::AskSurvey => SendInput::Survey(Ok(self.chain.survey())),
            SendOutput::Build { entry, delivery } => {
                self.built.push(super::chain::deed(&delivery));
                SendInput::Built { entry, built: self.chain.build(&delivery) }
            }
            SendOutput::Sign { nonce, built, fee } => {
                SendInput::Signed { nonce, raw: Ok(Chain::sign(nonce, &built, fee)) }
            }
            SendOutput::Broadcast { nonce, raw } => {
                // Nothing leaves that a restart would not know of.
                let kept = self.journal.as_deref().unwrap();
                assert!(kept.windows(32).any(|bytes| bytes == raw.hash.0), "not journalled");
                let result = match self.submit.pop() {
                    Some(Err(SubmitError::Ambiguous(why))) => {
                        let _ = self.chain.submit(&raw);
                        Err(SubmitError::Ambiguous(why))
                    }
                    Some(result) => result,
                    None => self.chain.submit(&raw),
                };
                SendInput::Submitted { nonce, hash: raw.hash, result }
            }
            SendOutput::AskFate { nonce, hashes } => {
                SendInput::Fate { nonce, status: Some(self.chain.fate(&hashes)) }
            }
            SendOutput::Ended { entry, end } => {
                self.ends.push((entry, end));
                return None;
            }
            SendOutput::Report(report) => {
                self.reports.push(report);
                return None;
            }
            SendOutput::WakeAt(_) => return None,
        })
    }

    fn deliver(&mut self, entry: u64, delivery: Delivery) {
        self.input(SendInput::Deliver { entry, delivery });
    }

    /// A second passes on both sides, with a block.
    fn second(&mut self) {
        self.now += 1;
        self.chain.mine(1, 10);
        self.input(SendInput::Tick);
    }

    fn seconds(&mut self, count: usize) {
        (0..count).for_each(|_| self.second());
    }

    fn restart(&mut self, held: &[(u64, Delivery)]) {
        self.sender = Sender::new(config(), self.journal.as_deref()).unwrap();
        self.input(SendInput::Holds(held.iter().map(|(entry, _)| *entry).collect()));
        for (entry, delivery) in held {
            self.deliver(*entry, delivery.clone());
        }
    }

    fn finals(&self) -> Vec<u64> {
        let finals = self.ends.iter().filter(|(_, end)| matches!(end, End::Final { .. }));
        finals.map(|(entry, _)| *entry).collect()
    }
}

#[test]
fn carries_to_the_end() {
    let mut bench = Bench::new();
    bench.deliver(1, fulfil(1, 9000));
    bench.deliver(1, fulfil(1, 9000));
    assert_eq!(bench.chain.pool.len(), 1);
    bench.seconds(5);
    assert_eq!(bench.finals(), [1]);
    assert_eq!(bench.ends.len(), 1);
    assert_eq!(bench.chain.nonce(99), 1);
    assert_eq!(bench.sender.waiting(), 0);
    // Told again before the ledger let go of it: the same end.
    bench.deliver(1, fulfil(1, 9000));
    assert_eq!(bench.finals(), [1, 1]);
    bench.input(SendInput::Gone { entry: 1 });
    assert_eq!(bench.sender, {
        let mut fresh = bench.sender.clone();
        fresh.step(SendInput::Gone { entry: 1 }, Time(0));
        fresh
    });
}

#[test]
fn the_window_is_kept() {
    let mut bench = Bench::new();
    for number in [1, 2, 4, 5, 7, 8] {
        bench.deliver(number, fulfil(number, 9000));
    }
    assert_eq!(bench.chain.pool.len(), 4);
    bench.seconds(10);
    assert_eq!(bench.finals().len(), 6);
}

#[test]
fn a_lost_answer_sends_the_same_bytes() {
    let mut bench = Bench::new();
    bench.submit = vec![Err(SubmitError::Ambiguous("no answer".into()))];
    bench.deliver(1, fulfil(1, 9000));
    assert_eq!(bench.chain.pool.len(), 1);
    bench.now += 1;
    bench.input(SendInput::Tick);
    let [first, second] = &bench.chain.broadcasts[..] else { panic!("not sent twice") };
    assert_eq!(first.0, second.0);
    bench.seconds(5);
    assert_eq!((bench.finals(), bench.chain.nonce(99)), (vec![1], 1));
}

#[test]
fn a_rejected_transaction_frees_its_nonce() {
    let mut bench = Bench::new();
    bench.submit = vec![Err(SubmitError::Rejected("no money".into()))];
    bench.deliver(1, fulfil(1, 9000));
    bench.deliver(2, fulfil(2, 9000));
    bench.seconds(8);
    let mut finals = bench.finals();
    finals.sort_unstable();
    assert_eq!(finals, [1, 2]);
    assert_eq!(bench.chain.nonce(99), 2);
    let reason = "no money".into();
    assert_eq!(bench.reports, [SendReport::Rejected { nonce: 0, reason }]);
}

#[test]
fn a_gap_nobody_fills_is_filled() {
    let mut bench = Bench::new();
    bench.deliver(1, fulfil(1, 9000));
    bench.submit = vec![Err(SubmitError::Rejected("no".into()))];
    // Nonce 1 is rejected while nonce 2 is out.
    bench.deliver(2, fulfil(2, 9000));
    bench.deliver(4, fulfil(4, 9000));
    bench.input(SendInput::Gone { entry: 2 });
    bench.seconds(8);
    assert!(bench.finals().contains(&4), "{:?}", bench.ends);
}

#[test]
fn nothing_leaves_near_its_deadline() {
    let mut bench = Bench::new();
    let edge = 5000 + limits::BROADCAST_MARGIN;
    bench.deliver(1, fulfil(1, edge - 1));
    assert_eq!(bench.ends, [(1, End::Late)]);
    assert!(bench.chain.broadcasts.is_empty());
    bench.deliver(2, fulfil(2, edge));
    assert_eq!(bench.chain.broadcasts.len(), 1);
}

#[test]
fn a_stuck_result_gives_way_to_nothing_once_it_is_late() {
    let mut bench = Bench::new();
    bench.submit = vec![Err(SubmitError::Unreachable("away".into()))];
    bench.deliver(1, fulfil(1, 5010));
    // The node comes back after the deadline's margin.
    bench.now += 8;
    bench.chain.time += 8;
    bench.input(SendInput::Tick);
    bench.seconds(6);
    assert_eq!(bench.ends, [(1, End::Late)]);
    assert!(bench.chain.done().is_empty());
    assert_eq!(bench.chain.nonce(99), 1, "the nonce is used up");
    let sent = bench.chain.broadcasts.iter().filter(|(tx, _)| tx.deed == 1).count();
    assert_eq!(sent, 0);
}

#[test]
fn what_waits_past_its_deadline_is_dropped() {
    let mut bench = Bench::new();
    // Its keys never come.
    bench.deliver(1, fulfil(3, 5010));
    bench.seconds(5);
    assert!(bench.ends.is_empty());
    bench.seconds(5);
    assert_eq!(bench.ends, [(1, End::Late)]);
    assert_eq!(bench.sender.waiting(), 0);
}

#[test]
fn what_failed_on_the_chain_is_tried_again_before_that_is_final() {
    let mut bench = Bench::new();
    bench.chain.deadlines.insert(1, 0);
    bench.deliver(1, fulfil(1, 9000));
    bench.second();
    bench.chain.deadlines.clear();
    for _ in 0..3 {
        bench.now += 1;
        bench.input(SendInput::Tick);
    }
    let nonces: Vec<u64> = bench.chain.broadcasts.iter().map(|(tx, _)| tx.nonce).collect();
    assert_eq!(nonces, [0, 1]);
    bench.seconds(6);
    assert_eq!(bench.finals(), [1]);
    let reverted = |report: &SendReport| matches!(report, SendReport::Reverted { nonce: 0, .. });
    assert!(bench.reports.iter().any(reverted));
}

#[test]
fn what_fails_on_the_chain_again_and_again_is_given_up() {
    let mut bench = Bench::new();
    bench.chain.deadlines.insert(1, 0);
    bench.deliver(1, fulfil(1, 9000));
    bench.seconds(30);
    let reason = "failed on the chain 3 times".into();
    assert_eq!(bench.ends, [(1, End::Refused { reason })]);
    assert_eq!(bench.chain.nonce(99), 3);
}

#[test]
fn pays_more_when_it_does_not_get_in() {
    let mut bench = Bench::new();
    bench.deliver(1, fulfil(1, 9000));
    for _ in 0..16 {
        bench.now += 1;
        bench.chain.mine(1, 0);
        bench.input(SendInput::Tick);
    }
    let pooled = bench.chain.pool.get(&0).unwrap();
    assert_eq!(pooled.fee, Fee { max: 110, tip: Some(11) });
    bench.seconds(5);
    assert_eq!(bench.finals(), [1]);
}

#[test]
fn keys_come_first_and_one_after_the_other() {
    let mut bench = Bench::new();
    bench.deliver(1, fulfil(3, 9000));
    bench.deliver(2, keys(2));
    bench.deliver(3, keys(1));
    for _ in 0..6 {
        bench.now += 1;
        bench.chain.mine(1, 0);
        bench.input(SendInput::Tick);
    }
    bench.seconds(12);
    assert_eq!(bench.finals().len(), 3, "{:?}", bench.ends);
    let order: Vec<u64> = bench.chain.blocks.iter().flatten().map(|(tx, _)| tx.deed).collect();
    let place = |deed| order.iter().position(|found| *found == deed).unwrap();
    assert!(place(1_000_001) < place(1_000_002));
    assert!(place(1_000_001) < place(3));
    assert!(bench.chain.blocks.iter().flatten().all(|(_, ok)| *ok), "nothing failed on the way");
    // Told first, the later keys were tried once and had to wait; then not before their turn.
    let tried = |deed: u64| bench.built.iter().filter(|built| **built == deed).count();
    assert_eq!((tried(1_000_001), tried(1_000_002)), (1, 2), "{:?}", bench.built);
}

#[test]
fn done_by_others_ends_once_that_is_final() {
    let mut bench = Bench::new();
    bench.chain.mine(1, 0);
    bench.deliver(1, fulfil(1, 9000));
    // Its twin under another entry finds it done, but not before it is final.
    bench.chain.mine(1, 10);
    bench.deliver(2, fulfil(1, 9000));
    bench.now += 1;
    bench.input(SendInput::Tick);
    assert!(bench.ends.is_empty());
    bench.seconds(10);
    assert!(bench.ends.contains(&(2, End::AlreadyDone)), "{:?}", bench.ends);
}

#[test]
fn a_reorganisation_is_outlived() {
    let mut bench = Bench::new();
    bench.deliver(1, fulfil(1, 9000));
    bench.seconds(2);
    bench.chain.undo(false);
    bench.chain.undo(false);
    assert!(bench.chain.done().is_empty());
    bench.seconds(25);
    assert_eq!(bench.finals(), [1]);
    assert_eq!(bench.chain.nonce(99), 1);
}

#[test]
fn somebody_elses_transaction_on_our_nonce_loses_nothing() {
    let mut bench = Bench::new();
    bench.deliver(1, fulfil(1, 9000));
    // The same key, used elsewhere.
    let other = super::chain::Tx { nonce: 0, deed: 77, fee: Fee { max: 999, tip: Some(99) } };
    bench.chain.pool.clear();
    bench.chain.submit(&other.raw()).unwrap();
    bench.seconds(12);
    assert_eq!(bench.finals(), [1]);
    assert!(bench.reports.contains(&SendReport::Lost { nonce: 0 }), "{:?}", bench.reports);
}

#[test]
fn refused_for_good_is_given_up() {
    let mut bench = Bench::new();
    bench.input(SendInput::Deliver { entry: 1, delivery: fulfil(1, 9000) });
    bench.chain.pool.clear();
    let mut sender = Sender::new(config(), None).unwrap();
    let mut ends = Vec::new();
    let mut builds = 0;
    sender.step(SendInput::Deliver { entry: 1, delivery: fulfil(1, 9000) }, Time(1));
    for now in 1..60 {
        for output in sender.step(SendInput::Survey(Ok(bench.chain.survey())), Time(now)) {
            if let SendOutput::Build { entry, .. } = output {
                builds += 1;
                let refused = BuildError::WouldRevert { reason: "mismatch".into(), curable: false };
                let built = SendInput::Built { entry, built: Err(refused) };
                ends.extend(sender.step(built, Time(now)).into_iter().filter_map(|o| match o {
                    SendOutput::Ended { end, .. } => Some(end),
                    _ => None,
                }));
            }
        }
    }
    assert_eq!((builds, ends), (3, vec![End::Refused { reason: "mismatch".into() }]));
}

#[test]
fn a_restart_goes_on() {
    let held = [(1, fulfil(1, 9000)), (2, fulfil(2, 9000))];
    let mut bench = Bench::new();
    bench.deliver(1, held[0].1.clone());
    bench.restart(&held);
    bench.seconds(1);
    bench.restart(&held);
    bench.seconds(8);
    bench.restart(&held);
    bench.seconds(2);
    let mut finals = bench.finals();
    finals.sort_unstable();
    finals.dedup();
    assert_eq!(finals, [1, 2]);
    assert_eq!(bench.chain.nonce(99), 2);
}

#[test]
fn a_foreign_journal_is_refused() {
    assert_eq!(Sender::new(config(), Some(&[])).err(), Some(NotAJournal::Empty));
    let other = NotAJournal::Version { found: 9, known: 1 };
    assert_eq!(Sender::new(config(), Some(&[9, 0])).err(), Some(other));
    let cut = Sender::new(config(), Some(&[1, 1])).err();
    assert!(matches!(cut, Some(NotAJournal::Malformed(_))), "{cut:?}");
    let mut bench = Bench::new();
    bench.deliver(1, fulfil(1, 9000));
    let mut journal = bench.journal.unwrap();
    Sender::new(config(), Some(&journal)).unwrap();
    journal.push(0);
    assert_eq!(
        Sender::new(config(), Some(&journal)).err(),
        Some(NotAJournal::Malformed("1 bytes too many".into()))
    );
    let _ = Hash([0; 32]);
}
