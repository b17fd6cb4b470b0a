//! The engine: one configuration, the same on every machine of a release, and the apps loaded
//! into it.

use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};
use wasmtime::{
    Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
    WasmFeatures,
};

use crate::app::App;
use crate::cache::{CacheConfig, CodeCache};
use crate::cost;
use crate::error::{LoadError, RuntimeError, sentence};
use crate::host::Host;
use crate::limits::{PoolSizes, TABLE_ELEMENTS};
use crate::world::World;

/// The engine this runtime is built on, for `--version` and for what a release records.
pub const ENGINE_VERSION: &str = "wasmtime 48.0.8";

/// The largest component taken, in bytes. Compiling takes time with its size.
pub const MAX_COMPONENT: usize = 8 << 20;

/// How deep an app's calls may go, in bytes of stack.
const WASM_STACK: usize = 512 << 10;
/// A call's whole stack: what is beyond the app's is for the host's own functions.
const CALL_STACK: usize = 1 << 20;

/// What one component may be made of, so that one call never takes the slots of many: its own
/// modules and the adapters its linker made.
const CORE_INSTANCES: u32 = 16;
const MEMORIES: u32 = 2;
const TABLES: u32 = 8;

/// How a runtime is set up.
#[derive(Default)]
pub struct Config {
    /// What is set aside for running apps.
    pub pool: PoolSizes,
    /// Where compiled code is kept; without it every start compiles anew.
    pub cache: Option<CacheConfig>,
}

/// Runs apps. Cheap to clone: all clones are one runtime.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    function: Linker<Host>,
    function_http: Linker<Host>,
    cache: Option<CodeCache>,
    ready: Mutex<Ready>,
    pool: PoolSizes,
    /// One permit per slot of the pool: who comes too many waits instead of failing.
    slots: Arc<Semaphore>,
}

impl Runtime {
    /// Starts the engine and sets its pool aside.
    ///
    /// # Errors
    /// When the machine cannot hold the pool, the cache's folder cannot be made, or the engine is
    /// not the one whose costs were pinned.
    pub fn new(config: Config) -> Result<Runtime, RuntimeError> {
        let failed = |error: wasmtime::Error| RuntimeError::Engine(format!("{error:#}"));
        let pool = config.pool;
        let engine = Engine::new(&engine_config(pool)?).map_err(failed)?;
        let function = Linker::new(&engine);
        let mut function_http = Linker::new(&engine);
        Host::link_http(&mut function_http).map_err(failed)?;
        let cache = match config.cache {
            Some(cache) => Some(CodeCache::open(cache, &engine)?),
            None => None,
        };
        let ready = Mutex::new(Ready { apps: Vec::new(), most: pool.apps });
        let slots = Arc::new(Semaphore::new(pool.instances as usize));
        let inner = Inner { engine, function, function_http, cache, ready, pool, slots };
        Ok(Runtime { inner: Arc::new(inner) })
    }

    /// Makes a component ready to run: from those that are, from the cache, or by compiling it.
    /// Compiling takes the processor for up to seconds: call this where blocking is allowed.
    ///
    /// # Errors
    /// See [`LoadError`]; its author's fault but for [`LoadError::Host`].
    pub fn load(&self, component: &[u8], world: World) -> Result<App, LoadError> {
        if component.len() > MAX_COMPONENT {
            return Err(LoadError::TooLarge { size: component.len(), limit: MAX_COMPONENT });
        }
        let code: [u8; 32] = Sha256::digest(component).into();
        if let Some(app) = self.app(&code, world) {
            return Ok(app);
        }
        let inner = &*self.inner;
        let cached = inner.cache.as_ref().and_then(|cache| cache.load(&inner.engine, &code));
        let (compiled, fresh) = match cached {
            Some(compiled) => (compiled, false),
            None => (compile(&inner.engine, component)?, true),
        };
        let linker = match world {
            World::Function => &inner.function,
            World::FunctionHttp => &inner.function_http,
        };
        let pre = world.admit(&inner.engine, linker, &compiled)?;
        if let Some(cache) = inner.cache.as_ref().filter(|_| fresh) {
            cache.store(&code, &compiled);
        }
        let app = App::new(code, world, pre, inner.slots.clone(), inner.pool.memory_bytes)?;
        self.ready().keep(app.clone());
        Ok(app)
    }

    /// The app with this code hash, if it is ready to run.
    pub fn app(&self, code: &[u8; 32], world: World) -> Option<App> {
        self.ready().take(code, world)
    }

    fn ready(&self) -> std::sync::MutexGuard<'_, Ready> {
        // A list of handles is whole after every step, so a panic elsewhere cannot spoil it.
        self.inner.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn compile(engine: &Engine, component: &[u8]) -> Result<Component, LoadError> {
    // `from_binary` takes nothing but bytes: no text format, no file's name.
    Component::from_binary(engine, component)
        .map_err(|error| LoadError::Invalid(sentence(format!("{error:#}"))))
}

/// The apps ready to run, the one used longest ago first.
struct Ready {
    apps: Vec<App>,
    most: usize,
}

impl Ready {
    fn take(&mut self, code: &[u8; 32], world: World) -> Option<App> {
        let at = self.apps.iter().position(|app| app.code() == *code && app.world() == world)?;
        let app = self.apps.remove(at);
        self.apps.push(app.clone());
        Some(app)
    }

    fn keep(&mut self, app: App) {
        self.apps.retain(|known| known.code() != app.code() || known.world() != app.world());
        self.apps.push(app);
        while self.apps.len() > self.most {
            self.apps.remove(0);
        }
    }
}

/// What of WebAssembly an app may use. What is not here is refused at load: a thread or a second
/// machine's garbage collector is where two honest runs part.
const FEATURES: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::RELAXED_SIMD)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::COMPONENT_MODEL);

fn engine_config(pool: PoolSizes) -> Result<wasmtime::Config, RuntimeError> {
    let mut config = wasmtime::Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // Deterministic: fuel and nothing with a clock, one NaN, one way of relaxed SIMD.
        .consume_fuel(true)
        .operator_cost(cost::table()?)
        .epoch_interruption(false)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_features(FEATURES.complement(), false)
        .concurrency_support(false)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(CALL_STACK)
        // A stack is used by one app after another.
        .async_stack_zeroing(true)
        // Nobody reads an app's backtrace, and making one takes time.
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(pool)));
    Ok(config)
}

fn pooling(pool: PoolSizes) -> PoolingAllocationConfig {
    let each = |per: u32| pool.instances.saturating_mul(per);
    let mut pooling = PoolingAllocationConfig::new();
    pooling
        .total_component_instances(pool.instances)
        .total_core_instances(each(CORE_INSTANCES))
        .total_memories(each(MEMORIES))
        .total_tables(each(TABLES))
        .total_stacks(pool.instances)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size(usize::try_from(pool.memory_bytes).unwrap_or(usize::MAX))
        .table_elements(TABLE_ELEMENTS)
        // Linux tells which pages were written, so only those are cleaned.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(16 << 10)
        .async_stack_keep_resident(64 << 10);
    pooling
}
