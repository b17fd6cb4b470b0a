//! What a gateway, trusted with nothing, answers a client: never a panic, never a text that plays
//! with a terminal, never bytes that were not asked for.

use crate::Reached;
use crate::network::{COMPONENT, NETWORK, SETTLED, id, key};
use sotto_client::ClientError;
use sotto_client::http::{self, HttpResponse, Question};
use sotto_ledger::state::Clock;
use sotto_ledger::view::key as entry_key;
use sotto_types::{Hash, Wire as _};

/// Which question, the status as u16 little-endian, and the body.
pub fn answers(bytes: &[u8]) -> Reached {
    let Some(([which, low, high], body)) = bytes.split_first_chunk::<3>() else {
        return Reached::Refused;
    };
    let status = u16::from_le_bytes([*low, *high]);
    let response = HttpResponse { status, body: body.to_vec() };
    let request = id(SETTLED);
    match which {
        0 => check(http::health(), response, |()| body.trim_ascii_end() == b"ok"),
        1 => check(http::genesis(), response, |offered| {
            let network = NETWORK.genesis.id();
            let is_ours = offered.pinned(&network).is_ok();
            offered.bytes() == body && is_ours == (NETWORK.genesis.encode() == body)
        }),
        2 => check(http::certificate(), response, |certificate| certificate.encode() == body),
        3 => check(http::status(), response, |_| true),
        4 => {
            let key = entry_key::<Clock>(&());
            let question = http::entry(&key).expect("a short key");
            check(question, response, |bundle| bundle.answer.key == key)
        }
        5 => check(http::nonce(&key("worker").public().node_id()), response, |_| true),
        6 => check(http::receipt(&request), response, |receipt| receipt == body),
        7 => check(http::request(&request), response, |line| {
            let texts = [Some(&line.id), Some(&line.app), line.detail.as_ref()];
            line.id == request.to_string() && texts.into_iter().flatten().all(|t| is_plain(t))
        }),
        8 => check(http::bytes(&Hash::of(COMPONENT)), response, |bytes| bytes == COMPONENT),
        9 => {
            let question = http::keep(COMPONENT.to_vec()).expect("few bytes");
            check(question, response, |hash| hash == Hash::of(COMPONENT))
        }
        10 => {
            let question = http::act(&NETWORK.submitted[0]).expect("a good action");
            check(question, response, |outcome| outcome.refused.is_none_or(|why| is_plain(&why)))
        }
        _ => Reached::Refused,
    }
}

fn check<T>(
    question: Question<T>,
    response: HttpResponse,
    is_right: impl FnOnce(T) -> bool,
) -> Reached {
    let (status, length, max) = (response.status, response.body.len(), question.max);
    match question.finish(response) {
        Ok(answer) => {
            assert!(status == 200 && length <= max, "status {status}, {length} bytes");
            assert!(is_right(answer), "not an answer to the question");
            Reached::Taken
        }
        Err(why) => {
            assert!(is_plain(&why.to_string()), "{why:?}");
            let gateways = matches!(why, ClientError::Gateway { .. } | ClientError::Refused(_));
            assert_eq!(gateways, status != 200, "{why:?}");
            Reached::Refused
        }
    }
}

/// Fit for a terminal.
fn is_plain(text: &str) -> bool {
    text.len() <= 4096 && !text.contains(char::is_control)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let seed = |which: u8, status: u16, body: &[u8]| {
        [&[which], status.to_le_bytes().as_slice(), body].concat()
    };
    let network = &*NETWORK;
    let request = id(SETTLED);
    let hash = Hash::of(COMPONENT);
    let receipt = &network.bundles[0];
    let line = format!(
        r#"{{"id":"{request}","number":1,"app":"0x{}","progress":"settled","detail":"why"}}"#,
        "ab".repeat(32)
    );
    vec![
        seed(0, 200, b"ok\n"),
        seed(1, 200, &network.genesis.encode()),
        seed(2, 200, &receipt.certificate.encode()),
        seed(3, 200, br#"{"height":7,"workers":[{"id":"x"}],"deep":[[[[1e9]]]]}"#),
        seed(4, 200, &network.bundle::<Clock>(&()).encode()),
        seed(4, 404, b"there is no entry"),
        seed(5, 200, br#"{"nonce":18446744073709551615}"#),
        seed(6, 200, &receipt.encode()),
        seed(7, 200, line.as_bytes()),
        seed(7, 200, line.replace("why", "\\u001b[2J\\u0000\\ud83d\\ude00").as_bytes()),
        seed(8, 200, COMPONENT),
        seed(9, 200, format!(r#"{{"hash":"{hash}"}}"#).as_bytes()),
        seed(10, 200, br#"{"height":9,"refused":null}"#),
        seed(10, 200, br#"{"height":9,"refused":"\u001b]0;title\u0007"}"#),
        seed(10, 409, b"nonce 3 where 2 is next\r\n\x1b[31m"),
        seed(3, 500, &[b'['; 300]),
        seed(3, 200, &[b'['; 300]),
    ]
}
