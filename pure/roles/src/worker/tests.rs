//! The worker in a small network: what it believes, opens, runs, signs and forgets.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod answers;
mod belief;
mod direct;
mod envelopes;
mod gathering;
mod random;
mod renewal;
mod story;
