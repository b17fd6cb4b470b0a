//! From logs of the Sotto contract to what happened there.

use super::source_error;
use crate::EvmChain;
use crate::abi::Sotto;
use alloy::{
    primitives::{B256, Bytes},
    rpc::types::Log,
    sol_types::{SolCall as _, SolEvent as _, SolEventInterface as _},
};
use serde::Deserialize;
use sotto_chain::SourceError;
use sotto_types::{Ask, ChainEvent, Domain, Hash};
use std::collections::{BTreeMap, BTreeSet};

/// A transaction, as far as it is read.
#[derive(Debug, Deserialize)]
struct Sent {
    to: Option<alloy::primitives::Address>,
    input: Bytes,
}

impl EvmChain {
    pub(super) async fn decode(&self, logs: Vec<Log>) -> Result<Vec<ChainEvent>, SourceError> {
        let failed = failed_callbacks(&logs);
        let mut events = Vec::with_capacity(logs.len());
        // Several events of one pay-out or one change of keys are one thing to the network.
        let (mut paid, mut keyed) = (BTreeSet::new(), BTreeSet::new());
        for log in &logs {
            if log.topic0() == Some(&Sotto::Requested::SIGNATURE_HASH) {
                events.push(super::decode::requested(log));
                continue;
            }
            let malformed =
                |error| SourceError::Malformed(format!("a log of the contract: {error}"));
            match Sotto::SottoEvents::decode_log(&log.inner).map_err(malformed)?.data {
                Sotto::SottoEvents::Fulfilled(event) => events.push(ChainEvent::Settled {
                    number: event.id,
                    result: Hash(event.resultHash.0),
                    delivered: !failed.contains(&(log.transaction_hash, event.id)),
                }),
                Sotto::SottoEvents::Delivered(event) => {
                    events.push(ChainEvent::Delivered { number: event.id });
                }
                Sotto::SottoEvents::Refunded(event) => {
                    events.push(ChainEvent::Refunded { number: event.id });
                }
                Sotto::SottoEvents::Paid(event) if paid.insert(event.nonce) => {
                    events.push(ChainEvent::Paid { nonce: event.nonce });
                }
                Sotto::SottoEvents::MembersSet(event) => {
                    events.push(ChainEvent::MembersSet { nonce: event.nonce });
                }
                Sotto::SottoEvents::ResultKeySet(_) if keyed.insert(log.transaction_hash) => {
                    let nonces = self.key_nonces(log).await?;
                    events.extend(nonces.into_iter().map(|nonce| ChainEvent::KeysSet { nonce }));
                }
                Sotto::SottoEvents::Requested(_)
                | Sotto::SottoEvents::Paid(_)
                | Sotto::SottoEvents::ResultKeySet(_)
                | Sotto::SottoEvents::CallbackFailed(_)
                | Sotto::SottoEvents::Skipped(_)
                | Sotto::SottoEvents::Owing(_)
                | Sotto::SottoEvents::Withdrawn(_) => {}
            }
        }
        self.compare(&mut events).await?;
        Ok(events)
    }

    /// The nonces of a change of keys, which its events do not carry: from the call itself, or,
    /// where another contract made it, from the counter before and after its block.
    async fn key_nonces(&self, log: &Log) -> Result<Vec<u64>, SourceError> {
        let (Some(hash), Some(height)) = (log.transaction_hash, log.block_number) else {
            return Err(SourceError::Malformed("a log without its transaction".into()));
        };
        let sent: Option<Sent> =
            self.rpc.ask("eth_getTransactionByHash", (hash,)).await.map_err(source_error)?;
        let sent = sent.ok_or_else(|| SourceError::Lagging(format!("no transaction {hash}")))?;
        if sent.to == Some(self.contract)
            && let Ok(call) = Sotto::setResultKeysCall::abi_decode(&sent.input)
        {
            return Ok(vec![call.nonce]);
        }
        let nonces = Sotto::noncesCall {};
        let before = self.view(&nonces, &Self::at(height.saturating_sub(1))).await?.keys;
        let after = self.view(&nonces, &Self::at(height)).await?.keys;
        Ok((before.saturating_add(1)..=after).collect())
    }

    /// Compares the hash of each request with the one the contract keeps, as long as it keeps it
    /// (until it is settled).
    async fn compare(&self, events: &mut [ChainEvent]) -> Result<(), SourceError> {
        const KEPT: [u8; 2] = [1, 4];
        let asks: Vec<&Ask> = events.iter().filter_map(asked).collect();
        if asks.is_empty() {
            return Ok(());
        }
        let domain = Domain(self.view(&Sotto::domainCall {}, "latest").await?.0);
        let calls: Vec<Vec<u8>> =
            asks.iter().map(|ask| Sotto::statusOfCall { id: ask.number }.abi_encode()).collect();
        let answers =
            self.rpc.calls(self.contract, &calls, "latest").await.map_err(source_error)?;
        let mut wrong = BTreeMap::new();
        for (ask, answer) in asks.iter().zip(answers) {
            let found = Sotto::statusOfCall::abi_decode_returns(&answer)
                .map_err(|error| SourceError::Malformed(error.to_string()))?;
            if found.status == 0 {
                return Err(SourceError::Lagging(format!("no request {} yet", ask.number)));
            }
            if KEPT.contains(&found.status) && found.hash != B256::from(ask.hash(&domain).0) {
                wrong.insert(ask.number, "its event does not hash to what the contract keeps");
            }
        }
        for event in events {
            if let Some((number, reason)) =
                asked(event).and_then(|ask| wrong.get(&ask.number).map(|why| (ask.number, *why)))
            {
                *event = ChainEvent::Unreadable { number, reason: reason.into() };
            }
        }
        Ok(())
    }
}

fn asked(event: &ChainEvent) -> Option<&Ask> {
    match event {
        ChainEvent::Requested(ask) => Some(ask),
        _ => None,
    }
}

/// Which requests' callbacks failed in which transaction.
fn failed_callbacks(logs: &[Log]) -> BTreeSet<(Option<B256>, u64)> {
    let failed = logs.iter().filter_map(|log| {
        let event = Sotto::CallbackFailed::decode_log(&log.inner).ok()?;
        Some((log.transaction_hash, event.data.id))
    });
    failed.collect()
}
