//! `payload`: payloads of 1 KiB to 1 MiB through opening, an echo and sealing, against AES-GCM
//! alone plus wasmtime alone. `docs/bench/payload.md` says how to read it.

use aes_gcm::aead::AeadInPlace;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use sotto_bench::bare::{self, Bare};
use sotto_bench::measure::{Entry, Interleaved, Measured, timed};
use sotto_bench::options::Options;
use sotto_bench::report::Report;
use sotto_bench::worker::Worker;
use sotto_bench::{Result, app};
use sotto_crypto::envelope::{OVERHEAD, Opened, Session};
use sotto_runtime::{App, Call, Config, Runtime, World};

/// Payloads with their padding mark, in bytes: each fills a class of the envelope's padding.
const SIZES: [(&str, usize); 6] = [
    ("1 KiB", 1 << 10),
    ("4 KiB", 4 << 10),
    ("16 KiB", 16 << 10),
    ("64 KiB", 64 << 10),
    ("256 KiB", 256 << 10),
    ("1 MiB", 1 << 20),
];
const ROUNDS: usize = 200;
const MIB: f64 = 1024.0 * 1024.0;

fn main() -> Result<()> {
    let options = Options::from_args()?;
    let component = app::echo()?;
    let worker = Worker::granted()?;
    let app = Runtime::new(Config::default())?.load(&component, World::Function)?;
    let bare = Bare::compile(&bare::engine()?, &component)?;
    let scenes: Vec<Scene<'_>> = SIZES
        .iter()
        .map(|(name, padded)| Scene::new(name, *padded, &worker, &app, &bare))
        .collect::<Result<_>>()?;
    if let Some(times) = options.repeat {
        for scene in scenes.iter().rev().take(1).cycle().take(times) {
            scene.one_shot()?;
        }
        return Ok(());
    }
    measure(&scenes, options.rounds.unwrap_or(ROUNDS))?.print(options.json);
    Ok(())
}

fn measure(scenes: &[Scene<'_>], rounds: usize) -> Result<Report> {
    let mut report = Report::new("payload");
    let mut turns = Interleaved::default();
    let entries: Vec<Entries> =
        scenes.iter().map(|scene| scene.enter(&mut turns)).collect::<Result<_>>()?;
    let measured = turns.run(rounds)?;
    for (scene, entries) in scenes.iter().zip(&entries) {
        scene.report(entries, &measured, &mut report);
    }
    Ok(report)
}

/// One size of payload, sealed.
struct Scene<'a> {
    name: &'static str,
    worker: &'a Worker,
    app: &'a App,
    bare: &'a Bare,
    call: Call,
    said: Vec<u8>,
    envelope: Vec<u8>,
}

/// What is measured for one size.
struct Entries {
    one_shot: Entry,
    message: Entry,
    gcm: Entry,
    bare: Entry,
    runtime: Entry,
}

impl<'a> Scene<'a> {
    fn new(
        name: &'static str,
        padded: usize,
        worker: &'a Worker,
        app: &'a App,
        bare: &'a Bare,
    ) -> Result<Scene<'a>> {
        let said = vec![0x5a; padded - 1];
        let (envelope, mut session) = worker.seal(&said)?;
        if envelope.len() != OVERHEAD + padded {
            return Err(format!("{name} and its mark do not fill a padding class").into());
        }
        let call = worker.call(said.clone());
        let scene = Scene { name, worker, app, bare, call, said, envelope };
        if *session.open_next(&scene.one_shot()?)? != scene.said {
            return Err("the echo gave back something else".into());
        }
        let ours = worker.run(app, &scene.call)?;
        if bare.call(&scene.call)? != (ours.output, ours.fuel_used) {
            return Err("wasmtime alone does not run the same call".into());
        }
        Ok(scene)
    }

    /// Opens the envelope, runs the echo, seals the answer.
    fn one_shot(&self) -> Result<Vec<u8>> {
        let Opened { mut payload, mut session } = self.worker.open(&self.envelope)?;
        let call = self.worker.call(std::mem::take(&mut *payload));
        let answer = self.worker.run(self.app, &call)?;
        Ok(session.seal_next(&answer.output)?)
    }

    /// The same within a session that is open already: what direct sessions will do per message.
    fn message(&self, session: &mut Session, sealed: &[u8]) -> Result<Vec<u8>> {
        let mut content = session.open_next(sealed)?;
        let call = self.worker.call(std::mem::take(&mut *content));
        let answer = self.worker.run(self.app, &call)?;
        Ok(session.seal_next(&answer.output)?)
    }

    fn enter<'s>(&'s self, turns: &mut Interleaved<'s>) -> Result<Entries> {
        let (_, mut client) = self.worker.seal(&self.said)?;
        let mut server = self.worker.open(&self.envelope)?.session;
        let mut gcm = Gcm::new(&self.said)?;
        Ok(Entries {
            one_shot: turns.add(|| timed(|| self.one_shot())),
            message: turns.add(move || {
                let sealed = client.seal_next(&self.said)?;
                timed(|| self.message(&mut server, &sealed))
            }),
            gcm: turns.add(move || {
                gcm.prepare();
                timed(|| gcm.open_and_seal())
            }),
            bare: turns.add(|| timed(|| self.bare.call(&self.call))),
            runtime: turns.add(|| timed(|| self.worker.run(self.app, &self.call))),
        })
    }

    fn report(&self, entries: &Entries, measured: &Measured, report: &mut Report) {
        let name = self.name;
        let median = |entry: Entry| measured[entry].median;
        let parts = median(entries.gcm) + median(entries.bare);
        let key = name.replace(' ', "").to_lowercase();
        report.ratio(format!("payload_{key}_vs_parts"), median(entries.one_shot) / parts);
        report.ratio(format!("message_{key}_vs_parts"), median(entries.message) / parts);
        for (what, entry, note) in [
            ("one-shot", entries.one_shot, "open, run, seal"),
            ("message", entries.message, "the same in a session that is open"),
            ("AES-GCM alone", entries.gcm, "open and seal"),
            ("wasmtime alone", entries.bare, "instantiate and call"),
            ("runtime alone", entries.runtime, ""),
        ] {
            report.measured(format!("{name}: {what}"), &measured[entry], note);
        }
        for (what, entry) in [("one-shot", entries.one_shot), ("message", entries.message)] {
            let speed = self.said.len() as f64 / MIB / (median(entry) / 1e6);
            report.computed(
                format!("{name}: {what}, speed"),
                speed,
                "MiB/s",
                "payload per second, there and back",
            );
        }
    }
}

/// One payload opened and one sealed, in place, with AES-256-GCM and nothing else.
struct Gcm {
    cipher: Aes256Gcm,
    sealed: Vec<u8>,
    tag: Tag,
    buffer: Vec<u8>,
}

impl Gcm {
    fn new(said: &[u8]) -> Result<Gcm> {
        let cipher = Aes256Gcm::new(&[0x42; 32].into());
        let mut sealed = said.to_vec();
        // As the envelope pads it.
        sealed.push(0x80);
        let tag = cipher
            .encrypt_in_place_detached(&nonce(1), &[], &mut sealed)
            .map_err(|_| "AES-GCM does not take the payload")?;
        let buffer = sealed.clone();
        Ok(Gcm { cipher, sealed, tag, buffer })
    }

    fn prepare(&mut self) {
        self.buffer.copy_from_slice(&self.sealed);
    }

    fn open_and_seal(&mut self) -> Result<Tag> {
        let Gcm { cipher, tag, buffer, .. } = self;
        let opened = cipher.decrypt_in_place_detached(&nonce(1), &[], buffer, tag);
        opened.map_err(|_| "AES-GCM does not open what it sealed")?;
        let sealed = cipher.encrypt_in_place_detached(&nonce(2), &[], buffer);
        Ok(sealed.map_err(|_| "AES-GCM does not take the payload")?)
    }
}

fn nonce(counter: u8) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut bytes = [0; 12];
    bytes[11] = counter;
    bytes.into()
}
