//! What only SEV-SNP has to be judged by: privilege level, the guest's own policy, BadRAM, security
//! versions. It looks at fields, not at the kind, so reports inside composites are judged too.

use crate::{Claims, Code, Policy, Reason};

pub(super) fn snp(claims: &Claims, policy: &Policy) -> Vec<Reason> {
    let mut reasons = Vec::new();
    reasons.extend(vmpl(claims, policy));
    reasons.extend(report_version(claims, policy));
    if claims.security.migratable == Some(true) {
        let detail = "the guest's policy lets a migration agent take it elsewhere";
        reasons.push(Reason::new(Code::Migratable, detail));
    }
    reasons.extend(alias_check(claims));
    reasons.extend(guest_policy(claims, policy));
    reasons.extend(minimum(claims, policy));
    reasons
}

fn vmpl(claims: &Claims, policy: &Policy) -> Option<Reason> {
    let vmpl = claims.security.vmpl.filter(|vmpl| *vmpl > policy.vmpl)?;
    let who = if vmpl > 3 { "by the host".into() } else { format!("from VMPL {vmpl}") };
    let detail = format!("the report was asked for {who}, taken is at most {}", policy.vmpl);
    Some(Reason::new(Code::Vmpl, detail))
}

fn report_version(claims: &Claims, policy: &Policy) -> Option<Reason> {
    let (first, last) = policy.snp.report_versions;
    let version = claims.security.report_version?;
    let detail = format!("report version {version}, taken are {first} to {last}");
    (!(first..=last).contains(&version)).then(|| Reason::new(Code::ReportVersion, detail))
}

fn alias_check(claims: &Claims) -> Option<Reason> {
    claims.security.report_version?;
    match claims.security.alias_checked {
        Some(true) => None,
        Some(false) => Some(Reason::new(
            Code::AliasCheck,
            "the firmware has not completed its check for aliased memory (AMD-SB-3015)",
        )),
        None => Some(Reason::new(
            Code::AliasCheckUnknown,
            "the firmware is older than the check for aliased memory (AMD-SB-3015)",
        )),
    }
}

fn guest_policy(claims: &Claims, policy: &Policy) -> Vec<Reason> {
    let (security, demands) = (&claims.security, policy.snp);
    let mut details = Vec::new();
    if demands.smt_off && security.smt == Some(true) {
        details.push("SMT is allowed".to_owned());
    }
    if demands.single_socket && security.single_socket == Some(false) {
        details.push("several sockets are allowed".to_owned());
    }
    if let Some((major, minor)) = security.guest_abi.filter(|abi| *abi < demands.guest_abi) {
        let (least_major, least_minor) = demands.guest_abi;
        details.push(format!(
            "firmware interface {major}.{minor} is enough for the guest, wanted is {least_major}.{least_minor}"
        ));
    }
    details.into_iter().map(|detail| Reason::new(Code::GuestPolicy, detail)).collect()
}

fn minimum(claims: &Claims, policy: &Policy) -> Vec<Reason> {
    // A report inside an Azure composite is of the same chips: `azure-snp-milan`.
    let class = claims.platform.class.as_str();
    let inner = class.strip_prefix("azure-");
    let floors = [Some(class), inner].into_iter().flatten();
    let floor = floors.filter_map(|class| policy.snp_minimum.get(class)).flatten();
    floor
        .filter_map(|(name, least)| {
            let detail = match claims.tcb.svns.get(name) {
                Some(found) if found >= least => return None,
                Some(found) => format!("{name} is {found}, the least for {class} is {least}"),
                None => format!("{name} is not known, the least for {class} is {least}"),
            };
            Some(Reason::new(Code::TcbBelowMinimum, detail))
        })
        .collect()
}
