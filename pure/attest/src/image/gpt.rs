//! The GPT of a disk image with 512-byte sectors (UEFI 2.10 §5.3): the form in which firmware
//! measures it, and the system partition. Not here: the backup table, which is not measured.

use super::{ImageError, read::Bytes};

const SECTOR: u64 = 512;
const HEADER_LEN: u64 = 92;
const SIGNATURE: &[u8] = b"EFI PART";
/// Bytes of entries, at most: 32 times the usual table.
const TABLE_MAX: u64 = 512 << 10;
/// EFI system partition, C12A7328-F81F-11D2-BA4B-00A0C93EC93B.
const SYSTEM: [u8; 16] = [
    0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b,
];

/// A partition table.
pub(super) struct Gpt<'a> {
    header: &'a [u8],
    used: Vec<&'a [u8]>,
    /// The bytes of the one system partition.
    pub(super) system: &'a [u8],
}

/// Whether a GPT header stands in the second sector.
pub(super) fn is_disk(image: &[u8]) -> bool {
    Bytes::new("GPT", image).slice(SECTOR, 8) == Ok(SIGNATURE)
}

impl<'a> Gpt<'a> {
    pub(super) fn parse(image: &'a [u8]) -> Result<Self, ImageError> {
        let disk = Bytes::new("GPT", image);
        let header = header(&disk)?;
        let table = table(&disk, &header)?;
        let size = usize::try_from(header.u32(84)?).unwrap_or(usize::MAX);
        let used: Vec<&[u8]> = table
            .chunks_exact(size)
            .filter(|entry| entry.iter().take(16).any(|byte| *byte != 0))
            .collect();
        let system = system(&disk, &used)?;
        Ok(Self { header: header.slice(0, HEADER_LEN)?, used, system })
    }

    /// The number of used entries as it stands in the event, 8 bytes.
    pub(super) fn count(&self) -> [u8; 8] {
        (self.used.len() as u64).to_le_bytes()
    }

    /// `UEFI_GPT_DATA`: header, number of used entries, used entries.
    pub(super) fn event<'b>(&self, count: &'b [u8; 8]) -> Vec<&'b [u8]>
    where
        'a: 'b,
    {
        let mut parts: Vec<&[u8]> = vec![self.header, count];
        parts.extend(&self.used);
        parts
    }
}

fn header<'a>(disk: &Bytes<'a>) -> Result<Bytes<'a>, ImageError> {
    let header = Bytes::new("GPT", disk.slice(SECTOR, SECTOR)?);
    header.check(header.slice(0, 8)? == SIGNATURE, "no GPT header in the second sector")?;
    header.check(header.u32(8)? == 0x0001_0000, "unknown revision")?;
    let length = u64::from(header.u32(12)?);
    header.check((HEADER_LEN..=SECTOR).contains(&length), "the header has a wrong length")?;
    header.check(header.u64(24)? == 1, "the header is meant for another sector")?;
    let zeroed = [header.slice(0, 16)?, &[0; 4], header.slice(20, length.saturating_sub(20))?];
    header.check(crc32(&zeroed) == header.u32(16)?, "the header's checksum is wrong")?;
    Ok(header)
}

fn table<'a>(disk: &Bytes<'a>, header: &Bytes<'_>) -> Result<&'a [u8], ImageError> {
    let (count, size) = (u64::from(header.u32(80)?), u64::from(header.u32(84)?));
    disk.check(size >= 128 && size.is_power_of_two(), "entries have a wrong length")?;
    let length = count.saturating_mul(size);
    disk.check(length <= TABLE_MAX, "too many entries")?;
    let table = disk.slice(header.u64(72)?.saturating_mul(SECTOR), length)?;
    disk.check(crc32(&[table]) == header.u32(88)?, "the entries' checksum is wrong")?;
    Ok(table)
}

fn system<'a>(disk: &Bytes<'a>, used: &[&[u8]]) -> Result<&'a [u8], ImageError> {
    let mut found = used.iter().filter(|entry| entry.starts_with(&SYSTEM));
    let (Some(entry), None) = (found.next(), found.next()) else {
        let count = used.iter().filter(|entry| entry.starts_with(&SYSTEM)).count();
        return Err(ImageError::SystemPartitions(count));
    };
    let entry = Bytes::new("GPT", entry);
    let (first, last) = (entry.u64(32)?, entry.u64(40)?);
    disk.check(first <= last, "the system partition ends before it begins")?;
    let sectors = (last - first).saturating_add(1);
    disk.slice(first.saturating_mul(SECTOR), sectors.saturating_mul(SECTOR))
}

/// CRC-32 of UEFI (reflected 0x04C11DB7), bit by bit: tables are short.
pub(super) fn crc32(parts: &[&[u8]]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.iter());
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}
