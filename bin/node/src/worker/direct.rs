//! Direct calls carried out where they come in: the brain's word before and after, the run between,
//! no queue. Not here: who knocks (`gateway`).

use super::{Hand, Handle};
use sotto_roles::worker::{DirectRun, Input, Output};
use sotto_types::{AppId, Fuel, Opening, SessionId, SessionRefused, limits};

/// What follows a client's message.
enum Next {
    Reply(Vec<u8>),
    Refuse(SessionRefused),
    Run(Box<DirectRun>),
}

impl Handle {
    /// Has it take its seat of an app, with the next block.
    pub(crate) fn serve(&self, app: AppId) {
        self.hand.step(Input::Serve(app));
    }

    /// Opens a session; the seat's first sealed message.
    pub(crate) async fn open(&self, opening: Opening) -> Result<Vec<u8>, SessionRefused> {
        let hand = self.hand.clone();
        // About a millisecond of arithmetic.
        let step = move || hand.step(Input::Open(opening));
        let outputs = tokio::task::spawn_blocking(step).await.unwrap_or_default();
        self.hand.follow(outputs).await
    }

    /// Takes a sealed message; the seat's sealed answer.
    pub(crate) async fn say(
        &self,
        session: SessionId,
        sealed: Vec<u8>,
    ) -> Result<Vec<u8>, SessionRefused> {
        let outputs = self.hand.step(Input::Say { session, sealed });
        self.hand.follow(outputs).await
    }
}

impl Hand {
    async fn follow(&self, outputs: Vec<Output>) -> Result<Vec<u8>, SessionRefused> {
        let mut next = self.sort(outputs);
        if let Next::Run(run) = next {
            let DirectRun { session, manifest, component, call } = *run;
            let running = Running { hand: self, session: Some(session) };
            let outcome = self.execute(&manifest, component, call, limits::DIRECT_OUTPUT_MAX).await;
            next = self.sort(running.ended(outcome));
        }
        match next {
            Next::Reply(sealed) => Ok(sealed),
            Next::Refuse(why) => Err(why),
            Next::Run(_) => Err(SessionRefused::NoSession),
        }
    }

    /// What is for the client, after the rest is carried out.
    fn sort(&self, outputs: Vec<Output>) -> Next {
        let mut next = Next::Refuse(SessionRefused::NoSession);
        for output in outputs {
            match output {
                Output::Reply { sealed, .. } => next = Next::Reply(sealed),
                Output::Refuse(why) => next = Next::Refuse(why),
                Output::Call(run) => next = Next::Run(run),
                other => self.carry_out(other),
            }
        }
        next
    }
}

/// A run whose end the brain must hear of, even if nobody waits for it any more.
struct Running<'h> {
    hand: &'h Hand,
    session: Option<SessionId>,
}

impl Running<'_> {
    fn ended(mut self, outcome: Result<(Vec<u8>, Fuel), String>) -> Vec<Output> {
        let session = self.session.take();
        session.map_or_else(Vec::new, |s| self.hand.step(Input::Called { session: s, outcome }))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            let outcome = Err("the client did not wait for it".to_owned());
            let outputs = self.hand.step(Input::Called { session, outcome });
            self.hand.sort(outputs);
        }
    }
}
