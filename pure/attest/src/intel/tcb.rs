//! Which of Intel's TCB levels a platform meets, and what follows for its status, as Intel's own
//! verifier does it (QVL: `TcbLevelCheck`, `convergeTcbStatuses`, `checkForRelaunch`). Not here:
//! which statuses are accepted.

use super::{
    collateral::{ParsedCollateral, of_component, of_enclave, of_platform, time},
    pck::Pck,
    quote::{QeReport, Quote},
};
use crate::{Code, Reason, Tcb, TcbStatus};
use TcbStatus as S;
use dcap_qvl::{QeIdentity, SvnComponent, SvnShortfall, TcbInfo, TcbLevel};
use sotto_types::Time;
use std::collections::BTreeMap;

/// What one level says: of the platform, a TDX module or the quoting enclave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Met {
    status: Option<TcbStatus>,
    date: Option<Time>,
    /// The date of the oldest newer level that is missed.
    superseded: Option<Time>,
    advisories: Vec<String>,
    /// What keeps it from the newest level.
    behind: Vec<String>,
}

/// The TCB of the platform that made `quote`, and what is worth saying of it.
pub(super) fn appraise(
    quote: &Quote,
    pck: &Pck<'_>,
    collateral: &ParsedCollateral<'_>,
) -> (Tcb, Vec<Reason>) {
    let mut missing = Vec::new();
    let enclave = enclave(&quote.vouching.qe, &collateral.qe, &mut missing);
    let svns = |svn: Option<&[u8; 16]>, missing: &mut Vec<String>| {
        platform(&collateral.tcb, pck, svn, missing)
    };
    let launched = quote.report.as_td10().map(|report| &report.tee_tcb_svn);
    let launch = svns(launched, &mut missing);
    let current =
        quote.report.as_td15().map(|report| svns(Some(&report.tee_tcb_svn2), &mut missing));

    let parts: Vec<&Met> = [&launch, &enclave].into_iter().chain(&current).collect();
    let status = if missing.is_empty() {
        status(launch.status, current.as_ref().map(|met| met.status), enclave.status)
    } else {
        None
    };
    let mut advisories: Vec<String> =
        parts.iter().flat_map(|met| met.advisories.iter().cloned()).collect();
    advisories.sort();
    advisories.dedup();
    let evaluations =
        [collateral.tcb.tcb_evaluation_data_number, collateral.qe.tcb_evaluation_data_number];
    let tcb = Tcb {
        status,
        advisories,
        evaluation: evaluations.into_iter().min(),
        date: parts.iter().filter_map(|met| met.date).min(),
        superseded: parts
            .iter()
            .filter(|met| met.status != Some(S::UpToDate))
            .filter_map(|met| met.superseded)
            .min(),
        svns: numbers(quote, pck),
    };
    let mut noticed: Vec<Reason> =
        missing.into_iter().map(|detail| Reason::new(Code::TcbLevelMissing, detail)).collect();
    let mut behind: Vec<String> = parts.iter().flat_map(|met| met.behind.iter().cloned()).collect();
    behind.dedup();
    if !behind.is_empty() && status != Some(S::UpToDate) {
        noticed.push(Reason::new(Code::TcbBehind, behind.join(", ")));
    }
    (tcb, noticed)
}

fn numbers(quote: &Quote, pck: &Pck<'_>) -> BTreeMap<String, u64> {
    let components = pck.platform.cpu_svn.iter().enumerate();
    let mut svns: BTreeMap<String, u64> =
        components.map(|(at, svn)| (format!("cpusvn{at}"), u64::from(*svn))).collect();
    svns.insert("pcesvn".into(), u64::from(pck.platform.pce_svn));
    svns.insert("qesvn".into(), u64::from(quote.vouching.qe.isvsvn()));
    svns
}

/// The status of launch, current TCB (TD 1.5 only) and quoting enclave together.
fn status(
    launch: Option<TcbStatus>,
    current: Option<Option<TcbStatus>>,
    enclave: Option<TcbStatus>,
) -> Option<TcbStatus> {
    let enclave = enclave?;
    let launch = converge(launch?, enclave);
    let Some(current) = current else { return Some(launch) };
    let current = converge(current?, enclave);
    if current == S::Revoked {
        return Some(S::Revoked);
    }
    Some(relaunch(launch, current))
}

/// A platform's status and that of a part of it: only an outdated or revoked part counts.
fn converge(platform: TcbStatus, part: TcbStatus) -> TcbStatus {
    match (part, platform) {
        (S::Revoked, _) => S::Revoked,
        // Intel's verifier lets a quoting enclave pass whose status is the second of these.
        (S::OutOfDate | S::OutOfDateConfigurationNeeded, platform) => match platform {
            S::UpToDate | S::SWHardeningNeeded => S::OutOfDate,
            S::ConfigurationNeeded | S::ConfigurationAndSWHardeningNeeded => {
                S::OutOfDateConfigurationNeeded
            }
            _ => platform,
        },
        _ => platform,
    }
}

/// An outdated launch on a platform that has been patched since needs a relaunch.
fn relaunch(launch: TcbStatus, current: TcbStatus) -> TcbStatus {
    let outdated = |status| matches!(status, S::OutOfDate | S::OutOfDateConfigurationNeeded);
    if !outdated(launch) || outdated(current) {
        return launch;
    }
    let configure = matches!(launch, S::OutOfDateConfigurationNeeded)
        || matches!(current, S::ConfigurationNeeded | S::ConfigurationAndSWHardeningNeeded);
    if configure { S::TDRelaunchAdvisedConfigurationNeeded } else { S::TDRelaunchAdvised }
}

/// The level of a platform and, for TDX, of its module at `svn`.
fn platform(
    tcb: &TcbInfo,
    pck: &Pck<'_>,
    svn: Option<&[u8; 16]>,
    missing: &mut Vec<String>,
) -> Met {
    let platform = &pck.platform;
    // A level with another number of components (refused when the collateral was read) is not met.
    let falls = |level: &TcbLevel| level.shortfalls(&platform.cpu_svn, platform.pce_svn, svn).ok();
    let is_met = |level: &&TcbLevel| falls(level).is_some_and(|short| short.is_empty());
    let met = tcb.tcb_levels.iter().find(is_met);
    let Some(met) = met else {
        let lowest = tcb.tcb_levels.last().and_then(falls).unwrap_or_default();
        missing.push(format!("the platform is below every level: {}", list(&lowest).join(", ")));
        return Met::default();
    };
    let date = time(&met.tcb_date);
    let newer = tcb.tcb_levels.iter().filter(|level| !is_met(level));
    let mut all = Met {
        status: of_platform(met.tcb_status),
        date,
        superseded: newer
            .filter_map(|level| time(&level.tcb_date))
            .filter(|d| Some(*d) > date)
            .min(),
        advisories: met.advisory_ids.clone(),
        behind: tcb
            .tcb_levels
            .first()
            .and_then(falls)
            .map(|short| list(&short))
            .unwrap_or_default(),
    };
    let module = svn.and_then(|svn| module(tcb, svn, missing));
    if let (Some(module), Some(status)) = (module, all.status) {
        if module.status != Some(S::UpToDate) {
            let superseded = [all.superseded.filter(|_| status != S::UpToDate), module.superseded];
            all.superseded = superseded.into_iter().flatten().min();
        }
        all.status = module.status.map(|module| converge(status, module));
        all.date = all.date.min(module.date);
        all.advisories.extend(module.advisories);
        all.behind.extend(module.behind);
    }
    all
}

/// The level of the TDX module, where it has a version; older ones are judged by the platform's
/// components.
fn module(tcb: &TcbInfo, svn: &[u8; 16], missing: &mut Vec<String>) -> Option<Met> {
    let Ok(identity) = tcb.tdx_module_identity(svn) else {
        missing.push(format!("the TCB info has no TDX module of version {}", svn[1]));
        return None;
    };
    let levels = &identity?.tcb_levels;
    let Some(met) = levels.iter().find(|level| level.shortfall(svn).is_none()) else {
        missing.push(format!("TDX module SVN {} is below every level", svn[0]));
        return None;
    };
    let date = time(&met.tcb_date);
    let newer = levels.iter().filter(|level| level.shortfall(svn).is_some());
    Some(Met {
        status: of_component(met.tcb_status),
        date,
        superseded: newer
            .filter_map(|level| time(&level.tcb_date))
            .filter(|d| Some(*d) > date)
            .min(),
        advisories: met.advisory_ids.clone(),
        behind: list(
            &levels.first().and_then(|level| level.shortfall(svn)).into_iter().collect::<Vec<_>>(),
        ),
    })
}

/// The level of the quoting enclave.
fn enclave(report: &QeReport, identity: &QeIdentity, missing: &mut Vec<String>) -> Met {
    let svn = report.isvsvn();
    let levels = &identity.tcb_levels;
    let Some(met) = levels.iter().find(|level| svn >= level.tcb.isvsvn) else {
        missing.push(format!("QE SVN {svn} is below every level"));
        return Met::default();
    };
    let date = time(&met.tcb_date);
    let newer = levels.iter().filter(|level| svn < level.tcb.isvsvn);
    Met {
        status: of_enclave(met.tcb_status),
        date,
        superseded: newer
            .filter_map(|level| time(&level.tcb_date))
            .filter(|d| Some(*d) > date)
            .min(),
        advisories: met.advisory_ids.clone(),
        behind: levels
            .first()
            .filter(|level| svn < level.tcb.isvsvn)
            .map(|level| format!("QE SVN {svn} of {}", level.tcb.isvsvn))
            .into_iter()
            .collect(),
    }
}

fn list(shortfalls: &[SvnShortfall]) -> Vec<String> {
    let name = |component| match component {
        SvnComponent::Sgx(at) => format!("CPUSVN[{at}]"),
        SvnComponent::Tdx(at) => format!("TEE_TCB_SVN[{at}]"),
        SvnComponent::PceSvn => "PCESVN".to_owned(),
        SvnComponent::TdxModuleIsvSvn => "TDX module SVN".to_owned(),
    };
    shortfalls.iter().map(|s| format!("{} {} of {}", name(s.component), s.have, s.needs)).collect()
}

/// Everything in which the quoting enclave is not the one of the identity.
pub(super) fn identity(report: &QeReport, identity: &QeIdentity) -> Vec<Reason> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, holds: bool, is: String| {
        if !holds {
            wrong.push(Reason::new(Code::QeIdentity, format!("the QE's {what} is {is}")));
        }
    };
    let masked = |is: &[u8], wanted: &[u8], mask: &[u8]| {
        is.iter().zip(wanted).zip(mask).all(|((is, wanted), mask)| is & mask == wanted & mask)
    };
    let (signer, product) = (report.mrsigner(), report.isvprodid());
    check("MRSIGNER", signer == identity.mrsigner, hex::encode(signer));
    check("ISVPRODID", product == identity.isvprodid, product.to_string());
    // Read as Intel's header declares it (little-endian) on both sides.
    let select = report.miscselect();
    let fits = masked(&select, &identity.miscselect, &identity.miscselect_mask);
    check("MISCSELECT", fits, hex::encode(select));
    let attributes = report.attributes();
    let fits = masked(&attributes, &identity.attributes, &identity.attributes_mask);
    // Debug is refused even where a mask would let it pass.
    let debug = attributes.first().is_some_and(|flags| flags & 2 != 0);
    check("ATTRIBUTES", fits && !debug, hex::encode(attributes));
    wrong
}
