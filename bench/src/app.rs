//! The apps of `guest/` and `both/`, built as `sotto build` builds an app.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::Result;

#[path = "../../bin/sotto/src/guest.rs"]
mod guest;

/// The echo's component. Built beside the benchmarks' own output, so that the next run finds it done; the
/// compiler's lines go to standard error.
///
/// # Errors
/// What the compiler, or the disk, said.
pub fn echo() -> Result<Vec<u8>> {
    build("guest")
}

/// The component of `both/`: one body behind the doors of both worlds.
///
/// # Errors
/// What the compiler, or the disk, said.
pub fn both() -> Result<Vec<u8>> {
    build("both")
}

fn build(name: &str) -> Result<Vec<u8>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| here.join("target")).join("guests");
    let built = guest::build_component(&here.join(name), &target, &mut |line| eprintln!("{line}"))?;
    Ok(fs::read(built)?)
}
