//! Every row of the folder of captures through the program: exit status, `authentic` and the TCB
//! status are what the index says. Without the folder the story says so and ends; evidence that the
//! tests make themselves walks the same paths inside `sotto-attest`.

use crate::stage::sotto;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn evidence() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/evidence");
    let folder = std::env::var_os("SOTTO_EVIDENCE").map_or_else(|| beside.into(), PathBuf::from);
    folder.join("index.json").is_file().then_some(folder)
}

/// The verdict in JSON and the exit status.
fn judge(args: &[String]) -> (i32, Value) {
    let output =
        Command::new(sotto()).args(["evidence", "verify", "--json"]).args(args).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let object = serde_json::from_str(&said)
        .unwrap_or_else(|_| panic!("{args:?}: {said} {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code().unwrap(), object)
}

/// A moment inside the row's window.
fn moment(row: &Value) -> String {
    let text = ["window", "signer_valid"].iter().find_map(|field| row[*field].as_str());
    let start = text.and_then(|text| text.split("..").next()).unwrap_or("-").trim_end_matches('Z');
    match start.len() {
        10 => format!("{start}T23:59:59Z"),
        16 => format!("{start}:59Z"),
        _ => "2026-06-01T00:00:00Z".into(),
    }
}

/// The options of a row, without what it is bound to.
fn options(folder: &Path, rows: &[Value], row: &Value) -> Vec<String> {
    let path = |name: &Value| folder.join(name.as_str().unwrap()).display().to_string();
    let source = match row["derived_from"].as_str() {
        Some(from) => rows.iter().find(|other| other["file"] == from).unwrap(),
        None => row,
    };
    let mut args = vec![path(&row["file"]), "--at".into(), moment(source)];
    for field in ["collateral", "signer"] {
        if source[field].as_str().is_some_and(|name| folder.join(name).is_file()) {
            args.extend([format!("--{field}"), path(&source[field])]);
        }
    }
    let file = row["file"].as_str().unwrap();
    if row["kind"] == "nvidia" && file.ends_with(".txt") {
        args.extend(["--chain".into(), chain_beside(folder, file)]);
    }
    args
}

/// The chain of a report in digits lies beside it under a name of its own.
fn chain_beside(folder: &Path, report: &str) -> String {
    let name = match report {
        name if name.contains("coco_report1") => {
            "confidential-containers-trustee__hopper_coco_certs1.txt"
        }
        name if name.contains("trustee__hopperAttestationReport") => {
            "confidential-containers-trustee__hopper_cert_chain_case1.txt"
        }
        name if name.contains("sample_blackwell") => {
            "NVIDIA-attestation-sdk__sample_blackwellCertChain.txt"
        }
        name if name.contains("ReportExpired") => {
            "NVIDIA-attestation-sdk__sample_hopperCertChainExpired.txt"
        }
        name if name.contains("sample_hopper") => {
            "NVIDIA-attestation-sdk__sample_hopperCertChain.txt"
        }
        name if name.contains("switch") => "NVIDIA-attestation-sdk__switchCertChain.txt",
        _ => "NVIDIA-attestation-sdk__hopperCertChain.txt",
    };
    folder.join("nvidia").join(name).display().to_string()
}

#[test]
fn anybody_s_evidence_is_judged_by_one_command() {
    let Some(folder) = evidence() else { return println!("skipped: no evidence folder") };
    let index: Value =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let rows = index["evidence"].as_array().unwrap();
    let mut wrong = Vec::new();
    for row in rows.iter().filter(|row| row["kind"] != "tpm") {
        let expect = &row["expect"];
        let mut args = options(&folder, rows, row);
        args.push("--unbound".into());
        let (unbound, verdict) = judge(&args);
        let file = row["file"].as_str().unwrap();
        let refused = expect["accept"] == false || expect["authentic"] != true;
        let wanted = if refused { 2 } else { 3 };
        if unbound != wanted {
            wrong.push(format!("{file}: {unbound} unbound, not {wanted}: {}", verdict["reasons"]));
        }
        if verdict["authentic"] != expect["authentic"] {
            wrong.push(format!(
                "{file}: authentic {}: {}",
                verdict["authentic"], verdict["reasons"]
            ));
        }
        if !expect["tcb_status"].is_null() && verdict["tcb_status"] != expect["tcb_status"] {
            wrong.push(format!("{file}: TCB status {}", verdict["tcb_status"]));
        }
        if expect["accept"] == true {
            args.pop();
            let data = verdict["report_data"].as_str().unwrap_or("00");
            args.extend(["--report-data".into(), data.into()]);
            let (bound, verdict) = judge(&args);
            if bound != 0 {
                wrong.push(format!("{file}: {bound} bound: {}", verdict["reasons"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

/// The software TPM's quotes, as a bundle that names its parts.
#[test]
fn a_bundle_of_a_software_tpm_is_genuine_and_at_best_a_warning() {
    let Some(folder) = evidence() else { return println!("skipped: no evidence folder") };
    let of = |name: &str| folder.join("tpm-swtpm").join(name).display().to_string();
    let nonce = fs::read_to_string(of("self__nonce.hex")).unwrap();
    let scene = tempfile::tempdir().unwrap();
    for (name, ak) in [("quote", "self__ak.pem"), ("quotersa", "self__akrsa.pub.pem")] {
        let bundle = scene.path().join(format!("{name}.json"));
        let parts = serde_json::json!({
            "quote": of(&format!("self__{name}.msg")),
            "signature": of(&format!("self__{name}.sig")),
            "pcrs": of(&format!("self__{name}.pcrs")),
            "ak": of(ak),
            "chain": [of("self__swtpm-localca-rootca-cert.pem")],
        });
        fs::write(&bundle, parts.to_string()).unwrap();
        let bundle = bundle.display().to_string();
        let (status, verdict) = judge(&[bundle.clone(), "--nonce".into(), nonce.trim().into()]);
        assert_eq!((status, &verdict["authentic"]), (3, &Value::Bool(true)), "{verdict}");
        let (status, _) = judge(&[bundle, "--nonce".into(), "00ff".into()]);
        assert_eq!(status, 2);
    }
}

/// A folder of parts, held to the image it booted.
#[test]
fn a_folder_of_measured_boot_is_held_to_its_image() {
    let Some(folder) = evidence() else { return println!("skipped: no evidence folder") };
    let boot = folder.join("measured-boot");
    let index: Value = serde_json::from_slice(&fs::read(boot.join("index.json")).unwrap()).unwrap();
    for case in index["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let image = case["compare_with_image"].as_str().unwrap();
        let args = [
            boot.join(id).display().to_string(),
            "--nonce".into(),
            case["nonce"].as_str().unwrap().into(),
            "--image".into(),
            boot.join("images").join(format!("{image}.json")).display().to_string(),
            "--chain".into(),
            boot.join("ca/ek_root.pem").display().to_string(),
            boot.join("ca/ek_issuer.pem").display().to_string(),
        ];
        let (status, verdict) = judge(&args);
        let good = case["expected"].as_object().unwrap().values().all(|one| one["ok"] == true);
        assert_eq!(status, if good { 3 } else { 2 }, "{id}: {}", verdict["reasons"]);
    }
}

#[test]
fn what_is_no_evidence_is_refused_and_a_bad_call_is_another_matter() {
    let scene = tempfile::tempdir().unwrap();
    let path = |name: &str| scene.path().join(name).display().to_string();
    fs::write(path("noise"), b"this is no evidence of anything").unwrap();
    let (status, verdict) = judge(&[path("noise"), "--unbound".into()]);
    assert_eq!((status, &verdict["authentic"]), (2, &Value::Bool(false)));
    assert_eq!(verdict["reasons"][0]["code"], "malformed");
    let status = |args: &[&str]| {
        let run = Command::new(sotto()).args(["evidence", "verify"]).args(args).output().unwrap();
        run.status.code().unwrap()
    };
    assert_eq!(status(&[&path("noise")]), 1, "nothing said what it is bound to");
    assert_eq!(status(&[&path("missing"), "--unbound"]), 1);
    assert_eq!(status(&[&path("noise"), "--nonce", ""]), 1);
    assert_eq!(status(&[&path("noise"), "--nonce", "zz"]), 1);
}
