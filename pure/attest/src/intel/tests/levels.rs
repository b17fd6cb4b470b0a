//! Which level a platform meets, and what a status is worth.

use super::*;
use forge::first;

/// A platform one level below the newest, in all its parts.
fn outdated(body: Body) -> Forge {
    let tee = first(&[6, 1, 2]);
    Forge { cpu_svn: [2; 16], tee_tcb_svn: tee, tee_tcb_svn2: tee, ..Forge::new(body) }
}

#[test]
fn dcap_qvl_125_a_status_other_than_up_to_date_is_refused() {
    for name in [
        "SWHardeningNeeded",
        "ConfigurationNeeded",
        "ConfigurationAndSWHardeningNeeded",
        "OutOfDate",
        "OutOfDateConfigurationNeeded",
    ] {
        for body in [Body::Sgx, Body::Td10, Body::Td15] {
            let forge = Forge::new(body).newest_status(name);
            contraindicated(&forge, Code::TcbStatusRefused);
            assert_eq!(oracle(&forge.make()), Ok(name.into()));
        }
    }
}

#[test]
fn an_outdated_platform_is_told_what_it_lacks() {
    for body in ALL {
        let appraisal = judge(&outdated(body));
        assert_eq!(status(&appraisal), Some(TcbStatus::OutOfDate), "{body:?}");
        assert_eq!(codes(&appraisal), [Code::TcbStatusRefused]);
        let told = |code, detail: &str| {
            appraisal.reasons.iter().any(|r| r.code == code && r.detail.contains(detail))
        };
        assert!(told(Code::TcbBehind, "CPUSVN[0] 2 of 3"));
        assert!(told(Code::Advisory, "INTEL-SA-01036"));
        let tcb = appraisal.claims.unwrap().tcb;
        // 2024-03-13, and 2025-05-14 of the level it misses.
        assert_eq!(tcb.date, Some(Time(1_710_288_000)));
        assert_eq!(tcb.superseded, Some(Time(1_747_180_800)));
    }
}

#[test]
fn a_module_or_quoting_enclave_out_of_date_makes_the_platform_so() {
    let module = Forge { tee_tcb_svn: first(&[4, 1, 3]), ..Forge::new(Body::Td10) };
    let enclave = Forge { qe_svn: 3, ..Forge::new(Body::Sgx) };
    for forge in [&module, &enclave] {
        contraindicated(forge, Code::TcbStatusRefused);
        let appraisal = judge(forge);
        assert_eq!(status(&appraisal), Some(TcbStatus::OutOfDate));
        let superseded = appraisal.claims.unwrap().tcb.superseded;
        assert_eq!(superseded, Some(Time(1_747_180_800)));
        assert_eq!(oracle(&forge.make()), Ok("OutOfDate".into()));
    }
    let configured =
        Forge { qe_svn: 3, ..Forge::new(Body::Sgx).newest_status("ConfigurationNeeded") };
    let expected = Some(TcbStatus::OutOfDateConfigurationNeeded);
    assert_eq!(status(&judge(&configured)), expected);
    assert_eq!(oracle(&configured.make()), Ok("OutOfDateConfigurationNeeded".into()));
}

#[test]
fn a_quoting_enclave_to_be_configured_is_let_pass_but_not_an_outdated_one() {
    for (name, expected) in [
        ("ConfigurationNeeded", TcbStatus::UpToDate),
        ("OutOfDate", TcbStatus::OutOfDate),
        ("OutOfDateConfigurationNeeded", TcbStatus::OutOfDate),
    ] {
        let mut forge = Forge::new(Body::Sgx);
        forge.qe_identity["tcbLevels"][0]["tcbStatus"] = name.into();
        assert_eq!(status(&judge(&forge)), Some(expected));
    }
}

#[test]
fn a_trust_domain_launched_before_the_patch_should_be_relaunched() {
    let old = first(&[4, 1, 3]);
    for body in [Body::Td15, Body::Td15Ex] {
        let relaunch = Forge { tee_tcb_svn: old, ..Forge::new(body) };
        assert_eq!(status(&judge(&relaunch)), Some(TcbStatus::TDRelaunchAdvised));
        contraindicated(&relaunch, Code::TcbStatusRefused);
        assert_eq!(oracle(&relaunch.make()), Ok("TDRelaunchAdvised".into()));
        // Not yet patched: nothing to relaunch for.
        let both = Forge { tee_tcb_svn2: old, ..relaunch.clone() };
        assert_eq!(status(&judge(&both)), Some(TcbStatus::OutOfDate));
        let configured = relaunch.newest_status("ConfigurationNeeded");
        let expected = TcbStatus::TDRelaunchAdvisedConfigurationNeeded;
        assert_eq!(status(&judge(&configured)), Some(expected));
        assert_eq!(oracle(&configured.make()), Ok(expected.name().into()));
    }
}

#[test]
fn automata_132_a_revoked_tcb_is_refused_wherever_it_stands() {
    let launch = Forge { cpu_svn: [1; 16], ..Forge::new(Body::Sgx) };
    let enclave = Forge { qe_svn: 1, ..Forge::new(Body::Td10) };
    let mut module = Forge::new(Body::Td10);
    module.tcb["tdxModuleIdentities"][0]["tcbLevels"][0]["tcbStatus"] = "Revoked".into();
    let mut current = Forge { tee_tcb_svn2: first(&[4, 1, 3]), ..Forge::new(Body::Td15) };
    current.tcb["tdxModuleIdentities"][0]["tcbLevels"][1]["tcbStatus"] = "Revoked".into();
    for forge in [launch, enclave, module, current] {
        contraindicated(&forge, Code::TcbRevoked);
        assert_eq!(oracle(&forge.make()), Err("TCB status is invalid: Revoked".into()));
    }
}

#[test]
fn a_platform_below_every_level_is_genuine_and_refused() {
    let platform = Forge { cpu_svn: [0; 16], ..Forge::new(Body::Td10) };
    let sgx = Forge { pce_svn: 1, ..Forge::new(Body::Sgx) };
    let module = Forge { tee_tcb_svn: first(&[1, 1, 3]), ..Forge::new(Body::Td10) };
    let version = Forge { tee_tcb_svn: first(&[6, 3, 3]), ..Forge::new(Body::Td10) };
    let current = Forge { tee_tcb_svn2: first(&[1, 1, 3]), ..Forge::new(Body::Td15) };
    let enclave = Forge { qe_svn: 0, ..Forge::new(Body::Td10) };
    for forge in [platform, sgx, module, version, current, enclave] {
        contraindicated(&forge, Code::TcbLevelMissing);
        assert_eq!(status(&judge(&forge)), None);
        assert!(oracle(&forge.make()).is_err());
    }
}

#[test]
fn a_tdx_module_of_somebody_else_is_refused() {
    for svn in [first(&[6, 1, 3]), first(&[5, 0, 3])] {
        let base = Forge { tee_tcb_svn: svn, ..Forge::new(Body::Td10) };
        assert_eq!(judge(&base).status, Status::Affirming);
        let signer = Forge { mrsignerseam: [1; 48], ..base.clone() };
        let debugged = Forge { seamattributes: [1, 0, 0, 0, 0, 0, 0, 0x80], ..base.clone() };
        let mut unnamed = base;
        unnamed.tcb["tdxModule"] = serde_json::Value::Null;
        unnamed.tcb["tdxModuleIdentities"][0]["mrsigner"] = "xx".into();
        for forge in [signer, debugged, unnamed] {
            contraindicated(&forge, Code::TdxModule);
            assert!(oracle(&forge.make()).is_err());
        }
    }
}

#[test]
fn a_status_is_taken_until_its_grace_is_over() {
    let made = outdated(Body::Td10).make();
    let mut policy = policy(&made);
    let missed = 1_747_180_800; // 2025-05-14
    let grace = NOW.0 - missed;
    let at = |policy: &Policy| judge_as(TeeKind::Tdx, &made, policy, NOW);
    policy.statuses.insert(TcbStatus::OutOfDate, Some(grace));
    assert_eq!(at(&policy).status, Status::Affirming);
    policy.statuses.insert(TcbStatus::OutOfDate, Some(grace - 1));
    assert_eq!(codes(&at(&policy)), [Code::TcbStatusRefused]);
    policy.statuses.insert(TcbStatus::OutOfDate, None);
    assert_eq!(at(&policy).status, Status::Affirming);
    policy.statuses.remove(&TcbStatus::OutOfDate);
    assert_eq!(codes(&at(&policy)), [Code::TcbStatusRefused]);
}

#[test]
fn a_grace_counts_from_the_oldest_level_that_is_missed() {
    let mut forge = outdated(Body::Sgx);
    // A level between the one met (2024-03-13) and the newest (2025-05-14).
    let mut between = forge.tcb["tcbLevels"][1].clone();
    between["tcb"]["pcesvn"] = 12.into();
    between["tcbDate"] = "2024-11-13T00:00:00Z".into();
    between["tcbStatus"] = "OutOfDate".into();
    forge.tcb["tcbLevels"].as_array_mut().unwrap().push(between);
    let tcb = judge(&forge).claims.unwrap().tcb;
    assert_eq!(tcb.superseded, Some(Time(1_731_456_000)));
}

#[test]
fn a_status_that_no_newer_level_cures_has_grace_from_its_own_date() {
    let made = Forge::new(Body::Sgx).newest_status("SWHardeningNeeded").make();
    let mut policy = policy(&made);
    let own = 1_747_180_800; // 2025-05-14
    for (grace, taken) in [(NOW.0 - own, true), (NOW.0 - own - 1, false)] {
        policy.statuses.insert(TcbStatus::SWHardeningNeeded, Some(grace));
        let judged = judge_as(TeeKind::Sgx, &made, &policy, NOW);
        assert_eq!(judged.status == Status::Affirming, taken);
        assert_eq!(judged.claims.unwrap().tcb.superseded, None);
    }
}

#[test]
fn a_denied_advisory_is_refused() {
    let made = outdated(Body::Td10).make();
    let mut policy = policy(&made);
    policy.statuses.insert(TcbStatus::OutOfDate, None);
    policy.advisories_denied.insert("INTEL-SA-01036".into());
    let judged = judge_as(TeeKind::Tdx, &made, &policy, NOW);
    assert_eq!(codes(&judged), [Code::AdvisoryDenied]);
}
