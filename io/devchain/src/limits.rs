//! Every limit on what a caller may ask or store, in one place.

use std::time::Duration;

/// Largest HTTP request body, in bytes.
pub const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most requests in one JSON-RPC batch.
pub const BATCH_MAX: usize = 1_000;
/// Most HTTP requests worked on at once; further ones wait.
pub const REQUESTS_AT_ONCE: usize = 64;
/// Largest raw transaction, in bytes (geth's pool limit: 4 slots of 32 KiB).
pub const TX_BYTES_MAX: usize = 128 * 1024;
/// Most gas one transaction may ask for (EIP-7825, Osaka).
pub const TX_GAS_MAX: u64 = 16_777_216;
/// Longest initialisation code of a contract, in bytes (EIP-3860).
pub const INITCODE_BYTES_MAX: usize = 49_152;
/// Most transactions waiting in the pool.
pub const POOL_TXS_MAX: usize = 8_192;
/// Most bytes of raw transactions waiting in the pool.
pub const POOL_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most transactions of one sender waiting in the pool.
pub const POOL_TXS_PER_SENDER_MAX: usize = 1_024;
/// A replacement must raise both fees by this many per cent.
pub const REPLACEMENT_BUMP_PERCENT: u128 = 10;
/// Most logs in one answer.
pub const LOGS_MAX: usize = 20_000;
/// Most addresses, and most values per topic position, in one log filter.
pub const FILTER_VALUES_MAX: usize = 1_000;
/// Most filters installed at once; the one unused for longest makes room.
pub const FILTERS_MAX: usize = 256;
/// A filter nobody polls for this long is forgotten.
pub const FILTER_IDLE: Duration = Duration::from_secs(300);
/// Most blocks in one `eth_feeHistory`.
pub const FEE_HISTORY_BLOCKS_MAX: u64 = 1_024;
/// Most percentiles in one `eth_feeHistory`.
pub const FEE_PERCENTILES_MAX: usize = 100;
/// Most blocks mined by one call.
pub const MINE_BLOCKS_MAX: u64 = 10_000;
/// Most blocks replaced by one reorganisation.
pub const REORG_BLOCKS_MAX: u64 = 10_000;
/// Most snapshots kept; the oldest makes room.
pub const SNAPSHOTS_MAX: usize = 1_024;
/// Latest block time, in Unix seconds (the year 36812): far from any overflow.
pub const TIME_MAX: u64 = 1 << 40;
/// Smallest block gas limit a chain can be started with.
pub const BLOCK_GAS_MIN: u64 = 21_000;
/// Largest block gas limit a chain can be started with.
pub const BLOCK_GAS_MAX: u64 = 10_000_000_000;
/// Most accounts funded at genesis.
pub const GENESIS_ACCOUNTS_MAX: usize = 100_000;
/// Largest journal record, in bytes.
pub const RECORD_BYTES_MAX: usize = 1 << 30;
/// How long [`crate::Devchain::stop`] waits for requests under way.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
