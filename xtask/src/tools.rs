//! The programs the workshop needs from the machine: how to see them, and how to get them.

use std::path::Path;

use crate::shell::Job;

/// The oldest Node.js that the contract tools run on.
const NODE_MAJOR_MIN: u32 = 20;

/// A program of the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) purpose: &'static str,
    /// How to get it, as one sentence.
    pub(crate) get: &'static str,
    args: &'static [&'static str],
    judge: fn(&str) -> Result<(), String>,
}

/// Installs toolchains and targets.
pub(crate) const RUSTUP: Tool = Tool {
    name: "rustup",
    purpose: "the Rust toolchain and its WebAssembly target",
    get: "install it from https://rustup.rs; a Rust without rustup lacks the WebAssembly target",
    args: &["--version"],
    judge: any,
};

/// Compiles the few dependencies that are C.
pub(crate) const CC: Tool = Tool {
    name: "cc",
    purpose: "a C compiler, for the cryptography",
    get: "Debian, Ubuntu: apt install build-essential; Fedora: dnf install gcc; macOS: xcode-select --install",
    args: &["--version"],
    judge: any,
};

/// Runs the contract tools and the test chain.
pub(crate) const NODE: Tool = Tool {
    name: "node",
    purpose: "Solidity compiler, contract tests and test chain (tests only)",
    get: "install Node.js 20 or later from https://nodejs.org",
    args: &["--version"],
    judge: node_is_new_enough,
};

/// Fetches the contract tools.
pub(crate) const NPM: Tool = Tool {
    name: "npm",
    purpose: "fetches the contract tools (tests only)",
    get: "it comes with Node.js from https://nodejs.org; Debian and Ubuntu: apt install npm",
    args: &["--version"],
    judge: any,
};

/// Checks licences and advisories.
pub(crate) const DENY: Tool = Tool {
    name: "cargo-deny",
    purpose: "licences and advisories of dependencies (optional)",
    get: "cargo install --locked cargo-deny",
    args: &["--version"],
    judge: any,
};

impl Tool {
    /// The version line of the tool, or one sentence that says what is missing and how to get it.
    pub(crate) fn look(&self) -> Result<String, String> {
        let version = Job::tool(self.name, Path::new("."), self.args.iter().copied())
            .read()
            .map_err(|_| format!("{} is missing ({}): {}", self.name, self.purpose, self.get))?;
        let line = version.lines().next().unwrap_or_default().trim().to_owned();
        (self.judge)(&line).map_err(|why| format!("{} {why}: {}", self.name, self.get))?;
        Ok(line)
    }
}

/// All are here, or every missing one is named.
pub(crate) fn require(tools: &[Tool]) -> Result<(), String> {
    let missing: Vec<String> = tools.iter().filter_map(|tool| tool.look().err()).collect();
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n  ")) }
}

fn any(_: &str) -> Result<(), String> {
    Ok(())
}

fn node_is_new_enough(version: &str) -> Result<(), String> {
    let digits = version.trim_start_matches('v').split('.').next().unwrap_or_default();
    match digits.parse::<u32>() {
        Ok(major) if major >= NODE_MAJOR_MIN => Ok(()),
        Ok(_) => Err(format!("is {version}, older than {NODE_MAJOR_MIN}")),
        Err(_) => Err(format!("says {version:?}, which is no version")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn node_is_judged_by_its_major_version() {
        assert_eq!(node_is_new_enough("v20.20.2"), Ok(()));
        assert_eq!(node_is_new_enough("v26.0.0"), Ok(()));
        assert_eq!(node_is_new_enough("v18.9.1").unwrap_err(), "is v18.9.1, older than 20");
        assert!(node_is_new_enough("").is_err());
    }

    #[test]
    fn what_is_missing_is_named_with_the_way_to_get_it() {
        let absent = Tool { name: "no-such-tool-of-sotto", ..NODE };
        let message = require(&[absent]).unwrap_err();
        assert!(message.contains("no-such-tool-of-sotto is missing"), "{message}");
        assert!(message.contains("https://nodejs.org"), "{message}");
    }
}
