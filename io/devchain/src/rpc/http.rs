//! The HTTP side: bodies in, JSON-RPC calls apart, answers out.

use super::{answer, error::RpcError, params::Params};
use crate::{
    limits::{BATCH_MAX, BODY_BYTES_MAX},
    node::Node,
};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::{net::TcpListener, sync::watch};
use tower_http::cors::CorsLayer;

/// Serves JSON-RPC until told to stop, then lets requests under way end.
pub(crate) async fn serve(
    listener: TcpListener,
    node: Arc<Node>,
    mut stopped: watch::Receiver<bool>,
) {
    let router = Router::new()
        .route("/", post(calls))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CorsLayer::permissive())
        .with_state(node);
    let until = async move {
        // An error means the sender is gone, which also ends the service.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
        tracing::error!(%error, "the server stopped");
    }
}

async fn calls(State(node): State<Arc<Node>>, body: Bytes) -> Response {
    let Ok(place) = Arc::clone(&node.places).acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let answered = tokio::task::spawn_blocking(move || {
        let _place = place;
        work(&node, &body)
    });
    match answered.await {
        Ok(Some(body)) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        Ok(None) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            tracing::error!(%error, "a request panicked");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Answers a request body; `None` if it holds only notifications.
fn work(node: &Node, body: &[u8]) -> Option<String> {
    let failed = |error: RpcError| Some(reply(Value::Null, Err(error)).to_string());
    match serde_json::from_slice(body) {
        Err(error) => failed(RpcError::parse(format!("parse error: {error}"))),
        Ok(Value::Array(calls)) if calls.is_empty() => {
            failed(RpcError::invalid_request("empty batch"))
        }
        Ok(Value::Array(calls)) if calls.len() > BATCH_MAX => {
            let message = format!("batch too large: {} calls, at most {BATCH_MAX}", calls.len());
            failed(RpcError::invalid_request(message))
        }
        Ok(Value::Array(calls)) => {
            let replies: Vec<_> = calls.into_iter().filter_map(|call| one(node, call)).collect();
            (!replies.is_empty()).then(|| Value::Array(replies).to_string())
        }
        Ok(call) => one(node, call).map(|reply| reply.to_string()),
    }
}

/// Answers one call; `None` if it is a notification.
fn one(node: &Node, call: Value) -> Option<Value> {
    let Value::Object(mut call) = call else {
        let error = RpcError::invalid_request("a call must be an object");
        return Some(reply(Value::Null, Err(error)));
    };
    let id = call.remove("id");
    let result = take_apart(call).and_then(|(method, mut params)| {
        tracing::trace!(method, "call");
        answer(node, &method, &mut params)
    });
    match id {
        None if result.as_ref().is_err_and(|error| error.code == -32600) => {
            Some(reply(Value::Null, result))
        }
        None => None,
        Some(id @ (Value::Null | Value::Number(_) | Value::String(_))) => Some(reply(id, result)),
        Some(_) => {
            let error = RpcError::invalid_request("an id must be a number, a string or null");
            Some(reply(Value::Null, Err(error)))
        }
    }
}

fn take_apart(mut call: Map<String, Value>) -> Result<(String, Params), RpcError> {
    if call.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(RpcError::invalid_request("jsonrpc must be \"2.0\""));
    }
    let Some(Value::String(method)) = call.remove("method") else {
        return Err(RpcError::invalid_request("method must be a string"));
    };
    Ok((method, Params::new(call.remove("params"))?))
}

fn reply(id: Value, result: Result<Value, RpcError>) -> Value {
    match result {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(error) => json!({ "jsonrpc": "2.0", "id": id, "error": error }),
    }
}
