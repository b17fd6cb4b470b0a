//! What a contract said when it refused, for people and for the courier.

use crate::abi::{Sotto, sotto_abi};
use alloy::{
    dyn_abi::{DynSolValue, JsonAbiExt as _},
    json_abi::JsonAbi,
    sol_types::{Panic, Revert, SolError},
};
use sotto_chain::BuildError;

/// The error's name with its arguments, such as `NotOpen(id: 7, status: 2)`; of the Sotto contract
/// and of the interfaces in `others`, else what Solidity itself says, else the bytes.
pub fn reason(data: &[u8], others: &[&JsonAbi]) -> String {
    let known = std::iter::once(sotto_abi()).chain(others.iter().copied());
    if let Some(text) = known.into_iter().find_map(|abi| named(data, abi)) {
        return text;
    }
    if let Ok(revert) = Revert::abi_decode(data) {
        return revert.reason;
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return panic.to_string();
    }
    if data.is_empty() { "no reason given".into() } else { format!("0x{}", hex::encode(data)) }
}

fn named(data: &[u8], abi: &JsonAbi) -> Option<String> {
    let (selector, body) = data.split_first_chunk::<4>()?;
    let error = abi.errors().find(|error| error.selector() == *selector)?;
    let values = error.abi_decode_input(body).ok()?;
    let arguments: Vec<String> = (error.inputs.iter().zip(&values))
        .map(|(input, value)| format!("{}: {}", input.name.trim_end_matches('_'), text(value)))
        .collect();
    Some(format!("{}({})", error.name, arguments.join(", ")))
}

fn text(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::Address(value) => value.to_string(),
        DynSolValue::FixedBytes(value, width) => {
            format!("0x{}", hex::encode(value.as_slice().get(..*width).unwrap_or_default()))
        }
        DynSolValue::Bytes(value) => format!("0x{}", hex::encode(value)),
        DynSolValue::String(value) => format!("{value:?}"),
        other => format!("{other:?}"),
    }
}

/// What a refused delivery means for the courier.
pub(crate) fn judge(data: &[u8]) -> BuildError {
    // Values of the contract's `Status`.
    const FULFILLED: u8 = 2;
    const UNDELIVERED: u8 = 3;
    if let Ok(error) = Sotto::NotOpen::abi_decode(data)
        && [FULFILLED, UNDELIVERED].contains(&error.status)
    {
        return BuildError::AlreadyDone;
    }
    if let Ok(error) = Sotto::WrongNonce::abi_decode(data)
        && error.given < error.next
    {
        return BuildError::AlreadyDone;
    }
    BuildError::WouldRevert { reason: reason(data, &[]), curable: curable(data) }
}

/// Whether time or another delivery may change the contract's mind: a key or member not yet
/// registered, a nonce before its turn, money still to come.
fn curable(data: &[u8]) -> bool {
    let Some(selector) = data.first_chunk::<4>() else { return true };
    [
        Sotto::KeyNotGood::SELECTOR,
        Sotto::WrongNonce::SELECTOR,
        Sotto::NotMember::SELECTOR,
        Sotto::SignatureLength::SELECTOR,
        Sotto::PayoutTooLarge::SELECTOR,
        Sotto::ExpiryTooFar::SELECTOR,
        Sotto::NotEnoughGas::SELECTOR,
    ]
    .contains(selector)
}
