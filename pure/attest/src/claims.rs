//! What may be believed once the signatures are: one shape for all kinds.
//!
//! Only `verify` makes claims. Not here: whether they suffice (`judge`).

#[cfg(test)]
mod tests;

use crate::{Reason, Scope, tpm};
use sha2::{Digest as _, Sha256};
use sotto_types::{Measurement, TeeKind, Time};
use std::collections::BTreeMap;

/// What verified evidence says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The kind that made it.
    pub kind: TeeKind,
    /// Which machine.
    pub platform: Platform,
    /// How well it is patched.
    pub tcb: Tcb,
    /// What was launched.
    pub measurements: Measurements,
    /// What could look in.
    pub security: Security,
    /// What the evidence is bound to.
    pub bound: Bound,
    /// Every certificate, list and signed statement that the verification used, with its dates.
    pub windows: Vec<Window>,
    /// When the evidence was made, where it says so.
    pub made: Option<Time>,
    /// What verifying noticed and the judge has to weigh: a list that was not at hand, a name that
    /// is zero.
    pub noticed: Vec<Reason>,
}

/// Names of one machine or part, each as its bytes: `ppid`, `fmspc`, `chip_id`, `module_id`,
/// `ueid`, `ek`, `instance_id`, ….
pub type Identities = BTreeMap<String, Vec<u8>>;

/// Measurements by the field's own names (`mrtd`, `rtmr0`, `mrenclave`, `mrsigner`, `measurement`,
/// `host_data`, `pcr4`, …), each as its bytes.
pub type Measurements = BTreeMap<String, Vec<u8>>;

/// The release that launch measurements stand for, as one value: SHA-256("sotto/release/v1" ‖ the
/// kind's name ‖ for each launch measurement of the kind in the order below: its name, a zero byte,
/// its length in 32 bits big-endian, its bytes).
///
/// A release list names one value per build, and a kind spreads a build over several registers. All
/// that decides what runs and who may configure it goes in: TDX `mrtd`, `rtmr0` to `rtmr2`,
/// `mrconfigid`, `mrowner`, `mrownerconfig`; SGX `mrenclave`; SNP `measurement`, `host_data`; Nitro
/// `pcr0` to `pcr2`; TPM `pcr4` (boot loader), `pcr9` (initrd), `pcr11` (unified image), `pcr12` and
/// `pcr13` (command line, credentials and extensions added at boot: left out, an untouched image
/// could be started with anything beside it). What a running system extends by itself (`rtmr3`,
/// Nitro's further registers) and what differs between good machines (TPM `pcr0`, `pcr1`) stays
/// out; a policy's references judge those.
///
/// `None` for kinds whose launch is not measured as a whole, and where a measurement is missing.
pub fn release(kind: TeeKind, measurements: &Measurements) -> Option<Measurement> {
    let names: &[&str] = match kind {
        TeeKind::Tdx => {
            &["mrtd", "rtmr0", "rtmr1", "rtmr2", "mrconfigid", "mrowner", "mrownerconfig"]
        }
        TeeKind::Sgx => &["mrenclave"],
        TeeKind::Snp => &["measurement", "host_data"],
        TeeKind::Nitro => &["pcr0", "pcr1", "pcr2"],
        TeeKind::Tpm => &["pcr4", "pcr9", "pcr11", "pcr12", "pcr13"],
        TeeKind::Simulated
        | TeeKind::AzureSnp
        | TeeKind::AzureTdx
        | TeeKind::Nvidia
        | TeeKind::Cca => return None,
    };
    let mut hash = Sha256::new_with_prefix(b"sotto/release/v1");
    hash.update(kind.name());
    for name in names {
        let value = measurements.get(*name)?;
        hash.update(name);
        hash.update([0]);
        hash.update(u32::try_from(value.len()).ok()?.to_be_bytes());
        hash.update(value);
    }
    Some(Measurement(hash.finalize().into()))
}

/// Which machine made the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    /// The class that policies speak of: kind and product, as `tdx`, `sgx`, `snp-milan`,
    /// `snp-genoa`, `snp-turin`, `nitro`, `nvidia-gh100`, `tpm`, `cca`.
    pub class: String,
    /// Its names.
    pub identities: Identities,
    /// The anchor its chain ended in.
    pub anchor: String,
    /// What that anchor is good for.
    pub scope: Scope,
}

/// Intel's TCB statuses; other vendors state none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TcbStatus {
    /// Patched.
    UpToDate,
    /// Software must mitigate.
    SWHardeningNeeded,
    /// The platform must be configured otherwise.
    ConfigurationNeeded,
    /// Both.
    ConfigurationAndSWHardeningNeeded,
    /// Patched now, but launched before.
    TDRelaunchAdvised,
    /// The same, and to be configured otherwise.
    TDRelaunchAdvisedConfigurationNeeded,
    /// Not patched.
    OutOfDate,
    /// Neither patched nor configured.
    OutOfDateConfigurationNeeded,
    /// Its keys are not to be believed.
    Revoked,
}

impl TcbStatus {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::UpToDate,
        Self::SWHardeningNeeded,
        Self::ConfigurationNeeded,
        Self::ConfigurationAndSWHardeningNeeded,
        Self::TDRelaunchAdvised,
        Self::TDRelaunchAdvisedConfigurationNeeded,
        Self::OutOfDate,
        Self::OutOfDateConfigurationNeeded,
        Self::Revoked,
    ];

    /// Intel's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "UpToDate",
            Self::SWHardeningNeeded => "SWHardeningNeeded",
            Self::ConfigurationNeeded => "ConfigurationNeeded",
            Self::ConfigurationAndSWHardeningNeeded => "ConfigurationAndSWHardeningNeeded",
            Self::TDRelaunchAdvised => "TDRelaunchAdvised",
            Self::TDRelaunchAdvisedConfigurationNeeded => "TDRelaunchAdvisedConfigurationNeeded",
            Self::OutOfDate => "OutOfDate",
            Self::OutOfDateConfigurationNeeded => "OutOfDateConfigurationNeeded",
            Self::Revoked => "Revoked",
        }
    }

    /// The status of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// How well a platform is patched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tcb {
    /// The vendor's word, where there is one.
    pub status: Option<TcbStatus>,
    /// Advisories that apply, sorted.
    pub advisories: Vec<String>,
    /// The number of the vendor's evaluation that gave the status (Intel's
    /// `tcbEvaluationDataNumber`, the lower of TCB info and QE identity).
    pub evaluation: Option<u32>,
    /// The date of the TCB level met, the oldest where several parts have one.
    pub date: Option<Time>,
    /// The date of the oldest newer level that the platform, or a part of it that is not up to
    /// date, misses: grace periods count from it. `None` where no newer level is missed.
    pub superseded: Option<Time>,
    /// Security version numbers by name (`bootloader`, `tee`, `snp`, `microcode`, `fmc`, `pcesvn`).
    pub svns: BTreeMap<String, u64>,
}

/// What could look into the environment or change it. `None` where the kind has no such thing or
/// does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// A debugger may look in.
    pub debug: bool,
    /// SNP: the privilege level of whoever asked for the report; 0 is the highest.
    pub vmpl: Option<u32>,
    /// SNP: a migration agent may take the guest elsewhere. TDX: a migration TD may.
    pub migratable: Option<bool>,
    /// SNP: the guest may run with other threads on its core (SMT allowed by its policy).
    pub smt: Option<bool>,
    /// SNP: the guest may run on one socket only (demanded by its policy).
    pub single_socket: Option<bool>,
    /// SNP: the oldest firmware interface the guest runs on (major, minor; from its policy).
    pub guest_abi: Option<(u8, u8)>,
    /// SNP: the version of the report.
    pub report_version: Option<u32>,
    /// TPM: its clock, and how often it was reset.
    pub tpm_clock: Option<tpm::Clock>,
    /// SNP: the firmware checked for aliased memory (BadRAM, AMD-SB-3015). `None` for firmware
    /// that has no such bit.
    pub alias_checked: Option<bool>,
    /// TDX: bound to a service TD.
    pub service_td: Option<bool>,
    /// TDX: #VE on EPT violations is off (`SEPT_VE_DISABLE`).
    pub sept_ve_disable: Option<bool>,
    /// TPM: Secure Boot was on.
    pub secure_boot: Option<bool>,
    /// CCA: the platform's lifecycle state is "secured".
    pub secured: Option<bool>,
}

/// What the evidence is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The whole field that the prover filled: report data, user data, extra data, challenge.
    pub report_data: Vec<u8>,
    /// The verifier's challenge, where the kind has a field of its own for it (Nitro). `None`: the
    /// challenge stands in `report_data`.
    pub nonce: Option<Vec<u8>>,
    /// The field has a fixed width and shorter challenges are padded with zeros on the right.
    pub padded: bool,
}

/// When something is good, ends included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    /// What: `PCK certificate`, `TCB info`, `VLEK certificate`, ….
    pub what: String,
    /// The first second.
    pub not_before: Time,
    /// The last second.
    pub not_after: Time,
}

impl Tcb {
    /// Since when the platform is behind: the date of the oldest newer level that it misses; where
    /// it misses none (it has to be configured, not patched), of its own level.
    pub fn since(&self) -> Option<Time> {
        self.superseded.or(self.date)
    }
}

impl Claims {
    /// When all of it is good at once: the latest start and the earliest end. The start may be the
    /// later one; then no moment is good. `None` without any dated statement.
    pub fn validity(&self) -> Option<(Time, Time)> {
        let start = self.windows.iter().map(|window| window.not_before).max()?;
        let end = self.windows.iter().map(|window| window.not_after).min()?;
        Some((start, end))
    }
}
