//! Direct calls carried to a gateway.

use super::{Gateway, PAUSE};
use crate::direct::{DirectAnswer, DirectSession, Heard, Seat};
use crate::error::{ClientError, NotBelieved};
use crate::http::{self, HttpRequest, HttpResponse};
use crate::network::Network;
use core::time::Duration;
use rand_core::CryptoRngCore;
use sotto_types::{AppId, LeafProof, SessionBundle, SessionRefused, Time, limits};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::time::{Instant, sleep};

/// How long an app may take, in seconds, and the way there and back.
const A_CALL: u64 = limits::APP_SECONDS_MAX as u64 + 30;
/// Padding and sealing leave no answer longer than this.
const ANSWER_MAX: usize = limits::SESSION_MESSAGE_MAX;

/// A session at a gateway: one call after another.
#[derive(Debug)]
pub struct Direct {
    gateway: Gateway,
    session: DirectSession,
}

impl Direct {
    /// Calls the app.
    ///
    /// # Errors
    /// [`ClientError::Session`] where the seat refuses: for a session that ended
    /// ([`SessionRefused::OtherEpoch`], [`SessionRefused::NoSession`],
    /// [`SessionRefused::OtherBoot`]) open another; and those of asking. That the *app* failed
    /// stands in [`DirectAnswer::outcome`].
    pub async fn call(&mut self, input: impl Into<Vec<u8>>) -> Result<DirectAnswer, ClientError> {
        let request = self.session.call(input.into())?;
        match self.say(request).await? {
            Heard::Answer(answer) => Ok(*answer),
            _ => Err(NotBelieved::NotTheSeat("it is not to what was said").into()),
        }
    }

    /// Ends the session.
    ///
    /// # Errors
    /// As for a call.
    pub async fn bye(mut self) -> Result<(), ClientError> {
        let request = self.session.bye()?;
        self.say(request).await.map(|_| ())
    }

    /// The session, for its seat and its blinds.
    pub fn session(&self) -> &DirectSession {
        &self.session
    }

    async fn say(&mut self, request: HttpRequest) -> Result<Heard, ClientError> {
        let response = self.gateway.carry(request).await?;
        self.session.finish(response)
    }
}

impl Gateway {
    /// Carries what a [`DirectSession`] gave, for who drives one without [`Direct`].
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::TooLong`].
    pub async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, ClientError> {
        self.send(request, ANSWER_MAX, A_CALL).await
    }

    /// Opens a session at a seat of `app`, waiting until a worker has taken one: a few blocks for
    /// the first call of an epoch.
    ///
    /// # Errors
    /// [`ClientError::Late`]; [`ClientError::NotBelieved`] for a seat that is not proved; other
    /// refusals; and those of asking.
    pub async fn direct(
        &self,
        network: &Network,
        app: &AppId,
        timeout: Duration,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Direct, ClientError> {
        let until = Instant::now() + timeout;
        loop {
            let why = match self.try_direct(network, app, rng).await {
                Ok(direct) => return Ok(direct),
                Err(error) if passes(&error) => error,
                Err(error) => return Err(error),
            };
            if Instant::now() + PAUSE >= until {
                let what = format!("no session of app {app}: {why}");
                return Err(ClientError::Late { what, seconds: timeout.as_secs() });
            }
            sleep(PAUSE).await;
        }
    }

    async fn try_direct(
        &self,
        network: &Network,
        app: &AppId,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Direct, ClientError> {
        let seat = self.seat(network, app).await?;
        let (session, opening) = network.open_session(&seat, rng)?;
        let mut direct = Direct { gateway: self.clone(), session };
        match direct.say(opening).await? {
            Heard::Welcome => Ok(direct),
            _ => Err(NotBelieved::NotTheSeat("it is not to what was said").into()),
        }
    }

    /// [`http::seat`], checked under a certificate of now.
    ///
    /// # Errors
    /// Status 503 while no worker has taken its seat; [`ClientError::NotBelieved`]; those of asking.
    pub async fn seat(&self, network: &Network, app: &AppId) -> Result<Seat, ClientError> {
        let bundle = self.ask(http::seat(app)).await?;
        Ok(network.check_seat(&bundle, app, now())?)
    }

    /// [`http::leaf`].
    ///
    /// # Errors
    /// Status 404 while the ledger does not have the batch; those of asking.
    pub async fn leaf(&self, answer: &DirectAnswer) -> Result<LeafProof, ClientError> {
        self.ask(http::leaf(answer)).await
    }

    /// Waits until a call's receipt is in the ledger, and checks it there.
    ///
    /// # Errors
    /// [`ClientError::Late`]; [`ClientError::NotBelieved`]; those of asking.
    pub async fn prove(
        &self,
        network: &Network,
        answer: &DirectAnswer,
        timeout: Duration,
    ) -> Result<SessionBundle, ClientError> {
        use sotto_types::Wire as _;
        let until = Instant::now() + timeout;
        loop {
            match self.leaf(answer).await {
                Ok(proof) => {
                    let bundle = answer.proved(proof);
                    network.check_session_receipt(&bundle.encode())?;
                    return Ok(bundle);
                }
                Err(ClientError::Gateway { status: 404, .. }) => {}
                Err(error) => return Err(error),
            }
            if Instant::now() + PAUSE >= until {
                let what = format!("batch {} is not in the ledger", answer.batch);
                return Err(ClientError::Late { what, seconds: timeout.as_secs() });
            }
            sleep(PAUSE).await;
        }
    }
}

/// Whether it passes by itself: a seat being taken, an epoch that just turned.
fn passes(error: &ClientError) -> bool {
    match error {
        ClientError::Gateway { status, .. } => *status == 503,
        ClientError::Session(why) => matches!(
            why,
            SessionRefused::NoSeat
                | SessionRefused::OtherEpoch { .. }
                | SessionRefused::OtherBoot { .. }
                | SessionRefused::Full(_)
        ),
        // The epoch turned between the seat's offer and its certificate.
        ClientError::NotBelieved(NotBelieved::OtherEntry) => true,
        _ => false,
    }
}

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Time(since.map_or(0, |since| since.as_secs()))
}
