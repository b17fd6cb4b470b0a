//! The chain driven from outside, over loopback HTTP, mostly by alloy's provider.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod anvil;
mod dev_methods;
mod durability;
mod hostile;
mod questions;
mod transactions;

use crate::{Config, Devchain, Mining, dev_accounts};
use alloy::{
    eips::Encodable2718,
    network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256, hex},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{TransactionReceipt, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol,
    sol_types::{SolCall, SolValue},
    transports::{RpcError, TransportErrorKind},
};
use serde_json::Value;

sol! {
    #[sol(rpc)]
    #[derive(Debug, PartialEq, Eq)]
    contract Probe {
        event Set(address indexed by, uint256 indexed value, bytes note);
        error TooBig(uint256 got, uint256 most);
        function number() external view returns (uint256);
        function filled(uint256) external view returns (uint256);
        function set(uint256 value) external payable;
        function emitMany(uint256 count) external;
        function fill(uint256 from, uint256 count) external;
        function clear(uint256 from, uint256 count) external;
        function spin() external;
        function halt() external pure;
        function overflow(uint256 value) external pure returns (uint256);
        function child() external returns (address made);
        function around() external view
            returns (uint256, uint256, uint256, uint256, bytes32);
        function hashes(bytes calldata data) external view returns (bytes32, address);
        function inner(uint256 gasFor) external;
    }
}

const GWEI: u128 = 1_000_000_000;

/// A running chain and a client of it.
struct Rig {
    chain: Devchain,
    rpc: DynProvider,
}

impl Rig {
    async fn start(config: Config) -> Self {
        let chain = Devchain::start(config).await.unwrap();
        let rpc = client(&chain.url());
        Self { chain, rpc }
    }

    async fn mining(block_time: Mining) -> Self {
        Self::start(Config { block_time, ..Config::default() }).await
    }

    async fn deploy(&self) -> Probe::ProbeInstance<DynProvider> {
        let nonce = self.rpc.get_transaction_count(account(0)).await.unwrap();
        let receipt = self.send(0, request(nonce).with_deploy_code(probe_code(5))).await;
        assert!(receipt.status());
        let client = wallet_client(&self.chain.url(), 0);
        Probe::new(receipt.contract_address.unwrap(), client)
    }

    /// Sends a transaction on a chain that mines at once, and returns its receipt.
    async fn send(&self, from: usize, request: TransactionRequest) -> TransactionReceipt {
        let raw = sign(from, request).await;
        let hash = self.send_raw(&raw).await.unwrap();
        self.rpc.get_transaction_receipt(hash).await.unwrap().unwrap()
    }

    async fn send_raw(&self, raw: &Bytes) -> Result<B256, (i64, String)> {
        call(&self.rpc, "eth_sendRawTransaction", serde_json::json!([raw]))
            .await
            .map(|hash| serde_json::from_value(hash).unwrap())
    }

    /// Any method; the error's code and message if it fails.
    async fn call(&self, method: &'static str, params: Value) -> Result<Value, (i64, String)> {
        call(&self.rpc, method, params).await
    }

    async fn height(&self) -> u64 {
        self.rpc.get_block_number().await.unwrap()
    }
}

async fn call(
    rpc: &DynProvider,
    method: &'static str,
    params: Value,
) -> Result<Value, (i64, String)> {
    rpc.raw_request(method.into(), params).await.map_err(refusal)
}

fn refusal(error: RpcError<TransportErrorKind>) -> (i64, String) {
    let error = error.as_error_resp().unwrap_or_else(|| panic!("{error}"));
    (error.code, error.message.to_string())
}

fn client(url: &str) -> DynProvider {
    ProviderBuilder::new().disable_recommended_fillers().connect_http(url.parse().unwrap()).erased()
}

fn wallet_client(url: &str, index: usize) -> DynProvider {
    ProviderBuilder::new().wallet(wallet(index)).connect_http(url.parse().unwrap()).erased()
}

fn signer(index: usize) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&dev_accounts()[index].private_key).unwrap()
}

fn wallet(index: usize) -> EthereumWallet {
    signer(index).into()
}

fn account(index: usize) -> Address {
    dev_accounts()[index].address
}

/// A complete EIP-1559 request with plenty of gas.
fn request(nonce: u64) -> TransactionRequest {
    TransactionRequest::default()
        .with_chain_id(31_337)
        .with_nonce(nonce)
        .with_gas_limit(3_000_000)
        .with_max_fee_per_gas(10 * GWEI)
        .with_max_priority_fee_per_gas(GWEI)
}

fn transfer(nonce: u64, to: Address, value: u128) -> TransactionRequest {
    request(nonce).with_to(to).with_value(U256::from(value)).with_gas_limit(21_000)
}

fn to_probe(nonce: u64, probe: Address, call: &impl SolCall) -> TransactionRequest {
    request(nonce).with_to(probe).with_input(call.abi_encode())
}

async fn sign(from: usize, request: TransactionRequest) -> Bytes {
    request.build(&wallet(from)).await.unwrap().encoded_2718().into()
}

/// Creation code of `Probe.sol` with its constructor's argument.
fn probe_code(first: u64) -> Bytes {
    let mut code = hex::decode(include_str!("tests/Probe.hex").trim()).unwrap();
    code.extend(U256::from(first).abi_encode());
    code.into()
}

#[test]
fn development_keys_belong_to_their_addresses() {
    for (index, account) in dev_accounts().iter().enumerate() {
        assert_eq!(signer(index).address(), account.address);
    }
}
