//! Tests of the room, against the ledger's own code and real keys.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod direct;
#[cfg(feature = "http")]
mod gateway;
mod network;
mod questions;
mod receipts;
mod world;
