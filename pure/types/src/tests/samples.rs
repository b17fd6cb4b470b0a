//! One fixed value of every wire type, with something in every field.

use crate::*;

pub(crate) fn hash(byte: u8) -> Hash {
    Hash([byte; 32])
}

pub(crate) fn block_ref(height: u64) -> BlockRef {
    BlockRef { height, hash: hash(0x31), parent: hash(0x32), time: Time(1_700_000_000) }
}

pub(crate) fn genesis() -> Genesis {
    Genesis {
        kind: NetworkKind::Value,
        name: "sample".into(),
        time: Time(1_700_000_000),
        members: (1..=4).map(|byte| [byte; 33]).collect(),
        vault: [0x44; 96],
        epoch_blocks: 1800,
        block_seconds: 2,
        releases: vec![Measurement([0x51; 32]), Measurement([0x52; 32])],
    }
}

pub(crate) fn manifest() -> Manifest {
    Manifest {
        owner: [0x02; 33],
        name: "auction".into(),
        kind: AppKind::Function,
        code: hash(0x61),
        hosts: vec!["example.com".into(), "example.org:8443".into()],
        fuel: Fuel(1_000_000_000),
        memory_mib: 64,
        seconds: 10,
        holders: 3,
        upgrade: Upgrade::Immutable,
    }
}

pub(crate) fn receipt() -> Receipt {
    Receipt {
        network: NetworkId([0x01; 32]),
        request: RequestId([0x02; 32]),
        chain: ChainId([0x03; 32]),
        contract: Account::from_address([0x04; 20]),
        number: 5,
        request_hash: hash(0x06),
        app: AppId([0x07; 32]),
        generation: Generation(8),
        code: hash(0x09),
        attempt: Attempt(10),
        epoch: Epoch(11),
        time: Time(12),
        opened: 13,
        commitment: hash(0x0e),
        fuel: Fuel(15),
        on_chain: hash(0x10),
        worker: NodeId([0x11; 32]),
        tee: TeeKind::Simulated,
        evidence: hash(0x12),
    }
}

pub(crate) fn signed_receipt() -> SignedReceipt {
    SignedReceipt { receipt: receipt(), signature: [0x13; 65] }
}

pub(crate) fn certificate() -> Certificate {
    Certificate {
        network: NetworkId([0x11; 32]),
        height: Height(7),
        block: BlockId([0x22; 32]),
        root: Root([0x33; 32]),
        time: Time(9),
        vault: [0x44; 96],
        signature: [0x55; 65],
    }
}

pub(crate) fn proof() -> Proof {
    Proof { key: vec![b't', 1, 2], value: vec![1, 3, 4, 5], path: vec![6; 40] }
}

pub(crate) fn bundle() -> ReceiptBundle {
    ReceiptBundle { certificate: certificate(), answer: proof() }
}

pub(crate) fn ask() -> Ask {
    Ask {
        number: 1,
        consumer: Account::from_address([0x21; 20]),
        app: AppId([0x22; 32]),
        generation: Generation(1),
        context: Context([0x23; 32]),
        submissions: vec![
            Submission { submitter: Account::from_address([0x24; 20]), envelope: hash(0x25) },
            Submission { submitter: Account::from_address([0x26; 20]), envelope: hash(0x27) },
        ],
        payload: b"reserve".to_vec(),
        payload_hash: Hash::of(b"reserve"),
        callback_gas: 100_000,
        assurance: Assurance::SINGLE,
        deadline: Time(1_700_000_600),
        escrow: Amount(1_000_000_000_000_000),
    }
}

/// An observation with one event of each kind.
pub(crate) fn observation() -> Observation {
    Observation {
        chain: ChainId([0x03; 32]),
        contract: Account::from_address([0x04; 20]),
        after: block_ref(10),
        upto: block_ref(12),
        request_count: 2,
        events: vec![
            ChainEvent::Requested(ask()),
            ChainEvent::Unreadable { number: 2, reason: "too long".into() },
            ChainEvent::Settled { number: 1, result: hash(0x28), delivered: false },
            ChainEvent::Delivered { number: 1 },
            ChainEvent::Refunded { number: 2 },
            ChainEvent::KeysSet { nonce: 1 },
            ChainEvent::Paid { nonce: 2 },
            ChainEvent::MembersSet { nonce: 3 },
        ],
    }
}

pub(crate) fn session_receipt() -> SessionReceipt {
    SessionReceipt {
        network: NetworkId([0x01; 32]),
        app: AppId([0x07; 32]),
        generation: Generation(8),
        code: hash(0x09),
        epoch: Epoch(11),
        worker: NodeId([0x11; 32]),
        tee: TeeKind::Simulated,
        boot: BootId([0x91; 32]),
        session: SessionId([0x92; 32]),
        call: 0x0304,
        time: Time(1_700_000_003),
        succeeded: true,
        input: hash(0x93),
        output: hash(0x94),
        fuel: Fuel(15),
    }
}

pub(crate) fn signed_batch() -> SignedBatch {
    let batch = Batch {
        network: NetworkId([0x01; 32]),
        worker: NodeId([0x11; 32]),
        boot: BootId([0x91; 32]),
        number: 0x0506,
        first: 0x0708,
        count: 0x090a,
        root: hash(0x95),
        leaves: hash(0x96),
    };
    SignedBatch { batch, signature: [0x97; 65] }
}

pub(crate) fn opening() -> Opening {
    Opening {
        app: AppId([0x22; 32]),
        epoch: Epoch(3),
        worker: NodeId([0x11; 32]),
        boot: BootId([0x91; 32]),
        envelope: vec![0x98; 40],
    }
}

pub(crate) fn leaf_proof() -> LeafProof {
    LeafProof { index: 2, path: vec![hash(0x99), hash(0x9a)], batch: bundle() }
}

pub(crate) fn session_bundle() -> SessionBundle {
    SessionBundle { receipt: session_receipt(), proof: leaf_proof() }
}

/// What a client and a seat say, one of each kind.
pub(crate) fn said() -> (Vec<session::Say>, Vec<session::Reply>) {
    let answered = session::Answered {
        call: 3,
        time: Time(1_700_000_003),
        fuel: Fuel(15),
        outcome: Ok(b"output".to_vec()),
        batch: 4,
        index: 5,
    };
    let failed = session::Answered { outcome: Err("trap".into()), ..answered.clone() };
    let say = vec![session::Say::Hello, session::Say::Call(b"input".to_vec()), session::Say::Bye];
    let replies = vec![
        session::Reply::Welcome,
        session::Reply::Answer(answered),
        session::Reply::Answer(failed),
        session::Reply::Bye,
    ];
    (say, replies)
}

/// One of every refusal of a seat.
pub(crate) fn refusals() -> Vec<SessionRefused> {
    vec![
        SessionRefused::Malformed("padding".into()),
        SessionRefused::TooLarge { got: 9, max: 8 },
        SessionRefused::OtherWorker(NodeId([0x11; 32])),
        SessionRefused::OtherBoot { now: BootId([0x91; 32]) },
        SessionRefused::OtherEpoch { now: Epoch(4) },
        SessionRefused::NoSeat,
        SessionRefused::Seen,
        SessionRefused::DoesNotOpen,
        SessionRefused::NoSession,
        SessionRefused::Replayed { counter: 4, last: 5 },
        SessionRefused::Running,
        SessionRefused::Full("calls".into()),
    ]
}

/// One of every action, with a name.
pub(crate) fn actions() -> Vec<(&'static str, Action)> {
    let chain = ChainId([0x03; 32]);
    vec![
        ("AdmitRelease", Action::AdmitRelease(Measurement([0x55; 32]))),
        (
            "AdmitChain",
            Action::AdmitChain {
                caip2: "eip155:31337".into(),
                contract: Account::from_address([0x04; 20]),
                finality: Finality::Depth(2),
                start: block_ref(1),
                key_lifetime: 7200,
            },
        ),
        ("Observe", Action::Observe(observation())),
        ("Halt", Action::Halt { chain, was: block_ref(3), now: block_ref(4) }),
        ("Resume", Action::Resume { chain, after: block_ref(5) }),
        ("Hold", Action::Hold(RequestId([0x71; 32]))),
        (
            "Attest",
            Action::Attest {
                keys: WorkerKeys { signing: [0x03; 33], transport: [0x72; 48] },
                payees: vec![(chain, Account::from_address([0x73; 20]))],
                evidence: Evidence { kind: TeeKind::Simulated, bytes: vec![0x74; 9] },
            },
        ),
        ("Deploy", Action::Deploy(manifest())),
        (
            "ResultKey",
            Action::ResultKey {
                app: AppId([0x22; 32]),
                epoch: Epoch(3),
                key: Account::from_address([0x75; 20]),
            },
        ),
        (
            "Answer",
            Action::Answer {
                receipt: signed_receipt(),
                result: b"winner and price".to_vec(),
                signature: [0x76; 65],
            },
        ),
        (
            "Fail",
            Action::Fail {
                request: RequestId([0x71; 32]),
                attempt: Attempt(2),
                reason: "trap: unreachable".into(),
            },
        ),
        ("Endorse", Action::Endorse { chain, entry: 4, signature: [0x77; 65] }),
        ("Sit", Action::Sit { app: AppId([0x22; 32]), boot: BootId([0x91; 32]) }),
        ("Batch", Action::Batch(signed_batch())),
    ]
}

pub(crate) fn signed(action: Action) -> SignedAction {
    SignedAction { sender: [0x02; 33], nonce: 0x0102, action, signature: [0x78; 65] }
}

pub(crate) fn block() -> Block {
    Block {
        network: NetworkId([0x01; 32]),
        height: Height(2),
        parent: BlockId([0x81; 32]),
        time: Time(1_700_000_002),
        actions: actions().into_iter().take(2).map(|(_, action)| signed(action)).collect(),
        root: Root([0x82; 32]),
    }
}
