//! The two players, step by step and in random order.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod chain;
mod fees;
mod lane;
mod random;
mod sending;
mod watching;
