#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod built;
mod cached;
mod deterministic;
mod egress;
mod examples;
mod hosts;
mod misbehaving;
mod written;

use std::sync::LazyLock;
use std::time::Duration;

use crate::{App, Call, Config, Limits, PoolSizes, Runtime, World};

/// One runtime for the tests that need nothing of their own.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime(None));

fn runtime(cache: Option<crate::CacheConfig>) -> Runtime {
    let pool = PoolSizes { instances: 8, ..PoolSizes::default() };
    Runtime::new(Config { pool, cache }).unwrap()
}

fn limits() -> Limits {
    Limits {
        fuel: 100_000_000,
        memory_bytes: 32 << 20,
        time: Duration::from_secs(20),
        output_bytes: 4096,
    }
}

fn function(component: &[u8]) -> App {
    RUNTIME.load(component, World::Function).unwrap()
}

fn saying(payload: &[u8]) -> Call {
    Call { payload: payload.to_vec(), ..Call::default() }
}
