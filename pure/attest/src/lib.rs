//! Evidence in, verdict out: one module per TEE, then policy.
//!
//! Four steps that never blend: **parse** (bytes to a typed form, exact lengths), **verify**
//! (signatures and certificates, no clock), **claims** (what may now be believed, one shape for all
//! kinds) and **judge** (claims against a policy at a time). `now` and every endorsement are
//! arguments; the kind and its trust anchors come from the caller's policy, never from the message;
//! what the evidence is bound to is never optional. Not here: asking a device for evidence and
//! fetching endorsements (`io/tee`), guessing a kind from bytes (the command), who may hold which
//! key (`ledger`).
#![forbid(unsafe_code)]

mod admission;
mod anchors;
mod appraise;
pub mod azure;
mod binding;
mod canonical;
pub mod cca;
mod claims;
pub mod composite;
pub mod cose;
mod custody;
pub mod date;
pub mod ear;
mod evidence;
#[cfg(test)]
mod fixtures;
mod grant;
pub mod hash;
pub mod image;
pub mod intel;
mod judge;
pub mod manifest;
pub mod nitro;
pub mod nvidia;
mod policy;
mod reason;
pub mod signature;
pub mod simulated;
pub mod snp;
#[cfg(test)]
mod tests;
pub mod tpm;
mod trust;
mod verify;
pub mod x509;

pub use admission::{Admission, Admitted, Refusal, admit};
pub use anchors::{Anchor, Anchors, Scope, Vendor};
pub use appraise::{Appraisal, Status, appraise};
pub use binding::{Binding, Expected, NoChallenge, Role};
pub use claims::{
    Bound, Claims, Identities, Measurements, Platform, Security, Tcb, TcbStatus, Window, release,
};
pub use custody::{Custody, CustodyError};
pub use evidence::{Collateral, Endorsements, Evidence, Parts};
pub use grant::{Grant, GrantReason};
pub use policy::{Exposure, Platforms, Policy, PolicyError, References};
pub use reason::{Code, Effect, Reason};
pub use sotto_types::{TeeKind, Time};
pub use trust::{Aspect, TrustVector, tier};
pub use verify::{Context, Unverified, verify};

/// The examples of the page that a stranger reads first are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
