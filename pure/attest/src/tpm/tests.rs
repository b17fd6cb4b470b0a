#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod activated;
mod bytes;
mod forms;
mod logged;
mod quoted;
mod vouched;

use super::{
    log::kind,
    made::{ATTESTS, Boot, Statement, WAYS, Way, serialised},
    pcrs,
};
use crate::{
    Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Status, appraise, hash::Hash,
    x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::collections::BTreeMap;

/// In 2030.
const NOW: Time = Time(1_900_000_000);

/// Without a certificate and good values nothing better can be said of a quote.
const BARE: [Code; 3] = [Code::AkNotBound, Code::DevelopmentAnchor, Code::ReferenceValuesNeeded];

/// Everything a verdict needs, good until a test changes it.
#[derive(Clone)]
struct Case {
    way: Way,
    boot: Boot,
    statement: Statement,
    attributes: u32,
    parts: Parts,
    endorsements: Endorsements,
    policy: Policy,
    expected: Expected,
    now: Time,
}

impl Case {
    /// A quote of PCRs 0, 1, 4, 5, 7 and 11 in SHA-256, with list and log.
    fn new(way: Way) -> Self {
        let mut case = Self {
            way,
            boot: Boot::new(&[Hash::Sha256]),
            statement: Statement {
                magic: 0xff54_4347,
                kind: 0x8018,
                extra: vec![7; 32],
                safe: 1,
                selection: vec![(Hash::Sha256, vec![0, 1, 4, 5, 7, 11])],
                digest: vec![],
            },
            attributes: ATTESTS,
            parts: Parts::default(),
            endorsements: Endorsements::default(),
            policy: Policy::base(),
            expected: Expected::Nonce(vec![7; 32]),
            now: NOW,
        };
        case.measure();
        case
    }

    /// Fills list, log and digest by what was booted.
    fn measure(&mut self) -> &mut Self {
        self.measured(false)
    }

    fn measured(&mut self, padded: bool) -> &mut Self {
        let (boot, selection) = (&self.boot, &self.statement.selection);
        let mut banks = pcrs::Banks::new();
        let mut all = Vec::new();
        for (bank, numbers) in selection {
            for pcr in numbers {
                let value = boot.pcr(*bank, *pcr, padded);
                all.extend(value.clone());
                banks.entry(*bank).or_default().insert(*pcr, value);
            }
        }
        self.statement.digest = self.way.hash().digest(&[&all]);
        self.parts.pcrs = Some(pcrs::to_text(&banks).into_bytes());
        self.parts.event_log = Some(self.boot.log());
        self
    }

    /// The list in its binary form.
    fn list(&self) -> Vec<u8> {
        let (bank, numbers) = &self.statement.selection[0];
        let values: Vec<_> =
            numbers.iter().map(|pcr| (*pcr, self.boot.pcr(*bank, *pcr, false))).collect();
        serialised(*bank, &values)
    }

    /// Quote, signature and key besides the parts that are there.
    fn parts(&self) -> Parts {
        let quote = self.statement.bytes();
        Parts {
            signature: Some(self.way.sign(&quote)),
            ak: Some(self.way.public(self.attributes)),
            quote,
            ..self.parts.clone()
        }
    }

    fn judge(&self) -> Appraisal {
        self.judge_parts(self.parts())
    }

    fn judge_parts(&self, parts: Parts) -> Appraisal {
        let evidence = Evidence { kind: TeeKind::Tpm, parts };
        let (given, cache) = (&self.endorsements, &mut Cache::default());
        appraise(&evidence, given, &self.expected, &self.policy, self.now, cache)
    }

    fn codes(&self) -> Vec<Code> {
        codes(&self.judge())
    }

    /// Found beside what is always found.
    fn found(&self) -> Vec<Code> {
        self.codes().into_iter().filter(|code| !BARE.contains(code)).collect()
    }
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    let mut codes: Vec<Code> = appraisal.reasons.iter().map(|reason| reason.code).collect();
    codes.sort();
    codes.dedup();
    codes
}
