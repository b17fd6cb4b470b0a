//! Mining on demand, time travel, reorganisations, snapshots.

use super::*;
use alloy::{eips::BlockId, rpc::types::Header};
use serde_json::json;

impl Rig {
    async fn tip(&self) -> Header {
        self.rpc.get_block(BlockId::latest()).await.unwrap().unwrap().header
    }
}

#[tokio::test]
async fn time_moves_as_told() {
    let rig = Rig::mining(Mining::Manual).await;
    let start = rig.tip().await.timestamp;
    rig.call("evm_increaseTime", json!([1_000])).await.unwrap();
    rig.call("evm_mine", json!([])).await.unwrap();
    let jumped = rig.tip().await.timestamp;
    assert!((start + 1_000..start + 1_100).contains(&jumped), "{start} {jumped}");
    rig.call("evm_setNextBlockTimestamp", json!([jumped + 5_000])).await.unwrap();
    rig.call("evm_mine", json!([])).await.unwrap();
    assert_eq!(rig.tip().await.timestamp, jumped + 5_000);
    // The clock runs on from there.
    rig.call("evm_mine", json!([])).await.unwrap();
    let after = rig.tip().await.timestamp;
    assert!((jumped + 5_001..jumped + 5_100).contains(&after), "{after}");
    let back = rig.call("evm_setNextBlockTimestamp", json!([after])).await.unwrap_err();
    assert_eq!(back, (-32602, format!("timestamp {after} is not above the last block's {after}")));
    let far = rig.call("evm_increaseTime", json!(["0xffffffffffffffff"])).await.unwrap_err();
    assert_eq!(far.0, -32602);
    rig.call("anvil_mine", json!(["0x5", "0xa"])).await.unwrap();
    assert_eq!(rig.tip().await.number, 8);
    let first = rig.rpc.get_block(4.into()).await.unwrap().unwrap().header.timestamp;
    assert_eq!(rig.tip().await.timestamp, first + 40);
    rig.call("evm_mine", json!([{ "timestamp": first + 500 }])).await.unwrap();
    assert_eq!(rig.tip().await.timestamp, first + 500);
    let many = rig.call("anvil_mine", json!([10_001])).await.unwrap_err();
    assert_eq!(many.0, -32602);
    assert_eq!(rig.height().await, 9);
}

#[tokio::test]
async fn a_balance_can_be_set() {
    let rig = Rig::mining(Mining::Manual).await;
    let who = Address::repeat_byte(7);
    rig.call("anvil_setBalance", json!([who, "0xde0b6b3a7640000"])).await.unwrap();
    assert_eq!(rig.rpc.get_balance(who).await.unwrap(), U256::from(10).pow(U256::from(18)));
    rig.call("evm_mine", json!([])).await.unwrap();
    rig.call("anvil_setBalance", json!([who, "0x0"])).await.unwrap();
    assert_eq!(rig.rpc.get_balance(who).await.unwrap(), U256::ZERO);
    let before = rig.rpc.get_balance(who).number(0).await.unwrap();
    assert_eq!(before, U256::from(10).pow(U256::from(18)));
}

#[tokio::test]
async fn a_reorganisation_replaces_blocks_and_drops_their_transactions() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    let probe = rig.deploy().await;
    let mut receipts = Vec::new();
    for value in 1..=4_u64 {
        let call = Probe::setCall { value: U256::from(value) };
        receipts.push(rig.send(1, to_probe(value - 1, *probe.address(), &call)).await);
    }
    let old: Vec<_> = receipts.iter().map(|receipt| receipt.block_hash.unwrap()).collect();
    rig.call("anvil_reorg", json!([3, []])).await.unwrap();
    assert_eq!(rig.height().await, 5);
    assert_eq!(probe.number().call().await.unwrap(), U256::from(1));
    assert_eq!(rig.rpc.get_transaction_count(account(1)).await.unwrap(), 1);
    let mut parent = old[0];
    for (index, gone) in old.iter().enumerate().skip(1) {
        assert_eq!(rig.rpc.get_block((*gone).into()).await.unwrap(), None);
        let hash = receipts[index].transaction_hash;
        assert_eq!(rig.rpc.get_transaction_receipt(hash).await.unwrap(), None);
        assert_eq!(rig.rpc.get_transaction_by_hash(hash).await.unwrap(), None);
        let new = rig.rpc.get_block((index as u64 + 2).into()).await.unwrap().unwrap();
        assert_ne!(new.header.hash, *gone);
        assert_eq!(new.header.parent_hash, parent);
        assert!(new.transactions.is_empty());
        parent = new.header.hash;
    }
    let logs = rig.rpc.get_logs(&alloy::rpc::types::Filter::new().from_block(0)).await.unwrap();
    assert_eq!(logs.len(), 1);
    // A second one differs from both; the dropped transaction can be sent again.
    let second = rig.tip().await.hash;
    rig.call("anvil_reorg", json!([{ "depth": 1, "tx_block_pairs": [] }])).await.unwrap();
    assert_ne!(rig.tip().await.hash, second);
    let call = Probe::setCall { value: U256::from(2) };
    assert!(rig.send(1, to_probe(1, *probe.address(), &call)).await.status());
    let deep = rig.call("anvil_reorg", json!([7, []])).await.unwrap_err();
    assert_eq!(deep, (-32602, "cannot replace 7 blocks: at most 6".to_owned()));
    let filled = rig.call("anvil_reorg", json!([1, [["0x00", 0]]])).await.unwrap_err();
    assert_eq!(filled.0, -32602);
    rig.call("anvil_reorg", json!([6, []])).await.unwrap();
    assert!(rig.rpc.get_code_at(*probe.address()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_snapshot_is_gone_back_to_once() {
    let rig = Rig::mining(Mining::OnTransaction).await;
    let who = Address::repeat_byte(7);
    rig.call("anvil_setBalance", json!([who, "0x1"])).await.unwrap();
    let id = rig.call("evm_snapshot", json!([])).await.unwrap();
    let tip = rig.tip().await.hash;
    rig.call("anvil_setBalance", json!([who, "0x2"])).await.unwrap();
    rig.send(0, transfer(0, who, 5)).await;
    let later = rig.call("evm_snapshot", json!([])).await.unwrap();
    assert_eq!(rig.rpc.get_balance(who).await.unwrap(), U256::from(7));
    assert_eq!(rig.call("evm_revert", json!([id])).await.unwrap(), json!(true));
    assert_eq!(rig.rpc.get_balance(who).await.unwrap(), U256::from(1));
    assert_eq!(rig.tip().await.hash, tip);
    for id in [id, later] {
        assert_eq!(rig.call("evm_revert", json!([id])).await.unwrap(), json!(false));
    }
    assert!(rig.send(0, transfer(0, who, 5)).await.status());
}

#[tokio::test]
async fn the_way_of_mining_can_change() {
    let rig = Rig::mining(Mining::Manual).await;
    let hash = rig.send_raw(&sign(0, transfer(0, account(1), 1)).await).await.unwrap();
    assert_eq!(rig.height().await, 0);
    rig.call("evm_setAutomine", json!([true])).await.unwrap();
    assert!(rig.rpc.get_transaction_receipt(hash).await.unwrap().is_some());
    rig.call("evm_setIntervalMining", json!([1])).await.unwrap();
    let began = std::time::Instant::now();
    while rig.height().await < 2 {
        assert!(began.elapsed().as_secs() < 30);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    rig.call("evm_setAutomine", json!([false])).await.unwrap();
    let hash = rig.send_raw(&sign(0, transfer(1, account(1), 1)).await).await.unwrap();
    assert_eq!(rig.rpc.get_transaction_receipt(hash).await.unwrap(), None);
    let dropped = rig.call("anvil_dropTransaction", json!([hash])).await.unwrap();
    assert_eq!(dropped, json!(hash));
    assert_eq!(rig.rpc.get_transaction_by_hash(hash).await.unwrap(), None);
}
