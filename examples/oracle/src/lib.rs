//! A price, as the median of what several hosts say over HTTPS.
//!
//! The payload is JSON, so that one deployed oracle serves every pair its hosts know:
//! ```json
//! { "sources": [
//!     { "url": "https://api.coinbase.com/v2/prices/ETH-USD/spot", "price": "/data/amount" },
//!     { "url": "https://api.kraken.com/0/public/Ticker?pair=ETHUSD", "price": "/result/XETHZUSD/c/0" },
//!     { "url": "https://www.bitstamp.net/api/v2/ticker/ethusd/", "price": "/last" } ],
//!   "at_least": 2 }
//! ```
//! `price` is a JSON pointer (RFC 6901) to a decimal, written as a number or a string. `at_least`
//! is how many sources must answer; left out, more than half of them. A source that fails, or is
//! not on the manifest's list of hosts, counts as silent; too few, and the oracle says which
//! failed and why.
//!
//! The answer is `abi.encode(uint256 price, uint256 time)`: the price with eight decimals, digits
//! beyond them dropped, and the time of the block that assigned the request.

mod decimal;

use serde::Deserialize;
use sotto_guest::{Call, FetchError, Method, Response, Word, fetch_at_most};

sotto_guest::function!(run);

/// How many sources one request may name.
const MAX_SOURCES: usize = 16;
/// How large a source's answer may be, in bytes.
const MAX_ANSWER: usize = 64 << 10;

/// What the payload asks for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    sources: Vec<Source>,
    at_least: Option<usize>,
}

/// Where a price stands.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    /// An `https` URL on one of the manifest's hosts.
    url: String,
    /// The JSON pointer to the price in what that URL answers.
    price: String,
}

fn run(call: Call) -> Result<Vec<u8>, String> {
    answer(&call, |url| {
        let headers = [("accept", "application/json"), ("user-agent", "sotto-oracle")];
        fetch_at_most(&Method::Get, url, &headers, &[], MAX_ANSWER)
    })
}

/// The oracle, given how to fetch.
fn answer(
    call: &Call,
    fetch: impl Fn(&str) -> Result<Response, FetchError>,
) -> Result<Vec<u8>, String> {
    let query = query(&call.payload)?;
    let needed = query.at_least.unwrap_or(query.sources.len() / 2 + 1);
    let mut prices = Vec::new();
    let mut failures = Vec::new();
    for source in &query.sources {
        match price(source, &fetch) {
            Ok(price) => prices.push(price),
            Err(why) => failures.push(format!("{}: {why}", source.url)),
        }
    }
    if prices.len() < needed {
        let (got, why) = (prices.len(), failures.join("; "));
        return Err(format!("{got} of {needed} prices needed: {why}"));
    }
    let median = median(&mut prices).ok_or("no prices")?;
    Ok(Word::concat(&[Word::from(median), Word::from(call.time)]))
}

fn query(payload: &[u8]) -> Result<Query, String> {
    let query: Query =
        serde_json::from_slice(payload).map_err(|error| format!("payload: {error}"))?;
    let sources = query.sources.len();
    if sources == 0 || sources > MAX_SOURCES {
        return Err(format!("payload: {sources} sources, 1 to {MAX_SOURCES} are taken"));
    }
    match query.at_least {
        Some(n) if n == 0 || n > sources => {
            Err(format!("payload: at least {n} of {sources} sources is no quorum"))
        }
        _ => Ok(query),
    }
}

/// What one source says, with eight decimals.
fn price(
    source: &Source,
    fetch: impl Fn(&str) -> Result<Response, FetchError>,
) -> Result<u128, String> {
    let response = fetch(&source.url).map_err(|error| error.to_string())?;
    if response.status != 200 {
        return Err(format!("status {}", response.status));
    }
    let body: serde_json::Value =
        serde_json::from_slice(&response.body).map_err(|error| format!("not JSON: {error}"))?;
    let text = match body.pointer(&source.price) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        Some(_) => return Err(format!("no number at {}", source.price)),
        None => return Err(format!("nothing at {}", source.price)),
    };
    match decimal::with_eight_places(&text) {
        Some(0) | None => Err(format!("no price at {}", source.price)),
        Some(price) => Ok(price),
    }
}

/// The middle price; of an even number the mean of the middle two, rounded down.
fn median(prices: &mut [u128]) -> Option<u128> {
    prices.sort_unstable();
    let upper = *prices.get(prices.len() / 2)?;
    if prices.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *prices.get(prices.len() / 2 - 1)?;
    Some(lower + (upper - lower) / 2)
}

#[cfg(test)]
mod tests;
