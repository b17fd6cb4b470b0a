//! The journal file: an append-only run of checksummed records.
//!
//! The file begins with [`MAGIC`]. Each record is
//! `length (4) ‖ check of the length (4) ‖ checksum (8) ‖ payload (length)`, integers big-endian,
//! where the checksum is the start of keccak-256 over the checksum before it and the payload, so a
//! record can neither change nor move nor go missing unseen. What a crash in mid-write can leave
//! behind (a last record cut short, or ending at the file's end with wrong bytes, or a tail of
//! zeros) is cut off when the file is opened; any other damage is [`Error::Corrupt`] and the file
//! is left as it is. Nobody but this process may have the file open: the caller holds a lock.

use crate::{Error, limits::RECORD_BYTES_MAX, record::Record};
use alloy::primitives::keccak256;
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

/// First bytes of the file: its kind and version.
pub(crate) const MAGIC: [u8; 12] = *b"devchain\0\0\0\x01";
const HEAD: usize = 16;

type Checksum = [u8; 8];

/// An open journal, positioned at its end.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    last: Checksum,
    failed: bool,
    /// Records wait for [`Journal::sync`] to be on the disk.
    deferred: bool,
    /// Something was written since the last sync.
    dirty: bool,
}

impl Journal {
    /// Opens or creates the file and returns it with its records.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<(Place, Record)>), Error> {
        let io = |error| io_error(path, &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        if !bytes.starts_with(&MAGIC) && !MAGIC.starts_with(&bytes) {
            return Err(Error::NotAJournal { path: path.to_owned() });
        }
        let read = if bytes.len() < MAGIC.len() { Read::default() } else { read(&bytes)? };
        if read.records.is_empty() {
            // Created just now, or by a process that died before its first record was whole.
            file.set_len(0).map_err(io)?;
            file.seek(SeekFrom::Start(0)).map_err(io)?;
            file.write_all(&MAGIC).map_err(io)?;
        } else {
            if read.end < bytes.len() {
                tracing::warn!(bytes = bytes.len() - read.end, "cutting a torn record off");
            }
            file.set_len(read.end as u64).map_err(io)?;
            file.seek(SeekFrom::End(0)).map_err(io)?;
        }
        file.sync_all().map_err(io)?;
        sync_parent(path).map_err(io)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            last: read.last,
            failed: false,
            deferred: false,
            dirty: false,
        };
        Ok((journal, read.records))
    }

    /// Lets the records that follow wait for one [`Journal::sync`] together.
    pub(crate) fn defer(&mut self) {
        self.deferred = true;
    }

    /// Waits until every record is on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        self.deferred = false;
        if !std::mem::take(&mut self.dirty) {
            return Ok(());
        }
        self.file.sync_data().map_err(|error| {
            self.failed = true;
            io_error(&self.path, &error)
        })
    }

    /// Makes every later write fail, as a full disk would.
    #[cfg(test)]
    #[allow(clippy::expect_used, reason = "tests")]
    pub(crate) fn fail_from_now(&mut self) {
        self.file = File::open(&self.path).expect("the journal is there");
    }

    /// Writes a record and, unless deferred, waits until it is on the disk. After a failure nothing is accepted any
    /// more: what the file then ends with is decided when it is next opened.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(), Error> {
        if self.failed {
            return Err(Error::JournalFailed);
        }
        let payload = record.encode();
        let sum = checksum(&self.last, &payload);
        let mut bytes = Vec::with_capacity(HEAD + payload.len());
        let length = (payload.len() as u32).to_be_bytes();
        bytes.extend_from_slice(&length);
        bytes.extend_from_slice(&length_check(length));
        bytes.extend_from_slice(&sum);
        bytes.extend_from_slice(&payload);
        if let Err(error) = self.file.write_all(&bytes) {
            self.failed = true;
            return Err(io_error(&self.path, &error));
        }
        self.last = sum;
        self.dirty = true;
        if self.deferred { Ok(()) } else { self.sync() }
    }
}

/// Where a record stands in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    record: u64,
    offset: u64,
}

impl Place {
    /// The error for a damaged or impossible record.
    pub(crate) fn corrupt(self, why: &'static str) -> Error {
        Error::Corrupt { record: self.record, offset: self.offset, why }
    }
}

#[derive(Default)]
struct Read {
    records: Vec<(Place, Record)>,
    last: Checksum,
    /// Where the good part of the file ends.
    end: usize,
}

fn read(bytes: &[u8]) -> Result<Read, Error> {
    let mut read = Read { end: MAGIC.len(), ..Read::default() };
    while let Some(rest) = bytes.get(read.end..).filter(|rest| !rest.is_empty()) {
        let place = Place { record: read.records.len() as u64, offset: read.end as u64 };
        let (length, sum) = match head(rest) {
            Head::Torn => break,
            Head::Damaged => return Err(place.corrupt("its length is damaged")),
            Head::Good { length, sum } => (length, sum),
        };
        if length > RECORD_BYTES_MAX {
            return Err(place.corrupt("it is longer than any record"));
        }
        let Some(payload) = rest.get(HEAD..HEAD + length) else { break };
        if checksum(&read.last, payload) != sum {
            if rest.len() == HEAD + length {
                break;
            }
            return Err(place.corrupt("its checksum does not match"));
        }
        let record = Record::decode(payload).ok_or_else(|| place.corrupt("its kind is unknown"))?;
        read.records.push((place, record));
        read.last = sum;
        read.end += HEAD + length;
    }
    Ok(read)
}

enum Head {
    Torn,
    Damaged,
    Good { length: usize, sum: Checksum },
}

fn head(rest: &[u8]) -> Head {
    let Some((head, _)) = rest.split_first_chunk::<HEAD>() else { return Head::Torn };
    let [a, b, c, d, check @ ..] = *head;
    let length = [a, b, c, d];
    let [e, f, g, h, sum @ ..] = check;
    if [e, f, g, h] == length_check(length) {
        return Head::Good { length: u32::from_be_bytes(length) as usize, sum };
    }
    // A file system may have grown the file before it wrote the bytes.
    if rest.iter().all(|byte| *byte == 0) { Head::Torn } else { Head::Damaged }
}

/// Tells a damaged length in the middle of the file from a record cut short at its end.
fn length_check(length: [u8; 4]) -> [u8; 4] {
    let hash = keccak256(length);
    [hash[0], hash[1], hash[2], hash[3]]
}

fn checksum(last: &Checksum, payload: &[u8]) -> Checksum {
    let mut hash = alloy::primitives::Keccak256::new();
    hash.update(last);
    hash.update(payload);
    let mut sum = Checksum::default();
    sum.copy_from_slice(&hash.finalize()[..8]);
    sum
}

/// Makes the file's name itself survive a power cut.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    // Elsewhere a folder cannot be opened as a file, and its entries need no such step.
    if cfg!(unix) { File::open(parent.unwrap_or(Path::new(".")))?.sync_all() } else { Ok(()) }
}

fn io_error(path: &Path, error: &io::Error) -> Error {
    Error::Io { path: path.to_owned(), kind: error.kind(), message: error.to_string() }
}
