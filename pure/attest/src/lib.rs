//! Evidence in, verdict out: one module per TEE, then policy.
//!
//! Four steps that never blend: parse → verify signatures → claims → judge by policy. `now` and
//! every endorsement are arguments; the kind and its trust anchor come from the policy, never from
//! the message; the binding is never optional. Not here: asking a device for evidence (`io/tee`),
//! who may hold which key (`ledger`). Only `simulated` is built yet.
#![forbid(unsafe_code)]

mod binding;
mod policy;
pub mod simulated;
#[cfg(test)]
mod tests;

pub use binding::{Binding, Role};
pub use policy::{Policy, Refusal, Status, Verdict, appraise};

use sotto_types::{Measurement, TeeKind, Time};

/// What evidence says once its signatures are believed. One shape for all kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The kind that made it.
    pub kind: TeeKind,
    /// What was launched.
    pub measurement: Measurement,
    /// Whether it can be looked into by a debugger.
    pub debug: bool,
    /// The bytes it is bound to (SHA-512).
    pub binding: [u8; 64],
    /// When it was made, as its maker says.
    pub made: Time,
}
