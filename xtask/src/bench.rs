//! `cargo xtask bench NAME [--json]`: runs one benchmark of the workspace `bench/`.
//!
//! A benchmark is a program `bench/src/bin/NAME.rs`. With `--json` it prints one object,
//! `{name, machine, ratios: {...}, rows: [...]}`: medians of interleaved runs, each compared in
//! the same run, since only ratios of one run can be compared between machines.

use std::fs;
use std::process::ExitCode;

use crate::place::Place;
use crate::shell::Job;

/// Runs the benchmark, or lists them when none is named.
pub(crate) fn run(place: &Place, args: &[String]) -> Result<ExitCode, String> {
    let names = names(place)?;
    let Some((name, rest)) = args.split_first() else {
        println!("{}", names.join("\n"));
        return Ok(ExitCode::SUCCESS);
    };
    if !names.contains(name) {
        return Err(format!("no benchmark is called {name:?}; there are: {}", names.join(", ")));
    }
    let args = ["run", "--release", "--manifest-path", "bench/Cargo.toml", "--bin", name, "--"];
    let status = Job::cargo(place, args).args(rest).hand_over()?;
    Ok(u8::try_from(status).map_or(ExitCode::FAILURE, ExitCode::from))
}

fn names(place: &Place) -> Result<Vec<String>, String> {
    if !place.has_workspace("bench") {
        return Err("this version has no benchmarks (no bench/Cargo.toml)".to_owned());
    }
    let folder = place.root.join("bench/src/bin");
    let files = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut names: Vec<String> = files
        .flatten()
        .filter_map(|file| file.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}
