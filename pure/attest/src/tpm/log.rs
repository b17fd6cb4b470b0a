//! The firmware's log of what it measured, and Linux IMA's list after it.
//!
//! A log is the untrusted explanation of PCR values: replaying it must give the values quoted.
//! Forms: TCG PC Client Platform Firmware Profile, crypto-agile (`TCG_PCR_EVENT2` under a
//! "Spec ID Event03") and the older one with SHA-1 alone; then, in the same bytes, the kernel's
//! `binary_runtime_measurements`. The first record that is an IMA record begins that list. Not
//! here: whether the events are good (`image` predicts them).

mod data;
mod ima;

use super::{Banks, TpmError, hash_of, reader::Reader};
use crate::hash::Hash;
use std::collections::{BTreeMap, BTreeSet};

pub use ima::Entry as ImaEntry;

/// Bytes of a log, at most.
const LOG_MAX: usize = 16 << 20;
/// Events of a firmware, at most.
const EVENTS_MAX: usize = 16 << 10;
/// Bytes of an event's data, at most.
const DATA_MAX: usize = 1 << 20;
/// Banks of a log, at most (`HASH_COUNT`).
const BANKS_MAX: u32 = 16;

/// Types of events (PC Client profile, §10.4.1) that mean something here.
pub mod kind {
    /// Not extended; carries facts about the log itself.
    pub const NO_ACTION: u32 = 3;
    /// Ends what a PCR holds of the firmware's time.
    pub const SEPARATOR: u32 = 4;
    /// A text that was hashed.
    pub const ACTION: u32 = 5;
    /// The whole of a UEFI variable that configures booting.
    pub const EFI_VARIABLE_DRIVER_CONFIG: u32 = 0x8000_0001;
    /// A boot variable; many firmwares hash its value alone.
    pub const EFI_VARIABLE_BOOT: u32 = 0x8000_0002;
    /// The partition table.
    pub const EFI_GPT_EVENT: u32 = 0x8000_0006;
    /// A text that was hashed.
    pub const EFI_ACTION: u32 = 0x8000_0007;
    /// A boot variable, hashed whole.
    pub const EFI_VARIABLE_BOOT2: u32 = 0x8000_000c;
    /// The entry of `db` that let an image start.
    pub const EFI_VARIABLE_AUTHORITY: u32 = 0x8000_00e0;
}

/// One event of the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The PCR that was extended.
    pub pcr: u32,
    /// The type, one of [`kind`] or another.
    pub kind: u32,
    /// What it was extended with, per bank; banks of hashes not spoken are left out.
    pub digests: BTreeMap<Hash, &'a [u8]>,
    /// Data about the event: for some types what was hashed, for others a mere label.
    pub data: &'a [u8],
}

/// A log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log<'a> {
    /// The banks that every event has.
    pub banks: BTreeSet<Hash>,
    /// The firmware's events and those of whatever it started, in order.
    pub events: Vec<Event<'a>>,
    /// IMA's list.
    pub ima: Vec<ImaEntry<'a>>,
    /// Where the TPM was started from; the last byte of PCR 0 at its start.
    pub locality: u8,
}

/// How the log's header names a bank.
type Algorithms = BTreeMap<u16, usize>;

/// A whole log.
///
/// # Errors
/// What is wrong with the form, limits included.
pub fn parse(bytes: &[u8]) -> Result<Log<'_>, TpmError> {
    if bytes.len() > LOG_MAX {
        return Err(TpmError::TooLarge { what: "event log", got: bytes.len(), max: LOG_MAX });
    }
    let mut reader = Reader::new("event log", bytes);
    let mut log =
        Log { banks: [Hash::Sha1].into(), events: Vec::new(), ima: Vec::new(), locality: 0 };
    let first = legacy(&mut reader)?;
    let agile = spec_id(&first)?;
    match &agile {
        Some(algorithms) => log.banks = spoken(algorithms),
        None => log.events.push(first),
    }
    while !reader.rest().is_empty() && !ima::begins(reader.rest()) {
        if log.events.len() >= EVENTS_MAX {
            let (got, max) = (EVENTS_MAX + 1, EVENTS_MAX);
            return Err(TpmError::TooLarge { what: "event log", got, max });
        }
        let event = match &agile {
            Some(algorithms) => event2(&mut reader, algorithms)?,
            None => legacy(&mut reader)?,
        };
        if event.pcr >= 24 && event.kind != kind::NO_ACTION {
            return Err(TpmError::Unknown { what: "PCR of an event", value: event.pcr });
        }
        if let Some(locality) = locality(&event) {
            log.locality = locality;
        }
        log.events.push(event);
    }
    log.ima = ima::parse(reader)?;
    Ok(log)
}

fn spoken(algorithms: &Algorithms) -> BTreeSet<Hash> {
    algorithms.keys().filter_map(|algorithm| hash_of(*algorithm).ok()).collect()
}

/// `TCG_PCR_EVENT`.
fn legacy<'a>(reader: &mut Reader<'a>) -> Result<Event<'a>, TpmError> {
    let (pcr, kind) = (reader.u32_le()?, reader.u32_le()?);
    let digests = [(Hash::Sha1, reader.take(20)?)].into();
    let data = reader.sized_le(DATA_MAX)?;
    Ok(Event { pcr, kind, digests, data })
}

/// `TCG_PCR_EVENT2`: a digest for each bank of the header, once.
fn event2<'a>(reader: &mut Reader<'a>, algorithms: &Algorithms) -> Result<Event<'a>, TpmError> {
    let (pcr, kind) = (reader.u32_le()?, reader.u32_le()?);
    let count = reader.u32_le()?;
    if usize::try_from(count) != Ok(algorithms.len()) {
        return Err(TpmError::Form { what: "event log" });
    }
    let mut seen = BTreeMap::new();
    for _ in 0..count {
        let algorithm = reader.u16_le()?;
        let size = algorithms.get(&algorithm).ok_or(TpmError::Form { what: "event log" })?;
        if seen.insert(algorithm, reader.take(*size)?).is_some() {
            return Err(TpmError::Twice { what: "bank of an event" });
        }
    }
    let digests = seen.iter().filter_map(|(algorithm, digest)| {
        let bank = hash_of(*algorithm).ok()?;
        Some((bank, *digest))
    });
    let digests = digests.collect();
    let data = reader.sized_le(DATA_MAX)?;
    Ok(Event { pcr, kind, digests, data })
}

/// The banks of a crypto-agile log, if `first` begins one (`TCG_EfiSpecIDEvent`).
fn spec_id(first: &Event<'_>) -> Result<Option<Algorithms>, TpmError> {
    let Some(rest) = first.data.strip_prefix(b"Spec ID Event03\0") else { return Ok(None) };
    if (first.pcr, first.kind) != (0, kind::NO_ACTION)
        || first.digests.values().any(|digest| digest.iter().any(|byte| *byte != 0))
    {
        return Err(TpmError::Form { what: "event log" });
    }
    let mut reader = Reader::new("event log", rest);
    // Platform class; minor, major version and errata; size of a UINTN.
    reader.take(8)?;
    let count = reader.u32_le()?;
    if count > BANKS_MAX {
        let (got, max) = (count as usize, BANKS_MAX as usize);
        return Err(TpmError::TooLarge { what: "banks of an event log", got, max });
    }
    let mut algorithms = Algorithms::new();
    for _ in 0..count {
        let (algorithm, size) = (reader.u16_le()?, usize::from(reader.u16_le()?));
        let agrees = hash_of(algorithm).map_or(size <= 64, |bank| bank.size() == size);
        if !agrees || algorithms.insert(algorithm, size).is_some() {
            return Err(TpmError::Form { what: "event log" });
        }
    }
    let vendor = reader.u8()?;
    reader.take(vendor.into())?;
    reader.end()?;
    Ok(Some(algorithms))
}

/// The locality that a `TCG_EfiStartupLocalityEvent` tells.
fn locality(event: &Event<'_>) -> Option<u8> {
    if (event.pcr, event.kind) != (0, kind::NO_ACTION) {
        return None;
    }
    match event.data.strip_prefix(b"StartupLocality\0")? {
        [locality] => Some(*locality),
        _ => None,
    }
}

/// The value of a PCR before anything extends it (PC Client profile, §3.3).
pub(super) fn initial(pcr: u8, bank: Hash, locality: u8) -> Vec<u8> {
    let fill = if (17..=22).contains(&pcr) { 0xff } else { 0 };
    let mut value = vec![fill; bank.size()];
    if pcr == 0
        && let Some(last) = value.last_mut()
    {
        *last = locality;
    }
    value
}

impl Log<'_> {
    /// The values that the log gives, for each bank it has and each PCR it extends. `padded`: IMA's
    /// entries count as their SHA-1 digest with zeros behind it, which is what kernels do in banks
    /// whose hash they lack (all but SHA-1 before 5.8; later those whose hash is a module).
    pub fn replay(&self, padded: bool) -> Banks {
        self.banks.iter().map(|bank| (*bank, self.replay_bank(*bank, padded))).collect()
    }

    fn replay_bank(&self, bank: Hash, padded: bool) -> BTreeMap<u8, Vec<u8>> {
        let mut values: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        let mut extend = |pcr: u8, digest: &[u8]| {
            let value = values.entry(pcr).or_insert_with(|| initial(pcr, bank, self.locality));
            *value = bank.digest(&[value, digest]);
        };
        for event in self.events.iter().filter(|event| event.kind != kind::NO_ACTION) {
            if let (Ok(pcr), Some(digest)) = (u8::try_from(event.pcr), event.digests.get(&bank)) {
                extend(pcr, digest);
            }
        }
        for entry in &self.ima {
            extend(ima::PCR, &entry.digest(bank, padded));
        }
        values
    }

    /// Events whose data was hashed, but does not give the digest: number and bank, in words.
    pub fn mismatches(&self) -> Vec<String> {
        let events = self.events.iter().enumerate().filter_map(|(number, event)| {
            let bank = data::mismatch(event)?;
            Some(format!("event {number} (PCR {}) in bank {}", event.pcr, bank.name()))
        });
        let ima = self.ima.iter().enumerate().filter(|(_, entry)| !entry.holds());
        events.chain(ima.map(|(number, _)| format!("IMA entry {number}"))).collect()
    }

    /// Whether Secure Boot was on: the variable of that name, which the firmware measures into PCR 7
    /// before anything else (PC Client profile, §3.3.4.8). A later one is anybody's. Only as true as
    /// PCR 7 is.
    pub fn secure_boot(&self) -> Option<bool> {
        let mut seven = self.events.iter().filter(|e| e.pcr == 7 && e.kind != kind::NO_ACTION);
        data::secure_boot(seven.next()?)
    }

    /// The events in words, for people. Nothing here is believed.
    pub fn describe(&self) -> Vec<(String, String)> {
        let events = self.events.iter().enumerate().map(|(number, event)| {
            let digest = event.digests.values().last().map(hex::encode).unwrap_or_default();
            let data = event.data.len();
            let what = format!("PCR {} type {:#x} {digest}, {data} bytes", event.pcr, event.kind);
            (format!("event {number}"), what)
        });
        let ima = self.ima.iter().enumerate().map(|(number, entry)| {
            (format!("ima {number}"), format!("{} {}", entry.template, hex::encode(entry.sha1)))
        });
        events.chain(ima).collect()
    }
}

/// What the kernel extends PCR 10 with for an entry of these data.
pub(super) fn entry_digest(data: &[u8], bank: Hash, padded: bool) -> Vec<u8> {
    let sha1 = Hash::Sha1.digest(&[data]);
    ImaEntry { sha1: &sha1, template: "ima-sig", data }.digest(bank, padded)
}
