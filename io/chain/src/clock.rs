//! The clock the courier is driven by.

use async_trait::async_trait;
use sotto_types::Time;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Seconds that pass.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Time;

    /// Returns when `now` has reached `time`.
    async fn until(&self, time: Time);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

#[async_trait]
impl Clock for WallClock {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time(since.as_secs())
    }

    async fn until(&self, time: Time) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        tokio::time::sleep(Duration::from_secs(time.0).saturating_sub(since)).await;
    }
}

/// A clock whose seconds are short: for tests that should not wait.
#[derive(Clone, Copy, Debug)]
pub struct FastClock {
    began: Instant,
    second: Duration,
}

impl FastClock {
    /// A clock that stands at 1,000,000 now and counts one every `second` of real time.
    pub fn new(second: Duration) -> Self {
        Self { began: Instant::now(), second: second.max(Duration::from_millis(1)) }
    }
}

const FAST_EPOCH: u64 = 1_000_000;

#[async_trait]
impl Clock for FastClock {
    fn now(&self) -> Time {
        let ticks = self.began.elapsed().as_nanos() / self.second.as_nanos();
        Time(FAST_EPOCH).plus(u64::try_from(ticks).unwrap_or(u64::MAX))
    }

    async fn until(&self, time: Time) {
        let ticks = u32::try_from(time.0.saturating_sub(FAST_EPOCH)).unwrap_or(u32::MAX);
        tokio::time::sleep_until(self.began + self.second * ticks).await;
    }
}
