//! The gateway's brain: what a request to the HTTP door means and what it may cost. It is blind:
//! nothing it passes on is readable to it but what stands in the ledger anyway. Not here: sockets
//! (`io/net`), carrying calls out (`bin/node`).

#[cfg(test)]
mod tests;

use sotto_types::{
    AppId, BootId, Hash, Malformed, NodeId, Opening, RequestId, SessionId, SignedAction, Wire,
    limits,
};

/// Hexadecimal digits of a ledger entry's key; the longest key is a good deal shorter.
const KEY_DIGITS_MAX: usize = 512;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// `GET /v1/genesis`: the genesis, encoded.
    Genesis,
    /// `GET /v1/certificate`: the last certificate, encoded.
    Certificate,
    /// `GET /v1/status`: what a person wants to know, as JSON.
    Status,
    /// `GET /v1/entry/<key in hex>`: certificate and proof of a ledger entry.
    Entry(Vec<u8>),
    /// `GET /v1/nonce/<node>`: the last nonce counted for a sender.
    Nonce(NodeId),
    /// `GET /v1/receipts/<request>`: the receipt with what proves it, encoded.
    Receipt(RequestId),
    /// `GET /v1/requests/<request>`: how far a request has come, as JSON.
    Request(RequestId),
    /// `GET /v1/bytes/<hash>`: bytes by their hash.
    Bytes(Hash),
    /// `POST /v1/bytes`: bytes to be held (an envelope, a payload, a component).
    Keep(Vec<u8>),
    /// `POST /v1/actions`: a signed action; answered when a block holds it.
    Act(Box<SignedAction>),
    /// `GET /v1/seats/<app>`: certificate and proof of a seat of an app, to open a session at.
    Seat(AppId),
    /// `POST /v1/sessions`: the opening of a session, encoded; the seat's first sealed message.
    Open(Box<Opening>),
    /// `POST /v1/sessions/<worker>/<session>`: a sealed message; the seat's sealed answer.
    Say {
        /// The worker.
        worker: NodeId,
        /// The session.
        session: SessionId,
        /// The message.
        sealed: Vec<u8>,
    },
    /// `GET /v1/batches/<worker>/<boot>/<batch>/<index>`: what proves that a leaf is in a batch.
    Leaf {
        /// The worker.
        worker: NodeId,
        /// Its process.
        boot: BootId,
        /// Which batch.
        batch: u64,
        /// The leaf's place in it.
        index: u32,
    },
    /// `GET /health`.
    Health,
}

/// Why a request to the door is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such thing (404).
    #[error("there is no {0}")]
    NotFound(String),
    /// The wrong method (405).
    #[error("{0} is not for this path")]
    Method(String),
    /// Not what the path takes (400).
    #[error("{0}")]
    Bad(String),
    /// Too many bytes (413).
    #[error("{got} bytes where at most {max} are taken")]
    TooLong {
        /// Bytes given.
        got: usize,
        /// Bytes taken.
        max: usize,
    },
}

impl Refused {
    /// The HTTP status that says so.
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotFound(_) => 404,
            Self::Method(_) => 405,
            Self::Bad(_) => 400,
            Self::TooLong { .. } => 413,
        }
    }
}

/// The most bytes a body may have at this path: what the door reads at most.
pub fn body_max(path: &str) -> usize {
    match path {
        "/v1/bytes" => limits::COMPONENT_MAX,
        "/v1/actions" => limits::ACTION_MAX,
        "/v1/sessions" => Opening::MAX,
        _ if path.starts_with("/v1/sessions/") => limits::SESSION_MESSAGE_MAX,
        _ => 0,
    }
}

/// Reads a request to the door.
pub fn read(method: &str, path: &str, body: Vec<u8>) -> Result<Ask, Refused> {
    let max = body_max(path);
    if body.len() > max {
        return Err(Refused::TooLong { got: body.len(), max });
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["health"]) => Ok(Ask::Health),
        ("GET", ["v1", "genesis"]) => Ok(Ask::Genesis),
        ("GET", ["v1", "certificate"]) => Ok(Ask::Certificate),
        ("GET", ["v1", "status"]) => Ok(Ask::Status),
        ("GET", ["v1", "entry", key]) => entry_key(key).map(Ask::Entry),
        ("GET", ["v1", "nonce", node]) => id(node).map(Ask::Nonce),
        ("GET", ["v1", "receipts", request]) => id(request).map(Ask::Receipt),
        ("GET", ["v1", "requests", request]) => id(request).map(Ask::Request),
        ("GET", ["v1", "bytes", hash]) => id(hash).map(Ask::Bytes),
        ("POST", ["v1", "bytes"]) if body.is_empty() => Err(Refused::Bad("no bytes".into())),
        ("POST", ["v1", "bytes"]) => Ok(Ask::Keep(body)),
        ("POST", ["v1", "actions"]) => message(&body).map(Ask::Act),
        ("GET", ["v1", "seats", app]) => id(app).map(Ask::Seat),
        ("POST", ["v1", "sessions"]) => message(&body).map(Ask::Open),
        ("POST", ["v1", "sessions", worker, session]) => {
            Ok(Ask::Say { worker: id(worker)?, session: id(session)?, sealed: body })
        }
        ("GET", ["v1", "batches", worker, boot, batch, index]) => {
            let (worker, boot) = (id(worker)?, id(boot)?);
            Ok(Ask::Leaf { worker, boot, batch: number(batch)?, index: number(index)? })
        }
        (
            _,
            ["health"]
            | ["v1", "genesis" | "certificate" | "status" | "bytes" | "actions" | "sessions"]
            | ["v1", "entry" | "nonce" | "receipts" | "requests" | "bytes" | "seats", _]
            | ["v1", "sessions", _, _]
            | ["v1", "batches", _, _, _, _],
        ) => Err(Refused::Method(method.chars().take(16).collect())),
        _ => Err(Refused::NotFound(path.chars().take(128).collect())),
    }
}

fn id<T: core::str::FromStr<Err = sotto_types::NotAnId>>(text: &str) -> Result<T, Refused> {
    text.parse().map_err(|e: sotto_types::NotAnId| Refused::Bad(e.to_string()))
}

fn entry_key(text: &str) -> Result<Vec<u8>, Refused> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    let is_key = !digits.is_empty()
        && digits.len() <= KEY_DIGITS_MAX
        && digits.len().is_multiple_of(2)
        // The parser below would take a sign.
        && digits.iter().all(u8::is_ascii_hexdigit);
    let byte = |pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = if is_key { digits.chunks(2).map(byte).collect() } else { None };
    bytes.ok_or_else(|| Refused::Bad("the key is not hexadecimal".into()))
}

fn message<T: Wire>(body: &[u8]) -> Result<Box<T>, Refused> {
    T::decode(body).map(Box::new).map_err(|e: Malformed| Refused::Bad(e.to_string()))
}

/// Decimal digits and nothing else.
fn number<T: core::str::FromStr>(text: &str) -> Result<T, Refused> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = text.parse().ok().filter(|_| is_number);
    parsed.ok_or_else(|| Refused::Bad("not a number".into()))
}
