//! Direct calls: seats, sessions, receipts, and every message that is refused.

use crate::worker::{Input, Output, Worker};
use crate::world::*;
use sotto_crypto::commit::commit;
use sotto_crypto::envelope::{Committed, Session, seal};
use sotto_crypto::pad::{pad, unpad};
use sotto_ledger::Event;
use sotto_ledger::certificate::check_session_receipt;
use sotto_ledger::state::{Batched, Clock, Seat};
use sotto_types::session::{Answered, Reply, Say};
use sotto_types::{
    Aad, Action, AppId, BootId, Context, Epoch, Fuel, Generation, Genesis, Hash, Identity, KeyPath,
    LeafProof, NodeId, Opening, ReceiptBundle, SessionBundle, SessionReceipt, SessionRefused,
    TeeKind, Time, Wire as _, limits, merkle,
};

/// A worker with a seat of the app, its key and its component.
fn seated() -> (World, Worker) {
    seated_of(genesis())
}

fn seated_of(genesis: Genesis) -> (World, Worker) {
    let (mut world, mut worker) = World::ready_of(genesis);
    // What was attested is seen.
    world.turn(&mut worker);
    worker.step(Input::Serve(world.app()), world.now());
    world.turn(&mut worker);
    let events = world.block();
    let app = world.app();
    assert!(events.contains(&Event::Seated { app, worker: worker.id() }), "{events:?}");
    assert_eq!(world.show(&mut worker).distrust, []);
    (world, worker)
}

fn seat(world: &World, worker: &Worker) -> Seat {
    let epoch = world.get::<Clock>(&()).unwrap().epoch;
    world.get::<Seat>(&(epoch, (world.app(), worker.id()))).unwrap()
}

/// Who opens a session, as the client does it.
struct Caller {
    opening: Opening,
    session: Session,
}

impl Caller {
    fn new(world: &World, worker: &Worker, first: &Say, seed: u64) -> Self {
        Self::with(world, worker, &first.encode(), seed, |_| {})
    }

    fn with(
        world: &World,
        worker: &Worker,
        first: &[u8],
        seed: u64,
        change: impl Fn(&mut Aad),
    ) -> Self {
        let (app, boot) = (world.app(), seat(world, worker).boot);
        let epoch = world.get::<Clock>(&()).unwrap().epoch;
        let mut aad = Aad::direct(world.genesis.id(), app, Generation(1), &worker.id(), &boot);
        change(&mut aad);
        let identity = Identity::Epoch(epoch);
        let key = vault();
        let (envelope, session) =
            seal(key.public(), KeyPath::Request, &identity, &aad, first, &mut rng(seed)).unwrap();
        let opening = Opening { app, epoch, worker: worker.id(), boot, envelope };
        Self { opening, session }
    }

    fn sealed(&mut self, say: &Say) -> Vec<u8> {
        self.raw(say.encode())
    }

    fn raw(&mut self, mut message: Vec<u8>) -> Vec<u8> {
        pad(&mut message);
        self.session.seal_next(&message).unwrap()
    }

    fn heard(&mut self, sealed: &[u8]) -> Reply {
        let message = self.session.open_next(sealed).unwrap();
        Reply::decode(unpad(&message).unwrap()).unwrap()
    }

    fn say(&mut self, worker: &mut Worker, say: &Say, now: Time) -> Vec<Output> {
        let sealed = self.sealed(say);
        worker.step(Input::Say { session: self.opening.session(), sealed }, now)
    }
}

fn open(worker: &mut Worker, opening: &Opening, now: Time) -> Vec<Output> {
    worker.step(Input::Open(opening.clone()), now)
}

fn refused(mut outputs: Vec<Output>) -> SessionRefused {
    match (outputs.pop(), outputs.len()) {
        (Some(Output::Refuse(why)), 0) => why,
        _ => panic!("not refused"),
    }
}

fn reply(mut outputs: Vec<Output>) -> Vec<u8> {
    match (outputs.pop(), outputs.len()) {
        (Some(Output::Reply { sealed, .. }), 0) => sealed,
        (Some(Output::Refuse(why)), _) => panic!("refused: {why}"),
        _ => panic!("no reply"),
    }
}

/// The payload that the app is to be run on.
fn run(mut outputs: Vec<Output>) -> Vec<u8> {
    match (outputs.pop(), outputs.len()) {
        (Some(Output::Call(run)), 0) => run.call.payload,
        (Some(Output::Refuse(why)), _) => panic!("refused: {why}"),
        _ => panic!("no call"),
    }
}

fn opened(world: &World, worker: &mut Worker, seed: u64) -> Caller {
    let mut caller = Caller::new(world, worker, &Say::Hello, seed);
    let welcome = reply(open(worker, &caller.opening, world.now()));
    assert!(caller.heard(&welcome) == Reply::Welcome);
    caller
}

/// A whole call: what is asked, and what the app does.
fn call(
    world: &World,
    worker: &mut Worker,
    caller: &mut Caller,
    input: &[u8],
    outcome: Result<&[u8], &str>,
) -> Answered {
    let outputs = caller.say(worker, &Say::Call(input.to_vec()), world.now());
    assert_eq!(run(outputs), input);
    let session = caller.opening.session();
    let outcome = outcome.map(|o| (o.to_vec(), Fuel(9))).map_err(str::to_owned);
    let sealed = reply(worker.step(Input::Called { session, outcome }, world.now()));
    match caller.heard(&sealed) {
        Reply::Answer(answered) => answered,
        _ => panic!("no answer"),
    }
}

fn receipt(
    world: &World,
    worker: &Worker,
    caller: &Caller,
    (input, answered): (&[u8], &Answered),
) -> SessionReceipt {
    let output = answered.outcome.as_ref().map_or_else(|e| e.as_bytes(), Vec::as_slice);
    let blind = |what| caller.session.blind(answered.call, what);
    SessionReceipt {
        network: world.genesis.id(),
        app: world.app(),
        generation: Generation(1),
        code: Hash::of(COMPONENT),
        epoch: caller.opening.epoch,
        worker: worker.id(),
        tee: TeeKind::Simulated,
        boot: caller.opening.boot,
        session: caller.opening.session(),
        call: answered.call,
        time: answered.time,
        succeeded: answered.outcome.is_ok(),
        input: commit(&blind(Committed::Input), input),
        output: commit(&blind(Committed::Output), output),
        fuel: answered.fuel,
    }
}

#[test]
fn a_call_travels_from_an_opening_to_a_receipt_under_the_genesis() {
    let (mut world, mut worker) = seated();
    let mut caller = opened(&world, &mut worker, 1);
    let time = world.now();
    let first = call(&world, &mut worker, &mut caller, b"one", Ok(b"ONE"));
    assert_eq!((first.call, first.time, first.fuel), (1, time, Fuel(9)));
    assert_eq!((first.outcome.as_deref(), first.batch, first.index), (Ok(&b"ONE"[..]), 1, 0));
    // A failure has its receipt too.
    let second = call(&world, &mut worker, &mut caller, b"two", Err("trap: unreachable"));
    assert_eq!((second.call, second.fuel, second.index), (2, Fuel(0), 1));
    assert_eq!(second.outcome, Err("trap: unreachable".to_owned()));

    // Two blocks later the batch is closed, its leaves are held, and then its root is handed in.
    let submitted: Vec<Action> = (0..4)
        .flat_map(|_| world.turn(&mut worker).submitted)
        .map(|signed| signed.action)
        .collect();
    let [Action::Batch(signed)] = submitted.as_slice() else { panic!("{submitted:?}") };
    let held = world.bytes[&signed.batch.leaves].clone();
    world.block();
    let place = (worker.id(), (caller.opening.boot, 1));
    let batched: Batched = world.get(&place).unwrap();
    assert_eq!(&batched.signed, signed);
    let leaves: Vec<Hash> = held.chunks(32).map(|leaf| Hash(leaf.try_into().unwrap())).collect();
    for (input, answered) in [(&b"one"[..], first), (b"two", second)] {
        let receipt = receipt(&world, &worker, &caller, (input, &answered));
        let path = merkle::path(&leaves, answered.index as usize).unwrap();
        let answer = world.prove::<Batched>(&place);
        let batch = ReceiptBundle { certificate: world.certificate(), answer };
        let proof = LeafProof { index: answered.index, path, batch };
        let bundle = SessionBundle { receipt, proof };
        assert_eq!(check_session_receipt(&world.genesis, &bundle), Ok(batched.clone()));
    }
}

#[test]
fn an_opening_may_be_a_call_and_the_app_sees_a_direct_one() {
    let (world, mut worker) = seated();
    let mut caller = Caller::new(&world, &worker, &Say::Call(b"at once".to_vec()), 1);
    let mut outputs = open(&mut worker, &caller.opening, world.now());
    let Some(Output::Call(run)) = outputs.pop() else { panic!("no call") };
    assert_eq!(
        (run.manifest.as_ref(), run.component.as_slice()),
        (&manifest("auction"), COMPONENT)
    );
    let (call, session) = (run.call, caller.opening.session());
    assert_eq!((call.chain.0, call.caller.0, call.context), ([0; 32], [0; 32], Context(session.0)));
    assert_eq!((call.time, call.payload.as_slice()), (world.now(), b"at once".as_slice()));
    assert!(call.submissions.is_empty());
    let outcome = Ok((b"answer".to_vec(), Fuel(1)));
    let sealed = reply(worker.step(Input::Called { session, outcome }, world.now()));
    assert!(matches!(caller.heard(&sealed), Reply::Answer(Answered { call: 1, .. })));
}

#[test]
fn an_opening_that_is_not_for_this_seat_and_process_opens_nothing() {
    let (world, mut worker) = seated();
    let now = world.now();
    let good = Caller::new(&world, &worker, &Say::Hello, 1).opening;
    let boot = good.boot;
    let mut check = |opening: Opening| refused(open(&mut worker, &opening, now));
    let node = NodeId([9; 32]);
    let other = Opening { worker: node, ..good.clone() };
    assert_eq!(check(other), SessionRefused::OtherWorker(node));
    let other = Opening { boot: BootId([9; 32]), ..good.clone() };
    assert_eq!(check(other), SessionRefused::OtherBoot { now: boot });
    let other = Opening { epoch: Epoch(1), ..good.clone() };
    assert_eq!(check(other), SessionRefused::OtherEpoch { now: Epoch(0) });
    let other = Opening { app: AppId([9; 32]), ..good.clone() };
    assert_eq!(check(other), SessionRefused::NoSeat);
    let mut broken = good.clone();
    broken.envelope[250] ^= 1;
    assert_eq!(check(broken), SessionRefused::DoesNotOpen);
    let empty = Opening { envelope: Vec::new(), ..good.clone() };
    assert_eq!(check(empty), SessionRefused::DoesNotOpen);
    // None of them used the good one up.
    assert_eq!(open(&mut worker, &good, now).len(), 1);
}

#[test]
fn an_envelope_bound_to_anything_else_does_not_open_whatever_is_said_of_it() {
    let (world, mut worker) = seated();
    let changes: [fn(&mut Aad); 6] = [
        |aad| aad.network.0[0] ^= 1,
        |aad| aad.generation = Generation(2),
        |aad| aad.chain = chain(),
        |aad| aad.consumer = account("consumer"),
        |aad| aad.submitter = account("alice"),
        // Another seat, or another process of this one.
        |aad| aad.context = Context([9; 32]),
    ];
    // The network is in the app's key as well: such an envelope cannot even be sealed.
    for change in &changes[1..] {
        let caller = Caller::with(&world, &worker, &Say::Hello.encode(), 1, change);
        let outputs = open(&mut worker, &caller.opening, world.now());
        assert_eq!(refused(outputs), SessionRefused::DoesNotOpen);
    }
}

#[test]
fn an_opening_is_taken_once_even_if_it_says_nothing_good() {
    let (world, mut worker) = seated();
    let now = world.now();
    let caller = opened(&world, &mut worker, 1);
    assert_eq!(refused(open(&mut worker, &caller.opening, now)), SessionRefused::Seen);
    let bad = Caller::with(&world, &worker, b"nothing", 2, |_| {});
    let outputs = open(&mut worker, &bad.opening, now);
    assert!(matches!(refused(outputs), SessionRefused::Malformed(_)));
    assert_eq!(refused(open(&mut worker, &bad.opening, now)), SessionRefused::Seen);
    let session = bad.opening.session();
    let outputs = worker.step(Input::Say { session, sealed: vec![0; 92] }, now);
    assert_eq!(refused(outputs), SessionRefused::NoSession);
    // Nor after its session is over.
    let mut caller = opened(&world, &mut worker, 3);
    let bye = reply(caller.say(&mut worker, &Say::Bye, now));
    assert!(caller.heard(&bye) == Reply::Bye);
    assert_eq!(refused(open(&mut worker, &caller.opening, now)), SessionRefused::Seen);
    assert_eq!(refused(caller.say(&mut worker, &Say::Hello, now)), SessionRefused::NoSession);
}

#[test]
fn a_process_started_anew_refuses_what_was_sealed_to_the_one_before() {
    let (mut world, mut worker) = seated();
    let old = opened(&world, &mut worker, 1).opening;
    // The same keys, another boot; it takes the seat over.
    let boot = BootId([0xaa; 32]);
    let payees = Vec::new();
    let (genesis, keys) = (world.genesis.clone(), keys("worker"));
    let mut again = Worker::new(genesis, keys, TeeKind::Simulated, payees, boot).unwrap();
    again.step(Input::Serve(world.app()), world.now());
    world.show(&mut again);
    assert_eq!(
        refused(open(&mut again, &old, world.now())),
        SessionRefused::OtherBoot { now: boot }
    );
    // The seat that stands is the old process's: this one does not take it for its own.
    let lie = Opening { boot, ..old.clone() };
    assert_eq!(refused(open(&mut again, &lie, world.now())), SessionRefused::NoSeat);
    world.turn(&mut again);
    world.turn(&mut again);
    assert_eq!(seat(&world, &again).boot, boot);
    // Now it could open something; but the old envelope is bound to the old process.
    assert_eq!(refused(open(&mut again, &lie, world.now())), SessionRefused::DoesNotOpen);
    opened(&world, &mut again, 2);
}

#[test]
fn messages_are_taken_in_order_and_once() {
    let (world, mut worker) = seated();
    let now = world.now();
    let mut caller = opened(&world, &mut worker, 1);
    let session = caller.opening.session();
    let first = caller.sealed(&Say::Hello);
    let second = caller.sealed(&Say::Hello);
    let mut say = |sealed: &[u8]| worker.step(Input::Say { session, sealed: sealed.to_vec() }, now);
    assert_eq!(say(&second).len(), 1);
    assert_eq!(refused(say(&second)), SessionRefused::Replayed { counter: 2, last: 2 });
    assert_eq!(refused(say(&first)), SessionRefused::Replayed { counter: 1, last: 2 });
    let mut broken = caller.sealed(&Say::Hello);
    broken[20] ^= 1;
    assert_eq!(refused(say(&broken)), SessionRefused::DoesNotOpen);
    assert_eq!(refused(say(&[])), SessionRefused::DoesNotOpen);
    // A good one after all that is heard.
    let third = caller.sealed(&Say::Hello);
    assert_eq!(say(&third).len(), 1);
    let unpadded = caller.session.seal_next(b"no padding").unwrap();
    assert_eq!(refused(say(&unpadded)), SessionRefused::Malformed("padding".into()));
    let nothing = caller.raw(b"nothing".to_vec());
    assert!(matches!(refused(say(&nothing)), SessionRefused::Malformed(_)));
    let max = limits::SESSION_MESSAGE_MAX;
    let large = SessionRefused::TooLarge { got: max as u64 + 1, max: max as u64 };
    assert_eq!(refused(say(&vec![0; max + 1])), large);
    let (session, sealed) = (Opening { epoch: Epoch(9), ..caller.opening.clone() }, vec![0; 92]);
    let stranger = sotto_types::SessionId([9; 32]);
    assert_eq!(session.session(), caller.opening.session());
    let outputs = worker.step(Input::Say { session: stranger, sealed }, now);
    assert_eq!(refused(outputs), SessionRefused::NoSession);
}

#[test]
fn one_call_of_a_session_runs_at_a_time_and_ends_once() {
    let (world, mut worker) = seated();
    let now = world.now();
    let mut caller = opened(&world, &mut worker, 1);
    let session = caller.opening.session();
    let outcome = || Ok((b"out".to_vec(), Fuel(1)));
    assert!(worker.step(Input::Called { session, outcome: outcome() }, now).is_empty());
    run(caller.say(&mut worker, &Say::Call(b"in".to_vec()), now));
    let next = caller.sealed(&Say::Call(b"next".to_vec()));
    let say = |worker: &mut Worker| worker.step(Input::Say { session, sealed: next.clone() }, now);
    assert_eq!(refused(say(&mut worker)), SessionRefused::Running);
    reply(worker.step(Input::Called { session, outcome: outcome() }, now));
    assert!(worker.step(Input::Called { session, outcome: outcome() }, now).is_empty());
    // What was refused was not opened: the same bytes are good now.
    assert_eq!(run(say(&mut worker)), b"next");
}

#[test]
fn a_worker_runs_no_more_calls_than_it_says() {
    let (world, mut worker) = seated();
    let now = world.now();
    let mut callers = Vec::new();
    for seed in 0..=limits::DIRECT_CALLS_MAX as u64 {
        callers.push(opened(&world, &mut worker, seed));
    }
    let mut last = callers.pop().unwrap();
    for caller in &mut callers {
        run(caller.say(&mut worker, &Say::Call(Vec::new()), now));
    }
    let sealed = last.sealed(&Say::Call(b"in".to_vec()));
    let session = last.opening.session();
    let say =
        |worker: &mut Worker| worker.step(Input::Say { session, sealed: sealed.clone() }, now);
    assert_eq!(refused(say(&mut worker)), SessionRefused::Full("calls".into()));
    let fresh = Caller::new(&world, &worker, &Say::Hello, 999).opening;
    assert_eq!(refused(open(&mut worker, &fresh, now)), SessionRefused::Full("calls".into()));
    let ended = callers[0].opening.session();
    reply(worker.step(Input::Called { session: ended, outcome: Err("over".into()) }, now));
    assert_eq!(run(say(&mut worker)), b"in");
}

#[test]
fn an_epoch_ends_its_sessions_and_says_so() {
    let (mut world, mut worker) = seated();
    let mut idle = opened(&world, &mut worker, 1);
    let mut busy = opened(&world, &mut worker, 2);
    run(busy.say(&mut worker, &Say::Call(b"long".to_vec()), world.now()));
    let old = Caller::new(&world, &worker, &Say::Hello, 3).opening;
    while world.get::<Clock>(&()).unwrap().epoch == Epoch(0) {
        world.turn(&mut worker);
    }
    let over = SessionRefused::OtherEpoch { now: Epoch(1) };
    let now = world.now();
    assert_eq!(refused(idle.say(&mut worker, &Say::Hello, now)), over);
    assert_eq!(refused(open(&mut worker, &old, now)), over);
    // A call under way is answered; its session ends with that.
    let session = busy.opening.session();
    let outcome = Ok((b"done".to_vec(), Fuel(1)));
    let sealed = reply(worker.step(Input::Called { session, outcome }, now));
    assert!(matches!(busy.heard(&sealed), Reply::Answer(_)));
    assert_eq!(refused(busy.say(&mut worker, &Say::Hello, now)), over);
    // The seat is taken again by itself, since it was used, and then sessions open anew.
    world.turn(&mut worker);
    world.turn(&mut worker);
    opened(&world, &mut worker, 4);
    // Two epochs on nobody remembers the session.
    while world.get::<Clock>(&()).unwrap().epoch == Epoch(1) {
        world.turn(&mut worker);
    }
    let now = world.now();
    assert_eq!(refused(idle.say(&mut worker, &Say::Hello, now)), SessionRefused::NoSession);
}

#[test]
fn a_seat_that_nobody_uses_is_let_go() {
    let (mut world, mut worker) = seated();
    while world.get::<Clock>(&()).unwrap().epoch < Epoch(2) {
        world.turn(&mut worker);
    }
    assert_eq!(worker.apps(), []);
    worker.step(Input::Serve(world.app()), world.now());
    assert_eq!(worker.apps(), [world.app()]);
    for number in 0..=limits::SEATS_MAX {
        let mut app = [0; 32];
        app[0] = u8::try_from(number).unwrap();
        worker.step(Input::Serve(AppId(app)), world.now());
    }
    assert_eq!(worker.apps().len(), limits::SEATS_MAX);
}

#[test]
fn a_session_that_stands_idle_is_forgotten() {
    let (mut world, mut worker) = seated();
    let mut idle = opened(&world, &mut worker, 1);
    let mut busy = opened(&world, &mut worker, 2);
    run(busy.say(&mut worker, &Say::Call(Vec::new()), world.now()));
    world.block();
    let later = world.now().plus(limits::SESSION_IDLE);
    // The block is not stale by the worker's clock: only that clock has moved on.
    let mut shown = world.shown_to(&worker);
    shown.certificate.time = later;
    shown.certificate.signature = key("member").sign(&shown.certificate.digest()).0;
    worker.step(Input::Block(Box::new(shown)), later);
    assert_eq!(refused(idle.say(&mut worker, &Say::Hello, later)), SessionRefused::NoSession);
    // One whose call runs is not idle.
    let session = busy.opening.session();
    reply(worker.step(Input::Called { session, outcome: Err("slow".into()) }, later));
}

#[test]
fn nothing_opens_before_the_grant_and_the_component_are_there() {
    let (mut world, mut worker) = World::ready();
    world.turn(&mut worker);
    world.bytes.clear();
    worker.step(Input::Serve(world.app()), world.now());
    world.turn(&mut worker);
    world.block();
    let caller = Caller::new(&world, &worker, &Say::Hello, 1);
    // In the ledger, but not shown to the worker yet.
    let opening = &caller.opening;
    assert_eq!(refused(open(&mut worker, opening, world.now())), SessionRefused::NoSeat);
    // Shown, and its key granted; the component is not to be had.
    world.show(&mut worker);
    assert_eq!(refused(open(&mut worker, opening, world.now())), SessionRefused::NoSeat);
    world.keep(COMPONENT.to_vec());
    world.turn(&mut worker);
    assert_eq!(open(&mut worker, opening, world.now()).len(), 1);
}

#[test]
fn a_batch_that_is_lost_is_handed_in_again() {
    let (mut world, mut worker) = seated();
    let mut caller = opened(&world, &mut worker, 1);
    world.is_losing = true;
    call(&world, &mut worker, &mut caller, b"in", Ok(b"out"));
    let batches = |world: &mut World, worker: &mut Worker, blocks: u64| {
        let seen = (0..blocks).flat_map(|_| world.turn(worker).submitted);
        let batch = |action| if let Action::Batch(b) = action { Some(b) } else { None };
        seen.filter_map(|signed| batch(signed.action)).collect::<Vec<_>>()
    };
    let first = batches(&mut world, &mut worker, 5);
    assert_eq!(first.len(), 1);
    world.is_losing = false;
    assert_eq!(batches(&mut world, &mut worker, 12), first);
    world.block();
    assert!(world.get::<Batched>(&(worker.id(), (caller.opening.boot, 1))).is_some());
    // Nothing of it is handed in once the ledger has it.
    assert_eq!(batches(&mut world, &mut worker, 15), []);
}

#[test]
fn no_further_receipt_is_promised_while_the_ledger_takes_none() {
    let (mut world, mut worker) = seated_of(Genesis { epoch_blocks: 100_000, ..genesis() });
    let mut caller = opened(&world, &mut worker, 1);
    world.is_losing = true;
    for _ in 0..limits::BATCHES_WAITING_MAX {
        call(&world, &mut worker, &mut caller, b"in", Ok(b"out"));
        // One more block closes it.
        (0..=limits::BATCH_BLOCKS).for_each(|_| drop(world.turn(&mut worker)));
    }
    let full = SessionRefused::Full("receipts that are not ledgered yet".into());
    let now = world.now();
    assert_eq!(refused(caller.say(&mut worker, &Say::Call(Vec::new()), now)), full);
    let fresh = Caller::new(&world, &worker, &Say::Hello, 2).opening;
    assert_eq!(refused(open(&mut worker, &fresh, now)), full);
    // The ledger takes them, and calls are taken again.
    world.is_losing = false;
    (0..15).for_each(|_| drop(world.turn(&mut worker)));
    call(&world, &mut worker, &mut caller, b"in", Ok(b"out"));
}

#[test]
fn an_output_too_long_to_send_is_a_failure_with_a_receipt() {
    let (world, mut worker) = seated();
    let mut caller = opened(&world, &mut worker, 1);
    let fullest = vec![7; limits::DIRECT_OUTPUT_MAX];
    let answered = call(&world, &mut worker, &mut caller, b"in", Ok(&fullest));
    assert_eq!(answered.outcome, Ok(fullest));
    let long = vec![7; limits::DIRECT_OUTPUT_MAX + 1];
    let answered = call(&world, &mut worker, &mut caller, b"in", Ok(&long));
    assert!(answered.outcome.unwrap_err().contains("1048513 bytes"));
    let reason = "r".repeat(limits::REASON_MAX + 1);
    let answered = call(&world, &mut worker, &mut caller, b"in", Err(&reason));
    assert_eq!(answered.outcome.unwrap_err().len(), limits::REASON_MAX);
}
