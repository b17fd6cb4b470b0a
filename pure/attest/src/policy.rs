//! What a relying party accepts. Everything it does not name is refused or, where the field has no
//! good and bad, noted; a policy is never laxer than what is fixed here: no form of it turns a
//! failed signature, a debugger or a revoked platform into a pass. Not here: the judging (`judge`).

mod digest;
mod exposure;
mod file;
#[cfg(test)]
mod tests;

pub use exposure::Exposure;
pub use file::PolicyError;

use crate::{Anchors, Code, Effect, TcbStatus, image::Prediction, snp};
use sotto_crypto::sign::PublicKey;
use sotto_types::TeeKind;
use std::collections::{BTreeMap, BTreeSet};

/// Platforms by one of their names: (`ppid`, bytes), (`chip_id`, bytes), ….
pub type Platforms = BTreeSet<(String, Vec<u8>)>;

/// Good values by measurement: `name` is about all evidence, `kind/name` or `class/name` about
/// evidence of that kind or class (`tdx/mrtd`, `snp-milan/measurement`).
pub type References = BTreeMap<String, BTreeSet<Vec<u8>>>;

/// The policy of a relying party. Its TOML form is read by [`Policy::from_toml`], which documents
/// every key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Kinds taken.
    pub kinds: BTreeSet<TeeKind>,
    /// Roots of trust.
    pub anchors: Anchors,
    /// Vendor statuses taken, each for this many seconds after the platform fell behind
    /// (`Tcb::since`); `None` for ever. `Revoked` is never taken.
    pub statuses: BTreeMap<TcbStatus, Option<u64>>,
    /// The oldest vendor evaluation taken.
    pub minimum_evaluation: Option<u32>,
    /// Advisories never taken.
    pub advisories_denied: BTreeSet<String>,
    /// SNP: the lowest security versions taken, by class (`snp-genoa`) and component
    /// (`bootloader`, `tee`, `snp`, `microcode`, `fmc`, and each with `launch_` before it). AMD
    /// publishes no list of good ones: the floor is the relying party's.
    pub snp_minimum: BTreeMap<String, BTreeMap<String, u64>>,
    /// SNP: the highest VMPL number taken, that is the lowest privilege.
    pub vmpl: u32,
    /// SNP: further demands.
    pub snp: snp::Demands,
    /// TPM and Azure: PCRs that every quote must cover, besides those that references name.
    pub pcrs: BTreeSet<u8>,
    /// Good values; a measurement that is named must be one of them.
    pub references: References,
    /// TPM and Azure: what measured boot must have given, from an image.
    pub image: Option<Prediction>,
    /// If not empty, one of the platform's names must be here.
    pub platforms_allowed: Platforms,
    /// None of the platform's names may be here.
    pub platforms_denied: Platforms,
    /// Evidence that says when it was made: how old it may be, in seconds.
    pub max_age: Option<u64>,
    /// How long a result is good, in seconds, at most.
    pub result_lifetime: u64,
    /// Codes whose effect is raised. A policy is never laxer than a code's own effect.
    pub raised: BTreeMap<Code, Effect>,
    /// What it takes to forge evidence of each class, beside what is fixed here
    /// ([`Exposure::of`]). A policy is never laxer than that.
    pub exposures: BTreeMap<String, Exposure>,
    /// Whose word is taken for who has a machine in custody, by name.
    pub custodians: BTreeMap<String, PublicKey>,
}

impl Policy {
    /// The base: the vendors' roots, every real kind, `UpToDate` alone, debug never, VMPL 0, a
    /// result good for a day, measurements not judged, no custodian.
    pub fn base() -> Self {
        Self {
            kinds: TeeKind::ALL.into_iter().filter(|k| *k != TeeKind::Simulated).collect(),
            anchors: Anchors::pinned(),
            statuses: [(TcbStatus::UpToDate, None)].into(),
            minimum_evaluation: None,
            advisories_denied: BTreeSet::new(),
            snp_minimum: BTreeMap::new(),
            vmpl: 0,
            snp: snp::Demands::default(),
            pcrs: BTreeSet::new(),
            references: BTreeMap::new(),
            image: None,
            platforms_allowed: BTreeSet::new(),
            platforms_denied: BTreeSet::new(),
            max_age: None,
            result_lifetime: 86_400,
            raised: BTreeMap::new(),
            exposures: BTreeMap::new(),
            custodians: BTreeMap::new(),
        }
    }

    /// What a code does under this policy.
    pub fn effect(&self, code: Code) -> Effect {
        let raised = self.raised.get(&code).copied().unwrap_or(Effect::Note);
        raised.max(code.effect())
    }

    /// What it takes to forge evidence of `class` under this policy: the graver of its own word and
    /// what is fixed. `None` for a class of which neither knows.
    pub fn exposure(&self, class: &str) -> Option<Exposure> {
        self.exposures.get(class).copied().max(Exposure::of(class))
    }

    /// With further reference values, as from a CoRIM: for a measurement that is named already,
    /// more good values.
    #[must_use]
    pub fn with_references(mut self, references: References) -> Self {
        for (name, values) in references {
            self.references.entry(name).or_default().extend(values);
        }
        self
    }
}
