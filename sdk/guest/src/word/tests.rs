#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Word, WordsError};

#[test]
fn words_compare_as_numbers() {
    let mut high = [0; 32];
    high[0] = 1;
    assert!(Word(high) > Word::from(u128::MAX));
    assert!(Word::from(256_u64) > Word::from(255_u64));
    assert_eq!(Word::from(3_u64).cmp(&Word::from(3_u128)), core::cmp::Ordering::Equal);
}

#[test]
fn numbers_go_there_and_back_and_never_wrap() {
    assert_eq!(Word::from(u128::MAX).to_u128(), Some(u128::MAX));
    let mut above = [0; 32];
    above[15] = 1;
    assert_eq!(Word(above).to_u128(), None);
}

#[test]
fn an_address_is_padded_on_the_left_and_dirty_padding_is_none() {
    let word = Word::address([0xab; 20]);
    assert_eq!(word.0[11..13], [0, 0xab]);
    assert_eq!(word.to_address(), Some([0xab; 20]));
    let mut dirty = word.0;
    dirty[0] = 1;
    assert_eq!(Word(dirty).to_address(), None);
}

#[test]
fn exactly_takes_no_byte_more_or_less() {
    let bytes = Word::concat(&[Word::from(1_u64), Word::from(2_u64)]);
    assert_eq!(Word::exactly::<2>(&bytes), Ok([Word::from(1_u64), Word::from(2_u64)]));
    assert_eq!(Word::exactly::<1>(&bytes), Err(WordsError { expected: 32, found: 64 }));
    assert_eq!(Word::exactly::<2>(&bytes[1..]), Err(WordsError { expected: 64, found: 63 }));
    assert_eq!(Word::new(&bytes), None);
}
