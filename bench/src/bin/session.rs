//! `session`: the part of `call` that crosses HTTP, alone: calls in a direct session against
//! wasmtime's own serving. `docs/bench/call.md` says how to read it.

use sotto_bench::options::Options;
use sotto_bench::report::Report;
use sotto_bench::session::Sides;
use sotto_bench::{Result, app};

/// As in `call`.
const SAID: usize = 255;
const ROUNDS: usize = 200;

fn main() -> Result<()> {
    let options = Options::from_args()?;
    let mut sides = Sides::start(&app::both()?, vec![0x5a; SAID])?;
    sides.check()?;
    if let Some(times) = options.repeat {
        return sides.repeat(times);
    }
    let mut report = Report::new("session");
    sides.measure(&mut report, options.rounds.unwrap_or(ROUNDS))?;
    report.print(options.json);
    Ok(())
}
