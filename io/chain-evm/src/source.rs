//! Reading: heads, counters, events, envelopes.

mod decode;
mod events;

pub use decode::read_request;
#[cfg(test)]
pub(crate) use decode::requested;

use crate::EvmChain;
use crate::abi::{Envelope, Sotto, address};
use crate::rpc::{Fault, Header, number};
use alloy::{
    primitives::{B256, Bytes},
    rpc::types::{Filter, Log},
    sol_types::{SolCall, SolEvent as _},
};
use async_trait::async_trait;
use sotto_chain::{ChainIdentity, Nonces, RequestSource, RequestStatus, SourceError};
use sotto_types::{Account, BlockRef, ChainEvent, Domain, Finality, Hash, NetworkId, limits};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// Envelope hashes in one filter.
const TOPICS: usize = 100;

#[async_trait]
impl RequestSource for EvmChain {
    async fn identity(&self) -> Result<ChainIdentity, SourceError> {
        let chain_id = crate::chain::chain_id(&self.rpc).await.map_err(source_error)?;
        let code: Bytes =
            self.rpc.ask("eth_getCode", (self.contract, "latest")).await.map_err(source_error)?;
        if code.is_empty() {
            return Err(SourceError::NoContract(self.contract.to_string()));
        }
        let network = self.view(&Sotto::networkCall {}, "latest").await?;
        let domain = self.view(&Sotto::domainCall {}, "latest").await?;
        Ok(ChainIdentity {
            caip2: format!("eip155:{chain_id}"),
            code: Hash::of(&code),
            network: NetworkId(network.0),
            domain: Domain(domain.0),
        })
    }

    async fn head(&self, finality: Finality) -> Result<BlockRef, SourceError> {
        let tag = self.rpc.tag(finality).await.map_err(source_error)?;
        let header = self.rpc.header(&tag).await.map_err(source_error)?;
        header
            .map(|header| header.block())
            .ok_or_else(|| SourceError::Lagging(format!("no block at its own {tag}")))
    }

    async fn block(&self, height: u64) -> Result<Option<BlockRef>, SourceError> {
        let header = self.rpc.header(&number(height)).await.map_err(source_error)?;
        match header.map(|header| header.block()) {
            Some(block) if block.height != height => Err(SourceError::Malformed(format!(
                "block {} where block {height} was asked for",
                block.height
            ))),
            block => Ok(block),
        }
    }

    async fn request_count(&self, at: &BlockRef) -> Result<u64, SourceError> {
        self.view(&Sotto::requestCountCall {}, &number(at.height)).await
    }

    async fn events(&self, blocks: RangeInclusive<u64>) -> Result<Vec<ChainEvent>, SourceError> {
        let (from, to) = (*blocks.start(), *blocks.end());
        let filter = Filter::new().address(self.contract).from_block(from).to_block(to);
        let logs = self.logs(filter, from, to).await?;
        self.decode(logs).await
    }

    async fn status(&self, number: u64, finality: Finality) -> Result<RequestStatus, SourceError> {
        let tag = self.rpc.tag(finality).await.map_err(source_error)?;
        let found = self.view(&Sotto::statusOfCall { id: number }, &tag).await?;
        let result = Hash(found.hash.0);
        match found.status {
            0 => Ok(RequestStatus::None),
            1 => Ok(RequestStatus::Open),
            2 => Ok(RequestStatus::Settled { result, delivered: true }),
            3 => Ok(RequestStatus::Settled { result, delivered: false }),
            4 => Ok(RequestStatus::Refunded),
            other => Err(SourceError::Malformed(format!("status {other} of request {number}"))),
        }
    }

    async fn nonces(&self, finality: Finality) -> Result<Nonces, SourceError> {
        let tag = self.rpc.tag(finality).await.map_err(source_error)?;
        let nonces = self.view(&Sotto::noncesCall {}, &tag).await?;
        Ok(Nonces { keys: nonces.keys, payout: nonces.payouts, members: nonces.memberSets })
    }

    async fn published(
        &self,
        consumer: &Account,
        hashes: &[Hash],
        upto: u64,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, SourceError> {
        let mut found = BTreeMap::new();
        let start = self.start.max(upto.saturating_sub(self.lookback));
        for chunk in hashes.chunks(TOPICS) {
            let mut span = self.max_range;
            let mut to = upto;
            // Backwards: what is asked for was mostly published a short while ago.
            while to >= start && chunk.iter().any(|hash| !found.contains_key(hash)) {
                let from = to.saturating_sub(span - 1).max(start);
                match self.envelopes(consumer, chunk, from, to).await {
                    Ok(more) => {
                        found.extend(more);
                        let Some(next) = from.checked_sub(1) else { break };
                        to = next;
                    }
                    Err(SourceError::RangeTooLarge { .. }) if span > 1 => {
                        span = (to - from) / 2 + 1
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(found)
    }
}

impl EvmChain {
    /// One view of the contract.
    async fn view<C: SolCall>(&self, call: &C, tag: &str) -> Result<C::Return, SourceError> {
        let answer = self.rpc.call(None, self.contract, &call.abi_encode(), tag).await;
        let answer = answer.map_err(source_error)?;
        if answer.is_empty() {
            return Err(SourceError::NoContract(format!("{} at block {tag}", self.contract)));
        }
        C::abi_decode_returns(&answer).map_err(|error| SourceError::Malformed(error.to_string()))
    }

    /// Logs of whole blocks, in the chain's order, from a node that has the last of them.
    ///
    /// A node that is behind gives empty logs for blocks it does not know. Both questions go in
    /// one HTTP request, so that one backend answers both.
    async fn logs(&self, filter: Filter, from: u64, to: u64) -> Result<Vec<Log>, SourceError> {
        let asked = to.saturating_sub(from).saturating_add(1);
        if asked > self.max_range {
            return Err(SourceError::RangeTooLarge { hint: Some(self.max_range) });
        }
        let tag = number(to);
        let logs = ("eth_getLogs", (filter,));
        let block = ("eth_getBlockByNumber", (tag.as_str(), false));
        let (logs, block) = self
            .rpc
            .both::<_, Vec<Log>, _, Option<Header>>(logs, block)
            .await
            .map_err(source_error)?;
        let mut logs = logs.map_err(range_error)?;
        if block.map_err(source_error)?.is_none() {
            return Err(SourceError::Lagging(format!("it does not have block {to} yet")));
        }
        logs.sort_by_key(|log| (log.block_number, log.log_index));
        for log in &logs {
            let inside = log.block_number.is_some_and(|number| (from..=to).contains(&number));
            if !inside || log.removed {
                return Err(SourceError::Malformed("a log of another block".into()));
            }
        }
        Ok(logs)
    }

    async fn envelopes(
        &self,
        consumer: &Account,
        hashes: &[Hash],
        from: u64,
        to: u64,
    ) -> Result<Vec<(Hash, Vec<u8>)>, SourceError> {
        let topics: Vec<B256> = hashes.iter().map(|hash| B256::from(hash.0)).collect();
        let filter = Filter::new()
            .address(address(consumer))
            .event_signature(Envelope::SIGNATURE_HASH)
            .topic1(topics)
            .from_block(from)
            .to_block(to);
        let logs = self.logs(filter, from, to).await?;
        let bytes = logs.iter().filter_map(|log| Envelope::decode_log(&log.inner).ok());
        Ok(bytes
            .map(|log| log.data.envelope.to_vec())
            .filter(|bytes| bytes.len() <= limits::ENVELOPE_MAX)
            .map(|bytes| (Hash::of(&bytes), bytes))
            .filter(|(hash, _)| hashes.contains(hash))
            .collect())
    }
}

pub(crate) fn source_error(fault: Fault) -> SourceError {
    match fault {
        Fault::Unsent(why) | Fault::NoAnswer(why) => SourceError::Unreachable(why),
        Fault::Malformed(why) => SourceError::Malformed(why),
        Fault::Refused { ref message, .. } => {
            let words = message.to_lowercase();
            let lags = ["header not found", "unknown block", "beyond", "missing trie node"];
            if lags.iter().any(|part| words.contains(part)) {
                SourceError::Lagging(fault.to_string())
            } else {
                SourceError::Refused(fault.to_string())
            }
        }
    }
}

/// Nodes agree on no code for too large a range, only roughly on words.
pub(crate) fn range_error(fault: Fault) -> SourceError {
    let Fault::Refused { ref message, .. } = fault else { return source_error(fault) };
    let words = message.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    if says(&["beyond", "invalid block range", "rate"]) {
        return source_error(fault);
    }
    if says(&["range", "more than", "too many", "too large", "limit exceeded", "response size"]) {
        return SourceError::RangeTooLarge { hint: None };
    }
    source_error(fault)
}
