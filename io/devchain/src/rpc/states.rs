//! Accounts, code and storage, now and at earlier blocks.

use super::{
    Answer,
    params::{Params, at},
    quantity, read, value,
};
use crate::{chain::At, node::Node};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::{Address, B256, U256},
};

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    Some(match method {
        "eth_getBalance" => balance(node, params),
        "eth_getTransactionCount" => transaction_count(node, params),
        "eth_getCode" => code(node, params),
        "eth_getStorageAt" => storage(node, params),
        _ => return None,
    })
}

fn balance(node: &Node, params: &mut Params) -> Answer {
    let (address, block) = address_and_block(params)?;
    let chain = read(node)?;
    let at = at(&chain, block)?;
    Ok(quantity(chain.view(&at).account(address).balance))
}

fn transaction_count(node: &Node, params: &mut Params) -> Answer {
    let (address, block) = address_and_block(params)?;
    let chain = read(node)?;
    if block == Some(BlockId::Number(BlockNumberOrTag::Pending)) {
        // What the sender has waiting counts even where the next block has no room for it.
        let nonce = chain.account(address).nonce;
        return Ok(quantity(chain.pool.next_nonce(address, nonce)));
    }
    let at = at(&chain, block)?;
    Ok(quantity(chain.view(&at).account(address).nonce))
}

fn code(node: &Node, params: &mut Params) -> Answer {
    let (address, block) = address_and_block(params)?;
    let chain = read(node)?;
    let at = at(&chain, block)?;
    let view = chain.view(&at);
    value(view.code(view.account(address).code_hash).original_bytes())
}

fn storage(node: &Node, params: &mut Params) -> Answer {
    params.at_most(3)?;
    let address: Address = params.needed(0, "address")?;
    let slot: U256 = params.needed(1, "slot")?;
    let block: Option<BlockId> = params.given(2, "block")?;
    let chain = read(node)?;
    let at: At = at(&chain, block)?;
    value(B256::from(chain.view(&at).slot(address, slot)))
}

fn address_and_block(
    params: &mut Params,
) -> Result<(Address, Option<BlockId>), super::error::RpcError> {
    params.at_most(2)?;
    Ok((params.needed(0, "address")?, params.given(1, "block")?))
}
