//! The purity guard: the pure floor builds for `wasm32-unknown-unknown`, with the pure-Rust twin
//! of the cryptography, and with no source of randomness anywhere below it.
//!
//! On that target there is no operating system: the crates that read entropy refuse to compile
//! for it unless somebody opts into a source from JavaScript. So the build is half of the proof,
//! and the other half is that none of those crates is in the graph at all, which a build alone
//! would not show once somebody opted in. Clock, disk and threads compile here and would fail
//! only when called; `pure/clippy.toml` forbids those.

use crate::fetch::WASM;
use crate::place::Place;
use crate::shell::Job;

/// The crates that must work without an operating system, and take the twin.
pub(crate) const TWINS: [&str; 5] =
    ["sotto-crypto", "sotto-attest", "sotto-ledger", "sotto-roles", "sotto-client"];

/// What reads entropy, or is the bridge to somebody who does.
const ENTROPY: [&str; 8] =
    ["getrandom", "rand_os", "wasm-bindgen", "js-sys", "web-sys", "fastrand", "nanorand", "wasi"];

/// The build.
pub(crate) fn build(place: &Place) -> Job {
    Job::cargo(place, ["build", "--target", WASM, "-p", "sotto-types"]).args(&selection(&TWINS))
}

/// The graph of the same build: no crate of it may read entropy.
pub(crate) fn graph_is_pure(place: &Place) -> Result<String, String> {
    let args =
        ["tree", "--target", WASM, "-e", "no-dev,no-build,no-proc-macro", "-p", "sotto-types"];
    let shape = ["--prefix", "none", "--format", "{p}"].map(str::to_owned);
    let tree = Job::cargo(place, args).args(&selection(&TWINS)).args(&shape).read()?;
    let crates = tree.lines().filter(|line| !line.trim().is_empty()).count();
    match entropy_in(&tree) {
        found if found.is_empty() => Ok(format!("{crates} lines of the graph read, no entropy")),
        found => Err(format!(
            "the pure floor links {}, which reads entropy: chance is an argument there. Find who \
             asks for it with `cargo tree -p sotto-roles --no-default-features --features twin \
             --target {WASM} -e features -i {}` and switch that feature off",
            found.join(", "),
            found.first().map_or("<crate>@<version>", String::as_str),
        )),
    }
}

/// `-p` and features for crates that have the twin.
pub(crate) fn selection(crates: &[&str]) -> Vec<String> {
    let mut args: Vec<String> =
        crates.iter().flat_map(|name| ["-p", name]).map(String::from).collect();
    let features: Vec<String> = crates.iter().map(|name| format!("{name}/twin")).collect();
    args.extend(["--no-default-features".to_owned(), "--features".to_owned(), features.join(",")]);
    args
}

/// The crates of a `cargo tree` (one `name vVERSION` a line) that read entropy.
fn entropy_in(tree: &str) -> Vec<String> {
    let mut found: Vec<String> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, version) = (words.next()?, words.next()?);
            ENTROPY.contains(&name).then(|| format!("{name}@{}", version.trim_start_matches('v')))
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_is_found_by_whole_name() {
        let tree = "sotto-types v0.1.0 (/clone/pure/types)\nrand_core v0.6.4\ngetrandom v0.2.17\n\
                    getrandom v0.2.17 (*)\njs-sys v0.3.1\ngetrandom-like v1.0.0\n\n";
        assert_eq!(entropy_in(tree), ["getrandom@0.2.17", "js-sys@0.3.1"]);
        assert_eq!(entropy_in("sotto-types v0.1.0\nsha2 v0.10.9\n"), [""; 0]);
    }

    #[test]
    fn every_crate_is_selected_with_its_twin() {
        assert_eq!(
            selection(&["a", "b"]).join(" "),
            "-p a -p b --no-default-features --features a/twin,b/twin"
        );
    }
}
