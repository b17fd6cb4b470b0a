//! The roots of trust: who may vouch for which kind.
//!
//! The vendors' roots are pinned in this room. Anchors for development are roots whose keys anybody
//! may hold (software TPMs, sample tokens, the simulated TEE); evidence under them is at best a
//! warning. Not here: intermediate certificates that come with evidence.

mod amd;
mod arm;
mod aws;
mod intel;
mod nvidia;
mod tpm;

use std::collections::BTreeMap;

/// Who vouches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vendor {
    /// Intel: SGX and TDX.
    Intel,
    /// AMD: SEV-SNP, one root per product.
    Amd,
    /// AWS: Nitro.
    Aws,
    /// TPM makers, and clouds for their virtual TPMs.
    Tpm,
    /// NVIDIA: GPUs and switches.
    Nvidia,
    /// NVIDIA again: manifests of good measurements, which have a root of their own.
    NvidiaManifests,
    /// Arm CCA platforms' makers.
    Arm,
    /// Nobody: the simulated TEE.
    Simulated,
}

impl Vendor {
    /// Every vendor.
    pub const ALL: [Self; 8] = [
        Self::Intel,
        Self::Amd,
        Self::Aws,
        Self::Tpm,
        Self::Nvidia,
        Self::NvidiaManifests,
        Self::Arm,
        Self::Simulated,
    ];

    /// Its name in policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intel => "intel",
            Self::Amd => "amd",
            Self::Aws => "aws",
            Self::Tpm => "tpm",
            Self::Nvidia => "nvidia",
            Self::NvidiaManifests => "nvidia-manifests",
            Self::Arm => "arm",
            Self::Simulated => "simulated",
        }
    }

    /// The vendor of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == name)
    }
}

/// What an anchor is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// A vendor's root.
    Production,
    /// A root whose key anybody may hold.
    Development,
}

impl Scope {
    /// Its name in policies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

/// One root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// What reports call it, as `AMD Milan`.
    pub name: String,
    /// What it is good for.
    pub scope: Scope,
    /// The root certificate, or a public key (`SubjectPublicKeyInfo`), in DER.
    pub der: Vec<u8>,
    /// Certificates under it that seldom change and that evidence does not carry (AMD's ASK and
    /// ASVK), in DER.
    pub known: Vec<Vec<u8>>,
}

/// All roots that a policy names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchors(pub BTreeMap<Vendor, Vec<Anchor>>);

impl Anchors {
    /// The vendors' roots, as pinned here, and nothing for development.
    pub fn pinned() -> Self {
        let mut all = Self::default();
        all.0.insert(Vendor::Intel, intel::roots());
        all.0.insert(Vendor::Amd, amd::roots());
        all.0.insert(Vendor::Aws, aws::roots());
        all.0.insert(Vendor::Nvidia, nvidia::devices());
        all.0.insert(Vendor::Tpm, tpm::roots());
        all.0.insert(Vendor::NvidiaManifests, nvidia::manifests());
        all
    }

    /// Roots and keys whose secret halves are published: evidence under them is at best a warning.
    pub fn development() -> Self {
        let mut all = Self::default();
        all.0.insert(Vendor::Arm, arm::samples());
        all
    }

    /// With all of `other` too.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (vendor, anchors) in other.0 {
            self.0.entry(vendor).or_default().extend(anchors);
        }
        self
    }

    /// Whether each vendor's roots begin with those of `other`.
    pub(crate) fn begins_with(&self, other: &Self) -> bool {
        other.0.iter().all(|(vendor, anchors)| self.of(*vendor).starts_with(anchors))
    }

    /// With one more root.
    #[must_use]
    pub fn with(mut self, vendor: Vendor, anchor: Anchor) -> Self {
        self.0.entry(vendor).or_default().push(anchor);
        self
    }

    /// The roots of one vendor.
    pub fn of(&self, vendor: Vendor) -> &[Anchor] {
        self.0.get(&vendor).map_or(&[], Vec::as_slice)
    }
}
