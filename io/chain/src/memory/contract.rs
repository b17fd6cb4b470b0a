//! The rules of a Sotto contract, as `contracts/` has them for chains that run code.

use super::Wish;
use crate::{BuildError, Nonces, RequestStatus};
use sotto_crypto::sign::Signature;
use sotto_types::{
    Account, Amount, Answer, AppId, Ask, Assurance, ChainEvent, Delivery, Domain, Generation, Hash,
    KeyEntry, Payment, Time, limits,
};
use std::collections::BTreeMap;

/// How a consumer takes its callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Callback {
    /// It wants none.
    None,
    /// It takes it.
    Takes,
    /// It reverts.
    Reverts,
}

/// Why the contract refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request is settled.
    #[error("request {0} is settled")]
    Settled(u64),
    /// The request is refunded, or was never made.
    #[error("request {0} is not open")]
    NotOpen(u64),
    /// Its deadline has passed.
    #[error("request {0} is late")]
    Late(u64),
    /// Its deadline has not passed.
    #[error("request {0} still runs")]
    TooEarly(u64),
    /// App, generation or terms are not the request's.
    #[error("the answer does not fit request {0}")]
    Mismatch(u64),
    /// No registered key signed.
    #[error("the signer is no registered result key")]
    KeyNotGood,
    /// The members' signatures do not suffice.
    #[error("the members' proof is not good")]
    Proof,
    /// Not the next nonce.
    #[error("nonce {given}, the next is {next}")]
    Nonce {
        /// The nonce given.
        given: u64,
        /// The one due.
        next: u64,
    },
    /// More than the network's account holds.
    #[error("payments over the balance")]
    Balance,
    /// An expiry too far away.
    #[error("expiry too far")]
    Expiry,
    /// A list too long, or empty.
    #[error("a list of impossible length")]
    Count,
}

impl From<Refusal> for BuildError {
    fn from(refusal: Refusal) -> Self {
        let curable = match refusal {
            Refusal::Settled(_) => return Self::AlreadyDone,
            Refusal::Nonce { given, next } if given < next => return Self::AlreadyDone,
            Refusal::KeyNotGood
            | Refusal::Nonce { .. }
            | Refusal::Balance
            | Refusal::Expiry
            | Refusal::Proof
            | Refusal::TooEarly(_) => true,
            Refusal::NotOpen(_) | Refusal::Late(_) | Refusal::Mismatch(_) | Refusal::Count => false,
        };
        Self::WouldRevert { reason: refusal.to_string(), curable }
    }
}

#[derive(Clone, Debug)]
struct Kept {
    ask: Ask,
    callback: Callback,
    status: RequestStatus,
}

/// The contract's state after a block.
#[derive(Clone, Debug)]
pub(super) struct Contract {
    domain: Domain,
    requests: BTreeMap<u64, Kept>,
    keys: BTreeMap<(AppId, Account), Time>,
    nonces: Nonces,
    members: Vec<Account>,
    key_lifetime: u64,
    balance: u128,
}

impl Contract {
    pub(super) fn new(domain: Domain, members: Vec<Account>, key_lifetime: u64) -> Self {
        Self {
            domain,
            requests: BTreeMap::new(),
            keys: BTreeMap::new(),
            nonces: Nonces::default(),
            members,
            key_lifetime,
            balance: 0,
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.requests.len() as u64
    }

    pub(super) fn nonces(&self) -> Nonces {
        self.nonces
    }

    pub(super) fn balance(&self) -> u128 {
        self.balance
    }

    pub(super) fn asked(&self, number: u64) -> Option<&Ask> {
        self.requests.get(&number).map(|kept| &kept.ask)
    }

    pub(super) fn status(&self, number: u64) -> RequestStatus {
        self.requests.get(&number).map_or(RequestStatus::None, |kept| kept.status)
    }

    pub(super) fn register(&mut self, entry: &KeyEntry) {
        self.keys.insert((entry.app, entry.key), entry.expiry);
    }

    pub(super) fn ask(&mut self, wish: &Wish, now: Time) -> ChainEvent {
        let number = self.count() + 1;
        let ask = Ask {
            number,
            consumer: wish.consumer,
            app: wish.app,
            generation: Generation(1),
            context: wish.context,
            submissions: wish.submissions(),
            payload: wish.payload.clone(),
            payload_hash: Hash::of(&wish.payload),
            callback_gas: if wish.callback == Callback::None { 0 } else { 100_000 },
            assurance: Assurance::SINGLE,
            deadline: now.plus(wish.seconds),
            escrow: wish.escrow,
        };
        let kept = Kept { ask: ask.clone(), callback: wish.callback, status: RequestStatus::Open };
        self.requests.insert(number, kept);
        ChainEvent::Requested(ask)
    }

    pub(super) fn refund(&mut self, number: u64, now: Time) -> Result<ChainEvent, Refusal> {
        let kept = self.open(number)?;
        if now <= kept.ask.deadline {
            return Err(Refusal::TooEarly(number));
        }
        kept.status = RequestStatus::Refunded;
        Ok(ChainEvent::Refunded { number })
    }

    pub(super) fn deliver(&mut self, number: u64) -> Result<ChainEvent, Refusal> {
        let kept = self.requests.get_mut(&number).ok_or(Refusal::NotOpen(number))?;
        match &mut kept.status {
            RequestStatus::Settled { delivered, .. } if !*delivered => *delivered = true,
            _ => return Err(Refusal::NotOpen(number)),
        }
        Ok(ChainEvent::Delivered { number })
    }

    /// Carries a delivery out, wholly or not at all.
    pub(super) fn take(
        &mut self,
        delivery: &Delivery,
        now: Time,
    ) -> Result<Vec<ChainEvent>, Refusal> {
        let digest = delivery.digest(&self.domain);
        match delivery {
            Delivery::Fulfil { answer, signature } => {
                self.judge(answer, now)?;
                let signer = signer(&digest, signature).ok_or(Refusal::KeyNotGood)?;
                match self.keys.get(&(answer.app, signer)) {
                    Some(expiry) if *expiry >= now => Ok(vec![self.settle(answer)]),
                    _ => Err(Refusal::KeyNotGood),
                }
            }
            Delivery::Batch { answers, signatures } => {
                count(answers.len(), limits::BATCH_MAX)?;
                self.proof(&digest, signatures)?;
                let mut events = Vec::new();
                for answer in answers {
                    if self.judge(answer, now).is_ok() {
                        events.push(self.settle(answer));
                    }
                }
                Ok(events)
            }
            Delivery::Keys { nonce, entries, signatures } => {
                self.set_keys(&digest, *nonce, entries, signatures, now)
            }
            Delivery::Payout { nonce, payments, signatures } => {
                self.pay(&digest, *nonce, payments, signatures)
            }
            Delivery::Members { nonce, members, signatures } => {
                next(*nonce, self.nonces.members)?;
                self.proof(&digest, signatures)?;
                count(members.len(), limits::MEMBERS_MAX)?;
                self.nonces.members = *nonce;
                self.members.clone_from(members);
                Ok(vec![ChainEvent::MembersSet { nonce: *nonce }])
            }
        }
    }

    fn set_keys(
        &mut self,
        digest: &Hash,
        nonce: u64,
        entries: &[KeyEntry],
        signatures: &[[u8; 65]],
        now: Time,
    ) -> Result<Vec<ChainEvent>, Refusal> {
        count(entries.len(), limits::OUTBOX_ITEMS_MAX)?;
        next(nonce, self.nonces.keys)?;
        self.proof(digest, signatures)?;
        if entries.iter().any(|entry| entry.expiry > now.plus(self.key_lifetime)) {
            return Err(Refusal::Expiry);
        }
        self.nonces.keys = nonce;
        entries.iter().for_each(|entry| self.register(entry));
        Ok(vec![ChainEvent::KeysSet { nonce }])
    }

    fn pay(
        &mut self,
        digest: &Hash,
        nonce: u64,
        payments: &[Payment],
        signatures: &[[u8; 65]],
    ) -> Result<Vec<ChainEvent>, Refusal> {
        count(payments.len(), limits::OUTBOX_ITEMS_MAX)?;
        next(nonce, self.nonces.payout)?;
        self.proof(digest, signatures)?;
        let total = payments.iter().try_fold(Amount(0), |sum, p| sum.checked_add(p.amount));
        let left = total.and_then(|total| self.balance.checked_sub(total.0));
        self.balance = left.ok_or(Refusal::Balance)?;
        self.nonces.payout = nonce;
        Ok(vec![ChainEvent::Paid { nonce }])
    }

    fn open(&mut self, number: u64) -> Result<&mut Kept, Refusal> {
        match self.requests.get_mut(&number) {
            Some(kept) if kept.status == RequestStatus::Open => Ok(kept),
            Some(Kept { status: RequestStatus::Settled { .. }, .. }) => {
                Err(Refusal::Settled(number))
            }
            _ => Err(Refusal::NotOpen(number)),
        }
    }

    fn judge(&mut self, answer: &Answer, now: Time) -> Result<(), Refusal> {
        let domain = self.domain;
        let kept = self.open(answer.number)?;
        if now > kept.ask.deadline {
            return Err(Refusal::Late(answer.number));
        }
        let answered = domain.request(answer.number, &answer.app, answer.generation, &answer.terms);
        if answered != kept.ask.hash(&domain) || answer.result.len() > limits::RESULT_MAX {
            return Err(Refusal::Mismatch(answer.number));
        }
        Ok(())
    }

    /// Only after [`Self::judge`].
    fn settle(&mut self, answer: &Answer) -> ChainEvent {
        let (number, result) = (answer.number, Hash::of(&answer.result));
        let mut delivered = true;
        if let Some(kept) = self.requests.get_mut(&number) {
            delivered = kept.callback != Callback::Reverts;
            kept.status = RequestStatus::Settled { result, delivered };
            self.balance = self.balance.saturating_add(kept.ask.escrow.0);
        }
        ChainEvent::Settled { number, result, delivered }
    }

    fn proof(&self, digest: &Hash, signatures: &[[u8; 65]]) -> Result<(), Refusal> {
        let members = self.members.len();
        let needed = members - members.saturating_sub(1) / 3;
        let signers: Option<Vec<Account>> =
            signatures.iter().map(|signature| signer(digest, signature)).collect();
        let signers = signers.ok_or(Refusal::Proof)?;
        let ascending = signers.is_sorted_by(|a, b| a < b);
        let all = signers.iter().all(|signer| self.members.contains(signer));
        if signers.len() == needed && ascending && all { Ok(()) } else { Err(Refusal::Proof) }
    }
}

fn signer(digest: &Hash, signature: &[u8; 65]) -> Option<Account> {
    let key = Signature(*signature).recover(&digest.0).ok()?;
    Some(Account::from_address(key.address()))
}

fn next(given: u64, last: u64) -> Result<(), Refusal> {
    let next = last + 1;
    if given == next { Ok(()) } else { Err(Refusal::Nonce { given, next }) }
}

fn count(count: usize, limit: usize) -> Result<(), Refusal> {
    if (1..=limit).contains(&count) { Ok(()) } else { Err(Refusal::Count) }
}
