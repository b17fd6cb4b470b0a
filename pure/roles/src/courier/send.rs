//! Carrying deliveries to a Sotto contract.

mod answers;
mod item;
mod tend;

use super::flight::Journal;
use super::{BuildError, Built, Fee, NotAJournal, Raw, SubmitError, Survey, TxStatus};
use borsh::{BorshDeserialize, BorshSerialize};
use item::Item;
use sotto_types::{Delivery, Hash, Time, limits};
use std::collections::{BTreeMap, BTreeSet};

/// What does not change while deliveries are carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendConfig {
    /// Seconds between two looks at the chain, while something is on its way.
    pub poll: u64,
    /// Seconds after which a transaction that is in no block is sent again, with a higher fee.
    pub resend: u64,
    /// Transactions on their way into a block at once.
    pub window: usize,
    /// The most paid for a unit of gas.
    pub max_fee: u128,
    /// A call that does nothing, to use up a nonce.
    pub void: Built,
    /// Failures in a row before each report.
    pub patience: u32,
}

impl SendConfig {
    /// The usual figures: looks every second, sends again after 15 s, 16 at once, patience 3.
    pub const fn new(void: Built, max_fee: u128) -> Self {
        Self { poll: 1, resend: 15, window: 16, max_fee, void, patience: 3 }
    }
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum End {
    /// Our transaction is in a final block, and succeeded.
    Final {
        /// Its hash.
        hash: Hash,
        /// The block's height.
        height: u64,
        /// Gas it used.
        gas: u64,
    },
    /// It stood on the chain already, whoever brought it.
    AlreadyDone,
    /// Its deadline came too near; it is not broadcast any more.
    Late,
    /// The contract will not take it.
    Refused {
        /// The contract's reason.
        reason: String,
    },
}

/// What the sender is told. Each question gets exactly one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendInput {
    /// An entry of the ledger's outbox is ready. Saying it twice does no harm.
    Deliver {
        /// Its number.
        entry: u64,
        /// What it is.
        delivery: Delivery,
    },
    /// The ledger no longer holds this entry.
    Gone {
        /// Its number.
        entry: u64,
    },
    /// The ledger holds exactly these entries; said once after a start.
    Holds(BTreeSet<u64>),
    /// Answer to [`SendOutput::AskSurvey`].
    Survey(Result<Survey, String>),
    /// Answer to [`SendOutput::Build`].
    Built {
        /// The entry.
        entry: u64,
        /// The call, or why there is none.
        built: Result<Built, BuildError>,
    },
    /// Answer to [`SendOutput::Sign`].
    Signed {
        /// The nonce.
        nonce: u64,
        /// The transaction, or why it could not be signed.
        raw: Result<Raw, String>,
    },
    /// Answer to [`SendOutput::Broadcast`].
    Submitted {
        /// The nonce.
        nonce: u64,
        /// The transaction's hash.
        hash: Hash,
        /// What the node said.
        result: Result<(), SubmitError>,
    },
    /// Answer to [`SendOutput::AskFate`].
    Fate {
        /// The nonce.
        nonce: u64,
        /// What became of it; none if the chain could not be asked.
        status: Option<TxStatus>,
    },
    /// The time of the last [`SendOutput::WakeAt`] has come.
    Tick,
}

/// What the sender wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutput {
    /// Keep these bytes in place of the last ones before any later output is carried out.
    Persist(Vec<u8>),
    /// Ask for the account's nonces, the newest block and the fee.
    AskSurvey,
    /// Make a delivery into a call, trying it out.
    Build {
        /// The entry.
        entry: u64,
        /// The delivery.
        delivery: Delivery,
    },
    /// Sign a call. The same arguments give the same bytes.
    Sign {
        /// The nonce.
        nonce: u64,
        /// The call.
        built: Built,
        /// The fee.
        fee: Fee,
    },
    /// Give a transaction to the chain.
    Broadcast {
        /// Its nonce.
        nonce: u64,
        /// The transaction.
        raw: Raw,
    },
    /// Ask what became of a transaction: one of these attempts at most can be in a block.
    AskFate {
        /// Its nonce.
        nonce: u64,
        /// Its attempts.
        hashes: Vec<Hash>,
    },
    /// A delivery ended. After a restart the same end may be said again.
    Ended {
        /// The entry.
        entry: u64,
        /// How.
        end: End,
    },
    /// For people and metrics.
    Report(SendReport),
    /// Give a [`SendInput::Tick`] then; replaces the time said before.
    WakeAt(Time),
}

/// What people should know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendReport {
    /// The chain cannot be asked.
    #[error("the chain could not be asked {tries} times in a row: {reason}")]
    Failing {
        /// How often in a row.
        tries: u32,
        /// The last reason.
        reason: String,
    },
    /// A delivery waits.
    #[error("delivery {entry} waits, try {tries}: {reason}")]
    Waiting {
        /// The entry.
        entry: u64,
        /// Tries so far.
        tries: u32,
        /// Why.
        reason: String,
    },
    /// A node refused a transaction; its nonce goes to the next.
    #[error("the transaction with nonce {nonce} was rejected: {reason}")]
    Rejected {
        /// The nonce.
        nonce: u64,
        /// The node's reason.
        reason: String,
    },
    /// A transaction failed on the chain.
    #[error("the transaction {hash} with nonce {nonce} failed on the chain")]
    Reverted {
        /// The nonce.
        nonce: u64,
        /// Its hash.
        hash: Hash,
    },
    /// Somebody else used a nonce of this account.
    #[error("nonce {nonce} was used by a transaction that is not ours")]
    Lost {
        /// The nonce.
        nonce: u64,
    },
    /// A transaction is sent again with a higher fee.
    #[error("the transaction with nonce {nonce} is sent again, at most {} for a unit of gas", fee.max)]
    Raised {
        /// The nonce.
        nonce: u64,
        /// The new fee.
        fee: Fee,
    },
}

/// The player that carries deliveries for one account to one contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    config: SendConfig,
    journal: Journal,
    items: BTreeMap<u64, Item>,
    /// Nonces given to calls that are being signed for the first time.
    signing: BTreeMap<u64, Fresh>,
    survey: Option<(Survey, Time)>,
    surveying: bool,
    failures: u32,
    /// No survey before this time.
    rest: Time,
    /// A survey came in since a gap was last looked for.
    fill: bool,
    dirty: bool,
    out: Vec<SendOutput>,
}

/// A call that is being signed for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fresh {
    entry: Option<u64>,
    built: Built,
    fee: Fee,
}

impl Sender {
    /// A sender that goes on from what it journalled last; from nothing on the first start.
    ///
    /// # Errors
    /// [`NotAJournal`] if the bytes are not a journal of this version.
    pub fn new(config: SendConfig, journal: Option<&[u8]>) -> Result<Self, NotAJournal> {
        let journal = journal.map_or_else(|| Ok(Journal::default()), Journal::decode)?;
        Ok(Self {
            config,
            journal,
            items: BTreeMap::new(),
            signing: BTreeMap::new(),
            survey: None,
            surveying: false,
            failures: 0,
            rest: Time(0),
            fill: false,
            dirty: false,
            out: Vec::new(),
        })
    }

    /// Deliveries that have not ended, as far as the ledger has handed them in.
    pub fn waiting(&self) -> usize {
        self.items.len()
    }

    /// Takes one input; the outputs are carried out in order.
    pub fn step(&mut self, input: SendInput, now: Time) -> Vec<SendOutput> {
        match input {
            SendInput::Deliver { entry, delivery } => self.deliver(entry, delivery, now),
            SendInput::Gone { entry } => self.gone(entry),
            SendInput::Holds(entries) => self.holds(&entries),
            SendInput::Survey(answer) => self.surveyed(answer, now),
            SendInput::Built { entry, built } => self.built(entry, built, now),
            SendInput::Signed { nonce, raw } => self.signed(nonce, raw, now),
            SendInput::Submitted { nonce, hash, result } => {
                self.submitted(nonce, &hash, result, now);
            }
            SendInput::Fate { nonce, status } => self.fate(nonce, status, now),
            SendInput::Tick => {}
        }
        self.pump(now);
        let mut out = std::mem::take(&mut self.out);
        if std::mem::take(&mut self.dirty) {
            out.insert(0, SendOutput::Persist(self.journal.encode()));
        }
        out
    }

    /// Whatever can be begun now, and when to look again.
    fn pump(&mut self, now: Time) {
        self.drop_late(now);
        let polled = self.survey.as_ref().map(|(_, at)| at.plus(self.config.poll.max(1)));
        let due = self.rest.max(polled.unwrap_or_default());
        if self.live() && !self.surveying && now >= due {
            self.surveying = true;
            self.out.push(SendOutput::AskSurvey);
        }
        // Deadlines, nonces and fees of a survey made long ago are not to be acted on.
        let fresh = polled.is_some_and(|polled| now <= polled.plus(self.config.poll.max(1)));
        if fresh {
            self.begin(now);
        }
        let survey = (self.live() && !self.surveying).then_some(due);
        if let Some(at) = survey.into_iter().chain(self.next_try(now)).min() {
            self.out.push(SendOutput::WakeAt(at));
        }
    }

    fn live(&self) -> bool {
        !self.items.is_empty() || !self.journal.flights.is_empty() || !self.signing.is_empty()
    }

    /// The chain's time now: the newest block's, and what has passed since it was seen.
    fn chain_time(&self, now: Time) -> Option<Time> {
        let (survey, at) = self.survey.as_ref()?;
        Some(survey.head.time.plus(now.0.saturating_sub(at.0)))
    }

    /// Whether a call with this deadline must not be broadcast any more.
    fn late(&self, deadline: Option<Time>, now: Time) -> bool {
        match (deadline, self.chain_time(now)) {
            (Some(deadline), Some(time)) => {
                time.0.saturating_add(limits::BROADCAST_MARGIN) > deadline.0
            }
            _ => false,
        }
    }

    fn end(&mut self, entry: u64, gone: bool, end: End) {
        self.items.remove(&entry);
        if !gone {
            self.journal.ended.insert(entry, end.clone());
            self.dirty = true;
        }
        self.out.push(SendOutput::Ended { entry, end });
    }
}
