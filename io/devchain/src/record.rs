//! What the journal says: one record per change of the chain, as bytes.
//!
//! Integers are big-endian and of fixed width; a byte string has a 32-bit length before it.

use alloy::primitives::{Address, B256, Bytes, U256};

/// One journalled change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The chain's parameters; always the first record, and only that.
    Genesis(Genesis),
    /// A transaction was accepted into the pool.
    Accepted(Bytes),
    /// A block was mined.
    Block(BlockRecord),
    /// An account was given a balance.
    Balance { address: Address, balance: U256 },
    /// The chain's clock now runs this many seconds ahead of the machine's.
    Clock { offset: i64 },
    /// The next block has this time.
    NextTime { timestamp: u64 },
    /// The last `depth` blocks were replaced with empty ones.
    Reorg { depth: u64 },
    /// A snapshot was taken.
    Snapshot,
    /// The chain went back to a snapshot.
    Revert { id: u64 },
    /// A waiting transaction was dropped.
    Dropped { hash: B256 },
}

/// Parameters a journal cannot be continued under if they change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Genesis {
    pub(crate) chain_id: u64,
    pub(crate) timestamp: u64,
    pub(crate) gas_limit: u64,
    pub(crate) accounts: Vec<(Address, U256)>,
}

/// A mined block: what is needed to execute it again, and its hash to check that against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockRecord {
    pub(crate) timestamp: u64,
    /// The clock's offset after this block.
    pub(crate) offset: i64,
    pub(crate) hash: B256,
    pub(crate) txs: Vec<Bytes>,
}

impl Record {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Genesis(genesis) => {
                out.push(0);
                put(&mut out, &genesis.chain_id.to_be_bytes());
                put(&mut out, &genesis.timestamp.to_be_bytes());
                put(&mut out, &genesis.gas_limit.to_be_bytes());
                put(&mut out, &(genesis.accounts.len() as u32).to_be_bytes());
                for (address, balance) in &genesis.accounts {
                    put(&mut out, address.as_slice());
                    put(&mut out, &balance.to_be_bytes::<32>());
                }
            }
            Self::Accepted(raw) => {
                out.push(1);
                put_bytes(&mut out, raw);
            }
            Self::Block(block) => {
                out.push(2);
                put(&mut out, &block.timestamp.to_be_bytes());
                put(&mut out, &block.offset.to_be_bytes());
                put(&mut out, block.hash.as_slice());
                put(&mut out, &(block.txs.len() as u32).to_be_bytes());
                block.txs.iter().for_each(|raw| put_bytes(&mut out, raw));
            }
            Self::Balance { address, balance } => {
                out.push(3);
                put(&mut out, address.as_slice());
                put(&mut out, &balance.to_be_bytes::<32>());
            }
            Self::Clock { offset } => {
                out.push(4);
                put(&mut out, &offset.to_be_bytes());
            }
            Self::NextTime { timestamp } => {
                out.push(5);
                put(&mut out, &timestamp.to_be_bytes());
            }
            Self::Reorg { depth } => {
                out.push(6);
                put(&mut out, &depth.to_be_bytes());
            }
            Self::Snapshot => out.push(7),
            Self::Revert { id } => {
                out.push(8);
                put(&mut out, &id.to_be_bytes());
            }
            Self::Dropped { hash } => {
                out.push(9);
                put(&mut out, hash.as_slice());
            }
        }
        out
    }

    /// Reads a record back; `None` unless `bytes` are exactly one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes);
        let record = match rest.array::<1>()?[0] {
            0 => Self::Genesis(rest.genesis()?),
            1 => Self::Accepted(rest.bytes()?),
            2 => Self::Block(rest.block()?),
            3 => Self::Balance { address: rest.address()?, balance: rest.u256()? },
            4 => Self::Clock { offset: i64::from_be_bytes(rest.array()?) },
            5 => Self::NextTime { timestamp: rest.u64()? },
            6 => Self::Reorg { depth: rest.u64()? },
            7 => Self::Snapshot,
            8 => Self::Revert { id: rest.u64()? },
            9 => Self::Dropped { hash: B256::new(rest.array()?) },
            _ => return None,
        };
        rest.0.is_empty().then_some(record)
    }
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, &(bytes.len() as u32).to_be_bytes());
    put(out, bytes);
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.array()?))
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).ok()
    }

    fn u256(&mut self) -> Option<U256> {
        Some(U256::from_be_bytes::<32>(self.array()?))
    }

    fn address(&mut self) -> Option<Address> {
        Some(Address::new(self.array()?))
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let length = self.length()?;
        Some(Bytes::copy_from_slice(self.take(length)?))
    }

    fn genesis(&mut self) -> Option<Genesis> {
        let (chain_id, timestamp, gas_limit) = (self.u64()?, self.u64()?, self.u64()?);
        let count = self.length()?;
        let accounts: Option<_> =
            (0..count).map(|_| Some((self.address()?, self.u256()?))).collect();
        Some(Genesis { chain_id, timestamp, gas_limit, accounts: accounts? })
    }

    fn block(&mut self) -> Option<BlockRecord> {
        let (timestamp, offset) = (self.u64()?, i64::from_be_bytes(self.array()?));
        let hash = B256::new(self.array()?);
        let count = self.length()?;
        let txs: Option<_> = (0..count).map(|_| self.bytes()).collect();
        Some(BlockRecord { timestamp, offset, hash, txs: txs? })
    }
}
