//! The one place of a node that reads the clock.

use sotto_types::Time;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 UTC; zero before.
pub fn wall_clock() -> Time {
    Time(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
