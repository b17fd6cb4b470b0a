//! An envelope opens as what it must be, or it is a submission without content and spoils nothing.

use crate::worker::{Run, Worker};
use crate::world::*;
use sotto_types::{
    Aad, Account, Action, AppId, Ask, ChainId, Context, Generation, Hash, NetworkId, Submission,
};

/// Shows an assigned request and gives its run.
fn run(world: &mut World, worker: &mut Worker, ask: &Ask) -> Run {
    world.assigned(ask);
    let mut seen = world.show(worker);
    assert_eq!((seen.runs.len(), seen.distrust.len()), (1, 0));
    seen.runs.pop().unwrap()
}

fn contents(run: &Run) -> Vec<(Account, Option<Vec<u8>>)> {
    let content = |c: &crate::worker::Content| {
        (c.submitter, c.payload.as_ref().map(|payload| payload.to_vec()))
    };
    run.call.submissions.iter().map(content).collect()
}

/// The answer's receipt, accepted by the ledger, says that so many opened.
fn answers_with_opened(world: &mut World, worker: &mut Worker, run: &Run, opened: u32) {
    let seen = world.ran(worker, run, Ok(b"done".to_vec()));
    let action = &seen.submitted.last().unwrap().action;
    let Action::Answer { receipt, .. } = action else { panic!("{action:?}") };
    assert_eq!(receipt.receipt.opened, opened);
    let events = world.block();
    assert!(events.contains(&sotto_ledger::Event::Answered(run.request)), "{events:?}");
}

#[test]
fn an_envelope_for_anything_else_is_no_content_and_spoils_nothing() {
    let (mut world, mut worker) = World::ready();
    let good = world.aad(1, "mallory");
    let others: Vec<Aad> = vec![
        Aad { generation: Generation(2), ..good },
        Aad { chain: ChainId::from_caip2("eip155:1"), ..good },
        Aad { consumer: account("another consumer"), ..good },
        Aad { submitter: account("alice"), ..good },
        Aad { submitter: Account::default(), ..good },
        Aad { context: context(2), ..good },
        Aad { context: Context::default(), ..good },
        // These are sealed to other keys too.
        Aad { network: NetworkId([9; 32]), ..good },
        Aad { app: AppId([9; 32]), ..good },
    ];
    let identity = context_identity(1);
    let mut submissions = vec![world.bid(1, "alice", b"70")];
    for aad in &others {
        submissions.push(world.sealed(&identity, aad, account("mallory"), b"99"));
    }
    // To another context's key, though bound to this one.
    submissions.push(world.sealed(&context_identity(2), &good, account("mallory"), b"99"));
    submissions.push(world.bid(1, "bob", b"90"));
    let bad = submissions.len() - 2;
    let ask = world.ask(submissions);
    let run = run(&mut world, &mut worker, &ask);
    let mut expected = vec![(account("alice"), Some(b"70".to_vec()))];
    expected.extend(vec![(account("mallory"), None); bad]);
    expected.push((account("bob"), Some(b"90".to_vec())));
    assert_eq!(contents(&run), expected);
    answers_with_opened(&mut world, &mut worker, &run, 2);
}

#[test]
fn bytes_that_are_no_envelope_are_no_content() {
    let (mut world, mut worker) = World::ready();
    let good = world.bid(1, "alice", b"70");
    let envelope = world.bytes[&good.envelope].clone();
    let mut flipped = envelope.clone();
    flipped[300 % envelope.len()] ^= 1;
    let garbage = vec![
        Vec::new(),
        vec![0; 1],
        vec![1; 217],
        envelope[..envelope.len() - 1].to_vec(),
        [envelope.as_slice(), &[0]].concat(),
        flipped,
        vec![7; 100_000],
    ];
    let mut submissions: Vec<Submission> = Vec::new();
    for bytes in garbage {
        submissions.push(Submission { submitter: account("alice"), envelope: world.keep(bytes) });
    }
    submissions.push(good);
    let ask = world.ask(submissions);
    let run = run(&mut world, &mut worker, &ask);
    let (last, bad) = contents(&run).split_last().map(|(l, b)| (l.clone(), b.to_vec())).unwrap();
    assert!(bad.iter().all(|(_, payload)| payload.is_none()));
    assert_eq!(last, (account("alice"), Some(b"70".to_vec())));
    answers_with_opened(&mut world, &mut worker, &run, 1);
}

#[test]
fn an_envelope_copied_by_another_bidder_opens_for_its_own_alone() {
    let (mut world, mut worker) = World::ready();
    let own = world.bid(1, "alice", b"70");
    let copied = Submission { submitter: account("mallory"), ..own };
    let ask = world.ask(vec![copied, own]);
    let run = run(&mut world, &mut worker, &ask);
    let expected = [(account("mallory"), None), (account("alice"), Some(b"70".to_vec()))];
    assert_eq!(contents(&run), expected);
    answers_with_opened(&mut world, &mut worker, &run, 1);
}

#[test]
fn an_envelope_copied_into_another_request_does_not_open_there() {
    let (mut world, mut worker, first) = World::with_request();
    world.show(&mut worker);
    let ask = world.ask(first.submissions.clone());
    let run = run(&mut world, &mut worker, &ask);
    assert!(contents(&run).iter().all(|(_, payload)| payload.is_none()));
    answers_with_opened(&mut world, &mut worker, &run, 0);
}

#[test]
fn an_envelope_that_names_the_component_stops_nothing() {
    let (mut world, mut worker) = World::ready();
    let good = world.bid(1, "alice", b"70");
    let code = Submission { submitter: account("mallory"), envelope: Hash::of(COMPONENT) };
    let ask = world.ask(vec![code, good]);
    let run = run(&mut world, &mut worker, &ask);
    assert_eq!(run.component.as_slice(), COMPONENT);
    let expected = [(account("mallory"), None), (account("alice"), Some(b"70".to_vec()))];
    assert_eq!(contents(&run), expected);
}

#[test]
fn an_empty_payload_and_an_empty_bid_are_content() {
    let (mut world, mut worker) = World::ready();
    let bid = world.bid(1, "alice", b"");
    let mut ask = world.ask(vec![bid]);
    (ask.payload, ask.payload_hash) = (vec![], Hash::of(b""));
    let run = run(&mut world, &mut worker, &ask);
    assert_eq!(contents(&run), [(account("alice"), Some(vec![]))]);
    assert!(run.call.payload.is_empty());
    answers_with_opened(&mut world, &mut worker, &run, 1);
}

#[test]
fn a_payload_named_by_its_hash_is_fetched() {
    let (mut world, mut worker) = World::ready();
    let long = vec![5; 5_000];
    let mut ask = world.ask(vec![]);
    (ask.payload, ask.payload_hash) = (vec![], world.keep(long.clone()));
    let run = run(&mut world, &mut worker, &ask);
    assert_eq!(run.call.payload, long);
    assert!(run.call.submissions.is_empty());
    answers_with_opened(&mut world, &mut worker, &run, 0);
}
