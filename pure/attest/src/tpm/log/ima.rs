//! The list of Linux IMA (`binary_runtime_measurements`): what the kernel measured into PCR 10.
//!
//! Source: Linux, `security/integrity/ima/ima_fs.c`. Templates with length fields (`ima-ng`,
//! `ima-sig` and their kin) are read; the old `ima` template is not. Not here: whether the files
//! are good.

use crate::{
    hash::Hash,
    tpm::{TpmError, reader::Reader},
};

/// The PCR that IMA extends.
pub(super) const PCR: u8 = 10;
/// Entries, at most.
const ENTRIES_MAX: usize = 256 << 10;
/// Bytes of a template's name, at most.
const NAME_MAX: usize = 64;
/// Bytes of a template's data, at most (`MAX_TEMPLATE_FIELD_SIZE` is near).
const DATA_MAX: usize = 1 << 20;

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// SHA-1 of the template's data; all zero for a violation.
    pub sha1: &'a [u8],
    /// The template's name.
    pub template: &'a str,
    /// The template's data.
    pub data: &'a [u8],
}

/// Whether an IMA record stands here: PCR 10, and a short printable name behind 20 bytes of digest.
/// In a firmware's record for PCR 10 there stand a count of banks and a digest instead.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let mut reader = Reader::new("IMA list", bytes);
    reader.u32_le() == Ok(PCR.into())
        && reader.take(20).is_ok()
        && reader.sized_le(NAME_MAX).is_ok_and(is_name)
}

fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(u8::is_ascii_graphic)
}

/// All that is left.
pub(super) fn parse(reader: Reader<'_>) -> Result<Vec<Entry<'_>>, TpmError> {
    let mut reader = Reader::new("IMA list", reader.rest());
    let mut entries = Vec::new();
    while !reader.rest().is_empty() {
        if entries.len() >= ENTRIES_MAX {
            let (got, max) = (ENTRIES_MAX + 1, ENTRIES_MAX);
            return Err(TpmError::TooLarge { what: "IMA list", got, max });
        }
        if reader.u32_le()? != u32::from(PCR) {
            return Err(TpmError::Form { what: "IMA list" });
        }
        let sha1 = reader.take(20)?;
        let name = reader.sized_le(NAME_MAX)?;
        let template = core::str::from_utf8(name).ok().filter(|name| is_name(name.as_bytes()));
        let template = template.ok_or(TpmError::Form { what: "IMA list" })?;
        if template == "ima" {
            return Err(TpmError::Form { what: "IMA list of the old template" });
        }
        entries.push(Entry { sha1, template, data: reader.sized_le(DATA_MAX)? });
    }
    Ok(entries)
}

impl Entry<'_> {
    fn violation(&self) -> bool {
        self.sha1.iter().all(|byte| *byte == 0)
    }

    /// What the kernel extends PCR 10 of `bank` with; a violation extends ones.
    pub(super) fn digest(&self, bank: Hash, padded: bool) -> Vec<u8> {
        if self.violation() {
            return vec![0xff; bank.size()];
        }
        if bank == Hash::Sha1 || !padded {
            return bank.digest(&[self.data]);
        }
        let mut digest = self.sha1.to_vec();
        digest.resize(bank.size(), 0);
        digest
    }

    /// The digest in the list is the data's.
    pub(super) fn holds(&self) -> bool {
        self.violation() || Hash::Sha1.digest(&[self.data]) == self.sha1
    }
}
