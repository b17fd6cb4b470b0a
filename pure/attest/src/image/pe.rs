//! PE files (Microsoft PE/COFF): their sections, and the bytes that Authenticode hashes. Stricter
//! than a loader: sections lie behind the headers and apart from each other, and the certificate
//! table, if any, ends the file. Not here: what the sections hold, signatures.

use super::{ImageError, read::Bytes};

/// The most sections of an image (PE/COFF, "COFF File Header").
const SECTIONS_MAX: u16 = 96;
const SECTION_LEN: u64 = 40;
/// The data directory that names the certificate table.
const SECURITY: u64 = 4;

/// A PE file.
pub(super) struct Pe<'a> {
    /// Its sections, in the order of the table.
    pub(super) sections: Vec<Section<'a>>,
    hashed: Vec<&'a [u8]>,
}

/// One section.
pub(super) struct Section<'a> {
    /// Its name without the padding.
    pub(super) name: &'a [u8],
    /// Bytes it takes in memory.
    pub(super) virtual_size: u32,
    /// Its bytes in the file.
    pub(super) raw: &'a [u8],
    start: u64,
}

/// Where the interesting fields lie, as offsets from the start of the file.
struct Layout {
    checksum: u64,
    security: Option<u64>,
    headers_end: u64,
    sections: u64,
    count: u16,
}

impl<'a> Pe<'a> {
    pub(super) fn parse(part: &'static str, bytes: &'a [u8]) -> Result<Self, ImageError> {
        let file = Bytes::new(part, bytes);
        let layout = layout(&file)?;
        let sections = sections(&file, &layout)?;
        let hashed = hashed(&file, &layout, &sections)?;
        Ok(Self { sections, hashed })
    }

    /// The Authenticode hash, as firmware measures a loaded image (PC Client Platform Firmware
    /// Profile, `EV_EFI_BOOT_SERVICES_APPLICATION`).
    pub(super) fn authenticode(&self) -> &[&'a [u8]] {
        &self.hashed
    }

    /// How many sections have this name.
    pub(super) fn count(&self, name: &str) -> usize {
        self.sections.iter().filter(|section| section.name == name.as_bytes()).count()
    }

    /// The section of that name.
    pub(super) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name.as_bytes())
    }
}

fn layout(file: &Bytes<'_>) -> Result<Layout, ImageError> {
    file.check(file.slice(0, 2)? == b"MZ", "no DOS header")?;
    let coff = u64::from(file.u32(0x3c)?);
    file.check(coff >= 0x40, "the PE header lies in the DOS header")?;
    file.check(file.slice(coff, 4)? == b"PE\0\0", "no PE header")?;
    let count = file.u16(coff + 6)?;
    file.check(count <= SECTIONS_MAX, "too many sections")?;
    let optional = coff + 24;
    let optional_end = optional + u64::from(file.u16(coff + 20)?);
    let directories = optional
        + match file.u16(optional)? {
            0x10b => 96,
            0x20b => 112,
            _ => return Err(ImageError::Malformed { part: file.part, why: "no PE32 or PE32+" }),
        };
    let present = u64::from(file.u32(directories - 4)?);
    file.check(present <= 16, "too many data directories")?;
    file.check(directories + 8 * present <= optional_end, "data directories past the header")?;
    let sections_end = optional_end + u64::from(count) * SECTION_LEN;
    let headers_end = u64::from(file.u32(optional + 60)?);
    file.check(sections_end <= headers_end, "the section table lies behind the headers")?;
    Ok(Layout {
        checksum: optional + 64,
        security: (present > SECURITY).then_some(directories + 8 * SECURITY),
        headers_end,
        sections: optional_end,
        count,
    })
}

fn sections<'a>(file: &Bytes<'a>, layout: &Layout) -> Result<Vec<Section<'a>>, ImageError> {
    let mut sections = Vec::with_capacity(layout.count.into());
    for index in 0..u64::from(layout.count) {
        let header = layout.sections + index * SECTION_LEN;
        let name = file.slice(header, 8)?;
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let size = u64::from(file.u32(header + 16)?);
        let start = u64::from(file.u32(header + 20)?);
        // A section without bytes in the file, as .bss, may name any place.
        let raw = if size == 0 { &[] } else { file.slice(start, size)? };
        sections.push(Section {
            name: name.get(..end).unwrap_or(name),
            virtual_size: file.u32(header + 8)?,
            raw,
            start,
        });
    }
    Ok(sections)
}

/// The parts of the file that are hashed: the headers without CheckSum and without the entry of the
/// certificate table, the sections by their place in the file, and what follows them up to the
/// certificate table ("Windows Authenticode Portable Executable Signature Format", "Calculating the
/// PE Image Hash"). What follows begins, as in EDK II, where the hashed bytes would end if nothing
/// lay between them.
fn hashed<'a>(
    file: &Bytes<'a>,
    layout: &Layout,
    sections: &[Section<'a>],
) -> Result<Vec<&'a [u8]>, ImageError> {
    let Layout { checksum, security, headers_end, .. } = *layout;
    let between = |start: u64, end: u64| file.slice(start, end.saturating_sub(start));
    let mut parts = vec![between(0, checksum)?];
    let mut certificates = 0;
    match security {
        Some(entry) => {
            parts.push(between(checksum + 4, entry)?);
            parts.push(between(entry + 8, headers_end)?);
            certificates = certificate_table(file, entry)?;
        }
        None => parts.push(between(checksum + 4, headers_end)?),
    }
    let mut sorted: Vec<_> = sections.iter().filter(|section| !section.raw.is_empty()).collect();
    sorted.sort_by_key(|section| section.start);
    let signed_end = file.len() - certificates;
    let (mut end, mut sum) = (headers_end, headers_end);
    for section in sorted {
        file.check(section.start >= end, "sections overlap")?;
        end = section.start + section.raw.len() as u64;
        sum += section.raw.len() as u64;
        parts.push(section.raw);
    }
    file.check(end <= signed_end, "the certificate table overlaps a section")?;
    parts.push(between(sum, signed_end)?);
    Ok(parts)
}

/// The length of the certificate table, which must be the end of the file.
fn certificate_table(file: &Bytes<'_>, entry: u64) -> Result<u64, ImageError> {
    let (start, length) = (u64::from(file.u32(entry)?), u64::from(file.u32(entry + 4)?));
    if length == 0 {
        file.check(start == 0, "a certificate table without length")?;
        return Ok(0);
    }
    file.check(start.is_multiple_of(8), "the certificate table is not aligned")?;
    file.check(start + length == file.len(), "the certificate table does not end the file")?;
    Ok(length)
}
