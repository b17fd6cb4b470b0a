//! Where things lie: the clone, the cache in the user's home, the folder for build output.
//!
//! Build output and npm packages go to the home cache and never into the clone, so that a clone
//! stays small and a second clone finds what the first one fetched. One exception: the workshop
//! itself, about a megabyte, which cargo builds into `target/` of the clone before a line of it
//! can run; set `CARGO_TARGET_DIR` to avoid even that, as `.ci/run` does.

use std::env;
use std::path::{Path, PathBuf};

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

    /// The folder of the Solidity contracts, where the npm packages are used.
    pub(crate) fn solidity(&self) -> PathBuf {
        self.root.join("contracts/solidity")
    }

    /// Whether a folder below the root is a cargo workspace of its own.
    pub(crate) fn has_workspace(&self, folder: &str) -> bool {
        self.root.join(folder).join("Cargo.toml").is_file()
    }
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
}
