#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

fn ends(k: u8) -> (Session, Session) {
    let k = Secret::from_bytes(&[k; 32]);
    (Session::new(&k, &[1; 32], Side::Client), Session::new(&k, &[1; 32], Side::Server))
}

/// Compiles only while the cipher's feature that wipes its round keys is on.
const _: fn() = || {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<aes::Aes256>();
};

#[test]
fn both_ways_in_order() {
    let (mut client, mut server) = ends(1);
    for at in 0_u8..20 {
        let question = vec![at; usize::from(at)];
        let sealed = client.seal_next(&question).unwrap();
        assert_eq!(sealed.len(), question.len() + SESSION_OVERHEAD);
        assert_eq!(sealed[..12], u128::from(at + 1).to_be_bytes()[4..]);
        assert_eq!(*server.open_next(&sealed).unwrap(), question);
        let sealed = server.seal_next(b"answer").unwrap();
        assert_eq!(*client.open_next(&sealed).unwrap(), b"answer");
    }
}

#[test]
fn replay_and_reorder_are_refused() {
    let (mut client, mut server) = ends(1);
    let sealed: Vec<_> = (0_u8..4).map(|at| client.seal_next(&[at]).unwrap()).collect();
    let refused = |counter, last| Err(SessionError::Replayed { counter, last });
    assert_eq!(*server.open_next(&sealed[0]).unwrap(), [0]);
    assert_eq!(server.open_next(&sealed[0]), refused(1, 1));
    // A lost message is only a gap; what it leaves behind does not come back.
    assert_eq!(*server.open_next(&sealed[2]).unwrap(), [2]);
    assert_eq!(server.open_next(&sealed[1]), refused(2, 3));
    assert_eq!(server.open_next(&sealed[2]), refused(3, 3));
    assert_eq!(*server.open_next(&sealed[3]).unwrap(), [3]);
    assert_eq!(server.open_next(&[0; 28]), refused(0, 4));
}

#[test]
fn a_message_of_anyone_else_is_refused_and_changes_nothing() {
    let (mut client, mut server) = ends(1);
    let (mut stranger, _) = ends(2);
    let other_head = Secret::from_bytes(&[1; 32]);
    let mut other_head = Session::new(&other_head, &[2; 32], Side::Client);
    let mut far = client.seal_next(b"far").unwrap();
    far[..12].copy_from_slice(&[0xff; 12]);
    let good = client.seal_next(b"good").unwrap();
    for (name, bad) in [
        ("another session", stranger.seal_next(b"bad").unwrap()),
        ("another envelope", other_head.seal_next(b"bad").unwrap()),
        ("reflected", server.seal_next(b"bad").unwrap()),
        ("another counter", far),
        ("cut", good[..good.len() - 1].to_vec()),
        ("longer", [&good[..], &[0]].concat()),
        ("short", good[..27].to_vec()),
        ("nothing", Vec::new()),
    ] {
        assert_eq!(server.open_next(&bad), Err(SessionError::Failed), "{name}");
    }
    for bit in 12 * 8..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(server.open_next(&bad), Err(SessionError::Failed), "bit {bit}");
    }
    for bit in 0..12 * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(server.open_next(&bad).is_err(), "bit {bit}");
    }
    assert_eq!(*server.open_next(&good).unwrap(), b"good");
}

#[test]
fn the_counter_ends() {
    let (mut client, mut server) = ends(1);
    client.sending.counter = COUNTER_MAX - 1;
    let last = client.seal_next(b"last").unwrap();
    assert_eq!(last[..12], [0xff; 12]);
    assert_eq!(client.seal_next(b"more"), Err(SessionError::Exhausted));
    assert_eq!(client.seal_next(b"more"), Err(SessionError::Exhausted));
    assert_eq!(*server.open_next(&last).unwrap(), b"last");
    assert_eq!(
        server.open_next(&last),
        Err(SessionError::Replayed { counter: COUNTER_MAX, last: COUNTER_MAX })
    );
}

proptest! {
    /// However messages are lost, repeated and reordered: what opens is a rising subsequence of
    /// what was sent, each with its own content.
    #[test]
    fn what_opens_rises(order in proptest::collection::vec(0_usize..12, 0..60)) {
        let (mut client, mut server) = ends(3);
        let sealed: Vec<_> = (0..12).map(|at: u8| client.seal_next(&[at]).unwrap()).collect();
        let mut next = 0;
        for at in order {
            match server.open_next(&sealed[at]) {
                Ok(message) => {
                    prop_assert_eq!(&**message, [at as u8]);
                    prop_assert!(at >= next);
                    next = at + 1;
                }
                Err(refused) => {
                    prop_assert!(at < next);
                    let (counter, last) = (at as u128 + 1, next as u128);
                    prop_assert_eq!(refused, SessionError::Replayed { counter, last });
                }
            }
        }
    }
}

#[test]
fn both_ends_have_one_blind_for_each_call_and_nobody_else_has_it() {
    let (client, server) = ends(1);
    let (stranger, _) = ends(2);
    let other_head = Session::new(&Secret::from_bytes(&[1; 32]), &[2; 32], Side::Client);
    let mut seen = std::collections::BTreeSet::new();
    for call in [1, 2, 1 << 40] {
        for what in [Committed::Input, Committed::Output] {
            let blind = *client.blind(call, what).expose();
            assert_eq!(*server.blind(call, what).expose(), blind);
            for session in [&client, &stranger, &other_head] {
                seen.insert(*session.blind(call, what).expose());
            }
        }
    }
    assert_eq!(seen.len(), 3 * 2 * 3);
}
