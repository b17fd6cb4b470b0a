//! The table of certificates that a host hands to its guest beside a report.
//!
//! Entries of 24 bytes (GUID in the order of its text, offset and length in 32 bits little-endian)
//! up to one of zeros, and what they point to. Source: AMD 56421 (GHCB), §4.1.8.1. Not here: whether
//! the certificates are good.

use crate::{TeeError, device};
use sotto_attest::snp::SigningKey;

const VCEK: [u8; 16] = 0x63da758d_e664_4564_adc5_f4b93be8accd_u128.to_be_bytes();
const VLEK: [u8; 16] = 0xa8074bc2_a25a_483e_aae6_39c045a0b8a1_u128.to_be_bytes();
const ASK: [u8; 16] = 0x4ab7b379_bbac_4fe4_a02f_05aef327c782_u128.to_be_bytes();
const ARK: [u8; 16] = 0xc0b406a4_a803_4952_9743_3fb6014cd0ae_u128.to_be_bytes();
const ENTRY: usize = 24;
/// Entries of a table, at most: four are named, revocation lists and a host's own may follow.
const ENTRIES_MAX: usize = 32;

/// The certificate of the key that signed, then its issuers; nothing if the table lacks that
/// certificate, for evidence names its signer first.
pub(super) fn chain(table: &[u8], key: SigningKey) -> Result<Vec<Vec<u8>>, TeeError> {
    let signer = match key {
        SigningKey::Vcek => VCEK,
        SigningKey::Vlek => VLEK,
        SigningKey::None => return Ok(vec![]),
    };
    let entries = entries(table)?;
    let of = |guid: [u8; 16]| {
        let entry = entries.iter().find(|(is, blob)| *is == guid && !blob.is_empty());
        entry.map(|(_, blob)| blob.to_vec())
    };
    let Some(signer) = of(signer) else { return Ok(vec![]) };
    Ok([Some(signer), of(ASK), of(ARK)].into_iter().flatten().collect())
}

/// An entry's GUID and what it points to.
type Entry<'a> = ([u8; 16], &'a [u8]);

/// Every entry of a table.
fn entries(table: &[u8]) -> Result<Vec<Entry<'_>>, TeeError> {
    let mut entries = Vec::new();
    // A host without certificates gives no table, or zeros.
    let mut rest = table;
    while !rest.is_empty() {
        let (entry, after) = rest.split_first_chunk::<ENTRY>().ok_or_else(|| bad("never ends"))?;
        if *entry == [0; ENTRY] {
            return Ok(entries);
        }
        if entries.len() == ENTRIES_MAX {
            return Err(bad("has too many entries"));
        }
        let number = |at: usize| {
            let bytes = entry.get(at..)?.first_chunk()?;
            usize::try_from(u32::from_le_bytes(*bytes)).ok()
        };
        let place = number(16).zip(number(20));
        let blob = place.and_then(|(at, length)| table.get(at..at.checked_add(length)?));
        let guid = entry.first_chunk::<16>().copied().unwrap_or_default();
        entries.push((guid, blob.ok_or_else(|| bad("points outside itself"))?));
        rest = after;
    }
    if entries.is_empty() { Ok(entries) } else { Err(bad("never ends")) }
}

fn bad(why: &str) -> TeeError {
    device(format!("the host's table of certificates {why}"))
}
