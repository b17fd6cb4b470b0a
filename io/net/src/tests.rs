#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::{Door, Reply, Tls, TlsError, install_default};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

fn any() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

#[tokio::test]
async fn the_door_reads_no_more_than_it_may_and_closes_when_dropped() {
    install_default();
    let echo = |request: crate::Request| async move {
        Reply { status: 200, kind: "text/plain", body: request.body }
    };
    let door = Door::open(any(), |path| path.len(), echo).await.unwrap();
    let url = format!("http://{}/four", door.address());
    let client = reqwest::Client::new();
    let answer = client.post(&url).body("12345").send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "12345");
    assert_eq!(client.post(&url).body("123456").send().await.unwrap().status(), 413);
    let address = door.address();
    assert!(matches!(
        Door::open(address, |_| 0, echo).await.err(),
        Some(crate::DoorError::Listen(taken, _)) if taken == address
    ));
}

/// A TLS server of one answer, under a root made for the test.
async fn server(answer: &'static str) -> (u16, rustls_pki_types::CertificateDer<'static>) {
    let key = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let root = key.cert.der().clone();
    let private =
        rustls_pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![root.clone()], private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind(any()).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0; 4096];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    (port, root)
}

fn get(url: &str) -> http::Request<Bytes> {
    http::Request::get(url).body(Bytes::new()).unwrap()
}

#[tokio::test]
async fn a_host_is_believed_by_its_certificate_only() {
    install_default();
    let (port, root) = server("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nprice").await;
    let url = format!("https://localhost:{port}/");
    let limit = Duration::from_secs(5);
    let trusting = Tls::new(&[root], limit).unwrap();
    assert_eq!(trusting.send(get(&url), 5).await.unwrap().body().as_ref(), b"price");
    assert_eq!(trusting.send(get(&url), 4).await.err(), Some(TlsError::TooLong(4)));
    let strange = Tls::new(&[], limit).unwrap();
    assert!(matches!(strange.send(get(&url), 5).await, Err(TlsError::Unreachable(_))));
    let plain = format!("http://localhost:{port}/");
    assert!(matches!(trusting.send(get(&plain), 5).await, Err(TlsError::Unreachable(_))));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    install_default();
    let answer =
        "HTTP/1.1 302 Found\r\nlocation: https://example.invalid/\r\ncontent-length: 0\r\n\r\n";
    let (port, root) = server(answer).await;
    let tls = Tls::new(&[root], Duration::from_secs(5)).unwrap();
    let response = tls.send(get(&format!("https://localhost:{port}/")), 10).await.unwrap();
    assert_eq!(response.status(), 302);
}
