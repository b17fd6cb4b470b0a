//! Ways to a TPM. Not here: commands.

use crate::{TeeError, device};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Bytes of a reply, at most (TPMs have buffers of 4 KiB).
const REPLY_MAX: usize = 8192;
/// How long a software TPM may take: making an RSA key takes seconds on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes one command and gives its reply.
pub trait Transport: Send {
    /// # Errors
    /// Whatever the way fails with.
    fn transact(&mut self, command: &[u8]) -> io::Result<Vec<u8>>;
}

/// A character device: one write a command, one read a reply.
#[derive(Debug)]
pub struct Device(File);

impl Device {
    /// Opens one, as `/dev/tpmrm0`.
    ///
    /// # Errors
    /// [`TeeError::Device`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, TeeError> {
        let path = path.as_ref();
        let file = OpenOptions::new().read(true).write(true).open(path);
        file.map(Self).map_err(|error| device(format!("{}: {error}", path.display())))
    }
}

impl Transport for Device {
    fn transact(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        self.0.write_all(command)?;
        let mut reply = vec![0; REPLY_MAX];
        let length = self.0.read(&mut reply)?;
        reply.truncate(length);
        Ok(reply)
    }
}

/// The server socket of a software TPM.
#[derive(Debug)]
pub struct Socket(UnixStream);

impl Socket {
    /// Connects.
    ///
    /// # Errors
    /// [`TeeError::Device`].
    pub fn connect(path: impl AsRef<Path>) -> Result<Self, TeeError> {
        let path = path.as_ref();
        let open = || {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(Self(stream))
        };
        open().map_err(|error: io::Error| device(format!("{}: {error}", path.display())))
    }
}

impl Transport for Socket {
    fn transact(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        self.0.write_all(command)?;
        let mut reply = vec![0; 10];
        self.0.read_exact(&mut reply)?;
        let size = reply.get(2..6).and_then(|size| size.try_into().ok()).map(u32::from_be_bytes);
        let size = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
        if !(10..=REPLY_MAX).contains(&size) {
            return Err(io::Error::other(format!("a reply that says it has {size} bytes")));
        }
        reply.resize(size, 0);
        if let Some(rest) = reply.get_mut(10..) {
            self.0.read_exact(rest)?;
        }
        Ok(reply)
    }
}
