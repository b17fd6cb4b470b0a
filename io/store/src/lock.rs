//! One process a folder: an advisory lock with the holder's process id beside it.

use fs4::fs_std::FileExt as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// Why a folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{folder} is in use by process {holder}")]
    Taken {
        /// The folder.
        folder: PathBuf,
        /// Who has it, as it wrote itself down.
        holder: String,
    },
    /// The folder or file could not be made.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
}

/// Sole use of a folder, until dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes `folder`, making it if it is not there.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let failed = |error| LockError::Folder(folder.to_owned(), error);
        std::fs::create_dir_all(folder).map_err(failed)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(folder.join("lock"))
            .map_err(failed)?;
        if !file.try_lock_exclusive().map_err(failed)? {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(LockError::Taken { folder: folder.to_owned(), holder });
        }
        file.set_len(0).map_err(failed)?;
        file.rewind().map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
