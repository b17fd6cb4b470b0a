#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod live;
mod scripted;
