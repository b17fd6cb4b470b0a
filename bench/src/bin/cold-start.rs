//! `cold-start`: an app from the runtime's cache of compiled code to its first answer, against
//! wasmtime's own `Component::deserialize_file`, instantiate and call. `docs/bench/cold-start.md`
//! says how to read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sotto_bench::bare::{self, Bare};
use sotto_bench::measure::{Interleaved, timed};
use sotto_bench::options::Options;
use sotto_bench::report::Report;
use sotto_bench::worker::Worker;
use sotto_bench::{Result, app};
use sotto_runtime::{App, CacheConfig, Call, Config, Runtime, World};
use sotto_types::id::sha256;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// Before the code in a file of the cache stands its authentication code.
const TAG: usize = 32;
const ROUNDS: usize = 100;

fn main() -> Result<()> {
    let options = Options::from_args()?;
    let component = app::echo()?;
    let scene = Scene::new(component)?;
    if let Some(times) = options.repeat {
        for _ in 0..times {
            scene.ours(&scene.runtime(true)?)?;
        }
        return Ok(());
    }
    measure(&scene, options.rounds.unwrap_or(ROUNDS))?.print(options.json);
    Ok(())
}

/// A component, its compiled code in the runtime's cache, and the same code in a file of its own.
struct Scene {
    dir: TempDir,
    worker: Worker,
    component: Vec<u8>,
    call: Call,
    /// The cache's file.
    cached: Vec<u8>,
    file: PathBuf,
}

impl Scene {
    /// Fills the cache and checks that wasmtime alone makes the same code: else the two sides
    /// would not do the same.
    fn new(component: Vec<u8>) -> Result<Scene> {
        let dir = TempDir::new()?;
        let worker = Worker::granted()?;
        let call = worker.call(vec![0x5a; 255]);
        let file = dir.path().join("bare.compiled");
        let mut scene = Scene { dir, worker, component, call, cached: Vec::new(), file };
        let app = scene.load(&scene.runtime(true)?)?;
        scene.cached = fs::read(only_file(&scene.cache())?)?;
        let code = scene.cached.get(TAG..).ok_or("the cache's file is too short")?;
        if !Bare::compile(&bare::engine()?, &scene.component)?.is_code_of(code)? {
            return Err("wasmtime alone does not make the code that the runtime makes".into());
        }
        fs::write(&scene.file, code)?;
        let bare = Bare::from_file(&bare::engine()?, &scene.file)?.call(&scene.call)?;
        let ours = scene.worker.run(&app, &scene.call)?;
        if bare != (ours.output, ours.fuel_used) {
            return Err("wasmtime alone does not run the same call".into());
        }
        Ok(scene)
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    /// A runtime that has nothing ready.
    fn runtime(&self, cached: bool) -> Result<Runtime> {
        let key = Zeroizing::new([0x42; 32]);
        let cache = cached.then(|| CacheConfig { dir: self.cache(), key });
        Ok(Runtime::new(Config { cache, ..Config::default() })?)
    }

    fn load(&self, runtime: &Runtime) -> Result<App> {
        Ok(runtime.load(&self.component, World::Function)?)
    }

    /// The app's code to its first answer, with Sotto.
    fn ours(&self, runtime: &Runtime) -> Result<Vec<u8>> {
        let app = self.load(runtime)?;
        Ok(self.worker.run(&app, &self.call)?.output)
    }

    /// The same with wasmtime alone.
    fn bare(&self, engine: &wasmtime::Engine) -> Result<Vec<u8>> {
        Ok(Bare::from_file(engine, &self.file)?.call(&self.call)?.0)
    }
}

fn only_file(dir: &Path) -> Result<PathBuf> {
    let mut files = fs::read_dir(dir)?;
    let file = files.next().ok_or("the runtime kept nothing in its cache")??;
    Ok(file.path())
}

/// Runs `work` on something made before the clock starts and dropped after it stops.
fn after<S, T>(
    make: impl FnOnce() -> Result<S>,
    work: impl FnOnce(&S) -> Result<T>,
) -> Result<Duration> {
    let made = make()?;
    let took = timed(|| work(&made))?;
    drop(made);
    Ok(took)
}

fn measure(scene: &Scene, rounds: usize) -> Result<Report> {
    let mut report = Report::new("cold-start");
    let code = &scene.cached[TAG..];
    let mut turns = Interleaved::default();
    let ours = turns.add(|| after(|| scene.runtime(true), |runtime| scene.ours(runtime)));
    let bare = turns.add(|| after(bare::engine, |engine| scene.bare(engine)));
    let ours_engine = turns.add(|| {
        timed(|| {
            let runtime = scene.runtime(true)?;
            Ok((scene.ours(&runtime)?, runtime))
        })
    });
    let bare_engine = turns.add(|| {
        timed(|| {
            let engine = bare::engine()?;
            Ok((scene.bare(&engine)?, engine))
        })
    });
    let compile = turns.add(|| after(|| scene.runtime(false), |runtime| scene.load(runtime)));
    let bare_compile =
        turns.add(|| after(bare::engine, |engine| Bare::compile(engine, &scene.component)));
    let load = turns.add(|| after(|| scene.runtime(true), |runtime| scene.load(runtime)));
    let bare_load =
        turns.add(|| after(bare::engine, |engine| Bare::from_file(engine, &scene.file)));
    let from_memory = turns.add(|| after(bare::engine, |engine| Bare::from_code(engine, code)));
    let read = turns.add(|| timed(|| Ok(fs::read(&scene.file)?)));
    let hash_code = turns.add(|| timed(|| Ok(sha256(&[code]))));
    let hash_component = turns.add(|| timed(|| Ok(sha256(&[&scene.component]))));
    let measured = turns.run(rounds)?;

    let over = |ours, bare| measured[ours].median / measured[bare].median;
    report.ratio("cold_start_vs_wasmtime", over(ours, bare));
    report.ratio("restart_vs_wasmtime", over(ours_engine, bare_engine));
    report.ratio("compile_vs_wasmtime", over(compile, bare_compile));
    report.computed("component", scene.component.len() as f64, "bytes", "");
    report.computed("compiled", code.len() as f64, "bytes", "");
    for (name, entry, note) in [
        ("cold start", ours, "cache to first answer, engine running"),
        ("wasmtime", bare, "deserialize_file, instantiate, call"),
        ("cold start with engine", ours_engine, "the same and Runtime::new"),
        ("wasmtime with engine", bare_engine, "the same and Engine::new"),
        ("load: compile", compile, "Runtime::load without a cache"),
        ("wasmtime: compile", bare_compile, "Component::from_binary"),
        ("load: from cache", load, "Runtime::load"),
        ("wasmtime: from file", bare_load, "deserialize_file, mapped and not authenticated"),
        ("wasmtime: from memory", from_memory, "deserialize, without reading"),
        ("step: read the file", read, ""),
        ("step: hash the compiled code", hash_code, "SHA-256, what authenticating it costs"),
        ("step: hash the component", hash_component, "SHA-256, the code hash"),
    ] {
        report.measured(name, &measured[entry], note);
    }
    Ok(report)
}
