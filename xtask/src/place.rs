//! Where things lie: the clone, the cache in the user's home, the folder for build output.
//!
//! Build output and npm packages go to the home cache and never into the clone, so that a clone
//! stays small and a second clone finds what the first one fetched. One exception: the workshop
//! itself, about a megabyte, which cargo builds into `target/` of the clone before a line of it
//! can run; set `CARGO_TARGET_DIR` to avoid even that, as `.ci/run` does.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folders whose crates are built anew when another clone used the build output last.
const OURS: [&str; 6] = ["pure", "io", "sdk", "bin", "tests", "examples"];

/// The folders a command works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The root of the clone.
    pub(crate) root: PathBuf,
    /// `sotto` in the user's cache folder.
    pub(crate) cache: PathBuf,
    /// Build output of every cargo that the workshop starts.
    pub(crate) target: PathBuf,
}

impl Place {
    /// Finds the folders from the environment and the current folder.
    pub(crate) fn find() -> Result<Self, String> {
        let root = root()?;
        let cache = cache(env::var_os("XDG_CACHE_HOME"), env::var_os("HOME"))?;
        let chosen =
            env::var_os("CARGO_TARGET_DIR").or_else(|| env::var_os("CARGO_BUILD_TARGET_DIR"));
        // A relative choice means relative to the caller; our children stand elsewhere.
        let target = match chosen {
            Some(path) => std::path::absolute(&path)
                .map_err(|e| format!("CARGO_TARGET_DIR {}: {e}", Path::new(&path).display()))?,
            None => cache.join("target"),
        };
        Ok(Self { root, cache, target })
    }

    /// Makes the shared build output this clone's: what another clone built of our own crates names
    /// files by that clone's folder, and cargo tells two clones apart by the age of their files
    /// alone. So where another clone came last, our files become new. Dependencies stay built.
    pub(crate) fn claim(&self) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", self.target.display());
        let mark = self.target.join("clone");
        let root = self.root.to_string_lossy();
        if fs::read_to_string(&mark).is_ok_and(|last| last == root) {
            return Ok(());
        }
        let now = SystemTime::now();
        for folder in OURS {
            renew(&self.root.join(folder), now).map_err(failed)?;
        }
        fs::create_dir_all(&self.target).map_err(failed)?;
        fs::write(&mark, root.as_bytes()).map_err(failed)
    }

    /// The folder of the Solidity contracts, where the npm packages are used.
    pub(crate) fn solidity(&self) -> PathBuf {
        self.root.join("contracts/solidity")
    }

    /// Whether a folder below the root is a cargo workspace of its own.
    pub(crate) fn has_workspace(&self, folder: &str) -> bool {
        self.root.join(folder).join("Cargo.toml").is_file()
    }
}

/// Gives every Rust file below a folder this time.
fn renew(folder: &Path, time: SystemTime) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (path, kind) = entry.and_then(|entry| Ok((entry.path(), entry.file_type()?)))?;
        if kind.is_dir() && !path.ends_with("target") {
            renew(&path, time)?;
        } else if kind.is_file() && path.extension().is_some_and(|end| end == "rs") {
            File::options().write(true).open(&path)?.set_modified(time)?;
        }
    }
    Ok(())
}

/// `cargo run` says where the workshop's manifest lies; otherwise walk up from here.
fn root() -> Result<PathBuf, String> {
    let from_cargo = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = env::current_dir().map_err(|e| format!("no current folder: {e}"))?;
    from_cargo
        .iter()
        .chain(Some(&here))
        .flat_map(|start| start.ancestors())
        .find(|folder| folder.join("xtask/Cargo.toml").is_file())
        .map(Path::to_path_buf)
        .ok_or_else(|| format!("{} is not inside a clone of Sotto", here.display()))
}

fn cache(
    xdg: Option<std::ffi::OsString>,
    home: Option<std::ffi::OsString>,
) -> Result<PathBuf, String> {
    // The XDG rule: a relative XDG_CACHE_HOME is to be ignored.
    let xdg = xdg.map(PathBuf::from).filter(|path| path.is_absolute());
    let home = home.filter(|home| !home.is_empty()).map(|home| PathBuf::from(home).join(".cache"));
    xdg.or(home)
        .map(|folder| folder.join("sotto"))
        .ok_or_else(|| "neither HOME nor XDG_CACHE_HOME is set: no place for a cache".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_cache_is_xdg_then_home_then_an_error() {
        let of = |xdg: Option<&str>, home: Option<&str>| {
            cache(xdg.map(Into::into), home.map(Into::into))
        };
        assert_eq!(of(Some("/x"), Some("/h")).unwrap(), PathBuf::from("/x/sotto"));
        assert_eq!(of(Some("relative"), Some("/h")).unwrap(), PathBuf::from("/h/.cache/sotto"));
        assert_eq!(of(None, Some("/h")).unwrap(), PathBuf::from("/h/.cache/sotto"));
        assert!(of(None, Some("")).unwrap_err().contains("HOME"));
        assert!(of(None, None).is_err());
    }

    #[test]
    fn another_clone_s_build_makes_ours_new_and_only_once() {
        let base = env::temp_dir().join(format!("sotto-claim-{}", std::process::id()));
        let root = base.join("clone");
        let source = root.join("pure/types/src/lib.rs");
        let built = root.join("pure/types/target/old.rs");
        for folder in OURS {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let old = SystemTime::UNIX_EPOCH;
        for file in [&source, &built] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
            File::options().write(true).open(file).unwrap().set_modified(old).unwrap();
        }
        let age = |file: &Path| fs::metadata(file).unwrap().modified().unwrap();
        let place = Place { root, cache: base.join("cache"), target: base.join("cache/target") };
        fs::create_dir_all(&place.target).unwrap();
        fs::write(place.target.join("clone"), "elsewhere").unwrap();
        place.claim().unwrap();
        let first = age(&source);
        assert!(first > old);
        assert_eq!(age(&built), old, "build output is left alone");
        place.claim().unwrap();
        assert_eq!(age(&source), first, "nothing is done twice");
        fs::remove_dir_all(base).unwrap();
    }
}
