//! Quotes of software TPMs, of virtual machines booted with them, and of Google's.

use crate::evidence_dir;
use sotto_attest::{
    Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Status, appraise, tpm,
    x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::{collections::BTreeSet, fs, path::Path};
use tpm2_protocol::{TpmUnmarshal as _, data::TpmsAttest};

/// 2026-11-21: after the day on which the self-made certificates begin.
const NOW: Time = Time(1_795_219_200);

fn read(folder: &Path, file: &str) -> Vec<u8> {
    fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn judge(parts: Parts, endorsements: &Endorsements, expected: &Expected) -> Appraisal {
    let evidence = Evidence { kind: TeeKind::Tpm, parts };
    appraise(&evidence, endorsements, expected, &Policy::base(), NOW, &mut Cache::default())
}

fn codes(appraisal: &Appraisal) -> BTreeSet<Code> {
    appraisal.reasons.iter().map(|reason| reason.code).collect()
}

fn nonce(text: &str) -> Expected {
    Expected::nonce(&hex::decode(text.trim()).unwrap()).unwrap()
}

/// Every row of kind `tpm`: authentic, and at best a warning, for nothing vouches for its key.
#[test]
fn every_row_gets_what_it_expects() {
    let Some(folder) = evidence_dir() else { return };
    let index: serde_json::Value = serde_json::from_slice(&read(&folder, "index.json")).unwrap();
    let mut rows = 0;
    for row in index["evidence"].as_array().unwrap().iter().filter(|row| row["kind"] == "tpm") {
        let part = |name: &str| read(&folder, row[name].as_str().unwrap());
        let parts = Parts {
            quote: part("file"),
            signature: Some(part("signature")),
            pcrs: Some(part("pcrs")),
            ak: Some(part("ak")),
            ..Parts::default()
        };
        let endorsements = Endorsements { chain: vec![part("root")], ..Endorsements::default() };
        let challenge = String::from_utf8(part("nonce")).unwrap();
        let other = Expected::nonce(&[7; 32]).unwrap();
        assert_eq!(row["expect"]["authentic"], true);
        assert_eq!(row["expect"]["accept"], serde_json::Value::Null);
        for (expected, status) in [
            (nonce(&challenge), Status::Warning),
            (Expected::DangerouslyUnbound, Status::Warning),
            (other, Status::Contraindicated),
        ] {
            let verdict = judge(parts.clone(), &endorsements, &expected);
            assert_eq!((verdict.authentic, verdict.status), (Some(true), status), "{verdict:?}");
        }
        let claims = judge(parts, &endorsements, &nonce(&challenge)).claims.unwrap();
        let numbers: Vec<&String> = claims.measurements.keys().collect();
        assert_eq!(numbers, ["pcr0", "pcr1", "pcr16", "pcr2", "pcr3", "pcr4", "pcr7"]);
        rows += 1;
    }
    assert!(rows > 0);
}

/// The endorsement keys' certificates of swtpm hold under their root, with RSA and on P-384.
#[test]
fn certificates_of_endorsement_keys_reach_the_root_that_was_given() {
    let Some(folder) = evidence_dir() else { return };
    let folder = folder.join("tpm-swtpm");
    for (certificate, ends) in [("self__ek_cert.der", true), ("self__ekecc_cert.der", true)] {
        let parts = Parts {
            quote: read(&folder, "self__quote.msg"),
            signature: Some(read(&folder, "self__quote.sig")),
            pcrs: Some(read(&folder, "self__quote.pcrs")),
            ak: Some(read(&folder, "self__ak.tss")),
            ek_cert: Some(read(&folder, certificate)),
            chain: vec![read(&folder, "self__issuercert.pem")],
            ..Parts::default()
        };
        let root = read(&folder, "self__swtpm-localca-rootca-cert.pem");
        let given = Endorsements { chain: vec![root], ..Endorsements::default() };
        let verdict = judge(parts.clone(), &given, &Expected::DangerouslyUnbound);
        assert_eq!(verdict.authentic, Some(ends), "{:?}", verdict.reasons);
        let found = codes(&verdict);
        assert!(found.contains(&Code::AkNotBound) && found.contains(&Code::DevelopmentAnchor));
        assert!(verdict.claims.unwrap().platform.identities.contains_key("ek"));
        let verdict = judge(parts, &Endorsements::default(), &Expected::DangerouslyUnbound);
        assert_eq!((verdict.authentic, verdict.status), (Some(true), Status::Warning));
        assert!(codes(&verdict).contains(&Code::EkUntrusted));
    }
}

/// What the words of the data set's findings speak of, the first that fits, and our code for it.
/// What differs from the prediction of an image is compared where images are.
const FINDINGS: [(&str, Option<Code>); 6] = [
    ("from the prediction", None),
    ("from the log", Some(Code::PcrDigest)),
    ("signature", Some(Code::SignatureInvalid)),
    ("nonce", Some(Code::NonceMismatch)),
    ("replay", Some(Code::EventLogReplay)),
    ("event", Some(Code::EventData)),
];

/// Ours that stand beside those of the data set and are right: the list of PCRs that comes with a
/// forged log or a flipped digest is not what was quoted either.
const STRICTER: [(&str, Code); 2] =
    [("forged-log", Code::PcrDigest), ("flipped-quote", Code::PcrDigest)];

#[test]
fn every_case_of_measured_boot_has_its_findings() {
    let Some(folder) = evidence_dir() else { return };
    let folder = folder.join("measured-boot");
    let index: serde_json::Value = serde_json::from_slice(&read(&folder, "index.json")).unwrap();
    let mut quotes = 0;
    for case in index["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        for (name, expect) in case["expected"].as_object().unwrap() {
            for ima in [true, false] {
                let (parts, endorsements) = boot(&folder, id, name, ima);
                let expected = nonce(case["nonce"].as_str().unwrap());
                let verdict = judge(parts, &endorsements, &expected);
                compare(id, expect, &verdict);
            }
            quotes += 1;
        }
    }
    assert!(quotes >= 28, "{quotes}");
}

/// The parts of one quote of one boot, `name` being key and bank as `ecc.sha256`.
fn boot(folder: &Path, id: &str, name: &str, ima: bool) -> (Parts, Endorsements) {
    let (key, bank) = name.split_once('.').unwrap();
    let case = folder.join(id);
    let mut event_log = read(&case, "eventlog.bin");
    if ima {
        event_log.extend(read(&case, "ima.bin"));
    }
    let parts = Parts {
        quote: read(&case, &format!("quote_{name}.tpms_attest.bin")),
        signature: Some(read(&case, &format!("quote_{name}.tpmt_signature.bin"))),
        ak: Some(read(&case, &format!("ak_{key}.tpmt_public.bin"))),
        pcrs: Some(read(&case, &format!("pcrs.{bank}.txt"))),
        event_log: Some(event_log),
        ek_cert: Some(read(&case, "ek_rsa.cert.der")),
        chain: vec![read(folder, "ca/ek_issuer.pem")],
    };
    let chain = vec![read(folder, "ca/ek_root.pem")];
    (parts, Endorsements { chain, ..Endorsements::default() })
}

fn compare(id: &str, expect: &serde_json::Value, verdict: &Appraisal) {
    let findings = expect["findings"].as_array().unwrap().iter().map(|it| it.as_str().unwrap());
    let mut wanted: BTreeSet<Code> = BTreeSet::new();
    for finding in findings {
        let found = FINDINGS.iter().find(|(word, _)| finding.contains(word));
        let (_, code) = found.unwrap_or_else(|| panic!("{id}: no code for `{finding}`"));
        wanted.extend(code);
    }
    wanted.extend(STRICTER.iter().filter(|(case, _)| *case == id).map(|(_, code)| *code));
    // True of every one of them, and not what the data set asks about.
    let always = [
        Code::AkNotBound,
        Code::DevelopmentAnchor,
        Code::ReferenceValuesNeeded,
        Code::CrlMissing,
        Code::PcrNotInLog,
        Code::WeakHash,
    ];
    let ours: BTreeSet<Code> =
        codes(verdict).into_iter().filter(|code| !always.contains(code)).collect();
    assert_eq!(ours, wanted, "{id}: {:#?}", verdict.reasons);
    let authentic = wanted.iter().all(|code| *code == Code::NonceMismatch);
    assert_eq!(verdict.authentic, Some(authentic), "{id}");
    let status = if wanted.is_empty() { Status::Warning } else { Status::Contraindicated };
    assert_eq!(verdict.status, status, "{id}: {:#?}", verdict.reasons);
}

/// Kernel 6.1 has no SHA-512 of its own when IMA starts, so PCR 10 of bank sha384 holds padded
/// SHA-1: the log explains it, and we say on what it rests.
#[test]
fn a_padded_bank_is_replayed_and_called_weak() {
    let Some(folder) = evidence_dir() else { return };
    let folder = folder.join("measured-boot");
    for (name, weak) in [("ecc.sha384", true), ("ecc.sha256", false)] {
        for ima in [true, false] {
            let (parts, endorsements) = boot(&folder, "image-a-3banks", name, ima);
            let verdict = judge(parts, &endorsements, &Expected::DangerouslyUnbound);
            let found = codes(&verdict);
            assert_eq!(found.contains(&Code::WeakHash), weak, "{name} {ima}");
            assert!(!found.contains(&Code::PcrNotInLog), "{:?}", verdict.reasons);
        }
    }
}

/// Without a list the log alone gives the quoted values, and Secure Boot's state with them.
#[test]
fn a_log_alone_proves_the_values() {
    let Some(folder) = evidence_dir() else { return };
    let folder = folder.join("measured-boot");
    for (id, secure) in [("image-a", false), ("image-a-secureboot", true)] {
        for ima in [true, false] {
            let (mut parts, endorsements) = boot(&folder, id, "rsa.sha256", ima);
            let with = judge(parts.clone(), &endorsements, &Expected::DangerouslyUnbound);
            parts.pcrs = None;
            let verdict = judge(parts, &endorsements, &Expected::DangerouslyUnbound);
            let claims = verdict.claims.unwrap_or_else(|| panic!("{:?}", verdict.reasons));
            assert_eq!(claims.measurements, with.claims.unwrap().measurements);
            assert_eq!(claims.security.secure_boot, Some(secure));
        }
    }
}

/// The proof that a boot's agent gave back after `TPM2_ActivateCredential` would bind its key; the
/// blob itself was not kept, so ours stands for it.
#[test]
fn an_activated_credential_binds_the_key_of_its_name_alone() {
    let Some(folder) = evidence_dir() else { return };
    let folder = folder.join("measured-boot");
    let case = folder.join("image-a-activate");
    let secret = read(&case, "activated_secret.bin");
    let public = tpm::parse_public(&read(&case, "ek_rsa.tpmt_public.bin")).unwrap();
    let ek = tpm::EndorsementKey::from_public(&public).unwrap();
    let certified = tpm::EndorsementKey::from_certificate(&read(&case, "ek_rsa.cert.der")).unwrap();
    assert_eq!(ek, certified);
    let ak = tpm::parse_public(&read(&case, "ak_ecc.tpmt_public.bin")).unwrap();
    let credential =
        tpm::make_credential(&ek, &ak.name(), &secret, &tpm::Random([9; 128])).unwrap();
    let proof = credential.activated(&secret).unwrap();
    for (name, bound) in [("ecc.sha256", true), ("rsa.sha256", false)] {
        let (parts, mut endorsements) = boot(&folder, "image-a-activate", name, true);
        endorsements.activated = vec![proof.clone()];
        let verdict = judge(parts, &endorsements, &Expected::DangerouslyUnbound);
        assert_eq!(!codes(&verdict).contains(&Code::AkNotBound), bound, "{:?}", verdict.reasons);
    }
}

/// Google's evidence of a shielded VM, SHA-1 log and three banks, with a certificate for its key
/// whose chain is not at hand.
#[test]
fn googles_attestation_is_taken_apart_and_holds() {
    let Some(folder) = evidence_dir() else { return };
    for (file, challenge) in [
        ("google-go-tpm-tools__gce-cos-85-nonce9009.pb", "9009"),
        ("google-go-tpm-tools__gce-cos-85-no-nonce.pb", ""),
    ] {
        let mut parts = tpm::from_attestation(&read(&folder.join("tpm"), file)).unwrap();
        assert_eq!(tpm::parse(&parts.quote).unwrap().extra_data, hex::decode(challenge).unwrap());
        let verdict = judge(parts.clone(), &Endorsements::default(), &Expected::DangerouslyUnbound);
        assert_eq!(codes(&verdict).contains(&Code::EkUntrusted), !parts.chain.is_empty());
        parts.chain.clear();
        let verdict = judge(parts, &Endorsements::default(), &Expected::DangerouslyUnbound);
        assert_eq!(verdict.authentic, Some(true), "{:?}", verdict.reasons);
        assert_eq!(verdict.status, Status::Warning);
        assert_eq!(codes(&verdict).contains(&Code::ChallengeMissing), challenge.is_empty());
        assert_eq!(verdict.claims.unwrap().security.secure_boot, Some(true));
    }
}

/// The sample of the Confidential Containers attester has values that are not the ones quoted.
#[test]
fn the_json_of_confidential_containers_is_taken_apart() {
    let Some(folder) = evidence_dir() else { return };
    let file = "confidential-containers-trustee__tpm_evidence.json";
    let parts = tpm::from_json(&read(&folder.join("tpm"), file)).unwrap();
    let verdict = judge(parts, &Endorsements::default(), &Expected::DangerouslyUnbound);
    assert_eq!(verdict.authentic, Some(true), "{:?}", verdict.reasons);
}

/// A second parser reads the same in every quote.
#[test]
fn another_parser_agrees_about_every_quote() {
    let Some(folder) = evidence_dir() else { return };
    let mut seen = 0;
    for sub in ["tpm-swtpm", "measured-boot/image-a", "measured-boot/image-a-3banks", "tpm"] {
        for entry in fs::read_dir(folder.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            if !bytes.starts_with(&[0xff, b'T', b'C', b'G']) {
                continue;
            }
            let ours = tpm::parse(&bytes).unwrap();
            let (theirs, rest) = TpmsAttest::unmarshal(&bytes).unwrap();
            assert!(rest.is_empty());
            assert_eq!(ours.extra_data, &*theirs.extra_data);
            assert_eq!(ours.clock.clock_ms, u64::from(theirs.clock_info.clock));
            assert_eq!(ours.firmware, u64::from(theirs.firmware_version));
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen}");
}

#[test]
fn googles_log_is_read_whole_and_its_data_hold() {
    let Some(folder) = evidence_dir() else { return };
    let bytes = read(&folder.join("tpm"), "Dstack-TEE-dstack__tpm_eventlog.bin");
    let log = tpm::log::parse(&bytes).unwrap();
    assert_eq!((log.events.len(), log.banks.len()), (45, 3));
    assert_eq!(log.mismatches(), Vec::<String>::new());
    assert_eq!(log.secure_boot(), Some(false));
}
