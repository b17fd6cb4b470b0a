//! The trustworthiness vector: eight claims on a scale that every verifier shares
//! (draft-ietf-rats-ar4si, §2.3). Not here: the reasons themselves, which say more.
//!
//! Each reason belongs to one claim, and the gravest decides its value, so the vector never looks
//! better than the reasons. What the evidence says nothing of is 0, no claim. It judges the evidence
//! alone: what it takes to forge a class of platforms is the grant's matter.

#[cfg(test)]
mod tests;

use crate::{Claims, Code, Effect, Policy, Reason, Status};
use serde_json::{Map, Value};
use sotto_types::TeeKind;

/// A thing that can be trustworthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// Which machine, and that it speaks to us.
    InstanceIdentity,
    /// How it is set up.
    Configuration,
    /// What was launched.
    Executables,
    /// Files: no kind here says anything of them.
    FileSystem,
    /// The hardware and its firmware.
    Hardware,
    /// Whether memory is closed to the host.
    RuntimeOpaque,
    /// Whether storage is: no kind here says anything of it.
    StorageOpaque,
    /// Data from elsewhere: no kind here says anything of it.
    SourcedData,
}

impl Aspect {
    /// Every aspect, in the order of AR4SI's numbers.
    pub const ALL: [Self; 8] = [
        Self::InstanceIdentity,
        Self::Configuration,
        Self::Executables,
        Self::FileSystem,
        Self::Hardware,
        Self::RuntimeOpaque,
        Self::StorageOpaque,
        Self::SourcedData,
    ];

    /// AR4SI's name of its claim.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InstanceIdentity => "instance-identity",
            Self::Configuration => "configuration",
            Self::Executables => "executables",
            Self::FileSystem => "file-system",
            Self::Hardware => "hardware",
            Self::RuntimeOpaque => "runtime-opaque",
            Self::StorageOpaque => "storage-opaque",
            Self::SourcedData => "sourced-data",
        }
    }

    /// The aspect that a reason is about.
    pub const fn of(code: Code) -> Self {
        match code {
            Code::KindNotAccepted
            | Code::NonceMismatch
            | Code::ReportDataMismatch
            | Code::ChallengeMissing
            | Code::NotBound
            | Code::Stale
            | Code::ChipIdMasked
            | Code::LeafLifetime
            | Code::AkNotBound
            | Code::AkAttributes
            | Code::TpmClock
            | Code::PlatformDenied
            | Code::CompositeNonce
            | Code::DeviceRepeated
            | Code::EkUntrusted
            | Code::TrailingBytes
            | Code::DevelopmentAnchor => Self::InstanceIdentity,
            Code::Debug
            | Code::DebugPcrs
            | Code::Vmpl
            | Code::Migratable
            | Code::ServiceTd
            | Code::SeptVeDisable
            | Code::ReservedAttribute
            | Code::Lifecycle
            | Code::GuestPolicy
            | Code::ReportVersion
            | Code::AuthorKey
            | Code::ParavisorVe
            | Code::PcrSelection => Self::Configuration,
            Code::ImageMismatch
            | Code::MeasurementMismatch
            | Code::RimMismatch
            | Code::NoReferenceValues
            | Code::ReferenceValuesNeeded
            | Code::RimInvalid
            | Code::WeakHash
            | Code::PcrNotInLog
            | Code::RimMissing => Self::Executables,
            _ => Self::Hardware,
        }
    }
}

/// Values of claims (AR4SI, tables of §2.3.4).
mod value {
    pub(super) const NO_CLAIM: i8 = 0;
    pub(super) const AFFIRMED: i8 = 2;
    /// Configuration: no known vulnerabilities. Executables: approved up to the boot's end.
    pub(super) const AFFIRMED_LESS: i8 = 3;
    pub(super) const WARNING: i8 = 32;
    pub(super) const UNRECOGNISED_EXECUTABLES: i8 = 33;
    pub(super) const CONTRAINDICATED: i8 = 96;
    pub(super) const CRYPTO_FAILED: i8 = 99;
}

/// The eight claims, in the order of [`Aspect::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustVector([i8; 8]);

impl TrustVector {
    /// The claims about evidence with these reasons. All are 99 for evidence that is not genuine,
    /// and 0 where nobody can tell.
    pub(crate) fn of(
        authentic: Option<bool>,
        claims: Option<&Claims>,
        reasons: &[Reason],
        policy: &Policy,
    ) -> Self {
        let Some(claims) = claims else {
            let value =
                if authentic == Some(false) { value::CRYPTO_FAILED } else { value::NO_CLAIM };
            return Self([value; 8]);
        };
        Self(Aspect::ALL.map(|aspect| {
            let about = reasons.iter().filter(|reason| Aspect::of(reason.code) == aspect);
            let worst = about.map(|reason| policy.effect(reason.code)).max();
            match worst.unwrap_or(Effect::Note) {
                Effect::Note => affirmed(aspect, claims, policy),
                Effect::Warning => warned(aspect),
                _ => value::CONTRAINDICATED,
            }
        }))
    }

    /// The value of one claim.
    pub fn get(&self, aspect: Aspect) -> i8 {
        let at = Aspect::ALL.iter().position(|other| *other == aspect);
        at.and_then(|at| self.0.get(at)).copied().unwrap_or(value::NO_CLAIM)
    }

    /// All values.
    pub const fn values(&self) -> [i8; 8] {
        self.0
    }

    /// The claims by their names.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut all: Vec<(&str, i8)> =
            Aspect::ALL.iter().map(|aspect| aspect.name()).zip(self.0).collect();
        all.sort_unstable();
        all.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    }
}

/// The tier of a claim's value; `None` for the values that claim nothing (AR4SI §2.3.2).
pub const fn tier(value: i8) -> Option<Status> {
    match value {
        -1..=1 => None,
        2..=31 | -32..=-2 => Some(Status::Affirming),
        32..=95 | -96..=-33 => Some(Status::Warning),
        96..=127 | -128..=-97 => Some(Status::Contraindicated),
    }
}

/// The value of a claim against which nothing was found.
fn affirmed(aspect: Aspect, claims: &Claims, policy: &Policy) -> i8 {
    let tee = matches!(
        claims.kind,
        TeeKind::Tdx
            | TeeKind::Sgx
            | TeeKind::Snp
            | TeeKind::AzureSnp
            | TeeKind::AzureTdx
            | TeeKind::Cca
    );
    let identities = claims.platform.identities.values();
    let (claimed, value) = match aspect {
        Aspect::InstanceIdentity => {
            let named = identities.flatten().any(|byte| *byte != 0);
            (named, value::AFFIRMED)
        }
        Aspect::Configuration => (claims.kind != TeeKind::Tpm, value::AFFIRMED_LESS),
        Aspect::Executables => (!policy.references.is_empty(), value::AFFIRMED_LESS),
        Aspect::Hardware => (true, value::AFFIRMED),
        // Nitro's memory is closed to the parent instance and open to the vendor's hypervisor: less
        // than the claim says.
        Aspect::RuntimeOpaque => (tee, value::AFFIRMED),
        Aspect::FileSystem | Aspect::StorageOpaque | Aspect::SourcedData => (false, 0),
    };
    if claimed { value } else { value::NO_CLAIM }
}

/// The value of a claim with a warning. AR4SI has none for the identity: nothing is claimed.
const fn warned(aspect: Aspect) -> i8 {
    match aspect {
        Aspect::InstanceIdentity => value::NO_CLAIM,
        Aspect::Executables => value::UNRECOGNISED_EXECUTABLES,
        _ => value::WARNING,
    }
}
