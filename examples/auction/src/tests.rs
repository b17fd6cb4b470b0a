#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use sotto_guest::{Call, Submission, Word};

use super::{Sale, run, settle};

const RESERVE: u64 = 10;
const DEPOSIT: u64 = 100;

fn bidder(n: u8) -> [u8; 32] {
    Word::address([n; 20]).0
}

fn sealed(n: u8, content: &[u8]) -> Submission {
    Submission { submitter: bidder(n), content: Some(content.to_vec()) }
}

fn bid(n: u8, amount: u64) -> Submission {
    sealed(n, &Word::from(amount).0)
}

fn sale(submissions: &[Submission]) -> Option<(u8, u64)> {
    settle(submissions, Word::from(RESERVE), Word::from(DEPOSIT)).map(|Sale { winner, price }| {
        (winner.to_address().unwrap()[0], u64::try_from(price.to_u128().unwrap()).unwrap())
    })
}

#[test]
fn the_highest_wins_and_pays_the_second() {
    assert_eq!(sale(&[bid(1, 30), bid(2, 70), bid(3, 50)]), Some((2, 50)));
    assert_eq!(sale(&[bid(1, 70), bid(2, 30), bid(3, 50)]), Some((1, 50)));
    assert_eq!(sale(&[bid(1, 30), bid(2, 50), bid(3, 70)]), Some((3, 50)));
}

#[test]
fn of_equal_bids_the_earlier_wins_and_pays_as_much() {
    assert_eq!(sale(&[bid(1, 20), bid(2, 70), bid(3, 70)]), Some((2, 70)));
}

#[test]
fn a_lone_bid_pays_the_reserve() {
    assert_eq!(sale(&[bid(1, 70)]), Some((1, RESERVE)));
    assert_eq!(sale(&[bid(1, RESERVE)]), Some((1, RESERVE)));
}

#[test]
fn nobody_wins_without_a_bid() {
    assert_eq!(sale(&[]), None);
    assert_eq!(sale(&[bid(1, RESERVE - 1)]), None);
    let payload = Word::concat(&[Word::from(RESERVE), Word::from(DEPOSIT)]);
    assert_eq!(run(Call { payload, ..Call::default() }), Ok(vec![0; 64]));
}

#[test]
fn reserve_and_deposit_are_bids_and_a_step_outside_is_none() {
    assert_eq!(sale(&[bid(1, RESERVE), bid(2, DEPOSIT)]), Some((2, RESERVE)));
    assert_eq!(sale(&[bid(1, 40), bid(2, DEPOSIT + 1)]), Some((1, RESERVE)));
    assert_eq!(sale(&[bid(1, 40), bid(2, RESERVE - 1)]), Some((1, RESERVE)));
    // A number whose low bytes alone would look like a bid.
    assert_eq!(sale(&[bid(1, 40), sealed(2, &[0xff; 32])]), Some((1, RESERVE)));
}

#[test]
fn what_is_no_number_spoils_nothing() {
    let long = [Word::from(90_u64).0.as_slice(), &[0]].concat();
    let unopened = Submission { submitter: bidder(5), content: None };
    let junk = [bid(1, 40), sealed(2, &[]), sealed(3, &[90]), sealed(4, &long), unopened];
    assert_eq!(sale(&junk), Some((1, RESERVE)));
}

#[test]
fn a_deposit_below_the_reserve_sells_nothing() {
    assert_eq!(settle(&[bid(1, 50)], Word::from(60_u64), Word::from(40_u64)), None);
}

#[test]
fn the_payload_is_two_words_exactly() {
    let call = Call { payload: vec![0; 65], ..Call::default() };
    assert_eq!(run(call), Err("payload: expected 64 bytes of words, found 65".to_owned()));
}

#[test]
fn the_answer_is_two_words() {
    let payload = Word::concat(&[Word::from(RESERVE), Word::from(DEPOSIT)]);
    let call = Call { payload, submissions: vec![bid(1, 30), bid(2, 70)], ..Call::default() };
    let expected = Word::concat(&[Word::address([2; 20]), Word::from(30_u64)]);
    assert_eq!(run(call), Ok(expected));
}
