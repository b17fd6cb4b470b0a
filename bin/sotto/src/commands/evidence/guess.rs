//! Which kind some bytes look like. A guess saves typing and never decides: whatever kind is
//! tried, its own verifier judges all of the bytes under its own anchors.

use sotto_types::TeeKind;

/// Intel's identifier as the quoting enclave's vendor.
const INTEL: [u8; 16] = [
    0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07,
];

/// The kind that `bytes` look like.
pub(super) fn kind(bytes: &[u8]) -> Option<TeeKind> {
    let word = |at: usize, width: usize| -> Option<u32> {
        let field = bytes.get(at..at + width)?;
        Some(field.iter().rev().fold(0, |n, b| n << 8 | u32::from(*b)))
    };
    let starts = |with: &[u8]| bytes.starts_with(with);
    if starts(&[0xff, b'T', b'C', b'G']) {
        return Some(TeeKind::Tpm);
    }
    if starts(b"HCLA") {
        return Some(TeeKind::AzureSnp);
    }
    if starts(&[0xd9, 0x01, 0x8f]) || starts(&[0xd9, 0x03, 0x8b]) {
        return Some(TeeKind::Cca);
    }
    if starts(&[0x84, 0x44]) || starts(&[0xd2, 0x84]) || starts(&[0x00, 0x02]) {
        return Some(TeeKind::Nitro);
    }
    if starts(&[0x11, 0xe0]) {
        return Some(TeeKind::Nvidia);
    }
    let intel = bytes.get(12..28) == Some(&INTEL);
    // An SNP report has a version where a quote has one, and zeros where it has the type of its key.
    let keyed = matches!(word(2, 2), Some(2 | 3));
    match (word(0, 2)?, word(4, 4)) {
        (3, Some(0)) if keyed => return Some(TeeKind::Sgx),
        (4 | 5, Some(0x81)) if keyed => return Some(TeeKind::Tdx),
        (_, Some(0x81)) if intel => return Some(TeeKind::Tdx),
        (_, _) if intel => return Some(TeeKind::Sgx),
        _ => {}
    }
    if (2..=5).contains(&word(0, 4)?) {
        return Some(TeeKind::Snp);
    }
    (bytes.len() == 169).then_some(TeeKind::Simulated)
}
