//! Writes the seeds of all targets, a folder for each, for libFuzzer to begin with:
//! `cargo run -p fuzz-bodies --example seeds -- fuzz/corpus`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a tool of the workshop")]

use fuzz_bodies::{TARGETS, kept};
use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os().nth(1).expect("the folder to write to, such as fuzz/corpus");
    for target in TARGETS {
        let folder = PathBuf::from(&folder).join(target.name);
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let inputs = (target.seeds)().into_iter().chain(kept(target.name));
        for (number, input) in inputs.enumerate() {
            let file = folder.join(format!("seed-{number:04}"));
            std::fs::write(file, input).expect("the seed can be written");
        }
    }
}
