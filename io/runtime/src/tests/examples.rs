//! The example apps, as components.

use super::{built, function, limits, saying};
use crate::{Call, CallError, Submission};

fn number(amount: u64) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&amount.to_be_bytes());
    word
}

fn submission(n: u8, content: Option<&[u8]>) -> Submission {
    let mut submitter = [0; 32];
    submitter[12..].fill(n);
    Submission { submitter, content: content.map(<[u8]>::to_vec) }
}

fn bid(n: u8, amount: u64) -> Submission {
    submission(n, Some(&number(amount)))
}

/// The winner's byte and the price; reserve 10, deposit 100.
async fn sale(submissions: Vec<Submission>) -> (u8, u64) {
    let payload = [number(10), number(100)].concat();
    let call = Call { payload, submissions, ..Call::default() };
    let answer = function(&built::AUCTION).call(&call, &limits(), None).await.unwrap().output;
    let (winner, price) = answer.split_at(32);
    assert_eq!(winner[..12], [0; 12]);
    assert!(winner[12..].iter().all(|byte| *byte == winner[31]));
    assert_eq!(price[..24], [0; 24]);
    (winner[31], u64::from_be_bytes(price[24..].try_into().unwrap()))
}

#[tokio::test]
async fn the_auction_sells_to_the_highest_at_the_second_price() {
    assert_eq!(sale(vec![bid(1, 30), bid(2, 70), bid(3, 50)]).await, (2, 50));
    assert_eq!(sale(vec![bid(1, 70), bid(2, 70)]).await, (1, 70));
    assert_eq!(sale(vec![bid(1, 30)]).await, (1, 10));
    assert_eq!(sale(vec![]).await, (0, 0));
}

#[tokio::test]
async fn what_is_no_bid_spoils_nothing() {
    let long = [number(90).as_slice(), &[0]].concat();
    let others = vec![
        submission(4, None),
        submission(5, Some(b"")),
        submission(6, Some(&long)),
        submission(7, Some(&[0xff; 32])),
        bid(8, 9),
        bid(9, 101),
    ];
    assert_eq!(sale(others.clone()).await, (0, 0));
    assert_eq!(sale([others.clone(), vec![bid(1, 40)]].concat()).await, (1, 10));
    assert_eq!(sale([vec![bid(1, 40), bid(2, 60)], others].concat()).await, (2, 40));
}

#[tokio::test]
async fn a_payload_of_another_length_is_the_auctions_own_error() {
    let error = function(&built::AUCTION).call(&saying(&[0; 63]), &limits(), None).await;
    let expected = "payload: expected 64 bytes of words, found 63".to_owned();
    assert_eq!(error, Err(CallError::App(expected)));
}

#[tokio::test]
async fn hello_greets() {
    let answer = function(&built::HELLO).call(&saying(b"world"), &limits(), None).await.unwrap();
    assert_eq!(answer.output, b"hello, world");
}

#[tokio::test]
async fn a_payload_larger_than_the_memory_is_no_crash() {
    let error = function(&built::HELLO).call(&saying(&vec![0; 64 << 20]), &limits(), None).await;
    assert_eq!(error, Err(CallError::OutOfMemory { limit: 32 << 20 }));
}
