//! A loaded app, and one call of it.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::egress::Reach;
use crate::error::{CallError, LoadError, sentence};
use crate::host::Host;
use crate::limits::{Limits, MemoryExceeded, MemoryLimiter};
use crate::world::World;

pub(crate) use lowered::{Params, Return};

/// How much fuel burns between two moments at which other tasks get their turn and the clock is
/// looked at: some tens of microseconds of work.
const YIELD_EVERY: u64 = 100_000;

/// What an app may hand over in one host call, in bytes, whatever its largest answer.
const MIN_HANDOVER: u64 = 64 << 10;

/// How many handles of the component model one instance may hold.
const MAX_HANDLES: usize = 1024;

/// One request to an app; the record `call` of `wit/`. Without `Debug`: it holds what was said in
/// secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// The chain the request came from, all zero for a direct request.
    pub chain: [u8; 32],
    /// Who asks.
    pub caller: [u8; 32],
    /// What the consumer called this request.
    pub context: Vec<u8>,
    /// The time of the block that assigned the request, in seconds since 1970.
    pub time: u64,
    /// What was said in the open.
    pub payload: Vec<u8>,
    /// What was said in secret, in the order the consumer fixed.
    pub submissions: Vec<Submission>,
}

/// One of a request's envelopes, as the enclave opened it; the record `submission` of `wit/`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Submission {
    /// Who submitted it, as the consumer vouched.
    pub submitter: [u8; 32],
    /// The plaintext, `None` if the envelope did not open.
    pub content: Option<Vec<u8>>,
}

/// What a call came to.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The app's bytes.
    pub output: Vec<u8>,
    /// The fuel it burnt, start of the instance included; the same on every machine.
    pub fuel_used: u64,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.output.len();
        f.debug_struct("Answer").field("bytes", &bytes).field("fuel", &self.fuel_used).finish()
    }
}

/// An app ready to run. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    code: [u8; 32],
    world: World,
    pre: InstancePre<Host>,
    run: ComponentExportIndex,
    slots: Arc<Semaphore>,
    /// The most memory a slot of the pool has, in bytes.
    slot_bytes: u64,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = hex::encode(self.inner.code);
        f.debug_struct("App").field("code", &code).field("world", &self.inner.world).finish()
    }
}

impl App {
    pub(crate) fn new(
        code: [u8; 32],
        world: World,
        pre: InstancePre<Host>,
        slots: Arc<Semaphore>,
        slot_bytes: u64,
    ) -> Result<App, LoadError> {
        let run = pre.component().get_export_index(None, "run").ok_or(LoadError::NoRun)?;
        Ok(App { inner: Arc::new(Inner { code, world, pre, run, slots, slot_bytes }) })
    }

    /// The code hash: SHA-256 of the component.
    pub fn code(&self) -> [u8; 32] {
        self.inner.code
    }

    /// The world it was admitted to.
    pub fn world(&self) -> World {
        self.inner.world
    }

    /// Runs one call in an instance of its own, and forgets the instance. Waits for its turn
    /// while the pool is full; the call's time runs from then on. Dropping the future ends the
    /// app wherever it is.
    ///
    /// `reach` is for apps of [`World::FunctionHttp`]; without it every host is refused. A
    /// request to a host not on its list fails for the app as `HTTP-request-denied`: it may go on
    /// without.
    ///
    /// # Errors
    /// See [`CallError`]. Whatever the app does, only this call ends.
    pub async fn call(
        &self,
        call: &Call,
        limits: &Limits,
        reach: Option<Reach>,
    ) -> Result<Answer, CallError> {
        let _slot = self
            .inner
            .slots
            .acquire()
            .await
            .map_err(|_| CallError::Host("the runtime was closed".to_owned()))?;
        let memory = limits.memory_bytes.min(self.inner.slot_bytes);
        let mut store = self.store(memory, limits, reach).map_err(broken)?;
        let ran = tokio::time::timeout(limits.time, self.run(&mut store, call)).await;
        let refused = store.data_mut().door.refused.take();
        let failure = match ran {
            Err(_) => return Err(CallError::OutOfTime { limit: limits.time }),
            Ok(Ok(Ok(output))) if output.len() as u64 > limits.output_bytes => {
                return Err(CallError::OutputTooLarge { limit: limits.output_bytes });
            }
            Ok(Ok(Ok(output))) => match store.get_fuel().map_err(broken)? {
                0 => CallError::OutOfFuel { limit: limits.fuel },
                left => return Ok(Answer { output, fuel_used: given(limits) - left }),
            },
            Ok(Ok(Err(said))) => CallError::App(sentence(said)),
            Ok(Err(error)) => classify(&error, limits),
        };
        Err(match (refused, failure) {
            (Some(host), CallError::App(said)) => CallError::EgressRefused { host, said },
            (Some(host), CallError::Trap(kind)) => {
                CallError::EgressRefused { host, said: kind.to_string() }
            }
            (_, failure) => failure,
        })
    }

    fn store(
        &self,
        memory: u64,
        limits: &Limits,
        reach: Option<Reach>,
    ) -> wasmtime::Result<Store<Host>> {
        let host = Host::new(MemoryLimiter::new(memory), reach);
        let mut store = Store::new(self.inner.pre.engine(), host);
        store.limiter(|host| &mut host.memory);
        store.set_fuel(given(limits))?;
        store.fuel_async_yield_interval(Some(YIELD_EVERY))?;
        // What the app hands over is counted before it is copied, so a huge answer costs nothing.
        let handover = limits.output_bytes.max(MIN_HANDOVER);
        store.set_hostcall_fuel(usize::try_from(handover).unwrap_or(usize::MAX));
        store.set_max_component_handles(MAX_HANDLES);
        Ok(store)
    }

    async fn run(
        &self,
        store: &mut Store<Host>,
        call: &Call,
    ) -> wasmtime::Result<Result<Vec<u8>, String>> {
        let submissions: Vec<_> = call.submissions.iter().map(Into::into).collect();
        let instance = self.inner.pre.instantiate_async(&mut *store).await?;
        let run = instance.get_typed_func::<Params<'_>, Return>(&mut *store, &self.inner.run)?;
        let (answer,) = run.call_async(store, (lowered::Call::new(call, &submissions),)).await?;
        Ok(answer)
    }
}

/// The fuel an instance is given: one unit more than the limit. The engine looks at the fuel where
/// code branches and calls, so the last straight piece of a call may burn more than was left; an
/// app that used exactly its limit is known from one that used more by that last unit.
fn given(limits: &Limits) -> u64 {
    limits.fuel.saturating_add(1)
}

/// Whose fault an error of the engine is.
fn classify(error: &wasmtime::Error, limits: &Limits) -> CallError {
    if let Some(MemoryExceeded { limit }) = error.downcast_ref() {
        return CallError::OutOfMemory { limit: *limit };
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::OutOfFuel) => return CallError::OutOfFuel { limit: limits.fuel },
        Some(trap) => return CallError::Trap((*trap).into()),
        None => {}
    }
    let cause = error.root_cause().to_string();
    if cause.contains(HANDOVER_EXHAUSTED) {
        return CallError::OutputTooLarge { limit: limits.output_bytes };
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return CallError::Host(sentence(cause));
    }
    // What is left is what the canonical ABI refuses.
    CallError::Interface(sentence(cause))
}

/// How the engine says that more was handed over than it was told to take; its type is private.
/// A test holds it to these words.
const HANDOVER_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

fn broken(error: wasmtime::Error) -> CallError {
    CallError::Host(sentence(format!("{error:#}")))
}

/// The records of `wit/` as the engine lowers them, borrowed from ours: nothing is copied but
/// into the app's memory.
#[allow(unsafe_code, reason = "derived by wasmtime, whose traits are unsafe to implement by hand")]
mod lowered {
    use wasmtime::component::{ComponentType, Lower};

    /// What `run` takes.
    pub(crate) type Params<'a> = (Call<'a>,);
    /// What `run` gives.
    pub(crate) type Return = (Result<Vec<u8>, String>,);

    #[derive(Clone, Copy, ComponentType, Lower)]
    #[component(record)]
    pub(crate) struct Call<'a> {
        chain: &'a [u8],
        caller: &'a [u8],
        context: &'a [u8],
        time: u64,
        payload: &'a [u8],
        submissions: &'a [Submission<'a>],
    }

    #[derive(Clone, Copy, ComponentType, Lower)]
    #[component(record)]
    pub(crate) struct Submission<'a> {
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

    impl<'a> From<&'a super::Submission> for Submission<'a> {
        fn from(submission: &'a super::Submission) -> Submission<'a> {
            Submission { submitter: &submission.submitter, content: submission.content.as_deref() }
        }
    }
}
