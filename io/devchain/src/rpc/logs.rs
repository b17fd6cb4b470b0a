//! Logs of mined blocks.

use super::{
    Answer,
    error::RpcError,
    params::{Params, tagged},
    read, value,
};
use crate::{
    block::Block,
    chain::Chain,
    limits::{FILTER_VALUES_MAX, LOGS_MAX},
    node::Node,
};
use alloy::{
    eips::{BlockNumHash, BlockNumberOrTag},
    rpc::types::{Filter, FilterBlockOption, Log},
};
use std::ops::RangeInclusive;

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    (method == "eth_getLogs").then(|| get(node, params))
}

fn get(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let filter: Filter = params.needed(0, "filter")?;
    check(&filter)?;
    let chain = read(node)?;
    value(find(&chain, &filter, node.max_log_range)?)
}

/// Refuses filters of unreasonable size.
pub(super) fn check(filter: &Filter) -> Result<(), RpcError> {
    let longest = filter.topics.iter().map(|topic| topic.len()).chain([filter.address.len()]).max();
    if longest.is_some_and(|longest| longest > FILTER_VALUES_MAX) {
        let message =
            format!("exceed max addresses or topics per search position: {FILTER_VALUES_MAX}");
        return Err(RpcError::params(message));
    }
    Ok(())
}

/// The logs a filter names, oldest first.
pub(super) fn find(chain: &Chain, filter: &Filter, most: u64) -> Result<Vec<Log>, RpcError> {
    let blocks = match filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let number = chain.number(hash).ok_or_else(|| RpcError::refused("unknown block"))?;
            number..=number
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let number = |tag: Option<BlockNumberOrTag>| {
                tagged(chain, tag.unwrap_or_default()).unwrap_or_else(|| chain.height())
            };
            let (from, to) = (number(from_block), number(to_block));
            if from > to {
                let message = format!("invalid block range params: from {from} to {to}");
                return Err(RpcError::params(message));
            }
            from..=to.min(chain.height())
        }
    };
    in_range(chain, filter, blocks, most)
}

/// The filter's logs in `blocks`, whatever range the filter itself names.
pub(super) fn in_range(
    chain: &Chain,
    filter: &Filter,
    blocks: RangeInclusive<u64>,
    most: u64,
) -> Result<Vec<Log>, RpcError> {
    let asked = blocks.end().saturating_sub(*blocks.start()).saturating_add(1);
    if !blocks.is_empty() && asked > most {
        let message = format!("block range too large: {asked} blocks, at most {most}");
        return Err(RpcError::params(message));
    }
    let mut filter = filter.clone();
    filter.block_option = FilterBlockOption::default();
    let mut logs = Vec::new();
    for block in blocks.filter_map(|number| chain.block(number)) {
        append(&mut logs, block, &filter);
        if logs.len() > LOGS_MAX {
            return Err(RpcError::too_much(format!("query returned more than {LOGS_MAX} results")));
        }
    }
    Ok(logs)
}

fn append(logs: &mut Vec<Log>, block: &Block, filter: &Filter) {
    if !filter.matches_bloom(block.header.logs_bloom) {
        return;
    }
    let place = BlockNumHash::new(block.header.number, block.hash);
    let receipts = block.mined.iter().map(|one| (one.tx.hash, &one.receipt));
    filter.append_matching_block_logs(logs, place, block.header.timestamp, receipts, false);
}
