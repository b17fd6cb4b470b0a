//! Writing: calls, signatures, broadcasts, receipts.

use crate::abi::{Sotto, account, address, calldata};
use crate::reason::judge;
use crate::rpc::{Fault, Header, Rpc, call_request, number};
use crate::{EvmChain, Key};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy},
    eips::eip2718::Encodable2718 as _,
    primitives::{Address, B256, Bytes, TxKind, U64, U128, U256, keccak256},
    sol_types::SolCall as _,
};
use async_trait::async_trait;
use serde::Deserialize;
use sotto_chain::{
    BuildError, Built, Fee, Raw, ResultSink, SinkCaps, SinkError, SubmitError, TxStatus,
};
use sotto_types::{Account, Answer, Delivery, Finality, Hash, limits};

/// Gas of a call that does nothing; more than it takes, for chains that count data apart.
const VOID_GAS: u64 = 60_000;
/// What is offered to a block's maker where the node has no opinion, in wei.
const USUAL_TIP: u128 = 1_000_000_000;

/// A receipt, as far as it is read.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mined {
    block_number: U64,
    status: U64,
    gas_used: U64,
}

#[async_trait]
impl ResultSink for EvmChain {
    fn caps(&self) -> SinkCaps {
        SinkCaps {
            batch: limits::BATCH_MAX,
            result: limits::RESULT_MAX,
            callback_gas: limits::CALLBACK_GAS_MAX,
            block_time: self.block_time,
        }
    }

    /// The zero account if there is no key.
    fn account(&self) -> Account {
        self.signer.as_ref().map_or_else(Account::default, |key| key.account())
    }

    fn void(&self) -> Built {
        Built { to: self.account(), calldata: Vec::new(), gas: VOID_GAS }
    }

    async fn next_nonce(&self, finality: Finality) -> Result<u64, SinkError> {
        let tag = self.rpc.tag(finality).await.map_err(sink_error)?;
        nonce(&self.rpc, address(&self.account()), &tag).await.map_err(sink_error)
    }

    async fn fee(&self) -> Result<Fee, SinkError> {
        fee(&self.rpc, self.max_fee).await.map_err(sink_error)
    }

    async fn build(&self, delivery: &Delivery) -> Result<Built, BuildError> {
        if let Delivery::Batch { answers, .. } = delivery {
            self.any_open(answers).await?;
        }
        let calldata = calldata(delivery);
        let from = Some(address(&self.account()));
        let call = call_request(from, self.contract, &calldata);
        match self.rpc.ask::<_, U64>("eth_estimateGas", (call, "latest")).await {
            Ok(gas) => {
                let gas = with_margin(gas.to());
                Ok(Built { to: account(self.contract), calldata, gas })
            }
            Err(Fault::Refused { data: Some(data), .. }) if !data.is_empty() => Err(judge(&data)),
            Err(Fault::Refused { message, .. }) => self.try_out(from, &calldata, message).await,
            Err(fault) => Err(BuildError::Unreachable(fault.to_string())),
        }
    }

    fn sign(&self, built: &Built, nonce: u64, fee: &Fee) -> Result<Raw, SinkError> {
        let key = self.signer.as_ref().ok_or(SinkError::NoSigner)?;
        let to = built.to.address().ok_or_else(|| {
            SinkError::Unsignable(format!("{} is no address of an EVM chain", built.to))
        })?;
        let call = Unsigned {
            chain_id: self.chain_id,
            nonce,
            to: TxKind::Call(to.into()),
            value: U256::ZERO,
            input: built.calldata.clone(),
            gas: built.gas,
            fee: *fee,
        };
        call.sign(key).map_err(SinkError::Unsignable)
    }

    async fn broadcast(&self, raw: &Raw) -> Result<(), SubmitError> {
        broadcast(&self.rpc, raw).await
    }

    async fn tx_status(&self, hashes: &[Hash], finality: Finality) -> Result<TxStatus, SinkError> {
        // The newest attempt is the likeliest.
        for hash in hashes.iter().rev() {
            let mined: Option<Mined> = self.receipt(hash).await.map_err(sink_error)?;
            let Some(mined) = mined else { continue };
            let settled = self.final_height(finality).await.map_err(sink_error)?;
            let (height, gas) = (mined.block_number.to(), mined.gas_used.to());
            let (hash, ok) = (*hash, mined.status.to::<u64>() == 1);
            return Ok(if height <= settled {
                TxStatus::Final { hash, height, ok, gas }
            } else {
                TxStatus::Included { hash, height, ok, gas }
            });
        }
        for hash in hashes.iter().rev() {
            let hash = (B256::from(hash.0),);
            let known: Option<serde_json::Value> =
                self.rpc.ask("eth_getTransactionByHash", hash).await.map_err(sink_error)?;
            if known.is_some() {
                return Ok(TxStatus::Pending);
            }
        }
        Ok(TxStatus::Unknown)
    }
}

impl EvmChain {
    async fn receipt(&self, hash: &Hash) -> Result<Option<Mined>, Fault> {
        self.rpc.ask("eth_getTransactionReceipt", (B256::from(hash.0),)).await
    }

    async fn final_height(&self, finality: Finality) -> Result<u64, Fault> {
        match finality {
            Finality::Instant => self.rpc.height().await,
            Finality::Depth(depth) => Ok(self.rpc.height().await?.saturating_sub(depth.into())),
            Finality::Finalized => {
                let header: Option<Header> = self.rpc.header("finalized").await?;
                Ok(header.map_or(0, |header| header.block().height))
            }
        }
    }

    /// A batch never reverts for its items; one that would settle nothing is not sent.
    async fn any_open(&self, answers: &[Answer]) -> Result<(), BuildError> {
        const OPEN: u8 = 1;
        const REFUNDED: u8 = 4;
        let calls: Vec<Vec<u8>> = answers
            .iter()
            .map(|answer| Sotto::statusOfCall { id: answer.number }.abi_encode())
            .collect();
        let unreachable = |error: String| BuildError::Unreachable(error);
        let found = self.rpc.calls(self.contract, &calls, "latest").await;
        let mut refunded = false;
        for answer in found.map_err(|fault| unreachable(fault.to_string()))? {
            let found = Sotto::statusOfCall::abi_decode_returns(&answer);
            match found.map_err(|error| unreachable(error.to_string()))?.status {
                OPEN => return Ok(()),
                status => refunded |= status == REFUNDED,
            }
        }
        if refunded {
            let reason = "no request of the batch is open".into();
            return Err(BuildError::WouldRevert { reason, curable: false });
        }
        Err(BuildError::AlreadyDone)
    }

    /// Some nodes give the reason to a call alone, not to an estimate.
    async fn try_out(
        &self,
        from: Option<Address>,
        calldata: &[u8],
        message: String,
    ) -> Result<Built, BuildError> {
        match self.rpc.call(from, self.contract, calldata, "latest").await {
            Err(Fault::Refused { data: Some(data), .. }) if !data.is_empty() => Err(judge(&data)),
            Err(Fault::Refused { message, .. }) => {
                Err(BuildError::WouldRevert { reason: message, curable: true })
            }
            Ok(_) => Err(BuildError::WouldRevert { reason: message, curable: true }),
            Err(fault) => Err(BuildError::Unreachable(fault.to_string())),
        }
    }
}

/// A transaction before it is signed.
pub(crate) struct Unsigned {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) to: TxKind,
    pub(crate) value: U256,
    pub(crate) input: Vec<u8>,
    pub(crate) gas: u64,
    pub(crate) fee: Fee,
}

impl Unsigned {
    pub(crate) fn sign(self, key: &Key) -> Result<Raw, String> {
        let envelope: TxEnvelope = match self.fee.tip {
            Some(tip) => {
                let tx = TxEip1559 {
                    chain_id: self.chain_id,
                    nonce: self.nonce,
                    gas_limit: self.gas,
                    max_fee_per_gas: self.fee.max,
                    max_priority_fee_per_gas: tip.min(self.fee.max),
                    to: self.to,
                    value: self.value,
                    access_list: Default::default(),
                    input: self.input.into(),
                };
                let signature = key.sign(&tx.signature_hash())?;
                tx.into_signed(signature).into()
            }
            None => {
                let tx = TxLegacy {
                    chain_id: Some(self.chain_id),
                    nonce: self.nonce,
                    gas_price: self.fee.max,
                    gas_limit: self.gas,
                    to: self.to,
                    value: self.value,
                    input: self.input.into(),
                };
                let signature = key.sign(&tx.signature_hash())?;
                tx.into_signed(signature).into()
            }
        };
        let bytes = envelope.encoded_2718();
        Ok(Raw { hash: Hash(keccak256(&bytes).0), bytes })
    }
}

/// Estimates are of one moment; what another transaction changes before costs a little more.
pub(crate) fn with_margin(gas: u64) -> u64 {
    gas.saturating_add(gas / 8).saturating_add(5_000)
}

pub(crate) async fn nonce(rpc: &Rpc, account: Address, tag: &str) -> Result<u64, Fault> {
    let nonce: U64 = rpc.ask("eth_getTransactionCount", (account, tag)).await?;
    Ok(nonce.to())
}

pub(crate) async fn fee(rpc: &Rpc, cap: u128) -> Result<Fee, Fault> {
    let head = rpc.header("latest").await?;
    let base = head.and_then(|head| head.base_fee_per_gas);
    let Some(base) = base.map(|base| base.to::<u128>()) else {
        let price: U128 = rpc.ask("eth_gasPrice", ()).await?;
        return Ok(Fee { max: price.to::<u128>().min(cap), tip: None });
    };
    let tip = match rpc.ask::<_, U128>("eth_maxPriorityFeePerGas", ()).await {
        Ok(tip) => tip.to(),
        Err(Fault::Refused { .. }) => USUAL_TIP,
        Err(fault) => return Err(fault),
    };
    let max = base.saturating_mul(2).saturating_add(tip).min(cap);
    Ok(Fee { max, tip: Some(tip.min(max)) })
}

pub(crate) async fn broadcast(rpc: &Rpc, raw: &Raw) -> Result<(), SubmitError> {
    let bytes = Bytes::from(raw.bytes.clone());
    match rpc.ask::<_, B256>("eth_sendRawTransaction", (bytes,)).await {
        Ok(hash) if hash.0 == raw.hash.0 => Ok(()),
        Ok(hash) => Err(SubmitError::Ambiguous(format!("the node calls it {hash}"))),
        Err(Fault::Unsent(why)) => Err(SubmitError::Unreachable(why)),
        Err(Fault::NoAnswer(why) | Fault::Malformed(why)) => Err(SubmitError::Ambiguous(why)),
        Err(Fault::Refused { code, message, .. }) => Err(refused(code, message)),
    }
}

/// Nodes agree on no codes, only roughly on words (geth, reth, nethermind, anvil).
pub(crate) fn refused(code: i64, message: String) -> SubmitError {
    let words = message.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if says(&["already known", "already imported", "alreadyknown", "known transaction"]) {
        SubmitError::AlreadyKnown
    } else if says(&["nonce too low", "nonce is too low", "oldnonce", "nonce has already"]) {
        SubmitError::NonceTooLow
    } else if says(&[
        "underpriced",
        "less than block base fee",
        "lower than the current base fee",
        "fee too low",
        "feetoolow",
    ]) {
        SubmitError::Underpriced
    } else if [429, -32005, -32016].contains(&code) || says(&["rate limit", "too many requests"]) {
        SubmitError::Unreachable(message)
    } else {
        SubmitError::Rejected(message)
    }
}

fn sink_error(fault: Fault) -> SinkError {
    match fault {
        Fault::Unsent(why) | Fault::NoAnswer(why) => SinkError::Unreachable(why),
        Fault::Refused { .. } | Fault::Malformed(_) => SinkError::Refused(fault.to_string()),
    }
}

impl EvmChain {
    /// The tag of a height, for calls at a block.
    pub(crate) fn at(height: u64) -> String {
        number(height)
    }
}
