//! Every message between nodes and on disk, and every entry of the ledger's state: what decodes is
//! encoded to the same bytes, and one byte more or less is refused.

use crate::Reached;
use crate::network::{ANSWERED, ASSIGNED, NETWORK, SETTLED, id, manifest};
use crate::script;
use sotto_ledger::state;
use sotto_ledger::view::{Entry, parse, value};
use sotto_types::session::{Answered, Reply, Say};
use sotto_types::{
    AppId, Batch, Block, BootId, Certificate, Epoch, Fuel, Generation, Genesis, Hash, Height,
    LeafProof, Manifest, NetworkId, NodeId, Opening, Proof, Receipt, ReceiptBundle, SessionBundle,
    SessionId, SessionReceipt, SessionRefused, SignedAction, SignedBatch, SignedReceipt, TeeKind,
    Time, Wire,
};

/// The first byte says which message the rest is said to be.
pub fn wire(bytes: &[u8]) -> Reached {
    let Some((kind, message)) = bytes.split_first() else { return Reached::Refused };
    match kind {
        0 => one::<Genesis>(message, |genesis| genesis.id().0),
        1 => one::<Manifest>(message, |manifest| manifest.id().0),
        2 => one::<SignedAction>(message, |action| action.id().0),
        3 => one::<Block>(message, |block| block.id().0),
        4 => one::<Receipt>(message, |receipt| receipt.digest()),
        5 => one::<SignedReceipt>(message, |signed| signed.receipt.digest()),
        6 => one::<Certificate>(message, |certificate| certificate.digest()),
        7 => one::<Proof>(message, |_| [0; 32]),
        8 => one::<ReceiptBundle>(message, |_| [0; 32]),
        9 => one::<Opening>(message, |opening| opening.session().0),
        10 => one::<Say>(message, |_| [0; 32]),
        11 => one::<Reply>(message, |_| [0; 32]),
        12 => one::<SessionRefused>(message, |_| [0; 32]),
        13 => one::<SessionReceipt>(message, |receipt| receipt.leaf().0),
        14 => one::<SignedBatch>(message, |signed| signed.batch.digest()),
        15 => one::<SessionBundle>(message, |_| [0; 32]),
        _ => Reached::Refused,
    }
}

/// The longest text of a refusal: it goes into logs and answers.
const REASON_MAX: usize = 512;

pub(crate) fn one<T: Wire>(bytes: &[u8], name: fn(&T) -> [u8; 32]) -> Reached {
    match T::decode(bytes) {
        Err(why) => {
            let text = why.to_string();
            assert!(text.len() <= REASON_MAX, "a refusal of {} bytes: {text}", text.len());
            Reached::Refused
        }
        Ok(message) => {
            std::hint::black_box(name(&message));
            assert!(bytes.len() <= T::MAX, "more bytes than a {} may have", T::NAME);
            assert_eq!(message.encode(), bytes, "a second encoding of a {}", T::NAME);
            let longer = [bytes, &[0]].concat();
            assert!(T::decode(&longer).is_err(), "a byte too many is taken");
            let shorter = &bytes[..bytes.len() - 1];
            assert!(T::decode(shorter).is_err(), "a byte too few is taken");
            Reached::Taken
        }
    }
}

pub(crate) fn wire_seeds() -> Vec<Vec<u8>> {
    fn seed<T: Wire>(kind: u8, message: &T) -> Vec<u8> {
        [vec![kind], message.encode()].concat()
    }
    let network = &*NETWORK;
    let mut seeds = vec![seed(0, &network.genesis), seed(1, &manifest())];
    seeds.extend(network.submitted.iter().map(|action| seed(2, action)));
    seeds.extend(script::every_action().iter().map(|action| seed(2, action)));
    seeds.extend(network.blocks.iter().map(|block| seed(3, block)));
    for bundle in &network.bundles {
        seeds.push(seed(6, &bundle.certificate));
        seeds.push(seed(7, &bundle.answer));
        seeds.push(seed(8, bundle));
    }
    let answered: state::Answered = network.get(&id(ANSWERED)).unwrap();
    seeds.extend([seed(4, &answered.receipt.receipt), seed(5, &answered.receipt)]);
    let receipt = session_receipt();
    let batch = network.bundles[0].clone();
    let proof = LeafProof { index: 1, path: vec![Hash([1; 32]); 2], batch };
    let reply = |outcome| {
        let (call, time, fuel, batch, index) = (1, Time(2), Fuel(3), 4, 5);
        Reply::Answer(Answered { call, time, fuel, outcome, batch, index })
    };
    seeds.extend([
        seed(9, &opening()),
        seed(10, &Say::Hello),
        seed(10, &Say::Call(b"input".to_vec())),
        seed(11, &Reply::Welcome),
        seed(11, &reply(Ok(b"output".to_vec()))),
        seed(11, &reply(Err("why".into()))),
        seed(12, &SessionRefused::NoSeat),
        seed(12, &SessionRefused::Full("calls".into())),
        seed(13, &receipt),
        seed(14, &signed_batch()),
        seed(15, &SessionBundle { receipt, proof }),
    ]);
    seeds
}

fn opening() -> Opening {
    let (app, worker, boot) = (AppId([1; 32]), NodeId([2; 32]), BootId([3; 32]));
    Opening { app, epoch: Epoch(4), worker, boot, envelope: vec![5; 281] }
}

fn session_receipt() -> SessionReceipt {
    SessionReceipt {
        network: NetworkId([1; 32]),
        app: AppId([2; 32]),
        generation: Generation(3),
        code: Hash([4; 32]),
        epoch: Epoch(5),
        worker: NodeId([6; 32]),
        tee: TeeKind::Simulated,
        boot: BootId([7; 32]),
        session: SessionId([8; 32]),
        call: 9,
        time: Time(10),
        succeeded: true,
        input: Hash([11; 32]),
        output: Hash([12; 32]),
        fuel: Fuel(13),
    }
}

fn signed_batch() -> SignedBatch {
    let batch = Batch {
        network: NetworkId([1; 32]),
        worker: NodeId([6; 32]),
        boot: BootId([7; 32]),
        number: 1,
        first: 1,
        count: 2,
        root: Hash([14; 32]),
        leaves: Hash([15; 32]),
    };
    SignedBatch { batch, signature: [16; 65] }
}

/// A table's letter and what reads its entries.
type Table = (u8, fn(&[u8]) -> Reached);

/// A table's letter and the value of an entry there: from a disk, or proved by a gateway.
pub fn entry(bytes: &[u8]) -> Reached {
    let Some((table, value)) = bytes.split_first() else { return Reached::Refused };
    let tables: [Table; 20] = [
        of::<state::Founding>(),
        of::<state::Clock>(),
        of::<state::Nonce>(),
        of::<state::Release>(),
        of::<state::Worker>(),
        of::<state::App>(),
        of::<state::Chain>(),
        of::<state::Request>(),
        of::<state::Open>(),
        of::<state::Ready>(),
        of::<state::Gathering>(),
        of::<state::Grant>(),
        of::<state::ResultKey>(),
        of::<state::KeySent>(),
        of::<state::Outgoing>(),
        of::<state::Credit>(),
        of::<state::Answered>(),
        of::<state::Seat>(),
        of::<state::Boot>(),
        of::<state::Batched>(),
    ];
    let known = tables.into_iter().find(|(letter, _)| letter == table);
    known.map_or(Reached::Refused, |(_, read)| read(value))
}

fn of<T: Entry>() -> (u8, fn(&[u8]) -> Reached) {
    (T::TABLE, |bytes| match parse::<T>(bytes) {
        Err(why) => {
            assert!(why.0.len() <= REASON_MAX, "a refusal of {} bytes", why.0.len());
            Reached::Refused
        }
        Ok(entry) => {
            assert_eq!(value(&entry).unwrap(), bytes, "a second encoding of an entry");
            Reached::Taken
        }
    })
}

pub(crate) fn entry_seeds() -> Vec<Vec<u8>> {
    let network = &*NETWORK;
    let entries = network.view.entries.iter();
    let mut seeds: Vec<Vec<u8>> = entries.map(|(key, value)| [&key[..1], value].concat()).collect();
    let answered: state::Answered = network.get(&id(ANSWERED)).unwrap();
    let (worker, since, boot) = (answered.worker, Height(1), BootId([7; 32]));
    let (generation, code) = (Generation(1), Hash([4; 32]));
    let seat = state::Seat { boot, generation, code, worker: worker.clone(), since };
    let boot = state::Boot { id: boot, since, batches: 2, receipts: 3 };
    let batched = state::Batched { signed: signed_batch(), worker };
    seeds.push([vec![state::Seat::TABLE], value(&seat).unwrap()].concat());
    seeds.push([vec![state::Boot::TABLE], value(&boot).unwrap()].concat());
    seeds.push([vec![state::Batched::TABLE], value(&batched).unwrap()].concat());
    // Each state of a request has a form of its own.
    for number in [SETTLED, ANSWERED, ASSIGNED] {
        let request: state::Request = network.get(&id(number)).unwrap();
        for progress in [
            state::Progress::Refused(sotto_ledger::RequestRefusal::Unreadable("why".into())),
            state::Progress::Unanswered,
            state::Progress::Failed("why".into()),
            state::Progress::Refunded,
        ] {
            let request = state::Request { progress, ..request.clone() };
            seeds.push([vec![state::Request::TABLE], value(&request).unwrap()].concat());
        }
    }
    seeds
}
