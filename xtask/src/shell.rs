//! Starting other programs: watched line by line, or handed the terminal.
//!
//! Not here: which programs, and what their output means.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::Place;

/// Lines of a failed program that are shown again at the end.
const TAIL_LINES: usize = 40;
/// Silence after which a watched program is said to be still at work.
const FIRST_SILENCE: Duration = Duration::from_secs(2);
/// Silence between two such lines.
const LATER_SILENCE: Duration = Duration::from_secs(15);

/// One program to start, with everything that a person needs to repeat it by hand.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    program: OsString,
    name: String,
    args: Vec<String>,
    folder: PathBuf,
    env: Vec<(String, OsString)>,
}

impl Job {
    /// A cargo of this workshop's toolchain, in the root of the clone.
    pub(crate) fn cargo<S: Into<String>>(place: &Place, args: impl IntoIterator<Item = S>) -> Self {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut job = Self::new(program, "cargo", &place.root, args);
        job.env.push(("CARGO_TARGET_DIR".to_owned(), place.target.clone().into_os_string()));
        job
    }

    /// Any other program, found on the PATH.
    pub(crate) fn tool<S: Into<String>>(
        program: &str,
        folder: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::new(program.into(), program, folder, args)
    }

    fn new<S: Into<String>>(
        program: OsString,
        name: &str,
        folder: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program, name: name.to_owned(), args, folder: folder.to_path_buf(), env: Vec::new() }
    }

    /// Sets a variable for the program.
    pub(crate) fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.env.push((key.to_owned(), value.into()));
        self
    }

    /// Adds arguments.
    pub(crate) fn args(mut self, more: &[String]) -> Self {
        self.args.extend_from_slice(more);
        self
    }

    /// The line a person types in the root of the clone to do the same.
    pub(crate) fn line(&self, place: &Place) -> String {
        let mut words = Vec::new();
        if let Ok(below) = self.folder.strip_prefix(&place.root)
            && !below.as_os_str().is_empty()
        {
            words.push(format!("cd {} &&", below.display()));
        }
        words.extend(self.env.iter().map(|(k, v)| format!("{k}={}", quoted(&v.to_string_lossy()))));
        words.push(self.name.clone());
        words.extend(self.args.iter().map(|arg| quoted(arg)));
        words.join(" ")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.folder).stdin(Stdio::null());
        // What `cargo run` tells the workshop about itself is not true of its children: build
        // scripts that watch these variables would run again each time.
        for (key, _) in std::env::vars_os() {
            if key.to_str().is_some_and(belongs_to_the_workshop) {
                command.env_remove(key);
            }
        }
        command.envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }

    /// Runs with our own terminal; the answer is the exit status.
    pub(crate) fn hand_over(&self) -> Result<i32, String> {
        let status = self.command().stdin(Stdio::inherit()).status().map_err(|e| self.lost(&e))?;
        Ok(status.code().unwrap_or(1))
    }

    /// Runs in silence; the answer is standard output, or what went wrong.
    pub(crate) fn read(&self) -> Result<String, String> {
        let output = self.command().output().map_err(|e| self.lost(&e))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{} ended with {}: {}", self.name, output.status, said.trim()))
    }

    /// Runs, hands every line of both streams to `each` as it comes, and keeps the last of them.
    pub(crate) fn watch(&self, mut each: impl FnMut(&str)) -> Result<Watched, String> {
        let mut child = self
            .command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| self.lost(&e))?;
        let lines = lines_of(&mut child);
        let tail = self.relay(&lines, &mut each);
        let status = child.wait().map_err(|e| self.lost(&e))?;
        Ok(Watched { ok: status.success(), tail })
    }

    fn relay(&self, lines: &Receiver<String>, each: &mut impl FnMut(&str)) -> Vec<String> {
        let started = Instant::now();
        let mut tail = VecDeque::new();
        let mut patience = FIRST_SILENCE;
        loop {
            match lines.recv_timeout(patience) {
                Ok(line) => {
                    each(&line);
                    if tail.len() == TAIL_LINES {
                        tail.pop_front();
                    }
                    tail.push_back(line);
                }
                Err(RecvTimeoutError::Timeout) => {
                    let so_far = started.elapsed().as_secs();
                    say(&format!("    ... {} at work, {so_far} s", self.name));
                    patience = LATER_SILENCE;
                }
                Err(RecvTimeoutError::Disconnected) => return tail.into(),
            }
        }
    }

    fn lost(&self, error: &std::io::Error) -> String {
        format!("cannot run {}: {error}", self.name)
    }
}

/// How a watched program ended.
#[derive(Debug)]
pub(crate) struct Watched {
    /// It ended with status 0.
    pub(crate) ok: bool,
    /// Its last lines, of both streams in the order they came.
    pub(crate) tail: Vec<String>,
}

/// Both streams of a child as lines; the channel closes when both have ended.
fn lines_of(child: &mut Child) -> Receiver<String> {
    let (send, receive) = channel();
    if let Some(out) = child.stdout.take() {
        pump(out, send.clone());
    }
    if let Some(err) = child.stderr.take() {
        pump(err, send);
    }
    receive
}

fn pump(stream: impl Read + Send + 'static, send: Sender<String>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            if send.send(line).is_err() {
                return;
            }
        }
    });
}

fn belongs_to_the_workshop(key: &str) -> bool {
    const PREFIXES: [&str; 4] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    PREFIXES.iter().any(|prefix| key.starts_with(prefix)) || key == "CARGO_PRIMARY_PACKAGE"
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// One line on standard error, at once.
pub(crate) fn say(line: &str) {
    let mut err = std::io::stderr().lock();
    // A closed standard error is no reason to stop working.
    let _ = writeln!(err, "{line}");
    let _ = err.flush();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn place() -> Place {
        Place { root: "/clone".into(), cache: "/cache".into(), target: "/cache/target".into() }
    }

    #[test]
    fn a_line_can_be_pasted() {
        let job = Job::tool("node", &place().solidity(), ["build.mjs", "--check"]);
        assert_eq!(job.line(&place()), "cd contracts/solidity && node build.mjs --check");
        let job = Job::cargo(&place(), ["doc"]).env("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            job.line(&place()),
            "CARGO_TARGET_DIR=/cache/target RUSTDOCFLAGS='-D warnings' cargo doc"
        );
    }

    #[test]
    fn both_streams_are_seen_and_the_status_is_kept() {
        let script = "echo one; echo two >&2; exit 3";
        let job = Job::tool("sh", Path::new("."), ["-c", script]);
        let mut seen = Vec::new();
        let watched = job.watch(|line| seen.push(line.to_owned())).unwrap();
        seen.sort();
        assert_eq!(seen, ["one", "two"]);
        assert!(!watched.ok);
        assert_eq!(watched.tail.len(), 2);
    }

    #[test]
    fn the_tail_is_bounded() {
        let job = Job::tool(
            "sh",
            Path::new("."),
            ["-c", "i=0; while [ $i -lt 100 ]; do echo $i; i=$((i+1)); done"],
        );
        let watched = job.watch(|_| ()).unwrap();
        assert!(watched.ok);
        assert_eq!(watched.tail.len(), TAIL_LINES);
        assert_eq!(watched.tail.last().unwrap(), "99");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let job = Job::tool("no-such-program-of-sotto", Path::new("."), ["x"]);
        assert!(job.watch(|_| ()).unwrap_err().contains("no-such-program-of-sotto"));
        assert!(job.read().is_err());
    }

    #[test]
    fn only_what_cargo_says_of_the_workshop_is_kept_from_children() {
        assert!(belongs_to_the_workshop("CARGO_PKG_NAME"));
        assert!(belongs_to_the_workshop("CARGO_MANIFEST_DIR"));
        assert!(!belongs_to_the_workshop("CARGO_HOME"));
        assert!(!belongs_to_the_workshop("CARGO_TARGET_DIR"));
        assert!(!belongs_to_the_workshop("CARGO_TERM_COLOR"));
    }
}
