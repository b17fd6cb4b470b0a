//! Runs apps in wasmtime: loads a component, checks that it is of its world, gives it a fresh
//! instance per call with fuel, memory, time and output limits, and meters it the same on every
//! machine.
//!
//! What is not here: which app to run and what it may cost (the worker's brain), the manifest's
//! text (the ledger), TLS and connections (an [`Egress`] is handed in), keys of any kind but the
//! one that authenticates the cache of compiled code.
//!
//! Why the same call gives the same bytes and the same fuel everywhere: an app of
//! [`World::Function`] is linked to nothing at all, NaNs are canonical, relaxed SIMD is pinned,
//! there are no threads, fuel is counted by a table of our own ([`COST_TABLE_VERSION`]), and a
//! memory that cannot grow traps instead of letting the app see a failed allocation. What can
//! differ between compilers is the depth at which a stack overflows, hence one engine version
//! per release.

mod app;
mod cache;
mod cost;
mod egress;
mod engine;
mod error;
mod host;
mod hosts;
mod limits;
mod world;

pub use app::{Answer, App, Call, Submission};
pub use cache::CacheConfig;
pub use cost::COST_TABLE_VERSION;
pub use egress::{
    Egress, EgressError, MAX_REQUEST_BODY, MAX_REQUESTS, MAX_RESPONSE_BODY, REQUEST_TIME, Reach,
};
pub use engine::{Config, ENGINE_VERSION, MAX_COMPONENT, Runtime};
pub use error::{CallError, LoadError, RuntimeError, TrapKind};
pub use hosts::{HostError, HostList, MAX_HOSTS};
pub use limits::{Limits, PoolSizes};
pub use world::World;

#[cfg(test)]
mod tests;
