#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
use super::*;

#[test]
fn a_message_comes_back_and_its_class_is_the_first_that_holds_it() {
    let classes = [(0, 64), (63, 64), (64, 256), (255, 256), (256, 1024), (1023, 1024)];
    for (len, class) in classes {
        let message = vec![0x80; len];
        let mut padded = message.clone();
        pad(&mut padded);
        assert_eq!((padded.len(), is_class(padded.len())), (class, true));
        assert_eq!(unpad(&padded), Some(message.as_slice()));
    }
}

#[test]
fn other_padding_is_none() {
    let mut good = b"message".to_vec();
    pad(&mut good);
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bad = good.clone();
        change(&mut bad);
        bad
    };
    let bad = [
        vec![],
        vec![0; 64],
        with(&|bad| bad[7] = 0x81),
        with(&|bad| bad[63] = 1),
        with(&|bad| bad.truncate(63)),
        with(&|bad| bad.push(0)),
        // A class larger than it need be.
        with(&|bad| bad.resize(256, 0)),
    ];
    for bad in bad {
        assert_eq!(unpad(&bad), None, "{bad:?}");
    }
}
