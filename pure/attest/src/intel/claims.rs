//! What a verified quote says. Not here: whether it suffices (`judge/intel.rs`).

use super::{
    collateral::ParsedCollateral,
    pck::Pck,
    quote::{Quote, SGX_RESERVED, sgx_flags},
    tcb,
};
use crate::{Bound, Claims, Code, Identities, Platform, Reason, Security};
use dcap_qvl::{
    TcbInfo,
    quote::{Report, TDReport10},
};

/// The claims of a quote whose signatures hold.
pub(super) fn claims(quote: &Quote, pck: &Pck<'_>, collateral: &ParsedCollateral<'_>) -> Claims {
    let (tcb, mut noticed) = tcb::appraise(quote, pck, collateral);
    noticed.extend(reserved(quote));
    noticed.extend(quote.report.as_td10().and_then(|report| module(report, &collateral.tcb)));
    noticed.extend(configuration(pck));
    let mut windows = pck.windows().to_vec();
    windows.extend(collateral.windows());
    Claims {
        kind: quote.kind(),
        platform: Platform {
            class: quote.kind().name().into(),
            identities: identities(quote, pck),
            anchor: pck.anchor.name.clone(),
            scope: pck.anchor.scope,
        },
        tcb,
        measurements: quote.measurements(),
        security: security(quote),
        bound: Bound { report_data: quote.report_data().to_vec(), nonce: None, padded: true },
        windows,
        made: None,
        noticed,
    }
}

fn identities(quote: &Quote, pck: &Pck<'_>) -> Identities {
    let platform = &pck.platform;
    let mut names: Identities = [
        ("ppid".to_owned(), platform.ppid.clone()),
        ("fmspc".to_owned(), platform.fmspc.to_vec()),
        ("pceid".to_owned(), platform.pce_id.clone()),
        ("qe_id".to_owned(), quote.header.user_data.iter().take(16).copied().collect()),
    ]
    .into();
    if let Some(id) = &platform.platform_instance_id {
        names.insert("instance_id".to_owned(), id.clone());
    }
    names
}

fn security(quote: &Quote) -> Security {
    let mut security = Security::default();
    if let Some(report) = quote.report.as_sgx() {
        security.debug = sgx_flags(report) & 2 != 0;
    }
    if let Some(td) = quote.td_attributes() {
        // Profiling shows a trust domain's course to the host as a debugger would.
        security.debug = td.tud & 0x71 != 0;
        security.sept_ve_disable = Some(td.sec.sept_ve_disable);
        security.migratable = Some(td.sec.migratable);
        security.service_td = Some(td.sec.servtd_ext || service_td(&quote.report));
    }
    security
}

fn service_td(report: &Report) -> bool {
    let bound = report.as_td15().is_some_and(|report| report.mr_service_td != [0; 48]);
    let now = report.as_td15_ex().is_some_and(|report| report.cur_service_td_hash != [0; 48]);
    bound || now
}

fn reserved(quote: &Quote) -> Option<Reason> {
    let bits = match quote.report.as_sgx() {
        Some(report) => sgx_flags(report) & SGX_RESERVED,
        None => quote.td_attributes()?.reserved,
    };
    let detail = format!("attributes {bits:#x} must be zero");
    (bits != 0).then(|| Reason::new(Code::ReservedAttribute, detail))
}

/// The TDX module must be the vendor's: by the identity of its version, or by the TCB info's own
/// for version 0. That no identity has its version is said by the level.
fn module(report: &TDReport10, tcb: &TcbInfo) -> Option<Reason> {
    let (signer, attributes, mask) = match tcb.tdx_module_identity(&report.tee_tcb_svn) {
        Ok(Some(module)) => (&module.mrsigner, &module.attributes, &module.attributes_mask),
        Ok(None) => {
            let module = tcb.tdx_module.as_ref();
            let none = || Reason::new(Code::TdxModule, "the TCB info names no TDX module");
            match module {
                Some(module) => (&module.mrsigner, &module.attributes, &module.attributes_mask),
                None => return Some(none()),
            }
        }
        Err(_) => return None,
    };
    let is = |text: &str, wanted: &[u8]| hex::decode(text).is_ok_and(|bytes| bytes == wanted);
    let masked = match (hex::decode(attributes), hex::decode(mask)) {
        (Ok(wanted), Ok(mask)) if wanted.len() == 8 && mask.len() == 8 => {
            let pairs = report.seam_attributes.iter().zip(&wanted).zip(&mask);
            // Bits outside the mask are debugging and reserved ones.
            pairs.into_iter().all(|((is, wanted), mask)| *is == wanted & mask)
        }
        _ => false,
    };
    let detail = format!(
        "the TDX module is signed by {} with attributes {}",
        hex::encode(report.mr_signer_seam),
        hex::encode(report.seam_attributes)
    );
    (!is(signer, &report.mr_signer_seam) || !masked).then(|| Reason::new(Code::TdxModule, detail))
}

/// What the PCK says of the platform's configuration (Platform CA only). Normal hosts of several
/// packages have all three, so they are noted, and a policy may raise them.
fn configuration(pck: &Pck<'_>) -> Vec<Reason> {
    let platform = &pck.platform;
    [
        (platform.dynamic_platform, Code::DynamicPlatform, "packages may be added to the platform"),
        (
            platform.cached_keys,
            Code::CachedKeys,
            "Intel's registration service keeps its root keys",
        ),
        (platform.smt_enabled, Code::SmtEnabled, "other threads may run on a core's other half"),
    ]
    .into_iter()
    .filter(|(set, ..)| *set == Some(true))
    .map(|(_, code, detail)| Reason::new(code, detail))
    .collect()
}
