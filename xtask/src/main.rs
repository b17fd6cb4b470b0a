//! The workshop of the repository: what `cargo xtask <command>` runs, and the one test command.
//!
//! Each command fetches by itself what it needs, says on standard error what it does, and does
//! nothing twice. Not here: anything the product needs when it runs, and any dependency, so that
//! the workshop stands a second after a fresh clone.

mod bench;
mod bless;
mod demo;
mod doctor;
mod fetch;
mod place;
mod purity;
mod shell;
mod steps;
mod tally;
mod tools;

use std::process::ExitCode;

use crate::place::Place;

/// The words of `cargo xtask help`.
const HELP: &str = "\
The workshop of Sotto. Usage: cargo xtask <command>

  demo [--json] [args...]  run the sealed-bid auction on this machine; --json prints one object
  test [filter...]         run every check; a filter is the name of a step (see below) or part
                           of the name of a test
  bench [NAME] [--json]    run a benchmark of bench/; without a name, list them
  bless                    write the golden files anew (tests/vectors, contract artefacts)
  doctor                   say which tools are here, which are missing and how to get them
  help                     this text

Steps of test, in their order:
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_else(|| "help".to_owned());
    let rest: Vec<String> = args.collect();
    match dispatch(&command, &rest) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("xtask {command}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: &str, rest: &[String]) -> Result<ExitCode, String> {
    let place = Place::find()?;
    if matches!(command, "demo" | "test" | "bless") {
        place.claim()?;
    }
    match command {
        "demo" => demo::run(&place, rest),
        "test" => steps::run(&place, rest),
        "bench" => bench::run(&place, rest),
        "bless" => bless::run(&place),
        "doctor" => Ok(doctor::run(&place)),
        "help" | "--help" | "-h" => {
            print!("{HELP}{}", steps::list(&place));
            Ok(ExitCode::SUCCESS)
        }
        other => {
            eprintln!("xtask: no command is called {other:?}; try: cargo xtask help");
            Ok(ExitCode::from(2))
        }
    }
}
