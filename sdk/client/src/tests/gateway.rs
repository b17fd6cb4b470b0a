//! The door, against gateways on loopback: one that is right, and many that are not.

use super::world::{COMPONENT, World, key, manifest, network, request_line};
use crate::http::{self, Progress};
use crate::{ClientError, Gateway, NotBelieved};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use core::time::Duration;
use sotto_ledger::certificate::NotBelieved as Unproved;
use sotto_ledger::state::{App, Nonce};
use sotto_ledger::view::key as entry_key;
use sotto_types::{AppId, Hash, RequestId, limits};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A gateway that answers as `answer(method, path, body)` says.
async fn fake(answer: impl FnMut(&str, &str, &[u8]) -> (u16, Vec<u8>) + Send + 'static) -> Gateway {
    let answer = Arc::new(Mutex::new(answer));
    let serve = move |request: Request| {
        let answer = answer.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let (method, path) = (parts.method.as_str(), parts.uri.path());
            let (status, body) = (answer.lock().unwrap())(method, path, &body);
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status.try_into().unwrap();
            if status == 302 {
                response.headers_mut().insert("location", "/health".parse().unwrap());
            }
            response
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router: Router = Router::new().fallback(serve);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Gateway::new(&format!("http://{address}/")).unwrap()
}

/// A gateway in front of `world`.
async fn before(world: World) -> (Gateway, Arc<Mutex<World>>) {
    let world = Arc::new(Mutex::new(world));
    let shared = world.clone();
    let gateway =
        fake(move |method, path, body| shared.lock().unwrap().serve(method, path, body)).await;
    (gateway, world)
}

/// A server that does with each connection as `speak` says.
async fn raw<F: Future<Output = ()> + Send + 'static>(
    speak: impl Fn(TcpStream) -> F + Send + 'static,
) -> Gateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(speak(stream));
        }
    });
    Gateway::new(&format!("http://{address}")).unwrap()
}

fn unreachable<T>(answer: &Result<T, ClientError>) -> bool {
    matches!(answer, Err(ClientError::Unreachable(_)))
}

#[tokio::test]
async fn every_question_goes_through_the_door() {
    let (gateway, world) = before(World::answered()).await;
    let (id, now) = {
        let world = world.lock().unwrap();
        (world.id(), world.now())
    };
    gateway.health().await.unwrap();
    let network = gateway.genesis().await.unwrap().pinned(&network("test").id()).unwrap();
    let certificate = gateway.certificate().await.unwrap();
    assert_eq!(network.check_certificate(&certificate, now), Ok(()));
    assert_eq!(gateway.status().await.unwrap()["height"], 9);
    let app = manifest("owner").id();
    let bundle = gateway.entry(&entry_key::<App>(&app)).await.unwrap();
    assert!(network.check_entry::<App>(&bundle, &app, now).is_ok());
    assert_eq!(gateway.nonce(&key("worker").public().node_id()).await, Ok(3));
    let receipt = gateway.receipt(&id).await.unwrap();
    assert_eq!(network.check_receipt(&receipt).unwrap().receipt.request, id);
    assert_eq!(gateway.request(&id).await.unwrap().progress, Progress::Answered);
    // A long body there and back: over many reads.
    let long: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let hash = gateway.keep(long.clone()).await.unwrap();
    assert_eq!(gateway.bytes(&hash).await.unwrap(), long);
    let missing = gateway.bytes(&Hash([1; 32])).await;
    let message = "there is no such thing here".into();
    assert_eq!(missing, Err(ClientError::Gateway { status: 404, message }));
}

#[tokio::test]
async fn an_app_is_deployed_once() {
    let (gateway, world) = before(World::new()).await;
    let (network, owner) = (network("test"), key("owner"));
    let manifest = manifest("owner");
    let nonce = || world.lock().unwrap().get::<Nonce>(&owner.public().node_id()).unwrap().0;
    for _ in 0..2 {
        let app = gateway.deploy(&network, &owner, &manifest, COMPONENT.to_vec()).await;
        assert_eq!(app, Ok(manifest.id()));
        assert_eq!(nonce(), 1);
    }
    assert_eq!(gateway.bytes(&manifest.code).await, Ok(COMPONENT.to_vec()));

    // A second app of the same owner takes the next nonce.
    let mut second = manifest.clone();
    second.name = "second".into();
    let app = gateway.deploy(&network, &owner, &second, COMPONENT.to_vec()).await;
    assert_eq!((app, nonce()), (Ok(second.id()), 2));
}

#[tokio::test]
async fn a_deployment_that_another_action_outran_is_signed_again() {
    let mut world = World::new();
    let mut outrun = true;
    let gateway = fake(move |method, path, body| {
        if path == "/v1/actions" && outrun {
            // Another machine with the same key was first.
            outrun = false;
            let mut first = manifest("owner");
            first.name = "first".into();
            world.act("owner", sotto_types::Action::Deploy(first));
        }
        world.serve(method, path, body)
    })
    .await;
    let manifest = manifest("owner");
    let owner = key("owner");
    let app = gateway.deploy(&network("test"), &owner, &manifest, COMPONENT.to_vec()).await;
    assert_eq!(app, Ok(manifest.id()));
}

#[tokio::test]
async fn what_does_not_belong_together_is_not_deployed() {
    let (gateway, world) = before(World::new()).await;
    let network = network("test");
    let deploy = async |who: &str, manifest, component: &[u8]| {
        gateway.deploy(&network, &key(who), manifest, component.to_vec()).await.unwrap_err()
    };
    let good = manifest("owner");
    let mut nothing = good.clone();
    nothing.memory_mib = 0;
    for error in [
        deploy("thief", &good, COMPONENT).await,
        deploy("owner", &good, b"another component").await,
        deploy("owner", &nothing, COMPONENT).await,
    ] {
        assert!(matches!(error, ClientError::Argument { what: "manifest", .. }), "{error}");
    }
    assert!(world.lock().unwrap().held.is_empty());
}

#[tokio::test]
async fn a_deployment_refused_for_good_says_why() {
    let mut world = World::new();
    let gateway = fake(move |method, path, body| match path {
        "/v1/actions" => (409, b"the pool is full\n".to_vec()),
        _ => world.serve(method, path, body),
    })
    .await;
    let (owner, manifest) = (key("owner"), manifest("owner"));
    let refused = gateway.deploy(&network("test"), &owner, &manifest, COMPONENT.to_vec()).await;
    assert_eq!(refused, Err(ClientError::Refused("the pool is full".into())));
}

#[tokio::test]
async fn a_gateway_of_another_network_cannot_say_that_an_app_stands() {
    let (gateway, world) = before(World::answered()).await;
    let (owner, manifest) = (key("owner"), manifest("owner"));
    let here = world.lock().unwrap().network.id();
    let refused = gateway.deploy(&network("other"), &owner, &manifest, COMPONENT.to_vec()).await;
    assert_eq!(refused, Err(Unproved::Network(here).into()));
}

#[tokio::test]
async fn waiting_ends_with_the_request_or_the_time() {
    let (id, app) = (RequestId([1; 32]), AppId([2; 32]));
    let mut looks = ["", "waiting", "assigned", "settled"].into_iter();
    let gateway = fake(move |_, _, _| match looks.next().unwrap() {
        "" => (404, vec![]),
        word => (200, request_line(&id, &app, word)),
    })
    .await;
    let line = gateway.wait_for(&id, Duration::from_secs(60)).await.unwrap();
    assert_eq!(line.progress, Progress::Settled);

    let gateway = fake(move |_, _, _| (200, request_line(&id, &app, "held"))).await;
    let late = gateway.wait_for(&id, Duration::from_secs(1)).await;
    let what = format!("request {id} is held");
    assert_eq!(late, Err(ClientError::Late { what, seconds: 1 }));

    let gateway = fake(|_, _, _| (500, b"broken".to_vec())).await;
    let broken = gateway.wait_for(&id, Duration::from_secs(60)).await;
    let message = "broken".into();
    assert_eq!(broken, Err(ClientError::Gateway { status: 500, message }));
}

#[tokio::test]
async fn lies_and_errors_are_told_apart() {
    let gateway = fake(|_, path, _| match path {
        "/v1/genesis" => (200, b"not a genesis".to_vec()),
        "/v1/certificate" => (302, vec![]),
        "/v1/status" => (503, vec![b'x'; 100_000]),
        _ => (200, b"ok".to_vec()),
    })
    .await;
    let want = Hash::of(COMPONENT);
    let got = Hash::of(b"ok");
    let lie = ClientError::NotBelieved(NotBelieved::Bytes { want, got });
    assert_eq!(gateway.bytes(&want).await, Err(lie));
    let malformed = gateway.genesis().await;
    assert!(matches!(malformed, Err(ClientError::Malformed { what: "genesis", .. })));
    // A redirect is an answer like any other, and no right one.
    let redirect = gateway.certificate().await;
    assert_eq!(redirect, Err(ClientError::Gateway { status: 302, message: String::new() }));
    match gateway.status().await {
        Err(ClientError::Gateway { status: 503, message }) => assert!(message.len() <= 512),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn no_more_is_read_than_a_right_answer_has() {
    let gateway = fake(|_, _, _| (200, vec![0; limits::COMPONENT_MAX + 1])).await;
    let max = limits::COMPONENT_MAX;
    assert_eq!(gateway.bytes(&Hash([1; 32])).await, Err(ClientError::TooLong { max }));

    // Without end, and without a length beforehand.
    let endless = raw(|mut stream| async move {
        let mut heard = [0; 1024];
        let _ = stream.read(&mut heard).await;
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let mut more = stream.write_all(head).await;
        while more.is_ok() {
            more = stream.write_all(b"400\r\n").await;
            more = more.and(stream.write_all(&[b'a'; 1024]).await);
            more = more.and(stream.write_all(b"\r\n").await);
        }
    })
    .await;
    let max = http::certificate().max;
    assert_eq!(endless.certificate().await, Err(ClientError::TooLong { max }));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let gateway = Gateway::new(&format!("http://{nobody}")).unwrap();
    assert!(unreachable(&gateway.health().await));

    let silent = raw(|stream| async move {
        tokio::time::sleep(Duration::from_secs(600)).await;
        drop(stream);
    })
    .await;
    let mut question = http::health();
    question.seconds = 1;
    match silent.ask(question).await {
        Err(ClientError::Unreachable(why)) => assert!(why.contains("timed out"), "{why}"),
        other => panic!("{other:?}"),
    }
    // A timeout of the wait holds for each look too.
    let late = silent.wait_for(&RequestId([1; 32]), Duration::from_secs(1)).await;
    assert!(matches!(late, Err(ClientError::Late { seconds: 1, .. })), "{late:?}");

    let cut = raw(|mut stream| async move {
        let mut heard = [0; 1024];
        let _ = stream.read(&mut heard).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok").await;
    })
    .await;
    assert!(unreachable(&cut.health().await));

    // HTTPS is never quietly something less.
    let plain = fake(|_, _, _| (200, b"ok".to_vec())).await;
    let tls = Gateway::new(&plain.url().replace("http:", "https:")).unwrap();
    assert!(unreachable(&tls.health().await));
}

#[test]
fn an_address_is_http_or_https() {
    for (given, kept) in [
        ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
        ("https://gateway.example/", "https://gateway.example"),
        ("http://gateway.example/sotto/", "http://gateway.example/sotto"),
    ] {
        assert_eq!(Gateway::new(given).unwrap().url(), kept);
    }
    for bad in ["", "127.0.0.1:7070", "ftp://gateway.example", "http://a/?q", "http://a/#f"] {
        let refused = Gateway::new(bad);
        assert!(matches!(refused, Err(ClientError::Argument { .. })), "{bad}");
    }
}
