//! The adapter on the embedded chain, and on a real anvil where `SOTTO_ANVIL` names its binary,
//! both behind a proxy that spoils answers.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bed;
mod conforms;
mod decoding;
mod node;
mod proxy;
mod wallet;
