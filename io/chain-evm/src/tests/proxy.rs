//! A proxy before a node, on loopback, that spoils answers when told to.

use axum::{Router, body::Bytes, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};
use sotto_chain::conformance::Fault;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::{net::TcpListener, task::JoinHandle};

/// Blocks looked at once while [`Fault::RangeLimit`] is on.
const RANGE: u64 = 4;
/// Blocks without events while [`Fault::LaggingReplica`] is on.
const LAG: u64 = 8;

struct Shared {
    node: String,
    http: reqwest::Client,
    faults: Mutex<BTreeMap<Fault, u32>>,
}

pub(super) struct Proxy {
    pub(super) url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    pub(super) async fn before(node: String) -> Self {
        let faults = Mutex::new(BTreeMap::new());
        let shared = Arc::new(Shared { node, http: reqwest::Client::new(), faults });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, shared, task }
    }

    pub(super) fn inject(&self, fault: Fault, times: u32) {
        self.shared.faults.lock().unwrap().insert(fault, times);
    }
}

impl Shared {
    fn strikes(&self, fault: Fault) -> bool {
        match self.faults.lock().unwrap().get_mut(&fault) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    async fn forward(&self, call: &Value) -> Value {
        let answer = self.http.post(&self.node).json(call).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// One call's answer; none for an answer that is lost on the way.
    async fn one(&self, call: &Value) -> Option<Value> {
        let refuse = |code: i64, message: &str| {
            let error = json!({ "code": code, "message": message });
            Some(json!({ "jsonrpc": "2.0", "id": call["id"], "error": error }))
        };
        match call["method"].as_str().unwrap() {
            "eth_sendRawTransaction" if self.strikes(Fault::Rejected) => {
                refuse(-32003, "Insufficient funds for gas * price + value")
            }
            "eth_sendRawTransaction" => {
                let answer = self.forward(call).await;
                (!self.strikes(Fault::LostAnswer)).then_some(answer)
            }
            "eth_getLogs" => {
                let asked = height(&call["params"][0]["toBlock"])
                    - height(&call["params"][0]["fromBlock"])
                    + 1;
                if asked > RANGE && self.strikes(Fault::RangeLimit) {
                    return refuse(-32005, "query exceeds max block range 4");
                }
                let mut answer = self.forward(call).await;
                if self.strikes(Fault::LaggingReplica) {
                    let head = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber" });
                    let known = height(&self.forward(&head).await["result"]).saturating_sub(LAG);
                    let logs = answer["result"].as_array_mut().unwrap();
                    logs.retain(|log| height(&log["blockNumber"]) <= known);
                }
                if self.strikes(Fault::DuplicateEvent) {
                    let logs = answer["result"].as_array().unwrap();
                    let twice = logs.iter().flat_map(|log| [log.clone(), log.clone()]);
                    answer["result"] = twice.collect();
                }
                Some(answer)
            }
            _ => Some(self.forward(call).await),
        }
    }
}

fn height(number: &Value) -> u64 {
    u64::from_str_radix(number.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

async fn answer(State(shared): State<Arc<Shared>>, body: Bytes) -> axum::response::Response {
    if shared.strikes(Fault::Unreachable) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let answer = match serde_json::from_slice(&body).unwrap() {
        Value::Array(calls) => {
            let mut answers = Vec::new();
            for call in &calls {
                answers.push(shared.one(call).await);
            }
            answers.into_iter().collect::<Option<Vec<Value>>>().map(Value::Array)
        }
        call => shared.one(&call).await,
    };
    match answer {
        Some(answer) => axum::Json(answer).into_response(),
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}
