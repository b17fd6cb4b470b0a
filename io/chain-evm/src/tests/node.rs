//! A node to test against, killed with its test.

use crate::rpc::Rpc;
use alloy::primitives::U64;
use sotto_devchain::{Config, Devchain, Mining};
use std::{net::TcpListener, time::Duration};
use tokio::process::{Child, Command};

/// Well-known development keys: they are worth nothing anywhere else.
pub(super) const KEYS: [&str; 3] = [
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
];

pub(super) enum Node {
    Embedded(Devchain),
    Anvil { _process: Child, url: String },
}

impl Node {
    /// The embedded chain, which mines when told to.
    pub(super) async fn embedded() -> Self {
        let config = Config { block_time: Mining::Manual, ..Config::default() };
        Self::Embedded(Devchain::start(config).await.unwrap())
    }

    /// The anvil at this path, which mines when told to.
    pub(super) async fn anvil(path: &std::ffi::OsStr) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(path)
            .args(["--port", &port.to_string(), "--hardfork", "osaka", "--enable-tx-gas-limit"])
            .args(["--slots-in-an-epoch", "1", "--no-mining", "--silent"])
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let rpc = Rpc::new(&url, Duration::from_secs(5)).unwrap();
        for _ in 0..200 {
            if rpc.ask::<_, U64>("eth_chainId", ()).await.is_ok() {
                return Self::Anvil { _process: process, url };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("anvil does not answer");
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Embedded(chain) => chain.url(),
            Self::Anvil { url, .. } => url.clone(),
        }
    }
}
