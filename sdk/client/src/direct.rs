//! Direct calls: a session opened at a seat that the ledger proves, then calls that cost one AEAD
//! each way. Like the rest without a socket: each step gives an [`HttpRequest`], and
//! [`DirectSession::finish`] reads what comes back. A call's receipt is made here, by the client,
//! out of what it knows and what the seat said; once the ledger has its batch, a [`LeafProof`]
//! makes it a receipt that anybody can check.
//!
//! Calls of one session follow one another. If an answer is lost, the next call is a new one: what
//! was sent is never sent again.

use crate::error::{ClientError, NotBelieved, plain};
use crate::http::{HttpRequest, HttpResponse};
use crate::network::Network;
use core::fmt;
use rand_core::CryptoRngCore;
use sotto_crypto::commit::{Blind, commit, verify};
use sotto_crypto::envelope::{Committed, Session, SessionError, seal};
use sotto_crypto::pad::{pad, unpad};
use sotto_ledger::state::{Batched, Seat as Entry};
use sotto_types::session::{Answered, Reply, Say};
use sotto_types::{
    Aad, AppId, BootId, Epoch, Generation, Hash, Height, Identity, KeyPath, LeafProof, Measurement,
    NetworkId, NetworkKind, NodeId, Opening, ReceiptBundle, SessionBundle, SessionId,
    SessionReceipt, SessionRefused, TeeKind, Time, Wire as _, limits,
};

/// A worker's seat of an app, proved, and all that is believed of it. It ends with its epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seat {
    /// The app.
    pub app: AppId,
    /// The epoch whose key openings are sealed to.
    pub epoch: Epoch,
    /// The worker.
    pub worker: NodeId,
    /// Its process.
    pub boot: BootId,
    /// The generation of the app's code.
    pub generation: Generation,
    /// SHA-256 of the component that runs.
    pub code: Hash,
    /// What the worker runs in, as appraised.
    pub tee: TeeKind,
    /// What the worker runs.
    pub measurement: Measurement,
}

impl Network {
    /// The seat of `app` that a gateway offers, if it is proved and of the epoch of a certificate
    /// that [`check_certificate`](Self::check_certificate) takes.
    ///
    /// # Errors
    /// The same, [`NotBelieved::OtherEntry`] for anything but a seat of this app and epoch, and
    /// [`NotBelieved::Ledger`] where the path does not prove it.
    pub fn check_seat(
        &self,
        bundle: &ReceiptBundle,
        app: &AppId,
        now: Time,
    ) -> Result<Seat, NotBelieved> {
        let current = bundle.certificate.height.epoch(self.genesis().epoch_blocks);
        let place = Entry::place(&bundle.answer.key).ok_or(NotBelieved::OtherEntry)?;
        let (epoch, of, worker) = place;
        if of != *app || epoch != current {
            return Err(NotBelieved::OtherEntry);
        }
        let seat: Entry = self.check_entry(bundle, &(epoch, (of, worker)), now)?;
        Ok(Seat {
            app: of,
            epoch,
            worker,
            boot: seat.boot,
            generation: seat.generation,
            code: seat.code,
            tee: seat.worker.tee,
            measurement: seat.worker.measurement,
        })
    }

    /// Opens a session at a seat: about a millisecond, once. Send the request, and give what comes
    /// back to [`DirectSession::finish`]; it is [`Heard::Welcome`].
    ///
    /// # Errors
    /// [`ClientError::Seal`], not met with a seat that was checked.
    pub fn open_session(
        &self,
        seat: &Seat,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(DirectSession, HttpRequest), ClientError> {
        let Seat { app, epoch, worker, boot, .. } = *seat;
        let aad = Aad::direct(self.id(), app, seat.generation, &worker, &boot);
        let identity = Identity::Epoch(epoch);
        let hello = Say::Hello.encode();
        let (envelope, session) =
            seal(self.vault(), KeyPath::Request, &identity, &aad, &hello, rng)?;
        let opening = Opening { app, epoch, worker, boot, envelope };
        let id = opening.session();
        let path = format!("/v1/sessions/{worker}/{id}");
        let session = DirectSession {
            network: self.id(),
            seat: seat.clone(),
            id,
            path,
            session,
            last: 0,
            input: Vec::new(),
        };
        let path = "/v1/sessions".into();
        Ok((session, HttpRequest { method: "POST", path, body: opening.encode() }))
    }

    /// Checks an encoded [`SessionBundle`], offline and at any later time: certificate → path →
    /// batch → its worker's signature → the receipt in it.
    ///
    /// # Errors
    /// [`ClientError::Malformed`], [`ClientError::NotBelieved`].
    pub fn check_session_receipt(&self, bytes: &[u8]) -> Result<CheckedCall, ClientError> {
        let bundle =
            SessionBundle::decode(bytes).map_err(|e| ClientError::malformed("receipt", e))?;
        let batched = sotto_ledger::certificate::check_session_receipt(self.genesis(), &bundle)?;
        Ok(CheckedCall::new(self.genesis().kind, bundle, &batched))
    }
}

/// The client's end of a session. It has no `Clone`: two copies would use the same nonces.
pub struct DirectSession {
    network: NetworkId,
    seat: Seat,
    id: SessionId,
    path: String,
    session: Session,
    /// The last call that was answered.
    last: u64,
    /// The input under way: its receipt commits to it.
    input: Vec<u8>,
}

impl fmt::Debug for DirectSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectSession({} at {})", self.id, self.seat.worker)
    }
}

/// What a seat said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The session is open.
    Welcome,
    /// A call came to its end.
    Answer(Box<DirectAnswer>),
    /// The session is over.
    Bye,
}

/// The end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectAnswer {
    /// The output, or the app's sentence why there is none.
    pub outcome: Result<Vec<u8>, String>,
    /// Its receipt. Keep it: nobody else has it.
    pub receipt: SessionReceipt,
    /// The batch whose root will prove it, once the ledger has that.
    pub batch: u64,
    /// Its place there.
    pub index: u32,
}

impl DirectSession {
    /// The session's name, which everybody on the way sees.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The seat it was opened at.
    pub fn seat(&self) -> &Seat {
        &self.seat
    }

    /// Calls the app. Of the input's length its size class shows: 64, 256, 1,024 … bytes.
    ///
    /// # Errors
    /// [`ClientError::Argument`] for an input longer than [`limits::DIRECT_INPUT_MAX`].
    pub fn call(&mut self, input: Vec<u8>) -> Result<HttpRequest, ClientError> {
        if input.len() > limits::DIRECT_INPUT_MAX {
            let why = format!("{} bytes of at most {}", input.len(), limits::DIRECT_INPUT_MAX);
            return Err(ClientError::argument("input", why));
        }
        let say = Say::Call(input);
        let request = self.say(&say);
        if let Say::Call(input) = say {
            self.input = input;
        }
        request
    }

    /// Ends the session.
    ///
    /// # Errors
    /// None that is met.
    pub fn bye(&mut self) -> Result<HttpRequest, ClientError> {
        self.say(&Say::Bye)
    }

    fn say(&mut self, say: &Say) -> Result<HttpRequest, ClientError> {
        let mut message = say.encode();
        pad(&mut message);
        let sealed = self.session.seal_next(&message);
        let body = sealed.map_err(|e| ClientError::argument("session", e))?;
        Ok(HttpRequest { method: "POST", path: self.path.clone(), body })
    }

    /// Reads what came back.
    ///
    /// # Errors
    /// [`ClientError::Session`] for a seat's refusal, by the word of whoever carried it;
    /// [`NotBelieved::NotTheSeat`] for an answer that is not sealed in this session, or not to
    /// what was said; [`ClientError::Gateway`].
    pub fn finish(&mut self, response: HttpResponse) -> Result<Heard, ClientError> {
        let HttpResponse { status, body } = response;
        match status {
            200 => {}
            409 => {
                let refused = SessionRefused::decode(&body);
                let refused = refused.map_err(|e| ClientError::malformed("refusal", e))?;
                return Err(ClientError::Session(quiet(refused)));
            }
            _ => {
                let message = plain(&String::from_utf8_lossy(&body));
                return Err(ClientError::Gateway { status, message });
            }
        }
        let message = self.session.open_next(&body).map_err(|why| match why {
            SessionError::Replayed { .. } => NotBelieved::NotTheSeat("it was said before"),
            _ => NotBelieved::NotTheSeat("it does not open"),
        })?;
        let message = unpad(&message).ok_or(NotBelieved::NotTheSeat("its padding is wrong"))?;
        let reply = Reply::decode(message);
        match reply.map_err(|_| NotBelieved::NotTheSeat("it is no answer"))? {
            Reply::Welcome => Ok(Heard::Welcome),
            Reply::Bye => Ok(Heard::Bye),
            Reply::Answer(answered) => Ok(Heard::Answer(Box::new(self.answered(answered)?))),
        }
    }

    fn answered(&mut self, answered: Answered) -> Result<DirectAnswer, NotBelieved> {
        let Answered { call, time, fuel, outcome, batch, index } = answered;
        // One that was lost leaves a gap; one that comes twice is none.
        if call <= self.last {
            return Err(NotBelieved::NotTheSeat("it answers a call that was answered"));
        }
        self.last = call;
        let output = outcome.as_ref().map_or_else(String::as_bytes, Vec::as_slice);
        let receipt = SessionReceipt {
            network: self.network,
            app: self.seat.app,
            generation: self.seat.generation,
            code: self.seat.code,
            epoch: self.seat.epoch,
            worker: self.seat.worker,
            tee: self.seat.tee,
            boot: self.seat.boot,
            session: self.id,
            call,
            time,
            succeeded: outcome.is_ok(),
            input: commit(&self.blind(call, Committed::Input), &self.input),
            output: commit(&self.blind(call, Committed::Output), output),
            fuel,
        };
        self.input = Vec::new();
        Ok(DirectAnswer { outcome, receipt, batch, index })
    }

    /// What opens one of a receipt's commitments, for whom the client wants to show it to: with it,
    /// [`CheckedCall::is_output`] says whether an output is the one. Without it nobody can even
    /// test a guess.
    pub fn blind(&self, call: u64, what: Committed) -> Blind {
        self.session.blind(call, what)
    }
}

/// A refusal whose words are fit for a terminal.
fn quiet(refused: SessionRefused) -> SessionRefused {
    match refused {
        SessionRefused::Malformed(text) => SessionRefused::Malformed(plain(&text)),
        SessionRefused::Full(text) => SessionRefused::Full(plain(&text)),
        other => other,
    }
}

impl DirectAnswer {
    /// The receipt as anybody can check it, with the proof that came for it
    /// ([`crate::http::leaf`]). Whether it holds, [`Network::check_session_receipt`] says.
    pub fn proved(&self, proof: LeafProof) -> SessionBundle {
        SessionBundle { receipt: self.receipt.clone(), proof }
    }
}

/// A receipt of a direct call, checked from the genesis. Shown with `{}`, it says everything a
/// person may want to know of it, one thing a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckedCall {
    /// The record of the call.
    pub receipt: SessionReceipt,
    /// The batch it is in.
    pub batch: u64,
    /// Its number among all receipts of that process of the worker, counted from 1.
    pub number: u64,
    /// What the worker ran, as attested when it handed the batch in.
    pub measurement: Measurement,
    /// SHA-256 of its evidence then.
    pub evidence: Hash,
    /// Whether its TEE is none at all: whoever ran the worker could read and change everything.
    pub simulated: bool,
    /// The height of the block whose certificate proves it.
    pub height: Height,
    /// That block's time.
    pub time: Time,
    /// What the network is for.
    pub kind: NetworkKind,
}

impl CheckedCall {
    fn new(kind: NetworkKind, bundle: SessionBundle, batched: &Batched) -> Self {
        let (batch, certificate) = (&batched.signed.batch, &bundle.proof.batch.certificate);
        Self {
            batch: batch.number,
            number: batch.first.saturating_add(u64::from(bundle.proof.index)),
            measurement: batched.worker.measurement,
            evidence: batched.worker.evidence,
            simulated: bundle.receipt.tee == TeeKind::Simulated,
            height: certificate.height,
            time: certificate.time,
            kind,
            receipt: bundle.receipt,
        }
    }

    /// Whether this is the input that the app was called with.
    pub fn is_input(&self, blind: &Blind, input: &[u8]) -> bool {
        verify(&self.receipt.input, blind, input)
    }

    /// Whether this is the output, or the reason why there was none.
    pub fn is_output(&self, blind: &Blind, output: &[u8]) -> bool {
        verify(&self.receipt.output, blind, output)
    }
}

impl fmt::Display for CheckedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let r = &self.receipt;
        let mut line = |name: &str, value: fmt::Arguments<'_>| writeln!(f, "{name:<12} {value}");
        if self.simulated {
            line(
                "WARNING",
                format_args!("the TEE is SIMULATED: nothing protected this execution"),
            )?;
        }
        line("session", format_args!("{}, call {}", r.session, r.call))?;
        line("network", format_args!("{} ({})", r.network, self.kind))?;
        line("app", format_args!("{}, generation {}", r.app, r.generation))?;
        line("code", format_args!("{}", r.code))?;
        let ended = if r.succeeded { "with an output" } else { "without output: the app failed" };
        line("ended", format_args!("{ended}"))?;
        line("input", format_args!("committed to as {}", r.input))?;
        line("output", format_args!("committed to as {}", r.output))?;
        line("ran", format_args!("in epoch {}, at ledger time {}", r.epoch, r.time))?;
        line("fuel", format_args!("{}", r.fuel))?;
        line("worker", format_args!("{}", r.worker))?;
        line("boot", format_args!("{}", r.boot))?;
        line("measurement", format_args!("{}", self.measurement))?;
        line("evidence", format_args!("{}", self.evidence))?;
        line("TEE", format_args!("{}", r.tee))?;
        line("batch", format_args!("{}, receipt {}", self.batch, self.number))?;
        line("certified", format_args!("by block {}, time {}", self.height, self.time))
    }
}
