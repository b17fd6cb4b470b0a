//! The contracts that commands and the demonstration speak to, from their committed artifacts.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::too_many_arguments,
    clippy::pub_underscore_fields,
    reason = "generated"
)]

use alloy::json_abi::JsonAbi;
use alloy::sol;
use std::sync::LazyLock;

sol!(Sotto, "../../contracts/solidity/artifacts/Sotto.json");

/// The examples bring the same shared types as the contract; each stands in a module of its own.
pub mod auction {
    alloy::sol!(Auction, "../../contracts/solidity/artifacts/Auction.json");
}

pub mod cheat {
    alloy::sol!(Cheat, "../../contracts/solidity/artifacts/Cheat.json");
}

pub mod hello {
    alloy::sol!(Hello, "../../contracts/solidity/artifacts/Hello.json");
}

/// The interfaces by which refusals are named.
pub fn abis() -> Vec<&'static JsonAbi> {
    static AUCTION: LazyLock<JsonAbi> =
        LazyLock::new(|| abi(include_str!("../../../contracts/solidity/artifacts/Auction.json")));
    vec![sotto_chain_evm::sotto_abi(), &AUCTION]
}

fn abi(artifact: &str) -> JsonAbi {
    // The bindings above were generated from these very bytes, so they parse.
    serde_json::from_str::<serde_json::Value>(artifact)
        .ok()
        .and_then(|mut value| serde_json::from_value(value["abi"].take()).ok())
        .unwrap_or_default()
}
