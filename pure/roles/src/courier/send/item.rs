//! Deliveries that have not ended: which is tried next, and when again after it failed.

use super::{End, SendOutput, SendReport, Sender};
use sotto_types::{Delivery, Time};
use std::collections::BTreeSet;

/// Seconds to wait after each failed try; the last one holds for all further ones.
const RETRY: [u64; 12] = [1, 1, 2, 2, 5, 5, 10, 30, 60, 180, 300, 600];
/// Refusals no time can cure, after which a delivery is given up: a node may be behind.
const REFUSALS: u32 = 3;
/// Times a delivery may fail on the chain: each costs its gas.
pub(super) const REVERTS: u32 = 3;

/// A delivery that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) delivery: Delivery,
    pub(super) state: State,
    tries: u32,
    refusals: u32,
    pub(super) reverts: u32,
    done: Done,
}

/// Whether the chain was seen to have it already: believed once that block is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    No,
    /// At the newest block, whose height the next survey tells.
    Seen,
    /// At this height.
    At(u64),
}

/// Where a delivery is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not before that time; `curable` says that another delivery may help.
    Waiting { until: Time, curable: bool },
    /// Being made into a call.
    Building,
    /// With a nonce.
    Flying,
    /// In a block that may still change.
    Landed,
}

/// Which order a delivery is bound by: those of one order go one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Members,
    Keys,
    Results,
    Payout,
}

impl Item {
    pub(super) fn new(delivery: Delivery, state: State) -> Self {
        Self { delivery, state, tries: 0, refusals: 0, reverts: 0, done: Done::No }
    }

    /// The last chain time at which it is of use: a batch's is its earliest, since what is
    /// broadcast shows every result in it.
    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.delivery {
            Delivery::Fulfil { answer, .. } => Some(answer.deadline),
            Delivery::Batch { answers, .. } => answers.iter().map(|a| a.deadline).min(),
            Delivery::Keys { .. } | Delivery::Payout { .. } | Delivery::Members { .. } => None,
        }
    }

    /// Its order, and its place there.
    fn place(&self) -> (Order, u64) {
        match &self.delivery {
            Delivery::Members { nonce, .. } => (Order::Members, *nonce),
            Delivery::Keys { nonce, .. } => (Order::Keys, *nonce),
            Delivery::Fulfil { .. } | Delivery::Batch { .. } => {
                (Order::Results, self.deadline().map_or(u64::MAX, |deadline| deadline.0))
            }
            Delivery::Payout { nonce, .. } => (Order::Payout, *nonce),
        }
    }

    fn ready(&self, now: Time) -> bool {
        matches!(self.state, State::Waiting { until, .. } if until <= now)
    }

    fn wait(&mut self, now: Time, curable: bool) {
        let at = (self.tries as usize).min(RETRY.len() - 1);
        let seconds = RETRY.get(at).copied().unwrap_or(600);
        self.tries = self.tries.saturating_add(1);
        self.state = State::Waiting { until: now.plus(seconds), curable };
    }
}

impl Sender {
    pub(super) fn deliver(&mut self, entry: u64, delivery: Delivery, now: Time) {
        if let Some(end) = self.journal.ended.get(&entry) {
            self.out.push(SendOutput::Ended { entry, end: end.clone() });
        } else if !self.items.contains_key(&entry) {
            let flying = self.journal.flights.values().any(|f| f.entry == Some(entry));
            let state =
                if flying { State::Flying } else { State::Waiting { until: now, curable: false } };
            self.items.insert(entry, Item::new(delivery, state));
        }
    }

    pub(super) fn gone(&mut self, entry: u64) {
        self.items.remove(&entry);
        self.dirty |= self.journal.ended.remove(&entry).is_some();
        for flight in self.journal.flights.values_mut().filter(|f| f.entry == Some(entry)) {
            self.dirty |= !std::mem::replace(&mut flight.gone, true);
        }
    }

    pub(super) fn holds(&mut self, entries: &BTreeSet<u64>) {
        let known = self.items.keys().chain(self.journal.ended.keys()).copied();
        let flying = self.journal.flights.values().filter_map(|flight| flight.entry);
        let gone: BTreeSet<u64> = known.chain(flying).filter(|e| !entries.contains(e)).collect();
        gone.into_iter().for_each(|entry| self.gone(entry));
    }

    /// Deliveries without a nonce whose deadline is too near.
    pub(super) fn drop_late(&mut self, now: Time) {
        let late: Vec<u64> = (self.items.iter())
            .filter(|(_, item)| matches!(item.state, State::Waiting { .. }))
            .filter(|(_, item)| item.done == Done::No)
            .filter(|(_, item)| self.late(item.deadline(), now))
            .map(|(entry, _)| *entry)
            .collect();
        late.into_iter().for_each(|entry| self.end(entry, false, End::Late));
    }

    /// Begins as many deliveries as the window lets through, and fills a gap nobody else fills.
    pub(super) fn begin(&mut self, now: Time) {
        while self.room() > 0
            && let Some(entry) = self.next(now)
            && let Some(item) = self.items.get_mut(&entry)
        {
            item.state = State::Building;
            let delivery = item.delivery.clone();
            self.out.push(SendOutput::Build { entry, delivery });
        }
        // Once after each survey: what is rejected at once must not spin.
        let building = self.items.values().any(|item| item.state == State::Building);
        if !building && std::mem::take(&mut self.fill) {
            self.fill_gap(now);
        }
    }

    /// When a delivery that waits may be tried again.
    pub(super) fn next_try(&self, now: Time) -> Option<Time> {
        let times = self.items.values().filter_map(|item| match item.state {
            State::Waiting { until, .. } if until > now => Some(until),
            _ => None,
        });
        times.min()
    }

    fn room(&self) -> usize {
        let building = self.items.values().filter(|i| i.state == State::Building).count();
        let pending = self.journal.flights.values().filter(|flight| flight.pending()).count();
        self.config.window.saturating_sub(building + pending + self.signing.len())
    }

    /// The first delivery that may be tried: members, keys, results by deadline, pay-outs; of
    /// members, keys and pay-outs only the lowest nonce, and that one alone.
    fn next(&self, now: Time) -> Option<u64> {
        let first = |order: Order| {
            let of_order = self
                .items
                .iter()
                .filter(move |(_, item)| item.place().0 == order && item.state != State::Landed);
            of_order.min_by_key(|(entry, item)| (item.place().1, **entry)).map(|(entry, _)| *entry)
        };
        let heads = [first(Order::Members), first(Order::Keys), first(Order::Payout)];
        (self.items.iter())
            .filter(|(_, item)| item.ready(now))
            .filter(|(entry, item)| {
                item.place().0 == Order::Results || heads.contains(&Some(**entry))
            })
            .min_by_key(|(entry, item)| (item.place(), **entry))
            .map(|(entry, _)| *entry)
    }

    /// Puts a delivery back, to be tried again later.
    pub(super) fn retry(&mut self, entry: u64, now: Time, reason: String, curable: bool) {
        let Some(item) = self.items.get_mut(&entry) else { return };
        item.wait(now, curable);
        let tries = item.tries;
        if tries.is_multiple_of(self.config.patience.max(1)) {
            self.out.push(SendOutput::Report(SendReport::Waiting { entry, tries, reason }));
        }
    }

    /// The newest block has it already. It ends once that is final: the block that holds it may
    /// yet be undone.
    pub(super) fn already_done(&mut self, entry: u64, now: Time) {
        let settled = self.survey.as_ref().map_or(0, |(survey, _)| survey.final_height);
        let Some(item) = self.items.get_mut(&entry) else { return };
        if matches!(item.done, Done::At(height) if height <= settled) {
            return self.end(entry, false, End::AlreadyDone);
        }
        if item.done == Done::No {
            item.done = Done::Seen;
            item.tries = 0;
        }
        item.wait(now, false);
    }

    /// It is not, or no longer, on the chain.
    pub(super) fn not_done(&mut self, entry: u64) {
        if let Some(item) = self.items.get_mut(&entry) {
            item.done = Done::No;
        }
    }

    /// The newest block has this height.
    pub(super) fn date_done(&mut self, height: u64) {
        for item in self.items.values_mut().filter(|item| item.done == Done::Seen) {
            item.done = Done::At(height);
        }
    }

    /// The contract would refuse it, and time does not help.
    pub(super) fn refuse(&mut self, entry: u64, now: Time, reason: String) {
        let Some(item) = self.items.get_mut(&entry) else { return };
        item.refusals = item.refusals.saturating_add(1);
        if item.refusals >= REFUSALS {
            self.end(entry, false, End::Refused { reason });
        } else {
            self.retry(entry, now, reason, false);
        }
    }

    /// Something got into a block: what waited for it may go.
    pub(super) fn cure(&mut self, now: Time) {
        for item in self.items.values_mut() {
            if let State::Waiting { until, curable: true } = &mut item.state {
                *until = now.min(*until);
            }
        }
    }
}
