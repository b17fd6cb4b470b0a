//! NVIDIA: every row of the index, manifests of the field, every flipped byte.

use crate::evidence_dir;
use serde_json::Value;
use sotto_attest::{
    Code, Endorsements, Expected, Policy, Status, appraise,
    composite::{Link, Whole, appraise_devices},
    nvidia::{self, Device},
    x509::Cache,
};
use sotto_types::Time;
use std::{fs, path::Path};

/// 2026-06-01, within every device certificate.
const NOW: Time = Time(1_780_272_000);

/// The chain that belongs to a report without one, and the report.
const CHAINS: [(&str, &str); 9] = [
    ("NVIDIA-attestation-sdk__hopperAttestationReport", "NVIDIA-attestation-sdk__hopperCertChain"),
    ("NVIDIA-attestation-sdk__switchAttestationReport", "NVIDIA-attestation-sdk__switchCertChain"),
    (
        "NVIDIA-attestation-sdk__sample_blackwellAttestationReport",
        "NVIDIA-attestation-sdk__sample_blackwellCertChain",
    ),
    (
        "NVIDIA-attestation-sdk__sample_hopperAttestationReport",
        "NVIDIA-attestation-sdk__sample_hopperCertChain",
    ),
    (
        "NVIDIA-attestation-sdk__sample_hopperAttestationReportExpired",
        "NVIDIA-attestation-sdk__sample_hopperCertChainExpired",
    ),
    (
        "NVIDIA-attestation-sdk__sample_hopperAttestationReportInvalidSignature",
        "NVIDIA-attestation-sdk__sample_hopperCertChain",
    ),
    (
        "NVIDIA-attestation-sdk__sample_switchAttestationReportInvalidSignature",
        "NVIDIA-attestation-sdk__switchCertChain",
    ),
    (
        "confidential-containers-trustee__hopperAttestationReport",
        "confidential-containers-trustee__hopper_cert_chain_case1",
    ),
    (
        "confidential-containers-trustee__hopper_coco_report1",
        "confidential-containers-trustee__hopper_coco_certs1",
    ),
];

fn devices(dir: &Path, file: &str) -> Vec<Device> {
    let bytes = fs::read(dir.join(file)).unwrap();
    if file.ends_with(".json") {
        return nvidia::from_json(&bytes).unwrap();
    }
    let name = file.trim_start_matches("nvidia/").trim_end_matches(".txt");
    let (_, chain) = CHAINS.iter().find(|(report, _)| *report == name).expect(file);
    vec![with_chain(&bytes, dir, chain)]
}

fn with_chain(report: &[u8], dir: &Path, chain: &str) -> Device {
    let chain = fs::read(dir.join(format!("nvidia/{chain}.txt"))).unwrap();
    nvidia::from_hex(report, Some(&chain)).unwrap()
}

fn judge(devices: &[Device], link: &Link, rims: &[Vec<u8>], now: Time) -> Whole {
    let endorsements = Endorsements { rims: rims.to_vec(), ..Endorsements::default() };
    let mut cache = Cache::default();
    appraise_devices(devices, &endorsements, link, &Policy::base(), now, &mut cache)
}

/// To the nonce of the first request.
fn bound(devices: &[Device]) -> Link {
    Link::challenge(&devices[0].parts.quote[4..36]).unwrap()
}

/// The codes of one device.
fn codes(whole: &Whole, device: usize) -> Vec<Code> {
    whole.parts[device]
        .appraisal
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}

fn rows(dir: &Path) -> Vec<Value> {
    let index: Value = serde_json::from_slice(&fs::read(dir.join("index.json")).unwrap()).unwrap();
    let rows = index["evidence"].as_array().unwrap().iter();
    rows.filter(|row| row["file"].as_str().unwrap().contains("nvidia")).cloned().collect()
}

#[test]
fn every_row_is_judged_as_expected() {
    let Some(dir) = evidence_dir() else { return };
    let rows = rows(&dir);
    assert_eq!(rows.len(), 17);
    for row in rows {
        let file = row["file"].as_str().unwrap();
        let devices = devices(&dir, file);
        let count = row["count"].as_str().map_or(1, |count| count.parse().unwrap());
        assert_eq!(devices.len(), count, "{file}");
        let whole = judge(&devices, &bound(&devices), &[], NOW);
        let unbound = judge(&devices, &Link::DangerouslyUnbound, &[], NOW);
        assert_eq!(whole.authentic, row["expect"]["authentic"].as_bool(), "{file}");
        let accept = row["expect"]["accept"].as_bool();
        // Where acceptance depends on what is not here (a hold that only the responder knows, a
        // manifest whose signer has ended), the report is as good as any other: a missing answer
        // or manifest is named and does not lower the status.
        let want = match accept {
            Some(true) | None => (Status::Affirming, Status::Warning),
            Some(false) => (Status::Contraindicated, Status::Contraindicated),
        };
        assert_eq!((whole.status, unbound.status), want, "{file}: {whole:?}");
        for number in 0..if accept == Some(false) { 0 } else { count } {
            let codes = codes(&whole, number);
            assert!(codes.contains(&Code::OcspMissing), "{file}");
            assert!(codes.contains(&Code::RimMissing), "{file}");
        }
    }
}

#[test]
fn refused_rows_are_refused_for_their_reason() {
    let Some(dir) = evidence_dir() else { return };
    let refused = [
        // The signature holds over all but one zero byte after it.
        ("nvidia/confidential-containers-trustee__hopper_coco_report1.txt", Code::Malformed),
        (
            "nvidia/NVIDIA-attestation-sdk__sample_hopperAttestationReportInvalidSignature.txt",
            Code::SignatureInvalid,
        ),
        (
            "nvidia/NVIDIA-attestation-sdk__sample_switchAttestationReportInvalidSignature.txt",
            Code::SignatureInvalid,
        ),
        ("tampered/nvidia_hopper__nonce_flip.json", Code::SignatureInvalid),
    ];
    for (file, code) in refused {
        let devices = devices(&dir, file);
        let whole = judge(&devices, &bound(&devices), &[], NOW);
        assert!(codes(&whole, 0).contains(&code), "{file}: {whole:?}");
        let contradicted = whole.reasons.iter().any(|reason| reason.code == Code::PartsNotBound);
        assert_eq!(contradicted, file.starts_with("tampered"), "{file}");
    }
}

#[test]
fn claims_are_those_that_the_field_reads() {
    let Some(dir) = evidence_dir() else { return };
    // File, class, driver, VBIOS.
    let rows = [
        ("NVIDIA-attestation-sdk__hopper_evidence.json", "gh100", "590.12", "96.00.A5.00.01"),
        (
            "confidential-containers-trustee__hopperAttestationReport.txt",
            "gh100",
            "550.90.07",
            "96.00.9F.00.01",
        ),
        ("NVIDIA-attestation-sdk__switch_evidence_ls10.json", "ls10", "", "96.10.55.00.01"),
        ("veraison-services__blackwell-evidence.json", "gb100", "590.48.01", "97.00.E4.00.11"),
    ];
    for (file, class, driver, vbios) in rows {
        let devices = devices(&dir, &format!("nvidia/{file}"));
        let whole = judge(&devices, &bound(&devices), &[], NOW);
        let claims = whole.parts[0].appraisal.claims.clone().unwrap();
        assert_eq!(claims.platform.class, format!("nvidia-{class}"));
        assert_eq!(claims.platform.anchor, "NVIDIA Device Identity CA");
        let text = |name: &str| claims.measurements.get(name).cloned().unwrap_or_default();
        assert_eq!(text("driver_version"), driver.as_bytes(), "{file}");
        assert_eq!(text("vbios_version"), vbios.as_bytes(), "{file}");
        assert_eq!(claims.measurements["fwid"].len(), 48, "{file}");
    }
    // What another verifier read from the same report, numbered from one.
    let path = "nvidia/confidential-containers-trustee__hopperAttestationReport-claims.txt";
    let theirs: Value = serde_json::from_slice(&fs::read(dir.join(path)).unwrap()).unwrap();
    let report = "nvidia/confidential-containers-trustee__hopperAttestationReport.txt";
    let devices = devices(&dir, report);
    let whole = judge(&devices, &bound(&devices), &[], NOW);
    let ours = whole.parts[0].appraisal.claims.clone().unwrap().measurements;
    let theirs_all = theirs["measurements"].as_object().unwrap();
    assert_eq!(theirs_all.len(), 64);
    for (index, value) in theirs_all {
        let name = format!("m{:02}", index.parse::<u8>().unwrap() - 1);
        assert_eq!(hex::encode(&ours[&name]), value.as_str().unwrap(), "{name}");
    }
    assert_eq!(hex::encode(&ours["fwid"]), theirs["config"]["fwid"].as_str().unwrap());
}

#[test]
fn chains_of_the_field_without_a_certificate() {
    let Some(dir) = evidence_dir() else { return };
    let report = "nvidia/confidential-containers-trustee__hopperAttestationReport.txt";
    let report = fs::read(dir.join(report)).unwrap();
    let judge = |case: u8| {
        let chain = format!("confidential-containers-trustee__hopper_cert_chain_case{case}");
        let devices = [with_chain(&report, &dir, &chain)];
        let whole = judge(&devices, &bound(&devices), &[], NOW);
        (whole.authentic, codes(&whole, 0))
    };
    // The root alone; without the third; without the device's own.
    let (root_alone, codes) = judge(2);
    assert_eq!(root_alone, Some(false));
    assert!(codes.contains(&Code::SignatureInvalid) && codes.contains(&Code::ChainInvalid));
    assert_eq!(judge(3), (Some(false), vec![Code::UntrustedRoot]));
    let (without_leaf, codes) = judge(4);
    assert_eq!(without_leaf, Some(false));
    assert!(codes.contains(&Code::SignatureInvalid) && codes.contains(&Code::ChainInvalid));
}

/// A report, manifests, and what comes of them.
fn with_manifests(dir: &Path, report: &str, manifests: &[&str], now: Time) -> (Status, Vec<Code>) {
    let devices = devices(dir, &format!("nvidia/NVIDIA-attestation-sdk__{report}"));
    let path = |m: &&str| dir.join(m.replacen('/', "/NVIDIA-attestation-sdk__", 1));
    let rims: Vec<Vec<u8>> = manifests.iter().map(|m| fs::read(path(m)).unwrap()).collect();
    let whole = judge(&devices, &bound(&devices), &rims, now);
    let mut codes = codes(&whole, 0);
    codes.dedup();
    (whole.status, codes)
}

#[test]
fn a_genuine_manifest_agrees_with_a_genuine_switch() {
    let Some(dir) = evidence_dir() else { return };
    let manifest = "nvidia/switchVBIOSRim_NV_SWITCH_BIOS_5612_0002_890_9610550001.xml";
    let report = "switch_evidence_ls10.json";
    let found = with_manifests(&dir, report, &[manifest], NOW);
    assert_eq!(found, (Status::Affirming, vec![Code::OcspMissing]));
    // Its signer's certificate begins 2026-05-20 and ends 2028-05-19.
    let early = with_manifests(&dir, report, &[manifest], Time(1_779_200_000));
    assert_eq!(early, (Status::Contraindicated, vec![Code::NotYetValid, Code::OcspMissing]));
    let late = with_manifests(&dir, report, &[manifest], Time(1_850_000_000));
    assert_eq!(late, (Status::Contraindicated, vec![Code::Expired, Code::OcspMissing]));
}

#[test]
fn manifests_of_the_field_that_are_wrong_are_refused() {
    let Some(dir) = evidence_dir() else { return };
    let refused = |report: &str, manifests: &[&str], now: Time, want: &[Code]| {
        let (status, codes) = with_manifests(&dir, report, manifests, now);
        assert_eq!((status, codes.as_slice()), (Status::Contraindicated, want), "{manifests:?}");
    };
    let notes = [Code::OcspMissing, Code::RimMissing];
    let and = |code: &[Code]| [code, &notes].concat();
    // 2025-01-15: within the signers' certificates.
    let then = Time(1_736_900_000);
    let switch = "switch_evidence_ls10.json";
    let hopper = "sample_hopperAttestationReport.txt";
    refused(
        switch,
        &["nvidia-rim/NV_SWITCH_BIOS_5612_0002_890_9610550001_invalid_signature.xml"],
        then,
        &[Code::RimMismatch, Code::RimInvalid, Code::OcspMissing],
    );
    // Made for another chip, and changed: not the vendor's, and not about this device.
    refused(
        switch,
        &["nvidia-rim/NV_SWITCH_BIOS_5612_0002_890_9610550001_measurement_mismatch.xml"],
        then,
        &and(&[Code::RimInvalid]),
    );
    refused(
        hopper,
        &["nvidia-rim/NV_GPU_DRIVER_GH100_535.86.09_measurement_mismatch.xml"],
        NOW,
        &and(&[Code::RimMismatch, Code::RimInvalid]),
    );
    // Genuine, for this version, and the device measured something else.
    refused(
        hopper,
        &["nvidia-rim/NV_GPU_VBIOS_1010_0200_882_96005E0001_measurement_mismatch.xml"],
        then,
        &and(&[Code::RimMismatch]),
    );
    refused(
        "sample_hopperAttestationReportExpired.txt",
        &["nvidia-rim/NV_GPU_DRIVER_GH100_570.124.03_expired.xml"],
        NOW,
        &and(&[Code::Expired, Code::RimMismatch, Code::RimInvalid]),
    );
    refused(hopper, &["nvidia/incorrect_signature_driver_rim.xml"], NOW, &and(&[Code::RimInvalid]));
    refused(
        hopper,
        &["nvidia/incorrect_cert_chain_driver_rim.xml"],
        NOW,
        &and(&[Code::RimInvalid]),
    );
    // Genuine and of another version: of no use, and no harm.
    let other = with_manifests(&dir, hopper, &["nvidia/NV_GPU_DRIVER_GH100_550.144.03.xml"], NOW);
    assert_eq!(other, (Status::Affirming, notes.to_vec()));
}

#[test]
fn flipped_bytes_of_a_genuine_report_and_its_chain_are_refused() {
    let Some(dir) = evidence_dir() else { return };
    let good = &devices(&dir, "nvidia/NVIDIA-attestation-sdk__hopper_evidence.json")[0];
    let lengths = [&good.parts.quote].into_iter().chain(&good.parts.chain).map(Vec::len);
    let total: usize = lengths.sum();
    let (policy, given, mut cache) = (Policy::base(), Endorsements::default(), Cache::default());
    let expected = Expected::nonce(&good.parts.quote[4..36]).unwrap();
    let mut judge =
        |evidence: &_| appraise(evidence, &given, &expected, &policy, NOW, &mut cache).status;
    assert_eq!(judge(&good.evidence()), Status::Affirming);
    for number in 0..4096 {
        let mut at = number * total / 4096;
        let mut bad = good.evidence();
        let mut parts = core::iter::once(&mut bad.parts.quote).chain(&mut bad.parts.chain);
        let part = parts
            .find(|part| {
                let here = at < part.len();
                at -= if here { 0 } else { part.len() };
                here
            })
            .unwrap();
        part[at] ^= 1 << (number % 8);
        assert_eq!(judge(&bad), Status::Contraindicated, "byte {at}, number {number}");
    }
}

#[test]
fn flipped_bytes_of_the_file_are_refused_or_leave_the_evidence_the_same() {
    let Some(dir) = evidence_dir() else { return };
    let path = dir.join("nvidia/NVIDIA-attestation-sdk__hopper_evidence.json");
    let file = fs::read(path).unwrap();
    let good = nvidia::from_json(&file).unwrap();
    let (policy, given, mut cache) = (Policy::base(), Endorsements::default(), Cache::default());
    let link = bound(&good);
    let mut same = 0;
    for number in 0..4096 {
        let mut bad = file.clone();
        let at = number * file.len() / 4096;
        bad[at] ^= 1 << (number % 7);
        let Ok(bad) = nvidia::from_json(&bad) else { continue };
        let parts =
            |devices: &[Device]| devices.iter().map(|d| d.parts.clone()).collect::<Vec<_>>();
        let whole = appraise_devices(&bad, &given, &link, &policy, NOW, &mut cache);
        if whole.status != Status::Contraindicated {
            assert_eq!(parts(&bad), parts(&good), "byte {at}");
            same += 1;
        }
    }
    // The label of the architecture, white space, and the case of the nonce's digits.
    assert!(same < 64, "{same}");
}

#[test]
fn a_genuine_report_cut_anywhere_is_refused() {
    let Some(dir) = evidence_dir() else { return };
    let good = &devices(&dir, "nvidia/NVIDIA-attestation-sdk__switch_evidence_ls10.json")[0];
    for length in 0..good.parts.quote.len() {
        assert!(nvidia::parse(&good.parts.quote[..length]).is_err(), "{length}");
    }
}
