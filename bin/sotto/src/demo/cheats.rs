//! Ten ways of cheating, each tried for real and each refused: by the contract, by the ledger, by
//! an envelope that does not open, or by whoever checks a receipt.

use super::auction::{Lot, Settled, payload, place_copy, seal_bid, submissions};
use super::report::Report;
use super::stage::{ESCROW, ETHER, Stage, refusal};
use crate::bindings::{Sotto, auction::Auction, cheat::Cheat};
use alloy::primitives::{Address, B256, Bytes};
use alloy::sol_types::SolConstructor as _;
use anyhow::{Context as _, Result, ensure};
use rand::rngs::OsRng;
use sotto_chain_evm::deploy_code;
use sotto_crypto::sign::SigningKey;
use sotto_types::{
    Account, AppId, Ask, Assurance, Attempt, Context, Domain, Generation, Genesis, Hash, NetworkId,
    ReceiptBundle, Submission, Time, Wire as _, digest::ResultWords, digest::word,
};

/// Seconds a cheating request stays open.
const WINDOW: u64 = 300;

/// A request made by a contract that says anything.
pub(super) struct Made {
    contract: Account,
    ask: Ask,
}

impl Made {
    fn number(&self) -> u64 {
        self.ask.number
    }
}

/// Deploys a contract that hands any request on to the Sotto contract at `sotto`.
async fn liar(stage: &Stage, sotto: &Account) -> Result<Account> {
    let arguments = Cheat::constructorCall { sotto_: evm(sotto) };
    let code = [Cheat::BYTECODE.as_ref(), &arguments.abi_encode()].concat();
    Ok(stage.mallory.deploy(code).await?.0)
}

fn evm(account: &Account) -> Address {
    Address::from(account.address().unwrap_or_default())
}

/// What a request says, before it has a number.
fn ask(
    stage: &Stage,
    consumer: &Account,
    context: Context,
    submissions: Vec<Submission>,
    deadline: u64,
) -> Ask {
    let payload = payload();
    Ask {
        number: 0,
        consumer: *consumer,
        app: stage.auction_app,
        generation: Generation(1),
        context,
        submissions,
        payload_hash: Hash::of(&payload),
        payload,
        callback_gas: 0,
        assurance: Assurance::SINGLE,
        deadline: Time(deadline),
        escrow: ESCROW,
    }
}

fn encode(ask: &Ask) -> Cheat::requestCall {
    Cheat::requestCall {
        ask: crate::bindings::cheat::Cheat::Ask {
            app: B256::from(ask.app.0),
            generation: ask.generation.0,
            context: B256::from(ask.context.0),
            submissions: ask
                .submissions
                .iter()
                .map(|one| crate::bindings::cheat::Cheat::Submission {
                    submitter: evm(&one.submitter),
                    envelope: B256::from(one.envelope.0),
                })
                .collect(),
            payload: Bytes::from(ask.payload.clone()),
            payloadHash: B256::ZERO,
            callbackGas: ask.callback_gas,
            assurance: ask.assurance.0,
            deadline: ask.deadline.0,
        },
    }
}

/// Makes a request through the contract that says anything.
async fn make(stage: &Stage, mut ask: Ask, contract: Account) -> Result<Made> {
    let receipt = stage.mallory.call(&ask.consumer, &encode(&ask), ESCROW).await?;
    let made = receipt
        .logs
        .iter()
        .find(|log| log.contract == contract && log.topics.len() == 4)
        .and_then(|log| log.topics.get(1))
        .context("no request was made")?;
    let (_, last) = made.split_last_chunk::<8>().context("a topic is cut short")?;
    ask.number = u64::from_be_bytes(*last);
    Ok(Made { contract, ask })
}

/// A request that the network refuses, so that nobody answers it, open for `seconds`.
pub(super) async fn ask_unanswerable(stage: &Stage, seconds: u64) -> Result<Made> {
    let liar = liar(stage, &stage.local.contract).await?;
    let deadline = stage.chain_time().await? + seconds;
    let mut ask = ask(stage, &liar, Context(word(7)), Vec::new(), deadline);
    ask.app = AppId([0xee; 32]);
    make(stage, ask, stage.local.contract).await
}

/// Before bidding ends: a stranger takes the context, a bidder copies a bid, somebody closes early.
pub(super) async fn before_closing(
    stage: &Stage,
    lot: &Lot,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    now("Mallory cheats before the end of bidding");
    let early = stage.mallory.call(&lot.contract, &Auction::closeCall {}, ESCROW).await;
    report.refused("closed_early", refusal(early, "closed_early")?);

    let bobs = lot.envelopes.get(1).context("Bob did not bid")?;
    let gas = place_copy(stage, lot, bobs).await?;
    report.hop(
        "Mallory bids with a copy of Bob's envelope",
        "chain",
        "that the two envelopes are the same bytes".into(),
        Some(gas),
    );

    // She saw every envelope on the chain, so she hands the bytes in herself.
    for envelope in &lot.envelopes {
        stage.gateway.keep(envelope.clone()).await?;
    }
    let list = submissions(stage, lot).await?;
    let liar = liar(stage, &stage.local.contract).await?;
    let deadline = stage.chain_time().await? + WINDOW;
    let request = ask(stage, &liar, lot.context, list, deadline);
    let made = make(stage, request, stage.local.contract).await?;
    stage.reach(made.number(), "settled", now).await?;
    let opened = opened(stage, made.number()).await?;
    ensure!(opened == 0, "a stranger's request opened {opened} envelopes");
    report.refused(
        "context_taken",
        format!(
            "contexts belong to the contract that asks: the stranger's request {} was answered \
             under its own name, opened 0 of 6 envelopes, and took nothing from the auction's",
            made.number()
        ),
    );
    Ok(())
}

async fn opened(stage: &Stage, number: u64) -> Result<u32> {
    let bundle = stage.gateway.receipt(&stage.request_id(number)).await?;
    Ok(stage.network.check_receipt(&bundle)?.receipt.opened)
}

pub(super) async fn close_again(stage: &Stage, lot: &Lot, report: &mut Report) -> Result<()> {
    let again = stage.mallory.call(&lot.contract, &Auction::closeCall {}, ESCROW).await;
    report.refused("closed_twice", refusal(again, "closed_twice")?);
    Ok(())
}

/// After the auction: everything that can be tried with what is now public.
pub(super) async fn after_settling(
    stage: &Stage,
    lot: &Lot,
    settled: &Settled,
    late: Made,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    now("Mallory cheats after the auction");
    receipt_bit_flipped(stage, settled, report)?;
    bid_copied_to_other_request(stage, lot, report, now).await?;
    let open = bid_left_out(stage, report, now).await?;
    wrong_key(stage, &open, report).await?;
    wrong_network(stage, settled, report).await?;
    stage.until(late.ask.deadline.0, now, "a deadline passes").await?;
    let answer = fulfil(stage, &late, &SigningKey::generate(&mut OsRng), b"too late")?;
    let outcome = stage.mallory.call(&late.contract, &answer, sotto_types::Amount(0)).await;
    report.refused("late_result", refusal(outcome, "late_result")?);
    Ok(())
}

fn receipt_bit_flipped(stage: &Stage, settled: &Settled, report: &mut Report) -> Result<()> {
    let mut bundle = ReceiptBundle::decode(&settled.bundle)?;
    let middle = bundle.answer.value.len() / 2;
    let byte = bundle.answer.value.get_mut(middle).context("the receipt is empty")?;
    *byte ^= 1;
    let refused = stage.network.check_receipt(&bundle.encode());
    let why = refused.err().context("the attempt receipt_bit_flipped was not refused")?;
    report.refused("receipt_bit_flipped", why.to_string());
    Ok(())
}

async fn bid_copied_to_other_request(
    stage: &Stage,
    lot: &Lot,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<()> {
    let list = submissions(stage, lot).await?;
    let bobs: Vec<Submission> = list.into_iter().skip(1).take(1).collect();
    let liar = liar(stage, &stage.local.contract).await?;
    let deadline = stage.chain_time().await? + WINDOW;
    let request = ask(stage, &liar, Context(word(99)), bobs, deadline);
    let made = make(stage, request, stage.local.contract).await?;
    stage.reach(made.number(), "settled", now).await?;
    let opened = opened(stage, made.number()).await?;
    ensure!(opened == 0, "a copied envelope opened");
    report.refused(
        "bid_copied_to_other_request",
        format!(
            "the envelope is sealed to the auction's context and names its contract: in request \
             {} of another contract it did not open",
            made.number()
        ),
    );
    Ok(())
}

/// A lying auctioneer asks twice, the second time without one of the bids.
async fn bid_left_out(
    stage: &Stage,
    report: &mut Report,
    now: &(dyn Fn(&str) + Sync),
) -> Result<Made> {
    let liar = liar(stage, &stage.local.contract).await?;
    let context = Context(word(5));
    let mut list = Vec::new();
    for (bidder, amount) in stage.bidders.iter().take(3).zip(2..) {
        let envelope = seal_bid(stage, &liar, &context, bidder, amount * ETHER)?;
        let hash = stage.gateway.keep(envelope).await?;
        list.push(Submission { submitter: bidder.account(), envelope: hash });
    }
    let deadline = stage.chain_time().await? + WINDOW;
    let full = ask(stage, &liar, context, list.clone(), deadline);
    let full = make(stage, full, stage.local.contract).await?;
    list.pop();
    let short = ask(stage, &liar, context, list, deadline);
    let short = make(stage, short, stage.local.contract).await?;
    stage.reach(full.number(), "settled", now).await?;
    let why = stage.reach(short.number(), "refused", now).await?;
    report.refused("bid_left_out", why.context("the ledger gave no reason")?);
    Ok(short)
}

/// A result of this request, signed by whatever key.
fn fulfil(
    stage: &Stage,
    made: &Made,
    key: &SigningKey,
    result: &[u8],
) -> Result<Sotto::fulfilCall> {
    let network = stage.network.id();
    let domain = Domain::new(&network, &stage.chain, &made.contract);
    let digest = domain.result(&ResultWords {
        number: made.number(),
        request: &made.ask.hash(&domain),
        attempt: Attempt(1),
        app: &made.ask.app,
        generation: made.ask.generation,
        result: &Hash::of(result),
    });
    Ok(call(made, 1, result, &key.sign(&digest.0).0))
}

fn call(made: &Made, attempt: u32, result: &[u8], signature: &[u8; 65]) -> Sotto::fulfilCall {
    Sotto::fulfilCall {
        answer: Sotto::Answer {
            id: made.number(),
            attempt,
            app: B256::from(made.ask.app.0),
            generation: made.ask.generation.0,
            terms: B256::from(made.ask.terms().0),
            result: Bytes::copy_from_slice(result),
        },
        signature: Bytes::copy_from_slice(signature),
    }
}

async fn wrong_key(stage: &Stage, open: &Made, report: &mut Report) -> Result<()> {
    let answer = fulfil(stage, open, &SigningKey::generate(&mut OsRng), &[0; 64])?;
    let outcome = stage.mallory.call(&open.contract, &answer, sotto_types::Amount(0)).await;
    report.refused("wrong_key", refusal(outcome, "wrong_key")?);
    Ok(())
}

/// The genuine answer of this network, brought to the contract of another one.
async fn wrong_network(stage: &Stage, settled: &Settled, report: &mut Report) -> Result<()> {
    let genesis = Genesis { name: "another network".into(), ..stage.network.genesis().clone() };
    let other: NetworkId = genesis.id();
    let member = sotto_crypto::sign::PublicKey::from_bytes(
        genesis.members.first().context("the genesis has no member")?,
    )?;
    let members = [Account::from_address(member.address())];
    let (contract, _) = stage.mallory.deploy(deploy_code(&other, &members, 600)).await?;
    let liar = liar(stage, &contract).await?;
    let deadline = stage.chain_time().await? + WINDOW;
    let made = make(stage, ask(stage, &liar, Context(word(1)), vec![], deadline), contract).await?;
    let checked = stage.network.check_receipt(&settled.bundle)?;
    let bundle = ReceiptBundle::decode(&settled.bundle)?;
    let answered: sotto_ledger::state::Answered = sotto_ledger::view::parse(&bundle.answer.value)?;
    let genuine = call(&made, checked.receipt.attempt.0, &answered.result, &answered.signature);
    let outcome = stage.mallory.call(&contract, &genuine, sotto_types::Amount(0)).await;
    let on_chain = refusal(outcome, "wrong_network")?;
    let elsewhere = sotto_client::Network::from_genesis(&genesis.encode())?;
    let offline = elsewhere
        .check_receipt(&settled.bundle)
        .err()
        .context("another network believed the receipt")?;
    report.refused("wrong_network", format!("on chain: {on_chain}; offline: {offline}"));
    Ok(())
}
