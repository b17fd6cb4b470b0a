//! The sections of a unified kernel image, as systemd-stub 252 to 255 measures them (systemd,
//! `src/fundamental/uki.h`; TPM2_PCR_MEASUREMENTS). Not here: the PE file around them, events.

use super::{
    ImageError,
    pe::{Pe, Section},
    read::Bytes,
};

/// The first and last version whose measurements are known.
const KNOWN: core::ops::RangeInclusive<u32> = 252..=255;
/// The first version that measures `.uname` and `.sbat`.
const MORE_SECTIONS: u32 = 254;
const MARK: &[u8] = b"#### LoaderInfo: systemd-stub ";

/// What the stub measures, in order; the second list begins with version 254.
const MEASURED: [&str; 7] =
    [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".pcrpkey"];
const MEASURED_254: [&str; 9] =
    [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey"];
/// Sections of later stubs, which would be measured or would change what is.
const LATER: [&str; 5] = [".ucode", ".profile", ".dtbauto", ".hwids", ".efifw"];

/// A unified kernel image.
pub(super) struct Uki<'a> {
    /// The file.
    pub(super) pe: Pe<'a>,
    /// The version of systemd-stub.
    pub(super) stub: u32,
    /// The kernel: a PE file in `.linux`.
    pub(super) linux: &'a [u8],
    /// The command line, printable ASCII.
    pub(super) cmdline: &'a str,
    /// Name and content of the measured sections, in the stub's order.
    pub(super) measured: Vec<(&'static str, &'a [u8])>,
    /// The stub hands the kernel an initrd of its own making beside `.initrd`.
    pub(super) initrd_added: bool,
}

impl<'a> Uki<'a> {
    pub(super) fn parse(bytes: &'a [u8], told: Option<u32>) -> Result<Self, ImageError> {
        let pe = Pe::parse("UKI", bytes)?;
        let stub = version(&pe, told)?;
        if let Some(name) = LATER.into_iter().find(|name| pe.count(name) > 0) {
            return Err(ImageError::SectionUnknown(name));
        }
        let names = if stub < MORE_SECTIONS { &MEASURED[..] } else { &MEASURED_254[..] };
        let mut measured = Vec::new();
        for name in names.iter().copied() {
            let content = content(&pe, name)?;
            if !content.is_empty() {
                measured.push((name, content));
            }
        }
        let linux = required(&pe, ".linux")?;
        let cmdline = cmdline(required(&pe, ".cmdline")?)?;
        let initrd_added =
            !content(&pe, ".pcrsig")?.is_empty() || !content(&pe, ".pcrpkey")?.is_empty();
        Ok(Self { pe, stub, linux, cmdline, measured, initrd_added })
    }

    /// The content of a measured section.
    pub(super) fn section(&self, name: &str) -> Option<&'a [u8]> {
        self.measured.iter().find(|(found, _)| *found == name).map(|(_, content)| *content)
    }
}

fn version(pe: &Pe<'_>, told: Option<u32>) -> Result<u32, ImageError> {
    let image = pe.section(".sdmagic").and_then(|section| version_text(section.raw));
    let stub = match (image, told) {
        (Some(image), Some(told)) if image != told => {
            return Err(ImageError::StubDiffers { image, told });
        }
        (Some(version), _) | (None, Some(version)) => version,
        (None, None) => return Err(ImageError::StubUnknown),
    };
    if KNOWN.contains(&stub) { Ok(stub) } else { Err(ImageError::StubVersion(stub)) }
}

/// The number in `#### LoaderInfo: systemd-stub 252.39-1 ####`.
fn version_text(magic: &[u8]) -> Option<u32> {
    let at = magic.windows(MARK.len()).position(|window| window == MARK)?;
    let text = magic.get(at + MARK.len()..)?;
    let text = text.strip_prefix(b"v").unwrap_or(text);
    let digits = text.iter().take(6).take_while(|byte| byte.is_ascii_digit());
    let digits: Vec<u8> = digits.copied().collect();
    core::str::from_utf8(&digits).ok()?.parse().ok()
}

/// The bytes that the stub measures: as many as the section takes in memory. Empty if it is absent.
fn content<'a>(pe: &Pe<'a>, name: &'static str) -> Result<&'a [u8], ImageError> {
    let count = pe.count(name);
    if count > 1 {
        return Err(ImageError::Section { name, count });
    }
    pe.section(name).map_or(Ok(&[]), loaded)
}

fn loaded<'a>(section: &Section<'a>) -> Result<&'a [u8], ImageError> {
    Bytes::new("UKI section", section.raw).slice(0, section.virtual_size.into())
}

fn required<'a>(pe: &Pe<'a>, name: &'static str) -> Result<&'a [u8], ImageError> {
    match content(pe, name)? {
        [] => Err(ImageError::Section { name, count: 0 }),
        content => Ok(content),
    }
}

/// A command line that reaches the kernel as it stands. Stubs of one version differ in what they do
/// with white space at the ends and with control characters, so neither can be predicted.
pub(super) fn cmdline(bytes: &[u8]) -> Result<&str, ImageError> {
    let plain = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
    let text = core::str::from_utf8(bytes).ok().filter(|text| plain && text.trim() == *text);
    text.ok_or(ImageError::Unsupported {
        part: "command line",
        why: "it is not plain printable ASCII without white space at its ends",
    })
}
