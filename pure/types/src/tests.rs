//! Tests of the room: golden bytes and digests, what decoders refuse, limits, layouts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod digest;
mod golden;
mod layout;
mod limits;
mod merkle;
mod samples;
mod session;
mod wire;
