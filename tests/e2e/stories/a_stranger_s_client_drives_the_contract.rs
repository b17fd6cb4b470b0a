use anyhow::Result;
use std::process::Command;

/// viem, which this project did not write, deploys the contract on a real anvil, asks, fulfils and
/// refunds, and measures the gas.
#[test]
fn viem_on_a_real_anvil() -> Result<()> {
    if std::env::var_os("SOTTO_NODE_MODULES").is_none() {
        println!("viem on anvil: skipped, SOTTO_NODE_MODULES names no packages");
        return Ok(());
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/solidity/test/anvil.mjs");
    let output = Command::new("node").arg(script).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
