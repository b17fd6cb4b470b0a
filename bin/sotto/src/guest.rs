//! Makes a Rust package into an app: a WebAssembly component, the same bytes on every machine.
//!
//! Standard library only, because a build script includes this file. What is not here: the
//! manifest beside the package, and whether the component is admissible (the runtime says that).
//!
//! The target is `wasm32-unknown-unknown`: its standard library imports no clock, no chance and
//! no files, so neither does the app. The linker that makes the component of the module is the
//! toolchain's own.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

const TARGET: &str = "wasm32-unknown-unknown";

/// What a surrounding build leaves in the environment and must not reach an app's build.
const INHERITED: [&str; 11] = [
    "RUSTFLAGS",
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CARGO_BUILD_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
];

/// How many lines of the compiler's last words an error repeats.
const LAST_WORDS: usize = 40;

/// Builds the package in `package_dir` (a library of crate type `cdylib`) into `target_dir`, and
/// says where the component lies. `progress` hears the compiler's lines as they come.
///
/// # Errors
/// A sentence for the person at the terminal: what is missing and how to get it, or the
/// compiler's own words.
pub(crate) fn build_component(
    package_dir: &Path,
    target_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, String> {
    let package_dir = package_dir
        .canonicalize()
        .map_err(|error| format!("cannot read {}: {error}", package_dir.display()))?;
    let manifest = package_dir.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(format!("{} holds no Cargo.toml", package_dir.display()));
    }
    let sysroot = toolchain(&package_dir)?;
    let mut command = cargo(&package_dir);
    command
        .args(["build", "--release", "--lib", "--target", TARGET])
        .arg("--manifest-path")
        .arg(&manifest)
        .arg("--target-dir")
        .arg(absolute(target_dir)?)
        .arg("--message-format=json-render-diagnostics")
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&package_dir, &sysroot))
        .envs([
            ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
            ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
            ("CARGO_PROFILE_RELEASE_INCREMENTAL", "false"),
            ("CARGO_PROFILE_RELEASE_LTO", "fat"),
            ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
            ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
            ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
        ]);
    if is_locked(&package_dir)? {
        command.arg("--locked");
    }
    run(command, &manifest, progress)
}

/// The compiler's sysroot, once the target and the linker are known to be in it.
fn toolchain(package_dir: &Path) -> Result<PathBuf, String> {
    let sysroot = PathBuf::from(rustc(package_dir, &["--print", "sysroot"])?);
    let verbose = rustc(package_dir, &["-vV"])?;
    let host = verbose
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc does not say which machine it runs on")?;
    let rustlib = sysroot.join("lib/rustlib");
    if !rustlib.join(TARGET).join("lib").is_dir() {
        return Err(format!(
            "the Rust toolchain has no WebAssembly target: run `rustup target add {TARGET}`"
        ));
    }
    let tools = rustlib.join(host).join("bin");
    let linker = format!("wasm-component-ld{}", env::consts::EXE_SUFFIX);
    if !tools.join(&linker).is_file() {
        return Err(format!(
            "the Rust toolchain has no {linker}, which makes the component: it comes with the \
             toolchains of rustup from 1.80 on, run `rustup toolchain install stable`"
        ));
    }
    Ok(sysroot)
}

/// The flags of the compiler, behind one another as cargo wants them. No path of this machine
/// remains in the component: neither in a panic's message nor, through the flags, in a symbol.
fn flags(package_dir: &Path, sysroot: &Path) -> OsString {
    let mut flags = vec![
        // By their names: the compiler finds them among its own tools.
        OsString::from("-Clinker=wasm-component-ld"),
        OsString::from("-Clinker-flavor=wasm-ld"),
        // What the compiler tells the person at the terminal keeps its real paths.
        OsString::from("--remap-path-scope=object"),
    ];
    let mut remap = |from: &Path, to: &str| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    };
    // The last that matches counts, so the outermost comes first. The folders above the package
    // are for what it depends on by path; one name for all of them, so that it does not matter how
    // deep the package lies.
    let above: Vec<&Path> = package_dir.ancestors().skip(1).collect();
    for dir in above.into_iter().rev().filter(|dir| dir.parent().is_some()) {
        remap(dir, "/above");
    }
    remap(package_dir, "/package");
    remap(sysroot, "/rust");
    if let Some(home) = cargo_home() {
        remap(&home, "/cargo");
    }
    let mut joined = OsString::new();
    for (index, flag) in flags.iter().enumerate() {
        if index > 0 {
            joined.push("\u{1f}");
        }
        joined.push(flag);
    }
    joined
}

/// Cargo as a terminal would run it in `package_dir`.
fn cargo(package_dir: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    clear_inherited(&mut command);
    command.current_dir(package_dir);
    command
}

/// Whether the package's workspace has a lock file, which then decides every version.
fn is_locked(package_dir: &Path) -> Result<bool, String> {
    let mut command = cargo(package_dir);
    command.args(["locate-project", "--workspace", "--message-format", "plain"]);
    let workspace = PathBuf::from(said(command, "cargo")?);
    Ok(workspace.with_file_name("Cargo.lock").is_file())
}

fn cargo_home() -> Option<PathBuf> {
    let set = env::var_os("CARGO_HOME").map(PathBuf::from);
    set.or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

fn clear_inherited(command: &mut Command) {
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if INHERITED.iter().any(|inherited| {
            text == *inherited || (inherited.ends_with('_') && text.starts_with(inherited))
        }) {
            command.env_remove(&name);
        }
    }
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("cannot use {}: {error}", path.display()))
}

fn rustc(package_dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("rustc");
    command.current_dir(package_dir).args(arguments);
    said(command, "rustc")
}

/// What a short command says.
fn said(mut command: Command, name: &str) -> Result<String, String> {
    let output = command.output().map_err(|error| not_installed(name, &error))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn not_installed(name: &str, error: &std::io::Error) -> String {
    format!("cannot run {name} ({error}): Rust is installed from https://rustup.rs")
}

/// Runs cargo to its end: its own lines to `progress`, its messages read for the component.
fn run(
    mut command: Command,
    manifest: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_installed("cargo", &error))?;
    let (Some(mut stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("cargo's output cannot be read".to_owned());
    };
    let messages = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut last = VecDeque::with_capacity(LAST_WORDS);
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        progress(&line);
        if last.len() == LAST_WORDS {
            last.pop_front();
        }
        last.push_back(line);
    }
    let status = child.wait().map_err(|error| format!("cargo was lost: {error}"))?;
    let messages = messages.join().map_err(|_| "cargo's output cannot be read".to_owned())?;
    let messages = messages.map_err(|error| format!("cargo's output cannot be read: {error}"))?;
    if !status.success() {
        let last: Vec<String> = last.into();
        return Err(format!("cargo could not build the app:\n{}", last.join("\n")));
    }
    artifact(&messages).ok_or_else(|| {
        format!(
            "{} makes no component: its [lib] needs `crate-type = [\"cdylib\"]`",
            manifest.display()
        )
    })
}

/// The last `.wasm` file cargo says it made: the package itself is built after what it needs.
fn artifact(messages: &str) -> Option<PathBuf> {
    let made = messages.lines().filter(|line| line.contains("\"compiler-artifact\""));
    let mut names = made.flat_map(|line| line.split('"')).filter(|part| part.ends_with(".wasm"));
    // JSON's only escape in a sane path is Windows' separator.
    names.next_back().map(|name| PathBuf::from(name.replace("\\\\", "\\")))
}
