//! The Sotto contract's interface, and what crosses it.

use alloy::{
    json_abi::JsonAbi,
    primitives::{Address, B256, Bytes, U256},
    sol_types::{SolCall as _, SolConstructor as _},
};
use sotto_types::{Account, Answer, Delivery, KeyEntry, NetworkId, Payment};
use std::sync::LazyLock;

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pub_underscore_fields,
    clippy::too_many_arguments,
    reason = "generated from the contract's artifact; documented in its source"
)]
mod generated {
    alloy::sol!(Sotto, "../../contracts/solidity/artifacts/Sotto.json");

    alloy::sol! {
        /// What a consumer publishes an envelope by.
        event Envelope(bytes32 indexed hash, address indexed submitter, bytes envelope);
    }
}

pub(crate) use generated::{Envelope, Sotto};

/// The artifact the bindings are made from.
pub(crate) const ARTIFACT: &str = include_str!("../../../contracts/solidity/artifacts/Sotto.json");

#[derive(serde::Deserialize)]
struct Artifact {
    abi: JsonAbi,
}

/// The Sotto contract's interface, for naming its errors.
pub fn sotto_abi() -> &'static JsonAbi {
    static ABI: LazyLock<JsonAbi> = LazyLock::new(|| {
        // The bindings were generated from these very bytes, so they parse.
        serde_json::from_str::<Artifact>(ARTIFACT).map(|file| file.abi).unwrap_or_default()
    });
    &ABI
}

/// What to deploy: the Sotto contract of a network, with its first members and the longest life
/// of a result key in seconds.
///
/// Members that are no 20-byte address become the zero address, which the constructor refuses.
pub fn deploy_code(network: &NetworkId, members: &[Account], key_lifetime: u32) -> Vec<u8> {
    let arguments = Sotto::constructorCall {
        network_: B256::from(network.0),
        members_: members.iter().map(address).collect(),
        maxKeyLifetime_: key_lifetime,
    };
    [Sotto::BYTECODE.as_ref(), &arguments.abi_encode()].concat()
}

/// The contract's code as it stands on a chain, before its immutable values are filled in.
pub fn deployed_code() -> &'static [u8] {
    Sotto::DEPLOYED_BYTECODE.as_ref()
}

/// The 20 bytes of an account; the zero address, which no contract takes, if it is longer.
pub(crate) fn address(account: &Account) -> Address {
    account.address().map_or(Address::ZERO, Address::from)
}

/// An address as the account the network knows.
pub(crate) fn account(address: Address) -> Account {
    Account::from_address(address.into_array())
}

/// The call that carries a delivery.
pub(crate) fn calldata(delivery: &Delivery) -> Vec<u8> {
    match delivery {
        Delivery::Fulfil { answer: given, signature } => {
            let signature = Bytes::from(signature.to_vec());
            Sotto::fulfilCall { answer: answer(given), signature }.abi_encode()
        }
        Delivery::Batch { answers, signatures } => Sotto::fulfilBatchCall {
            answers: answers.iter().map(answer).collect(),
            signatures: joined(signatures),
        }
        .abi_encode(),
        Delivery::Keys { nonce, entries, signatures } => Sotto::setResultKeysCall {
            entries: entries.iter().map(key_entry).collect(),
            nonce: *nonce,
            signatures: joined(signatures),
        }
        .abi_encode(),
        Delivery::Payout { nonce, payments, signatures } => Sotto::payoutCall {
            payments: payments.iter().map(payment).collect(),
            nonce: *nonce,
            signatures: joined(signatures),
        }
        .abi_encode(),
        Delivery::Members { nonce, members, signatures } => Sotto::setMembersCall {
            next: members.iter().map(address).collect(),
            nonce: *nonce,
            signatures: joined(signatures),
        }
        .abi_encode(),
    }
}

fn answer(answer: &Answer) -> Sotto::Answer {
    Sotto::Answer {
        id: answer.number,
        attempt: answer.attempt.0,
        app: B256::from(answer.app.0),
        generation: answer.generation.0,
        terms: B256::from(answer.terms.0),
        result: Bytes::from(answer.result.clone()),
    }
}

fn key_entry(entry: &KeyEntry) -> Sotto::KeyEntry {
    Sotto::KeyEntry {
        app: B256::from(entry.app.0),
        key: address(&entry.key),
        expiry: entry.expiry.0,
    }
}

fn payment(payment: &Payment) -> Sotto::Payment {
    Sotto::Payment { to: address(&payment.to), amount: U256::from(payment.amount.0) }
}

fn joined(signatures: &[[u8; 65]]) -> Bytes {
    Bytes::from(signatures.concat())
}
