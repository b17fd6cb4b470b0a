//! The manifest's hosts.

use crate::{HostError, HostList, MAX_HOSTS};

#[test]
fn hosts_are_taken_as_written() {
    let hosts = HostList::parse(&["b.example", "a.example:8443", "127.0.0.1:80"]).unwrap();
    assert!(!hosts.is_empty());
    let shown: Vec<_> = hosts.iter().collect();
    assert_eq!(shown, ["127.0.0.1:80", "a.example:8443", "b.example"]);
    assert!(hosts.allows("B.EXAMPLE", None) && hosts.allows("b.example", Some(443)));
    assert!(hosts.allows("a.example", Some(8443)));
    for (name, port) in [
        ("a.example", None),
        ("b.example", Some(8443)),
        ("c.b.example", None),
        ("example", None),
        ("b.example.", None),
        ("", None),
    ] {
        assert!(!hosts.allows(name, port), "{name} {port:?}");
    }
    assert_eq!(HostList::parse(&["a.example:443"]), HostList::parse(&["a.example"]));
    assert!(HostList::parse::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn what_is_no_host_is_refused() {
    for line in [
        "",
        "A.example",
        "*.example",
        "a..example",
        "a.example.",
        "-a.example",
        "a-.example",
        "a_b.example",
        "a.example/path",
        "https://a.example",
        "user@a.example",
        "ä.example",
        " a.example",
        "[::1]",
    ] {
        let error = HostList::parse(&[line]).unwrap_err();
        assert!(matches!(error, HostError::Name(_) | HostError::Port(_)), "{line}: {error}");
    }
    for line in ["a.example:", "a.example:0", "a.example:080", "a.example:65536", "a.example:+1"] {
        assert_eq!(HostList::parse(&[line]), Err(HostError::Port(line.to_owned())));
    }
    let label = "a".repeat(64);
    assert_eq!(HostList::parse(&[&label]), Err(HostError::Name(label.clone())));
    let many: Vec<_> = (0..=MAX_HOSTS).map(|n| format!("h{n}.example")).collect();
    assert_eq!(HostList::parse(&many), Err(HostError::TooMany { found: MAX_HOSTS + 1 }));
}
