//! `cargo xtask demo`: builds the program and runs its sealed-bid auction.
//!
//! Nothing of ours goes to standard output, which with `--json` holds one object. The build is the
//! dev profile, whose dependencies are optimised and whose output the tests use again.

use std::process::ExitCode;

use crate::fetch;
use crate::place::Place;
use crate::shell::{Job, say};
use crate::tools;

/// Runs `sotto demo`, with the arguments as they came.
pub(crate) fn run(place: &Place, args: &[String]) -> Result<ExitCode, String> {
    tools::require(&[tools::CC])?;
    say(&format!("wasm target: {}", fetch::wasm_target(place)?));
    say("building sotto (the first time some minutes, then seconds)");
    if Job::cargo(place, ["build", "--package", "sotto"]).hand_over()? != 0 {
        return Err("sotto did not build; the reason is above. Cargo fetches crates over the \
                    network, once: if it names a host that cannot be reached, connect and run \
                    the same command again"
            .to_owned());
    }
    let demo = Job::cargo(place, ["run", "--quiet", "--package", "sotto", "--", "demo"]).args(args);
    let status = demo.hand_over()?;
    Ok(u8::try_from(status).map_or(ExitCode::FAILURE, ExitCode::from))
}
