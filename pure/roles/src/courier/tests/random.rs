//! Random interleavings of answers, failures, blocks, reorganisations and restarts.

use super::chain::{Chain, Tx, VOID, config, deed, fulfil, keys};
use crate::courier::*;
use proptest::prelude::*;
use sotto_types::{Delivery, Time, limits};
use std::collections::{BTreeMap, VecDeque};

/// One thing that happens next.
#[derive(Clone, Debug)]
enum Act {
    /// One of the open questions is answered, truly.
    Answer(usize),
    /// One of them fails, as such a question may.
    Fail(usize, u8),
    /// A block, with room for so many transactions.
    Mine(usize),
    /// The newest block is undone.
    Undo(bool),
    /// The pool forgets everything.
    Forget,
    /// The process ends, with its open questions, and another begins.
    Restart,
    /// The next delivery becomes ready.
    Deliver,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0usize..8).prop_map(Act::Answer),
        3 => (0usize..8, any::<u8>()).prop_map(|(which, how)| Act::Fail(which, how)),
        4 => (0usize..4).prop_map(Act::Mine),
        1 => any::<bool>().prop_map(Act::Undo),
        1 => Just(Act::Forget),
        1 => Just(Act::Restart),
        2 => Just(Act::Deliver),
    ]
}

struct World {
    sender: Sender,
    chain: Chain,
    journal: Option<Vec<u8>>,
    open: VecDeque<SendOutput>,
    held: Vec<(u64, Delivery)>,
    todo: VecDeque<Delivery>,
    ends: BTreeMap<u64, End>,
    now: u64,
    /// Blocks that were final once.
    settled: usize,
    /// What was to be broadcast, and the chain's time then.
    sent: Vec<(Tx, u64)>,
}

impl World {
    fn new(deliveries: Vec<Delivery>) -> Self {
        let mut chain = Chain { time: 1_000, ..Chain::default() };
        for delivery in &deliveries {
            if let Delivery::Fulfil { answer, .. } = delivery {
                chain.deadlines.insert(deed(delivery), answer.deadline.0);
            }
        }
        Self {
            sender: Sender::new(config(), None).unwrap(),
            chain,
            journal: None,
            open: VecDeque::new(),
            held: Vec::new(),
            todo: deliveries.into(),
            ends: BTreeMap::new(),
            now: 1,
            settled: 0,
            sent: Vec::new(),
        }
    }

    fn input(&mut self, input: SendInput) {
        for output in self.sender.step(input, Time(self.now)) {
            match output {
                SendOutput::Persist(bytes) => self.journal = Some(bytes),
                SendOutput::Ended { entry, end } => {
                    // After a restart the same end may be said again, and no other.
                    let before = self.ends.insert(entry, end.clone());
                    assert!(before.is_none_or(|before| before == end), "{entry} ended twice");
                }
                SendOutput::Report(_) | SendOutput::WakeAt(_) => {}
                question => {
                    if let SendOutput::Broadcast { raw, .. } = &question {
                        self.sent.push((Tx::decode(raw), self.chain.time));
                    }
                    self.open.push_back(question);
                }
            }
        }
    }

    fn answer(&mut self, which: usize) {
        if self.open.is_empty() {
            return self.tick();
        }
        let question = self.open.remove(which % self.open.len()).unwrap();
        let answer = self.truth(question);
        self.input(answer);
    }

    fn truth(&mut self, question: SendOutput) -> SendInput {
        match question {
            SendOutput::AskSurvey => SendInput::Survey(Ok(self.chain.survey())),
            SendOutput::Build { entry, delivery } => {
                SendInput::Built { entry, built: self.chain.build(&delivery) }
            }
            SendOutput::Sign { nonce, built, fee } => {
                SendInput::Signed { nonce, raw: Ok(Chain::sign(nonce, &built, fee)) }
            }
            SendOutput::Broadcast { nonce, raw } => {
                let kept = self.journal.as_deref().unwrap_or_default();
                assert!(kept.windows(32).any(|bytes| bytes == raw.hash.0), "not journalled");
                SendInput::Submitted { nonce, hash: raw.hash, result: self.chain.submit(&raw) }
            }
            SendOutput::AskFate { nonce, hashes } => {
                SendInput::Fate { nonce, status: Some(self.chain.fate(&hashes)) }
            }
            other => unreachable!("{other:?} is no question"),
        }
    }

    fn fail(&mut self, which: usize, how: u8) {
        if self.open.is_empty() {
            return self.tick();
        }
        let question = self.open.remove(which % self.open.len()).unwrap();
        let away = || "away".to_owned();
        let answer = match question {
            SendOutput::AskSurvey => SendInput::Survey(Err(away())),
            SendOutput::Build { entry, .. } => {
                let built = Err(match how % 2 {
                    0 => BuildError::Unreachable(away()),
                    _ => BuildError::WouldRevert { reason: away(), curable: true },
                });
                SendInput::Built { entry, built }
            }
            SendOutput::Sign { nonce, .. } => SendInput::Signed { nonce, raw: Err(away()) },
            SendOutput::Broadcast { nonce, raw } => {
                let result = Err(match how % 5 {
                    // Taken, and the answer lost.
                    0 | 1 => {
                        let _ = self.chain.submit(&raw);
                        SubmitError::Ambiguous(away())
                    }
                    2 => SubmitError::Unreachable(away()),
                    3 => SubmitError::Underpriced,
                    _ => SubmitError::Rejected(away()),
                });
                SendInput::Submitted { nonce, hash: raw.hash, result }
            }
            SendOutput::AskFate { nonce, .. } => SendInput::Fate {
                nonce,
                // Not asked, or asked of a node whose index is behind.
                status: how.is_multiple_of(2).then_some(TxStatus::Unknown),
            },
            other => unreachable!("{other:?} is no question"),
        };
        self.input(answer);
    }

    fn tick(&mut self) {
        self.now += 1;
        self.input(SendInput::Tick);
    }

    fn deliver(&mut self) {
        if let Some(delivery) = self.todo.pop_front() {
            let entry = self.held.len() as u64 + 1;
            self.held.push((entry, delivery.clone()));
            self.input(SendInput::Deliver { entry, delivery });
        }
    }

    fn restart(&mut self) {
        self.open.clear();
        self.sender = Sender::new(config(), self.journal.as_deref()).unwrap();
        self.input(SendInput::Holds(self.held.iter().map(|(entry, _)| *entry).collect()));
        for (entry, delivery) in self.held.clone() {
            self.input(SendInput::Deliver { entry, delivery });
        }
    }

    fn act(&mut self, act: Act) {
        self.settled = self.settled.max(self.chain.settled());
        match act {
            Act::Answer(which) => self.answer(which),
            Act::Fail(which, how) => self.fail(which, how),
            Act::Mine(room) => {
                self.now += 1;
                self.chain.mine(1, room);
                self.input(SendInput::Tick);
            }
            // Deeper would be below finality, where the chain is halted.
            Act::Undo(keep) if self.chain.blocks.len() > self.settled => self.chain.undo(keep),
            Act::Undo(_) => {}
            Act::Forget => self.chain.pool.clear(),
            Act::Restart => self.restart(),
            Act::Deliver => self.deliver(),
        }
    }

    /// Everything works from now on.
    fn calm(&mut self) {
        while !self.todo.is_empty() {
            self.deliver();
        }
        for _ in 0..3_000 {
            while !self.open.is_empty() {
                self.answer(0);
            }
            self.now += 1;
            self.chain.mine(1, 8);
            self.input(SendInput::Tick);
            if self.ends.len() == self.held.len() && self.chain.pool.is_empty() {
                return;
            }
        }
    }

    fn check(&self) {
        // A nonce left out would leave what stands behind it in the pool for ever.
        assert!(self.chain.pool.is_empty(), "stuck: {:?}", self.chain.pool);
        let done = self.chain.done();
        for (entry, delivery) in &self.held {
            let end = self.ends.get(entry);
            let is_done = done.contains(&deed(delivery));
            match end {
                Some(End::Final { .. } | End::AlreadyDone) => assert!(is_done, "{entry}: {end:?}"),
                Some(End::Late) => {
                    assert!(matches!(delivery, Delivery::Fulfil { .. }), "{entry} has no deadline");
                }
                Some(End::Refused { reason }) => {
                    assert!(reason.contains("failed on the chain"), "{entry}: {reason}");
                }
                None => panic!("{entry} never ended: {:?}", self.sender),
            }
        }
        for (tx, time) in &self.sent {
            let deadline = self.chain.deadlines.get(&tx.deed);
            let fine =
                tx.deed == VOID || deadline.is_none_or(|d| time + limits::BROADCAST_MARGIN <= *d);
            assert!(fine, "{tx:?} broadcast at {time}, deadline {deadline:?}");
        }
    }
}

fn deliveries(late: u64) -> Vec<Delivery> {
    vec![
        fulfil(3, 90_000),
        keys(1),
        fulfil(1, 90_000),
        fulfil(2, late),
        keys(2),
        fulfil(4, 90_000),
        fulfil(6, 90_000),
        fulfil(5, late + 20),
        fulfil(7, 90_000),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Every delivery ends exactly once and truly, no nonce is left out, nothing goes out late.
    #[test]
    fn every_delivery_ends_once(
        acts in prop::collection::vec(act(), 0..160),
        late in 1_010u64..1_120,
    ) {
        let mut world = World::new(deliveries(late));
        world.deliver();
        for act in acts {
            world.act(act);
        }
        world.calm();
        world.check();
    }
}

#[test]
fn transactions_read_back() {
    let tx = Tx { nonce: 7, deed: 8, fee: Fee { max: 9, tip: Some(1) } };
    assert_eq!(tx.raw(), tx.raw());
    assert_ne!(tx.raw(), Tx { nonce: 8, ..tx.clone() }.raw());
}
