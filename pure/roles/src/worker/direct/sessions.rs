//! Sessions at a seat: opened once, one call at a time, a receipt for each.

use super::{Direct, DirectRun, Identified};
use crate::worker::batches::Maker;
use crate::worker::{Call, Output, Wanted};
use sotto_crypto::commit::commit;
use sotto_crypto::envelope::{Committed, Opened, Session, SessionError, open};
use sotto_crypto::pad::{pad, unpad};
use sotto_crypto::sign::SigningKey;
use sotto_crypto::vet::{VaultKey, VetKey};
use sotto_types::session::{Answered, Reply, Say};
use sotto_types::{
    Aad, Account, AppId, ChainId, Context, Epoch, Fuel, Generation, Hash, Identity, KeyPath,
    Manifest, Opening, SessionId, SessionReceipt, SessionRefused, Time, Wire as _, limits,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A session.
pub(super) struct Open {
    session: Session,
    app: AppId,
    epoch: Epoch,
    generation: Generation,
    manifest: Arc<Manifest>,
    component: Arc<Vec<u8>>,
    /// How many calls there were.
    calls: u64,
    /// The running call's time, and the commitment to its input.
    pub(super) running: Option<(Time, Hash)>,
    /// When the client last said something, by the worker's clock.
    pub(super) used: Time,
    is_over: bool,
}

type Told = Result<Vec<Output>, SessionRefused>;

impl Direct {
    /// Takes an opening, once.
    pub(in crate::worker) fn open(
        &mut self,
        opening: &Opening,
        vault: &VaultKey,
        keys: &BTreeMap<Wanted, VetKey>,
        now: Time,
    ) -> Told {
        self.is_for_here(opening)?;
        let Opening { app, epoch, envelope, .. } = opening;
        let session = opening.session();
        if self.taken[0].contains(&session) {
            return Err(SessionRefused::Seen);
        }
        let seat = self.places.get(app).and_then(|place| place.seat.as_ref());
        let seat = seat.ok_or(SessionRefused::NoSeat)?;
        let component = seat.component.clone().ok_or(SessionRefused::NoSeat)?;
        let identity = Identity::Epoch(*epoch);
        let key = Wanted { app: *app, path: KeyPath::Request, identity };
        let key = keys.get(&key).ok_or(SessionRefused::NoSeat)?;
        self.has_room()?;
        if self.sessions.len() >= limits::SESSIONS_MAX {
            return Err(full("sessions"));
        }
        if self.taken[0].len() >= limits::OPENINGS_MAX {
            return Err(full("openings in this epoch"));
        }
        let Identified { network, node, boot, .. } = &self.id;
        let aad = Aad::direct(*network, *app, seat.generation, node, boot);
        let opened = open(key, vault, &identity, &aad, envelope);
        let Opened { payload, session: ends } = opened.map_err(|_| SessionRefused::DoesNotOpen)?;
        let mut open = Box::new(Open {
            session: ends,
            app: *app,
            epoch: *epoch,
            generation: seat.generation,
            manifest: seat.manifest.clone(),
            component,
            calls: 0,
            running: None,
            used: now,
            is_over: false,
        });
        // From here on it is taken, whatever it says.
        self.taken[0].insert(session);
        if let Some(place) = self.places.get_mut(app) {
            place.wanted = *epoch;
        }
        let outputs = self.hear(session, &mut open, read(&payload)?)?;
        if !open.is_over {
            self.sessions.insert(session, open);
        }
        Ok(outputs)
    }

    fn is_for_here(&self, opening: &Opening) -> Result<(), SessionRefused> {
        if opening.worker != self.id.node {
            return Err(SessionRefused::OtherWorker(opening.worker));
        }
        if opening.boot != self.id.boot {
            return Err(SessionRefused::OtherBoot { now: self.id.boot });
        }
        if opening.epoch != self.epoch {
            return Err(SessionRefused::OtherEpoch { now: self.epoch });
        }
        Ok(())
    }

    /// Takes a sealed message of a session. One that is refused for want of room was not opened
    /// and may be sent again.
    pub(in crate::worker) fn say(&mut self, id: SessionId, sealed: &[u8], now: Time) -> Told {
        if sealed.len() > limits::SESSION_MESSAGE_MAX {
            let (got, max) = (sealed.len() as u64, limits::SESSION_MESSAGE_MAX as u64);
            return Err(SessionRefused::TooLarge { got, max });
        }
        let Some(mut open) = self.sessions.remove(&id) else {
            let is_old = self.taken[1].contains(&id);
            let over = SessionRefused::OtherEpoch { now: self.epoch };
            return Err(if is_old { over } else { SessionRefused::NoSession });
        };
        let told = self.said(id, &mut open, sealed, now);
        if !open.is_over {
            self.sessions.insert(id, open);
        }
        told
    }

    fn said(&mut self, id: SessionId, open: &mut Open, sealed: &[u8], now: Time) -> Told {
        if open.running.is_some() {
            return Err(SessionRefused::Running);
        }
        self.has_room()?;
        let message = open.session.open_next(sealed).map_err(refused)?;
        open.used = now;
        let say = unpad(&message).ok_or_else(|| SessionRefused::Malformed("padding".into()))?;
        self.hear(id, open, read(say)?)
    }

    /// Whether one more call can be run, and its receipt promised.
    fn has_room(&self) -> Result<(), SessionRefused> {
        if self.running >= limits::DIRECT_CALLS_MAX {
            return Err(full("calls"));
        }
        if self.batches.is_full() {
            return Err(full("receipts that are not ledgered yet"));
        }
        Ok(())
    }

    fn hear(&mut self, id: SessionId, open: &mut Open, say: Say) -> Told {
        let input = match say {
            Say::Hello => return Ok(reply(id, open, &Reply::Welcome)),
            Say::Bye => {
                open.is_over = true;
                return Ok(reply(id, open, &Reply::Bye));
            }
            Say::Call(input) => input,
        };
        open.calls = open.calls.saturating_add(1);
        let blind = open.session.blind(open.calls, Committed::Input);
        open.running = Some((self.time, commit(&blind, &input)));
        self.running = self.running.saturating_add(1);
        let call = Call {
            chain: ChainId::default(),
            caller: Account::default(),
            context: Context(id.0),
            time: self.time,
            payload: input,
            submissions: Vec::new(),
        };
        let (manifest, component) = (open.manifest.clone(), open.component.clone());
        Ok(vec![Output::Call(Box::new(DirectRun { session: id, manifest, component, call }))])
    }

    /// A call came to its end: its receipt goes into the batch, its answer to the client.
    pub(in crate::worker) fn called(
        &mut self,
        id: SessionId,
        outcome: Result<(Vec<u8>, Fuel), String>,
        key: &SigningKey,
    ) -> Vec<Output> {
        let Some(mut open) = self.sessions.remove(&id) else { return Vec::new() };
        let Some((time, input)) = open.running.take() else {
            self.sessions.insert(id, open);
            return Vec::new();
        };
        self.running = self.running.saturating_sub(1);
        let (outcome, fuel) = match outcome {
            Ok((output, _)) if output.len() > limits::DIRECT_OUTPUT_MAX => {
                let (got, max) = (output.len(), limits::DIRECT_OUTPUT_MAX);
                (Err(format!("an output of {got} bytes where at most {max} are sent")), Fuel(0))
            }
            Ok((output, fuel)) => (Ok(output), fuel),
            Err(reason) => (Err(crate::worker::cut(&reason)), Fuel(0)),
        };
        let receipt = self.receipt(id, &open, (time, input), &outcome, fuel);
        let maker = Maker { network: self.id.network, boot: self.id.boot, key };
        let (batch, index, leaves) = self.batches.add(receipt.leaf(), self.height, &maker);
        let answered = Answered { call: open.calls, time, fuel, outcome, batch, index };
        let mut outputs = reply(id, &mut open, &Reply::Answer(answered));
        outputs.extend(leaves.map(Output::Keep));
        if open.epoch == self.epoch {
            self.sessions.insert(id, open);
        }
        outputs
    }

    fn receipt(
        &self,
        session: SessionId,
        open: &Open,
        (time, input): (Time, Hash),
        outcome: &Result<Vec<u8>, String>,
        fuel: Fuel,
    ) -> SessionReceipt {
        let blind = open.session.blind(open.calls, Committed::Output);
        let output = match outcome {
            Ok(output) => commit(&blind, output),
            Err(reason) => commit(&blind, reason.as_bytes()),
        };
        SessionReceipt {
            network: self.id.network,
            app: open.app,
            generation: open.generation,
            code: open.manifest.code,
            epoch: open.epoch,
            worker: self.id.node,
            tee: self.id.tee,
            boot: self.id.boot,
            session,
            call: open.calls,
            time,
            succeeded: outcome.is_ok(),
            input,
            output,
            fuel,
        }
    }
}

fn read(say: &[u8]) -> Result<Say, SessionRefused> {
    Say::decode(say).map_err(|e| SessionRefused::Malformed(crate::worker::cut(&e.to_string())))
}

fn full(of: &str) -> SessionRefused {
    SessionRefused::Full(of.into())
}

fn refused(error: SessionError) -> SessionRefused {
    let cut = |counter: u128| u64::try_from(counter).unwrap_or(u64::MAX);
    match error {
        SessionError::Replayed { counter, last } => {
            SessionRefused::Replayed { counter: cut(counter), last: cut(last) }
        }
        SessionError::Failed | SessionError::Exhausted => SessionRefused::DoesNotOpen,
    }
}

fn reply(session: SessionId, open: &mut Open, reply: &Reply) -> Vec<Output> {
    let mut message = reply.encode();
    pad(&mut message);
    // Nobody says 2^96 things: that a session could say no more is not met.
    match open.session.seal_next(&message) {
        Ok(sealed) => vec![Output::Reply { session, sealed }],
        Err(_) => Vec::new(),
    }
}
