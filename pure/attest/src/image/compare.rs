//! A prediction against what a TPM holds. Not here: whether the values are the TPM's.

use super::{Bank, Demand, Prediction};
use crate::{Claims, Code, Reason, hash::Hash};
use std::collections::BTreeMap;

/// PCR values that a verified quote vouches for.
pub type Quoted = BTreeMap<u8, Vec<u8>>;

/// The digests of an event log that was replayed to the quoted values, by PCR, in the log's order.
/// Empty without a log. It explains a difference and never excuses one.
pub type Log = BTreeMap<u8, Vec<Vec<u8>>>;

/// Where the quoted PCRs are not those of the image. Empty if the image was booted.
///
/// Each [`Code::ImageMismatch`] names one PCR and, with a log, the first event that differs.
/// [`Code::PcrSelection`] names the PCRs that the prediction demands and the quote leaves out.
pub fn compare(prediction: &Prediction, bank: Hash, quoted: &Quoted, log: &Log) -> Vec<Reason> {
    let Some(values) = prediction.banks.get(&bank) else {
        let detail = format!("the image is not predicted for the bank {}", bank.name());
        return vec![Reason::new(Code::ImageMismatch, detail)];
    };
    let mut reasons = Vec::new();
    let mut missing = Vec::new();
    for (pcr, demand) in &prediction.policy {
        let zero = vec![0; bank.size()];
        let want = match demand {
            Demand::Must => values.pcrs.get(pcr),
            Demand::Zero => Some(&zero),
            Demand::Reference | Demand::Derived | Demand::Ignored => continue,
        };
        match (want, quoted.get(pcr)) {
            (Some(want), Some(got)) if want == got => {}
            (_, None) => missing.push(pcr.to_string()),
            (want, Some(got)) => {
                let mut detail = difference(*pcr, want, got, *demand);
                if let Some(log) = log.get(pcr) {
                    detail = format!("{detail}; {}", explain(values, *pcr, log));
                }
                reasons.push(Reason::new(Code::ImageMismatch, detail));
            }
        }
    }
    if !missing.is_empty() {
        let detail = format!("the image demands PCRs that were not quoted: {}", missing.join(", "));
        reasons.push(Reason::new(Code::PcrSelection, detail));
    }
    reasons
}

/// The same for every bank that was quoted: what was quoted must agree in each of them, and one at
/// least must have everything that is demanded. Banks that are not predicted are passed over.
pub fn compare_banks(
    prediction: &Prediction,
    quoted: &BTreeMap<Hash, Quoted>,
    logs: &BTreeMap<Hash, Log>,
) -> Vec<Reason> {
    let (no_log, mut differing, mut lacking, mut whole) = (Log::new(), vec![], vec![], false);
    for (bank, values) in quoted.iter().filter(|(bank, _)| prediction.banks.contains_key(bank)) {
        let reasons = compare(prediction, *bank, values, logs.get(bank).unwrap_or(&no_log));
        let (selection, mismatch): (Vec<_>, Vec<_>) =
            reasons.into_iter().partition(|reason| reason.code == Code::PcrSelection);
        whole |= selection.is_empty();
        lacking.extend(selection);
        differing.extend(mismatch);
    }
    if !whole {
        if lacking.is_empty() {
            let detail = "no PCR of a predicted bank was quoted";
            lacking.push(Reason::new(Code::PcrSelection, detail));
        }
        differing.extend(lacking);
    }
    differing
}

/// The same for claims of a TPM: `pcr<N>` is a PCR of the bank that its length tells,
/// `<bank>_pcr<N>` one of another bank.
pub fn compare_claims(
    prediction: &Prediction,
    claims: &Claims,
    logs: &BTreeMap<Hash, Log>,
) -> Vec<Reason> {
    let mut quoted: BTreeMap<Hash, Quoted> = BTreeMap::new();
    for (name, value) in &claims.measurements {
        let bank = prediction.banks.keys().find(|bank| bank.size() == value.len());
        if let (Some(bank), Some(pcr)) = (bank, bank.and_then(|bank| number(name, *bank))) {
            quoted.entry(*bank).or_default().insert(pcr, value.clone());
        }
    }
    compare_banks(prediction, &quoted, logs)
}

fn number(name: &str, bank: Hash) -> Option<u8> {
    let bare = name.strip_prefix(bank.name()).and_then(|rest| rest.strip_prefix('_'));
    let digits = bare.unwrap_or(name).strip_prefix("pcr")?;
    let number: u8 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

fn difference(pcr: u8, want: Option<&Vec<u8>>, got: &[u8], demand: Demand) -> String {
    let got = hex::encode(got);
    match want {
        _ if demand == Demand::Zero => {
            format!("PCR {pcr} is {got}, but the image leaves it zero")
        }
        Some(want) => format!("PCR {pcr} is {got}, the image gives {}", hex::encode(want)),
        None => format!("PCR {pcr} is {got}, but the prediction has no value for it"),
    }
}

/// The first event of a PCR in which log and image differ.
fn explain(bank: &Bank, pcr: u8, log: &[Vec<u8>]) -> String {
    let mut events = bank.events.iter().filter(|event| event.pcr == pcr);
    for (index, got) in log.iter().enumerate() {
        let (place, got_hex) = (index + 1, hex::encode(got));
        match events.next() {
            Some(event) if event.digest == *got => {}
            Some(event) => {
                let want = hex::encode(&event.digest);
                let what = &event.what;
                return format!("event {place} ({what}) is {got_hex}, the image gives {want}");
            }
            None => return format!("event {place}, {got_hex}, does not come from the image"),
        }
    }
    match events.next() {
        Some(event) => format!("event {} ({}) is missing", log.len() + 1, event.what),
        None => "its log has the image's events".into(),
    }
}
