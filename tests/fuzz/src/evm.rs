//! What EVM chains say: the event of a request, nearly every byte of which its consumer chose, and
//! the data of a revert. An event becomes something the ledger's encoding takes, whatever it is: an
//! observation that no block may hold would stop the chain's inflow for ever.

use crate::Reached;
use crate::network::NETWORK;
use alloy::json_abi::JsonAbi;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{Panic, Revert, SolError as _, SolEvent as _};
use sotto_chain_evm::{read_request, reason, sotto_abi};
use sotto_types::{Action, ChainEvent, Observation, SignedAction, Wire as _, limits};

mod interface {
    #![allow(missing_docs, unreachable_pub, reason = "generated; documented in the contract")]

    alloy::sol! {
        struct Submission { address submitter; bytes32 envelope; }

        struct Ask {
            bytes32 app;
            uint64 generation;
            bytes32 context;
            Submission[] submissions;
            bytes payload;
            bytes32 payloadHash;
            uint32 callbackGas;
            uint32 assurance;
            uint64 deadline;
        }

        event Requested(
            uint64 indexed id, address indexed consumer, bytes32 indexed app, Ask ask, uint256 escrow
        );
    }
}

use interface::{Ask, Requested, Submission};

/// The number of topics, the topics, the data.
pub fn request_event(bytes: &[u8]) -> Reached {
    let Some((count, rest)) = bytes.split_first() else { return Reached::Refused };
    let (words, _) = rest.as_chunks::<32>();
    let topics = &words[..words.len().min((count % 8).into())];
    let event = read_request(topics, &rest[topics.len() * 32..]);
    let reached = match &event {
        ChainEvent::Requested(ask) => {
            assert!(ask.submissions.len() <= limits::SUBMISSIONS_MAX);
            assert!(ask.payload.len() <= limits::ONCHAIN_PAYLOAD_MAX);
            assert!(ask.callback_gas <= limits::CALLBACK_GAS_MAX);
            assert!(ask.consumer.address().is_some());
            Reached::Taken
        }
        ChainEvent::Unreadable { reason, .. } => {
            assert!(reason.len() <= limits::REASON_MAX);
            Reached::Refused
        }
        other => panic!("a request is read as {other:?}"),
    };
    let observation = Observation { events: vec![event], ..NETWORK.observation(vec![]) };
    let action = Action::Observe(observation);
    // Signatures say nothing of the encoding, and take time.
    let said = SignedAction { signature: [0; 65], nonce: 1, sender: [2; 33], action };
    assert_eq!(SignedAction::decode(&said.encode()), Ok(said), "no block may hold this request");
    reached
}

fn asked(submissions: usize, payload: usize) -> Requested {
    let one = Submission { submitter: Address::repeat_byte(5), envelope: B256::repeat_byte(6) };
    let ask = Ask {
        app: B256::repeat_byte(2),
        generation: 3,
        context: B256::repeat_byte(4),
        submissions: vec![one; submissions],
        payload: Bytes::from(vec![7; payload]),
        payloadHash: B256::ZERO,
        callbackGas: 50_000,
        assurance: 0x0101_0100,
        deadline: 99,
    };
    let (consumer, app) = (Address::repeat_byte(1), B256::repeat_byte(2));
    Requested { id: 7, consumer, app, ask, escrow: U256::from(11) }
}

fn encoded(event: &Requested) -> Vec<u8> {
    let log = event.encode_log_data();
    let mut out = vec![u8::try_from(log.topics().len()).unwrap()];
    out.extend(log.topics().iter().flat_map(|topic| topic.0));
    out.extend_from_slice(&log.data);
    out
}

pub(crate) fn event_seeds() -> Vec<Vec<u8>> {
    let selectors = sotto_abi().event("Requested").expect("the contract has the event");
    assert_eq!(selectors[0].selector(), Requested::SIGNATURE_HASH, "the event has changed");
    let mut off_chain = asked(1, 0);
    off_chain.ask.payloadHash = B256::repeat_byte(8);
    let mut rich = asked(0, 33);
    (rich.escrow, rich.ask.deadline) = (U256::from(u128::MAX), u64::MAX);
    let events = [
        asked(1, 7),
        asked(0, 0),
        asked(2, 64),
        asked(limits::SUBMISSIONS_MAX, limits::ONCHAIN_PAYLOAD_MAX),
        asked(limits::SUBMISSIONS_MAX + 1, 0),
        asked(0, limits::ONCHAIN_PAYLOAD_MAX + 1),
        off_chain,
        rich,
    ];
    let mut seeds: Vec<Vec<u8>> = events.iter().map(encoded).collect();
    // No topics; only data.
    seeds.push([&[0], &seeds[0][1..]].concat());
    seeds
}

/// The longest text per byte of revert data: control characters are written out.
const TEXT_PER_BYTE: usize = 16;

/// The data of a revert, by the Sotto contract or by a consumer whose interface is known.
pub fn revert_reason(data: &[u8]) -> Reached {
    let known = reason(data, &[]);
    let others: [&JsonAbi; 1] = [sotto_abi()];
    assert_eq!(reason(data, &others), known, "an interface named twice says something else");
    let most = TEXT_PER_BYTE * data.len() + 1024;
    assert!(known.len() <= most, "{} bytes make a text of {}", data.len(), known.len());
    // What nobody knows is shown as it is.
    if known == format!("0x{}", hex::encode(data)) { Reached::Refused } else { Reached::Taken }
}

pub(crate) fn reason_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        Revert { reason: "because".into() }.abi_encode(),
        Revert { reason: String::new() }.abi_encode(),
        Panic { code: U256::from(0x11) }.abi_encode(),
        Panic { code: U256::MAX }.abi_encode(),
        vec![],
        vec![1, 2, 3],
        vec![0xde; 100],
    ];
    for error in sotto_abi().errors() {
        let words = (0..error.inputs.len()).flat_map(|n| B256::with_last_byte(n as u8).0);
        let data: Vec<u8> = error.selector().into_iter().chain(words).collect();
        assert!(reason(&data, &[]).starts_with(&error.name), "{} is not named", error.name);
        seeds.push(data);
    }
    seeds
}
