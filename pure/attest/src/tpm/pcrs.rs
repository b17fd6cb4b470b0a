//! PCR values in the forms the field sends them in. They prove nothing: a quote's digest does.
//!
//! Three forms are read. The binary one of tpm2-tools (`tpm2_quote -o`): a `TPML_PCR_SELECTION` and
//! as many `TPML_DIGEST` as the selection needs, both as they lie in memory, little-endian. JSON: an
//! array with a value per PCR from 0 on, or an object from numbers to values, or an object of those
//! by bank; a value is hex or an array of bytes. Text: a line per PCR, `4 HEX` or `4: 0xHEX`, under
//! lines `sha256:` where there are several banks. Not here: which PCRs were quoted.

use super::{Selection, TpmError, attest, hash_of, reader::Reader};
use crate::hash::Hash;
use serde::Deserialize;
use std::collections::BTreeMap;

/// PCR values by bank and number.
pub type Banks = BTreeMap<Hash, BTreeMap<u8, Vec<u8>>>;

/// Bytes of a list of values, at most: 4 banks of 32 in the widest text.
const PCRS_MAX: usize = 64 << 10;

/// The values in `bytes`.
///
/// # Errors
/// What is wrong with the form; a PCR given twice.
pub fn parse(bytes: &[u8]) -> Result<Banks, TpmError> {
    if bytes.len() > PCRS_MAX {
        return Err(TpmError::TooLarge { what: "PCR values", got: bytes.len(), max: PCRS_MAX });
    }
    // The binary form begins with a count of banks below 17 in 32 bits.
    if matches!(bytes, [count, 0, 0, 0, ..] if *count <= 16) {
        return binary(bytes);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| TpmError::Form { what: "PCR values" })?;
    if text.trim_start().starts_with(['[', '{']) { json(text) } else { lines(text) }
}

/// Puts a value where it belongs.
fn put(banks: &mut Banks, bank: Hash, pcr: u8, value: Vec<u8>) -> Result<(), TpmError> {
    if pcr >= 32 || value.len() != bank.size() {
        return Err(TpmError::Form { what: "PCR values" });
    }
    match banks.entry(bank).or_default().insert(pcr, value) {
        None => Ok(()),
        Some(_) => Err(TpmError::Twice { what: "PCR" }),
    }
}

/// The bank whose values have this size.
fn bank_by_size(size: usize) -> Result<Hash, TpmError> {
    let all = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let found = all.into_iter().find(|bank| bank.size() == size);
    found.ok_or(TpmError::Form { what: "PCR values" })
}

fn binary(bytes: &[u8]) -> Result<Banks, TpmError> {
    let mut reader = Reader::new("PCR values", bytes);
    let zeros = |bytes: &[u8]| {
        let zero = bytes.iter().all(|byte| *byte == 0);
        if zero { Ok(()) } else { Err(TpmError::Form { what: "PCR values" }) }
    };
    let used = reader.u32_le()?;
    let mut selected: Vec<Selection> = Vec::new();
    for entry in 0..16 {
        if entry >= used {
            zeros(reader.take(8)?)?;
            continue;
        }
        let bank = hash_of(reader.u16_le()?)?;
        let size = usize::from(reader.u8()?);
        let (select, rest) =
            reader.take(5)?.split_at_checked(size).ok_or(TpmError::Form { what: "PCR values" })?;
        zeros(rest)?;
        selected.push(Selection { bank, pcrs: attest::bits(select) });
    }
    let mut wanted = selected.iter().flat_map(|s| s.pcrs.iter().map(|pcr| (s.bank, *pcr)));
    let mut banks = Banks::new();
    for _ in 0..reader.u32_le()? {
        let count = reader.u32_le()?;
        for slot in 0..8 {
            let size = usize::from(reader.u16_le()?);
            let (value, rest) = reader
                .take(64)?
                .split_at_checked(size)
                .ok_or(TpmError::Form { what: "PCR values" })?;
            zeros(rest)?;
            if slot >= count {
                if size != 0 {
                    return Err(TpmError::Form { what: "PCR values" });
                }
                continue;
            }
            let (bank, pcr) = wanted.next().ok_or(TpmError::Form { what: "PCR values" })?;
            put(&mut banks, bank, pcr, value.to_vec())?;
        }
    }
    reader.end()?;
    match wanted.next() {
        None => Ok(banks),
        Some(_) => Err(TpmError::Short { what: "PCR values" }),
    }
}

/// A value: hex, or its bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Hex(String),
    Bytes(Vec<u8>),
}

impl Value {
    fn bytes(self) -> Result<Vec<u8>, TpmError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Hex(text) => hex::decode(text).map_err(|_| TpmError::Form { what: "PCR values" }),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Json {
    List(Vec<Value>),
    /// By number.
    Map(BTreeMap<String, Value>),
    /// By bank and number.
    Banks(BTreeMap<String, BTreeMap<String, Value>>),
}

fn json(text: &str) -> Result<Banks, TpmError> {
    let malformed = || TpmError::Form { what: "PCR values" };
    let parsed = serde_json::from_str(text).map_err(|_| malformed())?;
    let entries: Vec<(Option<Hash>, u8, Value)> = match parsed {
        Json::List(values) => {
            (0_u8..=u8::MAX).zip(values).map(|(pcr, value)| (None, pcr, value)).collect()
        }
        Json::Map(values) => numbered(None, values)?,
        Json::Banks(all) => {
            let mut entries = Vec::new();
            for (name, values) in all {
                entries.extend(numbered(Some(bank_by_name(&name)?), values)?);
            }
            entries
        }
    };
    let mut banks = Banks::new();
    for (bank, pcr, value) in entries {
        let value = value.bytes()?;
        let bank = bank.map_or_else(|| bank_by_size(value.len()), Ok)?;
        put(&mut banks, bank, pcr, value)?;
    }
    Ok(banks)
}

fn numbered(
    bank: Option<Hash>,
    values: BTreeMap<String, Value>,
) -> Result<Vec<(Option<Hash>, u8, Value)>, TpmError> {
    let entries = values.into_iter().map(|(pcr, value)| {
        let pcr = pcr.parse().map_err(|_| TpmError::Form { what: "PCR values" })?;
        Ok((bank, pcr, value))
    });
    entries.collect()
}

fn bank_by_name(name: &str) -> Result<Hash, TpmError> {
    let all = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let found = all.into_iter().find(|bank| bank.name() == name);
    found.ok_or(TpmError::Form { what: "PCR values" })
}

fn lines(text: &str) -> Result<Banks, TpmError> {
    let malformed = || TpmError::Form { what: "PCR values" };
    let mut banks = Banks::new();
    let mut under = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_suffix(':') {
            under = Some(bank_by_name(name)?);
            continue;
        }
        let (pcr, value) = line.split_once([' ', ':']).ok_or_else(malformed)?;
        let value = value.trim_start_matches([' ', ':']);
        let value = value.strip_prefix("0x").unwrap_or(value);
        let value = hex::decode(value).map_err(|_| malformed())?;
        let bank = under.map_or_else(|| bank_by_size(value.len()), Ok)?;
        put(&mut banks, bank, pcr.parse().map_err(|_| malformed())?, value)?;
    }
    if banks.is_empty() { Err(malformed()) } else { Ok(banks) }
}

/// The values as text, a line per PCR under its bank.
pub fn to_text(banks: &Banks) -> String {
    let mut text = String::new();
    for (bank, values) in banks {
        text.push_str(bank.name());
        text.push_str(":\n");
        for (pcr, value) in values {
            text.push_str(&format!("{pcr}: 0x{}\n", hex::encode(value)));
        }
    }
    text
}

/// What a TPM hashes for a quote: the selected values in the order of the selection. The first PCR
/// without a value, if there is one.
pub(super) fn digest(
    selection: &[Selection],
    banks: &Banks,
    hash: Hash,
) -> Result<Vec<u8>, (Hash, u8)> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for Selection { bank, pcrs } in selection {
        for pcr in pcrs {
            let value = banks.get(bank).and_then(|values| values.get(pcr));
            parts.push(value.ok_or((*bank, *pcr))?);
        }
    }
    Ok(hash.digest(&parts))
}
