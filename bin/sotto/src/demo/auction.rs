//! The honest story: five bidders, one lot, second price.

use super::report::{Report, sealed};
use super::stage::{Actor, ESCROW, ETHER, Stage};
use crate::bindings::{Sotto, auction::Auction, hello::Hello};
use crate::local::show;
use crate::screen::{ether, short};
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::{SolConstructor as _, SolEvent as _};
use anyhow::{Context as _, Result, ensure};
use rand::rngs::OsRng;
use sotto_client::Recipient;
use sotto_types::{Account, Amount, Context, Generation, Hash, Submission, digest::word};
use std::time::Duration;

/// The least a bid may be, and the most: everybody's deposit.
const RESERVE: u128 = ETHER;
const DEPOSIT: u128 = 5 * ETHER;
/// Seconds from the deployment to the end of bidding.
const BIDDING: u64 = 24;
/// Seconds the network has to answer.
const WINDOW: u32 = 600;
/// Gas for the auction's callback.
const CALLBACK_GAS: u32 = 200_000;
/// In hundredths of an ether, by bidder. Carol's is below the reserve.
const BIDS: [u128; 5] = [300, 420, 50, 390, 250];

/// The auction while it goes on.
pub(super) struct Lot {
    pub(super) contract: Account,
    pub(super) context: Context,
    pub(super) ends: u64,
    /// Envelopes on the chain, by bidder.
    pub(super) envelopes: Vec<Vec<u8>>,
    pub(super) request: u64,
}

/// A settled auction, as the network proves it.
pub(super) struct Settled {
    pub(super) bundle: Vec<u8>,
}

pub(super) fn payload() -> Vec<u8> {
    [word(RESERVE), word(DEPOSIT)].concat()
}

/// Seals a bid for whatever contract it goes to.
pub(super) fn seal_bid(
    stage: &Stage,
    consumer: &Account,
    context: &Context,
    bidder: &Actor,
    amount: u128,
) -> Result<Vec<u8>> {
    let to = Recipient {
        app: stage.auction_app,
        generation: Generation(1),
        chain: stage.chain,
        contract: stage.local.contract,
        consumer: *consumer,
        submitter: bidder.account(),
        context: *context,
    };
    Ok(stage.network.seal(&to, &word(amount), &mut OsRng)?)
}

pub(super) async fn open(
    stage: &Stage,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<Lot> {
    now("the seller deploys the auction");
    let context = Context(word(1));
    let ends = stage.chain_time().await? + BIDDING;
    let arguments = Auction::constructorCall {
        sotto_: Address::from(stage.local.contract.address().unwrap_or_default()),
        app_: B256::from(stage.auction_app.0),
        generation_: 1,
        reserve_: U256::from(RESERVE),
        deposit_: U256::from(DEPOSIT),
        biddingEnds_: ends,
        resultWindow_: WINDOW,
        callbackGas_: CALLBACK_GAS,
        context_: B256::from(context.0),
    };
    let code = [Auction::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
    let (contract, receipt) = stage.seller.deploy(code).await?;
    report.hop(
        "The seller opens an auction",
        "chain",
        format!("reserve {}, deposit {}", ether(RESERVE), ether(DEPOSIT)),
        Some(receipt.gas),
    );
    Ok(Lot { contract, context, ends, envelopes: Vec::new(), request: 0 })
}

pub(super) async fn bid(
    stage: &Stage,
    lot: &mut Lot,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    now("five bidders seal their bids and send them");
    for (bidder, hundredths) in stage.bidders.iter().zip(BIDS) {
        let amount = hundredths * ETHER / 100;
        lot.envelopes.push(seal_bid(stage, &lot.contract, &lot.context, bidder, amount)?);
    }
    let first = seal_bid(stage, &lot.contract, &lot.context, alice(stage)?, 2 * ETHER)?;
    // Alice thinks again: her second bid replaces her first.
    place(alice(stage)?, lot, &first, Amount(DEPOSIT)).await?;
    let mut sent = Vec::new();
    for (bidder, envelope) in stage.bidders.iter().zip(&lot.envelopes) {
        let again = bidder.name == "Alice";
        let value = if again { Amount(0) } else { Amount(DEPOSIT) };
        let call = Auction::bidCall { envelope: envelope.clone().into() };
        sent.push((bidder, envelope, bidder.send(&lot.contract, &call, value, 400_000).await?));
    }
    for (bidder, envelope, hash) in sent {
        let receipt = bidder.wait(hash).await?;
        ensure!(receipt.ok, "{}'s bid was refused", bidder.name);
        report.gas.bid = receipt.gas;
        let does = if bidder.name == "Alice" { "bids again, replacing her first" } else { "bids" };
        report.hop(
            &format!("{} {does}", bidder.name),
            "chain",
            format!("{} and {}; {}", bidder.name, ether(DEPOSIT), sealed(envelope)),
            Some(receipt.gas),
        );
    }
    Ok(())
}

fn alice(stage: &Stage) -> Result<&Actor> {
    stage.bidders.first().context("there are no bidders")
}

async fn place(bidder: &Actor, lot: &Lot, envelope: &[u8], value: Amount) -> Result<u64> {
    let call = Auction::bidCall { envelope: envelope.to_vec().into() };
    Ok(bidder.call(&lot.contract, &call, value).await?.gas)
}

/// Puts a copied envelope among the bids, as its own.
pub(super) async fn place_copy(stage: &Stage, lot: &Lot, envelope: &[u8]) -> Result<u64> {
    place(&stage.mallory, lot, envelope, Amount(DEPOSIT)).await
}

/// The list as the contract has it.
pub(super) async fn submissions(stage: &Stage, lot: &Lot) -> Result<Vec<Submission>> {
    let list = stage.seller.view(&lot.contract, &Auction::submissionsCall {}).await?;
    Ok(list
        .into_iter()
        .map(|one| Submission {
            submitter: Account::from_address(one.submitter.into_array()),
            envelope: Hash(one.envelope.0),
        })
        .collect())
}

pub(super) async fn close(
    stage: &Stage,
    lot: &mut Lot,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    stage.until(lot.ends, now, "bidding goes on").await?;
    now("anyone closes the auction");
    let receipt = stage.seller.call(&lot.contract, &Auction::closeCall {}, ESCROW).await?;
    lot.request = stage.number(&receipt)?;
    report.gas.request = receipt.gas;
    report.hop(
        "The auction closes: it asks Sotto",
        "chain",
        format!("who bid, hashes of envelopes, {} escrow; no amounts", ether(ESCROW.0)),
        Some(receipt.gas),
    );
    Ok(())
}

pub(super) async fn settle(
    stage: &Stage,
    lot: &Lot,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<Settled> {
    stage.reach(lot.request, "settled", now).await?;
    report.hop(
        "The ledger records, assigns and grants",
        "council",
        "the request's hashes, which worker; a 192-byte share encrypted to its enclave".into(),
        None,
    );
    let bundle = stage.gateway.receipt(&stage.request_id(lot.request)).await?;
    let checked = stage.network.check_receipt(&bundle)?;
    report.hop(
        "The worker opens the bids and runs the app",
        "worker's host",
        format!("{} envelopes, fuel {}; the answer it carries", 6, checked.receipt.fuel),
        None,
    );
    let settling = stage.settling(&[lot.request]).await?;
    let (hash, gas) = settling.first().context("the chain shows no settlement")?;
    report.gas.fulfil = *gas;
    report.hop(
        "The result settles, the consumer is called back",
        "chain",
        format!("winner and price, in transaction {}", short(&hash.to_string())),
        Some(*gas),
    );
    // Six bids were handed in; Mallory's copy must not have opened.
    ensure!(checked.receipt.opened == 5, "{} envelopes opened", checked.receipt.opened);
    report.refused(
        "bid_copied_by_bidder",
        "the envelope names Bob as its submitter and does not open for Mallory: of 6 handed in, \
         5 opened"
            .into(),
    );
    let (winner, price) = known(stage, lot).await?;
    let bob = stage.bidders.get(1).context("there is no Bob")?;
    ensure!(winner == bob.address(), "the winner is {winner}");
    ensure!(price == 390 * ETHER / 100, "the price is {price}");
    report.winner = winner.to_checksum(None);
    report.price = price.to_string();
    report.receipt = hex::encode(&bundle);
    report.receipt_text = checked.to_string();
    report.verified = true;
    Ok(Settled { bundle })
}

/// What the consumer contract says it knows.
async fn known(stage: &Stage, lot: &Lot) -> Result<(Address, u128)> {
    let winner = stage.seller.view(&lot.contract, &Auction::winnerCall {}).await?;
    let price = stage.seller.view(&lot.contract, &Auction::priceCall {}).await?;
    Ok((winner, price.try_into()?))
}

/// Thirty-two further requests, settled together.
pub(super) async fn many_more(
    stage: &Stage,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    now("thirty-two further requests");
    let arguments = Hello::constructorCall {
        sotto_: Address::from(stage.local.contract.address().unwrap_or_default()),
        app_: B256::from(stage.hello_app.0),
        generation_: 1,
    };
    let code = [Hello::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
    let (hello, _) = stage.seller.deploy(code).await?;
    let deadline = stage.chain_time().await? + u64::from(WINDOW);
    let mut sent = Vec::new();
    for number in 0..32_u64 {
        let call = Hello::askCall {
            context: B256::from(word(number.into())),
            payload: format!("number {number}").into_bytes().into(),
            callbackGas: 50_000,
            deadline,
        };
        sent.push(stage.seller.send(&hello, &call, ESCROW, 300_000).await?);
    }
    let mut numbers = Vec::new();
    for hash in sent {
        let receipt = stage.seller.wait(hash).await?;
        ensure!(receipt.ok, "one of the further requests was refused");
        numbers.push(stage.number(&receipt)?);
    }
    for number in &numbers {
        stage.reach(*number, "settled", now).await?;
    }
    let settling = stage.settling(&numbers).await?;
    let gas: u64 = settling.iter().map(|(_, gas)| gas).sum();
    report.gas.batch32_each = gas / 32;
    report.gas.batch32_transactions = settling.len();
    report.hop(
        "32 further requests settle together",
        "chain",
        format!("32 answers under one signature, in {} transaction(s)", settling.len()),
        Some(gas),
    );
    Ok(())
}

/// The worker's share of all escrows reaches its account.
pub(super) async fn pay_out(
    stage: &Stage,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    now("the ledger pays the worker out");
    let until = tokio::time::Instant::now() + Duration::from_secs(90);
    loop {
        let status = stage.local.node.status()?;
        let chain = status.chains.first().context("the ledger knows no chain")?;
        let paid = stage.seller.balance(&stage.payee).await?.saturating_sub(stage.payee_before);
        if chain.credits == "0" && chain.outbox == 0 && paid.to_string() == chain.deposits {
            report.paid_to_worker = format!("{} at {}", ether(paid), show(&stage.payee));
            let gas = paid_gas(stage).await?;
            report.hop(
                "The ledger pays the worker out",
                "chain",
                format!("{} from the network's account, to one address", ether(paid)),
                gas,
            );
            return Ok(());
        }
        ensure!(
            tokio::time::Instant::now() < until,
            "the worker is not paid: deposits {}, credits {}, on its account {paid}",
            chain.deposits,
            chain.credits
        );
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

async fn paid_gas(stage: &Stage) -> Result<Option<u64>> {
    stage.gas_of_event(Sotto::Paid::SIGNATURE_HASH).await
}
