use crate::stage::{anvil, json, run, start_anvil};
use anyhow::Result;
use serde_json::Value;

/// Every way of cheating that must be refused.
const ATTEMPTS: [&str; 10] = [
    "receipt_bit_flipped",
    "wrong_key",
    "wrong_network",
    "bid_copied_to_other_request",
    "bid_left_out",
    "bid_copied_by_bidder",
    "context_taken",
    "closed_early",
    "closed_twice",
    "late_result",
];

fn check(report: &Value) -> Result<()> {
    assert_eq!(report["winner"], "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65", "Bob");
    assert_eq!(report["price"], "3900000000000000000", "the second price");
    assert_eq!(report["verified"], true);
    assert!(report["tee"].as_str().unwrap().contains("simulated"));
    assert!(report["gas"]["fulfil"].as_u64().unwrap() > 40_000);
    let each = report["gas"]["batch32_each"].as_u64().unwrap();
    assert!((15_000..27_000).contains(&each), "{each} gas for each of 32");
    let mut refused: Vec<&str> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            assert!(!one["reason"].as_str().unwrap().is_empty());
            one["attempt"].as_str().unwrap()
        })
        .collect();
    let mut wanted = ATTEMPTS.to_vec();
    refused.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(refused, wanted);
    check_receipt(report)
}

/// Another process believes the receipt from the genesis alone, and nothing that was altered.
fn check_receipt(report: &Value) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let receipt = report["receipt"].as_str().unwrap();
    let genesis = write("genesis", report["genesis"].as_str().unwrap());
    let good = write("good", receipt);
    let verified = json(&["receipt", "verify", &good, "--genesis", &genesis, "--json"])?;
    assert_eq!(verified["verified"], true);
    assert_eq!(verified["simulated"], true);

    let mut bytes = hex::decode(receipt)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    let bad = write("bad", &hex::encode(bytes));
    let output = run(&["receipt", "verify", &bad, "--genesis", &genesis])?;
    assert_eq!(output.status.code(), Some(2), "an altered receipt is not believed");
    Ok(())
}

#[test]
fn on_the_embedded_chain() -> Result<()> {
    check(&json(&["demo", "--json"])?)
}

#[test]
fn on_a_real_anvil() -> Result<()> {
    let Some(path) = anvil("the auction on anvil") else { return Ok(()) };
    let (_anvil, rpc) = start_anvil(&path)?;
    check(&json(&["demo", "--json", "--rpc", &rpc])?)
}
