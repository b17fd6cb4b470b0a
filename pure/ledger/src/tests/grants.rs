//! Grants: for the assigned worker alone, for exactly what it was assigned to, until it ends.

use super::world::*;
use crate::event::RequestRefusal;
use crate::find_grant;
use crate::state::{Grant, Progress};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use sotto_crypto::{envelope, sign::ResultKey};
use sotto_types::{
    Aad, Account, Action, AppId, Ask, Assurance, Attempt, ChainEvent, Context, ContextId, Epoch,
    Generation, Identity, KeyPath, NodeId, Receipt,
};

fn found(
    world: &World,
    node: &NodeId,
    app: &AppId,
    path: KeyPath,
    identity: &Identity,
) -> Option<Grant> {
    find_grant(&world.view, node, app, path, identity).unwrap()
}

fn context_of(world: &World, number: u64) -> Identity {
    let ask = world.request(number).ask;
    Identity::Context(ask.context_id(&world.chain_id(), &world.contract))
}

#[test]
fn grants_are_what_was_assigned_and_nothing_more() {
    let (mut world, worker, app) = World::ready();
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let other_app = world.deploy(2);
    assert_eq!(world.all::<Grant>(), vec![]);
    let ask = world.ask(app);
    world.requested(&ask);
    world.hold(1);
    assert_eq!(world.all::<Grant>(), vec![]);
    world.idle(1);
    let assignment = world.assignment(1);
    let (mine, theirs) =
        if assignment.worker == worker.node() { (worker, second) } else { (second, worker) };
    let context = context_of(&world, 1);
    let epoch = Identity::Epoch(Epoch(0));
    let grant = |path, identity| Grant {
        worker: mine.node(),
        app,
        path,
        identity,
        transport: mine.transport.public().to_bytes(),
        height: assignment.height,
    };
    let node = mine.node();
    let request = grant(KeyPath::Request, context);
    let result = grant(KeyPath::Result, epoch);
    assert_eq!(found(&world, &node, &app, KeyPath::Request, &context), Some(request));
    assert_eq!(found(&world, &node, &app, KeyPath::Result, &epoch), Some(result));
    assert_eq!(world.all::<Grant>().len(), 2);
    // Neither the other worker, nor another app, path, epoch or context.
    let none = [
        found(&world, &theirs.node(), &app, KeyPath::Request, &context),
        found(&world, &theirs.node(), &app, KeyPath::Result, &epoch),
        found(&world, &node, &other_app, KeyPath::Request, &context),
        found(&world, &node, &other_app, KeyPath::Result, &epoch),
        found(&world, &node, &app, KeyPath::Result, &context),
        found(&world, &node, &app, KeyPath::Request, &epoch),
        found(&world, &node, &app, KeyPath::Result, &Identity::Epoch(Epoch(1))),
        found(&world, &node, &app, KeyPath::Request, &Identity::Context(ContextId([9; 32]))),
    ];
    assert!(none.iter().all(Option::is_none), "{none:?}");
}

#[test]
fn an_epochs_grant_outlives_it_by_one() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    let has = |world: &World, epoch| {
        let identity = Identity::Epoch(Epoch(epoch));
        found(world, &worker.node(), &app, KeyPath::Result, &identity).is_some()
    };
    assert!(has(&world, 0));
    world.next_epoch();
    assert!(has(&world, 0) && !has(&world, 1));
    world.attest(&worker).unwrap();
    world.answered(&worker, app);
    assert!(has(&world, 0) && has(&world, 1));
    world.next_epoch();
    assert!(!has(&world, 0) && has(&world, 1));
    // A context's grant ends with its context, not with an epoch.
    assert!(world.context_grant(&worker.node(), number).is_some());
    world.next_epoch();
    assert!(!has(&world, 1));
    assert!(world.context_grant(&worker.node(), number).is_some());
}

#[test]
fn a_context_ends_with_its_request() {
    let (mut world, worker, app) = World::ready();
    let node = worker.node();
    let settled = world.answered(&worker, app);
    assert!(world.context_grant(&node, settled).is_some());
    let event = world.settled(settled);
    world.observe(vec![event]).unwrap();
    assert!(world.context_grant(&node, settled).is_none());

    let refunded = world.answered(&worker, app);
    world.observe(vec![ChainEvent::Refunded { number: refunded }]).unwrap();
    assert!(world.context_grant(&node, refunded).is_none());

    let failed = world.assigned(app);
    assert!(world.context_grant(&node, failed).is_some());
    let request = world.id(failed);
    let fail = Action::Fail { request, attempt: Attempt(1), reason: "trap".into() };
    world.act(&worker.key, fail).unwrap();
    assert!(world.context_grant(&node, failed).is_none());

    let late = world.assigned(app);
    world.chain_time(world.request(late).ask.deadline);
    assert_eq!(world.progress(late), Progress::Unanswered);
    assert!(world.context_grant(&node, late).is_none());
    // The result key's grant stands all the while: it is the epoch's.
    let epoch = Identity::Epoch(Epoch(0));
    assert!(found(&world, &node, &app, KeyPath::Result, &epoch).is_some());
}

#[test]
fn one_requests_end_takes_nothing_from_another() {
    let (mut world, worker, app) = World::ready();
    let (one, two) = (world.assigned(app), world.assigned(app));
    world.observe(vec![ChainEvent::Refunded { number: one }]).unwrap();
    assert!(world.context_grant(&worker.node(), one).is_none());
    assert!(world.context_grant(&worker.node(), two).is_some());
}

#[test]
fn a_refused_request_never_closes_the_live_ones_context() {
    let (mut world, worker, app) = World::ready();
    let live = world.ask(app);
    world.assigned(app);
    let again = Ask { number: 2, ..live.clone() };
    let bad = Ask { number: 3, assurance: Assurance(0), ..live };
    world.observe(vec![ChainEvent::Requested(again), ChainEvent::Requested(bad)]).unwrap();
    assert_eq!(world.progress(2), Progress::Refused(RequestRefusal::ContextInUse(1)));
    assert_eq!(world.progress(3), Progress::Refused(RequestRefusal::Assurance(0)));
    let refunds = [2, 3].map(|number| ChainEvent::Refunded { number });
    world.observe(refunds.to_vec()).unwrap();
    assert!(world.context_grant(&worker.node(), 1).is_some());
    world.announce(&worker, 1);
    let answer = world.good_answer(&worker, 1);
    world.act(&worker.key, answer).unwrap();
}

#[test]
fn a_second_worker_is_granted_the_context_it_takes_over() {
    let (mut world, worker, app) = World::ready();
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let number = world.assigned(app);
    let first = world.assignment(number).worker;
    world.idle(sotto_types::limits::ATTEMPT_BLOCKS + 1);
    let next = world.assignment(number).worker;
    assert_ne!(first, next);
    for node in [first, next] {
        assert!(world.context_grant(&node, number).is_some());
    }
    // Both lose it together.
    world.observe(vec![ChainEvent::Refunded { number }]).unwrap();
    for node in [worker.node(), second.node()] {
        assert!(world.context_grant(&node, number).is_none());
    }
}

#[test]
fn a_worker_that_came_back_is_granted_to_its_new_key() {
    let (mut world, worker, app) = World::ready();
    world.assigned(app);
    let epoch = Identity::Epoch(Epoch(0));
    let result = |world: &World| {
        found(world, &worker.node(), &app, KeyPath::Result, &epoch).unwrap().transport
    };
    assert_eq!(result(&world), worker.transport.public().to_bytes());
    let back = Machine { transport: Machine::new("after a restart").transport, ..worker };
    let worker = Machine::new("worker");
    world.attest(&back).unwrap();
    let number = world.assigned(app);
    let new = back.transport.public().to_bytes();
    let transport = |grant: Option<Grant>| grant.map(|grant| grant.transport);
    let found_now = found(&world, &worker.node(), &app, KeyPath::Result, &epoch);
    assert_eq!(transport(found_now), Some(new));
    assert_eq!(transport(world.context_grant(&worker.node(), number)), Some(new));
}

/// What a grant is for: the member's share opens, inside the worker, an envelope sealed to the
/// request's context, and the result key of the epoch.
#[test]
fn a_grant_opens_the_envelope_and_the_result_key() {
    let (mut world, worker, app) = World::ready();
    let network = world.genesis.id();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let vault = vault();
    let consumer = account("consumer");
    let context = Context([0x66; 32]);
    let id = ContextId::new(&world.chain_id(), &world.contract, &consumer, &context);
    let identity = Identity::Context(id);
    let aad = Aad {
        network,
        app,
        generation: Generation(1),
        chain: world.chain_id(),
        consumer,
        submitter: account("alice"),
        context,
    };
    let sealed =
        envelope::seal(vault.public(), KeyPath::Request, &identity, &aad, b"17 ether", &mut rng);
    let (envelope, _) = sealed.unwrap();

    let mut ask = world.ask(app);
    ask.consumer = consumer;
    ask.context = context;
    ask.submissions.truncate(1);
    ask.submissions[0].envelope = sotto_types::Hash::of(&envelope);
    world.requested(&ask);
    world.hold(1);
    world.idle(1);

    let mut open = |path, identity: &Identity| {
        let grant = found(&world, &worker.node(), &app, path, identity).unwrap();
        assert_eq!(grant.transport, worker.transport.public().to_bytes());
        let to = sotto_crypto::vet::TransportKey::from_bytes(&grant.transport).unwrap();
        let share = vault.grant(&network, &app, path, identity, &to, &mut rng);
        let shares = [(1, share)];
        worker.transport.open(&shares, vault.public(), &network, &app, path, identity).unwrap()
    };
    let vet_key = open(KeyPath::Request, &identity);
    let opened = envelope::open(&vet_key, vault.public(), &identity, &aad, &envelope).unwrap();
    assert_eq!(opened.payload.as_slice(), b"17 ether");

    let result_key = ResultKey::derive(&open(KeyPath::Result, &Identity::Epoch(Epoch(0))));
    let key = Account::from_address(result_key.public().address());
    world.act(&worker.key, Action::ResultKey { app, epoch: Epoch(0), key }).unwrap();
    let result = b"winner";
    let receipt = Receipt { opened: 1, ..world.receipt(&worker, 1, result) };
    let mut answer = world.answer(&worker, receipt.clone(), result);
    if let Action::Answer { signature, .. } = &mut answer {
        *signature = result_key.sign(&receipt.on_chain.0).0;
    }
    world.act(&worker.key, answer).unwrap();
}
