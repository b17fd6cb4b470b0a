//! Commands and replies to the byte.

use crate::TeeError;
use crate::tpm::made::{Scripted, authorised, reply};
use crate::tpm::{Socket, Transport as _};
use sotto_attest::hash::Hash;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;

fn device<T>(why: &str) -> Result<T, TeeError> {
    Err(TeeError::Device(why.into()))
}

/// The body of an answer to `TPM2_PCR_Read`: an update counter, a selection, and values of bytes.
fn values(count: u32, values: &[u8]) -> Vec<u8> {
    let mut body = [[0, 0, 0, 9], 1_u32.to_be_bytes()].concat();
    body.extend([0, 0x0b, 3, 0xff, 0xff, 0xff]);
    body.extend(count.to_be_bytes());
    for value in values {
        body.extend([0, 32]);
        body.extend([*value; 32]);
    }
    body
}

fn read(replies: &[Vec<u8>], which: &[u8]) -> Result<Vec<u8>, TeeError> {
    let which: BTreeSet<u8> = which.iter().copied().collect();
    let values = Scripted::new(replies.to_vec()).tpm().pcrs(Hash::Sha256, &which)?;
    Ok(values.into_values().map(|value| value[0]).collect())
}

#[test]
fn pcrs_are_read_eight_at_a_time_in_ascending_order() {
    let script = Scripted::new([
        reply(0, &values(8, &[1, 2, 3, 4, 5, 6, 7, 8])),
        reply(0, &values(1, &[9])),
    ]);
    let which: BTreeSet<u8> = [23, 0, 1, 2, 3, 4, 5, 6, 16].into();
    let read = script.tpm().pcrs(Hash::Sha256, &which).unwrap();
    assert_eq!(read.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6, 16, 23]);
    assert_eq!((read[&16][0], read[&23][0]), (8, 9));
    let head = "8001000000140000017e00000001000b03";
    assert_eq!(script.commands(), [format!("{head}7f0001"), format!("{head}000080")]);
}

#[test]
fn an_extension_is_this_command() {
    let script = Scripted::new([authorised(&[], &[])]);
    script.tpm().extend(16, Hash::Sha384, &[0xab; 48]).unwrap();
    let command = format!(
        "80020000005100000182{handle}{sessions}{digests}{digest}",
        handle = "00000010",
        sessions = "00000009400000090000000000",
        digests = "00000001000c",
        digest = "ab".repeat(48)
    );
    assert_eq!(script.commands(), [command]);
}

#[test]
fn no_pcr_and_a_pcr_that_no_tpm_has_are_not_asked_for() {
    let script = Scripted::default();
    let tpm = script.tpm();
    let quote = |which: BTreeSet<u8>| tpm.quote(&[1; 32], Hash::Sha256, &which).map(drop);
    assert_eq!(quote([].into()), device("no PCR was named"));
    // 33 would be PCR 1 by its bit alone.
    for pcr in [24, 33, 255] {
        assert_eq!(quote([4, pcr].into()), device(&format!("there is no PCR {pcr}")));
    }
    assert_eq!(script.commands(), Vec::<String>::new());
}

#[test]
fn fewer_or_more_pcrs_than_asked_for_are_refused() {
    let of = |count, bytes: &[u8]| read(&[reply(0, &values(count, bytes))], &[1, 2]);
    assert_eq!(of(2, &[1, 2]), Ok(vec![1, 2]));
    assert_eq!(of(1, &[1]), device("1 of 2 PCRs in that bank"));
    assert_eq!(of(3, &[1, 2, 3]), device("3 of 2 PCRs in that bank"));
    assert_eq!(of(u32::MAX, &[1, 2]), device("4294967295 of 2 PCRs in that bank"));
    assert_eq!(of(2, &[1]), device("the TPM's reply is cut short"));
    assert_eq!(of(2, &[1, 2, 3]), device("the TPM's reply is too long"));
}

#[test]
fn a_reply_cut_at_any_byte_is_refused() {
    let good = values(2, &[1, 2]);
    let cut = || device("the TPM's reply is cut short");
    for length in 0..good.len() {
        assert_eq!(read(&[reply(0, &good[..length])], &[1, 2]), cut(), "{length}");
    }
    let whole = reply(0, &good);
    for length in 0..10 {
        assert_eq!(read(&[whole[..length].to_vec()], &[1, 2]), cut(), "{length}");
    }
    for length in 10..whole.len() {
        let says = format!("a reply of {length} bytes says it has {}", whole.len());
        assert_eq!(read(&[whole[..length].to_vec()], &[1, 2]), device(&says));
    }
}

#[test]
fn a_refusal_is_said_with_its_code() {
    let refused = device("the TPM refused, code 0x922");
    assert_eq!(read(&[reply(0x922, &[])], &[1]), refused);
    assert_eq!(read(&[], &[1]), device("the script has ended"));
}

/// A key's reply: its handle, its public area, and what else a TPM says of it.
fn key(handle: u32) -> Vec<u8> {
    authorised(&handle.to_be_bytes(), &[0, 3, b'p', b'u', b'b', 0, 0])
}

#[test]
fn a_key_is_flushed_though_its_use_failed() {
    let pcrs = reply(0, &values(1, &[1]));
    let refusals = [reply(0x9a2, &[]), authorised(&[], &[0, 9, 1])];
    let whys = ["the TPM refused, code 0x9a2", "the TPM's reply is cut short"];
    for (refusal, why) in refusals.into_iter().zip(whys) {
        let script = Scripted::new([pcrs.clone(), key(0x8000_0001), refusal, reply(0, &[])]);
        let quoted = script.tpm().quote(&[1; 32], Hash::Sha256, &[4].into());
        assert_eq!(quoted.map(drop), device(why));
        assert_eq!(script.commands()[3], "80010000000e0000016580000001");
    }
}

#[test]
fn a_failed_activation_flushes_session_and_keys() {
    let script = Scripted::new([
        key(0x8000_0001),
        key(0x8000_0002),
        reply(0, &[3, 0, 0, 7, 0, 0]),
        authorised(&[], &[0; 8]),
        reply(0x1df, &[]),
        reply(0, &[]),
        reply(0, &[]),
        reply(0, &[]),
    ]);
    let opened = script.tpm().activate(&[0, 1, 2], &[0, 1, 3]);
    assert_eq!(opened.map(drop), device("the TPM refused, code 0x1df"));
    let flushed = ["03000007", "80000002", "80000001"];
    let flushed = flushed.map(|handle| format!("80010000000e00000165{handle}"));
    assert_eq!(script.commands()[5..], flushed);
}

/// An answer to `TPM2_NV_ReadPublic` for an index of `size` bytes.
fn index(size: u16) -> Vec<u8> {
    let area = [0; 12].into_iter().chain(size.to_be_bytes()).collect::<Vec<u8>>();
    reply(0, &[&[0, 14], area.as_slice(), &[0, 0]].concat())
}

/// An answer to `TPM2_NV_Read`.
fn piece(bytes: &[u8]) -> Vec<u8> {
    let size = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    authorised(&[], &[&size, bytes].concat())
}

fn certificate(replies: &[Vec<u8>]) -> Result<Vec<u8>, TeeError> {
    Scripted::new(replies.to_vec()).tpm().ek_certificate()
}

#[test]
fn a_certificate_is_read_in_pieces_and_its_filling_is_cut() {
    let of = |length: u16| [[0x30, 0x82].as_slice(), &length.to_be_bytes()].concat();
    let whole = [of(516), vec![7; 516]].concat();
    let pieces = [index(520), piece(&whole[..512]), piece(&whole[512..])];
    assert_eq!(certificate(&pieces), Ok(whole));
    let filled = [of(2), vec![7, 7, 0xff, 0xff]].concat();
    assert_eq!(certificate(&[index(8), piece(&filled)]), Ok(filled[..6].to_vec()));
    // What is no certificate, or longer than its index, is left to whoever reads it.
    let longer = [of(5), vec![7; 4]].concat();
    assert_eq!(certificate(&[index(8), piece(&longer)]), Ok(longer));
}

#[test]
fn an_index_of_absurd_size_and_a_short_piece_are_refused() {
    let refused = device("the certificate's size in NV makes no sense");
    assert_eq!(certificate(&[index(4097)]), refused);
    assert_eq!(certificate(&[reply(0, &[0, 1, 9])]), refused);
    let refused = device("511 of 512 bytes read from NV");
    assert_eq!(certificate(&[index(600), piece(&[0; 511])]), refused);
    assert_eq!(certificate(&[reply(0x18b, &[])]), device("the TPM refused, code 0x18b"));
}

/// What a socket gives when the other side answers with `reply` and hangs up.
fn over_a_socket(reply: &'static [u8]) -> std::io::Result<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tpm");
    let listener = UnixListener::bind(&path).unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.write_all(reply).unwrap();
    });
    let answer = Socket::connect(&path).unwrap().transact(b"tell");
    server.join().unwrap();
    answer
}

#[test]
fn a_socket_gives_one_whole_reply_or_none() {
    const GOOD: &[u8] = &[0x80, 1, 0, 0, 0, 12, 0, 0, 0, 0, 7, 8];
    assert_eq!(over_a_socket(GOOD).unwrap(), GOOD);
    assert!(over_a_socket(&GOOD[..11]).is_err());
    assert!(over_a_socket(&GOOD[..9]).is_err());
    for size in [&[0x80, 1, 0, 0, 0, 9, 0, 0, 0, 0], &[0x80, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]]
    {
        let error = over_a_socket(size).unwrap_err();
        assert!(error.to_string().starts_with("a reply that says it has "), "{error}");
    }
    assert!(matches!(Socket::connect("/nonexistent/tpm"), Err(TeeError::Device(_))));
}
