//! The gateway's hands: answers what its brain read from the HTTP door.

use crate::council::Council;
use crate::status;
use crate::worker::Handle;
use anyhow::Result;
use sotto_ledger::state::{Answered, App, Batched, Clock, Nonce, Request as Entry, Seat};
use sotto_ledger::view::{key, read};
use sotto_ledger::{may_sit, prove, seats};
use sotto_net::{Door, Reply, Request};
use sotto_roles::gateway::{Ask, body_max, read as understand};
use sotto_types::{
    AppId, BootId, Hash, LeafProof, NodeId, ReceiptBundle, RequestId, SessionRefused, Wire as _,
    merkle,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// What stands behind the door.
struct Inside {
    council: Arc<Council>,
    workers: Vec<Handle>,
    /// Counts the seats given out, so that each gets its turn.
    turn: AtomicUsize,
}

/// Opens the door.
pub(crate) async fn open(
    address: SocketAddr,
    council: Arc<Council>,
    workers: Vec<Handle>,
) -> Result<Door> {
    let inside = Arc::new(Inside { council, workers, turn: AtomicUsize::new(0) });
    let handle = move |request: Request| {
        let inside = inside.clone();
        async move { answer(&inside, request).await }
    };
    Ok(Door::open(address, body_max, handle).await?)
}

async fn answer(inside: &Arc<Inside>, request: Request) -> Reply {
    let ask = match understand(&request.method, &request.path, request.body) {
        Ok(ask) => ask,
        Err(refused) => return text(refused.status(), refused.to_string()),
    };
    let reply = match ask {
        Ask::Say { worker, session, sealed } => {
            return told(match inside.worker(&worker) {
                Ok(worker) => worker.say(session, sealed).await,
                Err(why) => Err(why),
            });
        }
        Ask::Open(opening) => {
            return told(match inside.worker(&opening.worker) {
                Ok(worker) => worker.open(*opening).await,
                Err(why) => Err(why),
            });
        }
        Ask::Act(signed) => return act(&inside.council, *signed).await,
        other => {
            let inside = inside.clone();
            tokio::task::spawn_blocking(move || look_up(&inside, other)).await
        }
    };
    match reply {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => {
            tracing::error!(error = format!("{error:#}"), "gateway");
            text(500, "the node could not read its storage".into())
        }
        Err(_) => text(500, "the node failed".into()),
    }
}

async fn act(council: &Council, signed: sotto_types::SignedAction) -> Reply {
    match council.act(signed).await {
        Ok(outcome) => json(&serde_json::json!({
            "height": outcome.height.0,
            "refused": outcome.refused.map(|why| why.to_string()),
        })),
        Err(rejected @ crate::Rejected::Pool(_)) => text(409, rejected.to_string()),
        Err(rejected) => text(503, rejected.to_string()),
    }
}

impl Inside {
    fn worker(&self, id: &NodeId) -> Result<&Handle, SessionRefused> {
        let found = self.workers.iter().find(|worker| worker.id == *id);
        found.ok_or(SessionRefused::OtherWorker(*id))
    }
}

/// A seat's sealed answer, or its refusal.
fn told(told: Result<Vec<u8>, SessionRefused>) -> Reply {
    match told {
        Ok(sealed) => bytes(sealed),
        Err(why) => Reply { status: 409, kind: BYTES, body: why.encode() },
    }
}

fn look_up(inside: &Inside, ask: Ask) -> Result<Reply> {
    let council = &inside.council;
    let missing = |what: &str| text(404, format!("there is no such {what} here"));
    Ok(match ask {
        Ask::Health => text(200, "ok".into()),
        Ask::Genesis => bytes(council.genesis().encode()),
        Ask::Certificate => match council.latest()?.0 {
            Some(certificate) => bytes(certificate.encode()),
            None => missing("certificate"),
        },
        Ask::Status => json(&status::describe(&council.snapshot()?, council.genesis())?),
        Ask::Entry(key) => match bundle(council, &key)? {
            Some(bundle) => bytes(bundle.encode()),
            None => missing("entry"),
        },
        Ask::Nonce(node) => {
            let nonce = read::<Nonce>(&council.snapshot()?, &node)?.map_or(0, |nonce| nonce.0);
            json(&serde_json::json!({ "nonce": nonce }))
        }
        Ask::Receipt(request) => match bundle(council, &key::<Answered>(&request))? {
            Some(bundle) => bytes(bundle.encode()),
            None => missing("receipt"),
        },
        Ask::Request(request) => match request_line(council, &request)? {
            Some(line) => json(&line),
            None => missing("request"),
        },
        Ask::Bytes(hash) => match council.store().bytes(&hash)? {
            Some(found) => bytes(found),
            None => missing("bytes"),
        },
        Ask::Keep(body) => {
            let hash = council.store().keep(&body)?;
            json(&serde_json::json!({ "hash": hash.to_string() }))
        }
        Ask::Seat(app) => seat(inside, &app)?,
        Ask::Leaf { worker, boot, batch, index } => {
            match leaf(council, worker, boot, batch, index)? {
                Some(proof) => bytes(proof.encode()),
                None => missing("leaf"),
            }
        }
        Ask::Act(_) | Ask::Open(_) | Ask::Say { .. } => text(500, "answered elsewhere".into()),
    })
}

/// An entry with its path and the certificate over exactly that state. For an answer this is the
/// receipt with all that proves it.
fn bundle(council: &Council, key: &[u8]) -> Result<Option<ReceiptBundle>> {
    let (certificate, view) = council.latest()?;
    let (Some(certificate), Some(answer)) = (certificate, prove(&view, key)?) else {
        return Ok(None);
    };
    Ok(Some(ReceiptBundle { certificate, answer }))
}

/// A seat of the app at one of the workers here. Where there is none yet, they are asked to take
/// theirs: ask again after a block or two.
fn seat(inside: &Inside, app: &AppId) -> Result<Reply> {
    let view = inside.council.snapshot()?;
    if read::<App>(&view, app)?.is_none() {
        return Ok(text(404, "there is no such app here".into()));
    }
    let mut taken = Vec::new();
    for (node, seat) in seats(&view, app)? {
        let here = |worker: &&Handle| worker.id == node && worker.boot == seat.boot;
        taken.extend(inside.workers.iter().find(here));
    }
    let turn = inside.turn.fetch_add(1, Ordering::Relaxed);
    let found = taken.get(turn.checked_rem(taken.len()).unwrap_or_default());
    if let (Some(worker), Some(clock)) = (found, read::<Clock>(&view, &())?) {
        worker.serve(*app);
        let place = (clock.epoch, (*app, worker.id));
        if let Some(bundle) = bundle(&inside.council, &key::<Seat>(&place))? {
            return Ok(bytes(bundle.encode()));
        }
    }
    for worker in &inside.workers {
        if may_sit(&view, app, &worker.id)? {
            worker.serve(*app);
        }
    }
    Ok(text(503, "no worker has taken its seat of this app yet: ask again".into()))
}

/// What proves that a leaf is in a batch.
fn leaf(
    council: &Council,
    worker: NodeId,
    boot: BootId,
    batch: u64,
    index: u32,
) -> Result<Option<LeafProof>> {
    let place = (worker, (boot, batch));
    let Some(batched) = read::<Batched>(&council.snapshot()?, &place)? else { return Ok(None) };
    let held = council.store().bytes(&batched.signed.batch.leaves)?.unwrap_or_default();
    let (leaves, _) = held.as_chunks::<32>();
    let leaves: Vec<Hash> = leaves.iter().map(|leaf| Hash(*leaf)).collect();
    let path = usize::try_from(index).ok().and_then(|index| merkle::path(&leaves, index));
    let entry = bundle(council, &key::<Batched>(&place))?;
    Ok(path.zip(entry).map(|(path, batch)| LeafProof { index, path, batch }))
}

fn request_line(council: &Council, id: &RequestId) -> Result<Option<status::RequestLine>> {
    let view = council.snapshot()?;
    Ok(read::<Entry>(&view, id)?.map(|entry| status::request_line(id, &entry)))
}

fn bytes(body: Vec<u8>) -> Reply {
    Reply { status: 200, kind: BYTES, body }
}

fn text(status: u16, mut message: String) -> Reply {
    message.push('\n');
    Reply { status, kind: "text/plain; charset=utf-8", body: message.into_bytes() }
}

fn json(value: &impl serde::Serialize) -> Reply {
    match serde_json::to_vec(value) {
        Ok(body) => Reply { status: 200, kind: JSON, body },
        Err(error) => text(500, error.to_string()),
    }
}
