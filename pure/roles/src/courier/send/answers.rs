//! What the sender makes of each answer.

use super::item::{REVERTS, State};
use super::{End, Fresh, SendOutput, SendReport, Sender};
use crate::courier::flight::{Flight, Phase};
use crate::courier::{BuildError, Built, Raw, SubmitError, Survey, TxStatus};
use sotto_types::{Hash, Time};

/// Looks in a row that must miss a transaction before it counts as lost: a node may be behind.
const MISSES: u32 = 3;

impl Sender {
    pub(super) fn surveyed(&mut self, answer: Result<Survey, String>, now: Time) {
        self.surveying = false;
        match answer {
            Ok(survey) => {
                self.failures = 0;
                self.fill = true;
                self.date_done(survey.head.height);
                self.survey = Some((survey, now));
                let taken =
                    self.journal.flights.keys().chain(self.signing.keys()).copied().collect();
                self.dirty |= self.journal.lane.survey(survey.latest, &taken);
                self.tend(&survey, now);
            }
            Err(reason) => {
                self.failures = self.failures.saturating_add(1);
                let tries = self.failures;
                if tries.is_multiple_of(self.config.patience.max(1)) {
                    self.out.push(SendOutput::Report(SendReport::Failing { tries, reason }));
                }
                let wait = self.config.poll.max(1) << tries.min(6).saturating_sub(1);
                self.rest = now.plus(wait.min(30.max(self.config.poll)));
            }
        }
    }

    pub(super) fn built(&mut self, entry: u64, built: Result<Built, BuildError>, now: Time) {
        let Some(item) = self.items.get(&entry) else { return };
        if item.state != State::Building {
            return;
        }
        let deadline = item.deadline();
        if !matches!(built, Err(BuildError::AlreadyDone | BuildError::Unreachable(_))) {
            self.not_done(entry);
        }
        match built {
            Ok(_) if self.late(deadline, now) => self.end(entry, false, End::Late),
            Ok(built) => self.sign_first(Some(entry), built, now),
            Err(BuildError::AlreadyDone) => self.already_done(entry, now),
            Err(BuildError::WouldRevert { reason, curable: true }) => {
                self.retry(entry, now, reason, true);
            }
            Err(BuildError::WouldRevert { reason, curable: false }) => {
                self.refuse(entry, now, reason);
            }
            Err(BuildError::Unreachable(reason)) => self.retry(entry, now, reason, false),
        }
    }

    /// Gives a call its nonce.
    pub(super) fn sign_first(&mut self, entry: Option<u64>, built: Built, now: Time) {
        let nonce = self.survey.as_ref().and_then(|_| self.journal.lane.take());
        let (Some((survey, _)), Some(nonce)) = (self.survey.as_ref(), nonce) else {
            if let Some(entry) = entry {
                self.retry(entry, now, "the chain has not been asked".into(), false);
            }
            return;
        };
        let mut fee = survey.fee;
        fee.max = fee.max.min(self.config.max_fee);
        fee.tip = fee.tip.map(|tip| tip.min(fee.max));
        // Not journalled yet: until it is signed, nothing can have used the nonce.
        self.signing.insert(nonce, Fresh { entry, built: built.clone(), fee });
        if let Some(item) = entry.and_then(|entry| self.items.get_mut(&entry)) {
            item.state = State::Flying;
        }
        self.out.push(SendOutput::Sign { nonce, built, fee });
    }

    pub(super) fn signed(&mut self, nonce: u64, raw: Result<Raw, String>, now: Time) {
        if let Some(fresh) = self.signing.remove(&nonce) {
            return self.signed_first(nonce, fresh, raw, now);
        }
        let Some(flight) = self.journal.flights.get_mut(&nonce) else { return };
        let Phase::Signing { fee, void } = flight.phase else { return };
        match raw {
            Ok(raw) => {
                flight.attempt(raw, fee, void);
                self.dirty = true;
                self.broadcast(nonce, true, now);
            }
            Err(reason) => {
                flight.phase = Phase::Unsure;
                self.out.push(SendOutput::Report(SendReport::Rejected { nonce, reason }));
            }
        }
    }

    fn signed_first(&mut self, nonce: u64, fresh: Fresh, raw: Result<Raw, String>, now: Time) {
        let item = fresh.entry.and_then(|entry| self.items.get(&entry));
        let deadline = item.and_then(super::item::Item::deadline);
        let raw = match (raw, fresh.entry) {
            // The ledger let go of it meanwhile.
            (Ok(_), Some(_)) if item.is_none() => return self.free(nonce),
            (Ok(_), Some(entry)) if self.late(deadline, now) => {
                self.free(nonce);
                return self.end(entry, false, End::Late);
            }
            (Ok(raw), _) => raw,
            (Err(reason), entry) => {
                self.free(nonce);
                if let Some(entry) = entry {
                    self.retry(entry, now, reason, false);
                }
                return;
            }
        };
        let flight = Flight {
            entry: fresh.entry,
            gone: false,
            deadline,
            built: fresh.built,
            hashes: vec![raw.hash],
            raw,
            fee: fresh.fee,
            calls: u32::from(fresh.entry.is_some()),
            phase: Phase::Restored,
            misses: 0,
        };
        self.journal.flights.insert(nonce, flight);
        self.dirty = true;
        self.broadcast(nonce, false, now);
    }

    pub(super) fn free(&mut self, nonce: u64) {
        self.journal.lane.free(nonce);
        self.dirty = true;
    }

    pub(super) fn submitted(
        &mut self,
        nonce: u64,
        hash: &Hash,
        result: Result<(), SubmitError>,
        now: Time,
    ) {
        let Some(flight) = self.journal.flights.get_mut(&nonce) else { return };
        let Phase::Submitting { before } = flight.phase else { return };
        if flight.raw.hash != *hash {
            return;
        }
        match result {
            Ok(()) | Err(SubmitError::AlreadyKnown) => flight.phase = Phase::Sent { at: now },
            Err(SubmitError::Ambiguous(_) | SubmitError::Unreachable(_)) => {
                flight.phase = Phase::Unsure;
            }
            Err(SubmitError::Underpriced) => flight.phase = Phase::Underpriced,
            Err(SubmitError::NonceTooLow) => self.ask_fate(nonce, false),
            Err(SubmitError::AlreadyDone) if before => self.ask_fate(nonce, true),
            Err(SubmitError::AlreadyDone) => self.withdraw(nonce, "done already".into(), now),
            Err(SubmitError::Rejected(reason)) => {
                let report = SendReport::Rejected { nonce, reason: reason.clone() };
                self.out.push(SendOutput::Report(report));
                if before {
                    self.ask_fate(nonce, true);
                } else {
                    self.withdraw(nonce, reason, now);
                }
            }
        }
    }

    /// Takes back a transaction no node has; its delivery is tried again.
    fn withdraw(&mut self, nonce: u64, reason: String, now: Time) {
        let Some(flight) = self.journal.flights.remove(&nonce) else { return };
        self.free(nonce);
        if let Some(entry) = flight.entry {
            self.retry(entry, now, reason, false);
        }
    }

    /// Where the delivery of a flight stands now.
    fn stand(&mut self, nonce: u64, state: State) {
        let entry = self.journal.flights.get(&nonce).and_then(|flight| flight.entry);
        if let Some(item) = entry.and_then(|entry| self.items.get_mut(&entry)) {
            item.state = state;
        }
    }

    pub(super) fn fate(&mut self, nonce: u64, status: Option<TxStatus>, now: Time) {
        let Some(flight) = self.journal.flights.get_mut(&nonce) else { return };
        let Phase::Asking { rejected } = flight.phase else { return };
        self.stand(nonce, State::Flying);
        let Some(flight) = self.journal.flights.get_mut(&nonce) else { return };
        match status {
            None => flight.phase = Phase::Unsure,
            Some(TxStatus::Unknown) => self.missed(nonce, rejected, now),
            Some(TxStatus::Pending) => {
                flight.misses = 0;
                flight.phase = Phase::Sent { at: now };
            }
            Some(TxStatus::Included { hash, ok, .. }) => {
                flight.misses = 0;
                flight.phase = Phase::Included;
                self.stand(nonce, State::Landed);
                if !ok {
                    self.detach(nonce, hash, now);
                }
                self.cure(now);
            }
            Some(TxStatus::Final { hash, height, ok, gas }) => {
                if !ok {
                    self.detach(nonce, hash, now);
                }
                self.landed(nonce, End::Final { hash, height, gas }, hash);
                self.cure(now);
            }
        }
    }

    /// The nonce is used for good.
    fn landed(&mut self, nonce: u64, end: End, hash: Hash) {
        let Some(flight) = self.journal.flights.remove(&nonce) else { return };
        self.dirty = true;
        if let Some(entry) = flight.entry {
            let end = if flight.carries(&hash) { end } else { End::Late };
            self.end(entry, flight.gone, end);
        }
    }

    /// A transaction failed on the chain: its nonce is used, its delivery is tried anew.
    fn detach(&mut self, nonce: u64, hash: Hash, now: Time) {
        let Some(flight) = self.journal.flights.get_mut(&nonce) else { return };
        let carried = flight.carries(&hash);
        let Some(entry) = flight.entry.take_if(|_| carried) else { return };
        self.dirty = true;
        self.out.push(SendOutput::Report(SendReport::Reverted { nonce, hash }));
        let Some(item) = self.items.get_mut(&entry) else { return };
        item.reverts = item.reverts.saturating_add(1);
        if item.reverts >= REVERTS {
            let reason = format!("failed on the chain {REVERTS} times");
            self.end(entry, false, End::Refused { reason });
        } else {
            self.retry(entry, now, "failed on the chain".into(), true);
        }
    }

    /// The chain knows none of a flight's hashes.
    fn missed(&mut self, nonce: u64, rejected: bool, now: Time) {
        let Some((survey, _)) = self.survey else { return };
        let Some(flight) = self.journal.flights.get_mut(&nonce) else { return };
        if nonce >= survey.latest {
            flight.misses = 0;
            if rejected {
                return self.withdraw(nonce, "rejected".into(), now);
            }
            // Sent again after the next survey, which may know better.
            flight.phase = Phase::Unsure;
            return;
        }
        flight.misses = flight.misses.saturating_add(1);
        flight.phase = Phase::Unsure;
        if flight.misses < MISSES {
            return;
        }
        // Another transaction used the nonce, or the index is slow: trying the delivery anew does
        // no harm, since the contract takes each thing once.
        if let Some(entry) = flight.entry.take() {
            let gone = flight.gone;
            self.dirty = true;
            self.out.push(SendOutput::Report(SendReport::Lost { nonce }));
            if !gone {
                self.retry(entry, now, "its nonce was used by another transaction".into(), false);
            }
        }
        if nonce < survey.settled {
            self.journal.flights.remove(&nonce);
            self.dirty = true;
        }
    }
}
