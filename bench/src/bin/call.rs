//! `call`: one request, in process, from sealed bytes to sealed answer, against its parts: the
//! same cryptography alone, and wasmtime alone running the same component; with the fixed cost of
//! each cryptographic step. Then calls in a session against wasmtime's own HTTP serving. `docs/bench/call.md` says how to read it.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use sotto_bench::bare::{self, Bare};
use sotto_bench::measure::{Entry, Interleaved, Spread, timed};
use sotto_bench::options::Options;
use sotto_bench::report::Report;
use sotto_bench::session::Sides;
use sotto_bench::worker::{STAGES, Worker, chance};
use sotto_bench::{Result, app};
use sotto_crypto::envelope;
use sotto_crypto::sign::ResultKey;
use sotto_runtime::{App, Call, Config, Runtime, World};
use sotto_types::KeyPath;

/// With its padding mark this fills a class of the envelope's padding.
const SAID: usize = 255;
const ROUNDS: usize = 1_000;
/// A turn of sessions is many calls, so there are fewer turns.
const SESSION_SHARE: usize = 5;

fn main() -> Result<()> {
    let options = Options::from_args()?;
    let component = app::echo()?;
    let scene = Scene::new(&component)?;
    scene.check()?;
    if let Some(times) = options.repeat {
        for _ in 0..times {
            scene.worker.answer(&scene.app, &scene.envelope)?;
        }
        return Ok(());
    }
    let mut report = measure(&scene, options.rounds.unwrap_or(ROUNDS))?;
    let mut sides = Sides::start(&app::both()?, scene.said)?;
    sides.check()?;
    sides.measure(&mut report, options.rounds.unwrap_or(ROUNDS).div_ceil(SESSION_SHARE))?;
    report.print(options.json);
    Ok(())
}

/// Everything prepared: what is measured finds it ready.
struct Scene {
    worker: Worker,
    app: App,
    bare: Bare,
    said: Vec<u8>,
    call: Call,
    envelope: Vec<u8>,
}

impl Scene {
    fn new(component: &[u8]) -> Result<Scene> {
        let worker = Worker::granted()?;
        let app = Runtime::new(Config::default())?.load(component, World::Function)?;
        let bare = Bare::compile(&bare::engine()?, component)?;
        let said = vec![0x5a; SAID];
        let call = worker.call(said.clone());
        let (envelope, _) = worker.seal(&said)?;
        Ok(Scene { worker, app, bare, said, call, envelope })
    }

    /// The answer is right, and both engines count alike: they do the same work.
    fn check(&self) -> Result<()> {
        let (envelope, mut session) = self.worker.seal(&self.said)?;
        let answered = self.worker.answer(&self.app, &envelope)?;
        self.worker.check(&answered, &mut session, &self.said)?;
        let fuel = answered.receipt.receipt.fuel.0;
        let ran =
            [self.bare.call(&self.call)?, self.worker.wait(self.bare.call_async(&self.call))?];
        if ran.iter().any(|(output, burnt)| *output != self.said || *burnt != fuel) {
            return Err("wasmtime alone does not run the same call".into());
        }
        Ok(())
    }
}

/// What the ratio and the overhead are made of.
struct Parts {
    whole: Entry,
    primitives: Entry,
    bare: Entry,
    bare_async: Entry,
    runtime: Entry,
    digests: Entry,
}

fn measure(scene: &Scene, rounds: usize) -> Result<Report> {
    let mut report = Report::new("call");
    let stages = RefCell::new(vec![Vec::new(); STAGES.len()]);
    let mut turns = Interleaved::default();
    let parts = parts(scene, &mut turns)?;
    turns.add(|| staged(scene, &stages));
    let mut steps = keys(scene, &mut turns);
    steps.extend(messages(scene, &mut turns)?);
    let measured = turns.run(rounds)?;
    let median = |entry| measured[entry].median;

    let (whole, primitives) = (median(parts.whole), median(parts.primitives));
    let (bare, bare_async) = (median(parts.bare), median(parts.bare_async));
    report.ratio("call_vs_parts", whole / (primitives + bare));
    report.computed("overhead_us", whole - primitives - bare, "us", "whole - primitives - bare");
    report.computed(
        "overhead_over_async_us",
        whole - primitives - bare_async,
        "us",
        "the same over wasmtime's own way of a call that can be ended from outside",
    );
    report.measured("whole", &measured[parts.whole], "sealed bytes to sealed answer");
    report.measured("primitives", &measured[parts.primitives], "its cryptography alone");
    report.measured("bare", &measured[parts.bare], "wasmtime: instantiate and call");
    report.measured("bare_async", &measured[parts.bare_async], "the same on its own stack");
    report.measured("runtime", &measured[parts.runtime], "the runtime's call alone");
    report.measured("digests", &measured[parts.digests], "receipt and on-chain digest, no signing");
    for (stage, samples) in STAGES.iter().zip(stages.into_inner()) {
        let name = format!("stage: {}", format!("{stage:?}").to_lowercase());
        report.measured(name, &Spread::of(samples), "within the whole");
    }
    for (name, entry) in steps {
        report.measured(format!("step: {name}"), &measured[entry], "");
    }
    Ok(report)
}

fn parts<'a>(scene: &'a Scene, turns: &mut Interleaved<'a>) -> Result<Parts> {
    let Scene { worker, app, bare, said, call, envelope } = scene;
    let answer = worker.run(app, call)?;
    let receipt = worker.receipt(app, &answer);
    let digests = [receipt.on_chain.0, receipt.digest()];
    Ok(Parts {
        whole: turns.add(move || timed(|| worker.answer(app, envelope))),
        primitives: turns.add(move || timed(|| worker.primitives(envelope, said, &digests))),
        bare: turns.add(move || timed(|| bare.call(call))),
        bare_async: turns.add(move || timed(|| worker.wait(bare.call_async(call)))),
        runtime: turns.add(move || timed(|| worker.run(app, call))),
        digests: turns.add(move || timed(|| Ok(worker.receipt(app, &answer).digest()))),
    })
}

/// The whole once more, and how long it was in each stage.
fn staged(scene: &Scene, stages: &RefCell<Vec<Vec<f64>>>) -> Result<Duration> {
    let start = Instant::now();
    let mut last = start;
    let mut took = Vec::with_capacity(STAGES.len());
    let answered = scene.worker.answer_in_stages(&scene.app, &scene.envelope, |_| {
        let now = Instant::now();
        took.push(now - last);
        last = now;
    })?;
    drop(answered);
    let mut stages = stages.borrow_mut();
    stages.iter_mut().zip(took).for_each(|(stage, took)| stage.push(took.as_secs_f64() * 1e6));
    Ok(last - start)
}

type Steps = Vec<(&'static str, Entry)>;

/// Once per app, epoch or grant.
fn keys<'a>(scene: &'a Scene, turns: &mut Interleaved<'a>) -> Steps {
    let worker = &scene.worker;
    let (key, identity) = (&worker.app_key, &worker.identity);
    let (vault, transport) = (worker.vault.public(), worker.transport.public());
    let mut rng = chance(2);
    let mut grant = move || worker.vault.grant_share(key, identity, transport, &mut rng);
    let share = [(1, grant())];
    vec![
        (
            "derive an app's key",
            turns.add(move || {
                timed(|| Ok(vault.derive(&worker.aad.network, &worker.aad.app, KeyPath::Request)))
            }),
        ),
        ("grant (council)", turns.add(move || timed(|| Ok(grant())))),
        (
            "open a grant (enclave)",
            turns.add(move || timed(|| Ok(worker.transport.open_with(&share, key, identity)?))),
        ),
        (
            "check a grant (anyone)",
            turns.add(move || timed(|| Ok(share[0].1.check(vault, key, identity, transport)?))),
        ),
        (
            "derive the result key",
            turns.add(move || timed(|| Ok(ResultKey::derive(&worker.result_vet_key)))),
        ),
    ]
}

/// Once per request, or per message of a session.
fn messages<'a>(scene: &'a Scene, turns: &mut Interleaved<'a>) -> Result<Steps> {
    let Scene { worker, said, envelope, .. } = scene;
    let digest = [0x99; 32];
    let signature = worker.signing.sign(&digest);
    let mut rng = chance(3);
    let (_, mut client) = worker.seal(said)?;
    // Each direction's sealing end, and both ends for opening.
    let (mut near, mut far) = (worker.open(envelope)?.session, worker.seal(said)?.1);
    Ok(vec![
        (
            "seal an envelope (client)",
            turns.add(move || {
                let Worker { app_key, identity, aad, .. } = worker;
                timed(|| Ok(envelope::seal_to(app_key, identity, aad, said, &mut rng)?))
            }),
        ),
        ("open an envelope", turns.add(move || timed(|| worker.open(envelope)))),
        ("commit to an output", turns.add(move || timed(|| Ok(worker.commit(said))))),
        ("sign", turns.add(move || timed(|| Ok(worker.signing.sign(&digest))))),
        ("recover and verify", turns.add(move || timed(|| Ok(signature.recover(&digest)?)))),
        ("seal a session message", turns.add(move || timed(|| Ok(client.seal_next(said)?)))),
        (
            "open a session message",
            turns.add(move || {
                let message = far.seal_next(said)?;
                timed(|| Ok(near.open_next(&message)?))
            }),
        ),
    ])
}
