//! Calls, estimates, history, logs, filters and fees.

use super::*;
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    primitives::Log,
    rpc::types::{Filter, FilterChanges},
    sol_types::{SolError, SolEvent},
};
use serde_json::json;

#[tokio::test]
async fn a_revert_carries_its_data() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    let probe = rig.deploy().await;
    for method in ["eth_call", "eth_estimateGas"] {
        let ask = async |call: Vec<u8>| {
            let params = json!([{ "to": probe.address(), "data": Bytes::from(call) }]);
            let error = rig.rpc.raw_request::<_, Value>(method.into(), params).await.unwrap_err();
            let error = error.as_error_resp().unwrap().clone();
            let data = error
                .data
                .as_ref()
                .map(|data| serde_json::from_str::<Bytes>(data.get()).expect("hex data"));
            (error.code, error.message.to_string(), data)
        };
        let too_big = Probe::TooBig { got: U256::from(1001), most: U256::from(1000) };
        assert_eq!(
            ask(Probe::setCall { value: U256::from(1001) }.abi_encode()).await,
            (3, "execution reverted".to_owned(), Some(too_big.abi_encode().into()))
        );
        let (code, message, data) =
            ask(Probe::setCall { value: U256::from(13) }.abi_encode()).await;
        assert_eq!((code, &*message), (3, "execution reverted: unlucky"));
        assert!(data.unwrap().starts_with(&[0x08, 0xc3, 0x79, 0xa0]));
        let (code, message, data) =
            ask(Probe::overflowCall { value: U256::from(1) }.abi_encode()).await;
        assert_eq!(code, 3);
        assert!(message.contains("overflow"), "{message}");
        assert!(data.unwrap().starts_with(&[0x4e, 0x48, 0x7b, 0x71]));
        let (code, message, data) = ask(Probe::haltCall {}.abi_encode()).await;
        assert_eq!((code, &*message, data), (-32000, "invalid opcode: INVALID", None));
    }
    // What alloy makes of it.
    let error = probe.set(U256::from(1001)).call().await.unwrap_err();
    let decoded = error.as_decoded_error::<Probe::TooBig>().unwrap();
    assert_eq!(decoded.got, U256::from(1001));
    // A transaction that reverts or halts is mined, has no logs and status 0.
    for call in
        [Probe::setCall { value: U256::from(1001) }.abi_encode(), Probe::haltCall {}.abi_encode()]
    {
        let nonce = rig.rpc.get_transaction_count(account(1)).await.unwrap();
        let request = request(nonce).with_to(*probe.address()).with_input(call);
        let receipt = rig.send(1, request).await;
        assert!(!receipt.status());
        assert!(receipt.inner.logs().is_empty());
    }
    let nonce = rig.rpc.get_transaction_count(account(1)).await.unwrap();
    let receipt = rig.send(1, to_probe(nonce, *probe.address(), &Probe::spinCall {})).await;
    assert_eq!((receipt.status(), receipt.gas_used), (false, 3_000_000));
}

#[tokio::test]
async fn estimates_are_the_least_that_suffices() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    let probe = *rig.deploy().await.address();
    let estimate = async |request: TransactionRequest| rig.rpc.estimate_gas(request).await.unwrap();
    let from = TransactionRequest::default().with_from(account(1));
    let plain = from.clone().with_to(account(2)).with_value(U256::from(1));
    assert_eq!(estimate(plain).await, 21_000);
    let calls = [
        Probe::setCall { value: U256::from(9) }.abi_encode(),
        Probe::fillCall { from: U256::ZERO, count: U256::from(10) }.abi_encode(),
        // Refunds lower what is used, not what is needed.
        Probe::clearCall { from: U256::ZERO, count: U256::from(10) }.abi_encode(),
        // An inner call gets all but a 64th.
        Probe::innerCall { gasFor: U256::from(100_000) }.abi_encode(),
        Probe::childCall {}.abi_encode(),
    ];
    for (index, call) in calls.into_iter().enumerate() {
        let ask = from.clone().with_to(probe).with_input(call.clone());
        let gas = estimate(ask.clone()).await;
        let short = TransactionRequest { gas: Some(gas - 1), ..ask.clone() };
        let exact = TransactionRequest { gas: Some(gas), ..ask };
        assert!(rig.rpc.call(short).await.is_err(), "one less than {gas} also works: {index}");
        rig.rpc.call(exact).await.unwrap();
        let nonce = rig.rpc.get_transaction_count(account(1)).await.unwrap();
        let sent = request(nonce).with_to(probe).with_input(call).with_gas_limit(gas);
        assert!(rig.send(1, sent).await.status(), "{index}");
    }
    // Nobody can pay for more gas than they have money for.
    let poor = Address::repeat_byte(9);
    let ask = TransactionRequest::default().with_from(poor).with_to(account(0));
    let ask = ask.with_max_fee_per_gas(GWEI * 10);
    let error = refusal(rig.rpc.estimate_gas(ask).await.unwrap_err());
    assert_eq!(error.0, -32000);
    let spin = from.with_to(probe).with_input(Probe::spinCall {}.abi_encode());
    let error = refusal(rig.rpc.estimate_gas(spin).await.unwrap_err());
    assert_eq!(error.1, "gas required exceeds allowance (16777216)");
}

#[tokio::test]
async fn history_answers_with_the_state_of_its_block() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    let probe = rig.deploy().await;
    for value in 1..=300_u64 {
        let call = Probe::setCall { value: U256::from(100 + value) };
        rig.send(1, to_probe(value - 1, *probe.address(), &call).with_value(U256::from(1))).await;
    }
    assert_eq!(rig.height().await, 301);
    for block in [1, 2, 44, 150, 299, 300, 301_u64] {
        let want = if block == 1 { 5 } else { 99 + block };
        let id = BlockId::number(block);
        assert_eq!(probe.number().block(id).call().await.unwrap(), U256::from(want));
        let at = *probe.address();
        let slot = rig.rpc.get_storage_at(at, U256::ZERO).block_id(id).await.unwrap();
        assert_eq!(slot, U256::from(want));
        let balance = rig.rpc.get_balance(at).block_id(id).await.unwrap();
        assert_eq!(balance, U256::from(block - 1));
        let nonce = rig.rpc.get_transaction_count(account(1)).block_id(id).await.unwrap();
        assert_eq!(nonce, block - 1);
        let around = probe.around().block(id).call().await.unwrap();
        let header = rig.rpc.get_block(id).await.unwrap().unwrap().header;
        assert_eq!((around._0, around._1), (U256::from(block), U256::from(header.timestamp)));
        assert_eq!(around._4, header.parent_hash);
    }
    assert!(rig.rpc.get_code_at(*probe.address()).number(0).await.unwrap().is_empty());
    assert!(!rig.rpc.get_code_at(*probe.address()).number(1).await.unwrap().is_empty());
    let tagged = async |tag: BlockNumberOrTag| {
        probe.number().block(tag.into()).call().await.unwrap().to::<u64>()
    };
    assert_eq!(tagged(BlockNumberOrTag::Safe).await, 399);
    assert_eq!(tagged(BlockNumberOrTag::Finalized).await, 398);
    let number = async |tag: BlockNumberOrTag| {
        rig.rpc.get_block(tag.into()).await.unwrap().unwrap().header.number
    };
    assert_eq!(number(BlockNumberOrTag::Safe).await, 300);
    assert_eq!(number(BlockNumberOrTag::Finalized).await, 299);
    assert_eq!(number(BlockNumberOrTag::Earliest).await, 0);
    assert_eq!(number(BlockNumberOrTag::Pending).await, 302);
    let ahead = probe.number().block(BlockId::number(302)).call().await.unwrap_err();
    assert!(ahead.to_string().contains("header not found"), "{ahead}");
    assert_eq!(rig.rpc.get_block(302.into()).await.unwrap(), None);
}

#[tokio::test]
async fn the_pending_block_holds_what_waits() {
    let rig = Rig::mining(Mining::Manual).await;
    let raw = sign(0, request(0).with_deploy_code(probe_code(5))).await;
    let hash = rig.send_raw(&raw).await.unwrap();
    let probe = Probe::new(account(0).create(0), rig.rpc.clone());
    assert_eq!(probe.number().block(BlockId::pending()).call().await.unwrap(), U256::from(5));
    assert!(probe.number().block(BlockId::latest()).call().await.is_err());
    let block = rig.rpc.get_block(BlockId::pending()).await.unwrap().unwrap();
    assert_eq!(block.transactions.hashes().collect::<Vec<_>>(), [hash]);
    assert_eq!(rig.height().await, 0);
}

#[tokio::test]
async fn logs_are_found_by_address_topics_range_and_block() {
    let rig = Rig::start(Config {
        block_time: Mining::OnTransaction,
        max_log_range: 10,
        ..Config::default()
    })
    .await;
    let probe = rig.deploy().await;
    let other = rig.deploy().await;
    for value in [1_u64, 2, 3, 2] {
        probe.set(U256::from(value)).send().await.unwrap().get_receipt().await.unwrap();
    }
    let receipt = other.set(U256::from(2)).send().await.unwrap().get_receipt().await.unwrap();
    let found = async |filter: Filter| {
        let logs = rig.rpc.get_logs(&filter).await.unwrap();
        let values = logs.iter().map(|log| {
            let set = Probe::Set::decode_log(&log.inner).unwrap();
            (log.block_number.unwrap(), set.data.value.to::<u64>())
        });
        values.collect::<Vec<_>>()
    };
    let all = Filter::new().from_block(0);
    assert_eq!(found(all.clone()).await, [(3, 1), (4, 2), (5, 3), (6, 2), (7, 2)]);
    let mine = all.clone().address(*probe.address());
    assert_eq!(found(mine.clone()).await, [(3, 1), (4, 2), (5, 3), (6, 2)]);
    assert_eq!(found(mine.clone().from_block(4).to_block(5)).await, [(4, 2), (5, 3)]);
    let two = B256::from(U256::from(2));
    assert_eq!(found(all.clone().topic2(two)).await, [(4, 2), (6, 2), (7, 2)]);
    let either = vec![B256::from(U256::from(1)), B256::from(U256::from(3))];
    assert_eq!(found(mine.clone().topic2(either)).await, [(3, 1), (5, 3)]);
    let both = vec![*probe.address(), *other.address()];
    assert_eq!(found(all.clone().address(both)).await.len(), 5);
    let signature = Probe::Set::SIGNATURE_HASH;
    assert_eq!(found(mine.clone().event_signature(signature)).await.len(), 4);
    assert_eq!(found(mine.event_signature(B256::ZERO)).await, []);
    assert_eq!(found(Filter::new().at_block_hash(receipt.block_hash.unwrap())).await, [(7, 2)]);
    // Only the last block by default, nothing beyond the tip.
    assert_eq!(found(Filter::new()).await, [(7, 2)]);
    assert_eq!(found(Filter::new().from_block(8).to_block(9)).await, []);
    let refused = async |filter: Filter| refusal(rig.rpc.get_logs(&filter).await.unwrap_err());
    assert_eq!(refused(Filter::new().at_block_hash(B256::ZERO)).await.1, "unknown block");
    assert_eq!(refused(Filter::new().from_block(5).to_block(4)).await.0, -32602);
    rig.call("anvil_mine", json!([10])).await.unwrap();
    assert_eq!(
        refused(all).await,
        (-32602, "block range too large: 18 blocks, at most 10".to_owned())
    );
    assert_eq!(found(Filter::new().from_block(0).to_block(9)).await.len(), 5);
}

#[tokio::test]
async fn filters_tell_what_is_new() {
    let rig = Rig::mining(Mining::Manual).await;
    rig.send_raw(&sign(0, request(0).with_deploy_code(probe_code(5))).await).await.unwrap();
    rig.call("evm_mine", json!([])).await.unwrap();
    let probe = account(0).create(0);
    let logs = rig.rpc.new_filter(&Filter::new().address(probe)).await.unwrap();
    let blocks = rig.rpc.new_block_filter().await.unwrap();
    let arrivals = rig.rpc.new_pending_transactions_filter(false).await.unwrap();
    let call = Probe::emitManyCall { count: U256::from(2) };
    let hash = rig.send_raw(&sign(0, to_probe(1, probe, &call)).await).await.unwrap();
    let new = rig.rpc.get_filter_changes::<B256>(arrivals).await.unwrap();
    assert_eq!(new, [hash]);
    rig.call("evm_mine", json!([])).await.unwrap();
    let tip = rig.rpc.get_block(BlockId::latest()).await.unwrap().unwrap().header.hash;
    assert_eq!(rig.rpc.get_filter_changes::<B256>(blocks).await.unwrap(), [tip]);
    let new = rig.rpc.get_filter_changes::<alloy::rpc::types::Log>(logs).await.unwrap();
    let new: Vec<Log> = new.into_iter().map(|log| log.inner).collect();
    assert_eq!(new.len(), 2);
    let again = rig.rpc.get_filter_changes_dyn(logs).await.unwrap();
    assert!(matches!(again, FilterChanges::Empty), "{again:?}");
    assert!(rig.rpc.uninstall_filter(logs).await.unwrap());
    let gone = rig.rpc.get_filter_changes_dyn(logs).await.unwrap_err();
    assert_eq!(refusal(gone), (-32000, "filter not found".to_owned()));
}

#[tokio::test]
async fn fees_follow_eip_1559() {
    let rig = Rig::start(Config {
        block_time: Mining::OnTransaction,
        block_gas_limit: 42_000,
        ..Config::default()
    })
    .await;
    // Exactly the target leaves the base fee; an empty block lowers it by an eighth.
    rig.send(0, transfer(0, account(1), 1).with_max_priority_fee_per_gas(2 * GWEI)).await;
    rig.call("evm_mine", json!([])).await.unwrap();
    let history = rig.rpc.get_fee_history(2, BlockNumberOrTag::Latest, &[0.0, 100.0]).await;
    let history = history.unwrap();
    assert_eq!(history.oldest_block, 1);
    assert_eq!(history.base_fee_per_gas, [GWEI, GWEI, GWEI * 7 / 8]);
    assert_eq!(history.gas_used_ratio, [0.5, 0.0]);
    assert_eq!(history.reward.unwrap(), [vec![2 * GWEI; 2], vec![0; 2]]);
    assert_eq!(rig.rpc.get_gas_price().await.unwrap(), GWEI * 7 / 8 + GWEI);
    assert_eq!(rig.rpc.get_max_priority_fee_per_gas().await.unwrap(), GWEI);
    let bad = rig.call("eth_feeHistory", json!(["0x1", "latest", [50, 10]])).await.unwrap_err();
    assert_eq!(bad, (-32602, "invalid reward percentile".to_owned()));
    let beyond = rig.call("eth_feeHistory", json!(["0x1", "0x9", []])).await.unwrap_err();
    assert_eq!(beyond.1, "request beyond head block: requested 9, head 2");
}
