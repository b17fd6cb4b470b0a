//! It opens only what a certificate and a path prove.

use crate::worker::{Input, Output, Shown, Worker};
use crate::world::*;
use sotto_ledger::BadProof;
use sotto_ledger::View as _;
use sotto_ledger::certificate::{NotBelieved, certify};
use sotto_ledger::state::{App, Progress};
use sotto_types::{Action, Ask, Attempt, Certificate, Fuel, Proof, Time, Wire};

/// What a worker that knew nothing before wants when it is shown this.
fn shown_anew(world: &World, shown: &Shown) -> Vec<Output> {
    step(&mut world.worker("worker"), shown, world.now())
}

fn step(worker: &mut Worker, shown: &Shown, now: Time) -> Vec<Output> {
    worker.step(Input::Block(Box::new(shown.clone())), now)
}

fn takes_work_up(outputs: &[Output]) -> bool {
    outputs
        .iter()
        .any(|output| matches!(output, Output::AskShares(_) | Output::Fetch(_) | Output::Run(_)))
}

fn distrust(outputs: &[Output]) -> Vec<&NotBelieved> {
    let mut why = Vec::new();
    for output in outputs {
        if let Output::Distrust(not_believed) = output {
            why.push(not_believed);
        }
    }
    why
}

/// One bit of each byte, every one of the eight in its turn.
fn flips<T: Wire>(good: &T) -> Vec<T> {
    let bytes = good.encode();
    let flipped = (0..bytes.len()).filter_map(|at| {
        let mut bad = bytes.clone();
        bad[at] ^= 1 << (at % 8);
        T::decode(&bad).ok()
    });
    flipped.collect()
}

fn wrong_root() -> NotBelieved {
    BadProof::WrongRoot.into()
}

/// A certificate with changes, signed again by `signer`.
fn resigned(by: &str, mut certificate: Certificate) -> Certificate {
    certificate.signature = key(by).sign(&certificate.digest()).0;
    certificate
}

#[test]
fn a_certificate_with_any_bit_flipped_changes_nothing() {
    let (world, mut worker, _) = World::with_request();
    let good = world.shown(&worker.id());
    let bad = flips(&good.certificate);
    assert!(bad.len() > 200);
    for certificate in bad {
        let outputs = step(&mut worker, &Shown { certificate, ..good.clone() }, world.now());
        // One that seems old or late is not even looked at.
        assert_eq!(distrust(&outputs).len(), outputs.len());
    }
    assert!(takes_work_up(&step(&mut worker, &good, world.now())));
}

#[test]
fn a_proof_with_any_bit_flipped_proves_nothing() {
    let (world, worker, _) = World::with_request();
    let good = world.shown(&worker.id());
    assert!(takes_work_up(&shown_anew(&world, &good)));
    let check = |shown: Shown| {
        let outputs = shown_anew(&world, &shown);
        assert!(!takes_work_up(&outputs), "{shown:?}");
        assert_eq!(distrust(&outputs).len(), 1, "{shown:?}");
    };
    let with = |set: &dyn Fn(&mut Shown, Proof), proof: &Proof| {
        let bad = flips(proof);
        assert!(bad.len() > 50);
        for proof in bad {
            let mut shown = good.clone();
            set(&mut shown, proof);
            check(shown);
        }
    };
    with(&|shown, proof| shown.clock = proof, &good.clock);
    with(&|shown, proof| shown.work[0].request = proof, &good.work[0].request);
    with(&|shown, proof| shown.work[0].app = proof, &good.work[0].app);
}

#[test]
fn certificates_of_others_are_distrusted() {
    let (world, mut worker, _) = World::with_request();
    let good = world.shown(&worker.id());
    let mut other = world.genesis.clone();
    other.name = "another".into();
    let of_other = certify(&key("member"), &other, &world.view.head().unwrap());
    let mut other_vault = good.certificate.clone();
    other_vault.vault[0] ^= 1;
    let cases = [
        (of_other, NotBelieved::Network(other.id())),
        (resigned("member", other_vault), NotBelieved::Vault),
        (resigned("stranger", good.certificate.clone()), NotBelieved::Certificate),
        (resigned("worker", good.certificate.clone()), NotBelieved::Certificate),
    ];
    for (certificate, why) in cases {
        let outputs = step(&mut worker, &Shown { certificate, ..good.clone() }, world.now());
        assert_eq!(distrust(&outputs), [&why]);
        assert_eq!(outputs.len(), 1);
    }
    assert!(takes_work_up(&step(&mut worker, &good, world.now())));
}

#[test]
fn an_older_certificate_and_the_same_one_again_are_passed_over() {
    let (mut world, mut worker, _) = World::with_request();
    let old = world.shown(&worker.id());
    world.block();
    let nothing = Shown { work: vec![], ..world.shown(&worker.id()) };
    step(&mut worker, &nothing, world.now());
    assert!(step(&mut worker, &old, world.now()).is_empty());
    let same_height = world.shown(&worker.id());
    assert!(step(&mut worker, &same_height, world.now()).is_empty());
    world.block();
    let next = world.shown(&worker.id());
    assert!(takes_work_up(&step(&mut worker, &next, world.now())));
}

#[test]
fn a_block_far_from_its_own_clock_is_passed_over() {
    let (world, worker, _) = World::with_request();
    let shown = world.shown(&worker.id());
    let now = world.now().0;
    for far in [now - 121, now + 121, 0, u64::MAX] {
        assert!(step(&mut world.worker("worker"), &shown, Time(far)).is_empty(), "{far}");
    }
    for near in [now - 120, now + 120] {
        assert!(takes_work_up(&step(&mut world.worker("worker"), &shown, Time(near))), "{near}");
    }
}

/// A second request, assigned as well.
fn another(world: &mut World) -> Ask {
    let bid = world.bid(2, "carol", b"60");
    let ask = world.ask(vec![bid]);
    world.assigned(&ask);
    ask
}

#[test]
fn an_entry_of_another_request_proves_nothing_of_this_one() {
    let (mut world, worker, _) = World::with_request();
    another(&mut world);
    let good = world.shown(&worker.id());
    let mut swapped = good.clone();
    swapped.work[0].request = good.work[1].request.clone();
    swapped.work[1].request = good.work[0].request.clone();
    let outputs = shown_anew(&world, &swapped);
    assert!(!takes_work_up(&outputs));
    assert_eq!(distrust(&outputs), [&wrong_root(), &wrong_root()]);
}

#[test]
fn an_entry_of_another_app_proves_nothing_of_this_one() {
    let (mut world, worker, _) = World::with_request();
    let other = manifest("another");
    world.act(&key("owner"), Action::Deploy(other.clone()));
    let mut shown = world.shown(&worker.id());
    shown.work[0].app = world.prove::<App>(&other.id());
    let outputs = shown_anew(&world, &shown);
    assert!(!takes_work_up(&outputs));
    assert_eq!(distrust(&outputs), [&wrong_root()]);
}

#[test]
fn a_path_of_an_earlier_block_proves_nothing_of_a_later_one() {
    let (mut world, worker, _) = World::with_request();
    let before = world.shown(&worker.id());
    world.block();
    let after = world.shown(&worker.id());
    let outputs = shown_anew(&world, &Shown { clock: before.clock, ..after.clone() });
    assert_eq!(distrust(&outputs), [&wrong_root()]);
    assert_eq!(outputs.len(), 1);
    let outputs = shown_anew(&world, &Shown { work: before.work, ..after });
    assert_eq!(distrust(&outputs), [&wrong_root()]);
    assert!(!takes_work_up(&outputs));
}

#[test]
fn a_request_assigned_to_somebody_else_is_left_alone() {
    let (mut world, worker, ask) = World::with_request();
    let mut other = world.worker("another worker");
    let shown = Shown { work: vec![world.work(&ask)], ..world.shown(&other.id()) };
    let outputs = step(&mut other, &shown, world.now());
    assert!(!takes_work_up(&outputs));
    assert_eq!(distrust(&outputs).len(), 0);
    // Nor once that one is attested itself.
    world.carry_out(&mut other, outputs);
    world.turn(&mut other);
    world.block();
    let shown = Shown { work: vec![world.work(&ask)], ..world.shown(&other.id()) };
    assert_eq!(step(&mut other, &shown, world.now()).len(), 0);
    // And its own worker takes it up.
    let shown = world.shown(&worker.id());
    assert!(takes_work_up(&shown_anew(&world, &shown)));
}

#[test]
fn a_request_that_is_not_assigned_is_left_alone() {
    let (mut world, worker) = World::ready();
    let bid = world.bid(1, "alice", b"70");
    let ask = world.ask(vec![bid]);
    let check = |world: &World, is_taken: bool| {
        let shown = Shown { work: vec![world.work(&ask)], ..world.shown(&worker.id()) };
        let outputs = shown_anew(world, &shown);
        assert_eq!(takes_work_up(&outputs), is_taken, "{:?}", world.progress(&ask));
        assert_eq!(distrust(&outputs).len(), 0);
    };
    world.requested(&ask);
    assert_eq!(world.progress(&ask), Progress::Waiting);
    check(&world, false);
    world.block();
    assert!(matches!(world.progress(&ask), Progress::Held(_)));
    check(&world, false);
    world.block();
    check(&world, true);
    let (request, attempt, reason) = (id(&ask), Attempt(1), String::new());
    world.act(&key("worker"), Action::Fail { request, attempt, reason });
    check(&world, false);
}

#[test]
fn what_nobody_asked_it_for_changes_nothing() {
    let (world, mut worker, ask) = World::with_request();
    let now = world.now();
    let ran = |request, attempt| Input::Ran {
        request,
        attempt,
        outcome: Ok((b"forged".to_vec(), Fuel(1))),
    };
    assert!(worker.step(ran(id(&ask), Attempt(1)), now).is_empty());
    assert!(worker.step(Input::Bytes(COMPONENT.to_vec()), now).is_empty());
    // Known, but not run yet.
    let shown = world.shown(&worker.id());
    assert!(takes_work_up(&step(&mut worker, &shown, now)));
    assert!(worker.step(ran(id(&ask), Attempt(1)), now).is_empty());
}
