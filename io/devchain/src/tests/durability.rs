//! The journal: restarts, torn tails, damage, other chains' journals, `kill -9`.

use super::*;
use crate::{
    Error,
    journal::{Journal, MAGIC},
    record::{BlockRecord, Genesis, Record},
};
use alloy::eips::BlockId;
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

fn config(journal: &Path, block_time: Mining) -> Config {
    Config { journal: Some(journal.to_owned()), block_time, ..Config::default() }
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    (folder, journal)
}

/// Everything a client can see of the chain.
async fn portrait(rig: &Rig) -> Vec<Value> {
    let mut seen = Vec::new();
    for number in 0..=rig.height().await {
        let block = json!([alloy::primitives::U64::from(number), true]);
        seen.push(rig.call("eth_getBlockByNumber", block).await.unwrap());
        let block = json!([alloy::primitives::U64::from(number)]);
        seen.push(rig.call("eth_getBlockReceipts", block).await.unwrap());
    }
    for index in 0..5 {
        for tag in ["latest", "finalized"] {
            let balance = rig.call("eth_getBalance", json!([account(index), tag]));
            seen.push(balance.await.unwrap());
        }
        let nonce = rig.call("eth_getTransactionCount", json!([account(index), "pending"]));
        seen.push(nonce.await.unwrap());
    }
    seen.push(rig.call("txpool_status", json!([])).await.unwrap());
    seen
}

/// A chain with a bit of everything in its history.
async fn eventful(journal: &Path) -> Rig {
    let rig = Rig::start(config(journal, Mining::OnTransaction)).await;
    let probe = *rig.deploy().await.address();
    for value in 1..=3_u64 {
        let call = Probe::setCall { value: U256::from(value) };
        rig.send(1, to_probe(value - 1, probe, &call)).await;
    }
    rig.call("evm_increaseTime", json!([500])).await.unwrap();
    rig.call("anvil_mine", json!([3])).await.unwrap();
    rig.call("anvil_setBalance", json!([account(4), "0x1234"])).await.unwrap();
    rig.call("anvil_reorg", json!([4, []])).await.unwrap();
    let id = rig.call("evm_snapshot", json!([])).await.unwrap();
    rig.send(2, transfer(0, account(3), 9)).await;
    rig.call("evm_revert", json!([id])).await.unwrap();
    rig.send(2, transfer(0, account(3), 10)).await;
    let time = rig.rpc.get_block(BlockId::latest()).await.unwrap().unwrap().header.timestamp;
    rig.call("evm_setAutomine", json!([false])).await.unwrap();
    for nonce in [1, 2, 4] {
        rig.send_raw(&sign(2, transfer(nonce, account(3), 1)).await).await.unwrap();
    }
    let dropped = rig.send_raw(&sign(3, transfer(0, account(1), 1)).await).await.unwrap();
    rig.call("anvil_dropTransaction", json!([dropped])).await.unwrap();
    rig.call("evm_setNextBlockTimestamp", json!([time + 100_000])).await.unwrap();
    rig
}

#[tokio::test]
async fn a_restart_arrives_at_the_same_chain_and_goes_on() {
    let (_folder, journal) = scratch();
    let rig = eventful(&journal).await;
    let before = portrait(&rig).await;
    rig.chain.stop().await;
    for _ in 0..2 {
        let rig = Rig::start(config(&journal, Mining::Manual)).await;
        assert_eq!(portrait(&rig).await, before);
        rig.chain.stop().await;
    }
    let rig = Rig::start(config(&journal, Mining::Manual)).await;
    rig.call("evm_mine", json!([])).await.unwrap();
    let block = rig.rpc.get_block(BlockId::latest()).await.unwrap().unwrap();
    assert_eq!(block.transactions.len(), 2);
    let time = rig.rpc.get_block((block.header.number - 1).into()).await.unwrap().unwrap();
    assert_eq!(block.header.timestamp, time.header.timestamp + 100_000);
    rig.call("evm_mine", json!([])).await.unwrap();
    let after = portrait(&rig).await;
    rig.chain.stop().await;
    let rig = Rig::start(config(&journal, Mining::Manual)).await;
    assert_eq!(portrait(&rig).await, after);
}

#[tokio::test]
async fn a_dropped_chain_leaves_its_journal_to_the_next() {
    let (_folder, journal) = scratch();
    let every = Mining::Interval(Duration::from_millis(1));
    let mut height = 0;
    for _ in 0..20 {
        let rig = Rig::start(config(&journal, every)).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        let now = rig.height().await;
        assert!(now >= height, "{now} after {height}");
        height = now;
        drop(rig);
    }
    assert!(height > 0);
}

#[tokio::test]
async fn what_cannot_be_journalled_does_not_happen() {
    let (_folder, journal) = scratch();
    let rig = Rig::start(config(&journal, Mining::OnTransaction)).await;
    let probe = *rig.deploy().await.address();
    let before = portrait(&rig).await;
    rig.chain.node.chain.write().unwrap().fail_from_now();
    let call = Probe::setCall { value: U256::from(6) };
    let raw = sign(1, to_probe(0, probe, &call)).await;
    for (method, params) in [
        ("eth_sendRawTransaction", json!([raw])),
        ("evm_mine", json!([])),
        ("anvil_mine", json!([3])),
        ("anvil_setBalance", json!([probe, "0x1"])),
        ("anvil_reorg", json!([1, []])),
        ("evm_increaseTime", json!([1])),
        ("evm_snapshot", json!([])),
    ] {
        let (code, message) = rig.call(method, params).await.unwrap_err();
        assert_eq!(code, -32603, "{method}: {message}");
        assert!(message.contains("journal"), "{method}: {message}");
    }
    assert_eq!(portrait(&rig).await, before);
    rig.chain.stop().await;
    let rig = Rig::start(config(&journal, Mining::OnTransaction)).await;
    assert_eq!(portrait(&rig).await, before);
    rig.send_raw(&raw).await.unwrap();
    assert_eq!(rig.height().await, 2);
}

#[tokio::test]
async fn accepted_but_unmined_transactions_are_mined_after_a_restart() {
    let (_folder, journal) = scratch();
    let rig = Rig::start(config(&journal, Mining::Manual)).await;
    let hash = rig.send_raw(&sign(0, transfer(0, account(1), 1)).await).await.unwrap();
    rig.chain.stop().await;
    let rig = Rig::start(config(&journal, Mining::OnTransaction)).await;
    assert!(rig.rpc.get_transaction_receipt(hash).await.unwrap().unwrap().status());
}

#[tokio::test]
async fn a_torn_last_record_is_cut_off_wherever_it_tore() {
    let (folder, journal) = scratch();
    let rig = eventful(&journal).await;
    let before = portrait(&rig).await;
    rig.call("evm_mine", json!([])).await.unwrap();
    rig.chain.stop().await;
    let whole = std::fs::read(&journal).unwrap();
    let last = {
        // The mined block's record is the last: find where it begins.
        let (_, records) = Journal::open(&journal).unwrap();
        whole.len() - 16 - records.last().unwrap().1.encode().len()
    };
    let torn = folder.path().join("torn");
    let mut cuts: Vec<Vec<u8>> =
        (last..whole.len()).step_by(7).map(|end| whole[..end].to_vec()).collect();
    // Grown but not written; written but for the last bytes.
    let zeros = |from: usize| {
        let mut bytes = whole.clone();
        bytes[from..].fill(0);
        bytes
    };
    cuts.extend([zeros(last), zeros(whole.len() - 5)]);
    for (index, bytes) in cuts.iter().enumerate() {
        std::fs::write(&torn, bytes).unwrap();
        let (_, records) = Journal::open(&torn).unwrap();
        drop(records);
        assert_eq!(std::fs::read(&torn).unwrap(), whole[..last], "cut {index}");
    }
    let rig = Rig::start(config(&torn, Mining::Manual)).await;
    assert_eq!(portrait(&rig).await, before);
    rig.call("evm_mine", json!([])).await.unwrap();
    let after = portrait(&rig).await;
    rig.chain.stop().await;
    assert_eq!(portrait(&Rig::start(config(&torn, Mining::Manual)).await).await, after);
}

#[tokio::test]
async fn damage_in_the_middle_is_an_error_and_touches_nothing() {
    let (folder, journal) = scratch();
    eventful(&journal).await.chain.stop().await;
    let whole = std::fs::read(&journal).unwrap();
    let (_, records) = Journal::open(&journal).unwrap();
    let last = whole.len() - 16 - records.last().unwrap().1.encode().len();
    let damaged = folder.path().join("damaged");
    for at in (MAGIC.len()..last).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&damaged, &bytes).unwrap();
        let refused = Journal::open(&damaged).unwrap_err();
        assert!(
            matches!(refused, Error::Corrupt { offset, .. } if offset <= at as u64),
            "{at}: {refused}"
        );
        assert_eq!(std::fs::read(&damaged).unwrap(), bytes);
    }
    // A record taken out, or two swapped, break the chain of checksums.
    let first = 16 + records[0].1.encode().len();
    let second = 16 + records[1].1.encode().len();
    let (a, b) = (MAGIC.len() + first, MAGIC.len() + first + second);
    let without = [&whole[..a], &whole[b..]].concat();
    std::fs::write(&damaged, without).unwrap();
    let refused = Devchain::start(config(&damaged, Mining::Manual)).await.unwrap_err();
    assert_eq!(
        refused,
        Error::Corrupt { record: 1, offset: a as u64, why: "its checksum does not match" }
    );
    std::fs::write(&damaged, b"something else entirely").unwrap();
    let refused = Devchain::start(config(&damaged, Mining::Manual)).await.unwrap_err();
    assert_eq!(refused, Error::NotAJournal { path: damaged });
}

#[tokio::test]
async fn impossible_records_are_errors() {
    let genesis = Genesis {
        chain_id: 31_337,
        timestamp: 1_000,
        gas_limit: 30_000_000,
        accounts: Config::default().accounts,
    };
    let block = |timestamp, txs| {
        let block = BlockRecord { timestamp, offset: 0, hash: B256::ZERO, txs };
        Record::Block(block)
    };
    let ahead = sign(0, transfer(1, account(1), 1)).await;
    let cases = [
        (vec![Record::Snapshot], "the first record is not the genesis"),
        (vec![Record::Genesis(genesis.clone()); 2], "a second genesis"),
        (vec![Record::Genesis(genesis.clone()), block(1_000, vec![])], "earlier than its parent"),
        (vec![Record::Genesis(genesis.clone()), Record::Reorg { depth: 1 }], "deeper than"),
        (vec![Record::Genesis(genesis.clone()), Record::Revert { id: 1 }], "unknown snapshot"),
        (vec![Record::Genesis(genesis.clone()), Record::Accepted(vec![9].into())], "not decode"),
        (vec![Record::Genesis(genesis.clone()), block(1_001, vec![])], "replaying block 1 gave"),
        (vec![Record::Genesis(genesis), block(1_001, vec![ahead])], "NonceTooHigh"),
    ];
    for (records, why) in cases {
        let (_folder, journal) = scratch();
        let (mut open, _) = Journal::open(&journal).unwrap();
        records.iter().for_each(|record| open.append(record).unwrap());
        drop(open);
        let refused = Devchain::start(config(&journal, Mining::Manual)).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{why}: {refused}");
    }
}

#[tokio::test]
async fn another_chains_journal_is_refused() {
    let (_folder, journal) = scratch();
    let given = Config { genesis_time: Some(1_700_000_000), ..config(&journal, Mining::Manual) };
    Devchain::start(given.clone()).await.unwrap().stop().await;
    let refused = async |config: Config| match Devchain::start(config).await.unwrap_err() {
        Error::Mismatch { field, journal, config } => (field, journal, config),
        other => panic!("{other}"),
    };
    assert_eq!(
        refused(Config { chain_id: 5, ..given.clone() }).await,
        ("chain id", "31337".to_owned(), "5".to_owned())
    );
    let other = refused(Config { block_gas_limit: 1_000_000, ..given.clone() }).await;
    assert_eq!(other.0, "block gas limit");
    let other = refused(Config { genesis_time: Some(1_700_000_001), ..given.clone() }).await;
    assert_eq!(other, ("genesis time", "1700000000".to_owned(), "1700000001".to_owned()));
    let mut poorer = given.clone();
    poorer.accounts[3].1 -= U256::from(1);
    let (field, journal, config) = refused(poorer).await;
    assert_eq!(field, "genesis accounts");
    assert_eq!(journal, format!("{} with 10000000000000000000000 wei", account(3)));
    assert_eq!(config, format!("{} with 9999999999999999999999 wei", account(3)));
    // Without a genesis time the journal's is taken.
    let rig = Rig::start(Config { genesis_time: None, ..given }).await;
    let first = rig.rpc.get_block(0.into()).await.unwrap().unwrap();
    assert_eq!(first.header.timestamp, 1_700_000_000);
}

#[test]
fn records_read_back_as_written_and_nothing_else() {
    let records = [
        Record::Genesis(Genesis {
            chain_id: 1,
            timestamp: 2,
            gas_limit: 3,
            accounts: vec![(Address::repeat_byte(4), U256::MAX)],
        }),
        Record::Accepted(vec![1, 2, 3].into()),
        Record::Block(BlockRecord {
            timestamp: 5,
            offset: -6,
            hash: B256::repeat_byte(7),
            txs: vec![vec![8].into(), Bytes::new()],
        }),
        Record::Balance { address: Address::ZERO, balance: U256::from(9) },
        Record::Clock { offset: i64::MIN },
        Record::NextTime { timestamp: 10 },
        Record::Reorg { depth: 11 },
        Record::Snapshot,
        Record::Revert { id: 12 },
        Record::Dropped { hash: B256::repeat_byte(13) },
    ];
    for record in records {
        let bytes = record.encode();
        assert_eq!(Record::decode(&bytes), Some(record));
        for end in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..end]), None);
        }
        assert_eq!(Record::decode(&[bytes, vec![0]].concat()), None);
    }
    assert_eq!(Record::decode(&[10]), None);
}

const CHILD: &str = "DEVCHAIN_TEST_CHILD_JOURNAL";

/// Not a test of its own: the process that the next test kills.
#[tokio::test]
async fn child() {
    let Some(journal) = std::env::var_os(CHILD) else { return };
    let every = Mining::Interval(Duration::from_millis(30));
    let chain = Devchain::start(config(Path::new(&journal), every)).await.unwrap();
    println!("\nlistening {}", chain.url());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let (_folder, journal) = scratch();
    let mut accepted = Vec::new();
    let mut seen = Vec::new();
    for round in 0..5_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "tests::durability::child", "--nocapture"])
            .env(CHILD, &journal)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.lines().map(Result::unwrap);
        let url = lines.find_map(|line| Some(line.strip_prefix("listening ")?.to_owned())).unwrap();
        let rpc = client(&url);
        for index in 0..10 {
            let nonce = round * 10 + index;
            let raw = sign(0, transfer(nonce, account(1), 1)).await;
            let hash = call(&rpc, "eth_sendRawTransaction", json!([raw])).await.unwrap();
            accepted.push(hash);
            tokio::time::sleep(Duration::from_millis(7 * round)).await;
        }
        for hash in &accepted {
            let receipt = call(&rpc, "eth_getTransactionReceipt", json!([hash])).await.unwrap();
            if !receipt.is_null() {
                seen.push(receipt);
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let rig = Rig::start(config(&journal, Mining::Manual)).await;
    rig.call("evm_mine", json!([])).await.unwrap();
    assert!(!seen.is_empty());
    for receipt in seen {
        let params = json!([receipt["transactionHash"]]);
        assert_eq!(rig.call("eth_getTransactionReceipt", params).await.unwrap(), receipt);
    }
    for hash in accepted {
        let receipt = rig.call("eth_getTransactionReceipt", json!([hash])).await.unwrap();
        assert_eq!(receipt["status"], "0x1");
    }
    assert_eq!(rig.rpc.get_transaction_count(account(0)).await.unwrap(), 50);
}
