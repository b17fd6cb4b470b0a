//! Parameters by position, read with a clear refusal for each.

use super::error::RpcError;
use crate::chain::{At, Chain};
use alloy::{
    eips::{BlockId, BlockNumberOrTag, RpcBlockHash},
    primitives::U64,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A call's parameters.
pub(crate) struct Params(Vec<Value>);

impl Params {
    /// Missing or null parameters are none; an object is one parameter.
    pub(crate) fn new(params: Option<Value>) -> Result<Self, RpcError> {
        match params {
            None | Some(Value::Null) => Ok(Self(Vec::new())),
            Some(Value::Array(values)) => Ok(Self(values)),
            Some(value @ Value::Object(_)) => Ok(Self(vec![value])),
            Some(_) => Err(RpcError::invalid_request("params must be an array")),
        }
    }

    /// Refuses more than `count` parameters.
    pub(crate) fn at_most(&self, count: usize) -> Result<(), RpcError> {
        if self.0.len() <= count {
            return Ok(());
        }
        let message = format!("too many arguments, want at most {count}");
        Err(RpcError::params(message))
    }

    /// A parameter that may be left out or null.
    pub(crate) fn given<T: DeserializeOwned>(
        &mut self,
        index: usize,
        name: &str,
    ) -> Result<Option<T>, RpcError> {
        let Some(value) = self.0.get_mut(index).map(Value::take).filter(|value| !value.is_null())
        else {
            return Ok(None);
        };
        serde_json::from_value(value).map(Some).map_err(|error| {
            RpcError::params(format!("invalid argument {index} ({name}): {error}"))
        })
    }

    /// A parameter that must be there.
    pub(crate) fn needed<T: DeserializeOwned>(
        &mut self,
        index: usize,
        name: &str,
    ) -> Result<T, RpcError> {
        let missing =
            || RpcError::params(format!("missing value for required argument {index} ({name})"));
        self.given(index, name)?.ok_or_else(missing)
    }

    /// A number that may be left out, hexadecimal or plain.
    pub(crate) fn number(&mut self, index: usize, name: &str) -> Result<Option<u64>, RpcError> {
        Ok(self.given::<U64>(index, name)?.map(|number| number.to()))
    }
}

/// The number a tag stands for; `None` for `pending`.
pub(crate) fn tagged(chain: &Chain, tag: BlockNumberOrTag) -> Option<u64> {
    let height = chain.height();
    match tag {
        BlockNumberOrTag::Latest => Some(height),
        BlockNumberOrTag::Safe => Some(height.saturating_sub(1)),
        BlockNumberOrTag::Finalized => Some(height.saturating_sub(2)),
        BlockNumberOrTag::Earliest => Some(0),
        BlockNumberOrTag::Pending => None,
        BlockNumberOrTag::Number(number) => Some(number),
    }
}

/// The point of the chain a block parameter names.
pub(crate) fn at(chain: &Chain, id: Option<BlockId>) -> Result<At, RpcError> {
    let number = match id.unwrap_or_default() {
        BlockId::Hash(RpcBlockHash { block_hash, .. }) => chain.number(block_hash),
        BlockId::Number(tag) => match tagged(chain, tag) {
            None => return Ok(At::Pending(chain.pending())),
            Some(number) => Some(number).filter(|number| *number <= chain.height()),
        },
    };
    number.map(At::Block).ok_or_else(|| RpcError::refused("header not found"))
}
