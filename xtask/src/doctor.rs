//! `cargo xtask doctor`: which tools are here, which are missing, how to get them.

use std::process::ExitCode;

use crate::place::Place;
use crate::tools::{CC, DENY, NODE, NPM, RUSTUP};

/// Looks for everything; fails when something needed is missing.
pub(crate) fn run(place: &Place) -> ExitCode {
    println!("clone         {}", place.root.display());
    println!("cache         {}", place.cache.display());
    println!("build output  {}\n", place.target.display());
    let mut whole = true;
    for (tool, needed) in [(RUSTUP, true), (CC, true), (NODE, true), (NPM, true), (DENY, false)] {
        match tool.look() {
            Ok(version) => println!("ok    {:<11} {version}", tool.name),
            Err(message) if needed => {
                whole = false;
                println!("MISS  {message}");
            }
            Err(message) => println!("-     {message}"),
        }
    }
    if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
