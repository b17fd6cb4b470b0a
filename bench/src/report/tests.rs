#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;

fn report() -> Report {
    let mut report = Report::new("some");
    report.ratio("a_vs_b", 2.5);
    report.measured("a", &Spread { median: 5.0, low: 4.0, high: 6.0, runs: 9 }, "");
    report.missing("c", "ratio", "not yet");
    report
}

#[test]
fn the_json_has_the_four_members_of_the_convention() {
    let json = report().json();
    let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["machine", "name", "ratios", "rows"]);
    assert_eq!(json["ratios"], json!({ "a_vs_b": 2.5 }));
    let a = json!({ "name": "a", "unit": "us", "value": 5.0, "p25": 4.0, "p75": 6.0, "runs": 9 });
    let c = json!({ "name": "c", "unit": "ratio", "value": null, "note": "not yet" });
    assert_eq!(json["rows"], json!([a, c]));
}

#[test]
fn the_table_says_what_is_missing_and_why() {
    let table = report().table();
    assert!(table.contains("a_vs_b = 2.500"), "{table}");
    let missing = table.lines().find(|line| line.starts_with("  c")).unwrap();
    assert!(missing.contains(" - ") && missing.ends_with("not yet"), "{missing}");
}
