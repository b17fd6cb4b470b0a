//! A session from a proved seat to a proved receipt, against a seat played by its own rules; and
//! every answer that is not the seat's.

use super::world::{World, key, manifest, network, rng, vault};
use crate::http::{self, HttpRequest, HttpResponse};
use crate::{ClientError, DirectAnswer, DirectSession, Heard, NotBelieved, Seat};
use sotto_crypto::envelope::{Committed, Session, open};
use sotto_crypto::pad::{pad, unpad};
use sotto_crypto::vet::TransportSecret;
use sotto_ledger::state::{App, Batched, Seat as Entry};
use sotto_ledger::view::key as entry_key;
use sotto_types::session::{Answered, Reply, Say};
use sotto_types::*;

const BOOT: BootId = BootId([0xb0; 32]);

fn app() -> AppId {
    manifest("owner").id()
}

fn node() -> NodeId {
    key("worker").public().node_id()
}

/// A network whose worker has a seat of the app.
fn seated() -> (World, ReceiptBundle) {
    let mut world = World::answered();
    world.act("worker", Action::Sit { app: app(), boot: BOOT });
    let bundle = offer(&world);
    (world, bundle)
}

fn offer(world: &World) -> ReceiptBundle {
    world.bundle(&entry_key::<Entry>(&(Epoch(0), (app(), node())))).unwrap()
}

/// The seat's end, as a worker opens it.
fn opened(world: &World, request: &HttpRequest) -> (Say, Session) {
    assert_eq!((request.method, request.path.as_str()), ("POST", "/v1/sessions"));
    let opening = Opening::decode(&request.body).unwrap();
    assert_eq!((opening.app, opening.worker, opening.boot), (app(), node(), BOOT));
    let (network, identity) = (world.network.id(), Identity::Epoch(opening.epoch));
    let path = KeyPath::Request;
    let transport = TransportSecret::from_bytes(&[9; 32]).unwrap();
    let (vault, mut rng) = (vault(), rng(3));
    let share = vault.grant(&network, &app(), path, &identity, transport.public(), &mut rng);
    let shares = [(1, share)];
    let public = vault.public();
    let key = transport.open(&shares, public, &network, &app(), path, &identity).unwrap();
    let aad = Aad::direct(network, app(), Generation(1), &node(), &BOOT);
    let opened = open(&key, public, &identity, &aad, &opening.envelope).unwrap();
    (Say::decode(&opened.payload).unwrap(), opened.session)
}

fn sealed(seat: &mut Session, reply: &Reply) -> HttpResponse {
    let mut message = reply.encode();
    pad(&mut message);
    HttpResponse { status: 200, body: seat.seal_next(&message).unwrap() }
}

fn heard(seat: &mut Session, request: &HttpRequest) -> Say {
    let message = seat.open_next(&request.body).unwrap();
    Say::decode(unpad(&message).unwrap()).unwrap()
}

fn answered(call: u64, outcome: Result<Vec<u8>, String>) -> Reply {
    let (time, fuel) = (Time(1_700_000_004), Fuel(9));
    Reply::Answer(Answered { call, time, fuel, outcome, batch: 1, index: 0 })
}

fn session(world: &World, seat: &Seat) -> (DirectSession, Session) {
    let (mut session, request) = world.network.open_session(seat, &mut rng(5)).unwrap();
    let (say, mut end) = opened(world, &request);
    assert!(say == Say::Hello);
    let welcome = sealed(&mut end, &Reply::Welcome);
    assert_eq!(session.finish(welcome), Ok(Heard::Welcome));
    (session, end)
}

fn answer(heard: Result<Heard, ClientError>) -> DirectAnswer {
    match heard {
        Ok(Heard::Answer(answer)) => *answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_goes_from_a_proved_seat_to_a_proved_receipt() {
    let (mut world, bundle) = seated();
    let seat = world.network.check_seat(&bundle, &app(), world.now()).unwrap();
    assert_eq!((seat.epoch, seat.worker, seat.boot), (Epoch(0), node(), BOOT));
    assert_eq!((seat.generation, seat.code), (Generation(1), manifest("owner").code));
    let (mut session, mut end) = session(&world, &seat);
    let request = session.call(b"input".to_vec()).unwrap();
    assert_eq!(request.path, format!("/v1/sessions/{}/{}", node(), session.id()));
    assert!(heard(&mut end, &request) == Say::Call(b"input".to_vec()));
    let got = answer(session.finish(sealed(&mut end, &answered(1, Ok(b"output".to_vec())))));
    assert_eq!((got.outcome.as_deref(), got.batch, got.index), (Ok(&b"output"[..]), 1, 0));

    // The worker ledgers the receipt's leaf; the proof is fetched and the receipt checked offline.
    let leaf = got.receipt.leaf();
    let batch = Batch {
        network: world.network.id(),
        worker: node(),
        boot: BOOT,
        number: 1,
        first: 1,
        count: 1,
        root: merkle::root(&[leaf]),
        leaves: Hash::of(&leaf.0),
    };
    let signature = key("worker").sign(&batch.digest()).0;
    world.act("worker", Action::Batch(SignedBatch { batch, signature }));
    let place = entry_key::<Batched>(&(node(), (BOOT, 1)));
    let entry = world.bundle(&place).unwrap();
    let proof = LeafProof { index: 0, path: vec![], batch: entry };
    let question = http::leaf(&got);
    let path = format!("/v1/batches/{}/{BOOT}/1/0", node());
    assert_eq!(question.request.path, path);
    let response = HttpResponse { status: 200, body: proof.encode() };
    let proof = question.finish(response).unwrap();
    let bundle = got.proved(proof.clone()).encode();
    let checked = world.network.check_session_receipt(&bundle).unwrap();
    assert_eq!((checked.batch, checked.number, checked.simulated), (1, 1, true));
    assert_eq!(checked.receipt, got.receipt);
    let text = checked.to_string();
    assert!(text.starts_with("WARNING      the TEE is SIMULATED"), "{text}");

    // Whom the client gives a blind to can check an input or output, and nobody else.
    let [input, output] = [Committed::Input, Committed::Output].map(|what| session.blind(1, what));
    assert!(checked.is_input(&input, b"input") && !checked.is_input(&input, b"other"));
    assert!(checked.is_output(&output, b"output") && !checked.is_output(&input, b"output"));

    // A proof of another leaf or batch is not taken for this one.
    let other = LeafProof { index: 1, ..proof.clone() };
    let response = HttpResponse { status: 200, body: other.encode() };
    let refused = http::leaf(&got).finish(response);
    assert_eq!(refused, Err(NotBelieved::OtherEntry.into()));
    let later = DirectAnswer { batch: 2, ..got.clone() };
    let response = HttpResponse { status: 200, body: proof.encode() };
    assert_eq!(http::leaf(&later).finish(response), Err(NotBelieved::OtherEntry.into()));
    let mut changed = got;
    changed.receipt.fuel = Fuel(10);
    let changed = changed.proved(proof).encode();
    let refused = world.network.check_session_receipt(&changed);
    let batch = sotto_ledger::certificate::NotBelieved::Batch(1);
    assert_eq!(refused, Err(batch.into()));
    let malformed = world.network.check_session_receipt(&bundle[1..]);
    assert!(matches!(malformed, Err(ClientError::Malformed { what: "receipt", .. })));
}

#[test]
fn a_seat_is_believed_only_as_proved_of_this_app_and_epoch_and_now() {
    let (mut world, bundle) = seated();
    let now = world.now();
    let other = AppId([9; 32]);
    let check = |bundle: &ReceiptBundle, app: AppId| world.network.check_seat(bundle, &app, now);
    assert_eq!(check(&bundle, other), Err(NotBelieved::OtherEntry));
    let published = world.bundle(&entry_key::<App>(&app())).unwrap();
    assert_eq!(check(&published, app()), Err(NotBelieved::OtherEntry));
    let mut changed = bundle.clone();
    changed.answer.value[9] ^= 1;
    let path = sotto_ledger::certificate::NotBelieved::Path(sotto_ledger::BadProof::WrongRoot);
    assert_eq!(check(&changed, app()), Err(path.into()));
    let late = now.plus(3600);
    let stale = NotBelieved::Stale { time: now, now: late, max: 70 };
    assert_eq!(world.network.check_seat(&bundle, &app(), late), Err(stale));
    assert!(network("other").check_seat(&bundle, &app(), now).is_err());
    // Of the last epoch, under a certificate of the next one: the ledger holds it no more.
    let mut count = 0;
    while world.certificate().height.epoch(120) == Epoch(0) {
        count += 1;
        let mut measurement = [0xff; 32];
        measurement[0] = count;
        world.act("member", Action::AdmitRelease(Measurement(measurement)));
    }
    let place = entry_key::<Entry>(&(Epoch(0), (app(), node())));
    assert_eq!(world.bundle(&place), None);
    let mixed = ReceiptBundle { certificate: world.certificate(), ..bundle };
    let refused = world.network.check_seat(&mixed, &app(), world.now());
    assert_eq!(refused, Err(NotBelieved::OtherEntry));
}

#[test]
fn the_question_for_a_seat_takes_a_seat_of_that_app_only() {
    let (world, bundle) = seated();
    let body = |bundle: &ReceiptBundle| HttpResponse { status: 200, body: bundle.encode() };
    assert_eq!(http::seat(&app()).request.path, format!("/v1/seats/{}", app()));
    assert_eq!(http::seat(&app()).finish(body(&bundle)), Ok(bundle.clone()));
    let other = http::seat(&AppId([9; 32])).finish(body(&bundle));
    assert_eq!(other, Err(NotBelieved::OtherEntry.into()));
    let published = world.bundle(&entry_key::<App>(&app())).unwrap();
    let refused = http::seat(&app()).finish(body(&published));
    assert_eq!(refused, Err(NotBelieved::OtherEntry.into()));
}

#[test]
fn an_answer_that_is_not_the_seats_is_not_believed() {
    let (world, bundle) = seated();
    let seat = world.network.check_seat(&bundle, &app(), world.now()).unwrap();
    let (mut mine, mut end) = session(&world, &seat);
    let not = |why| Err(NotBelieved::NotTheSeat(why).into());
    mine.call(b"in".to_vec()).unwrap();
    let good = sealed(&mut end, &answered(1, Ok(b"out".to_vec())));
    let mut broken = good.clone();
    broken.body[20] ^= 1;
    assert_eq!(mine.finish(broken), not("it does not open"));
    let empty = HttpResponse { status: 200, body: Vec::new() };
    assert_eq!(mine.finish(empty), not("it does not open"));
    answer(mine.finish(good.clone()));
    assert_eq!(mine.finish(good), not("it was said before"));
    let again = sealed(&mut end, &answered(1, Ok(b"out".to_vec())));
    assert_eq!(mine.finish(again), not("it answers a call that was answered"));
    let unpadded = HttpResponse { status: 200, body: end.seal_next(b"bare").unwrap() };
    assert_eq!(mine.finish(unpadded), not("its padding is wrong"));
    let mut nothing = b"nothing".to_vec();
    pad(&mut nothing);
    let nothing = HttpResponse { status: 200, body: end.seal_next(&nothing).unwrap() };
    assert_eq!(mine.finish(nothing), not("it is no answer"));
    // An answer that was lost leaves a gap in the numbers, and nothing else.
    let failed = answer(mine.finish(sealed(&mut end, &answered(3, Err("trap".into())))));
    assert_eq!((failed.outcome, failed.receipt.call), (Err("trap".into()), 3));
    assert!(!failed.receipt.succeeded);
}

#[test]
fn refusals_are_typed_and_fit_for_a_terminal() {
    let (world, bundle) = seated();
    let seat = world.network.check_seat(&bundle, &app(), world.now()).unwrap();
    let (mut mine, _) = session(&world, &seat);
    let mut refuse =
        |why: &SessionRefused| mine.finish(HttpResponse { status: 409, body: why.encode() });
    let over = SessionRefused::OtherEpoch { now: Epoch(1) };
    assert_eq!(refuse(&over), Err(ClientError::Session(over)));
    let loud = SessionRefused::Full("calls\u{1b}[2J".into());
    let quiet = SessionRefused::Full("calls [2J".into());
    assert_eq!(refuse(&loud), Err(ClientError::Session(quiet)));
    let nothing = mine.finish(HttpResponse { status: 409, body: b"no".to_vec() });
    assert!(matches!(nothing, Err(ClientError::Malformed { what: "refusal", .. })));
    let gone = mine.finish(HttpResponse { status: 503, body: b"gone".to_vec() });
    assert_eq!(gone, Err(ClientError::Gateway { status: 503, message: "gone".into() }));
}

#[test]
fn an_input_too_long_is_said_before_anything_is_sealed() {
    let (world, bundle) = seated();
    let seat = world.network.check_seat(&bundle, &app(), world.now()).unwrap();
    let (mut mine, mut end) = session(&world, &seat);
    let long = mine.call(vec![0; limits::DIRECT_INPUT_MAX + 1]);
    assert!(matches!(long, Err(ClientError::Argument { what: "input", .. })));
    let fullest = mine.call(vec![0; limits::DIRECT_INPUT_MAX]).unwrap();
    assert_eq!(fullest.body.len(), limits::SESSION_MESSAGE_MAX);
    assert!(heard(&mut end, &fullest) == Say::Call(vec![0; limits::DIRECT_INPUT_MAX]));
    let bye = mine.bye().unwrap();
    assert!(heard(&mut end, &bye) == Say::Bye);
    assert_eq!(mine.finish(sealed(&mut end, &Reply::Bye)), Ok(Heard::Bye));
}
