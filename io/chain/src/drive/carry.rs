//! One function for each kind of output.

use super::{DriveError, Driven, Said};
use crate::{RequestSource, ResultSink, SourceError};
use futures::{future::BoxFuture, stream::FuturesUnordered};
use sotto_roles::courier::{SendInput, SendOutput, Survey, WatchInput, WatchOutput};
use sotto_types::{BlockRef, Finality, Time};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What comes back from a question, for one of the two players.
pub(super) enum Answer {
    Watch(WatchInput),
    Send(SendInput),
}

/// Carries outputs out.
pub(super) struct Carrier {
    pub(super) driven: Driven,
    pub(super) asked: FuturesUnordered<BoxFuture<'static, Answer>>,
    pub(super) wake_watch: Option<Time>,
    pub(super) wake_send: Option<Time>,
    say: mpsc::UnboundedSender<Said>,
}

impl Carrier {
    pub(super) fn new(driven: Driven, say: mpsc::UnboundedSender<Said>) -> Self {
        Self { driven, asked: FuturesUnordered::new(), wake_watch: None, wake_send: None, say }
    }

    pub(super) fn closed(&self) -> bool {
        self.say.is_closed()
    }

    pub(super) fn watch(&mut self, outputs: Vec<WatchOutput>) {
        for output in outputs {
            let source = Arc::clone(&self.driven.source);
            match output {
                WatchOutput::AskHead => self.ask_head(source),
                WatchOutput::AskBlock(height) => self.ask_block(source, height),
                WatchOutput::AskCount(at) => self.ask_count(source, at),
                WatchOutput::AskEvents { from, to } => self.ask_events(source, from, to),
                WatchOutput::Observe(observation) => self.say(Said::Observed(observation)),
                WatchOutput::Halt { was, now } => self.say(Said::Halt { was, now }),
                WatchOutput::Report(report) => self.say(Said::Watching(report)),
                WatchOutput::WakeAt(time) => self.wake_watch = Some(time),
            }
        }
    }

    pub(super) async fn send(&mut self, outputs: Vec<SendOutput>) -> Result<(), DriveError> {
        let Some(sink) = self.driven.sink.clone() else { return Ok(()) };
        for output in outputs {
            let sink = Arc::clone(&sink);
            match output {
                SendOutput::Persist(bytes) => self.driven.journal.save(&bytes).await?,
                SendOutput::AskSurvey => self.ask_survey(sink),
                SendOutput::Build { entry, delivery } => self.ask(async move {
                    Answer::Send(SendInput::Built { entry, built: sink.build(&delivery).await })
                }),
                SendOutput::Sign { nonce, built, fee } => {
                    let raw = sink.sign(&built, nonce, &fee).map_err(|error| error.to_string());
                    self.ask(async move { Answer::Send(SendInput::Signed { nonce, raw }) });
                }
                SendOutput::Broadcast { nonce, raw } => self.ask(async move {
                    let result = sink.broadcast(&raw).await;
                    Answer::Send(SendInput::Submitted { nonce, hash: raw.hash, result })
                }),
                SendOutput::AskFate { nonce, hashes } => {
                    let finality = self.driven.finality;
                    self.ask(async move {
                        let status = sink.tx_status(&hashes, finality).await.ok();
                        Answer::Send(SendInput::Fate { nonce, status })
                    });
                }
                SendOutput::Ended { entry, end } => self.say(Said::Ended { entry, end }),
                SendOutput::Report(report) => self.say(Said::Sending(report)),
                SendOutput::WakeAt(time) => self.wake_send = Some(time),
            }
        }
        Ok(())
    }

    fn ask(&self, question: impl Future<Output = Answer> + Send + 'static) {
        self.asked.push(Box::pin(question));
    }

    /// A receiver that is gone ends the loop at its next turn.
    fn say(&self, said: Said) {
        let _ = self.say.send(said);
    }

    fn ask_head(&self, source: Arc<dyn RequestSource>) {
        let finality = self.driven.finality;
        self.ask(async move { watched(source.head(finality).await.map(WatchInput::Head)) });
    }

    fn ask_block(&self, source: Arc<dyn RequestSource>, height: u64) {
        self.ask(async move {
            let block = source.block(height).await;
            watched(block.map(|block| WatchInput::Block { height, block }))
        });
    }

    fn ask_count(&self, source: Arc<dyn RequestSource>, at: BlockRef) {
        self.ask(async move {
            let count = source.request_count(&at).await;
            watched(count.map(|count| WatchInput::Count { at: at.height, count }))
        });
    }

    fn ask_events(&self, source: Arc<dyn RequestSource>, from: u64, to: u64) {
        self.ask(async move {
            match source.events(from..=to).await {
                Err(SourceError::RangeTooLarge { hint }) => {
                    Answer::Watch(WatchInput::RangeTooLarge { from, to, hint })
                }
                events => watched(events.map(|events| WatchInput::Events { from, to, events })),
            }
        });
    }

    fn ask_survey(&self, sink: Arc<dyn ResultSink>) {
        let (source, finality) = (Arc::clone(&self.driven.source), self.driven.finality);
        self.ask(async move {
            let survey = survey(&*source, &*sink, finality).await;
            Answer::Send(SendInput::Survey(survey))
        });
    }
}

async fn survey(
    source: &dyn RequestSource,
    sink: &dyn ResultSink,
    finality: Finality,
) -> Result<Survey, String> {
    let text = |error: crate::SinkError| error.to_string();
    let (head, last, latest, settled, fee) = tokio::join!(
        source.head(Finality::Instant),
        source.head(finality),
        sink.next_nonce(Finality::Instant),
        sink.next_nonce(finality),
        sink.fee(),
    );
    let head = head.map_err(|error| error.to_string())?;
    let final_height = last.map_err(|error| error.to_string())?.height;
    let (latest, settled) = (latest.map_err(text)?, settled.map_err(text)?);
    // Asked side by side, a block may have come between: the lower claim is the safe one.
    Ok(Survey { head, final_height, latest, settled: settled.min(latest), fee: fee.map_err(text)? })
}

fn watched(answer: Result<WatchInput, SourceError>) -> Answer {
    Answer::Watch(answer.unwrap_or_else(|error| WatchInput::Failed(error.to_string())))
}
