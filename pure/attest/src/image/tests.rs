#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod comparing;
mod fixture;
mod hostile;
mod predicting;
mod refusing;
