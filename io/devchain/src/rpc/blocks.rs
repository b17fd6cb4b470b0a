//! Blocks and their receipts.

use super::{
    Answer,
    error::RpcError,
    params::{Params, tagged},
    quantity, read, transactions, value,
};
use crate::{block::Block, chain::Chain, node::Node};
use alloy::{
    eips::{BlockId, BlockNumberOrTag, eip4895::Withdrawals},
    primitives::{B256, U256},
    rpc::types,
};
use serde_json::Value;
use std::sync::Arc;

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    Some(match method {
        "eth_blockNumber" => read(node).map(|chain| quantity(chain.height())),
        "eth_getBlockByNumber" => by_number(node, params),
        "eth_getBlockByHash" => by_hash(node, params),
        "eth_getBlockReceipts" => receipts(node, params),
        "eth_getBlockTransactionCountByNumber" => count(node, params),
        "eth_getBlockTransactionCountByHash" => count(node, params),
        _ => return None,
    })
}

fn by_number(node: &Node, params: &mut Params) -> Answer {
    params.at_most(2)?;
    let tag: BlockNumberOrTag = params.needed(0, "block number")?;
    let full = params.given(1, "full transactions")?.unwrap_or(false);
    let chain = read(node)?;
    if tag == BlockNumberOrTag::Pending {
        return value(block(&chain.pending().block, full, true));
    }
    let found = tagged(&chain, tag).and_then(|number| chain.block(number));
    value(found.map(|found| block(found, full, false)))
}

fn by_hash(node: &Node, params: &mut Params) -> Answer {
    params.at_most(2)?;
    let hash: B256 = params.needed(0, "block hash")?;
    let full = params.given(1, "full transactions")?.unwrap_or(false);
    let chain = read(node)?;
    let found = chain.number(hash).and_then(|number| chain.block(number));
    value(found.map(|found| block(found, full, false)))
}

fn receipts(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let id: BlockId = params.needed(0, "block")?;
    let chain = read(node)?;
    let receipts = find(&chain, id).map(|block| -> Result<Vec<_>, RpcError> {
        (0..block.mined.len()).map(|index| transactions::receipt(&block, index)).collect()
    });
    value(receipts.transpose()?)
}

fn count(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let id: BlockId = params.needed(0, "block")?;
    let chain = read(node)?;
    Ok(find(&chain, id).map_or(Value::Null, |block| quantity(block.mined.len())))
}

/// The block a parameter names, if there is one.
pub(super) fn find(chain: &Chain, id: BlockId) -> Option<Arc<Block>> {
    let number = match id {
        BlockId::Hash(hash) => chain.number(hash.block_hash)?,
        BlockId::Number(tag) => match tagged(chain, tag) {
            Some(number) => number,
            None => return Some(Arc::clone(&chain.pending().block)),
        },
    };
    chain.block(number).cloned()
}

/// A block as the RPC shows it.
fn block(block: &Block, full: bool, pending: bool) -> types::Block {
    let transactions = if full {
        let all = 0..block.mined.len();
        types::BlockTransactions::Full(
            all.filter_map(|index| transactions::mined(block, index, pending)).collect(),
        )
    } else {
        types::BlockTransactions::Hashes(block.mined.iter().map(|one| one.tx.hash).collect())
    };
    types::Block {
        header: types::Header {
            hash: block.hash,
            inner: block.header.clone(),
            total_difficulty: Some(U256::ZERO),
            size: Some(U256::from(block.size)),
        },
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(Withdrawals::default()),
    }
}
