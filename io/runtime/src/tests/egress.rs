//! What of an app's requests leaves, and what comes back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{RUNTIME, built, limits, saying};
use crate::{
    Answer, CallError, Egress, EgressError, HostList, Limits, MAX_REQUEST_BODY, MAX_REQUESTS,
    MAX_RESPONSE_BODY, Reach, World,
};

/// A world of hosts that answer by their names, and remembers who was asked.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<http::Request<Bytes>>>,
}

#[async_trait]
impl Egress for Fake {
    async fn send(
        &self,
        request: http::Request<Bytes>,
        max_body: usize,
    ) -> Result<http::Response<Bytes>, EgressError> {
        assert_eq!(max_body, MAX_RESPONSE_BODY);
        self.asked.lock().unwrap().push(request.clone());
        let host = request.uri().host().unwrap().to_owned();
        let sent = request.body().len();
        assert!(request.body().iter().all(|byte| *byte == 7));
        let body = match host.as_str() {
            "silent.example" => return std::future::pending().await,
            "gone.example" => return Err(EgressError::Unreachable("nobody".to_owned())),
            "forged.example" => return Err(EgressError::Tls("not its name".to_owned())),
            // One that ignores the limit, and one that minds it.
            "flood.example" => Bytes::from(vec![b' '; MAX_RESPONSE_BODY + 1]),
            "large.example" => return Err(EgressError::TooLarge { limit: max_body }),
            // More than the oracle takes, less than the runtime does.
            "long.example" => Bytes::from(vec![b' '; 100_000]),
            "broken.example" => Bytes::from_static(b"<html>"),
            "error.example" => {
                let answer = http::Response::builder().status(500);
                return Ok(answer.body(Bytes::new()).unwrap());
            }
            "echo.example" => Bytes::from(format!("{} {sent}", request.method())),
            "ten.example" => Bytes::from_static(br#"{"p":"10.5"}"#),
            _ => Bytes::from_static(br#"{"p":20}"#),
        };
        Ok(http::Response::new(body))
    }
}

/// The oracle asked for the sources, with the hosts on its list.
async fn oracle(
    hosts: &[&str],
    sources: &[&str],
    limits: &Limits,
) -> (Result<Answer, CallError>, Vec<http::Request<Bytes>>) {
    let sources: Vec<_> =
        sources.iter().map(|url| serde_json::json!({ "url": url, "price": "/p" })).collect();
    let payload = serde_json::json!({ "sources": sources }).to_string();
    let fake = Arc::new(Fake::default());
    let hosts = Arc::new(HostList::parse(hosts).unwrap());
    let reach = Reach { hosts, egress: fake.clone() };
    let app = RUNTIME.load(&built::ORACLE, World::FunctionHttp).unwrap();
    let answer = app.call(&saying(payload.as_bytes()), limits, Some(reach)).await;
    let asked = std::mem::take(&mut *fake.asked.lock().unwrap());
    (answer, asked)
}

fn price(answer: Result<Answer, CallError>) -> u64 {
    let output = answer.unwrap().output;
    assert_eq!(output.len(), 64);
    u64::from_be_bytes(output[24..32].try_into().unwrap())
}

#[tokio::test]
async fn a_listed_host_is_asked_and_answers() {
    let hosts = ["ten.example", "other.example:8443"];
    let sources = ["https://ten.example/a?b=c", "https://other.example:8443/"];
    let (answer, asked) = oracle(&hosts, &sources, &limits()).await;
    assert_eq!(price(answer), 1_525_000_000);
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0].uri(), "https://ten.example/a?b=c");
    assert_eq!(asked[0].headers()["host"], "ten.example");
    assert_eq!(asked[0].headers()["user-agent"], "sotto-oracle");
    assert_eq!(asked[1].headers()["host"], "other.example:8443");
}

#[tokio::test]
async fn a_host_not_on_the_list_is_refused_and_never_asked() {
    for (url, named) in [
        ("https://evil.example/", "evil.example"),
        ("https://ten.example:8443/", "ten.example:8443"),
        ("https://sub.ten.example/", "sub.ten.example"),
        ("https://ten.example.evil.example/", "ten.example.evil.example"),
    ] {
        let (answer, asked) = oracle(&["ten.example"], &[url], &limits()).await;
        let Err(CallError::EgressRefused { host, said }) = answer else { panic!("{answer:?}") };
        assert_eq!(host, named);
        assert!(said.contains("is not on the manifest's list of hosts"), "{said}");
        assert!(asked.is_empty(), "{asked:?}");
    }
}

#[tokio::test]
async fn an_app_may_go_on_without_a_refused_host() {
    let sources = ["https://evil.example/", "https://ten.example/", "https://other.example/"];
    let (answer, asked) = oracle(&["ten.example", "other.example"], &sources, &limits()).await;
    assert_eq!(price(answer), 1_525_000_000);
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn without_a_reach_every_host_is_refused() {
    let app = RUNTIME.load(&built::ORACLE, World::FunctionHttp).unwrap();
    let payload = br#"{"sources":[{"url":"https://ten.example/","price":"/p"}]}"#;
    let error = app.call(&saying(payload), &limits(), None).await.unwrap_err();
    assert!(matches!(error, CallError::EgressRefused { host, .. } if host == "ten.example"));
}

#[tokio::test]
async fn a_host_that_fails_is_told_to_the_app() {
    let too_large = "the answer is larger than 65536 bytes";
    for (host, why) in [
        ("gone.example", "the host did not answer: ErrorCode::DestinationUnavailable"),
        ("forged.example", "the host did not answer: ErrorCode::TlsCertificateError"),
        ("flood.example", too_large),
        ("large.example", too_large),
        ("long.example", too_large),
        ("broken.example", "not JSON: expected value at line 1 column 1"),
        ("error.example", "status 500"),
    ] {
        let (answer, asked) = oracle(&[host], &[&format!("https://{host}/")], &limits()).await;
        let expected = format!("0 of 1 prices needed: https://{host}/: {why}");
        assert_eq!(answer, Err(CallError::App(expected)));
        assert_eq!(asked.len(), 1);
    }
}

#[tokio::test]
async fn a_silent_host_ends_with_the_calls_time() {
    let short = Limits { time: Duration::from_millis(200), ..limits() };
    let (answer, _) = oracle(&["silent.example"], &["https://silent.example/"], &short).await;
    assert_eq!(answer, Err(CallError::OutOfTime { limit: short.time }));
}

#[tokio::test(start_paused = true)]
async fn a_silent_host_ends_with_the_requests_time() {
    let sources = ["https://silent.example/", "https://ten.example/", "https://other.example/"];
    let hosts = ["silent.example", "ten.example", "other.example"];
    let (answer, _) = oracle(&hosts, &sources, &limits()).await;
    assert_eq!(price(answer), 1_525_000_000);
}

#[tokio::test]
async fn one_call_sends_so_many_requests_and_no_more() {
    // The oracle takes as many sources as a call may send requests, so this is the most it asks.
    let sources: Vec<_> = (0..MAX_REQUESTS).map(|n| format!("https://ten.example/{n}")).collect();
    let sources: Vec<_> = sources.iter().map(String::as_str).collect();
    let (answer, asked) = oracle(&["ten.example"], &sources, &limits()).await;
    assert_eq!(price(answer), 1_050_000_000);
    assert_eq!(asked.len(), MAX_REQUESTS as usize);
}

/// What the poster sends to `echo.example`, of this many bytes.
async fn post(bytes: usize) -> (Result<Answer, CallError>, usize) {
    let fake = Arc::new(Fake::default());
    let hosts = Arc::new(HostList::parse(&["echo.example"]).unwrap());
    let reach = Reach { hosts, egress: fake.clone() };
    let app = RUNTIME.load(&built::POSTER, World::FunctionHttp).unwrap();
    let payload = format!("https://echo.example/in {bytes}");
    let answer = app.call(&saying(payload.as_bytes()), &limits(), Some(reach)).await;
    let asked = fake.asked.lock().unwrap();
    assert!(asked.iter().all(|request| request.headers()["x-app"] == "poster"));
    (answer, asked.len())
}

#[tokio::test]
async fn a_body_goes_out_whole_up_to_its_limit() {
    for bytes in [0, 1, 4096, 4097, 100_000, MAX_REQUEST_BODY] {
        let (answer, asked) = post(bytes).await;
        assert_eq!(answer.unwrap().output, format!("POST {bytes}").as_bytes());
        assert_eq!(asked, 1);
    }
    let (answer, asked) = post(MAX_REQUEST_BODY + 1).await;
    assert!(matches!(answer, Err(CallError::App(_))), "{answer:?}");
    assert_eq!(asked, 0);
}
