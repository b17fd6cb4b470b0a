#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::Secret;
use crate::fixtures::rng;
use zeroize::Zeroize;

#[test]
fn equality_is_over_every_byte() {
    let one = Secret::from_bytes(&[7; 32]);
    assert!(one == Secret::from_bytes(&[7; 32]));
    for at in 0..32 {
        let mut bytes = [7; 32];
        bytes[at] ^= 1;
        assert!(one != Secret::from_bytes(&bytes), "byte {at}");
    }
}

#[test]
fn zeroing_leaves_nothing() {
    let mut secret: Secret<44> = Secret::generate(&mut rng(1));
    assert_ne!(secret.expose(), &[0; 44]);
    secret.zeroize();
    assert_eq!(secret.expose(), &[0; 44]);
}

#[test]
fn a_move_copies_no_bytes() {
    let secret = Secret::from_bytes(&[7; 32]);
    let before = secret.expose().as_ptr();
    let moved = Some(secret).into_iter().collect::<Vec<_>>();
    assert_eq!(moved[0].expose().as_ptr(), before);
}
