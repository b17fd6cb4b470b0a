//! The gateway's hands: answers what its brain read from the HTTP door.

use crate::council::Council;
use crate::status;
use anyhow::Result;
use sotto_ledger::prove;
use sotto_ledger::state::{Answered, Nonce, Request as Entry};
use sotto_ledger::view::{key, read};
use sotto_net::{Door, Reply, Request};
use sotto_roles::gateway::{Ask, body_max, read as understand};
use sotto_types::{ReceiptBundle, RequestId, Wire as _};
use std::net::SocketAddr;
use std::sync::Arc;

const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// Opens the door.
pub(crate) async fn open(address: SocketAddr, council: Arc<Council>) -> Result<Door> {
    let handle = move |request: Request| {
        let council = council.clone();
        async move { answer(&council, request).await }
    };
    Ok(Door::open(address, body_max, handle).await?)
}

async fn answer(council: &Arc<Council>, request: Request) -> Reply {
    let ask = match understand(&request.method, &request.path, request.body) {
        Ok(ask) => ask,
        Err(refused) => return text(refused.status(), refused.to_string()),
    };
    let reply = match ask {
        Ask::Act(signed) => return act(council, *signed).await,
        other => {
            let council = council.clone();
            tokio::task::spawn_blocking(move || look_up(&council, other)).await
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

fn look_up(council: &Council, ask: Ask) -> Result<Reply> {
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
        Ask::Act(_) => text(500, "actions are answered elsewhere".into()),
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
