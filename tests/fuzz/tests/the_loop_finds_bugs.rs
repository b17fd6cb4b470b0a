//! The loop shown bugs: each is planted behind bytes that a mutation of a genuine input reaches.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use fuzz_bodies::{Chance, Finding, Reached, Target, drive, mutate};
use std::time::Duration;

const TIME: Duration = Duration::from_secs(60);

fn hunt(body: fn(&[u8]) -> Reached, seeds: fn() -> Vec<Vec<u8>>, seed: u64) -> Box<Finding> {
    let target = Target { name: "planted", body, seeds };
    drive(&target, Vec::new(), seed, TIME).expect_err("the planted bug is not found")
}

/// A length that the decoder believes.
fn believes_a_length(bytes: &[u8]) -> Reached {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return Reached::Refused };
    if !rest.starts_with(b"magic") {
        return Reached::Refused;
    }
    let length = u32::from_le_bytes(*length) as usize;
    assert!(length <= 1 << 16, "a length of {length} is believed");
    Reached::Taken
}

fn lengths() -> Vec<Vec<u8>> {
    vec![[12_u32.to_le_bytes().as_slice(), b"magic and more"].concat()]
}

/// Two halves that come from different messages.
fn mixes(bytes: &[u8]) -> Reached {
    let (head, tail) = (bytes.starts_with(b"the head of A"), bytes.ends_with(b"the tail of B"));
    assert!(!head || !tail, "halves of two messages are taken for one");
    if head || tail { Reached::Taken } else { Reached::Refused }
}

fn halves() -> Vec<Vec<u8>> {
    vec![b"the head of A, the tail of A".to_vec(), b"the head of B, the tail of B".to_vec()]
}

/// Bytes behind the end of a message.
fn takes_more(bytes: &[u8]) -> Reached {
    let is_message = bytes.starts_with(b"0123456789");
    assert!(!is_message || bytes.len() <= 10, "{} bytes are taken for ten", bytes.len());
    if is_message { Reached::Taken } else { Reached::Refused }
}

fn ten() -> Vec<Vec<u8>> {
    vec![b"0123456789".to_vec()]
}

/// A body with a bug, its seeds, and what its panic says.
type Planted = (fn(&[u8]) -> Reached, fn() -> Vec<Vec<u8>>, &'static str);

#[test]
fn planted_bugs_are_found_and_their_inputs_break_the_target_again() {
    let planted: [Planted; 3] = [
        (believes_a_length, lengths, "is believed"),
        (mixes, halves, "are taken for one"),
        (takes_more, ten, "are taken for ten"),
    ];
    for (body, seeds, what) in planted {
        let finding = hunt(body, seeds, 1);
        assert!(finding.what.contains(what), "{finding:?}");
        let shown = format!("{finding:?}");
        assert!(shown.contains(&hex::encode(&finding.input)) && shown.contains("seed 1"));
        let again = std::panic::catch_unwind(|| body(&finding.input));
        assert!(again.is_err(), "the input of the finding does not repeat it");
    }
}

#[test]
fn a_seed_repeats_its_finding() {
    let [first, again] = [7, 7].map(|seed| hunt(believes_a_length, lengths, seed));
    assert_eq!(first, again);
    let other = hunt(believes_a_length, lengths, 8);
    assert_ne!((other.execution, &other.input), (first.execution, &first.input));
}

#[test]
fn an_input_that_was_kept_is_fed_before_any_mutation() {
    let target = Target { name: "planted", body: takes_more, seeds: ten };
    let kept = vec![b"0123456789 and more".to_vec()];
    let finding = drive(&target, kept.clone(), 1, Duration::ZERO).unwrap_err();
    assert_eq!((finding.execution, &finding.input), (2, &kept[0]));
}

#[test]
fn what_is_right_gives_no_finding() {
    fn right(bytes: &[u8]) -> Reached {
        if bytes == b"0123456789" { Reached::Taken } else { Reached::Refused }
    }
    let target = Target { name: "right", body: right, seeds: ten };
    let report = drive(&target, Vec::new(), 1, Duration::from_millis(200)).unwrap();
    assert!(report.executions > 1_000 && report.taken >= 1, "{report}");
}

/// Every mutation is of some use: from one input come shorter, longer and equally long ones, and
/// hardly any is what it was.
#[test]
fn mutations_differ() {
    let corpus = vec![(0..=255).collect::<Vec<u8>>(), vec![], vec![1]];
    let mut chance = Chance::new(3);
    let made: Vec<Vec<u8>> = (0..20_000).map(|_| mutate(&mut chance, &corpus, 600)).collect();
    assert!(made.iter().all(|input| input.len() <= 600));
    for length in [0..256, 256..257, 257..601] {
        let count = made.iter().filter(|input| length.contains(&input.len())).count();
        assert!(count > 1_000, "{count} inputs of {length:?} bytes");
    }
    let same = made.iter().filter(|input| **input == corpus[0]).count();
    assert!(same < 2_000, "{same} inputs are what they were");
}
