use crate::client::{Ask, Client, ESCROW, plain};
use crate::stage::{Network, anvil, json, start_anvil};
use anyhow::{Context as _, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// On each of the two chains.
const KILLS: u32 = 25;
const REQUESTS: u64 = 100;
/// How long the network has to answer each request, restarts included.
const WINDOW: u64 = 150;

#[test]
fn on_the_embedded_chain() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let network = Network::new(folder.path(), &[]);
    let rpc = network.rpc();
    torment(&network, &rpc, folder.path(), 1)
}

#[test]
fn against_a_real_anvil() -> Result<()> {
    let Some(path) = anvil("killed at any moment, on anvil") else { return Ok(()) };
    let (_anvil, rpc) = start_anvil(&path)?;
    let key = hex::encode(sotto_devchain::dev_accounts()[1].private_key);
    let payee = sotto_devchain::dev_accounts()[2].address.to_string();
    let folder = tempfile::tempdir()?;
    let network = Network::new(folder.path(), &["--rpc", &rpc, "--key", &key, "--payee", &payee]);
    torment(&network, &rpc, folder.path(), 2)
}

/// Kills the network again and again while requests are made, then lets it come to rest, and
/// counts.
fn torment(network: &Network, rpc: &str, folder: &Path, seed: u64) -> Result<()> {
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut up = network.up("error")?;
    let contract = up.said["contract"].as_str().context("no contract")?.to_owned();
    let app = deploy(network, folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let client = runtime.block_on(Client::connect(rpc, &contract, 5))?;
    let payee =
        sotto_types::Account::from_address(sotto_devchain::dev_accounts()[2].address.into_array());
    let before = runtime.block_on(client.balance(&payee))?;
    for kill in 0..KILLS {
        let wanted = REQUESTS * u64::from(kill + 1) / u64::from(KILLS);
        let until = Instant::now() + Duration::from_millis(rng.gen_range(100..5_000));
        runtime.block_on(make_requests(&client, &app, wanted, until));
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        up.process.kill();
        if rng.gen_bool(0.4) {
            // Again, while it is still starting.
            let (mut process, mut out, _err) = network.spawn("off")?;
            std::thread::sleep(Duration::from_millis(rng.gen_range(10..2_500)));
            process.kill();
            let _ = out.read_to_end(&mut Vec::new());
        }
        up = network.up("error")?;
    }
    let late = Instant::now() + Duration::from_secs(60);
    runtime.block_on(make_requests(&client, &app, REQUESTS, late));
    runtime.block_on(come_to_rest(&client))?;
    runtime.block_on(count(network, &client, &payee, before))
}

fn deploy(network: &Network, folder: &Path) -> Result<String> {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hello");
    let owner = folder.join("owner.key").to_string_lossy().into_owned();
    let folder = folder.to_string_lossy().into_owned();
    let gateway = network.gateway();
    let deployed = json(&[
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

/// Makes requests until the contract counts `wanted`, or time is up, whatever fails on the way.
async fn make_requests(client: &Client, app: &str, wanted: u64, until: Instant) {
    while Instant::now() < until {
        let made = async {
            let (count, time, nonce) =
                (client.count().await?, client.time().await?, client.nonce().await?);
            // The account only asks, so its nonce counts what is already on its way.
            for next in count.max(nonce)..wanted {
                client.send(next, ask(app, next, time)?).await?;
            }
            anyhow::Ok(count >= wanted)
        };
        if matches!(made.await, Ok(true)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every tenth asks for an assurance that nobody offers: its escrow must come back.
fn ask(app: &str, next: u64, time: u64) -> Result<Ask> {
    let refused = next % 10 == 9;
    let mut ask = plain(app, next, b"again", time + if refused { 20 } else { WINDOW })?;
    if refused {
        ask.assurance = 0;
    }
    Ok(ask)
}

/// Waits until no request is open; refunds those that nobody answered in time.
async fn come_to_rest(client: &Client) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(WINDOW + 90);
    loop {
        let mut open = Vec::new();
        for number in 1..=client.count().await? {
            if client.status(number).await? == 1 {
                open.push(number);
            }
        }
        if open.is_empty() {
            return Ok(());
        }
        for number in &open {
            // Refused until its deadline has passed.
            let _ = client.refund(*number).await;
        }
        ensure!(Instant::now() < until, "still open: {open:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn count(
    network: &Network,
    client: &Client,
    payee: &sotto_types::Account,
    before: u128,
) -> Result<()> {
    let made = client.count().await?;
    ensure!(made == REQUESTS, "{made} requests were made");
    let until = Instant::now() + Duration::from_secs(90);
    let status = loop {
        let status = json(&["status", "--json", "--gateway", &network.gateway()])?;
        let chain = &status["chains"][0];
        let (_, _, paid) = client.ends().await?;
        let done = chain["credits"] == "0"
            && chain["outbox"] == 0
            && chain["paid"] == Value::String(paid.to_string())
            && chain["deposits"] == chain["paid"];
        if done {
            break status;
        }
        ensure!(Instant::now() < until, "the ledger does not come to rest: {chain}, {paid} paid");
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let (fulfilled, refunded, paid) = client.ends().await?;
    let ended: Vec<u64> = fulfilled.iter().chain(&refunded).copied().collect();
    let once: BTreeSet<u64> = ended.iter().copied().collect();
    ensure!(ended.len() == once.len(), "a request ended twice");
    ensure!(once == (1..=REQUESTS).collect(), "a request did not end");
    println!("{} results, {} refunds", fulfilled.len(), refunded.len());
    ensure!(!fulfilled.is_empty(), "nothing was ever answered");
    ensure!(refunded.len() >= 10, "what nobody offers was answered");

    let escrows = ESCROW.0 * fulfilled.len() as u128;
    assert_eq!(paid, escrows, "what was settled is what was paid");
    assert_eq!(status["chains"][0]["deposits"], escrows.to_string());
    assert_eq!(client.balance(&client.contract).await?, 0, "nothing is left in the contract");
    assert_eq!(client.balance(payee).await? - before, paid, "it reached the worker's account");
    Ok(())
}
