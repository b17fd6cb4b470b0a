//! The virtual machine, set to Osaka rules.

use alloy::consensus::Header;
use revm::{
    Context, ExecuteEvm, MainBuilder, MainContext,
    context::{BlockEnv, TxEnv},
    context_interface::{
        block::BlobExcessGasAndPrice,
        result::{EVMError, ExecResultAndState, ExecutionResult, InvalidTransaction},
    },
    database::Database,
    primitives::{U256, eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE, hardfork::SpecId},
    state::EvmState,
};
use std::convert::Infallible;

/// What one transaction did.
pub(crate) type Executed = ExecResultAndState<ExecutionResult, EvmState>;

/// Why a transaction could not be executed at all.
pub(crate) type Refused = EVMError<Infallible, InvalidTransaction>;

/// The rules one run is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Those of a block: everything is checked.
    Block,
    /// Those of a question (`eth_call`, `eth_estimateGas`): nonce, per-transaction gas cap and
    /// EIP-3607 are not checked.
    Question,
}

/// The block environment a header stands for.
pub(crate) fn block_env(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(
            0,
            BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
        )),
        slot_num: 0,
    }
}

/// Runs one transaction on `db` without committing it.
pub(crate) fn run<DB: Database<Error = Infallible>>(
    db: DB,
    chain_id: u64,
    rules: Rules,
    block: BlockEnv,
    tx: TxEnv,
) -> Result<Executed, Refused> {
    let mut evm = Context::mainnet()
        .with_db(db)
        .with_block(block)
        .modify_cfg_chained(|cfg| {
            cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            cfg.chain_id = chain_id;
            if rules == Rules::Question {
                cfg.disable_nonce_check = true;
                cfg.disable_eip3607 = true;
                cfg.tx_gas_limit_cap = Some(u64::MAX);
            }
        })
        .build_mainnet();
    evm.transact(tx)
}
