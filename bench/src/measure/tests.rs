#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use std::cell::RefCell;

#[test]
fn quartiles_are_those_of_the_sorted_samples() {
    let spread = Spread::of(vec![5.0, 1.0, 4.0, 2.0, 3.0]);
    assert_eq!(spread, Spread { median: 3.0, low: 2.0, high: 4.0, runs: 5 });
    assert_eq!(Spread::of(vec![7.0]), Spread { median: 7.0, low: 7.0, high: 7.0, runs: 1 });
    assert_eq!(Spread::of(Vec::new()), Spread { median: 0.0, low: 0.0, high: 0.0, runs: 0 });
}

#[test]
fn one_busy_moment_does_not_move_the_median() {
    let mut samples = vec![10.0; 99];
    samples.push(1e9);
    assert_eq!(Spread::of(samples).median, 10.0);
}

#[test]
fn each_round_has_everyone_once_in_an_order_of_its_own() {
    let order = RefCell::new(String::new());
    let turn = |name: char| {
        order.borrow_mut().push(name);
        Ok(Duration::from_micros(u64::from(u32::from(name))))
    };
    let mut turns = Interleaved::default();
    let [a, b, c] = ['a', 'b', 'c'].map(|name| turns.add(move || turn(name)));
    let measured = turns.run(100).unwrap();
    assert_eq!([a, b, c].map(|entry| measured[entry].median), [97.0, 98.0, 99.0]);
    assert_eq!(measured[a].runs, 100);
    let order = order.into_inner();
    let mut orders: Vec<&str> = (0..110).map(|round| &order[3 * round..3 * round + 3]).collect();
    assert_eq!(order.len(), 330);
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(orders, ["abc", "acb", "bac", "bca", "cab", "cba"]);
}

#[test]
fn a_failure_ends_the_run() {
    let mut turns = Interleaved::default();
    turns.add(|| Err("broken".into()));
    assert_eq!(turns.run(1).err().unwrap().to_string(), "broken");
}
