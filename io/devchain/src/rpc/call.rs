//! Questions to contracts: `eth_call` and `eth_estimateGas`.

use super::{
    Answer,
    error::RpcError,
    params::{Params, at},
    quantity, read, value,
};
use crate::{
    chain::{At, Chain, Funds},
    evm::{self, Refused, Rules},
    limits::{INITCODE_BYTES_MAX, TX_GAS_MAX},
    node::Node,
};
use alloy::{
    eips::BlockId,
    primitives::{TxKind, U256},
    rpc::types::TransactionRequest,
};
use revm::{
    context::{BlockEnv, TxEnv},
    context_interface::{
        either::Either,
        result::{EVMError, ExecutionResult, HaltReason, InvalidTransaction},
    },
    database::CacheDB,
};
use serde_json::Value;

pub(super) fn answer(node: &Node, method: &str, params: &mut Params) -> Option<Answer> {
    Some(match method {
        "eth_call" => call(node, params),
        "eth_estimateGas" => estimate(node, params),
        _ => return None,
    })
}

fn call(node: &Node, params: &mut Params) -> Answer {
    let (request, block) = request_and_block(params)?;
    let chain = read(node)?;
    let question = Question::new(&chain, at(&chain, block)?, &request, u64::MAX)?;
    match question.run(question.gas)? {
        ExecutionResult::Success { output, .. } => value(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::reverted(output)),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::refused(halted(&reason))),
    }
}

/// The least gas limit with which the transaction succeeds, exactly.
fn estimate(node: &Node, params: &mut Params) -> Answer {
    let (request, block) = request_and_block(params)?;
    let chain = read(node)?;
    let question = Question::new(&chain, at(&chain, block)?, &request, TX_GAS_MAX)?;
    let mut enough = question.gas;
    let (mut too_little, guess) = match question.run(enough)? {
        ExecutionResult::Success { gas, .. } => {
            // What it used it needs; and the part held back from inner calls (EIP-150), were it
            // one call deep, is the best first guess.
            let spent = gas.total_gas_spent().max(gas.floor_gas());
            (gas.tx_gas_used().saturating_sub(1), (spent + 2_300) / 63 * 64)
        }
        ExecutionResult::Revert { output, .. } => return Err(RpcError::reverted(output)),
        ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. } => {
            return Err(RpcError::refused(format!("gas required exceeds allowance ({enough})")));
        }
        ExecutionResult::Halt { reason, .. } => return Err(RpcError::refused(halted(&reason))),
    };
    let mut middle = guess;
    while too_little + 1 < enough {
        if middle <= too_little || middle >= enough {
            middle = too_little + (enough - too_little) / 2;
        }
        if question.succeeds(middle)? {
            enough = middle;
        } else {
            too_little = middle;
        }
        middle = 0;
    }
    Ok(quantity(enough))
}

fn request_and_block(
    params: &mut Params,
) -> Result<(TransactionRequest, Option<BlockId>), RpcError> {
    params.at_most(4)?;
    for (index, name) in [(2, "state override"), (3, "block override")] {
        let given: Option<Value> = params.given(index, name)?;
        if given.is_some_and(|given| given.as_object().is_none_or(|map| !map.is_empty())) {
            return Err(RpcError::params(format!("a {name} is not supported")));
        }
    }
    Ok((params.needed(0, "transaction")?, params.given(1, "block")?))
}

/// A transaction that is run and forgotten.
struct Question<'a> {
    chain: &'a Chain,
    at: At,
    env: BlockEnv,
    tx: TxEnv,
    /// The most gas it may use.
    gas: u64,
}

impl<'a> Question<'a> {
    fn new(
        chain: &'a Chain,
        at: At,
        request: &TransactionRequest,
        gas_cap: u64,
    ) -> Result<Self, RpcError> {
        let mut env = chain.env(&at);
        let mut tx = tx_env(chain, &at, request)?;
        if tx.gas_price == 0 {
            // As geth: a caller that offers no price is charged none, and the code sees none.
            env.basefee = 0;
        }
        let cap = env.gas_limit.min(gas_cap);
        let mut gas = request.gas.filter(|gas| *gas > 0).map_or(cap, |gas| gas.min(cap));
        if tx.gas_price > 0 {
            let balance = chain.view(&at).account(tx.caller).balance;
            let Some(rest) = balance.checked_sub(tx.value) else {
                return Err(no_funds(tx.value, balance));
            };
            gas = gas.min((rest / U256::from(tx.gas_price)).saturating_to());
        }
        tx.gas_limit = gas;
        Ok(Self { chain, at, env, tx, gas })
    }

    fn run(&self, gas: u64) -> Result<ExecutionResult, RpcError> {
        let tx = TxEnv { gas_limit: gas, ..self.tx.clone() };
        self.execute(tx).map_err(|refused| refusal(&refused))
    }

    /// Whether it succeeds with `gas`; too little even to begin is a no.
    fn succeeds(&self, gas: u64) -> Result<bool, RpcError> {
        let tx = TxEnv { gas_limit: gas, ..self.tx.clone() };
        match self.execute(tx) {
            Ok(result) => Ok(result.is_success()),
            Err(EVMError::Transaction(
                InvalidTransaction::CallGasCostMoreThanGasLimit { .. }
                | InvalidTransaction::GasFloorMoreThanGasLimit { .. },
            )) => Ok(false),
            Err(refused) => Err(refusal(&refused)),
        }
    }

    fn execute(&self, tx: TxEnv) -> Result<ExecutionResult, Refused> {
        let db = CacheDB::new(self.chain.view(&self.at));
        let chain_id = self.chain.genesis.chain_id;
        let executed = evm::run(db, chain_id, Rules::Question, self.env.clone(), tx)?;
        Ok(executed.result)
    }
}

fn tx_env(chain: &Chain, at: &At, request: &TransactionRequest) -> Result<TxEnv, RpcError> {
    let want = chain.genesis.chain_id;
    if let Some(have) = request.chain_id.filter(|have| *have != want) {
        return Err(RpcError::refused(format!(
            "chainId does not match node's (have={have}, want={want})"
        )));
    }
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && dynamic {
        let message = "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified";
        return Err(RpcError::params(message));
    }
    if request.blob_versioned_hashes.is_some() || request.max_fee_per_blob_gas.is_some() {
        return Err(RpcError::params("transaction type not supported"));
    }
    let data = request.input.input().cloned().unwrap_or_default();
    let kind = request.to.unwrap_or(TxKind::Create);
    if kind.is_create() && data.len() > INITCODE_BYTES_MAX {
        let message = format!(
            "max initcode size exceeded: code size {}, limit {INITCODE_BYTES_MAX}",
            data.len()
        );
        return Err(RpcError::refused(message));
    }
    let caller = request.from.unwrap_or_default();
    let tip = request.max_priority_fee_per_gas.unwrap_or_default();
    let mut tx = TxEnv {
        tx_type: 0,
        caller,
        gas_limit: 0,
        gas_price: request.gas_price.or(request.max_fee_per_gas).unwrap_or_default(),
        kind,
        value: request.value.unwrap_or_default(),
        data,
        nonce: request.nonce.unwrap_or_else(|| chain.view(at).account(caller).nonce),
        chain_id: Some(want),
        access_list: request.access_list.clone().unwrap_or_default(),
        // A tip without a price above it would be refused; the price then is none at all.
        gas_priority_fee: (dynamic && request.max_fee_per_gas.is_some_and(|fee| fee > 0))
            .then_some(tip),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: Vec::new(),
    };
    let authorizations = request.authorization_list.iter().flatten().cloned();
    tx.authorization_list = authorizations.map(Either::Left).collect();
    tx.derive_tx_type().map_err(|error| RpcError::params(error.to_string()))?;
    Ok(tx)
}

fn halted(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(_) => "out of gas".to_owned(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".to_owned(),
        HaltReason::OpcodeNotFound => "invalid opcode".to_owned(),
        reason => reason.to_string(),
    }
}

fn refusal(refused: &Refused) -> RpcError {
    match refused {
        EVMError::Transaction(InvalidTransaction::LackOfFundForMaxFee { fee, balance }) => {
            no_funds(**fee, **balance)
        }
        EVMError::Transaction(InvalidTransaction::CallGasCostMoreThanGasLimit {
            initial_gas,
            gas_limit,
        }) => RpcError::refused(format!(
            "intrinsic gas too low: gas {gas_limit}, minimum needed {initial_gas}"
        )),
        EVMError::Transaction(InvalidTransaction::GasPriceLessThanBasefee) => {
            RpcError::refused("max fee per gas less than block base fee")
        }
        EVMError::Transaction(other) => RpcError::refused(other.to_string()),
        other => RpcError::internal(format!("{other:?}")),
    }
}

fn no_funds(cost: U256, balance: U256) -> RpcError {
    RpcError::refused(Funds { balance, queued: U256::ZERO, cost }.to_string())
}
