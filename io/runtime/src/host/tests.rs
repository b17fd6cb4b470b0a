#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use wasmtime_wasi_http::Error;

use super::Door;
use crate::{Egress, EgressError, HostList, MAX_REQUESTS, Reach};

struct Nobody;

#[async_trait]
impl Egress for Nobody {
    async fn send(
        &self,
        _request: http::Request<Bytes>,
        _max_body: usize,
    ) -> Result<http::Response<Bytes>, EgressError> {
        Err(EgressError::Unreachable("nobody".to_owned()))
    }
}

fn door() -> Door {
    let hosts = Arc::new(HostList::parse(&["a.example", "b.example:8443"]).unwrap());
    Door { reach: Some(Reach { hosts, egress: Arc::new(Nobody) }), sent: 0, refused: None }
}

fn admit(door: &mut Door, uri: &str) -> Option<Error> {
    door.admit(&http::Request::get(uri).body(()).unwrap()).err()
}

#[test]
fn only_https_to_a_listed_host_leaves() {
    for uri in ["https://a.example/", "https://A.EXAMPLE:443/x", "https://b.example:8443/"] {
        let mut door = door();
        assert!(admit(&mut door, uri).is_none(), "{uri}");
        assert_eq!(door.refused, None);
    }
    for (uri, named) in [
        ("http://a.example/", "http://a.example"),
        ("http://a.example:443/", "http://a.example"),
        ("ftp://a.example/", "ftp://a.example"),
        ("https://b.example/", "b.example"),
        ("https://a.example:8443/", "a.example:8443"),
        ("https://a.example./", "a.example."),
        ("https://user@a.example/", "a.example"),
        ("https://a.example@evil.example/", "evil.example"),
        ("https://[::1]/", "[::1]"),
        ("/a.example", "://"),
    ] {
        let mut door = door();
        assert!(matches!(admit(&mut door, uri), Some(Error::HttpRequestDenied)), "{uri}");
        assert_eq!(door.refused.as_deref(), Some(named), "{uri}");
    }
}

#[test]
fn the_first_host_refused_is_the_one_named() {
    let mut door = door();
    admit(&mut door, "https://one.example/");
    admit(&mut door, "https://two.example/");
    assert_eq!(door.refused.as_deref(), Some("one.example"));
}

#[test]
fn one_request_too_many_does_not_leave() {
    let mut door = door();
    for _ in 0..MAX_REQUESTS {
        assert!(admit(&mut door, "https://a.example/").is_none());
    }
    for _ in 0..3 {
        let refused = admit(&mut door, "https://a.example/");
        assert!(matches!(refused, Some(Error::ConnectionLimitReached)));
    }
    // It is no fault of the host's.
    assert_eq!(door.refused, None);
}
