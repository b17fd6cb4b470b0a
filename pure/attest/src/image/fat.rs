//! Just enough of FAT16 and FAT32 (Microsoft's FAT specification; the type is chosen as EDK II
//! does) to read one file by its short names. Every walk is bounded by the number of clusters. Not
//! here: long names, FAT12, writing.

use super::{ImageError, read::Bytes};
use std::borrow::Cow;

const ENTRY_LEN: usize = 32;
/// Entries of a directory, at most (the specification's limit of 2 MiB).
const ENTRIES_MAX: usize = 65_536;
const DIRECTORY: u8 = 0x10;
const VOLUME_LABEL: u8 = 0x08;

/// A volume.
pub(super) struct Fat<'a> {
    volume: Bytes<'a>,
    table: Bytes<'a>,
    wide: bool,
    data: u64,
    cluster_len: u64,
    clusters: u32,
    root: Root<'a>,
}

/// The root directory: a fixed area (FAT16) or a chain of clusters (FAT32).
enum Root<'a> {
    Area(&'a [u8]),
    Chain(u32),
}

/// What a directory says about one name.
struct Entry {
    directory: bool,
    cluster: u32,
    length: u32,
}

impl<'a> Fat<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ImageError> {
        let volume = Bytes::new("FAT volume", bytes);
        volume.check(volume.u16(510)? == 0xaa55, "no boot sector")?;
        let sector = u64::from(volume.u16(11)?);
        let per_cluster = u64::from(volume.u8(13)?);
        let geometry = (512..=4096).contains(&sector) && sector.is_power_of_two();
        volume.check(geometry && per_cluster.is_power_of_two(), "impossible sectors")?;
        let reserved = u64::from(volume.u16(14)?);
        let tables = u64::from(volume.u8(16)?);
        volume.check(reserved > 0 && (1..=2).contains(&tables), "impossible tables")?;
        let root_len = u64::from(volume.u16(17)?) * ENTRY_LEN as u64;
        let (short, long) = (u64::from(volume.u16(19)?), u64::from(volume.u32(32)?));
        let total = if short == 0 { long } else { short };
        let wide = volume.u16(22)? == 0;
        let table_len =
            if wide { u64::from(volume.u32(36)?) } else { u64::from(volume.u16(22)?) } * sector;
        let root = reserved * sector + tables * table_len;
        let data = root + root_len.next_multiple_of(sector);
        let room = (total * sector).checked_sub(data);
        let room = room.ok_or(ImageError::Truncated { part: "FAT volume" })?;
        volume.slice(0, total * sector)?;
        let cluster_len = per_cluster * sector;
        let clusters = u32::try_from(room / cluster_len).unwrap_or(u32::MAX);
        volume.check(clusters < 0x0fff_fff5, "too many clusters")?;
        if !wide && clusters < 4086 {
            return Err(ImageError::Unsupported { part: "FAT volume", why: "it is FAT12" });
        }
        volume.check(!wide || volume.u16(40)? & 0x80 == 0, "its tables are not mirrored")?;
        let table = Bytes::new("FAT", volume.slice(reserved * sector, table_len)?);
        let width = if wide { 4 } else { 2 };
        volume.check(table.len() >= (u64::from(clusters) + 2) * width, "its table is too short")?;
        let root = if wide {
            Root::Chain(volume.u32(44)?)
        } else {
            Root::Area(volume.slice(root, root_len)?)
        };
        Ok(Self { volume, table, wide, data, cluster_len, clusters, root })
    }

    /// The file at `path`, whose parts are short names as a directory holds them (11 bytes, padded
    /// with spaces). Borrowed where its clusters lie in one row, as in freshly made images.
    pub(super) fn file(
        &self,
        path: &[&[u8; 11]],
        shown: &'static str,
    ) -> Result<Cow<'a, [u8]>, ImageError> {
        let mut entry: Option<Entry> = None;
        for name in path {
            let found = match &entry {
                None => match self.root {
                    Root::Area(area) => search(area, name),
                    Root::Chain(cluster) => self.search(cluster, name)?,
                },
                Some(entry) if entry.directory => self.search(self.start(entry), name)?,
                Some(_) => None,
            };
            entry = Some(found.ok_or(ImageError::FileMissing(shown))?);
        }
        match entry {
            Some(entry) if !entry.directory => self.content(self.start(&entry), entry.length),
            _ => Err(ImageError::FileMissing(shown)),
        }
    }

    fn search(&self, start: u32, name: &[u8; 11]) -> Result<Option<Entry>, ImageError> {
        let mut cluster = Some(start);
        let (mut entries, mut left) = (0, self.clusters);
        while let Some(current) = cluster {
            let bytes = self.cluster(current)?;
            entries += bytes.len() / ENTRY_LEN;
            let bounded = entries <= ENTRIES_MAX && left > 0;
            self.volume.check(bounded, "a directory does not end")?;
            left = left.saturating_sub(1);
            if let Some(entry) = search(bytes, name) {
                return Ok(Some(entry));
            }
            if ended(bytes) {
                return Ok(None);
            }
            cluster = self.next(current)?;
        }
        Ok(None)
    }

    fn content(&self, start: u32, length: u32) -> Result<Cow<'a, [u8]>, ImageError> {
        let length = u64::from(length);
        if length == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        self.volume.check(length <= self.volume.len(), "a file is larger than its volume")?;
        let runs = self.runs(start, length.div_ceil(self.cluster_len))?;
        let mut left = length;
        let mut parts = Vec::with_capacity(runs.len());
        for (first, count) in runs {
            let take = left.min(count * self.cluster_len);
            parts.push(self.volume.slice(self.place(first)?, take)?);
            left -= take;
        }
        Ok(match parts.as_slice() {
            [one] => Cow::Borrowed(one),
            parts => Cow::Owned(parts.concat()),
        })
    }

    /// Rows of neighbouring clusters: the first and how many, `wanted` clusters in all.
    fn runs(&self, start: u32, wanted: u64) -> Result<Vec<(u32, u64)>, ImageError> {
        let mut runs = vec![(start, 1)];
        let mut current = start;
        for _ in 1..wanted {
            let next = self.next(current)?;
            let next = next.ok_or(ImageError::Malformed {
                part: self.volume.part,
                why: "a file ends before its length",
            })?;
            match runs.last_mut() {
                Some((_, count)) if next == current.wrapping_add(1) => *count += 1,
                _ => runs.push((next, 1)),
            }
            current = next;
        }
        Ok(runs)
    }

    /// The first cluster; FAT16 has no upper half.
    const fn start(&self, entry: &Entry) -> u32 {
        if self.wide { entry.cluster } else { entry.cluster & 0xffff }
    }

    /// The cluster after this one; `None` at the end of a chain.
    fn next(&self, cluster: u32) -> Result<Option<u32>, ImageError> {
        let (value, end) = if self.wide {
            (self.table.u32(u64::from(cluster) * 4)? & 0x0fff_ffff, 0x0fff_fff8)
        } else {
            (self.table.u16(u64::from(cluster) * 2)?.into(), 0xfff8)
        };
        if value >= end {
            return Ok(None);
        }
        self.place(value)?;
        Ok(Some(value))
    }

    /// Where a cluster begins.
    fn place(&self, cluster: u32) -> Result<u64, ImageError> {
        let index = cluster.checked_sub(2).filter(|index| *index < self.clusters);
        let index = index.ok_or(ImageError::Malformed {
            part: self.volume.part,
            why: "a chain leaves the volume",
        })?;
        Ok(self.data + u64::from(index) * self.cluster_len)
    }

    fn cluster(&self, cluster: u32) -> Result<&'a [u8], ImageError> {
        self.volume.slice(self.place(cluster)?, self.cluster_len)
    }
}

/// Whether a directory ends here: after it come no further clusters.
fn ended(bytes: &[u8]) -> bool {
    bytes.chunks_exact(ENTRY_LEN).any(|entry| entry.first() == Some(&0))
}

/// The entry of that short name, before the directory's end. Parts of long names are marked as
/// volume labels and passed over.
fn search(bytes: &[u8], name: &[u8; 11]) -> Option<Entry> {
    let entries = bytes.chunks_exact(ENTRY_LEN).take_while(|entry| entry.first() != Some(&0));
    let found = entries
        .filter_map(|entry| entry.first_chunk::<32>())
        .find(|entry| entry.starts_with(name) && entry[11] & VOLUME_LABEL == 0)?;
    let half = |at: usize| u32::from(u16::from_le_bytes([found[at], found[at + 1]]));
    Some(Entry {
        directory: found[11] & DIRECTORY != 0,
        cluster: half(20) << 16 | half(26),
        length: half(30) << 16 | half(28),
    })
}
