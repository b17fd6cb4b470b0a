//! A prediction as JSON, to be published beside a release. What is read is checked: digests have
//! the bank's length, the events give the PCRs, and the demands can be met. Not here: predicting.

use super::{About, Bank, Demand, Event, ImageError, Prediction};
use crate::hash::Hash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a prediction in JSON, at most.
const DOCUMENT_MAX: usize = 1 << 20;
const PCRS: u8 = 24;

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    systemd_stub: Option<u32>,
    #[serde(default)]
    secure_boot: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cmdline: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    osrel: Option<String>,
    #[serde(default)]
    policy: BTreeMap<String, String>,
    predicted: BTreeMap<String, BankDocument>,
}

#[derive(Serialize, Deserialize)]
struct BankDocument {
    pcrs: BTreeMap<String, Hex>,
    events: Vec<EventDocument>,
}

#[derive(Serialize, Deserialize)]
struct EventDocument {
    pcr: u8,
    digest: Hex,
    what: String,
}

#[derive(Serialize, Deserialize)]
struct Hex(#[serde(with = "hex::serde")] Vec<u8>);

impl Prediction {
    /// As JSON, indented: `predicted` with `pcrs` and `events` by bank, `policy` with the demand on
    /// each PCR, and what the image says about itself. Digests are in hex.
    ///
    /// # Errors
    /// None that a prediction of this crate gives.
    pub fn to_json(&self) -> Result<String, ImageError> {
        let document = Document {
            systemd_stub: self.about.stub,
            secure_boot: self.about.secure_boot,
            cmdline: self.about.cmdline.clone(),
            osrel: self.about.osrel.clone(),
            policy: self.policy.iter().map(|(p, d)| (p.to_string(), d.name().into())).collect(),
            predicted: self.banks.iter().map(|(h, b)| (h.name().into(), written(b))).collect(),
        };
        serde_json::to_string_pretty(&document).map_err(|e| refuse(e.to_string()))
    }

    /// From JSON; fields that it does not know are passed over. Without `policy` what was predicted
    /// is demanded, PCRs 12 and 13 are zero in any case, and the rest waits for a reference boot.
    ///
    /// # Errors
    /// Everything that would make a comparison say less than it seems to.
    pub fn from_json(json: &[u8]) -> Result<Self, ImageError> {
        if json.len() > DOCUMENT_MAX {
            return Err(refuse(format!("{} bytes, more than {DOCUMENT_MAX}", json.len())));
        }
        let document: Document = serde_json::from_slice(json).map_err(|e| refuse(e.to_string()))?;
        let mut banks = BTreeMap::new();
        for (name, bank) in document.predicted {
            let hash = hash(&name)?;
            banks.insert(hash, read(hash, bank)?);
        }
        let policy = match document.policy {
            given if given.is_empty() => derived(&banks),
            given => named(&given)?,
        };
        let about = About {
            stub: document.systemd_stub,
            secure_boot: document.secure_boot,
            cmdline: document.cmdline,
            osrel: document.osrel,
        };
        let prediction = Self { banks, policy, about };
        prediction.check()?;
        Ok(prediction)
    }

    /// Every bank can meet every demand, and something is demanded.
    fn check(&self) -> Result<(), ImageError> {
        let demanded = |wanted| self.policy.iter().filter(move |(_, d)| **d == wanted);
        if self.banks.is_empty() || demanded(Demand::Must).next().is_none() {
            return Err(refuse("it demands nothing".into()));
        }
        for (hash, bank) in &self.banks {
            for (pcr, _) in demanded(Demand::Must) {
                if !bank.pcrs.contains_key(pcr) {
                    return Err(refuse(format!("{} has no PCR {pcr}", hash.name())));
                }
            }
            for (pcr, _) in demanded(Demand::Zero) {
                if bank.events.iter().any(|event| event.pcr == *pcr) {
                    return Err(refuse(format!("{} extends PCR {pcr}, a zero", hash.name())));
                }
            }
        }
        Ok(())
    }
}

fn refuse(why: String) -> ImageError {
    ImageError::Document(why)
}

fn written(bank: &Bank) -> BankDocument {
    let event = |event: &Event| EventDocument {
        pcr: event.pcr,
        digest: Hex(event.digest.clone()),
        what: event.what.clone(),
    };
    BankDocument {
        pcrs: bank.pcrs.iter().map(|(pcr, v)| (pcr.to_string(), Hex(v.clone()))).collect(),
        events: bank.events.iter().map(event).collect(),
    }
}

fn hash(name: &str) -> Result<Hash, ImageError> {
    let all = [Hash::Sha1, Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let found = all.into_iter().find(|hash| hash.name() == name);
    found.ok_or_else(|| refuse(format!("`{name}` is no bank")))
}

fn number(text: &str) -> Result<u8, ImageError> {
    let number = text.parse().ok().filter(|n: &u8| n.to_string() == text && *n < PCRS);
    number.ok_or_else(|| refuse(format!("`{text}` is no PCR")))
}

/// The demands that a document states; one that is left out must not pass for one that was waived.
fn named(given: &BTreeMap<String, String>) -> Result<BTreeMap<u8, Demand>, ImageError> {
    let mut policy = BTreeMap::new();
    for (pcr, name) in given {
        let demand = Demand::by_name(name);
        let demand = demand.ok_or_else(|| refuse(format!("`{name}` is no demand")))?;
        policy.insert(number(pcr)?, demand);
    }
    match (0..16).find(|pcr| !policy.contains_key(pcr)) {
        Some(pcr) => Err(refuse(format!("the policy leaves out PCR {pcr}"))),
        None => Ok(policy),
    }
}

fn read(hash: Hash, document: BankDocument) -> Result<Bank, ImageError> {
    let mut bank = Bank::default();
    for EventDocument { pcr, digest: Hex(digest), what } in document.events {
        if digest.len() != hash.size() {
            return Err(refuse(format!("event `{what}` is no digest of {}", hash.name())));
        }
        bank.events.push(Event { pcr, digest, what });
    }
    for (name, Hex(value)) in document.pcrs {
        let pcr = number(&name)?;
        if bank.replay(hash, pcr) != value {
            return Err(refuse(format!("the events do not give {} PCR {pcr}", hash.name())));
        }
        bank.pcrs.insert(pcr, value);
    }
    match bank.events.iter().find(|event| !bank.pcrs.contains_key(&event.pcr)) {
        Some(event) => Err(refuse(format!("event `{}` is of no PCR given", event.what))),
        None => Ok(bank),
    }
}

fn derived(banks: &BTreeMap<Hash, Bank>) -> BTreeMap<u8, Demand> {
    let demand = |pcr: u8| {
        let given = banks.values().any(|bank| bank.pcrs.contains_key(&pcr));
        let touched = banks.values().any(|b| b.events.iter().any(|event| event.pcr == pcr));
        match pcr {
            _ if touched => Demand::Must,
            _ if given => Demand::Zero,
            12 | 13 => Demand::Zero,
            1 => Demand::Ignored,
            10 => Demand::Derived,
            _ => Demand::Reference,
        }
    };
    (0..16).map(|pcr| (pcr, demand(pcr))).collect()
}
