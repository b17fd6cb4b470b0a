#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use sotto_guest::{Call, FetchError, Response, Word};

use super::answer;

fn call(payload: &str) -> Call {
    Call { payload: payload.as_bytes().to_vec(), time: 1_700_000_000, ..Call::default() }
}

fn three() -> Call {
    call(
        r#"{"sources":[{"url":"https://a.example/1","price":"/p"},
            {"url":"https://b.example/2","price":"/p"},
            {"url":"https://c.example/3","price":"/p"}]}"#,
    )
}

/// A world where each host answers its own line: status and body.
fn world<'a>(
    lines: &'a [(&'a str, u16, &'a str)],
) -> impl Fn(&str) -> Result<Response, FetchError> + 'a {
    move |url| {
        let host = url.split('/').nth(2).unwrap();
        let found = lines.iter().find(|(name, _, _)| *name == host);
        let (_, status, body) = found.ok_or_else(|| FetchError::Denied(host.to_owned()))?;
        Ok(Response { status: *status, headers: Vec::new(), body: body.as_bytes().to_vec() })
    }
}

fn price(call: &Call, lines: &[(&str, u16, &str)]) -> Result<u128, String> {
    let bytes = answer(call, world(lines))?;
    let [price, time] = Word::exactly(&bytes).unwrap();
    assert_eq!(time, Word::from(call.time));
    Ok(price.to_u128().unwrap())
}

#[test]
fn the_median_of_three() {
    let lines = [
        ("a.example", 200, r#"{"p":"3000.5"}"#),
        ("b.example", 200, r#"{"p":2999}"#),
        ("c.example", 200, r#"{"p":"999999"}"#),
    ];
    assert_eq!(price(&three(), &lines), Ok(300_050_000_000));
}

#[test]
fn of_two_the_mean_and_one_silent_source_is_borne() {
    let lines = [("a.example", 200, r#"{"p":"10"}"#), ("b.example", 200, r#"{"p":"20"}"#)];
    assert_eq!(price(&three(), &lines), Ok(1_500_000_000));
}

#[test]
fn too_few_and_it_says_who_failed_and_why() {
    let lines = [
        ("a.example", 200, r#"{"p":"10"}"#),
        ("b.example", 503, r#"{"p":"20"}"#),
        ("c.example", 200, r#"{"q":1}"#),
    ];
    let error = price(&three(), &lines).unwrap_err();
    assert_eq!(
        error,
        "1 of 2 prices needed: https://b.example/2: status 503; \
         https://c.example/3: nothing at /p"
    );
}

#[test]
fn every_kind_of_bad_answer_is_a_silent_source() {
    let one = call(r#"{"sources":[{"url":"https://a.example/","price":"/p"}]}"#);
    for (status, body, why) in [
        (404, "{}", "status 404"),
        (200, "<html>", "not JSON: expected value at line 1 column 1"),
        (200, r#"{"p":null}"#, "no number at /p"),
        (200, r#"{"p":"-3"}"#, "no price at /p"),
        (200, r#"{"p":0}"#, "no price at /p"),
        (200, r#"{"p":1e400}"#, "no price at /p"),
    ] {
        let error = price(&one, &[("a.example", status, body)]).unwrap_err();
        assert_eq!(error, format!("0 of 1 prices needed: https://a.example/: {why}"));
    }
    let error = price(&one, &[]).unwrap_err();
    assert!(error.ends_with("a.example is not on the manifest's list of hosts"), "{error}");
}

#[test]
fn a_number_is_read_as_it_was_written() {
    let one = call(r#"{"sources":[{"url":"https://a.example/","price":"/p"}]}"#);
    // A double would make 12345678901234567.8 of it.
    let exact = r#"{"p":12345678901234567.12345678}"#;
    assert_eq!(price(&one, &[("a.example", 200, exact)]), Ok(1_234_567_890_123_456_712_345_678));
}

#[test]
fn a_payload_that_asks_for_nothing_sensible_is_refused() {
    for (payload, why) in [
        ("", "payload: EOF while parsing a value at line 1 column 0"),
        (r#"{"sources":[]}"#, "payload: 0 sources, 1 to 16 are taken"),
        (
            r#"{"sources":[{"url":"u","price":"/p"}],"at_least":2}"#,
            "payload: at least 2 of 1 sources is no quorum",
        ),
        (
            r#"{"sources":[{"url":"u","price":"/p"}],"at_least":0}"#,
            "payload: at least 0 of 1 sources is no quorum",
        ),
    ] {
        assert_eq!(price(&call(payload), &[]), Err(why.to_owned()), "{payload}");
    }
    let misspelt = call(r#"{"sources":[{"url":"u","price":"/p"}],"atleast":1}"#);
    assert!(price(&misspelt, &[]).unwrap_err().contains("unknown field `atleast`"));
}
