//! Each question against what a gateway answers of a real ledger, and against what it should not.

use super::world::{COMPONENT, World, key, manifest, network, recipient, request_line, rng};
use crate::http::{self, HttpRequest, HttpResponse, Progress, Question};
use crate::{ClientError, NotBelieved};
use sotto_ledger::state::{Answered, App};
use sotto_ledger::view::key as entry_key;
use sotto_types::{
    Action, AppId, Attempt, Genesis, Hash, ReceiptBundle, RequestId, SignedAction, Wire as _,
    limits,
};

fn ask<T>(world: &mut World, question: Question<T>) -> Result<T, ClientError> {
    let HttpRequest { method, path, body } = &question.request;
    assert!(matches!((*method, body.is_empty()), ("GET", true) | ("POST", false)));
    let (status, body) = world.serve(method, path, body);
    question.finish(HttpResponse { status, body })
}

fn answer<T>(question: Question<T>, body: impl Into<Vec<u8>>) -> Result<T, ClientError> {
    question.finish(HttpResponse { status: 200, body: body.into() })
}

fn malformed<T>(answer: Result<T, ClientError>) -> bool {
    matches!(answer, Err(ClientError::Malformed { .. }))
}

#[test]
fn paths_are_those_of_the_gateway() {
    let path = |request: HttpRequest| format!("{} {}", request.method, request.path);
    let (id, hash) = (RequestId([1; 32]), Hash([2; 32]));
    let node = key("owner").public().node_id();
    assert_eq!(path(http::health().request), "GET /health");
    assert_eq!(path(http::genesis().request), "GET /v1/genesis");
    assert_eq!(path(http::certificate().request), "GET /v1/certificate");
    assert_eq!(path(http::status().request), "GET /v1/status");
    assert_eq!(path(http::entry(&[0xab, 1]).unwrap().request), "GET /v1/entry/ab01");
    assert_eq!(path(http::nonce(&node).request), format!("GET /v1/nonce/{node}"));
    let ones = "01".repeat(32);
    assert_eq!(path(http::receipt(&id).request), format!("GET /v1/receipts/0x{ones}"));
    assert_eq!(path(http::request(&id).request), format!("GET /v1/requests/0x{ones}"));
    assert_eq!(path(http::bytes(&hash).request), format!("GET /v1/bytes/{hash}"));
    let keep = http::keep(b"abc".to_vec()).unwrap().request;
    assert_eq!((path(keep.clone()), keep.body), ("POST /v1/bytes".into(), b"abc".to_vec()));
    let signed = network("test").sign(&key("owner"), 1, Action::Hold(id));
    let act = http::act(&signed).unwrap().request;
    assert_eq!((path(act.clone()), act.body), ("POST /v1/actions".into(), signed.encode()));
}

#[test]
fn every_question_is_answered() {
    let mut world = World::answered();
    let id = world.id();
    ask(&mut world, http::health()).unwrap();
    let offered = ask(&mut world, http::genesis()).unwrap();
    assert_eq!(offered.pinned(&world.network.id()).unwrap(), world.network);
    let certificate = ask(&mut world, http::certificate()).unwrap();
    assert_eq!(world.network.check_certificate(&certificate, world.now()), Ok(()));
    assert_eq!(ask(&mut world, http::status()).unwrap()["name"], "test");

    let app = manifest("owner").id();
    let bundle = ask(&mut world, http::entry(&entry_key::<App>(&app)).unwrap()).unwrap();
    assert!(world.network.check_entry::<App>(&bundle, &app, world.now()).is_ok());
    let worker = key("worker").public().node_id();
    assert_eq!(ask(&mut world, http::nonce(&worker)), Ok(3));
    assert_eq!(ask(&mut world, http::nonce(&key("nobody").public().node_id())), Ok(0));

    let receipt = ask(&mut world, http::receipt(&id)).unwrap();
    assert_eq!(receipt, world.receipt().encode());
    assert_eq!(world.network.check_receipt(&receipt).unwrap().receipt.request, id);
    let line = ask(&mut world, http::request(&id)).unwrap();
    assert_eq!((line.number, line.progress), (1, Progress::Answered));
    assert_eq!((line.id, line.app), (id.to_string(), app.to_string()));

    let envelope = world.network.seal(&recipient(), b"1", &mut rng(8)).unwrap();
    let hash = ask(&mut world, http::keep(envelope.clone()).unwrap()).unwrap();
    assert_eq!(hash, Hash::of(&envelope));
    assert_eq!(ask(&mut world, http::bytes(&hash)), Ok(envelope));
}

#[test]
fn an_action_is_carried_out_refused_or_not_pooled() {
    let mut world = World::new();
    let network = network("test");
    let deploy = |nonce: u64| network.sign(&key("owner"), nonce, Action::Deploy(manifest("owner")));
    let mut act = |signed: &SignedAction| ask(&mut world, http::act(signed).unwrap());

    let done = act(&deploy(1)).unwrap();
    assert_eq!((done.height, done.refused), (1, None));
    let again = act(&deploy(2)).unwrap();
    assert_eq!(again.height, 2);
    assert!(again.refused.is_some(), "{again:?}");
    let used = act(&deploy(2));
    assert_eq!(used, Err(ClientError::Refused("nonce 2 was used; 3 is next".into())));
}

#[test]
fn what_cannot_be_asked_is_not_sent() {
    let argument = |error: Option<ClientError>, name: &str| match error {
        Some(ClientError::Argument { what, .. }) => assert_eq!(what, name),
        other => panic!("{other:?}"),
    };
    argument(http::entry(b"").err(), "key");
    argument(http::entry(&[1; 257]).err(), "key");
    assert!(http::entry(&[1; 256]).is_ok());
    argument(http::keep(vec![]).err(), "bytes");
    argument(http::keep(vec![0; limits::COMPONENT_MAX + 1]).err(), "bytes");
    let reason = "x".repeat(limits::REASON_MAX + 1);
    let fail = Action::Fail { request: RequestId([1; 32]), attempt: Attempt(1), reason };
    let signed = network("test").sign(&key("worker"), 1, fail);
    argument(http::act(&signed).err(), "action");
}

#[test]
fn another_network_is_not_taken_for_the_one_expected() {
    let offered = answer(http::genesis(), network("other").genesis().encode()).unwrap();
    let (want, got) = (network("test").id(), network("other").id());
    let refused = NotBelieved::Genesis { want, got };
    assert_eq!(offered.pinned(&want), Err(ClientError::NotBelieved(refused)));
    assert_eq!(offered.pinned(&got).unwrap(), network("other"));
    assert_eq!(offered.bytes(), network("other").genesis().encode());
}

#[test]
fn bytes_of_another_hash_are_refused() {
    let (want, got) = (Hash::of(COMPONENT), Hash::of(b"else"));
    let refused = || ClientError::NotBelieved(NotBelieved::Bytes { want, got });
    assert_eq!(answer(http::bytes(&want), COMPONENT), Ok(COMPONENT.to_vec()));
    assert_eq!(answer(http::bytes(&want), b"else"), Err(refused()));
    let keep = || http::keep(COMPONENT.to_vec()).unwrap();
    assert_eq!(answer(keep(), format!(r#"{{"hash":"{got}"}}"#)), Err(refused()));
    assert!(malformed(answer(keep(), r#"{"hash":"0x12"}"#)));
    assert!(malformed(answer(keep(), "{}")));
}

#[test]
fn a_proof_of_something_else_is_refused() {
    let world = World::answered();
    let other = Err(ClientError::NotBelieved(NotBelieved::OtherEntry));
    // A good receipt, of another request than was asked for.
    let receipt = world.receipt().encode();
    assert!(world.network.check_receipt(&receipt).is_ok());
    assert_eq!(answer(http::receipt(&RequestId([9; 32])), receipt.clone()), other);
    let key = entry_key::<App>(&AppId([9; 32]));
    let other: Result<ReceiptBundle, _> = Err(ClientError::NotBelieved(NotBelieved::OtherEntry));
    assert_eq!(answer(http::entry(&key).unwrap(), receipt.clone()), other);
    let key = entry_key::<Answered>(&world.id());
    assert_eq!(answer(http::entry(&key).unwrap(), receipt), Ok(world.receipt()));
}

#[test]
fn answers_that_are_none_are_malformed() {
    let id = RequestId([1; 32]);
    for body in ["", "nonsense", "{}", "[]", "null", "\u{0}"] {
        assert!(malformed(answer(http::health(), body)));
        assert!(malformed(answer(http::genesis(), body)));
        assert!(malformed(answer(http::certificate(), body)));
        assert!(malformed(answer(http::nonce(&Default::default()), body)));
        assert!(malformed(answer(http::receipt(&id), body)));
        assert!(malformed(answer(http::request(&id), body)));
        assert!(malformed(answer(http::entry(b"k").unwrap(), body)));
        let signed = network("test").sign(&key("owner"), 1, Action::Hold(id));
        assert!(malformed(answer(http::act(&signed).unwrap(), body)));
    }
    assert!(malformed(answer(http::status(), "nonsense")));
    assert!(malformed(answer(http::nonce(&Default::default()), r#"{"nonce":-1}"#)));
    // Nested without end: refused, not a stack that overflows.
    assert!(malformed(answer(http::status(), "[".repeat(100_000))));
}

#[test]
fn a_line_is_of_the_request_asked_for_and_harmless() {
    let (id, app) = (RequestId([1; 32]), AppId([2; 32]));
    let line = |progress: &str| answer(http::request(&id), request_line(&id, &app, progress));
    for (word, progress, ended) in [
        ("refused", Progress::Refused, true),
        ("waiting", Progress::Waiting, false),
        ("held", Progress::Held, false),
        ("assigned", Progress::Assigned, false),
        ("answered", Progress::Answered, false),
        ("unanswered", Progress::Unanswered, true),
        ("failed", Progress::Failed, true),
        ("settled", Progress::Settled, true),
        ("refunded", Progress::Refunded, true),
        ("unknown", Progress::Unknown, false),
    ] {
        let line = line(word).unwrap();
        assert_eq!((line.progress, line.progress.ended()), (progress, ended));
        assert_eq!(line.progress.to_string(), word);
    }
    assert_eq!(line("levitating").unwrap().progress, Progress::Unknown);
    let other = request_line(&RequestId([3; 32]), &app, "held");
    assert!(malformed(answer(http::request(&id), other)));

    let text = String::from_utf8(request_line(&id, &app, "failed")).unwrap();
    let evil = text.replace("null", r#""\u001b[2Jgone""#);
    let line = answer(http::request(&id), evil).unwrap();
    assert_eq!(line.detail.as_deref(), Some(" [2Jgone"));
}

#[test]
fn errors_keep_their_status_and_few_plain_words() {
    for status in [0, 204, 302, 400, 404, 405, 409, 413, 500, 503] {
        let body = b"  no \x1b[31msuch thing\n".to_vec();
        let error = http::certificate().finish(HttpResponse { status, body });
        let message = "no  [31msuch thing".into();
        assert_eq!(error, Err(ClientError::Gateway { status, message }));
    }
    let body = "é".repeat(1 << 20).into_bytes();
    match http::health().finish(HttpResponse { status: 500, body }) {
        Err(ClientError::Gateway { message, .. }) => assert_eq!(message, "é".repeat(512)),
        other => panic!("{other:?}"),
    }
    // Only an action can be refused by the council.
    let signed = network("test").sign(&key("owner"), 1, Action::Hold(RequestId([1; 32])));
    let act = |status| {
        let response = HttpResponse { status, body: b"late".to_vec() };
        http::act(&signed).unwrap().finish(response)
    };
    assert_eq!(act(409), Err(ClientError::Refused("late".into())));
    assert_eq!(act(503), Err(ClientError::Gateway { status: 503, message: "late".into() }));
}

#[test]
fn answers_have_a_longest() {
    let too_long = |max| Err(ClientError::TooLong { max });
    let max = Genesis::MAX;
    assert_eq!(answer(http::genesis(), vec![1; max + 1]), too_long(max));
    let max = ReceiptBundle::MAX;
    let receipt = answer(http::receipt(&RequestId([1; 32])), vec![1; max + 1]);
    assert_eq!(receipt, Err(ClientError::TooLong { max }));
    let max = limits::COMPONENT_MAX;
    let bytes = answer(http::bytes(&Hash([1; 32])), vec![1; max + 1]);
    assert_eq!(bytes, Err(ClientError::TooLong { max }));
    let health = http::health();
    let max = health.max;
    assert_eq!(answer(health, vec![b'o'; max + 1]), Err(ClientError::TooLong { max }));
}
