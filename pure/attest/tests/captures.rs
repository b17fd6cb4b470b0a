//! Genuine and tampered captures: each row of the evidence folder's index gets what it says there.
//! The captures are not part of this repository; without them the tests say so and pass.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "captures lie on a disk")]

#[path = "captures/azure.rs"]
mod azure;
#[path = "captures/booted.rs"]
mod booted;
#[path = "captures/cca.rs"]
mod cca;
#[path = "captures/intel.rs"]
mod intel;
#[path = "captures/measured_boot.rs"]
mod measured_boot;
#[path = "captures/nitro.rs"]
mod nitro;
#[path = "captures/nvidia.rs"]
mod nvidia;
#[path = "captures/snp.rs"]
mod snp;
#[path = "captures/tpm.rs"]
mod tpm;

use serde_json::Value;
use std::{env, fs, path::PathBuf};

/// `SOTTO_EVIDENCE`, or the folder beside the checkout.
fn evidence_dir() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/evidence");
    let folder = env::var_os("SOTTO_EVIDENCE").map_or_else(|| beside.into(), PathBuf::from);
    let found = folder.join("index.json").is_file().then_some(folder);
    if found.is_none() {
        println!("skipped: no evidence folder");
    }
    found
}

/// The rows of one kind, with each one's file; none without the folder.
fn rows(kind: &str) -> Vec<(Value, Vec<u8>)> {
    let Some(folder) = evidence_dir() else { return vec![] };
    let index = fs::read(folder.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let rows: Vec<(Value, Vec<u8>)> = index["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["kind"] == kind)
        .map(|row| (row.clone(), fs::read(folder.join(row["file"].as_str().unwrap())).unwrap()))
        .collect();
    assert!(!rows.is_empty(), "the index has no row of kind {kind}");
    rows
}
