//! wasmtime by itself: what the runtime is compared with. The same engine configuration, written
//! once more over the wasmtime crate alone, and nothing around a call: no limits but fuel, no
//! time-out, no waiting for a turn.
//!
//! That the two configurations are one is not taken on trust: [`Bare::is_code_of`] compares the
//! compiled code byte for byte, and the benchmarks compare the fuel burnt.

use std::path::Path;

use sotto_runtime::{Call, PoolSizes};
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, OptLevel,
    PoolingAllocationConfig, Store, Strategy, WasmFeatures,
};

use crate::Result;
use lowered::{Params, Return};

/// The fuel of a call, as the runtime's default limits give it, with the one unit it adds.
pub(crate) const FUEL: u64 = 1_000_000_001;
/// After how much fuel an asynchronous call yields, as in the runtime.
pub(crate) const YIELD_EVERY: u64 = 100_000;

const CORE_INSTANCES: u32 = 16;
const MEMORIES: u32 = 2;
const TABLES: u32 = 8;

/// What a call gave, and the fuel it burnt.
pub type Ran = (Vec<u8>, u64);

/// A component ready to be instantiated, as wasmtime itself offers it.
pub struct Bare {
    pre: InstancePre<()>,
    run: ComponentExportIndex,
}

/// An engine configured as the runtime's.
///
/// # Errors
/// When the machine cannot hold the pool.
pub fn engine() -> Result<Engine> {
    let mut cost = OperatorCost::new();
    cost.variable.memory_grow_per_page = 255;
    let mut config = Config::new();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .consume_fuel(true)
        .operator_cost(cost)
        .epoch_interruption(false)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_features(features().complement(), false)
        .concurrency_support(false)
        .max_wasm_stack(512 << 10)
        .async_stack_size(1 << 20)
        .async_stack_zeroing(true)
        .wasm_backtrace_max_frames(None)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(PoolSizes::default())));
    Ok(Engine::new(&config)?)
}

fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::FLOATS
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::COMPONENT_MODEL
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
        .table_elements(20_000)
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(16 << 10)
        .async_stack_keep_resident(64 << 10);
    pooling
}

impl Bare {
    /// Compiles a component.
    ///
    /// # Errors
    /// When it is none, or imports something.
    pub fn compile(engine: &Engine, component: &[u8]) -> Result<Bare> {
        Bare::link(engine, &Component::from_binary(engine, component)?)
    }

    /// Takes compiled code from a file, as wasmtime does it: mapped, and believed.
    ///
    /// # Errors
    /// When the file is not code for this engine.
    #[allow(unsafe_code, reason = "what is measured is exactly this door")]
    pub fn from_file(engine: &Engine, file: &Path) -> Result<Bare> {
        // SAFETY: the benchmark itself wrote the file, out of `Component::serialize`.
        let component = unsafe { Component::deserialize_file(engine, file) }?;
        Bare::link(engine, &component)
    }

    /// Takes compiled code from memory.
    ///
    /// # Errors
    /// When it is not code for this engine.
    #[allow(unsafe_code, reason = "what is measured is exactly this door")]
    pub fn from_code(engine: &Engine, code: &[u8]) -> Result<Bare> {
        // SAFETY: the benchmark itself made the bytes, with `Component::serialize`.
        let component = unsafe { Component::deserialize(engine, code) }?;
        Bare::link(engine, &component)
    }

    fn link(engine: &Engine, component: &Component) -> Result<Bare> {
        let pre = Linker::new(engine).instantiate_pre(component)?;
        let run = component.get_export_index(None, "run").ok_or("the component has no `run`")?;
        Ok(Bare { pre, run })
    }

    /// The compiled code.
    ///
    /// # Errors
    /// When the engine cannot give it.
    pub fn code(&self) -> Result<Vec<u8>> {
        Ok(self.pre.component().serialize()?)
    }

    /// Whether `code` is what this engine makes of the component too: then both engines have the
    /// same version, target, settings and costs.
    ///
    /// # Errors
    /// When the engine cannot say.
    pub fn is_code_of(&self, code: &[u8]) -> Result<bool> {
        Ok(self.code()? == code)
    }

    /// One call in a fresh instance, on the caller's stack: the cheapest way wasmtime has.
    ///
    /// # Errors
    /// When the app fails.
    pub fn call(&self, call: &Call) -> Result<Ran> {
        let mut store = self.store()?;
        let submissions: Vec<_> = call.submissions.iter().map(Into::into).collect();
        let instance = self.pre.instantiate(&mut store)?;
        let run = instance.get_typed_func::<Params<'_>, Return>(&mut store, &self.run)?;
        let (output,) = run.call(&mut store, (lowered::Call::new(call, &submissions),))?;
        ran(&store, output)
    }

    /// One call in a fresh instance, on a stack of its own: the way that can be ended from
    /// outside, and so the one the runtime takes.
    ///
    /// # Errors
    /// When the app fails.
    pub async fn call_async(&self, call: &Call) -> Result<Ran> {
        let mut store = self.store()?;
        store.fuel_async_yield_interval(Some(YIELD_EVERY))?;
        let submissions: Vec<_> = call.submissions.iter().map(Into::into).collect();
        let instance = self.pre.instantiate_async(&mut store).await?;
        let run = instance.get_typed_func::<Params<'_>, Return>(&mut store, &self.run)?;
        let params = (lowered::Call::new(call, &submissions),);
        let (output,) = run.call_async(&mut store, params).await?;
        ran(&store, output)
    }

    fn store(&self) -> Result<Store<()>> {
        let mut store = Store::new(self.pre.engine(), ());
        store.set_fuel(FUEL)?;
        Ok(store)
    }
}

fn ran(store: &Store<()>, output: std::result::Result<Vec<u8>, String>) -> Result<Ran> {
    Ok((output?, FUEL - store.get_fuel()?))
}

#[allow(unsafe_code, reason = "derived by wasmtime, whose traits are unsafe to implement by hand")]
mod lowered {
    use wasmtime::component::{ComponentType, Lower};

    pub(super) type Params<'a> = (Call<'a>,);
    pub(super) type Return = (Result<Vec<u8>, String>,);

    #[derive(Clone, Copy, ComponentType, Lower)]
    #[component(record)]
    pub(super) struct Call<'a> {
        chain: &'a [u8],
        caller: &'a [u8],
        context: &'a [u8],
        time: u64,
        payload: &'a [u8],
        submissions: &'a [Submission<'a>],
    }

    #[derive(Clone, Copy, ComponentType, Lower)]
    #[component(record)]
    pub(super) struct Submission<'a> {
        submitter: &'a [u8],
        content: Option<&'a [u8]>,
    }

    impl<'a> Call<'a> {
        pub(super) fn new(call: &'a super::Call, submissions: &'a [Submission<'a>]) -> Call<'a> {
            Call {
                chain: &call.chain,
                caller: &call.caller,
                context: &call.context,
                time: call.time,
                payload: &call.payload,
                submissions,
            }
        }
    }

    impl<'a> From<&'a sotto_runtime::Submission> for Submission<'a> {
        fn from(submission: &'a sotto_runtime::Submission) -> Submission<'a> {
            Submission { submitter: &submission.submitter, content: submission.content.as_deref() }
        }
    }
}
