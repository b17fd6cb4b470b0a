//! A folder that behaves as configfs does: whoever makes a folder in it finds files there, and what
//! is written to `inblob` is answered in `outblob`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::Tsm;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What answers data, asked at a level (in text, where the platform has levels): `outblob` and
/// `auxblob`.
pub(crate) type Answer = fn(&[u8], &[u8]) -> (Vec<u8>, Vec<u8>);

/// The kernel behind the folder.
#[derive(Clone, Copy)]
pub(crate) struct Kernel {
    pub(crate) provider: &'static str,
    /// The platform has privilege levels.
    pub(crate) levels: bool,
    /// Somebody else writes to the same report.
    pub(crate) writer: bool,
    pub(crate) answer: Answer,
}

pub(crate) struct Configfs {
    folder: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    kernel: Option<JoinHandle<()>>,
}

impl Configfs {
    pub(crate) fn new(kernel: Kernel) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (root, stopped) = (folder.path().to_owned(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut known = BTreeSet::new();
            while !stopped.load(Ordering::Relaxed) {
                for entry in fs::read_dir(&root).unwrap() {
                    serve(&entry.unwrap().path(), &kernel, &mut known);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        Self { folder, stop, kernel: Some(thread) }
    }

    pub(crate) fn tsm(&self) -> Tsm {
        Tsm::at(self.folder.path())
    }
}

impl Drop for Configfs {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.kernel.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the kernel panicked");
    }
}

/// One round of the kernel over one report's folder.
fn serve(entry: &Path, kernel: &Kernel, known: &mut BTreeSet<PathBuf>) {
    let put = |name: &str, bytes: &[u8]| {
        let draft = entry.join(format!(".{name}"));
        fs::write(&draft, bytes).unwrap();
        fs::rename(draft, entry.join(name)).unwrap();
    };
    if known.insert(entry.to_owned()) {
        put("provider", format!("{}\n", kernel.provider).as_bytes());
        put("auxblob", b"");
        if kernel.levels {
            put("privlevel", b"");
        }
        put("generation", b"0\n");
        return;
    }
    let Ok(data) = fs::read(entry.join("inblob")) else { return };
    if data.len() == 64 && !entry.join("outblob").exists() {
        let level = fs::read(entry.join("privlevel")).unwrap_or_default();
        let writes = 1 + usize::from(kernel.levels) + usize::from(kernel.writer);
        let (outblob, auxblob) = (kernel.answer)(&data, &level);
        put("generation", format!("{writes}\n").as_bytes());
        put("auxblob", &auxblob);
        put("outblob", &outblob);
    }
}
