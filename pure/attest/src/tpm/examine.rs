//! A quote against its signature, its PCR values and its log, with every failure named.
//!
//! A quote signs the digest of some PCRs alone. Their values are believed when they hash to it: a
//! list that was sent along, or the replay of a log. Not here: what vouches for the key.

use super::{
    AttestationKey, Banks, Quote, Selection, Signature, TpmError, attest,
    log::{self, Log},
    pcrs, signature,
};
use crate::{Code, Parts, Reason, hash::Hash, signature::PublicKey};

/// Events with wrong data that are named one by one.
const NAMED_MAX: usize = 8;

/// What is to be looked at, signature and key read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    /// `TPMS_ATTEST`.
    pub(crate) message: &'a [u8],
    /// The signature.
    pub(crate) signature: &'a Signature,
    /// The attestation key.
    pub(crate) key: &'a PublicKey,
    /// Values of PCRs.
    pub(crate) pcrs: Option<&'a Banks>,
    /// The log.
    pub(crate) log: Option<&'a [u8]>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The quote. Its fields are the TPM's only if nothing failed.
    pub quote: Quote,
    /// The values of the PCRs quoted, if they hash to the quoted digest.
    pub proven: Option<Banks>,
    /// The values that the log gives, believed or not: what a prediction is compared with to say
    /// what differs, even when the evidence is refused.
    pub replayed: Option<Banks>,
    /// Secure Boot was on, by a variable in the log that PCR 7 covers.
    pub secure_boot: Option<bool>,
    /// What a judge has to weigh.
    pub noticed: Vec<Reason>,
    /// Why the quote is not genuine; nothing, if it is.
    pub failed: Vec<Reason>,
}

/// Looks at the parts of a quote: everything but what vouches for the attestation key.
///
/// # Errors
/// [`Code::PartMissing`], [`Code::Malformed`] or [`Code::NotAQuote`] when there is no quote, key
/// and signature to look at.
pub fn examine(parts: &Parts) -> Result<Examined, Vec<Reason>> {
    let mut failed = Vec::new();
    let mut need = |part: Option<&Vec<u8>>, name: &str| {
        if part.is_none() {
            failed.push(Reason::new(Code::PartMissing, format!("the quote needs its {name}")));
        }
    };
    need(parts.signature.as_ref(), "signature");
    need(parts.ak.as_ref(), "attestation key");
    let ak = parts.ak.as_deref().map(AttestationKey::parse);
    let signature = parts.signature.as_deref().map(signature::parse);
    let values = parts.pcrs.as_deref().map(pcrs::parse);
    let quote = attest::parse(&parts.quote);
    let errors = [
        quote.as_ref().err(),
        ak.as_ref().and_then(|it| it.as_ref().err()),
        signature.as_ref().and_then(|it| it.as_ref().err()),
        values.as_ref().and_then(|it| it.as_ref().err()),
    ];
    failed.extend(errors.into_iter().flatten().map(TpmError::reason));
    let (Some(Ok(ak)), Some(Ok(signature)), Ok(quote)) = (&ak, &signature, quote) else {
        return Err(failed);
    };
    let pcrs = values.as_ref().and_then(|values| values.as_ref().ok());
    let log = parts.event_log.as_deref();
    let given = Given { message: &parts.quote, signature, key: &ak.key, pcrs, log };
    let mut examined = look(quote, given);
    examined.failed.splice(0..0, failed);
    Ok(examined)
}

/// Looks at one quote.
pub(crate) fn look(quote: Quote, given: Given<'_>) -> Examined {
    let mut examined = Examined {
        quote,
        proven: None,
        replayed: None,
        secure_boot: None,
        noticed: Vec::new(),
        failed: Vec::new(),
    };
    if let Err(error) = given.signature.verify(given.key, given.message) {
        examined.fail(Code::SignatureInvalid, format!("of the quote: {error}"));
    }
    examined.fields();
    examined.list(given.pcrs, given.signature.hash);
    match given.log.map(log::parse) {
        Some(Ok(log)) => examined.log(&log, given.pcrs, given.signature.hash),
        Some(Err(error)) => examined.failed.push(error.reason()),
        None => {}
    }
    if given.pcrs.is_none() && given.log.is_none() && !examined.quote.is_empty() {
        let detail = "neither the values of the PCRs nor a log were given";
        examined.fail(Code::PartMissing, detail);
    }
    examined
}

impl Examined {
    fn fail(&mut self, code: Code, detail: impl Into<String>) {
        self.failed.push(Reason::new(code, detail));
    }

    fn notice(&mut self, code: Code, detail: impl Into<String>) {
        self.noticed.push(Reason::new(code, detail));
    }

    /// What the quote alone shows.
    fn fields(&mut self) {
        if self.quote.is_empty() {
            self.notice(Code::PcrSelection, "no PCR was quoted");
        }
        if self.quote.extra_data.iter().all(|byte| *byte == 0) {
            self.notice(Code::ChallengeMissing, "the quote's extra data are empty or zero");
        }
        if !self.quote.clock.safe {
            self.notice(Code::TpmClock, "the TPM lost power and does not know the time");
        }
        let sha1 = |s: &Selection| s.bank == Hash::Sha1 && !s.pcrs.is_empty();
        if self.quote.selection.iter().any(sha1) {
            self.notice(Code::WeakHash, "PCRs of the SHA-1 bank were quoted");
        }
    }

    /// Whether the list of values is what was quoted.
    fn list(&mut self, list: Option<&Banks>, hash: Hash) {
        let empty = Banks::new();
        let list = match list {
            Some(list) => list,
            None if self.quote.is_empty() => &empty,
            None => return,
        };
        match pcrs::digest(&self.quote.selection, list, hash) {
            Ok(digest) if digest == self.quote.digest => {
                self.proven = Some(quoted(&self.quote.selection, |bank, pcr| {
                    list.get(&bank)?.get(&pcr).cloned()
                }));
            }
            Ok(_) => self.fail(Code::PcrDigest, "the list of PCRs is not what was quoted"),
            Err((bank, pcr)) => {
                let detail = format!("PCR {pcr} of bank {} is quoted, not listed", bank.name());
                self.fail(Code::PcrDigest, detail);
            }
        }
    }

    /// Whether the log gives what was quoted.
    fn log(&mut self, log: &Log<'_>, list: Option<&Banks>, hash: Hash) {
        let lacking =
            self.quote.selection.iter().find(|selection| {
                !selection.pcrs.is_empty() && !log.banks.contains(&selection.bank)
            });
        if let Some(selection) = lacking {
            let detail = format!("the log has no bank {}", selection.bank.name());
            self.fail(Code::EventLogReplay, detail);
            return;
        }
        self.data(log);
        let explanation = if self.proven.is_some() {
            self.against_values(log)
        } else {
            self.against_digest(log, list, hash)
        };
        let padded = explanation.padded;
        self.replayed = Some(explanation.values);
        if padded {
            let detail = "the kernel extended PCR 10 with padded SHA-1 digests";
            self.notice(Code::WeakHash, detail);
        }
        let seven = self.quote.selection.iter().any(|selection| selection.pcrs.contains(&7));
        if seven && self.failed.is_empty() {
            self.secure_boot = log.secure_boot();
        }
    }

    fn data(&mut self, log: &Log<'_>) {
        let wrong = log.mismatches();
        for what in wrong.iter().take(NAMED_MAX) {
            self.fail(Code::EventData, format!("the data of {what} do not give its digest"));
        }
        if let Some(more) = wrong.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
            self.fail(Code::EventData, format!("so do those of {more} others not"));
        }
    }

    /// The explanation by the log that fits the values, which are known.
    fn against_values(&mut self, log: &Log<'_>) -> Explanation {
        let values = self.proven.clone().unwrap_or_default();
        let differing = |explanation: &Explanation| -> Vec<String> {
            let mut names = Vec::new();
            for (bank, pcrs) in &values {
                for (pcr, value) in pcrs {
                    if explanation.get(*bank, *pcr).is_some_and(|other| other != value) {
                        names.push(pcr.to_string());
                    }
                }
            }
            names
        };
        let (all, plain) = explanations(log, &self.quote.selection);
        let fits = all.into_iter().find(|explanation| differing(explanation).is_empty());
        let explanation = fits.unwrap_or(plain);
        let names = differing(&explanation);
        if !names.is_empty() {
            let detail = format!("the log gives other values for PCRs {}", names.join(", "));
            self.fail(Code::EventLogReplay, detail);
        }
        self.unexplained(&values, &explanation, log);
        explanation
    }

    /// The explanation by the log that gives the digest, where there is no believable list.
    /// PCRs that no event extends are taken from the list, or else as they start.
    fn against_digest(&mut self, log: &Log<'_>, list: Option<&Banks>, hash: Hash) -> Explanation {
        let selection = self.quote.selection.clone();
        let merged = |explanation: &Explanation, list: Option<&Banks>| {
            quoted(&selection, |bank, pcr| {
                let replayed = explanation.get(bank, pcr);
                let listed = || list.and_then(|list| list.get(&bank)?.get(&pcr));
                let value = replayed.or_else(listed).cloned();
                Some(value.unwrap_or_else(|| log::initial(pcr, bank, log.locality)))
            })
        };
        let (all, plain) = explanations(log, &selection);
        for list in [list, None] {
            let gives = |explanation: &Explanation| {
                let values = merged(explanation, list);
                pcrs::digest(&selection, &values, hash).is_ok_and(|d| d == self.quote.digest)
            };
            if let Some(explanation) = all.iter().chain([&plain]).find(|all| gives(all)).cloned() {
                let values = merged(&explanation, list);
                self.contradicted(&values);
                self.unexplained(&values, &explanation, log);
                self.proven = Some(values);
                return explanation;
            }
        }
        self.fail(Code::EventLogReplay, "the log does not give the quoted digest");
        plain
    }

    /// Says in the list's refusal that the log is right.
    fn contradicted(&mut self, values: &Banks) {
        if let Some(reason) = self.failed.iter_mut().find(|r| r.code == Code::PcrDigest) {
            let count = values.values().map(std::collections::BTreeMap::len).sum::<usize>();
            reason.detail.push_str(&format!("; the log gives all {count} that were"));
        }
    }

    /// PCRs that hold something which the log does not tell. The firmware's own (0 to 7) it must
    /// tell; into others anybody may measure later and elsewhere.
    fn unexplained(&mut self, values: &Banks, explanation: &Explanation, log: &Log<'_>) {
        for (bank, pcrs) in values {
            for (pcr, value) in pcrs {
                let start = log::initial(*pcr, *bank, log.locality);
                if explanation.get(*bank, *pcr).is_some() || *value == start {
                    continue;
                }
                let detail = format!("PCR {pcr} of bank {} is not in the log", bank.name());
                if *pcr < 8 {
                    self.fail(Code::EventLogReplay, detail);
                } else {
                    self.notice(Code::PcrNotInLog, detail);
                }
            }
        }
    }
}

/// The selected values.
fn quoted(selection: &[Selection], value: impl Fn(Hash, u8) -> Option<Vec<u8>>) -> Banks {
    let mut banks = Banks::new();
    for Selection { bank, pcrs } in selection.iter().filter(|s| !s.pcrs.is_empty()) {
        let values = pcrs.iter().filter_map(|pcr| Some((*pcr, value(*bank, *pcr)?)));
        banks.insert(*bank, values.collect());
    }
    banks
}

/// One way to read a log: kernels differ in how they extend PCR 10.
#[derive(Clone, Debug)]
struct Explanation {
    values: Banks,
    padded: bool,
}

impl Explanation {
    fn get(&self, bank: Hash, pcr: u8) -> Option<&Vec<u8>> {
        self.values.get(&bank)?.get(&pcr)
    }
}

/// All ways to read a log that can matter, in the order in which they are tried, and the plain one.
/// Without IMA's list its first entry is known still: the aggregate of the PCRs before.
fn explanations(log: &Log<'_>, selection: &[Selection]) -> (Vec<Explanation>, Explanation) {
    let read = |padded| Explanation { values: log.replay(padded), padded };
    let plain = read(false);
    if !selection.iter().any(|selection| selection.pcrs.contains(&10)) {
        return (Vec::new(), plain);
    }
    if !log.ima.is_empty() {
        return (vec![plain.clone(), read(true)], plain);
    }
    let data = aggregates(&plain.values, log.locality);
    let derived = [false, true].into_iter().flat_map(|padded| {
        let plain = &plain.values;
        data.iter().map(move |data| derived(plain, data, padded))
    });
    (derived.collect(), plain)
}

/// The log's values with PCR 10 extended by one entry of IMA's.
fn derived(plain: &Banks, data: &[u8], padded: bool) -> Explanation {
    let mut values = plain.clone();
    for (bank, values) in &mut values {
        let start = log::initial(10, *bank, 0);
        let entry = log::entry_digest(data, *bank, padded);
        values.entry(10).or_insert_with(|| bank.digest(&[&start, &entry]));
    }
    Explanation { values, padded }
}

/// The data of IMA's first entry in its two usual templates (Linux, `ima_init.c`): SHA-256 over
/// PCRs 0 to 9 of that bank.
fn aggregates(values: &Banks, locality: u8) -> Vec<Vec<u8>> {
    let Some(bank) = values.get(&Hash::Sha256) else { return Vec::new() };
    let value = |pcr: u8| {
        let start = || log::initial(pcr, Hash::Sha256, locality);
        bank.get(&pcr).cloned().unwrap_or_else(start)
    };
    let all: Vec<u8> = (0..10).flat_map(value).collect();
    let digest = [b"sha256:\0".as_slice(), &Hash::Sha256.digest(&[&all])].concat();
    let field = |bytes: &[u8]| {
        let size = u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
        [size.as_slice(), bytes].concat()
    };
    let ng = [field(&digest), field(b"boot_aggregate\0")].concat();
    let sig = [ng.as_slice(), &field(b"")].concat();
    vec![sig, ng]
}
