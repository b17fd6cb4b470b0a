//! The kernel's report interface: configfs-tsm (Linux 6.7 and later), one folder a report.
//!
//! TDX and SEV-SNP guests share it: a folder is made, the data written to `inblob`, the evidence
//! read from `outblob`. The ABI is the kernel's `Documentation/ABI/testing/configfs-tsm-report`.
//! Not here: what the blobs mean.

#[cfg(test)]
pub(crate) mod made;
#[cfg(test)]
mod tests;

use crate::TeeError;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Where the kernel shows it.
const SYSTEM: &str = "/sys/kernel/config/tsm/report";
/// Bytes of one blob, at most: the kernel's own limit is 32 KiB, newer ones allow 16 MiB for
/// evidence with manifests, which nobody here reads.
const BLOB_MAX: usize = 1 << 20;
/// How often a busy device is asked again, and after how long.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// The report interface at a folder.
#[derive(Clone, Debug)]
pub struct Tsm {
    root: PathBuf,
}

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who made it: `tdx_guest`, `sev_guest`, ….
    pub provider: String,
    /// The evidence.
    pub outblob: Vec<u8>,
    /// What came with it: for `sev_guest` the host's table of certificates, often empty.
    pub auxblob: Vec<u8>,
}

impl Tsm {
    /// The kernel's.
    pub fn system() -> Self {
        Self { root: SYSTEM.into() }
    }

    /// One at another folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether the kernel offers it.
    pub fn is_there(&self) -> bool {
        self.root.is_dir()
    }

    /// A report over `data`, at privilege level `level` where the platform has levels.
    ///
    /// # Errors
    /// [`TeeError::Device`]: no such interface, a device that stays busy, or another user of the
    /// same folder.
    pub fn report(&self, data: &[u8; 64], level: u8) -> Result<Report, TeeError> {
        let entry = Entry::new(&self.root)?;
        let before = entry.generation()?;
        let mut writes = 0;
        if entry.has("privlevel") {
            entry.write("privlevel", level.to_string().as_bytes())?;
            writes += 1;
        }
        entry.write("inblob", data)?;
        writes += 1;
        let outblob = entry.read("outblob")?;
        let provider = String::from_utf8_lossy(&entry.read("provider")?).trim().to_owned();
        let auxblob = if entry.has("auxblob") { entry.read("auxblob")? } else { vec![] };
        // Somebody else's write between ours and the reading would give a report over their data.
        let after = entry.generation()?;
        if after != before + writes {
            return Err(TeeError::Device(format!(
                "somebody else wrote to {}: generation {after} after {before} and {writes} writes",
                entry.path.display()
            )));
        }
        Ok(Report { provider, outblob, auxblob })
    }
}

/// The folder of one report; removed when it is dropped.
struct Entry {
    path: PathBuf,
}

impl Entry {
    fn new(root: &Path) -> Result<Self, TeeError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("sotto-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = root.join(name);
        std::fs::create_dir(&path).map_err(|error| failed(&path, &error))?;
        Ok(Self { path })
    }

    fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    fn generation(&self) -> Result<u64, TeeError> {
        let text = self.read("generation")?;
        let number = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse().ok());
        number.ok_or_else(|| TeeError::Device("the generation is no number".into()))
    }

    fn write(&self, name: &str, data: &[u8]) -> Result<(), TeeError> {
        self.patiently(name, |path| std::fs::write(path, data))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, TeeError> {
        let bytes = self.patiently(name, |path| std::fs::read(path))?;
        if bytes.len() > BLOB_MAX {
            return Err(TeeError::Device(format!("{name} has {} bytes", bytes.len())));
        }
        Ok(bytes)
    }

    /// Asks again while the device is busy (SNP hosts throttle their guests) or the kernel has not
    /// shown the file yet.
    fn patiently<T>(
        &self,
        name: &str,
        act: impl Fn(&Path) -> std::io::Result<T>,
    ) -> Result<T, TeeError> {
        let path = self.path.join(name);
        let mut attempts = 0;
        loop {
            match act(&path) {
                Ok(done) => return Ok(done),
                Err(error) if passing(&error) && attempts < ATTEMPTS => {
                    attempts += 1;
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(failed(&path, &error)),
            }
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // A folder left behind costs the kernel a page and nobody anything.
        let _ = std::fs::remove_dir(&self.path);
    }
}

fn passing(error: &std::io::Error) -> bool {
    use ErrorKind::{Interrupted, NotFound, ResourceBusy, WouldBlock};
    matches!(error.kind(), Interrupted | NotFound | ResourceBusy | WouldBlock)
}

fn failed(path: &Path, error: &std::io::Error) -> TeeError {
    TeeError::Device(format!("{}: {error}", path.display()))
}
