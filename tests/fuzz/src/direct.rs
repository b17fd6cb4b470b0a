//! Direct sessions at a worker with a seat: frames of openings and sealed messages, genuine or
//! not. Nothing runs but what a client said, once each and in its order, and whatever runs is
//! answered.

use crate::network::{BOOT, Network, keys, manifest, rng, vault};
use crate::{Reached, frames};
use sotto_crypto::envelope::{Session, seal};
use sotto_crypto::pad::pad;
use sotto_roles::council::Council;
use sotto_roles::worker::{Input, Output, Worker};
use sotto_types::session::Say;
use sotto_types::{
    Aad, Epoch, Fuel, Generation, Identity, KeyPath, Opening, SessionId, Time, Wire as _,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::LazyLock;

/// Frames of one input that are looked at: an opening costs arithmetic.
const FRAMES_MAX: usize = 12;
const MESSAGES: u64 = 4;

static SCENE: LazyLock<Scene> = LazyLock::new(Scene::new);

struct Scene {
    network: Network,
    council: Council,
    openings: [Opening; 2],
    /// What the first opening's client says after it.
    messages: Vec<Vec<u8>>,
}

fn text(number: u64) -> Vec<u8> {
    format!("call {number}").into_bytes()
}

fn sealed(session: &mut Session, say: &Say) -> Vec<u8> {
    let mut message = say.encode();
    pad(&mut message);
    session.seal_next(&message).unwrap()
}

impl Scene {
    fn new() -> Self {
        let (network, council) = Network::seated();
        let mut rng = rng(29);
        let (app, worker) = (manifest().id(), keys().signing.public().node_id());
        let aad = Aad::direct(network.genesis.id(), app, Generation(1), &worker, &BOOT);
        let (epoch, vault) = (Epoch(0), vault());
        let mut opening = |say: Say| {
            let identity = Identity::Epoch(epoch);
            let (path, say) = (KeyPath::Request, say.encode());
            let (envelope, session) =
                seal(vault.public(), path, &identity, &aad, &say, &mut rng).unwrap();
            (Opening { app, epoch, worker, boot: BOOT, envelope }, session)
        };
        let (first, mut session) = opening(Say::Hello);
        let (second, _) = opening(Say::Call(text(0)));
        let mut messages: Vec<Vec<u8>> =
            (1..=MESSAGES).map(|n| sealed(&mut session, &Say::Call(text(n)))).collect();
        messages.push(sealed(&mut session, &Say::Bye));
        Self { network, council, openings: [first, second], messages }
    }

    /// A worker that was shown its seat and has its key and component.
    fn worker(&self) -> Worker {
        let mut worker = crate::network::worker(&self.network.genesis);
        worker.step(Input::Serve(manifest().id()), self.now());
        let mut queue = VecDeque::from([Input::Block(Box::new(self.network.shown()))]);
        while let Some(input) = queue.pop_front() {
            for output in worker.step(input, self.now()) {
                queue.extend(self.network.answer(&self.council, output));
            }
        }
        worker
    }

    fn now(&self) -> Time {
        self.network.now()
    }
}

/// Frames to a seated worker: of each the first byte says whether an opening follows (0) or a
/// message of the first or second genuine session (1, 2).
pub fn direct(bytes: &[u8]) -> Reached {
    let scene = &*SCENE;
    let mut worker = scene.worker();
    let mut ran: BTreeMap<SessionId, Vec<Vec<u8>>> = BTreeMap::new();
    let mut welcomed = 0;
    for frame in frames::split(bytes).into_iter().take(FRAMES_MAX) {
        let Some((kind, message)) = frame.split_first() else { continue };
        let input = match kind {
            0 => match Opening::decode(message) {
                Ok(opening) => Input::Open(opening),
                Err(_) => continue,
            },
            kind => {
                let [first, second] = &scene.openings;
                let session = if kind % 2 == 1 { first } else { second }.session();
                Input::Say { session, sealed: message.to_vec() }
            }
        };
        let mut outputs = worker.step(input, scene.now());
        assert_eq!(outputs.len(), 1, "one message, one answer");
        match outputs.pop() {
            Some(Output::Call(run)) => {
                ran.entry(run.session).or_default().push(run.call.payload.clone());
                let outcome = Ok((run.call.payload, Fuel(1)));
                let called = Input::Called { session: run.session, outcome };
                let answers = worker.step(called, scene.now());
                assert!(matches!(answers.as_slice(), [Output::Reply { .. }]), "no answer to a run");
            }
            Some(Output::Reply { .. }) => welcomed += 1,
            Some(Output::Refuse(why)) => assert!(why.encode().len() <= 1024, "{why}"),
            _ => panic!("a message brings about something else"),
        }
    }
    let said: [Vec<Vec<u8>>; 2] = [(1..=MESSAGES).map(text).collect(), vec![text(0)]];
    for (session, inputs) in &ran {
        let of = scene.openings.iter().position(|opening| opening.session() == *session);
        let said = &said[of.expect("a session that nobody sealed")];
        let mut left = said.iter();
        let in_order = inputs.iter().all(|input| left.any(|said| said == input));
        assert!(in_order, "{} inputs that were not said so", inputs.len());
    }
    if ran.is_empty() && welcomed == 0 { Reached::Refused } else { Reached::Taken }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let scene = &*SCENE;
    let framed = |kind: u8, bytes: &[u8]| [&[kind], bytes].concat();
    let [first, second] = [0, 1].map(|at| framed(0, &scene.openings[at].encode()));
    let messages: Vec<Vec<u8>> = scene.messages.iter().map(|m| framed(1, m)).collect();
    let whole = [vec![first.clone()], messages.clone()].concat();
    let twice = [whole.clone(), vec![first.clone()]].concat();
    let mut reversed = whole.clone();
    reversed[1..].reverse();
    let crossed = [vec![second.clone()], messages.iter().map(|m| framed(2, &m[1..])).collect()];
    let mut seeds = vec![frames::join(&whole), frames::join(&twice), frames::join(&reversed)];
    seeds.push(frames::join(&crossed.concat()));
    seeds.push(frames::join(&[second.clone(), second, first]));
    seeds
}
