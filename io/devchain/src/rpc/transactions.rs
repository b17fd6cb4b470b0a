//! Transactions: sending them, finding them, their receipts.

use super::{Answer, blocks, error::RpcError, params::Params, quantity, read, value, write};
use crate::{Mining, block::Block, chain::Refusal, node::Node, tx::Tx};
use alloy::{
    consensus::{ReceiptEnvelope, Transaction as _, transaction::Recovered},
    eips::BlockId,
    primitives::{B256, Bytes},
    rpc::types,
};
use serde_json::{Value, json};

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    Some(match method {
        "eth_sendRawTransaction" => send(node, params),
        "eth_getTransactionByHash" => by_hash(node, params),
        "eth_getTransactionByBlockNumberAndIndex" => by_place(node, params),
        "eth_getTransactionByBlockHashAndIndex" => by_place(node, params),
        "eth_getRawTransactionByHash" => raw(node, params),
        "eth_getTransactionReceipt" => receipt_of(node, params),
        "txpool_status" => status(node),
        _ => return None,
    })
}

fn send(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let raw: Bytes = params.needed(0, "transaction")?;
    // Recovering the sender is the slow part and needs no lock.
    let tx = Refusal::decode(&raw)?;
    let mut chain = write(node)?;
    let automine = *node.mining.borrow() == Mining::OnTransaction;
    let hash = chain.together(|chain| -> Result<_, Refusal> {
        let hash = chain.submit(tx)?;
        if automine && let Err(error) = chain.mine_ready() {
            // The transaction itself is journalled: it is accepted, and a restart mines it.
            tracing::error!(%error, "no block was mined");
        }
        Ok(hash)
    })?;
    value(hash)
}

fn by_hash(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let hash: B256 = params.needed(0, "transaction hash")?;
    let chain = read(node)?;
    if let Some((block, index)) = chain.mined(hash) {
        return value(mined(block, index, false));
    }
    value(chain.pool.get(hash).map(|tx| waiting(&tx)))
}

fn by_place(node: &Node, params: &mut Params) -> Answer {
    params.at_most(2)?;
    let id: BlockId = params.needed(0, "block")?;
    let index = params.number(1, "index")?.unwrap_or_default();
    let chain = read(node)?;
    let Some(block) = blocks::find(&chain, id) else { return Ok(Value::Null) };
    value(mined(&block, usize::try_from(index).unwrap_or(usize::MAX), id.is_pending()))
}

fn raw(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let hash: B256 = params.needed(0, "transaction hash")?;
    let chain = read(node)?;
    let mined = chain.mined(hash).and_then(|(block, index)| block.mined.get(index));
    let raw = mined.map(|one| one.tx.raw.clone());
    value(raw.or_else(|| chain.pool.get(hash).map(|tx| tx.raw.clone())))
}

fn receipt_of(node: &Node, params: &mut Params) -> Answer {
    params.at_most(1)?;
    let hash: B256 = params.needed(0, "transaction hash")?;
    let chain = read(node)?;
    let Some((block, index)) = chain.mined(hash) else { return Ok(Value::Null) };
    value(receipt(block, index)?)
}

fn status(node: &Node) -> Answer {
    let chain = read(node)?;
    let (pending, queued) = chain.pool.counts(|sender| chain.account(sender).nonce);
    Ok(json!({ "pending": quantity(pending), "queued": quantity(queued) }))
}

/// A transaction of a block, as the RPC shows it.
pub(super) fn mined(block: &Block, index: usize, pending: bool) -> Option<types::Transaction> {
    let one = block.mined.get(index)?;
    let header = &block.header;
    let of_block = !pending;
    Some(types::Transaction {
        inner: Recovered::new_unchecked(one.tx.envelope.clone(), one.tx.sender),
        block_hash: of_block.then_some(block.hash),
        block_number: of_block.then_some(header.number),
        transaction_index: of_block.then_some(index as u64),
        effective_gas_price: Some(one.effective_gas_price(header)),
        block_timestamp: of_block.then_some(header.timestamp),
    })
}

fn waiting(tx: &Tx) -> types::Transaction {
    types::Transaction {
        inner: Recovered::new_unchecked(tx.envelope.clone(), tx.sender),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price: Some(tx.envelope.max_fee_per_gas()),
        block_timestamp: None,
    }
}

/// The receipt of a block's transaction, as the RPC shows it.
pub(super) fn receipt(block: &Block, index: usize) -> Result<types::TransactionReceipt, RpcError> {
    let one = block.mined.get(index).ok_or_else(|| RpcError::internal("no such transaction"))?;
    let header = &block.header;
    let mut log_index = one.logs_before;
    let inner: ReceiptEnvelope<types::Log> = one.receipt.clone().map_logs(|log| {
        let log = types::Log {
            inner: log,
            block_hash: Some(block.hash),
            block_number: Some(header.number),
            block_timestamp: Some(header.timestamp),
            transaction_hash: Some(one.tx.hash),
            transaction_index: Some(index as u64),
            log_index: Some(log_index),
            removed: false,
        };
        log_index += 1;
        log
    });
    Ok(types::TransactionReceipt {
        inner,
        transaction_hash: one.tx.hash,
        transaction_index: Some(index as u64),
        block_hash: Some(block.hash),
        block_number: Some(header.number),
        gas_used: one.gas_used,
        effective_gas_price: one.effective_gas_price(header),
        blob_gas_used: None,
        blob_gas_price: None,
        from: one.tx.sender,
        to: one.tx.envelope.to(),
        contract_address: one.contract,
    })
}
