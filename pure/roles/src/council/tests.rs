//! The member: what it takes into its pool and its blocks, what it says by itself, and the one
//! door to the vault.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod blocks;
mod door;
mod pool;
mod words;
