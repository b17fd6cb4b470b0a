#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::split;

#[test]
fn a_url_is_split_into_authority_and_path() {
    assert_eq!(split("https://a.example"), Some(("a.example", "/")));
    assert_eq!(split("https://a.example:8443/p?q=1"), Some(("a.example:8443", "/p?q=1")));
    assert_eq!(split("https://a.example?q=1"), Some(("a.example", "?q=1")));
}

#[test]
fn what_is_no_plain_https_url_is_refused() {
    for url in [
        "http://a.example/",
        "https://",
        "https:///path",
        "a.example",
        "https://user@a.example/",
        "https://a.example/#top",
        "https://a.example\\@b.example/",
    ] {
        assert_eq!(split(url), None, "{url}");
    }
}
