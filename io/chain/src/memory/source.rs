//! A node in front of the chain in memory, for reading.

use super::{Inner, MemoryChain};
use crate::conformance::Fault;
use crate::{ChainIdentity, Nonces, RequestSource, RequestStatus, SourceError};
use async_trait::async_trait;
use sotto_types::{Account, BlockRef, ChainEvent, Finality, Hash};
use std::{collections::BTreeMap, ops::RangeInclusive};

/// Blocks the node takes at once while [`Fault::RangeLimit`] is on.
const RANGE: u64 = 4;
/// Blocks the node is behind while [`Fault::LaggingReplica`] is on.
const LAG: u64 = 8;

/// Reads a [`MemoryChain`]; faults spoil its answers.
#[derive(Clone, Debug)]
pub struct MemorySource(MemoryChain);

impl MemorySource {
    pub(super) fn new(chain: MemoryChain) -> Self {
        Self(chain)
    }

    fn answer<T>(
        &self,
        answer: impl FnOnce(&mut Inner) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        let mut inner = self.0.lock();
        if inner.strikes(Fault::Unreachable) {
            return Err(SourceError::Unreachable("fault".into()));
        }
        answer(&mut inner)
    }
}

pub(super) fn final_height(inner: &Inner, finality: Finality) -> u64 {
    let head = inner.ledger.head().height;
    match finality {
        Finality::Instant => head,
        Finality::Depth(depth) => head.saturating_sub(depth.into()),
        Finality::Finalized => head.saturating_sub(2),
    }
}

#[async_trait]
impl RequestSource for MemorySource {
    async fn identity(&self) -> Result<ChainIdentity, SourceError> {
        let config = self.0.config();
        self.answer(|_| {
            Ok(ChainIdentity {
                caip2: config.caip2.clone(),
                code: Hash::of(b"sotto-chain/memory"),
                network: config.network,
                domain: self.0.domain(),
            })
        })
    }

    async fn head(&self, finality: Finality) -> Result<BlockRef, SourceError> {
        self.answer(|inner| {
            let height = final_height(inner, finality);
            inner.ledger.block(height).ok_or_else(|| SourceError::Lagging("no block".into()))
        })
    }

    async fn block(&self, height: u64) -> Result<Option<BlockRef>, SourceError> {
        self.answer(|inner| Ok(inner.ledger.block(height)))
    }

    async fn request_count(&self, at: &BlockRef) -> Result<u64, SourceError> {
        self.answer(|inner| {
            let contract = inner.ledger.contract_at(at.height);
            Ok(contract.ok_or_else(|| SourceError::Lagging("no block".into()))?.count())
        })
    }

    async fn events(&self, blocks: RangeInclusive<u64>) -> Result<Vec<ChainEvent>, SourceError> {
        self.answer(|inner| {
            let asked = blocks.end().saturating_sub(*blocks.start()).saturating_add(1);
            if asked > RANGE && inner.strikes(Fault::RangeLimit) {
                return Err(SourceError::RangeTooLarge { hint: None });
            }
            let mut upto = *blocks.end();
            if inner.strikes(Fault::LaggingReplica) {
                upto = upto.min(inner.ledger.head().height.saturating_sub(LAG));
            }
            let twice = inner.strikes(Fault::DuplicateEvent);
            let heights = (*blocks.start()..=upto).take_while(|h| *h <= inner.ledger.head().height);
            let events = heights.flat_map(|height| inner.ledger.events(height).to_vec());
            let copies = if twice { 2 } else { 1 };
            Ok(events.flat_map(|event| std::iter::repeat_n(event, copies)).collect())
        })
    }

    async fn status(&self, number: u64, finality: Finality) -> Result<RequestStatus, SourceError> {
        self.answer(|inner| {
            let height = final_height(inner, finality);
            let contract = inner.ledger.contract_at(height);
            Ok(contract.map_or(RequestStatus::None, |contract| contract.status(number)))
        })
    }

    async fn nonces(&self, finality: Finality) -> Result<Nonces, SourceError> {
        self.answer(|inner| {
            let height = final_height(inner, finality);
            Ok(inner.ledger.contract_at(height).map(super::Contract::nonces).unwrap_or_default())
        })
    }

    async fn published(
        &self,
        consumer: &Account,
        hashes: &[Hash],
        upto: u64,
    ) -> Result<BTreeMap<Hash, Vec<u8>>, SourceError> {
        self.answer(|inner| {
            let of_consumer = inner.ledger.published(upto).filter(|(from, _)| from == consumer);
            let named = of_consumer.map(|(_, bytes)| (Hash::of(bytes), bytes.clone()));
            Ok(named.filter(|(hash, _)| hashes.contains(hash)).collect())
        })
    }
}
