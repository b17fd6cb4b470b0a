//! A node in front of the chain in memory, for writing.

use super::MemoryChain;
use super::ledger::{Call, PRICE, Tx};
use super::source::final_height;
use crate::conformance::Fault;
use crate::{BuildError, Built, Fee, Raw, ResultSink, SinkCaps, SinkError, SubmitError, TxStatus};
use async_trait::async_trait;
use borsh::BorshDeserialize as _;
use sotto_types::{Account, Delivery, Finality, Hash, limits};

/// Writes to a [`MemoryChain`] from one account.
#[derive(Clone, Debug)]
pub struct MemorySink {
    chain: MemoryChain,
    account: Account,
    faulty: bool,
}

impl MemorySink {
    pub(super) fn new(chain: MemoryChain, account: Account, faulty: bool) -> Self {
        Self { chain, account, faulty }
    }

    fn strikes(&self, fault: Fault) -> bool {
        self.faulty && self.chain.lock().strikes(fault)
    }

    fn call(&self, call: &Call) -> Built {
        let calldata = borsh::to_vec(call).unwrap_or_default();
        Built { to: self.chain.config().contract, calldata, gas: 100_000 }
    }
}

#[async_trait]
impl ResultSink for MemorySink {
    fn caps(&self) -> SinkCaps {
        SinkCaps {
            batch: limits::BATCH_MAX,
            result: limits::RESULT_MAX,
            callback_gas: limits::CALLBACK_GAS_MAX,
            block_time: 1,
        }
    }

    fn account(&self) -> Account {
        self.account
    }

    fn void(&self) -> Built {
        self.call(&Call::Void)
    }

    async fn next_nonce(&self, finality: Finality) -> Result<u64, SinkError> {
        if self.strikes(Fault::Unreachable) {
            return Err(SinkError::Unreachable("fault".into()));
        }
        let inner = self.chain.lock();
        Ok(inner.ledger.nonce(&self.account, final_height(&inner, finality)))
    }

    async fn fee(&self) -> Result<Fee, SinkError> {
        Ok(Fee { max: 2 * PRICE, tip: Some(PRICE / 10) })
    }

    async fn build(&self, delivery: &Delivery) -> Result<Built, BuildError> {
        if self.strikes(Fault::Unreachable) {
            return Err(BuildError::Unreachable("fault".into()));
        }
        let inner = self.chain.lock();
        // As it would be in the next block.
        let time = inner.ledger.head().time.plus(1);
        let events = inner.ledger.contract().clone().take(delivery, time)?;
        if events.is_empty() {
            return Err(BuildError::AlreadyDone);
        }
        Ok(self.call(&Call::Deliver(delivery.clone())))
    }

    fn sign(&self, built: &Built, nonce: u64, fee: &Fee) -> Result<Raw, SinkError> {
        let tx = Tx { from: self.account, nonce, fee: *fee, built: built.clone() };
        Ok(Raw { bytes: tx.encode(), hash: tx.hash() })
    }

    async fn broadcast(&self, raw: &Raw) -> Result<(), SubmitError> {
        let tx = Tx::try_from_slice(&raw.bytes)
            .map_err(|error| SubmitError::Rejected(error.to_string()))?;
        if self.strikes(Fault::Unreachable) {
            return Err(SubmitError::Unreachable("fault".into()));
        }
        if self.strikes(Fault::Rejected) {
            return Err(SubmitError::Rejected("fault".into()));
        }
        let result = self.chain.lock().ledger.submit(tx);
        if self.strikes(Fault::LostAnswer) {
            return Err(SubmitError::Ambiguous("fault".into()));
        }
        result
    }

    async fn tx_status(&self, hashes: &[Hash], finality: Finality) -> Result<TxStatus, SinkError> {
        if self.strikes(Fault::Unreachable) {
            return Err(SinkError::Unreachable("fault".into()));
        }
        let inner = self.chain.lock();
        let settled = final_height(&inner, finality);
        for &hash in hashes {
            if let Some(receipt) = inner.ledger.receipt(&hash) {
                let (height, ok, gas) = (receipt.height, receipt.ok, receipt.gas);
                return Ok(if height <= settled {
                    TxStatus::Final { hash, height, ok, gas }
                } else {
                    TxStatus::Included { hash, height, ok, gas }
                });
            }
        }
        let pending = hashes.iter().any(|hash| inner.ledger.pending(hash));
        Ok(if pending { TxStatus::Pending } else { TxStatus::Unknown })
    }
}
