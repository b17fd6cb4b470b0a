//! From the quote to the image: every case of `measured-boot` gets its findings, in our codes. Not
//! here: each half by itself (`tpm`, `measured_boot`).

use crate::{evidence_dir, measured_boot};
use serde_json::Value;
use sotto_attest::image::{Log, compare_banks, compare_claims};
use sotto_attest::{
    Code, Endorsements, Evidence, Expected, Parts, Policy, Reason, appraise, hash::Hash, tpm,
    x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// 2026-11-21: after the day on which the self-made certificates begin.
const NOW: Time = Time(1_795_219_200);

/// The words of the data set, and ours.
const FINDINGS: [(&str, Code); 6] = [
    ("signature", Code::SignatureInvalid),
    ("event log does not replay to the quoted PCR digest", Code::EventLogReplay),
    ("PCRs differing from the log", Code::PcrDigest),
    ("PCRs differing from the prediction", Code::ImageMismatch),
    ("nonce", Code::NonceMismatch),
    ("event data", Code::EventData),
];

/// Ours that stand beside those of the data set and are right: the list of PCRs that comes with a
/// forged log or a flipped digest is not what was quoted either.
const STRICTER: [(&str, Code); 2] =
    [("forged-log", Code::PcrDigest), ("flipped-quote", Code::PcrDigest)];

/// What every quote of a software TPM without an activated credential and reference values is told.
const ALWAYS: [Code; 6] = [
    Code::AkNotBound,
    Code::DevelopmentAnchor,
    Code::CrlMissing,
    Code::PcrNotInLog,
    Code::ReferenceValuesNeeded,
    Code::WeakHash,
];

fn parts(folder: &Path, id: &str, row: &str) -> Parts {
    let (key, bank) = row.split_once('.').unwrap();
    let part = |name: &str| fs::read(folder.join(id).join(name)).unwrap();
    Parts {
        quote: part(&format!("quote_{row}.tpms_attest.bin")),
        signature: Some(part(&format!("quote_{row}.tpmt_signature.bin"))),
        ak: Some(part(&format!("ak_{key}.tpmt_public.bin"))),
        pcrs: Some(part(&format!("pcrs.{bank}.txt"))),
        event_log: Some([part("eventlog.bin"), part("ima.bin")].concat()),
        ek_cert: Some(part("ek_rsa.cert.der")),
        chain: vec![fs::read(folder.join("ca/ek_issuer.pem")).unwrap()],
    }
}

fn logs(parts: &Parts) -> BTreeMap<Hash, Log> {
    let mut logs: BTreeMap<Hash, Log> = BTreeMap::new();
    for event in tpm::log::parse(parts.event_log.as_deref().unwrap()).unwrap().events {
        for (bank, digest) in event.digests {
            let log = logs.entry(bank).or_default();
            log.entry(u8::try_from(event.pcr).unwrap()).or_default().push(digest.to_vec());
        }
    }
    logs
}

/// Our codes for a case's findings, and whether there are findings that the table does not know.
fn wanted(id: &str, findings: &Value) -> (BTreeSet<Code>, bool) {
    let words = findings.as_array().unwrap().iter().map(|finding| finding.as_str().unwrap());
    let code = |word: &str| {
        FINDINGS.iter().find(|(start, _)| word.starts_with(start)).map(|(_, code)| *code)
    };
    let codes: Vec<Option<Code>> = words.map(code).collect();
    let unknown = codes.contains(&None);
    let stricter = STRICTER.iter().filter(|(case, _)| *case == id).map(|(_, code)| *code);
    (codes.into_iter().flatten().chain(stricter).collect(), unknown)
}

#[test]
fn every_case_has_its_findings_from_the_quote_to_the_image() {
    let Some(folder) = evidence_dir() else { return };
    let folder = folder.join("measured-boot");
    let index = fs::read(folder.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let chain = vec![fs::read(folder.join("ca/ek_root.pem")).unwrap()];
    let endorsements = Endorsements { chain, ..Endorsements::default() };
    let mut rows = 0;
    for case in index["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let image = case["compare_with_image"].as_str().unwrap();
        let prediction = measured_boot::prediction(&folder, image);
        let nonce = hex::decode(case["nonce"].as_str().unwrap()).unwrap();
        for (row, verdict) in case["expected"].as_object().unwrap() {
            let parts = parts(&folder, id, row);
            let logs = logs(&parts);
            let examined = tpm::examine(&parts).unwrap();
            // Evidence that is refused is still told where it differs from the image.
            let proven = examined.proven.unwrap_or_default();
            let image: Vec<Reason> = match proven.is_empty() {
                true => Vec::new(),
                false => compare_banks(&prediction, &proven, &logs),
            };
            let evidence = Evidence { kind: TeeKind::Tpm, parts };
            let expected = Expected::nonce(&nonce).unwrap();
            let policy = Policy::base();
            let cache = &mut Cache::default();
            let judged = appraise(&evidence, &endorsements, &expected, &policy, NOW, cache);
            if let Some(claims) = &judged.claims {
                assert_eq!(compare_claims(&prediction, claims, &logs), image, "{id} {row}");
            }
            let differing = measured_boot::expected(&verdict["findings"]);
            assert_eq!(measured_boot::pcrs(&image), differing, "{id} {row}");
            let found = judged.reasons.iter().chain(&image).map(|reason| reason.code);
            let found: BTreeSet<Code> = found.filter(|code| !ALWAYS.contains(code)).collect();
            let (wanted, unknown) = wanted(id, &verdict["findings"]);
            assert!(
                found == wanted || unknown && found.is_superset(&wanted),
                "{id} {row}: {found:?}"
            );
            assert_eq!(found.is_empty(), verdict["ok"] == true, "{id} {row}");
            rows += 1;
        }
    }
    assert!(rows >= 30, "{rows}");
}
