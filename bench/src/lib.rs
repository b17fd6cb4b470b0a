//! What the benchmarks share: the echo app, one granted worker, wasmtime without Sotto, interleaved
//! measuring and the report. Each benchmark is a program of `src/bin`, run by
//! `cargo xtask bench NAME [--json]`.
//!
//! Times of a machine say little about another machine and, on a busy one, little about
//! themselves. So whatever is compared runs by turns in the same process, what counts is the
//! median, and what is claimed is a ratio. Nothing here asserts a time: no test fails because a
//! machine was busy. What is asserted, before anything is measured, is that both sides do the same.
//!
//! What is not here: load over more than loopback, and real TEEs.

pub mod app;
pub mod bare;
mod machine;
pub mod measure;
pub mod options;
pub mod report;
pub mod serving;
pub mod session;
pub mod worker;

/// Anything that stops a benchmark.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
