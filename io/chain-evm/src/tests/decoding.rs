//! Decoding of what a consumer's contract chose, and of what nodes say.

use crate::abi::Sotto;
use crate::reason;
use crate::rpc::Fault;
use alloy::{
    primitives::{Address, B256, Bytes, LogData, U256},
    rpc::types::Log,
    sol_types::{SolError as _, SolEvent as _},
};
use sotto_types::{Ask, ChainEvent, Hash, limits};

fn asked() -> Sotto::Requested {
    Sotto::Requested {
        id: 7,
        consumer: Address::repeat_byte(1),
        app: B256::repeat_byte(2),
        ask: Sotto::Ask {
            app: B256::repeat_byte(2),
            generation: 3,
            context: B256::repeat_byte(4),
            submissions: vec![Sotto::Submission {
                submitter: Address::repeat_byte(5),
                envelope: B256::repeat_byte(6),
            }],
            payload: Bytes::from_static(b"payload"),
            payloadHash: B256::ZERO,
            callbackGas: 50_000,
            assurance: 0x0101_0100,
            deadline: 99,
        },
        escrow: U256::from(11),
    }
}

fn log(data: LogData) -> Log {
    let inner = alloy::primitives::Log { address: Address::repeat_byte(9), data };
    Log { inner, ..Log::default() }
}

fn decoded(event: &Sotto::Requested) -> ChainEvent {
    crate::source::requested(&log(event.encode_log_data()))
}

fn readable(event: &Sotto::Requested) -> Ask {
    match decoded(event) {
        ChainEvent::Requested(ask) => ask,
        other => panic!("{other:?}"),
    }
}

fn reason_of(event: &Sotto::Requested) -> String {
    match decoded(event) {
        ChainEvent::Unreadable { number: 7, reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_is_read_whole() {
    let ask = readable(&asked());
    assert_eq!((ask.number, ask.generation.0, ask.deadline.0, ask.escrow.0), (7, 3, 99, 11));
    assert_eq!(ask.payload_hash, Hash::of(b"payload"));
    assert_eq!(ask.consumer.address(), Some([1; 20]));
    assert_eq!(ask.submissions[0].envelope, Hash([6; 32]));
    // Without a payload: a hash of bytes held elsewhere, or of nothing.
    let mut event = asked();
    event.ask.payload = Bytes::new();
    assert_eq!(readable(&event).payload_hash, Hash::of(b""));
    event.ask.payloadHash = B256::repeat_byte(8);
    assert_eq!(readable(&event).payload_hash, Hash([8; 32]));
}

#[test]
fn what_breaks_a_limit_is_unreadable_and_numbered() {
    let mut event = asked();
    event.ask.submissions = vec![event.ask.submissions[0].clone(); limits::SUBMISSIONS_MAX + 1];
    assert_eq!(reason_of(&event), "257 submissions, at most 256");
    let mut event = asked();
    event.ask.payload = vec![0; limits::ONCHAIN_PAYLOAD_MAX + 1].into();
    assert_eq!(reason_of(&event), "1025 bytes of payload, at most 1024");
    let mut event = asked();
    event.ask.callbackGas = 1_001;
    assert_eq!(reason_of(&event), "callback gas 1001");
    let mut event = asked();
    event.ask.payloadHash = B256::repeat_byte(8);
    assert_eq!(reason_of(&event), "the payload is not the one its hash names");
    let mut event = asked();
    event.escrow = U256::MAX;
    assert!(reason_of(&event).starts_with("an escrow of"));
}

#[test]
fn bytes_that_do_not_decode_are_unreadable() {
    let whole = asked().encode_log_data();
    for cut in [0, 31, 64, whole.data.len() - 32] {
        let data = LogData::new_unchecked(whole.topics().to_vec(), whole.data.slice(..cut));
        let event = crate::source::requested(&log(data));
        let ChainEvent::Unreadable { number: 7, reason } = event else { panic!("{event:?}") };
        assert!(reason.len() <= limits::REASON_MAX);
    }
    // A length that names more than there is, anywhere in the data.
    for at in (0..whole.data.len()).step_by(32) {
        let mut bytes = whole.data.to_vec();
        bytes[at..at + 32].fill(0xff);
        let data = LogData::new_unchecked(whole.topics().to_vec(), bytes.into());
        let _ = crate::source::requested(&log(data));
    }
}

#[test]
fn reasons_fall_back_to_what_there_is() {
    let late = Sotto::Late { id: 1, deadline: U256::from(2), now_: U256::from(3) };
    assert_eq!(reason(&late.abi_encode(), &[]), "Late(id: 1, deadline: 2, now: 3)");
    let text = alloy::sol_types::Revert { reason: "because".into() };
    assert_eq!(reason(&text.abi_encode(), &[]), "because");
    assert_eq!(reason(&[1, 2, 3, 4, 5], &[]), "0x0102030405");
    assert_eq!(reason(&[], &[]), "no reason given");
    // A known selector with too little behind it.
    assert!(reason(&late.abi_encode()[..10], &[]).starts_with("0x"));
}

#[test]
fn refusals_are_sorted_for_the_courier() {
    use sotto_chain::BuildError;
    let judge = |data: Vec<u8>| crate::reason::judge(&data);
    let status = |status: u8| judge(Sotto::NotOpen { id: 1, status }.abi_encode());
    assert_eq!(status(2), BuildError::AlreadyDone);
    assert_eq!(status(3), BuildError::AlreadyDone);
    let refunded =
        BuildError::WouldRevert { reason: "NotOpen(id: 1, status: 4)".into(), curable: false };
    assert_eq!(status(4), refunded);
    let nonce = |given, next| judge(Sotto::WrongNonce { given, next }.abi_encode());
    assert_eq!(nonce(1, 2), BuildError::AlreadyDone);
    assert!(matches!(nonce(3, 2), BuildError::WouldRevert { curable: true, .. }));
    let key = Sotto::KeyNotGood { app: B256::ZERO, signer: Address::ZERO, expiry: 0 };
    assert!(matches!(judge(key.abi_encode()), BuildError::WouldRevert { curable: true, .. }));
}

#[test]
fn nodes_words_are_understood() {
    use sotto_chain::{SourceError, SubmitError};
    let said = |message: &str| crate::sink::refused(-32000, message.into());
    assert_eq!(said("already known"), SubmitError::AlreadyKnown);
    assert_eq!(said("transaction already imported"), SubmitError::AlreadyKnown);
    assert_eq!(said("nonce too low: next nonce 5, tx nonce 3"), SubmitError::NonceTooLow);
    assert_eq!(said("replacement transaction underpriced"), SubmitError::Underpriced);
    assert_eq!(said("max fee per gas less than block base fee"), SubmitError::Underpriced);
    assert!(matches!(said("rate limit reached"), SubmitError::Unreachable(_)));
    assert!(matches!(said("insufficient funds"), SubmitError::Rejected(_)));
    let range = |code, message: &str| {
        let fault = Fault::Refused { code, message: message.into(), data: None };
        crate::source::range_error(fault)
    };
    let too_large = SourceError::RangeTooLarge { hint: None };
    assert_eq!(range(-32005, "query returned more than 10000 results"), too_large);
    assert_eq!(range(-32602, "block range too large: 20 blocks, at most 10"), too_large);
    assert_eq!(range(-32000, "exceed maximum block range: 5000"), too_large);
    let lags = range(-32000, "block range extends beyond current head block");
    assert!(matches!(lags, SourceError::Lagging(_)), "{lags:?}");
    assert!(matches!(range(-32005, "request rate exceeded"), SourceError::Refused(_)));
}
