//! What a TPM signs in answer to `TPM2_Quote`: `TPMS_ATTEST` (TPM 2.0 Library, part 2, §10.12).
//!
//! Not here: the signature over it, and the values of the PCRs it names.

use super::{TpmError, hash_of, reader::Reader};
use crate::hash::Hash;
use std::collections::BTreeSet;

/// First bytes of everything that a TPM says of itself; a restricted key signs nothing else that
/// begins so.
const TPM_GENERATED: u32 = 0xff54_4347;
/// `TPM_ST_ATTEST_QUOTE`.
const QUOTE: u16 = 0x8018;
/// Bytes of a `TPM2B_NAME`, at most: algorithm and SHA-512.
const NAME_MAX: usize = 66;
/// Banks of a selection, at most (`HASH_COUNT`).
const BANKS_MAX: u32 = 16;

/// A quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The qualified name of the key that signed.
    pub qualified_signer: Vec<u8>,
    /// What the caller of `TPM2_Quote` wanted signed: the verifier's challenge.
    pub extra_data: Vec<u8>,
    /// The TPM's clock.
    pub clock: Clock,
    /// The TPM maker's version number.
    pub firmware: u64,
    /// The PCRs quoted, by bank, in the order in which they were hashed.
    pub selection: Vec<Selection>,
    /// The digest of their values, by the hash of the signature.
    pub digest: Vec<u8>,
}

/// `TPMS_CLOCK_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Milliseconds for which the TPM has had power.
    pub clock_ms: u64,
    /// How often it was reset (the machine started).
    pub resets: u32,
    /// How often it was restarted or resumed since.
    pub restarts: u32,
    /// No later value of the clock was ever given out.
    pub safe: bool,
}

/// The PCRs of one bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The bank.
    pub bank: Hash,
    /// Its PCRs.
    pub pcrs: BTreeSet<u8>,
}

/// Exactly one quote.
///
/// # Errors
/// [`TpmError::NotGenerated`] and [`TpmError::NotAQuote`] for other statements, else what is wrong
/// with the form.
pub fn parse(bytes: &[u8]) -> Result<Quote, TpmError> {
    let mut reader = Reader::new("quote", bytes);
    if reader.u32()? != TPM_GENERATED {
        return Err(TpmError::NotGenerated);
    }
    let kind = reader.u16()?;
    if kind != QUOTE {
        return Err(TpmError::NotAQuote(kind));
    }
    let qualified_signer = reader.sized(NAME_MAX)?.to_vec();
    let extra_data = reader.sized(NAME_MAX)?.to_vec();
    let clock = clock(&mut reader)?;
    let firmware = reader.u64()?;
    let selection = selection(&mut reader)?;
    let digest = reader.sized(64)?.to_vec();
    reader.end()?;
    Ok(Quote { qualified_signer, extra_data, clock, firmware, selection, digest })
}

fn clock(reader: &mut Reader<'_>) -> Result<Clock, TpmError> {
    let (clock_ms, resets, restarts) = (reader.u64()?, reader.u32()?, reader.u32()?);
    let safe = match reader.u8()? {
        0 => false,
        1 => true,
        other => return Err(TpmError::Unknown { what: "yes or no", value: other.into() }),
    };
    Ok(Clock { clock_ms, resets, restarts, safe })
}

fn selection(reader: &mut Reader<'_>) -> Result<Vec<Selection>, TpmError> {
    let count = reader.u32()?;
    if count > BANKS_MAX {
        let (got, max) = (count as usize, BANKS_MAX as usize);
        return Err(TpmError::TooLarge { what: "PCR selection", got, max });
    }
    let mut all: Vec<Selection> = Vec::new();
    for _ in 0..count {
        let bank = hash_of(reader.u16()?)?;
        let size = reader.u8()?;
        if size > 4 {
            let (got, max) = (size.into(), 4);
            return Err(TpmError::TooLarge { what: "PCR selection", got, max });
        }
        if all.iter().any(|other| other.bank == bank) {
            return Err(TpmError::Twice { what: "bank of a PCR selection" });
        }
        all.push(Selection { bank, pcrs: bits(reader.take(size.into())?) });
    }
    Ok(all)
}

/// PCR n is bit n % 8 of byte n / 8.
pub(super) fn bits(select: &[u8]) -> BTreeSet<u8> {
    (0_u8..32)
        .filter(|n| select.get(usize::from(n / 8)).is_some_and(|byte| (byte >> (n % 8)) & 1 == 1))
        .collect()
}

impl Quote {
    /// No PCR at all is quoted.
    pub fn is_empty(&self) -> bool {
        self.selection.iter().all(|selection| selection.pcrs.is_empty())
    }

    /// The fields by name, for people. Nothing here is believed.
    pub fn describe(&self) -> Vec<(String, String)> {
        let clock = &self.clock;
        let mut fields = vec![
            ("qualified_signer".to_owned(), hex::encode(&self.qualified_signer)),
            ("extra_data".to_owned(), hex::encode(&self.extra_data)),
            ("clock_ms".to_owned(), clock.clock_ms.to_string()),
            ("resets".to_owned(), clock.resets.to_string()),
            ("restarts".to_owned(), clock.restarts.to_string()),
            ("clock_safe".to_owned(), clock.safe.to_string()),
            ("firmware".to_owned(), format!("{:#018x}", self.firmware)),
        ];
        for selection in &self.selection {
            let pcrs: Vec<String> = selection.pcrs.iter().map(u8::to_string).collect();
            fields.push((format!("pcrs_{}", selection.bank.name()), pcrs.join(",")));
        }
        fields.push(("pcr_digest".to_owned(), hex::encode(&self.digest)));
        fields
    }
}
