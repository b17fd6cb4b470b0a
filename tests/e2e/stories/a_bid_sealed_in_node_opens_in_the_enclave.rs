use crate::client::{Client, Submission, plain};
use crate::stage::Network;
use alloy::primitives::{Address, B256};
use anyhow::{Context as _, Result, ensure};
use sotto_client::{Gateway, Recipient};
use sotto_types::{ChainId, Context, Generation, RequestId, digest::word};
use std::process::Command;
use std::time::Duration;

/// `@dfinity/vetkeys` and WebCrypto seal a bid; the auction app reads it inside the worker.
#[test]
fn by_dfinity_vetkeys() -> Result<()> {
    if std::env::var_os("SOTTO_NODE_MODULES").is_none() {
        println!("a bid sealed in node: skipped, SOTTO_NODE_MODULES names no packages");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let network = Network::new(folder.path(), &[]);
    let up = network.up("error")?;
    let contract = up.said["contract"].as_str().context("no contract")?.to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(story(&network, folder.path(), &contract))
}

async fn story(network: &Network, folder: &std::path::Path, contract: &str) -> Result<()> {
    let gateway = Gateway::new(&network.gateway())?;
    let root = sotto_client::Network::from_genesis(&std::fs::read(folder.join("genesis"))?)?;
    let app = deploy(network, folder)?;
    let client = Client::connect(&network.rpc(), contract, 6).await?;
    let to = Recipient {
        app: app.parse()?,
        generation: Generation(1),
        chain: ChainId::from_caip2("eip155:31337"),
        contract: client.contract,
        consumer: client.account(),
        submitter: client.account(),
        context: Context(word(77)),
    };
    let envelope = seal_in_node(&root, &to, &word(1234))?;
    let hash = gateway.keep(envelope).await?;
    let payload = [word(1000), word(5000)].concat();
    let mut ask = plain(&app, 77, &payload, client.time().await? + 120)?;
    ask.submissions = vec![Submission {
        submitter: Address::from(client.account().address().context("no address")?),
        envelope: B256::from(hash.0),
    }];
    let number = client.ask(ask).await?;
    let id = RequestId::new(&to.chain, &client.contract, number);
    let line = gateway.wait_for(&id, Duration::from_secs(90)).await?;
    ensure!(line.progress == sotto_client::http::Progress::Settled, "{line:?}");
    let checked = root.check_receipt(&gateway.receipt(&id).await?)?;
    assert_eq!(checked.receipt.opened, 1, "the enclave opened it");
    let winner = client.account().0;
    assert_eq!(checked.result, [winner, word(1000)].concat(), "one valid bid pays the reserve");
    Ok(())
}

fn seal_in_node(root: &sotto_client::Network, to: &Recipient, payload: &[u8]) -> Result<Vec<u8>> {
    let sotto_types::Identity::Context(context) = to.identity() else { unreachable!() };
    let parameters = serde_json::json!({
        "vault_key": hex::encode(root.vault().to_bytes()),
        "network": hex::encode(root.id().0),
        "app": hex::encode(to.app.0),
        "path": "request",
        "identity": { "context": hex::encode(context.0) },
        "aad": {
            "generation": 1,
            "chain": hex::encode(to.chain.0),
            "consumer": hex::encode(to.consumer.0),
            "submitter": hex::encode(to.submitter.0),
            "context": hex::encode(to.context.0),
        },
        "payload": hex::encode(payload),
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/solidity/test/vetkeys.mjs");
    let output = Command::new("node").args([script, "seal", &parameters.to_string()]).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let envelope = hex::decode(said["envelope"].as_str().context("no envelope")?)?;
    ensure!(envelope.len() == 281, "{} bytes", envelope.len());
    Ok(envelope)
}

fn deploy(network: &Network, folder: &std::path::Path) -> Result<String> {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/auction");
    let owner = folder.join("owner.key").to_string_lossy().into_owned();
    let folder = folder.to_string_lossy().into_owned();
    let gateway = network.gateway();
    let deployed = crate::stage::json(&[
        "deploy",
        example,
        "--owner",
        &owner,
        "--gateway",
        &gateway,
        "--folder",
        &folder,
        "--json",
    ])?;
    Ok(deployed["app"].as_str().context("no app")?.to_owned())
}
