//! Seats: taken by attested workers of an app's pool, with the grant of the epoch's request key,
//! and over with the epoch.

use super::world::*;
use crate::state::{Boot, Grant, GrantKey, Seat, Worker};
use crate::{Event, Refusal, may_sit, seats};
use sotto_types::{
    Action, AppId, BootId, Epoch, Generation, Hash, Height, Identity, KeyPath, NodeId,
};

const BOOT: BootId = BootId([0xb0; 32]);
const LATER: BootId = BootId([0xb1; 32]);

fn sit(world: &mut World, worker: &Machine, app: AppId, boot: BootId) -> Result<(), Refusal> {
    world.act(&worker.key, Action::Sit { app, boot }).map(|_| ())
}

fn seat(world: &World, epoch: u64, app: AppId, node: NodeId) -> Option<Seat> {
    world.get::<Seat>(&(Epoch(epoch), (app, node)))
}

fn grant(world: &World, epoch: u64, app: &AppId, node: &NodeId) -> Option<Grant> {
    world.get(&GrantKey::new(node, app, KeyPath::Request, &Identity::Epoch(Epoch(epoch))))
}

#[test]
fn a_seat_comes_with_the_grant_of_the_epochs_request_key() {
    let (mut world, worker, app) = World::ready();
    let node = worker.node();
    assert!(may_sit(&world.view, &app, &node).unwrap());
    let events = world.act(&worker.key, Action::Sit { app, boot: BOOT }).unwrap();
    assert!(events.contains(&Event::Seated { app, worker: node }));
    let height = world.clock().height;
    let expected = Seat {
        boot: BOOT,
        generation: Generation(1),
        code: Hash([0x61; 32]),
        worker: world.get::<Worker>(&node).unwrap(),
        since: height,
    };
    assert_eq!(seat(&world, 0, app, node), Some(expected.clone()));
    assert_eq!(seats(&world.view, &app).unwrap(), [(node, expected)]);
    assert_eq!(seats(&world.view, &AppId([9; 32])).unwrap(), []);
    let boot = Boot { id: BOOT, since: height, batches: 0, receipts: 0 };
    assert_eq!(world.get::<Boot>(&node), Some(boot));
    let granted = grant(&world, 0, &app, &node).unwrap();
    assert_eq!((granted.transport, granted.height), (worker.keys().transport, height));
    assert_eq!(world.all::<Grant>().len(), 1);
    assert_eq!(sit(&mut world, &worker, app, BOOT), Err(Refusal::Exists("seat")));
}

#[test]
fn a_seat_and_its_grant_end_with_their_epoch() {
    let (mut world, worker, app) = World::ready();
    let node = worker.node();
    sit(&mut world, &worker, app, BOOT).unwrap();
    let blocks = EPOCH - world.clock().height.0 % EPOCH;
    world.idle(blocks - 1);
    assert!(seat(&world, 0, app, node).is_some() && grant(&world, 0, &app, &node).is_some());
    world.idle(1);
    assert_eq!(world.clock().epoch, Epoch(1));
    assert_eq!((seat(&world, 0, app, node), grant(&world, 0, &app, &node)), (None, None));
    assert_eq!(seats(&world.view, &app).unwrap(), []);
    // Taken again, it is of the new epoch alone.
    sit(&mut world, &worker, app, BOOT).unwrap();
    assert!(seat(&world, 1, app, node).is_some() && grant(&world, 1, &app, &node).is_some());
    assert_eq!((seat(&world, 0, app, node), grant(&world, 0, &app, &node)), (None, None));
}

#[test]
fn other_grants_of_an_epoch_stay_when_its_seats_end() {
    let (mut world, worker, app) = World::ready();
    let number = world.answered(&worker, app);
    sit(&mut world, &worker, app, BOOT).unwrap();
    let result = |world: &World| {
        let identity = Identity::Epoch(world.assignment(number).epoch);
        world.get::<Grant>(&GrantKey::new(&worker.node(), &app, KeyPath::Result, &identity))
    };
    assert!(result(&world).is_some());
    world.next_epoch();
    assert!(result(&world).is_some());
    assert_eq!(grant(&world, 0, &app, &worker.node()), None);
}

#[test]
fn a_worker_that_was_started_anew_takes_its_seat_over() {
    let (mut world, worker, app) = World::ready();
    let node = worker.node();
    sit(&mut world, &worker, app, BOOT).unwrap();
    sit(&mut world, &worker, app, LATER).unwrap();
    assert_eq!(seat(&world, 0, app, node).unwrap().boot, LATER);
    let since = world.clock().height;
    let boot = Boot { id: LATER, since, batches: 0, receipts: 0 };
    assert_eq!(world.get::<Boot>(&node), Some(boot));
    assert!(since > Height(0));
    // A second app's seat is of the same boot and begins no other.
    let other = world.deploy(2);
    sit(&mut world, &worker, other, LATER).unwrap();
    assert_eq!(world.get::<Boot>(&node), Some(boot));
}

#[test]
fn seats_are_for_attested_workers_of_the_pool() {
    let (mut world, worker, app) = World::ready();
    let stranger = Machine::new("stranger");
    let refused = Err(Refusal::NotWorker(stranger.node()));
    assert_eq!(sit(&mut world, &stranger, app, BOOT), refused);
    assert_eq!(sit(&mut world, &worker, AppId([9; 32]), BOOT), Err(Refusal::Unknown("app")));
    // One enclave may hold this app's keys: of two workers one is in the pool.
    let second = Machine::new("second");
    world.attest(&second).unwrap();
    let narrow = world.deploy(1);
    let pooled = |world: &World, node| may_sit(&world.view, &narrow, &node).unwrap();
    let [first_in, second_in] = [worker.node(), second.node()].map(|node| pooled(&world, node));
    assert!(first_in != second_in);
    let (inside, outside) = if first_in { (&worker, &second) } else { (&second, &worker) };
    assert_eq!(sit(&mut world, outside, narrow, BOOT), Err(Refusal::NotInPool));
    assert_eq!(sit(&mut world, inside, narrow, BOOT), Ok(()));
    // Attested neither in this epoch nor in the last.
    world.next_epoch();
    assert_eq!(sit(&mut world, &worker, app, BOOT), Ok(()));
    world.next_epoch();
    let refused = Err(Refusal::NotWorker(worker.node()));
    assert_eq!(sit(&mut world, &worker, app, BOOT), refused);
    assert!(!may_sit(&world.view, &app, &worker.node()).unwrap());
    assert!(!may_sit(&world.view, &AppId([9; 32]), &worker.node()).unwrap());
}
