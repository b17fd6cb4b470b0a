//! Which transactions the chain accepts into its pool, with geth's words for those it does not:
//! clients look for them.

use super::Chain;
use crate::{
    Error,
    limits::{INITCODE_BYTES_MAX, TX_BYTES_MAX, TX_GAS_MAX},
    pool::NoPlace,
    record::Record,
    tx::{NotATx, Tx},
};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256},
};
use revm::{
    context_interface::cfg::gas::calculate_initial_tx_gas_for_tx, primitives::hardfork::SpecId,
};
use std::sync::Arc;

/// Why a transaction was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("oversized data: transaction size {0}, limit {TX_BYTES_MAX}")]
    Oversized(usize),
    #[error(transparent)]
    NotATx(#[from] NotATx),
    #[error("invalid sender: invalid chain id for signer: have {have} want {want}")]
    ChainId { have: u64, want: u64 },
    #[error("max initcode size exceeded: code size {0}, limit {INITCODE_BYTES_MAX}")]
    Initcode(usize),
    #[error("transaction gas limit too high (cap: {TX_GAS_MAX}, tx: {0})")]
    GasCap(u64),
    #[error("exceeds block gas limit")]
    BlockGas,
    #[error(
        "max priority fee per gas higher than max fee per gas: address {sender}, \
         maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
    )]
    TipAboveFee { sender: Address, tip: u128, fee: u128 },
    #[error("intrinsic gas too low: gas {have}, minimum needed {want}")]
    IntrinsicGas { have: u64, want: u64 },
    #[error("insufficient gas for floor data gas cost: gas {have}, minimum needed {want}")]
    FloorGas { have: u64, want: u64 },
    #[error("set code transaction must have an authorization list")]
    NoAuthorization,
    #[error("nonce has max value")]
    NonceMax,
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow { next: u64, nonce: u64 },
    #[error("sender not an eoa: address {0}")]
    SenderHasCode(Address),
    #[error(transparent)]
    Funds(#[from] Box<Funds>),
    #[error("insufficient funds for gas * price + value: the cost exceeds 256 bits")]
    Overflow,
    #[error(transparent)]
    Pool(#[from] NoPlace),
    #[error(transparent)]
    Chain(#[from] Error),
}

/// What a sender has and what it would have to pay, in wei.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Funds {
    pub(crate) balance: U256,
    /// What its waiting transactions may already cost.
    pub(crate) queued: U256,
    pub(crate) cost: U256,
}

impl std::fmt::Display for Funds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { balance, queued, cost } = self;
        let over = queued.saturating_add(*cost).saturating_sub(*balance);
        write!(f, "insufficient funds for gas * price + value: balance {balance}, ")?;
        if !queued.is_zero() {
            write!(f, "queued cost {queued}, ")?;
        }
        write!(f, "tx cost {cost}, overshot {over}")
    }
}

impl std::error::Error for Funds {}

impl Refusal {
    /// Decodes a raw transaction and makes the checks that need no chain.
    pub(crate) fn decode(raw: &Bytes) -> Result<Tx, Self> {
        if raw.len() > TX_BYTES_MAX {
            return Err(Self::Oversized(raw.len()));
        }
        Ok(Tx::decode(raw)?)
    }
}

impl Chain {
    /// Accepts a transaction into the pool and journals it.
    pub(crate) fn submit(&mut self, tx: Tx) -> Result<B256, Refusal> {
        if self.pool.get(tx.hash).is_some() {
            return Err(NoPlace::Known.into());
        }
        self.check_static(&tx)?;
        self.check_sender(&tx)?;
        self.pool.check(&tx)?;
        self.check_funds(&tx)?;
        let hash = tx.hash;
        self.write(&Record::Accepted(tx.raw.clone()))?;
        self.pool.insert(Arc::new(tx));
        Ok(hash)
    }

    fn check_static(&self, tx: &Tx) -> Result<(), Refusal> {
        let envelope = &tx.envelope;
        // A transaction without a chain id (before EIP-155) is valid on every chain, so also here.
        let want = self.genesis.chain_id;
        if let Some(have) = envelope.chain_id().filter(|have| *have != want) {
            return Err(Refusal::ChainId { have, want });
        }
        if envelope.is_create() && envelope.input().len() > INITCODE_BYTES_MAX {
            return Err(Refusal::Initcode(envelope.input().len()));
        }
        if envelope.gas_limit() > TX_GAS_MAX {
            return Err(Refusal::GasCap(envelope.gas_limit()));
        }
        if envelope.gas_limit() > self.genesis.gas_limit {
            return Err(Refusal::BlockGas);
        }
        let (tip, fee) = (envelope.max_priority_fee_per_gas(), envelope.max_fee_per_gas());
        if let Some(tip) = tip.filter(|tip| *tip > fee) {
            return Err(Refusal::TipAboveFee { sender: tx.sender, tip, fee });
        }
        if envelope.is_eip7702() && envelope.authorization_list().is_none_or(<[_]>::is_empty) {
            return Err(Refusal::NoAuthorization);
        }
        let have = envelope.gas_limit();
        let least = calculate_initial_tx_gas_for_tx(tx.env(), SpecId::OSAKA, None);
        if have < least.initial_total_gas() {
            return Err(Refusal::IntrinsicGas { have, want: least.initial_total_gas() });
        }
        if have < least.floor_gas() {
            return Err(Refusal::FloorGas { have, want: least.floor_gas() });
        }
        Ok(())
    }

    fn check_sender(&self, tx: &Tx) -> Result<(), Refusal> {
        let account = self.account(tx.sender);
        let nonce = tx.envelope.nonce();
        if nonce == u64::MAX {
            return Err(Refusal::NonceMax);
        }
        if nonce < account.nonce {
            return Err(Refusal::NonceTooLow { next: account.nonce, nonce });
        }
        if account.code_hash != KECCAK256_EMPTY
            && !self.newest().code(account.code_hash).is_eip7702()
        {
            return Err(Refusal::SenderHasCode(tx.sender));
        }
        Ok(())
    }

    fn check_funds(&self, tx: &Tx) -> Result<(), Refusal> {
        let balance = self.account(tx.sender).balance;
        let cost = tx.max_cost().ok_or(Refusal::Overflow)?;
        if cost > balance {
            return Err(Box::new(Funds { balance, queued: U256::ZERO, cost }).into());
        }
        let queued = self.pool.cost_besides(tx.sender, tx.envelope.nonce());
        if queued.saturating_add(cost) > balance {
            return Err(Box::new(Funds { balance, queued, cost }).into());
        }
        Ok(())
    }
}
