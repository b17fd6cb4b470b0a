//! `cargo xtask bless`: writes the golden files anew. The diff is what a reviewer approves.

use std::process::ExitCode;

use crate::fetch;
use crate::place::Place;
use crate::shell::{Job, say};

/// The crates whose tests write their golden files when `SOTTO_BLESS` is set.
const BLESSED: [&str; 4] = ["sotto-types", "sotto-crypto", "sotto-attest", "sotto-ledger"];

/// Contract artefacts first: vectors may be of them.
pub(crate) fn run(place: &Place) -> Result<ExitCode, String> {
    say(&fetch::npm_packages(place)?);
    for job in jobs(place) {
        say(&job.line(place));
        if !job.watch(say)?.ok {
            return Err(format!("nothing after this was blessed; to repeat: {}", job.line(place)));
        }
    }
    say("look at what changed before you commit it: \
         git diff tests/vectors contracts/solidity/artifacts docs/protocol/gas.md");
    Ok(ExitCode::SUCCESS)
}

fn jobs(place: &Place) -> [Job; 4] {
    let node = |script| Job::tool("node", &place.solidity(), [script]);
    let crates: Vec<String> =
        BLESSED.iter().flat_map(|name| ["-p", *name]).map(String::from).collect();
    let wire = Job::cargo(place, ["test"]).args(&crates).env("SOTTO_BLESS", "1");
    let gas = Job::tool("node", &place.solidity(), ["test/anvil.mjs", "--table"]);
    [node("build.mjs"), node("test/vectors.mjs"), wire, gas]
}
