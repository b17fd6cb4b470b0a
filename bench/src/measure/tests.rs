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
fn turns_alternate_and_each_begins_once_in_a_while() {
    let order = RefCell::new(String::new());
    let turn = |name: char| {
        order.borrow_mut().push(name);
        Ok(Duration::from_micros(u64::from(u32::from(name))))
    };
    let mut turns = Interleaved::default();
    let a = turns.add(|| turn('a'));
    let b = turns.add(|| turn('b'));
    let measured = turns.run(3).unwrap();
    assert_eq!(*order.borrow(), "abbaabba");
    assert_eq!((measured[a].median, measured[b].median), (97.0, 98.0));
    assert_eq!(measured[a].runs, 3);
}

#[test]
fn a_failure_ends_the_run() {
    let mut turns = Interleaved::default();
    turns.add(|| Err("broken".into()));
    assert_eq!(turns.run(1).err().unwrap().to_string(), "broken");
}
