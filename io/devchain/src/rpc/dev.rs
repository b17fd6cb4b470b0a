//! What no real chain offers: mining on demand, time travel, balances from nowhere,
//! reorganisations. Names and shapes are anvil's.

use super::{Answer, error::RpcError, params::Params, quantity, value, write};
use crate::{Mining, chain::Chain, limits::MINE_BLOCKS_MAX, node::Node};
use alloy::primitives::{Address, B256, U64, U256};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    Some(match method {
        "evm_mine" => evm_mine(node, params),
        "anvil_mine" => anvil_mine(node, params),
        "evm_increaseTime" => increase_time(node, params),
        "evm_setNextBlockTimestamp" => set_next_time(node, params),
        "evm_setAutomine" => set_automine(node, params),
        "evm_setIntervalMining" => set_interval(node, params),
        "evm_snapshot" => write(node).and_then(|mut chain| Ok(quantity(chain.snapshot()?))),
        "evm_revert" => revert(node, params),
        "anvil_setBalance" => set_balance(node, params),
        "anvil_reorg" => reorg(node, params),
        "anvil_dropTransaction" => drop_tx(node, params),
        _ => return None,
    })
}

/// Mines one block, at a given time if one is given as a number or as `{"timestamp": …}`.
fn evm_mine(node: &Node, params: &mut Params) -> Answer {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Options {
        Time(U64),
        Object { timestamp: Option<U64> },
    }
    params.at_most(1)?;
    let time = match params.given(0, "options")? {
        Some(Options::Time(time)) => Some(time),
        Some(Options::Object { timestamp }) => timestamp,
        None => None,
    };
    let mut chain = write(node)?;
    if let Some(time) = time {
        chain.set_next_time(time.to())?;
    }
    chain.mine()?;
    Ok(json!("0x0"))
}

/// Mines so many blocks, their times so many seconds apart if that is given.
fn anvil_mine(node: &Node, params: &mut Params) -> Answer {
    params.at_most(2)?;
    let count = params.number(0, "blocks")?.unwrap_or(1);
    let apart = params.number(1, "interval")?;
    if count > MINE_BLOCKS_MAX {
        let message = format!("cannot mine {count} blocks at once: at most {MINE_BLOCKS_MAX}");
        return Err(RpcError::params(message));
    }
    write(node)?.together(|chain| {
        for mined in 0..count {
            if let Some(apart) = apart.filter(|_| mined > 0) {
                let time = chain.tip().header.timestamp.saturating_add(apart.max(1));
                chain.set_next_time(time)?;
            }
            chain.mine()?;
        }
        Ok(Value::Null)
    })
}

fn increase_time(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let seconds = params.needed::<U64>(0, "seconds")?.to();
    Ok(json!(write(node)?.increase_time(seconds)?))
}

fn set_next_time(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let time = params.needed::<U64>(0, "timestamp")?.to();
    write(node)?.set_next_time(time)?;
    Ok(Value::Null)
}

/// A block for each transaction, or none by itself.
fn set_automine(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let on: bool = params.needed(0, "enabled")?;
    let mut chain = write(node)?;
    node.mining.send_replace(if on { Mining::OnTransaction } else { Mining::Manual });
    if on {
        chain.together(Chain::mine_ready)?;
    }
    Ok(Value::Null)
}

/// A block every so many seconds; 0 for none by itself.
fn set_interval(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let seconds = params.needed::<U64>(0, "seconds")?.to();
    let way = match seconds {
        0 => Mining::Manual,
        seconds => Mining::Interval(Duration::from_secs(seconds)),
    };
    node.mining.send_replace(way);
    Ok(Value::Null)
}

fn revert(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let id = params.needed::<U64>(0, "snapshot")?.to();
    Ok(json!(write(node)?.revert(id)?))
}

fn set_balance(node: &Node, params: &mut Params) -> Answer {
    params.at_most(2)?;
    let address: Address = params.needed(0, "address")?;
    let balance: U256 = params.needed(1, "balance")?;
    write(node)?.set_balance(address, balance)?;
    Ok(Value::Null)
}

/// `[depth, []]` or `[{"depth": …, "tx_block_pairs": []}]`. Transactions for the new blocks are
/// not supported.
fn reorg(node: &Node, params: &mut Params) -> Answer {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Depth {
        Plain(U64),
        Options {
            depth: U64,
            #[serde(default, alias = "txBlockPairs")]
            tx_block_pairs: Vec<Value>,
        },
    }
    params.at_most(2)?;
    let (depth, mut pairs) = match params.needed(0, "depth")? {
        Depth::Plain(depth) => (depth, Vec::new()),
        Depth::Options { depth, tx_block_pairs } => (depth, tx_block_pairs),
    };
    pairs.extend(params.given::<Vec<Value>>(1, "transactions")?.into_iter().flatten());
    if !pairs.is_empty() {
        return Err(RpcError::params("transactions in a reorganisation are not supported"));
    }
    let mut chain = write(node)?;
    chain.reorg(depth.to())?;
    Ok(Value::Null)
}

fn drop_tx(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let hash: B256 = params.needed(0, "transaction hash")?;
    let dropped = write(node)?.drop_tx(hash)?;
    value(dropped.then_some(hash))
}
