//! Prices: what gas costs now and what it cost before.

use super::{
    Answer,
    error::RpcError,
    params::{Params, tagged},
    quantity, read, value,
};
use crate::{
    block::{Block, Mined},
    limits::{FEE_HISTORY_BLOCKS_MAX, FEE_PERCENTILES_MAX},
    node::Node,
};
use alloy::{eips::BlockNumberOrTag, rpc::types::FeeHistory};

/// The tip suggested to senders, in wei per gas. Nothing competes here; any tip is mined.
const SUGGESTED_TIP: u128 = 1_000_000_000;

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    Some(match method {
        "eth_gasPrice" => {
            read(node).map(|chain| quantity(u128::from(chain.next_base_fee()) + SUGGESTED_TIP))
        }
        "eth_maxPriorityFeePerGas" => Ok(quantity(SUGGESTED_TIP)),
        // The least there is: no blobs are ever carried.
        "eth_blobBaseFee" => Ok(quantity(1_u64)),
        "eth_feeHistory" => history(node, params),
        _ => return None,
    })
}

fn history(node: &Node, params: &mut Params) -> Answer {
    params.at_most(3)?;
    let count = params.number(0, "block count")?.unwrap_or(1).min(FEE_HISTORY_BLOCKS_MAX);
    let newest: BlockNumberOrTag = params.needed(1, "newest block")?;
    let percentiles: Vec<f64> = params.given(2, "reward percentiles")?.unwrap_or_default();
    check(&percentiles)?;
    let chain = read(node)?;
    let newest = tagged(&chain, newest).unwrap_or_else(|| chain.height());
    if newest > chain.height() {
        let height = chain.height();
        let message = format!("request beyond head block: requested {newest}, head {height}");
        return Err(RpcError::refused(message));
    }
    if count == 0 {
        return value(FeeHistory::default());
    }
    let oldest = (newest + 1).saturating_sub(count);
    let blocks: Vec<_> = (oldest..=newest).filter_map(|number| chain.block(number)).collect();
    let base_fee = |block: &Block| u128::from(block.header.base_fee_per_gas.unwrap_or_default());
    let next =
        chain.block(newest + 1).map_or(u128::from(chain.next_base_fee()), |next| base_fee(next));
    let fees = blocks.iter().map(|block| base_fee(block)).chain([next]).collect();
    let ratio = |block: &&std::sync::Arc<Block>| {
        block.header.gas_used as f64 / block.header.gas_limit as f64
    };
    value(FeeHistory {
        base_fee_per_gas: fees,
        gas_used_ratio: blocks.iter().map(ratio).collect(),
        base_fee_per_blob_gas: vec![1; blocks.len() + 1],
        blob_gas_used_ratio: vec![0.0; blocks.len()],
        oldest_block: oldest,
        reward: (!percentiles.is_empty())
            .then(|| blocks.iter().map(|block| rewards(block, &percentiles)).collect()),
    })
}

fn check(percentiles: &[f64]) -> Result<(), RpcError> {
    if percentiles.len() > FEE_PERCENTILES_MAX {
        let message = format!("over the query limit {FEE_PERCENTILES_MAX}");
        return Err(RpcError::params(message));
    }
    let valid = percentiles.iter().all(|percentile| (0.0..=100.0).contains(percentile))
        && percentiles.is_sorted();
    if valid { Ok(()) } else { Err(RpcError::params("invalid reward percentile")) }
}

/// For each percentile of the block's gas, by rising tip, the tip paid there.
fn rewards(block: &Block, percentiles: &[f64]) -> Vec<u128> {
    let base_fee = u128::from(block.header.base_fee_per_gas.unwrap_or_default());
    let tip = |one: &Mined| one.effective_gas_price(&block.header).saturating_sub(base_fee);
    let mut paid: Vec<_> = block.mined.iter().map(|one| (tip(one), one.gas_used)).collect();
    paid.sort_unstable();
    let at = |percentile: &f64| {
        let threshold = block.header.gas_used as f64 * percentile / 100.0;
        let mut sum = 0;
        let reached = paid.iter().find(|(_, gas)| {
            sum += gas;
            sum as f64 >= threshold
        });
        reached.or(paid.last()).map_or(0, |(tip, _)| *tip)
    };
    percentiles.iter().map(at).collect()
}
