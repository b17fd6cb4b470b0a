//! Looking after transactions on their way.

use super::{SendOutput, SendReport, Sender};
use crate::courier::flight::{Flight, Phase};
use crate::courier::{Fee, Survey, bumped};
use sotto_types::Time;

impl Sender {
    /// After a survey: asks after transactions the chain seems to be done with, and sends again
    /// those it has not taken.
    pub(super) fn tend(&mut self, survey: &Survey, now: Time) {
        let nonces: Vec<u64> = self.journal.flights.keys().copied().collect();
        for nonce in nonces {
            let Some(flight) = self.journal.flights.get(&nonce) else { continue };
            match flight.phase {
                Phase::Restored => self.ask_fate(nonce, false),
                // A block was undone.
                Phase::Included if nonce >= survey.latest => self.ask_fate(nonce, false),
                Phase::Included if nonce < survey.settled => self.ask_fate(nonce, false),
                Phase::Sent { .. } | Phase::Unsure | Phase::Underpriced
                    if nonce < survey.latest =>
                {
                    self.ask_fate(nonce, false);
                }
                Phase::Unsure if self.late(flight.deadline, now) => self.raise(nonce, now),
                Phase::Unsure => self.broadcast(nonce, true, now),
                Phase::Underpriced => self.raise(nonce, now),
                Phase::Sent { at } if now >= at.plus(self.config.resend) => self.raise(nonce, now),
                Phase::Sent { .. }
                | Phase::Included
                | Phase::Submitting { .. }
                | Phase::Signing { .. }
                | Phase::Asking { .. } => {}
            }
        }
    }

    pub(super) fn ask_fate(&mut self, nonce: u64, rejected: bool) {
        if let Some(flight) = self.journal.flights.get_mut(&nonce) {
            flight.phase = Phase::Asking { rejected };
            self.out.push(SendOutput::AskFate { nonce, hashes: flight.hashes.clone() });
        }
    }

    /// Broadcasts the latest attempt, unless it holds a result whose deadline is too near; then an
    /// empty transaction takes its place, so that the nonces behind it move on.
    pub(super) fn broadcast(&mut self, nonce: u64, before: bool, now: Time) {
        let Some(flight) = self.journal.flights.get(&nonce) else { return };
        if !flight.void() && self.late(flight.deadline, now) {
            return self.raise(nonce, now);
        }
        if let Some(flight) = self.journal.flights.get_mut(&nonce) {
            flight.phase = Phase::Submitting { before };
            self.out.push(SendOutput::Broadcast { nonce, raw: flight.raw.clone() });
        }
    }

    /// Signs a transaction anew with a higher fee; the same bytes go again where it may not rise.
    fn raise(&mut self, nonce: u64, now: Time) {
        let Some(flight) = self.journal.flights.get(&nonce) else { return };
        let void = flight.void() || self.late(flight.deadline, now);
        let Some(fee) = self.next_fee(flight) else { return };
        if fee == flight.fee && void == flight.void() {
            return self.broadcast(nonce, true, now);
        }
        let built = if void { self.config.void.clone() } else { flight.built.clone() };
        if let Some(flight) = self.journal.flights.get_mut(&nonce) {
            flight.phase = Phase::Signing { fee, void };
        }
        self.out.push(SendOutput::Report(SendReport::Raised { nonce, fee }));
        self.out.push(SendOutput::Sign { nonce, built, fee });
    }

    fn next_fee(&self, flight: &Flight) -> Option<Fee> {
        let (survey, _) = self.survey.as_ref()?;
        Some(bumped(&flight.fee, &survey.fee, self.config.max_fee))
    }

    /// Uses up the lowest nonce given back, if the chain waits for it and nothing else will.
    pub(super) fn fill_gap(&mut self, now: Time) {
        let Some((survey, _)) = self.survey else { return };
        let Some(gap) = self.journal.lane.gap() else { return };
        let behind = self.journal.flights.range(gap..).next().is_some();
        if gap == survey.latest && behind && !self.signing.contains_key(&gap) {
            let void = self.config.void.clone();
            self.sign_first(None, void, now);
        }
    }
}
