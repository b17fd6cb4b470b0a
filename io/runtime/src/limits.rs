//! What one call may use, and what the machine sets aside for all of them.

use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What one call may use. The worker takes the smaller of the manifest's figure and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Fuel, in units of the cost table; deterministic.
    pub fuel: u64,
    /// All linear memories of the app together, in bytes. Growing beyond it is a trap, so an app
    /// never sees a failed allocation. The pool's slot is a limit too.
    pub memory_bytes: u64,
    /// Time on the clock from the first instruction, waiting for hosts included; a safety net of
    /// this machine, and not deterministic.
    pub time: Duration,
    /// The largest answer, in bytes.
    pub output_bytes: u64,
}

impl Default for Limits {
    /// A billion units of fuel, 64 MiB, ten seconds, an answer of 1 MiB.
    fn default() -> Limits {
        Limits {
            fuel: 1_000_000_000,
            memory_bytes: 64 << 20,
            time: Duration::from_secs(10),
            output_bytes: 1 << 20,
        }
    }
}

/// What the machine sets aside: address space at once, memory only as apps touch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSizes {
    /// How many calls run at once; more wait for their turn.
    pub instances: u32,
    /// The most memory one instance can have whatever its limits say, in bytes.
    pub memory_bytes: u64,
    /// How many loaded apps are kept ready.
    pub apps: usize,
}

impl Default for PoolSizes {
    /// 64 calls at once of at most 256 MiB each, 64 apps ready.
    fn default() -> PoolSizes {
        PoolSizes { instances: 64, memory_bytes: 256 << 20, apps: 64 }
    }
}

/// How many elements one table may have.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

/// Counts an instance's linear memory against its limit, all its memories together.
pub(crate) struct MemoryLimiter {
    limit: u64,
    used: u64,
}

/// The error under a trap caused by [`MemoryLimiter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than {limit} bytes of memory")]
pub(crate) struct MemoryExceeded {
    /// The limit in force, in bytes.
    pub(crate) limit: u64,
}

impl MemoryLimiter {
    pub(crate) fn new(limit: u64) -> MemoryLimiter {
        MemoryLimiter { limit, used: 0 }
    }
}

impl ResourceLimiter for MemoryLimiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // Beyond what the module itself declared as its maximum: the specification's own failure,
        // the same on every machine.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current) as u64;
        let used = self.used.saturating_add(more);
        if used > self.limit {
            return Err(MemoryExceeded { limit: self.limit }.into());
        }
        self.used = used;
        Ok(true)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // The machine had no memory: not the app's to see.
        Err(error.context("memory could not grow"))
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= maximum.unwrap_or(usize::MAX).min(TABLE_ELEMENTS))
    }
}
