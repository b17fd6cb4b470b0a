//! The list of checks, in their order: what fetches stands before what uses it, what is quick to
//! fail before what is slow.

use crate::fetch;
use crate::place::Place;
use crate::purity;
use crate::shell::Job;
use crate::tools::{self, Tool};

/// One check.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Steps without whose success this one is not run.
    pub(super) needs: &'static [&'static str],
    /// Steps that run before this one, which runs even if they failed.
    pub(super) uses: &'static [&'static str],
    pub(super) work: Work,
}

/// How a check is done.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    /// By the workshop itself; the answer is a note, or what is wrong.
    Own(fn(&Place) -> Result<String, String>),
    /// By other programs, all of which must succeed.
    Jobs(fn(&Place) -> Vec<Job>),
    /// By other programs, if the tool is installed.
    Optional(&'static Tool, fn(&Place) -> Vec<Job>),
    /// By a test runner that takes names of tests.
    Tests(fn(&Place) -> Job),
}

/// All checks.
pub(super) fn steps() -> Vec<Step> {
    let step = |name, about, needs, work| Step { name, about, needs, uses: &[], work };
    vec![
        step("wasm", "the WebAssembly target of the toolchain", &[], Work::Own(fetch::wasm_target)),
        step("npm", "the npm packages of the contracts", &[], Work::Own(fetch::npm_packages)),
        step("swtpm", "a software TPM for the live test", &[], Work::Own(fetch::swtpm)),
        step("fmt", "every Rust file is formatted", &[], Work::Jobs(fmt)),
        step(
            "artifacts",
            "the committed contract artefacts are what the sources compile to",
            &["npm"],
            Work::Jobs(|place| vec![node(place, &["build.mjs", "--check"])]),
        ),
        step(
            "vectors",
            "the golden vectors are what their rules give",
            &["npm"],
            Work::Jobs(|place| vec![node(place, &["test/vectors.mjs", "--check"])]),
        ),
        step(
            "forge",
            "contract tests: unit, fuzz, invariants",
            &["npm"],
            Work::Jobs(|place| vec![node(place, &["forge.mjs"])]),
        ),
        step("clippy", "lints, each warning an error", &["wasm"], Work::Jobs(clippy)),
        step("build", "every program and test of the workspace", &["wasm"], Work::Jobs(build)),
        Step {
            uses: &["npm", "swtpm"],
            ..step("tests", "the tests of the workspace", &["wasm", "build"], Work::Tests(tests))
        },
        step("twin", "the pure floor's tests on the pure-Rust twin", &[], Work::Jobs(twin)),
        step(
            "purity",
            "the pure floor builds where there is no operating system",
            &["wasm"],
            Work::Jobs(|place| vec![purity::build(place)]),
        ),
        step(
            "entropy",
            "nothing on the pure floor reads entropy",
            &[],
            Work::Own(purity::graph_is_pure),
        ),
        step("examples", "the tests of the example apps", &["wasm"], Work::Jobs(examples)),
        step(
            "docs",
            "the documentation of pure/ and sdk/, each warning an error",
            &[],
            Work::Jobs(docs),
        ),
        step("deny", "licences, advisories, sources", &[], Work::Optional(&tools::DENY, deny)),
    ]
}

/// The workspaces that stand beside the main one and are checked as it is.
const CHECKED: &[&str] = &["examples"];
/// Those that are only formatted: what they link never enters this build.
const FORMATTED: &[&str] = &["examples", "bench", "fuzz"];

fn manifests(place: &Place, folders: &[&str]) -> Vec<String> {
    let found = folders.iter().filter(|folder| place.has_workspace(folder));
    found.map(|folder| format!("{folder}/Cargo.toml")).collect()
}

fn node(place: &Place, args: &[&str]) -> Job {
    Job::tool("node", &place.solidity(), args.iter().copied())
}

fn fmt(place: &Place) -> Vec<Job> {
    // rustfmt colours its differences even into a pipe.
    let plain = ["--", "--color", "never"].map(str::to_owned);
    let main = Job::cargo(place, ["fmt", "--all", "--check"]).args(&plain);
    let more = manifests(place, FORMATTED).into_iter().map(|manifest| {
        let args = ["fmt", "--all", "--check", "--manifest-path", manifest.as_str()];
        Job::cargo(place, args).args(&plain)
    });
    std::iter::once(main).chain(more).collect()
}

fn clippy(place: &Place) -> Vec<Job> {
    let strict = ["--", "-D", "warnings"].map(str::to_owned);
    let main = Job::cargo(place, ["clippy", "--workspace", "--all-targets"]).args(&strict);
    let more = manifests(place, CHECKED).into_iter().map(|manifest| {
        let args = ["clippy", "--workspace", "--all-targets", "--manifest-path", manifest.as_str()];
        Job::cargo(place, args).args(&strict)
    });
    std::iter::once(main).chain(more).collect()
}

/// Also the programs: tests of whole processes start them. `--all-targets` makes cargo choose the
/// same features as for the tests, so that nothing is compiled twice.
fn build(place: &Place) -> Vec<Job> {
    vec![Job::cargo(place, ["build", "--workspace", "--all-targets"])]
}

fn tests(place: &Place) -> Job {
    let job = Job::cargo(place, ["test", "--workspace", "--no-fail-fast"]);
    with_outside(place, job.env("SOTTO_BIN", place.target.join("debug/sotto")))
}

/// Says where the test chain and the npm packages lie, if they could be fetched.
fn with_outside(place: &Place, job: Job) -> Job {
    let Some(modules) = fetch::node_modules(place) else { return job };
    let job = match fetch::anvil(&modules) {
        Some(anvil) => job.env("SOTTO_ANVIL", anvil),
        None => job,
    };
    // The variable names the folder that holds `node_modules`.
    job.env("SOTTO_NODE_MODULES", modules.parent().unwrap_or(&modules))
}

fn twin(place: &Place) -> Vec<Job> {
    let pure: Vec<&str> =
        purity::TWINS.into_iter().filter(|name| *name != "sotto-client").collect();
    let job = Job::cargo(place, ["test", "--no-fail-fast"]).args(&purity::selection(&pure));
    vec![with_outside(place, job)]
}

fn examples(place: &Place) -> Vec<Job> {
    manifests(place, CHECKED)
        .into_iter()
        .map(|manifest| {
            Job::cargo(
                place,
                ["test", "--workspace", "--no-fail-fast", "--manifest-path", manifest.as_str()],
            )
        })
        .collect()
}

fn docs(place: &Place) -> Vec<Job> {
    let rooms = purity::TWINS.into_iter().chain(["sotto-types", "sotto-guest"]);
    let chosen: Vec<String> = rooms.flat_map(|name| ["-p", name]).map(String::from).collect();
    vec![Job::cargo(place, ["doc", "--no-deps"]).args(&chosen).env("RUSTDOCFLAGS", "-D warnings")]
}

fn deny(place: &Place) -> Vec<Job> {
    vec![Job::cargo(place, ["deny", "--all-features", "check"])]
}
