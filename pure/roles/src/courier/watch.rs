//! Watching a Sotto contract: from the ledger's cursor to the next observation.

mod vet;

use sotto_types::{Account, BlockRef, ChainEvent, ChainId, Observation, Time, limits};
pub use vet::Gap;
use vet::{fit, vet};

/// What does not change while a contract is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchConfig {
    /// The chain.
    pub chain: ChainId,
    /// The Sotto contract.
    pub contract: Account,
    /// Seconds between two looks at the chain.
    pub poll: u64,
    /// Most blocks asked for at once; halved where a node refuses, doubled again where it does not.
    pub range: u64,
    /// Seconds of chain time after which blocks without any event are observed too.
    pub quiet: u64,
    /// Seconds after which an observation the ledger did not take up is made again.
    pub again: u64,
    /// Failures in a row before each report.
    pub patience: u32,
}

impl WatchConfig {
    /// The usual figures for a contract: looks every second, 2,000 blocks at once, empty blocks
    /// observed every 10 s, patience 3.
    pub const fn new(chain: ChainId, contract: Account) -> Self {
        Self { chain, contract, poll: 1, range: 2_000, quiet: 10, again: 10, patience: 3 }
    }
}

/// Where the ledger stands with a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last block observed.
    pub after: BlockRef,
    /// The requests counted up to it.
    pub requests: u64,
    /// Whether the council has stopped this chain.
    pub halted: bool,
}

/// What the watcher is told. Each question gets exactly one answer: its own, or `Failed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchInput {
    /// The ledger's word; also what lifts a halt.
    Cursor(Cursor),
    /// The newest final block.
    Head(BlockRef),
    /// The block at a height, if the source has one.
    Block {
        /// The height asked for.
        height: u64,
        /// The block.
        block: Option<BlockRef>,
    },
    /// The contract's counter after a block.
    Count {
        /// The block's height.
        at: u64,
        /// The counter.
        count: u64,
    },
    /// What happened in the blocks from one to another, both included.
    Events {
        /// The first block.
        from: u64,
        /// The last block.
        to: u64,
        /// In the chain's order.
        events: Vec<ChainEvent>,
    },
    /// The source does not answer for so many blocks.
    RangeTooLarge {
        /// The first block asked for.
        from: u64,
        /// The last one.
        to: u64,
        /// How many it would take, where it says.
        hint: Option<u64>,
    },
    /// A question could not be answered.
    Failed(String),
    /// The time of the last [`WatchOutput::WakeAt`] has come.
    Tick,
}

/// What the watcher wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchOutput {
    /// Ask for the newest final block.
    AskHead,
    /// Ask for the block at this height.
    AskBlock(u64),
    /// Ask for the contract's counter after this block.
    AskCount(BlockRef),
    /// Ask for the events of these blocks, both included.
    AskEvents {
        /// The first block.
        from: u64,
        /// The last block.
        to: u64,
    },
    /// Tell the ledger.
    Observe(Observation),
    /// A final block changed; nothing more comes until the ledger's cursor moves on. Repeated
    /// until the ledger has halted the chain.
    Halt {
        /// As it was observed.
        was: BlockRef,
        /// As it stands now.
        now: BlockRef,
    },
    /// For people and metrics.
    Report(WatchReport),
    /// Give a [`WatchInput::Tick`] then; replaces the time said before.
    WakeAt(Time),
}

/// What people should know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchReport {
    /// Questions fail.
    #[error("the chain could not be asked {tries} times in a row: {reason}")]
    Failing {
        /// How often in a row.
        tries: u32,
        /// The last reason.
        reason: String,
    },
    /// The events do not add up to the contract's counter.
    #[error("requests are missing after block {after}, {tries} times in a row: {gap}")]
    Gap {
        /// The cursor's height.
        after: u64,
        /// How often in a row.
        tries: u32,
        /// What does not fit.
        gap: Gap,
    },
    /// One block holds more events than an observation can.
    #[error(
        "block {height} holds {events} events, an observation at most {}",
        limits::OBSERVED_EVENTS_MAX
    )]
    Crowded {
        /// The block.
        height: u64,
        /// Its events.
        events: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Head,
    /// Is the cursor's block still there?
    Base {
        head: BlockRef,
    },
    /// Which block does the range end with?
    Top {
        head: BlockRef,
        to: u64,
    },
    Events {
        upto: BlockRef,
        whole: bool,
        count: Option<u64>,
        events: Option<Vec<ChainEvent>>,
    },
    /// An observation is out.
    Observed,
    Halted {
        was: BlockRef,
        now: BlockRef,
    },
}

/// The player that watches one contract. It persists nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watcher {
    config: WatchConfig,
    cursor: Option<Cursor>,
    phase: Phase,
    wake: Option<Time>,
    span: u64,
    tries: u32,
    /// The cursor's block was seen with this other hash; a second look decides.
    suspect: Option<BlockRef>,
}

impl Watcher {
    /// A watcher that waits for the ledger's cursor.
    pub fn new(config: WatchConfig) -> Self {
        let span = config.range.max(1);
        Self { config, cursor: None, phase: Phase::Idle, wake: None, span, tries: 0, suspect: None }
    }

    /// The cursor, as last told.
    pub const fn cursor(&self) -> Option<&Cursor> {
        self.cursor.as_ref()
    }

    /// Takes one input; the outputs are carried out in order.
    pub fn step(&mut self, input: WatchInput, now: Time) -> Vec<WatchOutput> {
        let mut out = Vec::new();
        match input {
            WatchInput::Cursor(cursor) => self.moved(cursor, &mut out),
            WatchInput::Head(head) => self.head(head, now, &mut out),
            WatchInput::Block { height, block } => self.block(height, block, now, &mut out),
            WatchInput::Count { at, count: answer } => {
                if let Phase::Events { upto, count, .. } = &mut self.phase
                    && upto.height == at
                {
                    *count = Some(answer);
                }
                self.weigh(now, &mut out);
            }
            WatchInput::Events { from, to, events: answer } => {
                let first = self.first();
                if let Phase::Events { upto, events, .. } = &mut self.phase
                    && (first, upto.height) == (from, to)
                {
                    *events = Some(answer);
                }
                self.weigh(now, &mut out);
            }
            WatchInput::RangeTooLarge { from, to, hint } => {
                self.narrow(from, to, hint, now, &mut out);
            }
            WatchInput::Failed(reason) => self.failed(reason, now, &mut out),
            WatchInput::Tick => self.tick(now, &mut out),
        }
        out
    }

    fn first(&self) -> u64 {
        self.cursor.map_or(0, |cursor| cursor.after.height.saturating_add(1))
    }

    fn moved(&mut self, cursor: Cursor, out: &mut Vec<WatchOutput>) {
        let before = self.cursor.replace(cursor);
        if cursor.halted {
            self.phase = Phase::Idle;
            self.wake = None;
            self.suspect = None;
            return;
        }
        let freed = before.is_none_or(|before| before.halted || before.after != cursor.after);
        if freed {
            self.tries = 0;
            self.suspect = None;
            self.look(out);
        }
    }

    fn look(&mut self, out: &mut Vec<WatchOutput>) {
        if self.cursor.is_some_and(|cursor| !cursor.halted) {
            self.phase = Phase::Head;
            self.wake = None;
            out.push(WatchOutput::AskHead);
        }
    }

    fn tick(&mut self, now: Time, out: &mut Vec<WatchOutput>) {
        if self.wake.is_none_or(|wake| now < wake) {
            return;
        }
        match self.phase {
            Phase::Idle | Phase::Observed => self.look(out),
            Phase::Halted { was, now: is } => self.say_halt(was, is, now, out),
            Phase::Head | Phase::Base { .. } | Phase::Top { .. } | Phase::Events { .. } => {}
        }
    }

    fn rest(&mut self, until: Time, phase: Phase, out: &mut Vec<WatchOutput>) {
        self.phase = phase;
        self.wake = Some(until);
        out.push(WatchOutput::WakeAt(until));
    }

    fn idle(&mut self, now: Time, out: &mut Vec<WatchOutput>) {
        self.rest(now.plus(self.config.poll.max(1)), Phase::Idle, out);
    }

    /// One more failure: wait longer each time, and say so now and then.
    fn back_off(
        &mut self,
        now: Time,
        report: impl FnOnce(u32) -> WatchReport,
        out: &mut Vec<WatchOutput>,
    ) {
        self.tries = self.tries.saturating_add(1);
        if self.tries.is_multiple_of(self.config.patience.max(1)) {
            out.push(WatchOutput::Report(report(self.tries)));
        }
        let wait = self.config.poll.max(1).saturating_mul(1 << self.tries.min(6).saturating_sub(1));
        self.rest(now.plus(wait.min(30.max(self.config.poll))), Phase::Idle, out);
    }

    fn failed(&mut self, reason: String, now: Time, out: &mut Vec<WatchOutput>) {
        if !matches!(self.phase, Phase::Idle | Phase::Observed | Phase::Halted { .. }) {
            self.back_off(now, |tries| WatchReport::Failing { tries, reason }, out);
        }
    }

    fn head(&mut self, head: BlockRef, now: Time, out: &mut Vec<WatchOutput>) {
        let (Phase::Head, Some(cursor)) = (&self.phase, self.cursor) else { return };
        if head.height < cursor.after.height {
            // A lagging node, not a reorganisation: that would show at the cursor's own height.
            self.idle(now, out);
        } else {
            self.phase = Phase::Base { head };
            out.push(WatchOutput::AskBlock(cursor.after.height));
        }
    }

    fn block(
        &mut self,
        height: u64,
        block: Option<BlockRef>,
        now: Time,
        out: &mut Vec<WatchOutput>,
    ) {
        let Some(cursor) = self.cursor else { return };
        match (&self.phase, block) {
            (Phase::Base { head }, Some(base)) if height == cursor.after.height => {
                let head = *head;
                self.base(cursor, base, head, now, out);
            }
            (Phase::Top { head, to }, Some(top)) if height == *to => {
                let whole = *to == head.height;
                self.range(top, whole, out);
            }
            (Phase::Base { .. } | Phase::Top { .. }, None) => {
                let reason = format!("the source has no block {height} below its own head");
                self.failed(reason, now, out);
            }
            _ => {}
        }
    }

    fn base(
        &mut self,
        cursor: Cursor,
        base: BlockRef,
        head: BlockRef,
        now: Time,
        out: &mut Vec<WatchOutput>,
    ) {
        if base.hash != cursor.after.hash {
            // One answer may come from a broken node; the same one twice is the chain's.
            if self.suspect.replace(base).is_some_and(|before| before.hash == base.hash) {
                self.say_halt(cursor.after, base, now, out);
            } else {
                self.idle(now, out);
            }
            return;
        }
        self.suspect = None;
        if head.height == cursor.after.height {
            self.tries = 0;
            return self.idle(now, out);
        }
        let to = cursor.after.height.saturating_add(self.span).min(head.height);
        if to == head.height {
            self.range(head, true, out);
        } else {
            self.phase = Phase::Top { head, to };
            out.push(WatchOutput::AskBlock(to));
        }
    }

    fn say_halt(&mut self, was: BlockRef, is: BlockRef, now: Time, out: &mut Vec<WatchOutput>) {
        out.push(WatchOutput::Halt { was, now: is });
        self.rest(now.plus(self.config.again.max(1)), Phase::Halted { was, now: is }, out);
    }

    fn range(&mut self, upto: BlockRef, whole: bool, out: &mut Vec<WatchOutput>) {
        self.phase = Phase::Events { upto, whole, count: None, events: None };
        out.push(WatchOutput::AskEvents { from: self.first(), to: upto.height });
        out.push(WatchOutput::AskCount(upto));
    }

    fn narrow(
        &mut self,
        from: u64,
        to: u64,
        hint: Option<u64>,
        now: Time,
        out: &mut Vec<WatchOutput>,
    ) {
        let first = self.first();
        let Phase::Events { upto, .. } = &self.phase else { return };
        if (first, upto.height) != (from, to) {
            return;
        }
        let asked = to.saturating_sub(from).saturating_add(1);
        if asked == 1 {
            return self.failed(format!("the source refuses even block {to} alone"), now, out);
        }
        self.span = hint.unwrap_or(u64::MAX).clamp(1, asked / 2);
        self.look(out);
    }

    /// Events and counter are here: do they add up, and do they fit?
    fn weigh(&mut self, now: Time, out: &mut Vec<WatchOutput>) {
        let Some(cursor) = self.cursor else { return };
        let Phase::Events { upto, whole, count: Some(count), events: Some(events) } = &self.phase
        else {
            return;
        };
        let (upto, whole, count) = (*upto, *whole, *count);
        let events = match vet(events, cursor.requests, count) {
            Ok(events) => events,
            Err(gap) => {
                let after = cursor.after.height;
                return self.back_off(now, |tries| WatchReport::Gap { after, tries, gap }, out);
            }
        };
        let blocks = upto.height.saturating_sub(cursor.after.height);
        let (found, height) = (events.len(), upto.height);
        let Some(events) = fit(events, blocks == 1) else {
            if blocks > 1 {
                self.span = blocks / 2;
                return self.look(out);
            }
            return self.back_off(now, |_| WatchReport::Crowded { height, events: found }, out);
        };
        self.tries = 0;
        self.span = self.span.saturating_mul(2).min(self.config.range.max(1));
        let loud = !events.is_empty()
            || !whole
            || upto.time.0 >= cursor.after.time.0.saturating_add(self.config.quiet);
        if !loud {
            return self.idle(now, out);
        }
        out.push(WatchOutput::Observe(Observation {
            chain: self.config.chain,
            contract: self.config.contract,
            after: cursor.after,
            upto,
            request_count: count,
            events,
        }));
        self.rest(now.plus(self.config.again.max(1)), Phase::Observed, out);
    }
}
