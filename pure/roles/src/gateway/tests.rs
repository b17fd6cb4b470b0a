//! Every path of the door with every method, its sizes, and whatever else comes to it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use crate::world::{genesis, key, signed};
use proptest::prelude::*;
use sotto_types::{Action, Epoch, Measurement};

const ID: &str = "0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const METHODS: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", ""];

fn id_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = (at as u8 % 16) * 0x11;
    }
    bytes
}

fn get(path: &str) -> Result<Ask, Refused> {
    read("GET", path, Vec::new())
}

fn status(result: &Result<Ask, Refused>) -> u16 {
    result.as_ref().map_or_else(Refused::status, |_| 200)
}

fn an_action() -> SignedAction {
    let action = Action::AdmitRelease(Measurement([1; 32]));
    signed(&genesis(), &key("alice"), 1, action)
}

fn an_opening() -> Opening {
    let (app, worker, boot) = (AppId([1; 32]), NodeId([2; 32]), BootId([3; 32]));
    Opening { app, epoch: Epoch(4), worker, boot, envelope: vec![5; 300] }
}

#[test]
fn a_leafs_place_is_plain_decimal() {
    let path = |place: &str| format!("/v1/batches/{ID}/{ID}/{place}");
    for place in ["+7/1", "7/-1", "/1", "7/4294967296", "18446744073709551616/1", "7/0x1"] {
        assert_eq!(status(&get(&path(place))), 400, "{place}");
    }
}

/// Every path that is read, and what it means.
fn readable() -> Vec<(String, Ask)> {
    let id = id_bytes();
    let named = |path: &str| format!("/v1/{path}/{ID}");
    vec![
        ("/health".into(), Ask::Health),
        ("/v1/genesis".into(), Ask::Genesis),
        ("/v1/certificate".into(), Ask::Certificate),
        ("/v1/status".into(), Ask::Status),
        ("/v1/entry/6e00ff".into(), Ask::Entry(vec![0x6e, 0, 0xff])),
        ("/v1/entry/0x6e00FF".into(), Ask::Entry(vec![0x6e, 0, 0xff])),
        (named("nonce"), Ask::Nonce(NodeId(id))),
        (named("receipts"), Ask::Receipt(RequestId(id))),
        (named("requests"), Ask::Request(RequestId(id))),
        (named("bytes"), Ask::Bytes(Hash(id))),
        (named("seats"), Ask::Seat(AppId(id))),
        (
            format!("/v1/batches/{ID}/{ID}/7/4095"),
            Ask::Leaf { worker: NodeId(id), boot: BootId(id), batch: 7, index: 4095 },
        ),
    ]
}

#[test]
fn every_path_means_one_thing() {
    for (path, ask) in readable() {
        assert_eq!(get(&path), Ok(ask), "{path}");
    }
    let without = format!("/v1/bytes/{}", &ID[2..]);
    assert_eq!(get(&without), Ok(Ask::Bytes(Hash(id_bytes()))));
    assert_eq!(read("POST", "/v1/bytes", vec![1, 2]), Ok(Ask::Keep(vec![1, 2])));
    let action = an_action();
    let posted = read("POST", "/v1/actions", action.encode());
    assert_eq!(posted, Ok(Ask::Act(Box::new(action))));
    let posted = read("POST", "/v1/sessions", an_opening().encode());
    assert_eq!(posted, Ok(Ask::Open(Box::new(an_opening()))));
    let (worker, session) = (NodeId(id_bytes()), SessionId(id_bytes()));
    let said = read("POST", &format!("/v1/sessions/{ID}/{ID}"), vec![1, 2]);
    assert_eq!(said, Ok(Ask::Say { worker, session, sealed: vec![1, 2] }));
}

#[test]
fn every_other_method_is_refused_as_such() {
    for method in METHODS {
        let refused = Err(Refused::Method(method.into()));
        for (path, ask) in readable() {
            let expected = if method == "GET" { Ok(ask) } else { refused.clone() };
            assert_eq!(read(method, &path, Vec::new()), expected, "{method} {path}");
        }
        let said = format!("/v1/sessions/{ID}/{ID}");
        for (path, body) in [
            ("/v1/bytes", vec![1]),
            ("/v1/actions", an_action().encode()),
            ("/v1/sessions", an_opening().encode()),
            (&said, vec![1]),
        ] {
            let result = read(method, path, body);
            assert_eq!(status(&result), if method == "POST" { 200 } else { 405 }, "{method}");
        }
    }
    let long = read(&"M".repeat(10_000), "/health", Vec::new());
    assert_eq!(long, Err(Refused::Method("M".repeat(16))));
}

#[test]
fn a_body_is_taken_up_to_its_paths_limit() {
    assert_eq!(body_max("/v1/bytes"), limits::COMPONENT_MAX);
    assert_eq!(body_max("/v1/actions"), limits::ACTION_MAX);
    assert_eq!(body_max("/v1/sessions"), Opening::MAX);
    let said = format!("/v1/sessions/{ID}/{ID}");
    assert_eq!(body_max(&said), limits::SESSION_MESSAGE_MAX);
    for (path, _) in readable() {
        assert_eq!(body_max(&path), 0, "{path}");
        let refused = Err(Refused::TooLong { got: 1, max: 0 });
        assert_eq!(read("GET", &path, vec![0]), refused, "{path}");
    }
    for path in ["/v1/bytes", "/v1/actions", "/v1/sessions", &said] {
        let max = body_max(path);
        let refused = read("POST", path, vec![0; max + 1]);
        assert_eq!(refused, Err(Refused::TooLong { got: max + 1, max }));
    }
    let fullest = read("POST", "/v1/bytes", vec![7; limits::COMPONENT_MAX]);
    assert_eq!(fullest, Ok(Ask::Keep(vec![7; limits::COMPONENT_MAX])));
    assert_eq!(status(&read("POST", "/v1/actions", vec![1; limits::ACTION_MAX])), 400);
    // Nowhere else is any body.
    assert_eq!(status(&read("POST", "/v1/bytes/", vec![1])), 413);
    assert_eq!(status(&read("POST", "/elsewhere", vec![1])), 413);
}

#[test]
fn a_body_that_is_none_is_bad() {
    assert_eq!(read("POST", "/v1/bytes", Vec::new()), Err(Refused::Bad("no bytes".into())));
    let good = an_action().encode();
    let mut other_version = good.clone();
    other_version[0] = 9;
    let bodies = [
        Vec::new(),
        vec![1],
        other_version,
        good[..good.len() - 1].to_vec(),
        [good.as_slice(), &[0]].concat(),
        b"{\"nonce\": 1}".to_vec(),
    ];
    for body in bodies {
        assert_eq!(status(&read("POST", "/v1/actions", body)), 400);
    }
}

#[test]
fn an_action_that_breaks_a_limit_is_bad() {
    let mut action = an_action();
    let (request, attempt) = (RequestId([1; 32]), sotto_types::Attempt(1));
    let reason = "x".repeat(limits::REASON_MAX + 1);
    action.action = Action::Fail { request, attempt, reason };
    let expected = Refused::Bad("reason is 257 where at most 256 is allowed".into());
    assert_eq!(read("POST", "/v1/actions", action.encode()), Err(expected));
}

#[test]
fn an_id_is_exactly_thirty_two_bytes_of_hexadecimal() {
    let digits = &ID[2..];
    let bad = [
        digits[1..].to_owned(),
        format!("{digits}0"),
        format!("{digits}00"),
        format!("0x0x{digits}"),
        format!("0X{digits}"),
        format!("+{}", &digits[1..]),
        format!(" {}", &digits[1..]),
        "g".repeat(64),
        "é".repeat(32),
        "%30".repeat(64),
        "0x".into(),
        "..".into(),
        "f".repeat(100_000),
    ];
    for text in bad {
        for path in ["nonce", "receipts", "requests", "bytes"] {
            let result = get(&format!("/v1/{path}/{text}"));
            assert_eq!(status(&result), 400, "{path}/{text:.80}");
            let Err(Refused::Bad(why)) = result else { panic!("{result:?}") };
            assert!(why.chars().count() < 200, "{why}");
        }
    }
}

#[test]
fn a_key_is_whole_bytes_of_hexadecimal_and_not_endless() {
    let most = "ab".repeat(256);
    assert_eq!(get(&format!("/v1/entry/{most}")), Ok(Ask::Entry(vec![0xab; 256])));
    let bad = [
        "a",
        "0xa",
        "abc",
        "0x",
        "+f",
        "-1",
        "f+",
        "0x+f+f",
        " f",
        "zz",
        "é",
        "éé",
        "aé1",
        "..",
        "%61%61",
        &format!("{most}ab"),
        &"ab".repeat(100_000),
    ];
    let why = Refused::Bad("the key is not hexadecimal".into());
    for text in bad {
        assert_eq!(get(&format!("/v1/entry/{text}")), Err(why.clone()), "{text:.80}");
    }
}

#[test]
fn what_is_nowhere_is_not_found() {
    let deep = "/a".repeat(50_000);
    let long = format!("/v1/{}", "é".repeat(50_000));
    let id_and_more = format!("/v1/bytes/{ID}/more");
    let paths = [
        "",
        "/",
        "//",
        "/v1",
        "/v1/",
        "/v2/genesis",
        "/v1/genesis/more",
        "/v1//genesis",
        "/v1/./genesis",
        "/v1/../v1/genesis",
        "/../../etc/passwd",
        "/v1/genesis?x",
        "/v1/genesis%00",
        "/v1/genesis\0",
        "/v1/Genesis",
        "/v1/gen\u{435}sis",
        "/v1/entry",
        "/v1/nonce",
        "/v1/entry/aa/bb",
        "/health/more",
        "/healthy",
        "\u{202e}",
        "/v1\\genesis",
        &deep,
        &long,
        &id_and_more,
    ];
    for path in paths {
        for method in METHODS {
            let result = read(method, path, Vec::new());
            let kept: String = path.chars().take(128).collect();
            assert_eq!(result, Err(Refused::NotFound(kept)), "{method} {path:.80}");
        }
    }
}

#[test]
fn each_refusal_has_its_status() {
    assert_eq!(Refused::NotFound(String::new()).status(), 404);
    assert_eq!(Refused::Method(String::new()).status(), 405);
    assert_eq!(Refused::Bad(String::new()).status(), 400);
    assert_eq!(Refused::TooLong { got: 2, max: 1 }.status(), 413);
}

proptest! {
    #[test]
    fn no_path_panics(method in "(GET|POST|[A-Z]{0,8})", path in "\\PC{0,80}") {
        let result = read(&method, &path, Vec::new());
        prop_assert!([200, 400, 404, 405].contains(&status(&result)));
    }

    #[test]
    fn no_named_path_panics(
        parts in prop::collection::vec(
            "(v1|health|entry|nonce|bytes|actions|requests|0x|[0-9a-f+x]{0,70}|\\PC{0,5}|\\.\\.)",
            0..5,
        ),
        body in prop::collection::vec(any::<u8>(), 0..64),
        is_post in any::<bool>(),
    ) {
        let path = format!("/{}", parts.join("/"));
        let method = if is_post { "POST" } else { "GET" };
        let result = read(method, &path, body.clone());
        prop_assert!([200, 400, 404, 405, 413].contains(&status(&result)));
        prop_assert_eq!(status(&result) == 413, body.len() > body_max(&path));
    }

    #[test]
    fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let result = read("POST", "/v1/actions", body);
        prop_assert!([200, 400].contains(&status(&result)));
    }
}
