//! Comparing, and predictions as JSON.

use super::fixture;
use crate::hash::Hash;
use crate::image::{
    Demand, ImageError, Log, Options, Prediction, Quoted, Shape, compare, compare_claims, predict,
};
use crate::{Bound, Claims, Code, Platform, Reason, Scope, Security, Tcb};
use sotto_types::TeeKind;
use std::collections::BTreeMap;

fn prediction() -> Prediction {
    predict(&fixture::uki().file, Shape::Uki, &Options::default()).unwrap()
}

/// What a machine that booted the image quotes.
fn booted(hash: Hash) -> Quoted {
    let mut quoted = prediction().banks[&hash].pcrs.clone();
    for pcr in [0, 1, 5, 10] {
        quoted.insert(pcr, vec![pcr; hash.size()]);
    }
    quoted
}

fn log(hash: Hash) -> Log {
    let mut log = Log::new();
    for event in &prediction().banks[&hash].events {
        log.entry(event.pcr).or_default().push(event.digest.clone());
    }
    log
}

fn differences(quoted: &Quoted, log: &Log) -> Vec<Reason> {
    compare(&prediction(), Hash::Sha256, quoted, log)
}

#[test]
fn the_image_that_was_booted_is_found() {
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384] {
        assert_eq!(compare(&prediction(), hash, &booted(hash), &Log::new()), []);
        assert_eq!(compare(&prediction(), hash, &booted(hash), &log(hash)), []);
    }
}

#[test]
fn every_changed_pcr_that_the_image_gives_is_named_and_no_other() {
    let free = [0, 1, 5, 10];
    for pcr in 0..16 {
        let mut quoted = booted(Hash::Sha256);
        quoted.get_mut(&pcr).unwrap()[31] ^= 1;
        let reasons = differences(&quoted, &Log::new());
        if free.contains(&pcr) {
            assert_eq!(reasons, [], "PCR {pcr}");
            continue;
        }
        let [Reason { code: Code::ImageMismatch, detail }] = reasons.as_slice() else {
            panic!("PCR {pcr}: {reasons:?}");
        };
        assert!(detail.starts_with(&format!("PCR {pcr} is ")), "{detail}");
    }
}

#[test]
fn a_credential_put_beside_the_image_shows_in_pcr_12_alone_where_9_is_left_out() {
    let mut quoted = booted(Hash::Sha256);
    quoted.insert(12, vec![0xcc; 32]);
    let detail = format!("PCR 12 is {}, but the image leaves it zero", "cc".repeat(32));
    assert_eq!(differences(&quoted, &Log::new()), [Reason::new(Code::ImageMismatch, detail)]);
}

#[test]
fn a_log_tells_which_event_differs() {
    let quoted_with = |log: &mut Log, edit: fn(&mut Vec<Vec<u8>>)| {
        edit(log.get_mut(&9).unwrap());
        let mut quoted = booted(Hash::Sha256);
        quoted.insert(9, vec![9; 32]);
        let reasons = differences(&quoted, log);
        assert_eq!(reasons.len(), 1);
        reasons[0].detail.split("; ").nth(1).unwrap().to_string()
    };
    let fresh = || log(Hash::Sha256);
    let initrd = "initrd seen by the kernel EFI stub";
    let changed = quoted_with(&mut fresh(), |events| events[1] = vec![0xab; 32]);
    let want = hex::encode(&fresh()[&9][1]);
    let expected = format!("event 2 ({initrd}) is {}, the image gives {want}", "ab".repeat(32));
    assert_eq!(changed, expected);
    let missing = quoted_with(&mut fresh(), |events| _ = events.pop());
    assert_eq!(missing, format!("event 2 ({initrd}) is missing"));
    let more = quoted_with(&mut fresh(), |events| events.push(vec![0xcd; 32]));
    let expected = format!("event 3, {}, does not come from the image", "cd".repeat(32));
    assert_eq!(more, expected);
    let same = quoted_with(&mut fresh(), |_| ());
    assert_eq!(same, "its log has the image's events");
}

#[test]
fn a_quote_without_the_demanded_pcrs_is_not_enough() {
    let mut quoted = booted(Hash::Sha256);
    quoted.retain(|pcr, _| ![4, 12].contains(pcr));
    let detail = "the image demands PCRs that were not quoted: 4, 12";
    assert_eq!(differences(&quoted, &Log::new()), [Reason::new(Code::PcrSelection, detail)]);
}

#[test]
fn a_bank_that_is_not_predicted_is_no_match() {
    let detail = "the image is not predicted for the bank sha512";
    let expected = [Reason::new(Code::ImageMismatch, detail)];
    assert_eq!(compare(&prediction(), Hash::Sha512, &Quoted::new(), &Log::new()), expected);
}

fn claims(quoted: &Quoted) -> Claims {
    let mut measurements: crate::Measurements =
        quoted.iter().map(|(pcr, value)| (format!("pcr{pcr}"), value.clone())).collect();
    measurements.insert("pcr04".into(), vec![1; 32]);
    measurements.insert("sha384_pcr4".into(), vec![1; 32]);
    measurements.insert("pcr_digest".into(), vec![1; 32]);
    Claims {
        kind: TeeKind::Simulated,
        platform: Platform {
            class: "tpm".into(),
            identities: [].into(),
            anchor: "test".into(),
            scope: Scope::Development,
        },
        tcb: Tcb::default(),
        measurements,
        security: Security::default(),
        bound: Bound { report_data: vec![], nonce: None, padded: false },
        windows: vec![],
        made: None,
        noticed: vec![],
    }
}

#[test]
fn claims_are_compared_in_the_bank_of_their_length() {
    let logs = BTreeMap::new();
    for hash in [Hash::Sha1, Hash::Sha256, Hash::Sha384] {
        let mut quoted = booted(hash);
        assert_eq!(compare_claims(&prediction(), &claims(&quoted), &logs), []);
        quoted.insert(11, vec![0; hash.size()]);
        let reasons = compare_claims(&prediction(), &claims(&quoted), &logs);
        assert_eq!(reasons.len(), 1);
        assert_eq!(reasons[0].code, Code::ImageMismatch);
    }
    let none = compare_claims(&prediction(), &claims(&Quoted::new()), &logs);
    let detail = "no PCR of a predicted bank was quoted";
    assert_eq!(none, [Reason::new(Code::PcrSelection, detail)]);
}

#[test]
fn one_bank_must_be_whole_and_none_may_differ() {
    let mut both = claims(&booted(Hash::Sha384));
    for (pcr, value) in [(4, 4), (11, 11), (16, 16)] {
        let value = booted(Hash::Sha256).get(&value).cloned().unwrap_or_else(|| vec![1; 32]);
        both.measurements.insert(format!("sha256_pcr{pcr}"), value);
    }
    let logs = [(Hash::Sha256, log(Hash::Sha256))].into();
    assert_eq!(compare_claims(&prediction(), &both, &logs), []);
    both.measurements.insert("sha256_pcr4".into(), vec![4; 32]);
    let reasons = compare_claims(&prediction(), &both, &logs);
    assert_eq!(reasons.len(), 1);
    let named = reasons[0].detail.contains("; its log has the image's events");
    assert!(reasons[0].code == Code::ImageMismatch && named, "{reasons:?}");
    both.measurements.retain(|name, _| name != "pcr12");
    let codes: Vec<Code> =
        compare_claims(&prediction(), &both, &logs).iter().map(|reason| reason.code).collect();
    assert_eq!(codes, [Code::ImageMismatch, Code::PcrSelection, Code::PcrSelection]);
}

#[test]
fn a_prediction_survives_json() {
    let prediction = prediction();
    let json = prediction.to_json().unwrap();
    assert_eq!(Prediction::from_json(json.as_bytes()), Ok(prediction));
}

#[test]
fn a_file_is_read_as_what_it_is() {
    let (uki, options) = (fixture::uki().file, Options::default());
    let json = prediction().to_json().unwrap();
    assert_eq!(Prediction::read(&uki, &options), Ok(prediction()));
    assert_eq!(Prediction::read(json.as_bytes(), &options), Ok(prediction()));
    let refused = Prediction::read(b"\x7fELF", &options);
    assert!(matches!(refused, Err(ImageError::Document(_))));
}

#[test]
fn everything_is_described() {
    let lines: BTreeMap<String, String> = prediction().describe().into_iter().collect();
    let line = |name: &str| lines.get(name).map(String::as_str);
    assert_eq!(line("systemd-stub"), Some("252"));
    assert_eq!(line("command line"), Some(fixture::CMDLINE));
    assert_eq!(line("os-release"), Some("ID=demo"));
    assert_eq!(line("PCR 0"), Some("reference"));
    assert_eq!(line("PCR 12 sha1 (zero)"), Some("00".repeat(20).as_str()));
    let four = hex::encode(&prediction().banks[&Hash::Sha384].pcrs[&4]);
    assert_eq!(line("PCR 4 sha384 (must)"), Some(four.as_str()));
}

#[test]
fn without_a_policy_what_is_predicted_is_demanded_and_12_and_13_are_zero() {
    let mut value: serde_json::Value =
        serde_json::from_str(&prediction().to_json().unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("policy");
    for bank in ["sha1", "sha256", "sha384"] {
        value["predicted"][bank]["pcrs"].as_object_mut().unwrap().remove("12");
    }
    let read = Prediction::from_json(value.to_string().as_bytes()).unwrap();
    assert_eq!(read.policy, prediction().policy);
    let mut quoted = booted(Hash::Sha256);
    quoted.insert(12, vec![0xcc; 32]);
    assert_eq!(compare(&read, Hash::Sha256, &quoted, &Log::new()).len(), 1);
    for (pcr, demand) in [(0, Demand::Reference), (12, Demand::Zero), (13, Demand::Zero)] {
        assert_eq!(read.policy[&pcr], demand);
    }
}

#[test]
fn predictions_in_json_that_would_say_less_than_they_seem_are_refused() {
    type Edit = fn(&mut serde_json::Value);
    let edits: [(&str, Edit); 12] = [
        ("the events do not give sha256 PCR 4", |v| {
            v["predicted"]["sha256"]["pcrs"]["4"] = "00".repeat(32).into();
        }),
        ("`sha3` is no bank", |v| v["predicted"]["sha3"] = v["predicted"]["sha1"].clone()),
        ("`04` is no PCR", |v| v["policy"]["04"] = "must".into()),
        ("`24` is no PCR", |v| v["predicted"]["sha1"]["pcrs"]["24"] = "00".repeat(20).into()),
        ("`perhaps` is no demand", |v| v["policy"]["4"] = "perhaps".into()),
        ("event `separator` is no digest of sha256", |v| {
            v["predicted"]["sha256"]["events"][5]["digest"] = "00".into();
        }),
        ("event `name .linux` is of no PCR given", |v| {
            _ = v["predicted"]["sha256"]["pcrs"].as_object_mut().unwrap().remove("11");
        }),
        ("it demands nothing", |v| v["predicted"] = serde_json::json!({})),
        ("it demands nothing", |v| {
            for (_, demand) in v["policy"].as_object_mut().unwrap() {
                *demand = "ignored".into();
            }
        }),
        ("the policy leaves out PCR 12", |v| {
            _ = v["policy"].as_object_mut().unwrap().remove("12");
        }),
        ("sha1 has no PCR 0", |v| v["policy"]["0"] = "must".into()),
        ("sha1 extends PCR 11, a zero", |v| v["policy"]["11"] = "zero".into()),
    ];
    for (why, edit) in edits {
        let mut value: serde_json::Value =
            serde_json::from_str(&prediction().to_json().unwrap()).unwrap();
        edit(&mut value);
        let read = Prediction::from_json(value.to_string().as_bytes());
        assert_eq!(read, Err(ImageError::Document(why.into())));
    }
    let long = vec![b' '; (1 << 20) + 1];
    let why = "1048577 bytes, more than 1048576";
    assert_eq!(Prediction::from_json(&long), Err(ImageError::Document(why.into())));
    assert!(matches!(Prediction::from_json(b"{}"), Err(ImageError::Document(_))));
    assert!(matches!(Prediction::from_json(b""), Err(ImageError::Document(_))));
}
