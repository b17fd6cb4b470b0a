//! Tests of the room, rule by rule, over a view in memory and real keys.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod answers;
mod batches;
mod blocks;
mod certificate;
mod chains;
mod contexts;
mod credits;
mod grants;
mod memory;
mod outbox;
mod property;
mod registry;
mod requests;
mod seats;
mod signatures;
mod tree;
mod world;
