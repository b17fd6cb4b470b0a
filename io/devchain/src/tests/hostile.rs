//! Bytes no client would send.

use super::*;
use serde_json::json;

async fn post(rig: &Rig, body: impl Into<reqwest::Body>) -> (u16, String) {
    let reply = reqwest::Client::new().post(rig.chain.url()).body(body).send().await.unwrap();
    (reply.status().as_u16(), reply.text().await.unwrap())
}

async fn code(rig: &Rig, body: &str) -> i64 {
    let (status, text) = post(rig, body.to_owned()).await;
    assert_eq!(status, 200, "{body}");
    let reply: Value = serde_json::from_str(&text).unwrap();
    reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("{body} gave {text}"))
}

#[tokio::test]
async fn malformed_requests_get_json_rpc_errors() {
    let rig = Rig::mining(Mining::Manual).await;
    for body in ["", "{", "\u{0}", "[1,", "\"\\ud800\"", &"[".repeat(100_000)] {
        assert_eq!(code(&rig, body).await, -32700, "{}", &body[..body.len().min(20)]);
    }
    for body in [
        "[]",
        "1",
        "null",
        "{}",
        r#"{"jsonrpc":"1.0","id":1,"method":"eth_chainId"}"#,
        r#"{"jsonrpc":"2.0","id":1}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
        r#"{"jsonrpc":"2.0","id":[],"method":"eth_chainId"}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":5}"#,
    ] {
        assert_eq!(code(&rig, body).await, -32600, "{body}");
    }
    let unknown = rig.call("eth_fillTransaction", json!([{}])).await.unwrap_err();
    assert_eq!(unknown.0, -32601);
    let calls = vec![json!({"jsonrpc":"2.0","id":1,"method":"eth_chainId"}); 1_001];
    assert_eq!(code(&rig, &json!(calls).to_string()).await, -32600);
    let (status, _) = post(&rig, vec![b' '; 8 * 1024 * 1024 + 1]).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn batches_and_notifications_are_answered_as_they_should() {
    let rig = Rig::mining(Mining::Manual).await;
    let body = r#"[{"jsonrpc":"2.0","id":"a","method":"eth_chainId","params":[]},
        {"jsonrpc":"2.0","method":"eth_chainId"}, 5,
        {"jsonrpc":"2.0","id":null,"method":"net_version"},
        {"jsonrpc":"2.0","id":2,"method":"nope"}]"#;
    let (status, text) = post(&rig, body).await;
    assert_eq!(status, 200);
    let replies: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(replies[0], json!({"jsonrpc":"2.0","id":"a","result":"0x7a69"}));
    assert_eq!(replies[1]["error"]["code"], -32600);
    assert_eq!(replies[2], json!({"jsonrpc":"2.0","id":null,"result":"31337"}));
    assert_eq!(replies[3]["error"]["code"], -32601);
    assert_eq!(replies.as_array().unwrap().len(), 4);
    let (status, text) = post(&rig, r#"{"jsonrpc":"2.0","method":"evm_mine"}"#).await;
    assert_eq!((status, &*text), (204, ""));
    assert_eq!(rig.height().await, 1);
}

#[tokio::test]
async fn web_pages_may_ask() {
    let rig = Rig::mining(Mining::Manual).await;
    let asked = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, rig.chain.url())
        .header("origin", "http://example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 200);
    assert_eq!(asked.headers()["access-control-allow-origin"], "*");
}

/// Every method with every kind of wrong parameter: an error object, and the node lives on.
#[tokio::test]
async fn wrong_parameters_never_kill_a_method() {
    let rig = Rig::mining(Mining::Manual).await;
    let methods = [
        "web3_sha3",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getBlockReceipts",
        "eth_getBlockTransactionCountByNumber",
        "eth_getBalance",
        "eth_getTransactionCount",
        "eth_getCode",
        "eth_getStorageAt",
        "eth_sendRawTransaction",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_call",
        "eth_estimateGas",
        "eth_feeHistory",
        "eth_getLogs",
        "eth_newFilter",
        "eth_getFilterChanges",
        "eth_uninstallFilter",
        "evm_increaseTime",
        "evm_setNextBlockTimestamp",
        "evm_setAutomine",
        "evm_setIntervalMining",
        "evm_revert",
        "anvil_setBalance",
        "anvil_reorg",
        "anvil_dropTransaction",
    ];
    let wrong = [
        json!([[[[]]]]),
        json!(["zz"]),
        json!(["0x"]),
        json!([-1]),
        json!([1.5]),
        json!([{ "to": 7 }]),
        json!([1, 2, 3, 4, 5, 6]),
        json!({ "fromBlock": true }),
        json!(["0x1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"]),
    ];
    for method in methods {
        for params in &wrong {
            match rig.call(method, params.clone()).await {
                Err((code, _)) => assert!([-32602, -32000].contains(&code), "{method} {params}"),
                // A call without any field one knows is the creation of an empty contract.
                Ok(_) => assert!(
                    params.is_object() && ["eth_call", "eth_estimateGas"].contains(&method)
                        // A number written so is zero.
                        || params == &json!(["0x"]),
                    "{method} accepted {params}"
                ),
            }
        }
    }
    // Numbers at the edge of their types.
    let edge = [
        ("eth_getBlockByNumber", json!(["0xffffffffffffffff", true])),
        ("eth_call", json!([{ "gas": "0xffffffffffffffff", "value": U256::MAX }])),
        ("eth_call", json!([{ "gasPrice": "0xffffffffffffffffffffffffffffffff" }])),
        ("eth_call", json!([{ "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2" }])),
        ("eth_call", json!([{ "nonce": "0xffffffffffffffff", "data": "0x60" }])),
        ("eth_estimateGas", json!([{ "value": U256::MAX, "maxFeePerGas": "0x1" }])),
        ("eth_feeHistory", json!(["0xffffffffffffffff", "latest", []])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "0xffffffffffffffff" }])),
        (
            "eth_getLogs",
            json!([{ "fromBlock": "0xfffffffffffffffe", "toBlock": "0xffffffffffffffff" }]),
        ),
        ("anvil_mine", json!(["0x2", "0xffffffffffffffff"])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x0", "0xffffffffffffffff"])),
        ("anvil_setBalance", json!([Address::ZERO, U256::MAX])),
        ("evm_mine", json!([])),
    ];
    for (method, params) in edge {
        if let Err((code, message)) = rig.call(method, params.clone()).await {
            assert!([-32602, -32000].contains(&code), "{method} {params}: {message}");
        }
    }
    rig.send_raw(&sign(0, transfer(0, account(1), 1)).await).await.unwrap();
    rig.call("evm_mine", json!([])).await.unwrap();
    assert_eq!(rig.rpc.get_transaction_count(account(0)).await.unwrap(), 1);
}
