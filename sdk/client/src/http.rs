//! The questions a gateway answers, without a socket: each is an [`HttpRequest`] to be sent by
//! whatever means, and a reading of the [`HttpResponse`] that checks what can be checked by the
//! answer alone. What a gateway says in JSON (status, nonce, how far a request has come, what
//! became of an action) is its word and no more; entries and receipts are for a
//! [`Network`] to check. Not here: sockets (`Gateway`, feature `http`).

use crate::direct::DirectAnswer;
use crate::error::{ClientError, NotBelieved, plain};
use crate::network::Network;
use core::fmt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sotto_ledger::state::{Answered, Batched, Seat};
use sotto_ledger::view::key;
use sotto_types::{
    AppId, Certificate, Genesis, Hash, LeafProof, NetworkId, NodeId, ReceiptBundle, RequestId,
    SignedAction, Wire, limits,
};

/// The longest status, in bytes: every worker, app and open request has its line there.
const STATUS_MAX: usize = 8 << 20;
/// The longest of the short answers, in bytes.
const SHORT_MAX: usize = 16 << 10;
/// The longest key of an entry that a gateway takes, in bytes.
const KEY_MAX: usize = 256;
/// Seconds for an answer that the gateway has at hand.
const SOON: u64 = 30;
/// Seconds for an action: a gateway waits up to 60 for a block.
const A_BLOCK: u64 = 75;
/// Seconds for up to 32 MiB of bytes.
const A_COMPONENT: u64 = 180;

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, from the gateway's root: it begins with `/`.
    pub path: String,
    /// The body; empty for `GET`.
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

type Read<T> = Box<dyn FnOnce(Vec<u8>) -> Result<T, ClientError> + Send>;

/// A question to a gateway: what to send, and how to read what comes back.
pub struct Question<T> {
    /// What to send.
    pub request: HttpRequest,
    /// The most bytes of a right answer: whoever carries the question reads no more.
    pub max: usize,
    /// How long the answer may take, in seconds.
    pub seconds: u64,
    /// The status by which a gateway says that the network, not itself, refuses.
    refusal: Option<u16>,
    read: Read<T>,
}

impl<T> fmt::Debug for Question<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Question({} {})", self.request.method, self.request.path)
    }
}

impl<T> Question<T> {
    fn get(
        path: String,
        max: usize,
        read: impl FnOnce(Vec<u8>) -> Result<T, ClientError> + Send + 'static,
    ) -> Self {
        let request = HttpRequest { method: "GET", path, body: Vec::new() };
        Self { request, max, seconds: SOON, refusal: None, read: Box::new(read) }
    }

    fn post(
        path: &str,
        body: Vec<u8>,
        seconds: u64,
        read: impl FnOnce(Vec<u8>) -> Result<T, ClientError> + Send + 'static,
    ) -> Self {
        let request = HttpRequest { method: "POST", path: path.into(), body };
        Self { request, max: SHORT_MAX, seconds, refusal: None, read: Box::new(read) }
    }

    /// Reads the answer.
    ///
    /// # Errors
    /// [`ClientError::Gateway`] for any status but 200, [`ClientError::TooLong`],
    /// [`ClientError::Malformed`], and [`ClientError::NotBelieved`] where the answer is not to
    /// this question.
    pub fn finish(self, response: HttpResponse) -> Result<T, ClientError> {
        let HttpResponse { status, body } = response;
        if status != 200 {
            let message = plain(&String::from_utf8_lossy(&body[..body.len().min(SHORT_MAX)]));
            if self.refusal == Some(status) {
                return Err(ClientError::Refused(message));
            }
            return Err(ClientError::Gateway { status, message });
        }
        if body.len() > self.max {
            return Err(ClientError::TooLong { max: self.max });
        }
        (self.read)(body)
    }
}

/// A genesis as somebody offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedGenesis(Vec<u8>);

impl OfferedGenesis {
    /// The bytes, to be kept, or to be believed as they are by [`Network::from_genesis`].
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The network, if it is the one expected.
    ///
    /// # Errors
    /// [`NotBelieved::Genesis`] for another network's, [`ClientError::Malformed`].
    pub fn pinned(&self, want: &NetworkId) -> Result<Network, ClientError> {
        let network = Network::from_genesis(&self.0)?;
        if network.id() != *want {
            return Err(NotBelieved::Genesis { want: *want, got: network.id() }.into());
        }
        Ok(network)
    }
}

/// What became of an action, by the gateway's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActOutcome {
    /// The height of the block that holds it.
    pub height: u64,
    /// Why it changed nothing there, if so.
    pub refused: Option<String>,
}

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Progress {
    /// Not admitted; its escrow returns after its deadline.
    Refused,
    /// Its bytes are not held yet.
    Waiting,
    /// Its bytes are held.
    Held,
    /// A worker is to answer.
    Assigned,
    /// A worker answered; the result is on its way to the chain.
    Answered,
    /// Nobody answered in time.
    Unanswered,
    /// The app failed.
    Failed,
    /// The chain accepted the result.
    Settled,
    /// The requester has its escrow back.
    Refunded,
    /// A word this program does not know.
    #[serde(other)]
    Unknown,
}

impl Progress {
    /// Whether the network does nothing more about it by itself.
    pub const fn ended(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Unanswered | Self::Failed | Self::Settled | Self::Refunded
        )
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Assigned => "assigned",
            Self::Answered => "answered",
            Self::Unanswered => "unanswered",
            Self::Failed => "failed",
            Self::Settled => "settled",
            Self::Refunded => "refunded",
            Self::Unknown => "unknown",
        })
    }
}

/// A request in figures, by the gateway's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestLine {
    /// Its id, in hexadecimal.
    pub id: String,
    /// Its number in its contract.
    pub number: u64,
    /// The app asked, in hexadecimal.
    pub app: String,
    /// How far it has come.
    pub progress: Progress,
    /// Why, where there is something to say.
    pub detail: Option<String>,
}

/// `GET /health`: whether anybody is there.
pub fn health() -> Question<()> {
    Question::get("/health".into(), SHORT_MAX, |body| match body.as_slice() {
        b"ok" | b"ok\n" => Ok(()),
        _ => Err(ClientError::malformed("gateway", "it does not say ok")),
    })
}

/// `GET /v1/genesis`: the genesis of the gateway's network, as offered.
pub fn genesis() -> Question<OfferedGenesis> {
    Question::get("/v1/genesis".into(), Genesis::MAX, |body| {
        decoded::<Genesis>(&body, "genesis")?;
        Ok(OfferedGenesis(body))
    })
}

/// `GET /v1/certificate`: the last block's certificate, for [`Network::check_certificate`].
pub fn certificate() -> Question<Certificate> {
    Question::get("/v1/certificate".into(), Certificate::MAX, |body| decoded(&body, "certificate"))
}

/// `GET /v1/status`: the network in figures, by the gateway's word.
pub fn status() -> Question<serde_json::Value> {
    Question::get("/v1/status".into(), STATUS_MAX, |body| json(&body, "status"))
}

/// `GET /v1/entry/<key>`: an entry of the ledger with its proof, for [`Network::check_entry`]. Its
/// key is made by [`sotto_ledger::view::key`]. That an entry is *not* there (status 404) is the
/// gateway's word: the ledger proves what it holds only.
///
/// # Errors
/// [`ClientError::Argument`] for a key of no or more than 256 bytes.
pub fn entry(key: &[u8]) -> Result<Question<ReceiptBundle>, ClientError> {
    if key.is_empty() || key.len() > KEY_MAX {
        let why = format!("{} bytes where 1 to {KEY_MAX} are asked for", key.len());
        return Err(ClientError::argument("key", why));
    }
    let path = format!("/v1/entry/{}", hex::encode(key));
    let key = key.to_vec();
    Ok(Question::get(path, ReceiptBundle::MAX, move |body| bundle(&body, &key)))
}

/// `GET /v1/nonce/<node>`: the last nonce counted for a sender; 0 before its first action.
pub fn nonce(node: &NodeId) -> Question<u64> {
    #[derive(Deserialize)]
    struct Answer {
        nonce: u64,
    }
    Question::get(format!("/v1/nonce/{node}"), SHORT_MAX, |body| {
        json::<Answer>(&body, "nonce").map(|answer| answer.nonce)
    })
}

/// `GET /v1/receipts/<request>`: the bytes of that request's receipt with all that proves it, for
/// [`Network::check_receipt`].
pub fn receipt(request: &RequestId) -> Question<Vec<u8>> {
    let key = key::<Answered>(request);
    Question::get(format!("/v1/receipts/{request}"), ReceiptBundle::MAX, move |body| {
        bundle(&body, &key)?;
        Ok(body)
    })
}

/// `GET /v1/requests/<request>`: how far a request has come.
pub fn request(request: &RequestId) -> Question<RequestLine> {
    let id = *request;
    Question::get(format!("/v1/requests/{request}"), SHORT_MAX, move |body| {
        let mut line: RequestLine = json(&body, "request")?;
        if line.id.parse() != Ok(id) {
            return Err(ClientError::malformed("request", "it is of another request"));
        }
        (line.id, line.app) = (id.to_string(), plain(&line.app));
        line.detail = line.detail.as_deref().map(plain);
        Ok(line)
    })
}

/// `GET /v1/seats/<app>`: a seat of the app, for [`Network::check_seat`]. Status 503 while no worker
/// has taken one: being asked, they do.
pub fn seat(app: &AppId) -> Question<ReceiptBundle> {
    let app = *app;
    Question::get(format!("/v1/seats/{app}"), ReceiptBundle::MAX, move |body| {
        let bundle: ReceiptBundle = decoded(&body, "proof")?;
        match Seat::place(&bundle.answer.key) {
            Some((_, of, _)) if of == app => Ok(bundle),
            _ => Err(NotBelieved::OtherEntry.into()),
        }
    })
}

/// `GET /v1/batches/<worker>/<boot>/<batch>/<index>`: what proves the receipt of a direct call, for
/// [`DirectAnswer::proved`]. Status 404 until the ledger has the batch, or if it never will.
pub fn leaf(answer: &DirectAnswer) -> Question<LeafProof> {
    let DirectAnswer { receipt, batch, index, .. } = answer;
    let path = format!("/v1/batches/{}/{}/{batch}/{index}", receipt.worker, receipt.boot);
    let (batch, index) = (key::<Batched>(&(receipt.worker, (receipt.boot, *batch))), *index);
    Question::get(path, LeafProof::MAX, move |body| {
        let proof: LeafProof = decoded(&body, "proof")?;
        if proof.batch.answer.key != batch || proof.index != index {
            return Err(NotBelieved::OtherEntry.into());
        }
        Ok(proof)
    })
}

/// `GET /v1/bytes/<hash>`: bytes by their hash, checked against it.
pub fn bytes(hash: &Hash) -> Question<Vec<u8>> {
    let want = *hash;
    let mut question = Question::get(
        format!("/v1/bytes/{hash}"),
        limits::COMPONENT_MAX,
        move |body| match Hash::of(&body) {
            got if got == want => Ok(body),
            got => Err(NotBelieved::Bytes { want, got }.into()),
        },
    );
    question.seconds = A_COMPONENT;
    question
}

/// `POST /v1/bytes`: an envelope, a payload or a component to be held; its hash, which must be the
/// one that the gateway names.
///
/// # Errors
/// [`ClientError::Argument`] for no bytes, or more than a gateway takes.
pub fn keep(bytes: Vec<u8>) -> Result<Question<Hash>, ClientError> {
    #[derive(Deserialize)]
    struct Answer {
        hash: String,
    }
    let max = limits::COMPONENT_MAX;
    if bytes.is_empty() || bytes.len() > max {
        let why = format!("{} where 1 to {max} are taken", bytes.len());
        return Err(ClientError::argument("bytes", why));
    }
    let want = Hash::of(&bytes);
    Ok(Question::post("/v1/bytes", bytes, A_COMPONENT, move |body| {
        let answer: Answer = json(&body, "hash")?;
        let got = answer.hash.parse().map_err(|e| ClientError::malformed("hash", e))?;
        if got == want { Ok(want) } else { Err(NotBelieved::Bytes { want, got }.into()) }
    }))
}

/// `POST /v1/actions`: a signed action; answered once a block holds it. That the council does not
/// even pool it (status 409) is [`ClientError::Refused`]; that the block refuses it stands in
/// [`ActOutcome::refused`].
///
/// # Errors
/// [`ClientError::Argument`] for an action longer than a gateway takes.
pub fn act(signed: &SignedAction) -> Result<Question<ActOutcome>, ClientError> {
    let body = signed.encode();
    // What a gateway would refuse, said before it travels.
    SignedAction::decode(&body).map_err(|e| ClientError::argument("action", e))?;
    let mut question = Question::post("/v1/actions", body, A_BLOCK, |body| {
        let mut outcome: ActOutcome = json(&body, "outcome")?;
        outcome.refused = outcome.refused.as_deref().map(plain);
        Ok(outcome)
    });
    question.refusal = Some(409);
    Ok(question)
}

fn decoded<T: Wire>(body: &[u8], what: &'static str) -> Result<T, ClientError> {
    T::decode(body).map_err(|e| ClientError::malformed(what, e))
}

fn json<T: DeserializeOwned>(body: &[u8], what: &'static str) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|e| ClientError::malformed(what, e))
}

/// A proof of the entry asked for, and no other: a receipt names its request by itself, so a
/// gateway could answer with another's.
fn bundle(body: &[u8], key: &[u8]) -> Result<ReceiptBundle, ClientError> {
    let bundle: ReceiptBundle = decoded(body, "proof")?;
    if bundle.answer.key != key {
        return Err(NotBelieved::OtherEntry.into());
    }
    Ok(bundle)
}
