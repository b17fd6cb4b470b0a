//! Installed filters: what is new since a client last asked. They live in memory only,
//! and say nothing of what a reorganisation removed or put in the place of blocks already told of.

use super::{Answer, error::RpcError, logs, params::Params, quantity, read, value};
use crate::{
    chain::Chain,
    limits::{FILTER_IDLE, FILTERS_MAX},
    node::Node,
};
use alloy::{
    primitives::U64,
    rpc::types::{Filter, FilterBlockOption},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
    time::Instant,
};

/// The filters clients installed, by number.
#[derive(Default)]
pub(crate) struct Filters {
    by_id: BTreeMap<u64, Installed>,
    last_id: u64,
}

struct Installed {
    what: What,
    polled: Instant,
}

enum What {
    /// Logs of blocks from this one on.
    Logs { filter: Box<Filter>, next: u64 },
    /// Hashes of blocks from this one on.
    Blocks { next: u64 },
    /// Hashes of transactions that came into the pool after this arrival.
    Arrivals { last: u64 },
}

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    Some(match method {
        "eth_newFilter" => new_logs(node, params),
        "eth_newBlockFilter" => {
            read(node).map(|chain| install(node, What::Blocks { next: chain.height() + 1 }))
        }
        "eth_newPendingTransactionFilter" => read(node).map(|chain| {
            let (_, last) = chain.pool.since(u64::MAX);
            install(node, What::Arrivals { last })
        }),
        "eth_getFilterChanges" => changes(node, params),
        "eth_getFilterLogs" => filter_logs(node, params),
        "eth_uninstallFilter" => uninstall(node, params),
        _ => return None,
    })
}

fn new_logs(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let filter: Filter = params.needed(0, "filter")?;
    logs::check(&filter)?;
    if matches!(filter.block_option, FilterBlockOption::AtBlockHash(_)) {
        return Err(RpcError::params("a filter is over a range, not one block"));
    }
    let chain = read(node)?;
    // An explicit first block counts as not yet seen; otherwise only what comes is new.
    let from = filter.get_from_block();
    let next = from.map_or(chain.height() + 1, |from| from.min(chain.height() + 1));
    Ok(install(node, What::Logs { filter: Box::new(filter), next }))
}

fn install(node: &Node, what: What) -> serde_json::Value {
    let mut filters = lock(node);
    let now = Instant::now();
    filters.by_id.retain(|_, installed| now.duration_since(installed.polled) < FILTER_IDLE);
    if filters.by_id.len() >= FILTERS_MAX {
        let oldest = filters.by_id.iter().min_by_key(|(_, installed)| installed.polled);
        if let Some(id) = oldest.map(|(id, _)| *id) {
            filters.by_id.remove(&id);
        }
    }
    filters.last_id += 1;
    let id = filters.last_id;
    filters.by_id.insert(id, Installed { what, polled: now });
    quantity(id)
}

fn changes(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let id = params.needed::<U64>(0, "filter id")?.to::<u64>();
    let chain = read(node)?;
    let mut filters = lock(node);
    let installed = filters.by_id.get_mut(&id).ok_or_else(not_found)?;
    installed.polled = Instant::now();
    match &mut installed.what {
        What::Logs { filter, next } => {
            // After a reorganisation the chain may be shorter than what was seen of it.
            let blocks = (*next).min(chain.height() + 1)..=last_block(&chain, filter);
            let found = logs::in_range(&chain, filter, blocks, node.max_log_range)?;
            *next = chain.height() + 1;
            value(found)
        }
        What::Blocks { next } => {
            let from = (*next).min(chain.height() + 1);
            let blocks = (from..=chain.height()).filter_map(|number| chain.block(number));
            let hashes: Vec<_> = blocks.map(|block| block.hash).collect();
            *next = chain.height() + 1;
            value(hashes)
        }
        What::Arrivals { last } => {
            let (hashes, newest) = chain.pool.since(*last);
            *last = newest;
            value(hashes)
        }
    }
}

fn filter_logs(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let id = params.needed::<U64>(0, "filter id")?.to::<u64>();
    let chain = read(node)?;
    let mut filters = lock(node);
    let installed = filters.by_id.get_mut(&id).ok_or_else(not_found)?;
    installed.polled = Instant::now();
    match &installed.what {
        What::Logs { filter, .. } => value(logs::find(&chain, filter, node.max_log_range)?),
        _ => Err(not_found()),
    }
}

fn uninstall(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let id = params.needed::<U64>(0, "filter id")?.to::<u64>();
    Ok(json!(lock(node).by_id.remove(&id).is_some()))
}

fn last_block(chain: &Chain, filter: &Filter) -> u64 {
    filter.get_to_block().map_or(chain.height(), |to| to.min(chain.height()))
}

fn not_found() -> RpcError {
    RpcError::refused("filter not found")
}

fn lock(node: &Node) -> MutexGuard<'_, Filters> {
    // A filter half changed by a panic shows a client too much or too little once, no more.
    node.filters.lock().unwrap_or_else(PoisonError::into_inner)
}
