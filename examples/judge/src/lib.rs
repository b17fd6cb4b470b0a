//! The judge in a page: evidence in, verdict out, as JSON through the module's memory.
//!
//! A page writes a question in JSON to [`question`], calls [`judge`], and reads the answer at
//! [`answer`]. There is no other import or export: no clock, no network, no chance. Not here: any
//! check, which `sotto-attest` makes; what is expected and at what time, which the page says.

use serde::Deserialize;
use serde_json::{Value, json};
use sotto_attest::{
    Collateral, Endorsements, Evidence, Expected, Parts, Policy, appraise, x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::cell::RefCell;

thread_local! {
    static QUESTION: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Bytes of a question, at most.
const QUESTION_MAX: usize = 4 << 20;

/// Where a question of `length` bytes is to be written; null for one that is too long.
#[allow(unsafe_code, reason = "the only way to name an export; nothing unsafe is done")]
#[unsafe(no_mangle)]
pub extern "C" fn question(length: usize) -> *mut u8 {
    if length > QUESTION_MAX {
        return std::ptr::null_mut();
    }
    QUESTION.with_borrow_mut(|question| {
        question.clear();
        question.resize(length, 0);
        question.as_mut_ptr()
    })
}

/// Judges the question; the answer's length.
#[allow(unsafe_code, reason = "the only way to name an export; nothing unsafe is done")]
#[unsafe(no_mangle)]
pub extern "C" fn judge() -> usize {
    let reply = QUESTION.with_borrow(|question| reply(question)).to_string().into_bytes();
    ANSWER.with_borrow_mut(|answer| {
        *answer = reply;
        answer.len()
    })
}

/// Where the answer lies.
#[allow(unsafe_code, reason = "the only way to name an export; nothing unsafe is done")]
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    ANSWER.with_borrow(|answer| answer.as_ptr())
}

/// What a page asks. Bytes are in hexadecimal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    kind: String,
    quote: Hex,
    #[serde(default)]
    signature: Option<Hex>,
    #[serde(default)]
    ak: Option<Hex>,
    #[serde(default)]
    pcrs: Option<Hex>,
    #[serde(default)]
    event_log: Option<Hex>,
    #[serde(default)]
    ek_cert: Option<Hex>,
    #[serde(default)]
    chain: Vec<Hex>,
    #[serde(default)]
    signer: Option<Hex>,
    #[serde(default)]
    collateral: Option<Collateral>,
    /// Exactly one of the next three.
    #[serde(default)]
    nonce: Option<Hex>,
    #[serde(default)]
    report_data: Option<Hex>,
    #[serde(default)]
    unbound: bool,
    /// Seconds since 1970.
    at: u64,
    /// A policy in TOML; the base by default.
    #[serde(default)]
    policy: Option<String>,
}

#[derive(Deserialize)]
struct Hex(#[serde(with = "hex::serde")] Vec<u8>);

/// The verdict, or `{"error": …}` for a question that is none.
fn reply(question: &[u8]) -> Value {
    answered(question).unwrap_or_else(|why| json!({ "error": why }))
}

fn answered(question: &[u8]) -> Result<Value, String> {
    let question: Question = serde_json::from_slice(question).map_err(|e| e.to_string())?;
    let kind = TeeKind::by_name(&question.kind).ok_or("no such kind")?;
    let said = |error: sotto_attest::NoChallenge| error.to_string();
    let expected = match (&question.nonce, &question.report_data, question.unbound) {
        (Some(nonce), None, false) => Expected::nonce(&nonce.0).map_err(said)?,
        (None, Some(data), false) => Expected::report_data(&data.0).map_err(said)?,
        (None, None, true) => Expected::DangerouslyUnbound,
        _ => return Err("say one of nonce, report_data and unbound".into()),
    };
    let policy = match &question.policy {
        Some(text) => Policy::from_toml(text).map_err(|e| e.to_string())?,
        None => Policy::base(),
    };
    let bytes = |part: Option<Hex>| part.map(|hex| hex.0);
    let evidence = Evidence {
        kind,
        parts: Parts {
            quote: question.quote.0,
            signature: bytes(question.signature),
            ak: bytes(question.ak),
            pcrs: bytes(question.pcrs),
            event_log: bytes(question.event_log),
            ek_cert: bytes(question.ek_cert),
            ..Parts::default()
        },
    };
    let endorsements = Endorsements {
        collateral: question.collateral,
        signer: bytes(question.signer),
        chain: question.chain.into_iter().map(|hex| hex.0).collect(),
        ..Endorsements::default()
    };
    let now = Time(question.at);
    let mut cache = Cache::default();
    Ok(appraise(&evidence, &endorsements, &expected, &policy, now, &mut cache).to_json())
}
