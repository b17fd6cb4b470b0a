//! The TOML form of a policy. Not here: reading files; what the fields do (`judge`, `grant`).

mod anchors;

use super::{Exposure, Platforms, Policy};
use crate::{Code, Effect, TcbStatus, snp};
use anchors::ExtraAnchor;
use serde::{Deserialize, Serialize};
use sotto_crypto::sign::PublicKey;
use sotto_types::TeeKind;
use std::collections::{BTreeMap, BTreeSet};

/// Bytes of a policy's text, at most.
const TEXT_MAX: usize = 1 << 20;

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML of this form: an unknown key, a wrong type.
    #[error("{0}")]
    Form(String),
    /// A name that nothing has.
    #[error("{key}: there is no `{name}`")]
    Unknown {
        /// The key of the policy.
        key: &'static str,
        /// The name.
        name: String,
    },
    /// A value that cannot be read.
    #[error("{key}: `{value}` is not {what}")]
    Value {
        /// The key of the policy.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What should.
        what: &'static str,
    },
    /// Laxer than what is fixed for every policy.
    #[error("{key}: a policy cannot make `{name}` count for less")]
    Lowered {
        /// The key of the policy.
        key: &'static str,
        /// What it would lower.
        name: String,
    },
}

impl Policy {
    /// A policy from its TOML form. Every key may be left out; an unknown key is refused. Bytes are
    /// hex, durations `"90s"`, `"10m"`, `"12h"`, `"30d"` or `"2w"`.
    ///
    /// | Key | Default | What |
    /// |---|---|---|
    /// | `kinds` | every real kind | kinds taken: `tdx`, `sgx`, `snp`, `nitro`, `tpm`, `azure-snp`, `azure-tdx`, `nvidia`, `cca`, `simulated` |
    /// | `anchors` | `"pinned"` | roots of trust: `"pinned"` the vendors', `"development"` those and the well-known test roots, `"none"` |
    /// | `max_age` | none | how old evidence may be that says when it was made |
    /// | `result_lifetime` | `"1d"` | how long a result is good, at most |
    /// | `minimum_evaluation` | none | Intel: the lowest `tcbEvaluationDataNumber` taken |
    /// | `advisories_denied` | `[]` | advisories never taken, as `"INTEL-SA-00615"` |
    /// | `vmpl` | `0` | SNP: the highest VMPL number taken, 0 to 3 |
    /// | `snp` | no demand | SNP: `smt_off`, `single_socket`, `guest_abi`, `report_versions` |
    /// | `pcrs` | `[]` | TPM: PCRs that a quote must cover, 0 to 23 |
    /// | `[statuses]` | `UpToDate = "forever"` | Intel's statuses taken, each `"forever"` or for a duration after the platform fell behind; the table replaces the default; `Revoked` is never taken |
    /// | `[snp_minimum.CLASS]` | none | SNP: the lowest security version of each component (`bootloader`, `tee`, `snp`, `microcode`, `fmc`, and `launch_…` of each), by class (`snp-genoa`) |
    /// | `[references]` | none | good values by measurement; `"tdx/mrtd"` is about a kind, `"snp-milan/measurement"` about a class, `"mrtd"` about all evidence |
    /// | `[platforms]` `allow` | `[]` | if not empty, one of the platform's names must be here, as `"ppid=00ff"` |
    /// | `[platforms]` `deny` | `[]` | none of the platform's names may be here |
    /// | `[raised]` | none | codes of reasons that count for more: `"warning"` or `"contraindicated"` |
    /// | `[classes]` | what is published | what it takes to forge evidence of a class: `"software"`, `"physical"`, `"operated"`; never laxer than what is published |
    /// | `[custodians]` | none | whose custody endorsements count: name and secp256k1 public key (33 bytes) |
    /// | `[[extra_anchors]]` | none | further roots: `vendor`, `name`, `scope` (`"production"` or `"development"`), `pem` (a certificate or public key), `known` (certificates below it, in PEM) |
    ///
    /// # Errors
    /// [`PolicyError`]. No text makes a failed signature, a debugger or a revoked platform pass.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        if text.len() > TEXT_MAX {
            return Err(PolicyError::Form("longer than 1 MiB".into()));
        }
        let file: File =
            toml::from_str(text).map_err(|error| PolicyError::Form(error.to_string()))?;
        file.policy()
    }

    /// The policy's TOML form, complete: [`Policy::from_toml`] gives the same policy.
    ///
    /// # Errors
    /// [`PolicyError`] for what the form cannot say: an anchor that is neither certificate nor
    /// public key, an effect below its code's own.
    pub fn to_toml(&self) -> Result<String, PolicyError> {
        let file = File::of(self)?;
        // What cannot be read again was not said.
        let back = file.clone().policy()?;
        if back != *self {
            return Err(PolicyError::Form("the policy has no TOML form".into()));
        }
        toml::to_string(&file).map_err(|error| PolicyError::Form(error.to_string()))
    }
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    kinds: Vec<String>,
    anchors: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<String>,
    result_lifetime: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimum_evaluation: Option<u32>,
    advisories_denied: BTreeSet<String>,
    vmpl: u32,
    snp: snp::Demands,
    pcrs: BTreeSet<u8>,
    statuses: BTreeMap<String, String>,
    snp_minimum: BTreeMap<String, BTreeMap<String, u64>>,
    references: BTreeMap<String, Vec<String>>,
    platforms: Lists,
    raised: BTreeMap<String, String>,
    classes: BTreeMap<String, String>,
    custodians: BTreeMap<String, String>,
    extra_anchors: Vec<ExtraAnchor>,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
struct Lists {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl Default for File {
    fn default() -> Self {
        let base = Policy::base();
        Self {
            kinds: base.kinds.iter().map(|kind| kind.name().into()).collect(),
            anchors: anchors::PINNED.into(),
            max_age: None,
            result_lifetime: written(base.result_lifetime),
            minimum_evaluation: None,
            advisories_denied: BTreeSet::new(),
            vmpl: base.vmpl,
            snp: base.snp,
            pcrs: BTreeSet::new(),
            statuses: statuses_written(&base),
            snp_minimum: BTreeMap::new(),
            references: BTreeMap::new(),
            platforms: Lists::default(),
            raised: BTreeMap::new(),
            classes: BTreeMap::new(),
            custodians: BTreeMap::new(),
            extra_anchors: vec![],
        }
    }
}

const FOREVER: &str = "forever";

impl File {
    fn policy(self) -> Result<Policy, PolicyError> {
        let anchors = anchors::read(&self.anchors, self.extra_anchors)?;
        if self.vmpl > 3 {
            return Err(value("vmpl", self.vmpl, "0 to 3"));
        }
        if let Some(pcr) = self.pcrs.iter().find(|pcr| **pcr > 23) {
            return Err(value("pcrs", pcr, "0 to 23"));
        }
        Ok(Policy {
            image: None,
            kinds: named("kinds", &self.kinds, TeeKind::by_name)?,
            anchors,
            statuses: statuses(&self.statuses)?,
            minimum_evaluation: self.minimum_evaluation,
            advisories_denied: self.advisories_denied,
            snp_minimum: minimum(self.snp_minimum)?,
            vmpl: self.vmpl,
            snp: self.snp,
            pcrs: self.pcrs,
            references: references(&self.references)?,
            platforms_allowed: platforms(&self.platforms.allow)?,
            platforms_denied: platforms(&self.platforms.deny)?,
            max_age: self.max_age.as_deref().map(|age| duration("max_age", age)).transpose()?,
            result_lifetime: duration("result_lifetime", &self.result_lifetime)?,
            raised: raised(&self.raised)?,
            exposures: exposures(&self.classes)?,
            custodians: custodians(&self.custodians)?,
        })
    }

    fn of(policy: &Policy) -> Result<Self, PolicyError> {
        let (anchors, extra_anchors) = anchors::written(&policy.anchors)?;
        let list = |platforms: &Platforms| {
            platforms.iter().map(|(name, value)| format!("{name}={}", hex::encode(value))).collect()
        };
        let references = policy.references.iter();
        Ok(Self {
            kinds: policy.kinds.iter().map(|kind| kind.name().into()).collect(),
            anchors: anchors.into(),
            max_age: policy.max_age.map(written),
            result_lifetime: written(policy.result_lifetime),
            minimum_evaluation: policy.minimum_evaluation,
            advisories_denied: policy.advisories_denied.clone(),
            vmpl: policy.vmpl,
            snp: policy.snp,
            pcrs: policy.pcrs.clone(),
            statuses: statuses_written(policy),
            snp_minimum: policy.snp_minimum.clone(),
            references: references
                .map(|(name, good)| (name.clone(), good.iter().map(hex::encode).collect()))
                .collect(),
            platforms: Lists {
                allow: list(&policy.platforms_allowed),
                deny: list(&policy.platforms_denied),
            },
            raised: pairs(&policy.raised, |code| code.name().into(), Effect::name),
            classes: pairs(&policy.exposures, Clone::clone, Exposure::name),
            custodians: policy
                .custodians
                .iter()
                .map(|(name, key)| (name.clone(), hex::encode(key.to_bytes())))
                .collect(),
            extra_anchors,
        })
    }
}

fn pairs<K, V: Copy>(
    map: &BTreeMap<K, V>,
    key: impl Fn(&K) -> String,
    value: impl Fn(V) -> &'static str,
) -> BTreeMap<String, String> {
    map.iter().map(|(k, v)| (key(k), value(*v).into())).collect()
}

fn unknown(key: &'static str, name: &str) -> PolicyError {
    PolicyError::Unknown { key, name: name.into() }
}

fn value(key: &'static str, value: impl ToString, what: &'static str) -> PolicyError {
    PolicyError::Value { key, value: value.to_string(), what }
}

fn named<T: Ord>(
    key: &'static str,
    names: &[String],
    by_name: impl Fn(&str) -> Option<T>,
) -> Result<BTreeSet<T>, PolicyError> {
    names.iter().map(|name| by_name(name).ok_or_else(|| unknown(key, name))).collect()
}

fn bytes(key: &'static str, text: &str) -> Result<Vec<u8>, PolicyError> {
    let bytes = hex::decode(text).map_err(|_| value(key, text, "hex"))?;
    if bytes.is_empty() { Err(value(key, text, "hex of at least one byte")) } else { Ok(bytes) }
}

fn statuses(
    table: &BTreeMap<String, String>,
) -> Result<BTreeMap<TcbStatus, Option<u64>>, PolicyError> {
    let mut statuses = BTreeMap::new();
    for (name, grace) in table {
        let status = TcbStatus::by_name(name).ok_or_else(|| unknown("statuses", name))?;
        if status == TcbStatus::Revoked {
            return Err(PolicyError::Lowered { key: "statuses", name: name.clone() });
        }
        let forever = grace == FOREVER;
        // An up-to-date platform has not fallen behind: there is nothing to count from.
        if status == TcbStatus::UpToDate && !forever {
            return Err(value("statuses", grace, "`forever`, as UpToDate has no end"));
        }
        statuses.insert(status, if forever { None } else { Some(duration("statuses", grace)?) });
    }
    Ok(statuses)
}

fn statuses_written(policy: &Policy) -> BTreeMap<String, String> {
    let statuses = policy.statuses.iter();
    statuses
        .map(|(status, grace)| (status.name().into(), grace.map_or(FOREVER.into(), written)))
        .collect()
}

const COMPONENTS: [&str; 5] = ["bootloader", "tee", "snp", "microcode", "fmc"];

type SnpMinimum = BTreeMap<String, BTreeMap<String, u64>>;

fn minimum(table: SnpMinimum) -> Result<SnpMinimum, PolicyError> {
    let all = table.values().flat_map(BTreeMap::keys);
    let component = |name: &str| COMPONENTS.contains(&name.strip_prefix("launch_").unwrap_or(name));
    let wrong = all.into_iter().find(|name| !component(name));
    match wrong {
        Some(name) => Err(unknown("snp_minimum", name)),
        None => Ok(table),
    }
}

fn references(
    table: &BTreeMap<String, Vec<String>>,
) -> Result<BTreeMap<String, BTreeSet<Vec<u8>>>, PolicyError> {
    let good = |values: &Vec<String>| {
        values.iter().map(|v| bytes("references", v)).collect::<Result<_, _>>()
    };
    table.iter().map(|(name, values)| Ok((name.clone(), good(values)?))).collect()
}

fn platforms(list: &[String]) -> Result<Platforms, PolicyError> {
    let read = |entry: &String| {
        let (name, value) = entry
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| self::value("platforms", entry, "name=hex"))?;
        Ok((name.to_owned(), bytes("platforms", value)?))
    };
    list.iter().map(read).collect()
}

fn raised(table: &BTreeMap<String, String>) -> Result<BTreeMap<Code, Effect>, PolicyError> {
    let mut raised = BTreeMap::new();
    for (name, effect) in table {
        let code = Code::by_name(name).ok_or_else(|| unknown("raised", name))?;
        let effect = [Effect::Warning, Effect::Contraindicated]
            .into_iter()
            .find(|known| known.name() == effect)
            .ok_or_else(|| value("raised", effect, "`warning` or `contraindicated`"))?;
        if effect < code.effect() {
            return Err(PolicyError::Lowered { key: "raised", name: name.clone() });
        }
        raised.insert(code, effect);
    }
    Ok(raised)
}

fn exposures(table: &BTreeMap<String, String>) -> Result<BTreeMap<String, Exposure>, PolicyError> {
    let mut exposures = BTreeMap::new();
    for (class, name) in table {
        let exposure = Exposure::by_name(name).ok_or_else(|| unknown("classes", name))?;
        if Exposure::of(class).is_some_and(|published| exposure < published) {
            return Err(PolicyError::Lowered { key: "classes", name: class.clone() });
        }
        exposures.insert(class.clone(), exposure);
    }
    Ok(exposures)
}

fn custodians(
    table: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, PublicKey>, PolicyError> {
    let read = |text: &String| {
        let bytes = hex::decode(text).ok().and_then(|bytes| <[u8; 33]>::try_from(bytes).ok());
        let key = bytes.and_then(|bytes| PublicKey::from_bytes(&bytes).ok());
        key.ok_or_else(|| value("custodians", text, "a secp256k1 public key of 33 bytes in hex"))
    };
    table.iter().map(|(name, text)| Ok((name.clone(), read(text)?))).collect()
}

const UNITS: [(&str, u64); 5] =
    [("w", 7 * 86_400), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];

fn duration(key: &'static str, text: &str) -> Result<u64, PolicyError> {
    let wrong = || value(key, text, "a duration as `90s`, `10m`, `12h`, `30d` or `2w`");
    let read = |(unit, seconds): (&str, u64)| {
        let number = text.strip_suffix(unit)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| number.parse::<u64>().ok()?.checked_mul(seconds)).flatten()
    };
    UNITS.into_iter().find_map(read).ok_or_else(wrong)
}

/// In the largest unit that divides it.
fn written(seconds: u64) -> String {
    let fits = |(_, unit): &&(&str, u64)| seconds > 0 && seconds.is_multiple_of(*unit);
    let (unit, length) = UNITS.iter().find(fits).copied().unwrap_or(("s", 1));
    format!("{}{unit}", seconds / length)
}
