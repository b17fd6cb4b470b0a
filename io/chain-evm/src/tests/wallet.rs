use super::bed::{Cheat, ESCROW, EvmBed, mine};
use super::node::{KEYS, Node};
use crate::abi::{ARTIFACT, Sotto, address};
use crate::*;
use alloy::sol_types::SolCall as _;
use sotto_chain::conformance::{self, Callback, Testbed as _, members};
use sotto_chain::{RequestSource, ResultSink, SourceError};
use sotto_types::{Account, Amount, ChainEvent, Delivery, Finality, Hash, KeyEntry, NetworkId};
use std::time::Duration;

#[tokio::test]
async fn refusals_are_named_with_their_arguments() {
    let bed = EvmBed::new(Node::embedded().await).await.unwrap();
    let nonce = bed.user.nonce().await.unwrap();
    let calldata = Sotto::refundCall { id: 7 }.abi_encode();
    let refused = bed.user.submit(nonce, Some(&bed.sotto), calldata.clone(), Amount(0), &[]).await;
    let named = WalletError::Reverted("NotOpen(id: 7, status: 0)".into());
    assert_eq!(refused, Err(named.clone()));
    assert_eq!(bed.user.view(&bed.sotto, &calldata, &[]).await, Err(named));

    // Another contract's error is named by its own interface alone.
    let abi: serde_json::Value =
        serde_json::from_str(include_str!("../../../../contracts/solidity/artifacts/Cheat.json"))
            .unwrap();
    let abi = serde_json::from_value(abi["abi"].clone()).unwrap();
    let calldata = Cheat::onSottoResultCall { id: 1, result: Default::default() }.abi_encode();
    let refused = bed.user.view(&bed.consumer, &calldata, &[&abi]).await;
    let caller = address(&bed.user.account());
    assert_eq!(refused, Err(WalletError::Reverted(format!("NotSotto(caller: {caller})"))));

    // A failure on the chain itself costs its nonce and is told.
    let hash = bed
        .user
        .submit_with(
            nonce,
            Some(&bed.sotto),
            Sotto::refundCall { id: 7 }.abi_encode(),
            Amount(0),
            100_000,
        )
        .await
        .unwrap();
    mine(&bed.rpc, 1).await.unwrap();
    let receipt = bed.user.wait(hash).await.unwrap();
    assert!(!receipt.ok && receipt.gas > 21_000, "{receipt:?}");
    assert_eq!(bed.user.nonce().await, Ok(nonce + 1));
}

#[tokio::test]
async fn deploys_calls_and_reads_back() {
    let bed = EvmBed::new(Node::embedded().await).await.unwrap();
    let bed = &bed;
    let view = |call: Vec<u8>| async move { bed.user.view(&bed.sotto, &call, &[]).await.unwrap() };
    let threshold = view(Sotto::thresholdCall {}.abi_encode()).await;
    assert_eq!(Sotto::thresholdCall::abi_decode_returns(&threshold).unwrap().to::<u64>(), 3);
    let found = view(Sotto::membersCall {}.abi_encode()).await;
    let found = Sotto::membersCall::abi_decode_returns(&found).unwrap();
    assert_eq!(found, members().iter().map(address).collect::<Vec<_>>());

    let deadline = bed.source().head(Finality::Instant).await.unwrap().time.0 + 100;
    let before = bed.user.balance(&bed.user.account()).await.unwrap();
    let receipt =
        bed.act(Some(&bed.consumer), bed.request(Callback::None, deadline), ESCROW).await.unwrap();
    assert_eq!(receipt.logs.len(), 1);
    assert_eq!(receipt.logs[0].contract, bed.sotto);
    let after = bed.user.balance(&bed.user.account()).await.unwrap();
    assert!(before.0 - after.0 > ESCROW.0);
    assert_eq!(bed.user.balance(&bed.sotto).await, Ok(ESCROW));
}

#[tokio::test]
async fn nobody_home_is_said() {
    let url = "http://127.0.0.1:1";
    let key = Key::from_hex(KEYS[0]).unwrap();
    let wallet = Wallet::connect(url, key, Duration::from_secs(2)).await;
    assert!(matches!(wallet.err(), Some(WalletError::Node(why)) if why.contains("connect")));
    let place = Account::from_address([1; 20]);
    let refused = EvmChain::connect(Config::new("ws://127.0.0.1:1", place)).await.err();
    assert!(matches!(refused, Some(ConnectError::Url(_))), "{refused:?}");
    let long = Account([1; 32]);
    let refused = EvmChain::connect(Config::new(url, long)).await.err();
    assert_eq!(refused, Some(ConnectError::Contract(long)));
    let refused = EvmChain::connect(Config::new(url, place)).await.err();
    assert!(matches!(refused, Some(ConnectError::Node(_))), "{refused:?}");
}

#[tokio::test]
async fn another_address_is_no_sotto_contract() {
    let bed = EvmBed::new(Node::embedded().await).await.unwrap();
    let empty = Account::from_address([0x99; 20]);
    let chain = EvmChain::connect(Config::new(&bed.url, empty)).await.unwrap();
    let refused = chain.identity().await;
    assert!(matches!(refused, Err(SourceError::NoContract(_))), "{refused:?}");
    // A contract, but another one.
    let chain = EvmChain::connect(Config::new(&bed.url, bed.consumer)).await.unwrap();
    assert!(chain.identity().await.is_err());
    // Reading needs no key, writing does.
    let built = chain.void();
    let fee = chain.fee().await.unwrap();
    assert_eq!(chain.sign(&built, 0, &fee), Err(sotto_chain::SinkError::NoSigner));
}

#[tokio::test]
async fn finality_is_as_asked() {
    let bed = EvmBed::new(Node::embedded().await).await.unwrap();
    bed.advance(10, 10).await.unwrap();
    let source = bed.source();
    let head = source.head(Finality::Instant).await.unwrap();
    let deep = source.head(Finality::Depth(4)).await.unwrap();
    let tagged = source.head(Finality::Finalized).await.unwrap();
    assert_eq!((deep.height, tagged.height), (head.height - 4, head.height - 2));
    assert_eq!(source.block(deep.height).await, Ok(Some(deep)));
    assert_eq!(source.block(head.height + 1).await, Ok(None));
    let parent = source.block(head.height - 1).await.unwrap().unwrap();
    assert_eq!(head.parent, parent.hash);
}

#[tokio::test]
async fn a_change_of_keys_made_by_another_contract_is_seen() {
    let bed = EvmBed::new(Node::embedded().await).await.unwrap();
    let source = bed.source();
    let begin = source.head(Finality::Instant).await.unwrap();
    let domain = bed.place().domain();
    let change = |nonce: u64| {
        let key = conformance::result_key();
        let entry = KeyEntry { app: conformance::APP, key, expiry: begin.time.plus(1_000) };
        let signatures = conformance::prove(&domain.keys(nonce, std::slice::from_ref(&entry)));
        Delivery::Keys { nonce, entries: vec![entry], signatures }
    };
    let direct = crate::abi::calldata(&change(1));
    bed.act(Some(&bed.sotto), direct, Amount(0)).await.unwrap();
    let indirect = super::bed::caller(&bed.sotto, &crate::abi::calldata(&change(2)));
    bed.act(None, indirect, Amount(0)).await.unwrap();
    let head = source.head(Finality::Instant).await.unwrap();
    let events = source.events(begin.height + 1..=head.height).await;
    let due = vec![ChainEvent::KeysSet { nonce: 1 }, ChainEvent::KeysSet { nonce: 2 }];
    assert_eq!(events, Ok(due));
}

#[tokio::test]
async fn envelopes_are_looked_for_so_far_and_no_further() {
    let bed = EvmBed::new(Node::embedded().await).await.unwrap();
    let consumer = bed.publish(b"sealed").await.unwrap();
    bed.advance(20, 20).await.unwrap();
    let hash = Hash::of(b"sealed");
    let upto = bed.source().head(Finality::Instant).await.unwrap().height;
    let found = async |max_range, lookback, start| {
        let config = Config::new(&bed.url, bed.sotto);
        let config = Config { max_range, lookback, start, ..config };
        let chain = EvmChain::connect(config).await.unwrap();
        chain.published(&consumer, &[hash], upto).await.unwrap().len()
    };
    assert_eq!(found(3, 1_000, 0).await, 1);
    assert_eq!(found(1, 20, 0).await, 1);
    assert_eq!(found(3, 19, 0).await, 0);
    assert_eq!(found(3, 1_000, upto - 20).await, 1);
    assert_eq!(found(3, 1_000, upto - 19).await, 0);
}

#[test]
fn keys_are_read_strictly() {
    assert!(Key::from_hex(KEYS[0]).is_ok());
    assert!(Key::from_hex(&format!("0x{}\n", KEYS[0])).is_ok());
    assert_eq!(Key::from_hex("").err(), Some(BadKey));
    assert_eq!(Key::from_hex(&KEYS[0][1..]).err(), Some(BadKey));
    assert_eq!(Key::from_bytes(&[0; 32]).err(), Some(BadKey));
    assert_eq!(Key::from_bytes(&[0xff; 32]).err(), Some(BadKey));
}

#[test]
fn the_code_is_the_artifacts() {
    let artifact: serde_json::Value = serde_json::from_str(ARTIFACT).unwrap();
    let code = hex::encode(deploy_code(&NetworkId([7; 32]), &members(), 7_200));
    let bytecode = artifact["bytecode"]["object"].as_str().unwrap();
    let arguments = code.strip_prefix(bytecode.trim_start_matches("0x")).unwrap();
    // network, offset, lifetime, count, four members
    assert_eq!(arguments.len(), 8 * 64);
    assert!(arguments.starts_with(&"07".repeat(32)));
    assert!(!deployed_code().is_empty());
    assert!(sotto_abi().error("NotOpen").is_some());
}
