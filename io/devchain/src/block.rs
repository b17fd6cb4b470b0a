//! Building a block: executing transactions on a parent and sealing the result under a header.

use crate::{
    evm::{self, Refused, Rules},
    limits::BLOCK_GAS_MIN,
    state::{Changes, View},
    tx::Tx,
};
use alloy::{
    consensus::{
        BlockBody, EMPTY_OMMER_ROOT_HASH, Eip658Value, Header, Receipt, ReceiptEnvelope,
        Transaction as _, TxEnvelope, TxReceipt, constants::EMPTY_WITHDRAWALS, proofs,
    },
    eips::{eip1559::BaseFeeParams, eip4895::Withdrawals, eip7685::EMPTY_REQUESTS_HASH},
    primitives::{Address, B64, B256, Bloom, Bytes, U256, keccak256},
};
use revm::database::{CacheDB, DatabaseCommit};
use std::sync::Arc;

/// Base fee of the genesis block, in wei per gas: what makes the first block's 1 gwei (anvil's).
pub(crate) const GENESIS_BASE_FEE: u64 = 1_142_857_142;

/// A sealed block with its transactions' outcomes.
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) hash: B256,
    /// Length of the RLP encoding, in bytes.
    pub(crate) size: u64,
    pub(crate) mined: Vec<Mined>,
}

/// A transaction and what came of it.
pub(crate) struct Mined {
    pub(crate) tx: Arc<Tx>,
    pub(crate) receipt: ReceiptEnvelope,
    pub(crate) gas_used: u64,
    pub(crate) contract: Option<Address>,
    /// Logs of this block before this transaction's first.
    pub(crate) logs_before: u64,
}

impl Mined {
    pub(crate) fn effective_gas_price(&self, header: &Header) -> u128 {
        self.tx.envelope.effective_gas_price(header.base_fee_per_gas)
    }
}

/// A block and the state changes it makes, not yet part of the chain.
pub(crate) struct Built {
    pub(crate) block: Arc<Block>,
    pub(crate) changes: Changes,
}

/// Where a block's transactions come from.
pub(crate) trait Source {
    /// The next candidate.
    fn next(&mut self) -> Option<Arc<Tx>>;
    /// The candidate just given was left out.
    fn left_out(&mut self, why: LeftOut);
}

/// Why a candidate was left out of a block.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeftOut {
    /// It asks for more gas than the block has left.
    #[error("it asks for more gas than the block has left")]
    Full,
    /// The rules forbid it here.
    #[error("{0:?}")]
    Invalid(Refused),
}

/// What is fixed about a block before its transactions.
pub(crate) struct Draft<'a> {
    pub(crate) chain_id: u64,
    pub(crate) parent: &'a Block,
    pub(crate) timestamp: u64,
    /// Empty, or a number that tells blocks apart that replace others.
    pub(crate) extra: Bytes,
}

impl Draft<'_> {
    /// Executes candidates in order on `view` and seals the block.
    pub(crate) fn build(&self, view: View<'_>, source: &mut dyn Source) -> Built {
        let mut header = self.header();
        let env = evm::block_env(&header);
        let mut db = CacheDB::new(view);
        let mut changes = Changes::default();
        let mut mined = Vec::new();
        let mut logs_before = 0;
        while header.gas_limit - header.gas_used >= BLOCK_GAS_MIN {
            let Some(tx) = source.next() else { break };
            if tx.envelope.gas_limit() > header.gas_limit - header.gas_used {
                source.left_out(LeftOut::Full);
                continue;
            }
            let executed = evm::run(&mut db, self.chain_id, Rules::Block, env.clone(), tx.env());
            let executed = match executed {
                Ok(executed) => executed,
                Err(refused) => {
                    source.left_out(LeftOut::Invalid(refused));
                    continue;
                }
            };
            changes.absorb(&executed.state);
            db.commit(executed.state);
            header.gas_used += executed.result.tx_gas_used();
            let one = outcome(tx, executed.result, header.gas_used, logs_before);
            logs_before += one.receipt.logs().len() as u64;
            mined.push(one);
        }
        header.state_root = view.state.digest_after(&changes);
        Built { block: Arc::new(seal(header, mined)), changes }
    }

    fn header(&self) -> Header {
        let parent = &self.parent.header;
        Header {
            parent_hash: self.parent.hash,
            number: parent.number + 1,
            timestamp: self.timestamp,
            gas_limit: parent.gas_limit,
            base_fee_per_gas: parent.next_block_base_fee(BaseFeeParams::ethereum()),
            extra_data: self.extra.clone(),
            // Anyone can foretell it: a development chain has no randomness to offer.
            mix_hash: keccak256(self.parent.hash),
            ..blank()
        }
    }
}

/// The first block, over the state digest `state_root`.
pub(crate) fn genesis(timestamp: u64, gas_limit: u64, chain_id: u64, state_root: B256) -> Block {
    let header = Header {
        timestamp,
        gas_limit,
        base_fee_per_gas: Some(GENESIS_BASE_FEE),
        state_root,
        extra_data: Bytes::copy_from_slice(&chain_id.to_be_bytes()),
        ..blank()
    };
    seal(header, Vec::new())
}

/// A header with every field of the fork present and nothing in it.
fn blank() -> Header {
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: Address::ZERO,
        difficulty: U256::ZERO,
        nonce: B64::ZERO,
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

fn outcome(
    tx: Arc<Tx>,
    result: revm::context_interface::result::ExecutionResult,
    cumulative_gas_used: u64,
    logs_before: u64,
) -> Mined {
    let gas_used = result.tx_gas_used();
    let success = result.is_success();
    // A creation that failed made no contract, but its receipt names the address all the same,
    // as other nodes' do.
    let contract = tx.envelope.is_create().then(|| tx.sender.create(tx.envelope.nonce()));
    // Logs of a call that failed are undone with it.
    let logs = if success { result.into_logs() } else { Vec::new() };
    let receipt = Receipt { status: Eip658Value::Eip658(success), cumulative_gas_used, logs };
    let receipt = ReceiptEnvelope::from_typed(tx.envelope.tx_type(), receipt.with_bloom());
    Mined { tx, receipt, gas_used, contract, logs_before }
}

fn seal(mut header: Header, mined: Vec<Mined>) -> Block {
    let transactions: Vec<TxEnvelope> = mined.iter().map(|one| one.tx.envelope.clone()).collect();
    let receipts: Vec<&ReceiptEnvelope> = mined.iter().map(|one| &one.receipt).collect();
    header.transactions_root = proofs::calculate_transaction_root(&transactions);
    header.receipts_root = proofs::calculate_receipt_root(&receipts);
    header.logs_bloom = mined.iter().fold(Bloom::ZERO, |bloom, one| bloom | one.receipt.bloom());
    let hash = header.hash_slow();
    let body = BlockBody {
        transactions,
        ommers: Vec::<Header>::new(),
        withdrawals: Some(Withdrawals::default()),
    };
    let size = alloy::consensus::Block::rlp_length_for(&header, &body) as u64;
    Block { header, hash, size, mined }
}
