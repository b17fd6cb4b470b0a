//! JSON-RPC over HTTP, with errors by blame.

use alloy::{
    primitives::{Address, B256, Bytes, U64, U128},
    rpc::{
        client::{ClientBuilder, RpcClient},
        json_rpc::{RpcError, RpcRecv, RpcSend},
        types::TransactionRequest,
    },
    transports::{TransportError, TransportErrorKind},
};
use serde::Deserialize;
use sotto_types::{BlockRef, Finality, Hash, Time};
use std::time::Duration;

/// Calls sent in one HTTP request.
pub(crate) const BATCH: usize = 50;

/// What went wrong with a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It did not leave this machine, or the node said that it took nothing.
    #[error("{0}")]
    Unsent(String),
    /// It left, and no answer came.
    #[error("{0}")]
    NoAnswer(String),
    /// The node answered with an error.
    #[error("{message} (code {code})")]
    Refused {
        /// JSON-RPC's code.
        code: i64,
        /// The node's words.
        message: String,
        /// What a call reverted with.
        data: Option<Vec<u8>>,
    },
    /// The node's answer is not what was asked for.
    #[error("{0}")]
    Malformed(String),
}

/// A header, as far as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    number: U64,
    hash: B256,
    parent_hash: B256,
    timestamp: U64,
    pub(crate) base_fee_per_gas: Option<U128>,
}

impl Header {
    pub(crate) fn block(&self) -> BlockRef {
        BlockRef {
            height: self.number.to(),
            hash: Hash(self.hash.0),
            parent: Hash(self.parent_hash.0),
            time: Time(self.timestamp.to()),
        }
    }
}

/// One node.
#[derive(Clone, Debug)]
pub(crate) struct Rpc(RpcClient);

impl Rpc {
    pub(crate) fn new(url: &str, timeout: Duration) -> Result<Self, String> {
        let url: reqwest::Url = url.parse().map_err(|error| format!("{url:?}: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{:?}: only http and https are spoken", url.scheme()));
        }
        let http = reqwest::Client::builder().timeout(timeout).build();
        let http = http.map_err(|error| error.to_string())?;
        Ok(Self(ClientBuilder::default().http_with_client(http, url)))
    }

    pub(crate) async fn ask<P: RpcSend, R: RpcRecv>(
        &self,
        method: &'static str,
        params: P,
    ) -> Result<R, Fault> {
        self.0.request(method, params).await.map_err(fault)
    }

    /// Two questions in one HTTP request, so that one backend answers both.
    pub(crate) async fn both<P1: RpcSend, R1: RpcRecv, P2: RpcSend, R2: RpcRecv>(
        &self,
        first: (&'static str, P1),
        second: (&'static str, P2),
    ) -> Result<(Result<R1, Fault>, Result<R2, Fault>), Fault> {
        let mut batch = self.0.new_batch();
        let first = batch.add_call::<P1, R1>(first.0, &first.1).map_err(fault)?;
        let second = batch.add_call::<P2, R2>(second.0, &second.1).map_err(fault)?;
        batch.await.map_err(fault)?;
        Ok((first.await.map_err(fault), second.await.map_err(fault)))
    }

    /// The answers of several calls at one block, in order.
    pub(crate) async fn calls(
        &self,
        to: Address,
        inputs: &[Vec<u8>],
        tag: &str,
    ) -> Result<Vec<Bytes>, Fault> {
        let mut answers = Vec::with_capacity(inputs.len());
        for chunk in inputs.chunks(BATCH) {
            let mut batch = self.0.new_batch();
            let mut waiting = Vec::with_capacity(chunk.len());
            for input in chunk {
                let call = call_request(None, to, input);
                waiting.push(batch.add_call("eth_call", &(call, tag)).map_err(fault)?);
            }
            batch.await.map_err(fault)?;
            for answer in waiting {
                answers.push(answer.await.map_err(fault)?);
            }
        }
        Ok(answers)
    }

    pub(crate) async fn call(
        &self,
        from: Option<Address>,
        to: Address,
        input: &[u8],
        tag: &str,
    ) -> Result<Bytes, Fault> {
        self.ask("eth_call", (call_request(from, to, input), tag)).await
    }

    pub(crate) async fn header(&self, tag: &str) -> Result<Option<Header>, Fault> {
        self.ask("eth_getBlockByNumber", (tag, false)).await
    }

    pub(crate) async fn height(&self) -> Result<u64, Fault> {
        let height: U64 = self.ask("eth_blockNumber", ()).await?;
        Ok(height.to())
    }

    /// The tag of the newest block that is final so.
    pub(crate) async fn tag(&self, finality: Finality) -> Result<String, Fault> {
        match finality {
            Finality::Instant => Ok("latest".into()),
            Finality::Finalized => Ok("finalized".into()),
            Finality::Depth(depth) => Ok(number(self.height().await?.saturating_sub(depth.into()))),
        }
    }
}

/// A height as a tag.
pub(crate) fn number(height: u64) -> String {
    format!("{height:#x}")
}

pub(crate) fn call_request(from: Option<Address>, to: Address, input: &[u8]) -> TransactionRequest {
    let mut request = TransactionRequest::default().to(to).input(input.to_vec().into());
    request.from = from;
    request
}

fn fault(error: TransportError) -> Fault {
    match error {
        RpcError::ErrorResp(payload) => Fault::Refused {
            code: payload.code,
            data: payload.as_revert_data().map(|data| data.to_vec()),
            message: payload.message.chars().take(300).collect(),
        },
        RpcError::Transport(TransportErrorKind::HttpError(error)) => {
            let status = error.status;
            let text = format!("HTTP status {status}");
            // Refused at the door; anything else may have gone further.
            if (400..500).contains(&status) { Fault::Unsent(text) } else { Fault::NoAnswer(text) }
        }
        RpcError::Transport(TransportErrorKind::Custom(error)) => {
            match error.downcast_ref::<reqwest::Error>() {
                Some(http) if http.is_connect() || http.is_builder() => {
                    Fault::Unsent(chain_of(http))
                }
                Some(http) => Fault::NoAnswer(chain_of(http)),
                None => Fault::NoAnswer(error.to_string()),
            }
        }
        RpcError::Transport(other) => Fault::NoAnswer(other.to_string()),
        RpcError::NullResp => Fault::Malformed("null where a value is due".into()),
        RpcError::DeserError { err, .. } => Fault::Malformed(err.to_string()),
        RpcError::SerError(error) => Fault::Unsent(error.to_string()),
        other => Fault::Unsent(other.to_string()),
    }
}

/// An error with its causes, without the URL, which may hold a provider's key.
fn chain_of(error: &reqwest::Error) -> String {
    let mut text = match () {
        () if error.is_timeout() => "timed out".to_owned(),
        () if error.is_connect() => "could not connect".to_owned(),
        () => "broke off".to_owned(),
    };
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
