//! Who may import whom.
//!
//! ```text
//!   bin/    node ◄─ sotto        imports every floor below; nothing imports bin or tests
//!   sdk/    client ─► pure       guest ─► at most pure/types
//!   io/     every room ─► pure   io rooms never import each other, only chain-<x> ─► chain
//!   pure/   types ◄ crypto ◄ attest ◄ ledger ◄ roles
//! ```

/// How a crate depends on another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `[dependencies]` and `[build-dependencies]`.
    Normal,
    /// `[dev-dependencies]`: it enters no product.
    Dev,
}

/// One crate of ours names another: both by the folder they lie in, such as `pure/types`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrow {
    /// Who imports.
    pub from: String,
    /// Who is imported.
    pub to: String,
    /// For what.
    pub kind: Kind,
}

/// The pure floor's one line: a room imports rooms that stand before it.
const LINE: [&str; 5] = ["pure/types", "pure/crypto", "pure/attest", "pure/ledger", "pure/roles"];

/// The exemptions, for tests alone: the adapter is held to its conformance suite over HTTP, on the
/// embedded chain.
const DEV_ONLY: [(&str, &str); 1] = [("io/chain-evm", "io/devchain")];

/// Third parties that bring clock, disk, network, entropy, threads, async or logging.
const WORLDLY: [&str; 34] = [
    "alloy",
    "async-std",
    "async-trait",
    "axum",
    "chrono",
    "crossbeam",
    "env_logger",
    "fastrand",
    "fs4",
    "futures",
    "futures-util",
    "getrandom",
    "hyper",
    "hyper-util",
    "log",
    "parking_lot",
    "rand",
    "rayon",
    "redb",
    "reqwest",
    "revm",
    "rustls",
    "smol",
    "tempfile",
    "time",
    "tokio",
    "tokio-rustls",
    "tower",
    "tower-http",
    "tracing",
    "tracing-subscriber",
    "ureq",
    "wasmtime",
    "wasmtime-wasi",
];

/// What is wrong with an arrow between two of our crates, and where the line belongs.
#[must_use]
pub fn refuse(arrow: &Arrow) -> Option<String> {
    let (from, to) = (arrow.from.as_str(), arrow.to.as_str());
    if arrow.kind == Kind::Dev && DEV_ONLY.contains(&(from, to)) {
        return None;
    }
    let advice = outward(from, to).or_else(|| match floor(from) {
        "pure" => from_pure(from, to),
        "io" => from_io(from, to),
        "sdk" => from_sdk(from, to),
        "examples" => from_example(to),
        "xtask" => Some("the workshop is std only, so that it stands at once"),
        "bin" | "tests" | "bench" | "fuzz" => None,
        _ => Some(
            "it stands on no floor: a room is pure/<noun>, io/<noun>, sdk/<noun> or bin/<noun>",
        ),
    })?;
    Some(format!("{from} must not import {to}: {advice}"))
}

/// What is wrong with a third party among a crate's dependencies, and where the line belongs.
#[must_use]
pub fn refuse_third_party(room: &str, name: &str, kind: Kind) -> Option<String> {
    let sentence = |advice: &str| Some(format!("{room} must not depend on {name}: {advice}"));
    if room == "xtask" {
        return sentence("the workshop is std only, so that it stands at once");
    }
    if name.starts_with("commonware-") && room != "io/engine" {
        return sentence(
            "only io/engine links the consensus engine; pure/crypto checks certificates",
        );
    }
    if floor(room) == "pure" && kind == Kind::Normal && WORLDLY.contains(&name) {
        return sentence(
            "it touches the world. Time and chance are arguments of the pure floor, errors are \
             values, and what needs this crate belongs in io/ or bin/",
        );
    }
    None
}

/// Arrows to floors that nobody may import.
fn outward(from: &str, to: &str) -> Option<&'static str> {
    let tests_something = matches!(floor(from), "tests" | "bench" | "fuzz");
    match floor(to) {
        "bin" if (from, to) != ("bin/sotto", "bin/node") && !tests_something => {
            Some("nothing imports bin: what others need belongs on a floor below")
        }
        // The one body of a fuzz target serves both the seeded loop and cargo-fuzz.
        "tests" if (floor(from), to) == ("fuzz", "tests/fuzz") => None,
        "tests" | "bench" | "fuzz" | "examples" | "xtask" => {
            Some("nothing imports what only checks or shows; move the line to the room of its noun")
        }
        _ => None,
    }
}

fn from_pure(from: &str, to: &str) -> Option<&'static str> {
    let place = |room: &str| LINE.iter().position(|known| *known == room);
    match (place(from), place(to)) {
        (Some(from), Some(to)) if to < from => None,
        (Some(_), Some(_)) => Some(
            "the line is types ◄ crypto ◄ attest ◄ ledger ◄ roles. What both need belongs in the \
             room further left",
        ),
        (None, _) => {
            Some("the pure floor is one line and this room has no place in it: give it one")
        }
        (_, None) => Some(
            "the pure floor touches nothing. Let the pure room take what it needs as an argument, \
             and let bin/node hand it in",
        ),
    }
}

fn from_io(from: &str, to: &str) -> Option<&'static str> {
    if from == "io/devchain" {
        return Some("the embedded chain knows nothing of Sotto; others meet it over HTTP");
    }
    match floor(to) {
        "pure" => None,
        "io" if from.starts_with("io/chain-") && to == "io/chain" => None,
        "io" => Some(
            "io rooms never import each other. Take a closure or a small trait of your own, and \
             let bin/node introduce the two",
        ),
        _ => Some("io imports the pure floor only; what joins rooms belongs in bin/node"),
    }
}

fn from_sdk(from: &str, to: &str) -> Option<&'static str> {
    match (from, floor(to)) {
        ("sdk/guest", _) if to == "pure/types" => None,
        ("sdk/guest", _) => Some("an app is compiled with it: at most pure/types"),
        (_, "pure") => None,
        _ => Some("strangers must not compile our hands: sdk imports the pure floor only"),
    }
}

fn from_example(to: &str) -> Option<&'static str> {
    (to != "sdk/guest").then_some("an app is a stranger's crate: it imports sdk/guest alone")
}

/// `pure` of `pure/types`.
fn floor(room: &str) -> &str {
    room.split('/').next().unwrap_or(room)
}

#[cfg(test)]
mod tests;
