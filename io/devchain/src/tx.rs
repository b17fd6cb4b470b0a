//! A signed transaction with what is derived from its bytes once.

use alloy::{
    consensus::{Transaction as _, TxEnvelope, Typed2718, transaction::SignerRecoverable},
    eips::eip2718::Decodable2718,
    primitives::{Address, B256, Bytes, U256},
};
use revm::{context::TxEnv, context_interface::either::Either};

/// A signed transaction, its sender and its bytes.
#[derive(Debug)]
pub(crate) struct Tx {
    pub(crate) envelope: TxEnvelope,
    pub(crate) sender: Address,
    pub(crate) hash: B256,
    pub(crate) raw: Bytes,
}

/// Why bytes are no transaction this chain can carry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotATx {
    #[error("{0}")]
    Encoding(String),
    #[error("transaction type not supported")]
    Blob,
    #[error("invalid sender")]
    Signature,
}

impl Tx {
    /// Decodes an EIP-2718 transaction (types 0, 1, 2 and 4) and recovers its sender.
    pub(crate) fn decode(raw: &Bytes) -> Result<Self, NotATx> {
        let envelope = TxEnvelope::decode_2718_exact(raw)
            .map_err(|error| NotATx::Encoding(error.to_string()))?;
        if envelope.is_eip4844() {
            return Err(NotATx::Blob);
        }
        let sender = envelope.recover_signer().map_err(|_| NotATx::Signature)?;
        let hash = *envelope.tx_hash();
        Ok(Self { envelope, sender, hash, raw: raw.clone() })
    }

    /// The most this transaction can take from its sender; `None` if that exceeds 256 bits.
    pub(crate) fn max_cost(&self) -> Option<U256> {
        let gas = U256::from(self.envelope.gas_limit());
        gas.checked_mul(U256::from(self.envelope.max_fee_per_gas()))?
            .checked_add(self.envelope.value())
    }

    /// The form the virtual machine takes.
    pub(crate) fn env(&self) -> TxEnv {
        let tx = &self.envelope;
        TxEnv {
            tx_type: tx.ty(),
            caller: self.sender,
            gas_limit: tx.gas_limit(),
            gas_price: tx.max_fee_per_gas(),
            kind: tx.kind(),
            value: tx.value(),
            data: tx.input().clone(),
            nonce: tx.nonce(),
            chain_id: tx.chain_id(),
            access_list: tx.access_list().cloned().unwrap_or_default(),
            gas_priority_fee: tx.max_priority_fee_per_gas(),
            blob_hashes: Vec::new(),
            max_fee_per_blob_gas: 0,
            authorization_list: tx
                .authorization_list()
                .unwrap_or_default()
                .iter()
                .cloned()
                .map(Either::Left)
                .collect(),
        }
    }
}
