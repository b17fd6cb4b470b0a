//! Fetches what the machine does not have yet: the WebAssembly target and the npm packages.
//!
//! Each is looked for first, so that a second run fetches nothing and needs no network.

use std::fs;
use std::path::{Path, PathBuf};

use crate::place::Place;
use crate::shell::{Job, say};
use crate::tools;

/// The target of apps, and of the purity guard.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Makes sure that the toolchain can build for WebAssembly.
pub(crate) fn wasm_target(place: &Place) -> Result<String, String> {
    let sysroot = Job::tool("rustc", &place.root, ["--print", "sysroot"]).read()?;
    let lib = Path::new(sysroot.trim()).join("lib/rustlib").join(WASM).join("lib");
    if lib.is_dir() {
        return Ok(format!("{WASM} is here"));
    }
    tools::require(&[tools::RUSTUP])?;
    say(&format!("    fetching the target {WASM}"));
    let watched = Job::tool("rustup", &place.root, ["target", "add", WASM]).watch(say)?;
    if watched.ok && lib.is_dir() {
        return Ok(format!("{WASM} fetched"));
    }
    Err(format!(
        "rustup could not add the target {WASM}. It comes over the network, once; \
         when connected, run: rustup target add {WASM}"
    ))
}

/// Makes sure that the npm packages of the contracts are there, as their lock file says.
///
/// They are installed once for each lock file, in the cache; the clone holds a link to them.
pub(crate) fn npm_packages(place: &Place) -> Result<String, String> {
    let solidity = place.solidity();
    let link = solidity.join("node_modules");
    if link.is_dir() && !link.is_symlink() {
        return Ok("contracts/solidity/node_modules is a folder of yours, used as it is".to_owned());
    }
    let lock = read(&solidity.join("package-lock.json"))?;
    let folder = place.cache.join("npm").join(key(&lock));
    let done = folder.join("complete");
    let fetched = !done.is_file();
    if fetched {
        tools::require(&[tools::NODE, tools::NPM])?;
        install(&solidity, &folder)?;
        write(&done, b"")?;
    }
    relink(&link, &folder.join("node_modules"))?;
    Ok(format!("npm packages {}", if fetched { "fetched" } else { "are here" }))
}

/// What the software TPM comes as.
const SWTPM_PACKAGES: [&str; 3] = ["swtpm", "swtpm-tools", "gnutls-bin"];

/// Makes sure of the software TPM where `CI` is set; elsewhere the test that needs it says that it
/// was skipped.
pub(crate) fn swtpm(place: &Place) -> Result<String, String> {
    let missing =
        || ["swtpm", "swtpm_setup", "swtpm_localca"].into_iter().find(|name| !on_path(name));
    let Some(name) = missing() else { return Ok("swtpm is here".to_owned()) };
    let line = format!("apt-get install -y --no-install-recommends {}", SWTPM_PACKAGES.join(" "));
    if std::env::var_os("CI").is_none() {
        return Ok(format!("no {name}: the live TPM test is skipped; to have it: {line}"));
    }
    say("    fetching the software TPM");
    for args in [&["update"][..], &["install", "-y", "--no-install-recommends"][..]] {
        let packages = if args.len() > 1 { &SWTPM_PACKAGES[..] } else { &[] };
        let job = Job::tool("apt-get", &place.root, args.iter().chain(packages).copied());
        if !job.watch(say).is_ok_and(|watched| watched.ok) {
            break;
        }
    }
    match missing() {
        None => Ok("swtpm fetched".to_owned()),
        Some(name) => Err(format!("{name} is missing and could not be fetched; as root: {line}")),
    }
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// The folder of the npm packages, when they are there.
pub(crate) fn node_modules(place: &Place) -> Option<PathBuf> {
    place.solidity().join("node_modules").canonicalize().ok()
}

/// The test chain among the npm packages, for this kind of machine.
pub(crate) fn anvil(modules: &Path) -> Option<PathBuf> {
    let binary = modules.join("@foundry-rs").join(platform("anvil")?).join("bin/anvil");
    binary.is_file().then_some(binary)
}

fn platform(tool: &str) -> Option<String> {
    let os = match std::env::consts::OS {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        _ => return None,
    };
    Some(format!("{tool}-{os}-{arch}"))
}

fn install(solidity: &Path, folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        if solidity.join(name).is_file() {
            write(&folder.join(name), &read(&solidity.join(name))?)?;
        }
    }
    say("    fetching npm packages: Solidity compiler, anvil, forge, viem, vetkeys (about 150 MB)");
    // Not `npm ci`: forge and anvil come as one optional package for each kind of machine, and
    // `ci` refuses a lock file that does not name them all. `install` holds every package that the
    // lock file names to its integrity all the same, and here it changes a copy. No install script
    // runs: the binaries are used where they lie.
    let args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    let watched = Job::tool("npm", folder, args).watch(say)?;
    if watched.ok {
        return Ok(());
    }
    Err(format!(
        "npm could not install the packages of contracts/solidity/package-lock.json ({}). \
         They come over the network, once; when connected, run the same command again",
        reason(&watched.tail)
    ))
}

/// The first words of npm's complaint, which is long.
fn reason(tail: &[String]) -> String {
    let said = tail.iter().filter_map(|line| line.strip_prefix("npm error "));
    let first: Vec<&str> = said.take(2).collect();
    if first.is_empty() { "it gave no reason".to_owned() } else { first.join(": ") }
}

/// Points the link at `to`, in one step, so that a reader never finds it missing.
fn relink(link: &Path, to: &Path) -> Result<(), String> {
    if fs::read_link(link).is_ok_and(|now| now == to) {
        return Ok(());
    }
    let fresh = link.with_extension(format!("{}.new", std::process::id()));
    std::os::unix::fs::symlink(to, &fresh)
        .and_then(|()| fs::rename(&fresh, link))
        .map_err(|e| format!("cannot link {} to {}: {e}", link.display(), to.display()))
}

/// FNV-1a over the lock file: a name for a cache folder, not a proof of anything (npm checks the
/// integrity of each package itself).
fn key(bytes: &[u8]) -> String {
    let hash = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|e| format!("cannot read {}: {e}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_key_follows_the_lock_file() {
        // The published values of FNV-1a, 64 bits.
        assert_eq!(key(b""), "cbf29ce484222325");
        assert_eq!(key(b"foobar"), "85944171f73967e8");
    }

    #[test]
    fn npm_is_quoted_by_its_first_words() {
        let tail = ["npm error code EAI_AGAIN", "npm error getaddrinfo", "npm error more"];
        assert_eq!(reason(&tail.map(str::to_owned)), "code EAI_AGAIN: getaddrinfo");
        assert_eq!(reason(&[]), "it gave no reason");
    }

    #[test]
    fn a_link_is_made_moved_and_left_alone() {
        let folder = std::env::temp_dir().join(format!("sotto-xtask-{}", std::process::id()));
        fs::create_dir_all(folder.join("a")).unwrap();
        fs::create_dir_all(folder.join("b")).unwrap();
        let link = folder.join("node_modules");
        for to in ["a", "a", "b"] {
            relink(&link, &folder.join(to)).unwrap();
            assert_eq!(fs::read_link(&link).unwrap(), folder.join(to));
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_real_folder_is_not_replaced() {
        let folder = std::env::temp_dir().join(format!("sotto-xtask-real-{}", std::process::id()));
        let real = folder.join("node_modules");
        fs::create_dir_all(&real).unwrap();
        assert!(relink(&real, &folder).is_err());
        assert!(real.is_dir() && !real.is_symlink());
        fs::remove_dir_all(&folder).unwrap();
    }
}
