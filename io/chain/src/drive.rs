//! Carrying out what the courier wants: one loop over one contract.
//!
//! Questions run beside each other and are simply dropped when the loop ends; saving the journal
//! is the one thing waited for in line, so that nothing is broadcast that was not written down.

mod carry;

use crate::{Clock, Journal, JournalError, RequestSource, ResultSink};
use carry::{Answer, Carrier};
use futures::StreamExt as _;
use sotto_roles::courier::{
    Cursor, End, NotAJournal, SendConfig, SendInput, SendReport, Sender, WatchConfig, WatchInput,
    WatchReport, Watcher,
};
use sotto_types::{BlockRef, Delivery, Finality, Observation, Time};
use std::{collections::BTreeSet, future::Future, sync::Arc};
use tokio::sync::mpsc;

/// Commands that may wait.
const QUEUE: usize = 1024;

/// Everything a contract is watched and written with.
pub struct Driven {
    /// How it is watched.
    pub watch: WatchConfig,
    /// How deliveries are carried; none where this node only watches.
    pub send: Option<SendConfig>,
    /// When its blocks are final.
    pub finality: Finality,
    /// Reads it.
    pub source: Arc<dyn RequestSource>,
    /// Writes to it; needed where `send` is set.
    pub sink: Option<Arc<dyn ResultSink>>,
    /// Keeps the sender's journal.
    pub journal: Arc<dyn Journal>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// What the loop is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Where the ledger stands.
    Cursor(Cursor),
    /// An entry of the ledger's outbox.
    Deliver {
        /// Its number.
        entry: u64,
        /// What it is.
        delivery: Delivery,
    },
    /// The ledger no longer holds an entry.
    Gone {
        /// Its number.
        entry: u64,
    },
    /// The ledger holds exactly these entries.
    Holds(BTreeSet<u64>),
}

/// What the loop says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something new was seen, for the ledger.
    Observed(Observation),
    /// A final block changed, for the ledger.
    Halt {
        /// As it was observed.
        was: BlockRef,
        /// As it stands now.
        now: BlockRef,
    },
    /// A delivery ended.
    Ended {
        /// Its entry.
        entry: u64,
        /// How.
        end: End,
    },
    /// About watching, for people.
    Watching(WatchReport),
    /// About sending, for people.
    Sending(SendReport),
}

/// Why the loop ended by itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DriveError {
    /// The journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal is not one of this version.
    #[error(transparent)]
    NotAJournal(#[from] NotAJournal),
    /// Deliveries are to be carried without anything to carry them with.
    #[error("deliveries are to be carried, but no sink is given")]
    NoSink,
}

/// The door to a running loop. The loop ends when every clone is dropped.
#[derive(Clone, Debug)]
pub struct Handle(mpsc::Sender<Command>);

/// The loop has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the courier's loop has ended")]
pub struct Ended;

impl Handle {
    /// Tells the loop something; waits where it is busy.
    ///
    /// # Errors
    /// [`Ended`] if the loop has ended.
    pub async fn tell(&self, command: Command) -> Result<(), Ended> {
        self.0.send(command).await.map_err(|_| Ended)
    }
}

/// Reads the journal and gives the door, what comes out of it, and the loop to be polled.
///
/// The loop ends when every [`Handle`], or the receiver, is dropped. It may be dropped at any
/// await: what it had not finished is asked again by the next one on the same journal.
///
/// # Errors
/// [`DriveError`]; the loop's own end is [`DriveError::Journal`] alone.
pub async fn drive(
    driven: Driven,
) -> Result<
    (
        Handle,
        mpsc::UnboundedReceiver<Said>,
        impl Future<Output = Result<(), DriveError>> + Send + 'static,
    ),
    DriveError,
> {
    let sender = match (&driven.send, &driven.sink) {
        (None, _) => None,
        (Some(_), None) => return Err(DriveError::NoSink),
        (Some(config), Some(_)) => {
            let journal = driven.journal.load().await?;
            Some(Sender::new(config.clone(), journal.as_deref())?)
        }
    };
    let watcher = Watcher::new(driven.watch.clone());
    let (tell, told) = mpsc::channel(QUEUE);
    // Unbounded, so that one task may both tell and listen: what comes out is bounded by what was
    // told and by the pace of the chain.
    let (say, said) = mpsc::unbounded_channel();
    let carrier = Carrier::new(driven, say);
    Ok((Handle(tell), said, run(watcher, sender, carrier, told)))
}

async fn run(
    mut watcher: Watcher,
    mut sender: Option<Sender>,
    mut carrier: Carrier,
    mut told: mpsc::Receiver<Command>,
) -> Result<(), DriveError> {
    let clock = Arc::clone(&carrier.driven.clock);
    // What a journal left on its way is looked after before anything new.
    if let Some(sender) = &mut sender {
        let out = sender.step(SendInput::Tick, clock.now());
        carrier.send(out).await?;
    }
    while !carrier.closed() {
        let answer = tokio::select! {
            command = told.recv() => match command {
                Some(command) => split(command),
                None => return Ok(()),
            },
            Some(answer) = carrier.asked.next() => answer,
            () = until(&*clock, carrier.wake_watch) => {
                carrier.wake_watch = None;
                Answer::Watch(WatchInput::Tick)
            }
            () = until(&*clock, carrier.wake_send) => {
                carrier.wake_send = None;
                Answer::Send(SendInput::Tick)
            }
        };
        let now = clock.now();
        match (answer, &mut sender) {
            (Answer::Watch(input), _) => carrier.watch(watcher.step(input, now)),
            (Answer::Send(input), Some(sender)) => carrier.send(sender.step(input, now)).await?,
            (Answer::Send(_), None) => {}
        }
    }
    Ok(())
}

fn split(command: Command) -> Answer {
    match command {
        Command::Cursor(cursor) => Answer::Watch(WatchInput::Cursor(cursor)),
        Command::Deliver { entry, delivery } => {
            Answer::Send(SendInput::Deliver { entry, delivery })
        }
        Command::Gone { entry } => Answer::Send(SendInput::Gone { entry }),
        Command::Holds(entries) => Answer::Send(SendInput::Holds(entries)),
    }
}

async fn until(clock: &dyn Clock, time: Option<Time>) {
    match time {
        Some(time) => clock.until(time).await,
        None => std::future::pending().await,
    }
}
