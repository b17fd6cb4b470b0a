//! Sending transactions, what they do, and which are refused.

use super::*;
use crate::Error;
use alloy::{
    consensus::{TxType, proofs},
    eips::{BlockId, eip2930::AccessList},
    primitives::address,
    signers::SignerSync,
};
use std::time::{Duration, Instant};

const STRANGER: Address = address!("00000000000000000000000000000000000c0ffe");

#[tokio::test]
async fn every_transaction_type_is_mined_with_an_exact_receipt() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    let legacy = TransactionRequest::default()
        .with_chain_id(31_337)
        .with_nonce(0)
        .with_to(STRANGER)
        .with_value(U256::from(1))
        .with_gas_limit(21_000)
        .with_gas_price(3 * GWEI);
    let listed = TransactionRequest { access_list: Some(AccessList::default()), ..legacy.clone() };
    let sent = [
        (TxType::Legacy, legacy),
        (TxType::Eip2930, listed.with_nonce(1)),
        (TxType::Eip1559, transfer(2, STRANGER, 1)),
    ];
    let before = rig.rpc.get_balance(account(0)).await.unwrap();
    let mut spent = U256::ZERO;
    for (index, (kind, request)) in sent.into_iter().enumerate() {
        let receipt = rig.send(0, request).await;
        assert!(receipt.status());
        assert_eq!(receipt.inner.tx_type(), kind);
        assert_eq!(receipt.gas_used, 21_000);
        assert_eq!(receipt.block_number, Some(index as u64 + 1));
        assert_eq!(receipt.contract_address, None);
        let block = rig.rpc.get_block(receipt.block_hash.unwrap().into()).await.unwrap().unwrap();
        let base = u128::from(block.header.base_fee_per_gas.unwrap());
        let price = if kind == TxType::Eip1559 { base + GWEI } else { 3 * GWEI };
        assert_eq!(receipt.effective_gas_price, price);
        spent += U256::from(price) * U256::from(21_000) + U256::from(1);
    }
    assert_eq!(rig.rpc.get_balance(STRANGER).await.unwrap(), U256::from(3));
    assert_eq!(rig.rpc.get_balance(account(0)).await.unwrap(), before - spent);
}

#[tokio::test]
async fn a_delegation_is_set_and_its_code_runs() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    let probe = rig.deploy().await;
    let authorization = alloy::eips::eip7702::Authorization {
        chain_id: U256::from(31_337),
        address: *probe.address(),
        nonce: 0,
    };
    let signature = signer(3).sign_hash_sync(&authorization.signature_hash()).unwrap();
    let mut request = to_probe(0, account(3), &Probe::setCall { value: U256::from(77) });
    request.authorization_list = Some(vec![authorization.into_signed(signature)]);
    let receipt = rig.send(2, request).await;
    assert!(receipt.status());
    assert_eq!(receipt.inner.tx_type(), TxType::Eip7702);
    let own = Probe::new(account(3), rig.rpc.clone());
    assert_eq!(own.number().call().await.unwrap(), U256::from(77));
    assert_eq!(rig.rpc.get_transaction_count(account(3)).await.unwrap(), 1);
    // An account with a delegation may still send.
    assert!(rig.send(3, transfer(1, STRANGER, 1)).await.status());
}

#[tokio::test]
async fn alloy_deploys_calls_and_waits_with_its_own_fillers() {
    let rig = Rig::mining(Mining::Interval(Duration::from_millis(100))).await;
    let client = wallet_client(&rig.chain.url(), 4);
    let deploy = TransactionRequest::default().with_deploy_code(probe_code(5));
    let receipt = client.send_transaction(deploy).await.unwrap().get_receipt().await.unwrap();
    let probe = Probe::new(receipt.contract_address.unwrap(), client.clone());
    assert_eq!(receipt.contract_address, Some(account(4).create(0)));
    assert_eq!(probe.number().call().await.unwrap(), U256::from(5));
    let receipt = probe.set(U256::from(42)).send().await.unwrap().get_receipt().await.unwrap();
    assert!(receipt.status());
    assert_eq!(probe.number().call().await.unwrap(), U256::from(42));
    let set = receipt.decoded_log::<Probe::Set>().unwrap();
    assert_eq!((set.by, set.value), (account(4), U256::from(42)));
}

#[tokio::test]
async fn a_block_commits_to_its_transactions_and_receipts() {
    let rig = Rig::mining(Mining::Manual).await;
    for from in 0..5 {
        let raw = sign(from, request(0).with_deploy_code(probe_code(1))).await;
        rig.send_raw(&raw).await.unwrap();
    }
    let probe = account(0).create(0);
    rig.send_raw(&sign(0, to_probe(1, probe, &Probe::emitManyCall { count: U256::from(3) })).await)
        .await
        .unwrap();
    rig.send_raw(&sign(0, to_probe(2, probe, &Probe::emitManyCall { count: U256::from(2) })).await)
        .await
        .unwrap();
    rig.call("evm_mine", serde_json::json!([])).await.unwrap();
    let block = rig.rpc.get_block(BlockId::latest()).full().await.unwrap().unwrap();
    let txs: Vec<_> = block.transactions.txns().map(|tx| tx.inner.inner().clone()).collect();
    assert_eq!(txs.len(), 7);
    assert_eq!(block.header.inner.hash_slow(), block.header.hash);
    assert_eq!(block.header.transactions_root, proofs::calculate_transaction_root(&txs));
    let receipts = rig.rpc.get_block_receipts(BlockId::latest()).await.unwrap().unwrap();
    let bare: Vec<_> =
        receipts.iter().map(|one| one.inner.clone().map_logs(|log| log.inner)).collect();
    assert_eq!(block.header.receipts_root, proofs::calculate_receipt_root(&bare));
    let (mut gas, mut logs) = (0, 0);
    for (index, receipt) in receipts.iter().enumerate() {
        gas += receipt.gas_used;
        assert_eq!(receipt.inner.cumulative_gas_used(), gas);
        assert_eq!(receipt.transaction_index, Some(index as u64));
        for log in receipt.inner.logs() {
            assert_eq!(log.log_index, Some(logs));
            assert!(block.header.logs_bloom.contains_raw_log(log.address(), log.topics()));
            logs += 1;
        }
    }
    assert_eq!((gas, logs), (block.header.gas_used, 5));
    let size = alloy::consensus::Block::rlp_length_for(
        &block.header.inner,
        &alloy::consensus::BlockBody {
            transactions: txs,
            ommers: Vec::<alloy::consensus::Header>::new(),
            withdrawals: Some(Default::default()),
        },
    );
    assert_eq!(block.header.size, Some(U256::from(size)));
}

#[tokio::test]
async fn refusals_are_in_the_words_clients_know() {
    let rig = Rig::start(Config {
        block_time: Mining::Manual,
        block_gas_limit: 20_000_000,
        ..Config::default()
    })
    .await;
    let refused = async |from: usize, request: TransactionRequest| {
        let (code, message) = rig.send_raw(&sign(from, request).await).await.unwrap_err();
        assert_eq!(code, -32000, "{message}");
        message
    };
    assert_eq!(
        refused(0, transfer(0, STRANGER, 1).with_chain_id(1)).await,
        "invalid sender: invalid chain id for signer: have 1 want 31337"
    );
    assert_eq!(
        refused(0, transfer(0, STRANGER, 1).with_gas_limit(20_999)).await,
        "intrinsic gas too low: gas 20999, minimum needed 21000"
    );
    // 1,000 non-zero bytes: 21,000 + 16,000 to begin with, but at least 21,000 + 40,000 in all.
    let bulky = request(0).with_to(STRANGER).with_input(vec![1; 1_000]);
    assert_eq!(
        refused(0, bulky.clone().with_gas_limit(37_000)).await,
        "insufficient gas for floor data gas cost: gas 37000, minimum needed 61000"
    );
    assert_eq!(
        refused(0, transfer(0, STRANGER, 1).with_gas_limit(16_777_217)).await,
        "transaction gas limit too high (cap: 16777216, tx: 16777217)"
    );
    assert_eq!(
        refused(0, transfer(0, STRANGER, 1).with_max_fee_per_gas(GWEI / 2)).await,
        format!(
            "max priority fee per gas higher than max fee per gas: address {}, \
             maxPriorityFeePerGas: 1000000000, maxFeePerGas: 500000000",
            account(0)
        )
    );
    let rich = request(0).with_to(STRANGER).with_gas_limit(21_000);
    assert_eq!(
        refused(0, rich.with_value(U256::from(10_u64).pow(U256::from(22)))).await,
        "insufficient funds for gas * price + value: balance 10000000000000000000000, \
         tx cost 10000000210000000000000, overshot 210000000000000"
    );
    assert!(
        refused(0, request(0).with_deploy_code(vec![0; 49_153]))
            .await
            .starts_with("max initcode size exceeded: code size 49153, limit 49152")
    );
    let long = rig.send_raw(&vec![2; 131_073].into()).await.unwrap_err();
    assert_eq!(long.1, "oversized data: transaction size 131073, limit 131072");
    assert_eq!(rig.send_raw(&vec![3, 0xc0].into()).await.unwrap_err().0, -32000);
    // The bulky one is fine with enough gas, at the exact floor.
    rig.send_raw(&sign(0, bulky.with_gas_limit(61_000)).await).await.unwrap();
    let small = Rig::start(Config {
        block_time: Mining::Manual,
        block_gas_limit: 1_000_000,
        ..Config::default()
    })
    .await;
    let over = sign(0, transfer(0, STRANGER, 1).with_gas_limit(1_000_001)).await;
    assert_eq!(small.send_raw(&over).await.unwrap_err().1, "exceeds block gas limit");
}

#[tokio::test]
async fn nonces_queue_replace_and_run_out() {
    let rig = Rig::mining(Mining::Manual).await;
    let pending = async || rig.rpc.get_transaction_count(account(0)).pending().await.unwrap();
    let first = sign(0, transfer(0, STRANGER, 1)).await;
    rig.send_raw(&first).await.unwrap();
    assert_eq!(rig.send_raw(&first).await.unwrap_err().1, "already known");
    // A gap: 2 waits for 1.
    rig.send_raw(&sign(0, transfer(2, STRANGER, 4)).await).await.unwrap();
    assert_eq!(pending().await, 1);
    let status = rig.call("txpool_status", serde_json::json!([])).await.unwrap();
    assert_eq!(status, serde_json::json!({ "pending": "0x1", "queued": "0x1" }));
    rig.send_raw(&sign(0, transfer(1, STRANGER, 2)).await).await.unwrap();
    assert_eq!(pending().await, 3);
    // Both fees must rise by a tenth.
    let bid = |fee: u128, tip: u128| {
        transfer(0, STRANGER, 8).with_max_fee_per_gas(fee).with_max_priority_fee_per_gas(tip)
    };
    for (fee, tip) in
        [(11 * GWEI - 1, 2 * GWEI), (20 * GWEI, GWEI), (20 * GWEI, GWEI * 11 / 10 - 1)]
    {
        let refused = rig.send_raw(&sign(0, bid(fee, tip)).await).await.unwrap_err();
        assert_eq!(refused.1, "replacement transaction underpriced", "{fee} {tip}");
    }
    rig.send_raw(&sign(0, bid(11 * GWEI, GWEI * 11 / 10)).await).await.unwrap();
    rig.call("evm_mine", serde_json::json!([])).await.unwrap();
    assert_eq!(rig.rpc.get_balance(STRANGER).await.unwrap(), U256::from(14));
    let low = rig.send_raw(&first).await.unwrap_err();
    assert_eq!(low, (-32000, "nonce too low: next nonce 3, tx nonce 0".to_owned()));
}

#[tokio::test]
async fn a_refused_transaction_does_not_jam_its_sender() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    rig.send(0, transfer(0, STRANGER, 1)).await;
    let poor = transfer(1, STRANGER, 0).with_value(U256::MAX >> 8);
    rig.send_raw(&sign(0, poor).await).await.unwrap_err();
    assert!(rig.send(0, transfer(1, STRANGER, 1)).await.status());
}

#[tokio::test]
async fn what_a_sender_cannot_pay_together_is_refused() {
    let rig = Rig::mining(Mining::Manual).await;
    let most = U256::from(6_000) * U256::from(10_u64).pow(U256::from(18));
    let large = |nonce| transfer(nonce, STRANGER, 0).with_value(most);
    rig.send_raw(&sign(0, large(0)).await).await.unwrap();
    let (_, message) = rig.send_raw(&sign(0, large(1)).await).await.unwrap_err();
    assert!(message.starts_with("insufficient funds for gas * price + value"), "{message}");
    assert!(message.contains("queued cost"), "{message}");
}

#[tokio::test]
async fn a_fee_below_the_base_fee_waits_and_a_better_tip_goes_first() {
    let rig = Rig::mining(Mining::Manual).await;
    let cheap = transfer(0, STRANGER, 1).with_max_fee_per_gas(1).with_max_priority_fee_per_gas(0);
    let cheap = rig.send_raw(&sign(0, cheap).await).await.unwrap();
    let tip = |tip: u128| transfer(0, STRANGER, 1).with_max_priority_fee_per_gas(tip);
    let mut hashes = Vec::new();
    for (from, gwei) in [(1, 1), (2, 3), (3, 2), (4, 3)] {
        hashes.push(rig.send_raw(&sign(from, tip(gwei * GWEI)).await).await.unwrap());
    }
    rig.call("evm_mine", serde_json::json!([])).await.unwrap();
    let block = rig.rpc.get_block(BlockId::latest()).await.unwrap().unwrap();
    let order: Vec<_> = block.transactions.hashes().collect();
    assert_eq!(order, [hashes[1], hashes[3], hashes[2], hashes[0]]);
    let waiting = rig.rpc.get_transaction_by_hash(cheap).await.unwrap().unwrap();
    assert_eq!(waiting.block_hash, None);
    assert_eq!(rig.rpc.get_transaction_receipt(cheap).await.unwrap(), None);
}

#[tokio::test]
async fn a_full_block_leaves_the_rest_for_the_next() {
    let rig = Rig::start(Config {
        block_time: Mining::Manual,
        block_gas_limit: 50_000,
        ..Config::default()
    })
    .await;
    for nonce in 0..5 {
        rig.send_raw(&sign(0, transfer(nonce, STRANGER, 1)).await).await.unwrap();
    }
    let mut mined = Vec::new();
    for _ in 0..4 {
        rig.call("evm_mine", serde_json::json!([])).await.unwrap();
        let block = rig.rpc.get_block(BlockId::latest()).await.unwrap().unwrap();
        mined.push(block.transactions.len());
    }
    assert_eq!(mined, [2, 2, 1, 0]);
}

#[tokio::test]
async fn intervals_mine_empty_blocks_with_rising_times() {
    let rig = Rig::mining(Mining::Interval(Duration::from_millis(20))).await;
    let began = Instant::now();
    while rig.height().await < 10 {
        assert!(began.elapsed() < Duration::from_secs(30), "no blocks");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut last = rig.rpc.get_block(0.into()).await.unwrap().unwrap();
    for number in 1..10 {
        let block = rig.rpc.get_block(number.into()).await.unwrap().unwrap();
        assert!(block.header.timestamp > last.header.timestamp);
        assert_eq!(block.header.parent_hash, last.header.hash);
        last = block;
    }
}

#[tokio::test]
async fn impossible_configurations_and_taken_ports_are_refused() {
    let config = Config { block_time: Mining::Interval(Duration::ZERO), ..Config::default() };
    let refused = Devchain::start(config).await.unwrap_err();
    assert!(matches!(refused, Error::Config { field: "block_time", .. }), "{refused}");
    let config = Config { block_gas_limit: 20_999, ..Config::default() };
    let refused = Devchain::start(config).await.unwrap_err();
    assert!(matches!(refused, Error::Config { field: "block_gas_limit", .. }), "{refused}");
    let rig = Rig::mining(Mining::Manual).await;
    let config = Config { listen: rig.chain.addr(), ..Config::default() };
    let refused = Devchain::start(config).await.unwrap_err();
    assert!(
        matches!(refused, Error::Listen { addr, kind: std::io::ErrorKind::AddrInUse, .. }
            if addr == rig.chain.addr()),
        "{refused}"
    );
}
