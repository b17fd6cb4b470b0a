//! Events whose data is what was hashed, so that it can be believed once the digest is. Of all
//! others (images, IPL, event tags) the data is a label. Not here: the replay.

use super::{Event, kind};
use crate::{hash::Hash, tpm::reader::Reader};

/// `EFI_GLOBAL_VARIABLE`, as it lies in memory.
const GLOBAL: [u8; 16] = [
    0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c,
];

/// Bytes that shim writes behind a variable without all of them being hashed, at most.
const SHIM_EXTRA: usize = 8;

/// The first bank whose digest the data does not give, for types where it must.
pub(super) fn mismatch(event: &Event<'_>) -> Option<Hash> {
    let forms: Vec<&[u8]> = match event.kind {
        kind::SEPARATOR
        | kind::ACTION
        | kind::EFI_ACTION
        | kind::EFI_GPT_EVENT
        | kind::EFI_VARIABLE_DRIVER_CONFIG
        | kind::EFI_VARIABLE_BOOT2 => vec![event.data],
        kind::EFI_VARIABLE_BOOT => {
            let whole = variable(event.data).filter(|variable| variable.rest.is_empty());
            [event.data].into_iter().chain(whole.map(|variable| variable.value)).collect()
        }
        kind::EFI_VARIABLE_AUTHORITY => authority(event.data),
        _ => return None,
    };
    let gives = |bank: Hash, digest: &[u8]| forms.iter().any(|form| bank.digest(&[form]) == digest);
    event.digests.iter().find(|(bank, digest)| !gives(**bank, digest)).map(|(bank, _)| *bank)
}

/// The whole variable, and what shim may have hashed of the bytes behind it.
fn authority(data: &[u8]) -> Vec<&[u8]> {
    let rest = variable(data).map_or(0, |variable| variable.rest.len()).min(SHIM_EXTRA);
    (0..=rest).filter_map(|less| data.get(..data.len() - less)).collect()
}

/// `UEFI_VARIABLE_DATA`.
struct Variable<'a> {
    vendor: &'a [u8],
    /// UTF-16.
    name: &'a [u8],
    value: &'a [u8],
    /// What stands behind it; nothing should.
    rest: &'a [u8],
}

fn variable(data: &[u8]) -> Option<Variable<'_>> {
    let mut reader = Reader::new("UEFI variable", data);
    let vendor = reader.take(16).ok()?;
    let name = usize::try_from(reader.u64_le().ok()?).ok()?;
    let value = usize::try_from(reader.u64_le().ok()?).ok()?;
    let name = reader.take(name.checked_mul(2)?).ok()?;
    let value = reader.take(value).ok()?;
    Some(Variable { vendor, name, value, rest: reader.rest() })
}

/// What the variable `SecureBoot` said, if this event is it and its data is what was hashed.
pub(super) fn secure_boot(event: &Event<'_>) -> Option<bool> {
    if (event.pcr, event.kind) != (7, kind::EFI_VARIABLE_DRIVER_CONFIG) {
        return None;
    }
    let Variable { vendor, name, value, rest } = variable(event.data)?;
    let wanted: Vec<u8> = "SecureBoot".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if vendor != GLOBAL || name != wanted || !rest.is_empty() || mismatch(event).is_some() {
        return None;
    }
    Some(value == [1])
}
