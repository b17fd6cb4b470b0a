use crate::stage::{Network, anvil, json, start_anvil};
use anyhow::Result;
use sotto_devchain::dev_accounts;

/// A secret nobody types: sealed, and looked for in everything that is logged at its loudest.
const BID: &str = "a sealed sentence that no log may hold";

#[test]
fn at_the_loudest_level() -> Result<()> {
    let Some(path) = anvil("no log line holds a secret") else { return Ok(()) };
    let (_anvil, rpc) = start_anvil(&path)?;
    let key = hex::encode(dev_accounts()[1].private_key);
    let folder = tempfile::tempdir()?;
    let network = Network::new(folder.path(), &["--rpc", &rpc, "--key", &key]);
    let up = network.up("trace")?;
    let owner = folder.path().join("owner.key");
    let folder_text = folder.path().to_string_lossy().into_owned();
    let owner_text = owner.to_string_lossy().into_owned();
    let gateway = network.gateway();
    let at = ["--gateway", &gateway, "--folder", &folder_text, "--json"];
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello");
    let deployed = json(&[&["deploy", example, "--owner", &owner_text][..], &at].concat())?;
    let app = deployed["app"].as_str().unwrap();
    let ask = ["call", app, "--payload", "world", "--sealed", BID, "--rpc", &rpc];
    let answered = json(&[&ask[..], &at].concat())?;
    assert_eq!(answered["text"], "hello, world");

    let logs = up.logs.lock().unwrap().clone();
    assert!(logs.contains("TRACE"), "it was not logging");
    let owner_key = std::fs::read_to_string(owner)?;
    for (what, secret) in [
        ("the courier's key", key.clone()),
        ("the owner's key", owner_key.trim().to_owned()),
        ("the sealed payload", BID.to_owned()),
        ("the sealed payload", hex::encode(BID)),
    ] {
        assert!(!logs.contains(&secret), "{what} is in the logs");
    }
    Ok(())
}
