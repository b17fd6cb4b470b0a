//! JSON-RPC errors with the codes and words clients know.

use crate::{
    Error,
    chain::{Impossible, Refusal},
};
use alloy::{
    primitives::Bytes,
    sol_types::{Panic, Revert, SolError},
};
use serde::Serialize;
use std::borrow::Cow;

/// An error object of JSON-RPC 2.0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Bytes>,
}

impl RpcError {
    const fn new(code: i64, message: Cow<'static, str>) -> Self {
        Self { code, message, data: None }
    }

    /// The request is no JSON.
    pub(crate) fn parse(message: String) -> Self {
        Self::new(-32700, message.into())
    }

    /// The request is no JSON-RPC call.
    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32600, message.into())
    }

    /// There is no such method.
    pub(crate) fn no_method(method: &str) -> Self {
        let name: String = method.chars().take(100).collect();
        let message = format!("the method {name} does not exist/is not available");
        Self::new(-32601, message.into())
    }

    /// The parameters are wrong.
    pub(crate) fn params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32602, message.into())
    }

    /// This node failed.
    pub(crate) fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32603, message.into())
    }

    /// The call is well formed and was refused (geth's code for nearly everything).
    pub(crate) fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32000, message.into())
    }

    /// The answer would be too large.
    pub(crate) fn too_much(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(-32005, message.into())
    }

    /// The contract reverted with `data`.
    pub(crate) fn reverted(data: Bytes) -> Self {
        let reason = Revert::abi_decode(&data)
            .map(|revert| revert.reason)
            .or_else(|_| Panic::abi_decode(&data).map(|panic| panic.to_string()));
        let message = match reason {
            Ok(reason) => format!("execution reverted: {reason}").into(),
            Err(_) => "execution reverted".into(),
        };
        Self { code: 3, message, data: Some(data) }
    }
}

impl From<Error> for RpcError {
    fn from(error: Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Refusal> for RpcError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Chain(error) => error.into(),
            refusal => Self::refused(refusal.to_string()),
        }
    }
}

impl From<Impossible> for RpcError {
    fn from(impossible: Impossible) -> Self {
        match impossible {
            Impossible::Chain(error) => error.into(),
            impossible => Self::params(impossible.to_string()),
        }
    }
}
