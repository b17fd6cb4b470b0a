//! The same transactions here and on a real anvil, whose path the environment variable
//! `SOTTO_ANVIL` names; without it this says so and compares nothing.

use super::*;
use alloy::{
    eips::{
        BlockId,
        eip2930::{AccessList, AccessListItem},
        eip7702::Authorization,
    },
    signers::SignerSync,
};
use serde_json::json;
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A running anvil, killed with its test.
struct Anvil {
    process: Child,
    rpc: DynProvider,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn anvil() -> Option<Anvil> {
    let Some(path) = std::env::var_os("SOTTO_ANVIL") else {
        println!("SOTTO_ANVIL is not set: not compared with anvil");
        return None;
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Command::new(path)
        .args(["--port", &port.to_string(), "--hardfork", "osaka", "--enable-tx-gas-limit"])
        .args(["--slots-in-an-epoch", "1", "--silent"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let anvil = Anvil { process, rpc: client(&format!("http://127.0.0.1:{port}")) };
    let began = Instant::now();
    while anvil.rpc.get_chain_id().await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(60), "anvil does not answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Some(anvil)
}

/// What must be equal of one transaction.
fn essence(receipt: &TransactionReceipt) -> Value {
    let logs: Vec<_> =
        receipt.inner.logs().iter().map(|log| json!([log.inner, log.log_index])).collect();
    json!({
        "gas": receipt.gas_used,
        "cumulative": receipt.inner.cumulative_gas_used(),
        "status": receipt.status(),
        "type": receipt.inner.tx_type(),
        "contract": receipt.contract_address,
        "price": receipt.effective_gas_price,
        "bloom": receipt.inner.logs_bloom(),
        "logs": logs,
        "block": receipt.block_number,
        "from": receipt.from,
        "to": receipt.to,
    })
}

fn precompile(nonce: u64, address: u16, input: Vec<u8>) -> TransactionRequest {
    let mut bytes = [0; 20];
    bytes[18..].copy_from_slice(&address.to_be_bytes());
    request(nonce).with_to(Address::new(bytes)).with_input(input)
}

/// Requests of account 0, in nonce order.
fn story() -> Vec<TransactionRequest> {
    let probe = account(0).create(2);
    let child = probe.create(1);
    let word = |value: u64| U256::from(value);
    let mut story = vec![
        transfer(0, Address::repeat_byte(0xaa), 1),
        transfer(0, account(1), 12_345),
        request(0).with_deploy_code(probe_code(5)).with_value(word(7)),
    ];
    let calls: [&[u8]; 12] = [
        &Probe::setCall { value: word(42) }.abi_encode(),
        &Probe::setCall { value: word(1001) }.abi_encode(),
        &Probe::setCall { value: word(13) }.abi_encode(),
        &Probe::haltCall {}.abi_encode(),
        &Probe::overflowCall { value: word(3) }.abi_encode(),
        &Probe::emitManyCall { count: word(20) }.abi_encode(),
        &Probe::fillCall { from: word(0), count: word(20) }.abi_encode(),
        &Probe::clearCall { from: word(0), count: word(20) }.abi_encode(),
        &Probe::childCall {}.abi_encode(),
        &Probe::innerCall { gasFor: word(50_000) }.abi_encode(),
        &Probe::innerCall { gasFor: word(100) }.abi_encode(),
        &Probe::hashesCall { data: vec![7; 500].into() }.abi_encode(),
    ];
    story.extend(calls.map(|call| request(0).with_to(probe).with_input(call.to_vec())));
    let spin = to_probe(0, probe, &Probe::spinCall {}).with_gas_limit(200_000);
    story.push(spin);
    // Selfdestruct of a contract made earlier, calldata at the floor price, failing creations.
    story.push(request(0).with_to(child).with_input(vec![0x35, 0xf4, 0x69, 0x94]));
    story.push(request(0).with_to(Address::repeat_byte(1)).with_input(vec![1; 4_096]));
    story.push(request(0).with_deploy_code(vec![0x60, 0, 0x60, 0, 0xfd]));
    story
        .push(request(0).with_deploy_code(vec![0x60, 0xef, 0x60, 0, 0x53, 0x60, 1, 0x60, 0, 0xf3]));
    story.push(
        request(0).with_deploy_code(vec![0x61, 0x60, 1, 0x60, 0, 0xf3]).with_gas_limit(6_000_000),
    );
    story.push(request(0).with_deploy_code(Bytes::new()).with_gas_limit(100_000));
    // Precompiles, with input and with none.
    for address in (1..=0x11).chain([0x100]) {
        story.push(precompile(0, address, vec![]));
        story.push(precompile(0, address, vec![0; 256]));
        story.push(precompile(0, address, (0..=255).cycle().take(384).collect()));
    }
    let list = AccessList(vec![AccessListItem {
        address: probe,
        storage_keys: vec![B256::ZERO, B256::repeat_byte(1)],
    }]);
    let mut listed = TransactionRequest::default()
        .with_chain_id(31_337)
        .with_gas_limit(100_000)
        .with_gas_price(20 * GWEI)
        .with_to(probe)
        .with_input(Probe::setCall { value: word(8) }.abi_encode());
    story.push(listed.clone());
    listed.access_list = Some(list);
    story.push(listed);
    let delegation = Authorization { chain_id: word(31_337), address: probe, nonce: 0 };
    let signature = signer(9).sign_hash_sync(&delegation.signature_hash()).unwrap();
    let mut delegate = to_probe(0, account(9), &Probe::setCall { value: word(3) });
    delegate.authorization_list = Some(vec![delegation.into_signed(signature)]);
    story.push(delegate);
    story.push(to_probe(0, account(9), &Probe::numberCall {}));
    (0..).zip(story).map(|(nonce, request)| request.with_nonce(nonce)).collect()
}

#[tokio::test]
async fn the_same_transactions_do_the_same_as_on_anvil() {
    let Some(anvil) = anvil().await else { return };
    let rig = Rig::mining(Mining::OnTransaction).await;
    // Equal block times make equal logs of them.
    let start = 4_000_000_000_u64;
    let mut worlds = [&anvil.rpc, &rig.rpc].into_iter().cycle();
    let mut compared = 0;
    for (index, request) in story().into_iter().enumerate() {
        let raw = sign(0, request).await;
        let mut both = Vec::new();
        for rpc in worlds.by_ref().take(2) {
            let time = start + 10 * index as u64;
            call(rpc, "evm_setNextBlockTimestamp", json!([time])).await.unwrap();
            let sent = call(rpc, "eth_sendRawTransaction", json!([raw])).await.unwrap();
            let hash: B256 = serde_json::from_value(sent).unwrap();
            let began = Instant::now();
            both.push(loop {
                match rpc.get_transaction_receipt(hash).await.unwrap() {
                    Some(receipt) => break essence(&receipt),
                    None => assert!(began.elapsed() < Duration::from_secs(30), "no receipt"),
                }
            });
        }
        assert_eq!(both[1], both[0], "transaction {index}: here, then anvil");
        compared += 1;
    }
    println!("compared {compared} transactions with anvil");
    for index in 0..10 {
        for at in [BlockId::latest(), BlockId::number(3)] {
            let ours = rig.rpc.get_balance(account(index)).block_id(at).await.unwrap();
            assert_eq!(ours, anvil.rpc.get_balance(account(index)).block_id(at).await.unwrap());
        }
    }
    same_answers(&rig, &anvil).await;
}

/// Questions whose answers must be equal too.
async fn same_answers(rig: &Rig, anvil: &Anvil) {
    let probe = account(0).create(2);
    let ask = |call: Vec<u8>| json!([{ "to": probe, "data": Bytes::from(call) }, "latest"]);
    let questions = [
        ("eth_call", ask(Probe::numberCall {}.abi_encode())),
        ("eth_call", ask(Probe::setCall { value: U256::from(1001) }.abi_encode())),
        ("eth_getCode", json!([probe, "latest"])),
        ("eth_getStorageAt", json!([probe, "0x0", "latest"])),
        ("eth_getTransactionCount", json!([account(0), "pending"])),
        ("eth_blockNumber", json!([])),
        ("net_version", json!([])),
    ];
    for (method, params) in questions {
        let ours = rig.rpc.raw_request::<_, Value>(method.into(), params.clone()).await;
        let theirs = anvil.rpc.raw_request::<_, Value>(method.into(), params.clone()).await;
        let essence = |answer: Result<Value, RpcError<TransportErrorKind>>| {
            answer.map_err(|error| {
                let error = error.as_error_resp().unwrap().clone();
                (error.code, error.data.map(|data| data.get().to_owned()))
            })
        };
        assert_eq!(essence(ours), essence(theirs), "{method} {params}");
    }
    for tag in ["safe", "finalized"] {
        let number = async |rpc: &DynProvider| {
            call(rpc, "eth_getBlockByNumber", json!([tag, false])).await.unwrap()["number"].clone()
        };
        assert_eq!(number(&rig.rpc).await, number(&anvil.rpc).await, "{tag}");
    }
}
