//! Ethereum JSON-RPC over HTTP: one file per family of methods.

mod blocks;
mod call;
mod dev;
mod error;
mod fees;
pub(crate) mod filters;
mod http;
mod logs;
mod params;
mod states;
mod transactions;

pub(crate) use http::serve;

use crate::{chain::Chain, node::Node};
use alloy::primitives::keccak256;
use error::RpcError;
use params::Params;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{RwLockReadGuard, RwLockWriteGuard};

/// What a method answers.
type Answer = Result<Value, RpcError>;

/// Answers one method call. Blocks: it may run the virtual machine or wait for the disk.
fn answer(node: &Node, method: &str, params: &mut Params) -> Answer {
    match method {
        "web3_clientVersion" => {
            params.at_most(0)?;
            Ok(json!(concat!("sotto-devchain/v", env!("CARGO_PKG_VERSION"))))
        }
        "web3_sha3" => {
            params.at_most(1)?;
            let data: alloy::primitives::Bytes = params.needed(0, "data")?;
            value(keccak256(data))
        }
        "net_version" => Ok(json!(read(node)?.genesis.chain_id.to_string())),
        "net_listening" => Ok(json!(true)),
        "net_peerCount" => Ok(json!("0x0")),
        "eth_chainId" => Ok(quantity(read(node)?.genesis.chain_id)),
        "eth_syncing" => Ok(json!(false)),
        // This node holds no keys.
        "eth_accounts" => Ok(json!([])),
        _ => None
            .or_else(|| blocks::answer(node, method, params))
            .or_else(|| states::answer(node, method, params))
            .or_else(|| transactions::answer(node, method, params))
            .or_else(|| call::answer(node, method, params))
            .or_else(|| fees::answer(node, method, params))
            .or_else(|| logs::answer(node, method, params))
            .or_else(|| filters::answer(node, method, params))
            .or_else(|| dev::answer(node, method, params))
            .unwrap_or_else(|| Err(RpcError::no_method(method))),
    }
}

fn read(node: &Node) -> Result<RwLockReadGuard<'_, Chain>, RpcError> {
    let chain = node.chain.read().map_err(|_| RpcError::internal("an earlier request panicked"))?;
    chain.check()?;
    Ok(chain)
}

fn write(node: &Node) -> Result<RwLockWriteGuard<'_, Chain>, RpcError> {
    node.chain.write().map_err(|_| RpcError::internal("an earlier request panicked"))
}

/// A number as Ethereum JSON-RPC writes it.
fn quantity(number: impl std::fmt::LowerHex) -> Value {
    Value::String(format!("{number:#x}"))
}

fn value(value: impl Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| RpcError::internal(error.to_string()))
}
