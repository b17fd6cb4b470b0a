//! Text from people and from requests to the door: ids, keys, hosts, paths.

use crate::Reached;
use crate::network::{NETWORK, SETTLED, chain, id, key, manifest};
use sotto_chain_evm::Key;
use sotto_crypto::sign::SigningKey;
use sotto_roles::gateway::{self, Ask, body_max};
use sotto_runtime::{HostList, MAX_HOSTS};
use sotto_types::{Account, AppId, Hash, NodeId, NotAnId, RequestId, SignedAction, Wire as _};
use std::fmt::Display;
use std::str::FromStr;

/// Text that may be 32 bytes in hexadecimal: each kind of id, and the key of an account. One text
/// names one id, in upper or lower case, with or without `0x`.
pub fn text(bytes: &[u8]) -> Reached {
    let Ok(text) = core::str::from_utf8(bytes) else { return Reached::Refused };
    evm_key(text);
    let taken = [
        one::<Hash>(text),
        one::<AppId>(text),
        one::<NodeId>(text),
        one::<RequestId>(text),
        one::<Account>(text),
    ];
    assert!(taken.iter().all(|one| *one == taken[0]), "kinds of ids differ: {taken:?}");
    taken[0]
}

fn one<T>(text: &str) -> Reached
where
    T: FromStr<Err = NotAnId> + Display + PartialEq,
{
    match text.parse::<T>() {
        Err(why) => {
            assert!(why.to_string().len() <= 512, "a long refusal");
            Reached::Refused
        }
        Ok(id) => {
            let digits = text.strip_prefix("0x").unwrap_or(text).to_ascii_lowercase();
            assert_eq!(id.to_string(), format!("0x{digits}"));
            assert!(id.to_string().parse::<T>() == Ok(id), "what is shown does not read the same");
            Reached::Taken
        }
    }
}

/// Both libraries that hold keys take the same ones.
fn evm_key(text: &str) {
    let digits = text.trim();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    let bytes: Option<[u8; 32]> = hex::decode(digits).ok().and_then(|b| b.try_into().ok());
    let ours = bytes.and_then(|bytes| SigningKey::from_bytes(&bytes).ok());
    let account = ours.map(|key| Account::from_address(key.public().address()));
    assert_eq!(Key::from_hex(text).ok().map(|key| key.account()), account);
}

pub(crate) fn text_seeds() -> Vec<Vec<u8>> {
    let name = id(SETTLED).to_string();
    let texts = [
        name[2..].to_owned(),
        name.to_uppercase().replacen("0X", "0x", 1),
        format!("0x{name}"),
        format!(" {name}\n"),
        "0x".into(),
        "f".repeat(64),
        "0".repeat(64),
        format!("0x{}1", "0".repeat(63)),
        "€".repeat(32),
        name,
    ];
    texts.into_iter().map(String::into_bytes).collect()
}

/// The hosts of a manifest, a line each: what is shown of a list reads as the same list, and every
/// line has one spelling.
pub fn hosts(bytes: &[u8]) -> Reached {
    let Ok(text) = core::str::from_utf8(bytes) else { return Reached::Refused };
    let lines: Vec<&str> = if text.is_empty() { Vec::new() } else { text.split('\n').collect() };
    let list = match HostList::parse(&lines) {
        Ok(list) => list,
        Err(why) => {
            drop(why.to_string());
            return Reached::Refused;
        }
    };
    let shown: Vec<String> = list.iter().collect();
    assert!(shown.len() <= MAX_HOSTS && shown.len() <= lines.len());
    assert_eq!(list.is_empty(), lines.is_empty());
    for line in &lines {
        let plain = line.strip_suffix(":443").unwrap_or(line);
        assert!(shown.iter().any(|host| host == plain), "{line:?} is not shown");
        let odd = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:".contains(c));
        assert!(!line.contains(odd), "{line:?} is no host");
    }
    assert_eq!(HostList::parse(&shown), Ok(list));
    if lines.is_empty() { Reached::Refused } else { Reached::Taken }
}

pub(crate) fn host_seeds() -> Vec<Vec<u8>> {
    let many: Vec<String> = (0..MAX_HOSTS).map(|n| format!("h{n}.example.com:{}", n + 1)).collect();
    let long = format!("{}.com", vec!["a".repeat(63); 3].join("."));
    let lists = [
        manifest().hosts.join("\n"),
        many.join("\n"),
        format!("{}\nextra.example.com", many.join("\n")),
        format!("127.0.0.1:8443\nlocalhost\n{long}\nxn--bcher-kva.example:65535"),
        "example.com:0443\nexample.com:+1\nexample.com:".into(),
        "*.example.com\nhttps://example.com\nuser@example.com\n[::1]:443\nEXAMPLE.com".into(),
    ];
    lists.into_iter().map(String::into_bytes).collect()
}

/// A request to the gateway's door: method, blank, path, line feed, body.
pub fn gateway(bytes: &[u8]) -> Reached {
    let (line, body) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[][..]),
    };
    // The door hands on text only.
    let Ok(line) = core::str::from_utf8(line) else { return Reached::Refused };
    let (method, path) = line.split_once(' ').unwrap_or((line, ""));
    match gateway::read(method, path, body.to_vec()) {
        Err(why) => {
            assert!([400, 404, 405, 413].contains(&why.status()), "status {}", why.status());
            assert!(why.to_string().len() <= 1024, "a long refusal");
            Reached::Refused
        }
        Ok(ask) => {
            assert!(body.len() <= body_max(path), "more than the door would read");
            asked(method, path, body, &ask);
            Reached::Taken
        }
    }
}

/// That a request means what it says, and nothing it brought is lost.
fn asked(method: &str, path: &str, body: &[u8], ask: &Ask) {
    let name = path.trim_matches('/').rsplit('/').next().unwrap_or_default();
    let named = |id: String| id[2..] == name.strip_prefix("0x").unwrap_or(name).to_lowercase();
    let posts = matches!(ask, Ask::Keep(_) | Ask::Act(_) | Ask::Open(_) | Ask::Say { .. });
    assert_eq!(method, if posts { "POST" } else { "GET" });
    assert!(posts || body.is_empty(), "a body that nobody reads");
    let right = match ask {
        Ask::Keep(bytes) => bytes == body && !body.is_empty(),
        Ask::Act(signed) => {
            signed.encode() == body && SignedAction::decode(body).as_ref() == Ok(&**signed)
        }
        Ask::Entry(key) => named(format!("0x{}", hex::encode(key))) && !key.is_empty(),
        Ask::Nonce(node) => named(node.to_string()),
        Ask::Receipt(request) | Ask::Request(request) => named(request.to_string()),
        Ask::Bytes(hash) => named(hash.to_string()),
        Ask::Seat(app) => named(app.to_string()),
        Ask::Open(opening) => opening.encode() == body,
        Ask::Say { session, sealed, .. } => named(session.to_string()) && sealed == body,
        Ask::Leaf { index, .. } => name.parse() == Ok(*index),
        Ask::Genesis | Ask::Certificate | Ask::Status | Ask::Health => true,
    };
    assert!(right, "{method} {path} is not {ask:?}");
}

pub(crate) fn gateway_seeds() -> Vec<Vec<u8>> {
    let request = id(SETTLED);
    let node = key("worker").public().node_id();
    let mut lines = vec![
        "GET /health".to_owned(),
        "GET /v1/genesis".into(),
        "GET /v1/certificate".into(),
        "GET /v1/status/".into(),
        "GET /v1/entry/63deadbeef".into(),
        format!("GET /v1/entry/0x63{}", hex::encode(chain().0)),
        format!("GET /v1/nonce/{node}"),
        format!("GET /v1/receipts/{request}"),
        format!("GET /v1/requests/{request}"),
        format!("GET /v1/bytes/{}", manifest().code),
        "DELETE /v1/bytes".into(),
        "GET /v1/entry/+1".into(),
        "GET /v1/../../secret".into(),
        "GET /v2/%2e%2e".into(),
    ];
    lines.push(format!("GET /v1/entry/{}", "ab".repeat(257)));
    let mut seeds: Vec<Vec<u8>> = lines.into_iter().map(String::into_bytes).collect();
    seeds.push(b"POST /v1/bytes\nsome bytes".to_vec());
    seeds.push(b"POST /v1/bytes\n".to_vec());
    for action in &NETWORK.submitted {
        seeds.push([b"POST /v1/actions\n".as_slice(), &action.encode()].concat());
    }
    seeds
}
