//! The cost table: how much fuel each WebAssembly operator burns. Fuel is what a call is paid by
//! and where an endless one ends, so every machine of a release must count alike.
//!
//! The rule of version 1: an operator costs one; those that make no code (`nop`, `drop`, `block`,
//! `loop`, `else`, `end`, `return`, `unreachable`) cost none. An operator whose work depends on an
//! operand costs one more per byte or element it touches, and a page of new memory 255: otherwise
//! one instruction could keep a machine busy for long and cost nothing.

use sha2::{Digest, Sha256};
use wasmtime::OperatorCost;

use crate::error::RuntimeError;

/// The version of the cost table. It is named in a release; a change of any cost is a new version.
pub const COST_TABLE_VERSION: u32 = 1;

/// SHA-256 of the table of [`COST_TABLE_VERSION`], every operator by name. An engine that knows
/// other operators, or costs one of them otherwise by default, is found out at start.
const FINGERPRINT: &str = "26a07c2bd5244931a6a81cf25e8498a04ab4492d264bbc8ae378ff950b1374c1";

/// The table, once it is known to be the one this version stands for.
pub(crate) fn table() -> Result<OperatorCost, RuntimeError> {
    let mut cost = OperatorCost::new();
    // A new page is zeroed and faulted in: about four thousand bytes' worth of writing.
    cost.variable.memory_grow_per_page = 255;
    let found = hex::encode(Sha256::digest(format!("{cost:?}")));
    if found != FINGERPRINT {
        return Err(RuntimeError::CostTable { expected: FINGERPRINT.to_owned(), found });
    }
    Ok(cost)
}
