//! What a genuine report says, in the shape of all kinds. Not here: whether it suffices.

use super::{
    Product, Report,
    describe::words,
    key::{Key, Owner},
    verify::Chain,
};
use crate::{Bound, Claims, Code, Identities, Measurements, Platform, Reason, Security, Tcb};
use sotto_types::TeeKind;
use std::collections::BTreeMap;

pub(super) fn claims(report: &Report, key: &Key, chain: Chain<'_>) -> Claims {
    let mut noticed = notices(report, key);
    noticed.extend(chain.crl_missing);
    Claims {
        kind: TeeKind::Snp,
        platform: Platform {
            class: key.product.class().into(),
            identities: identities(report, &key.owner),
            anchor: chain.anchor.name.clone(),
            scope: chain.anchor.scope,
        },
        tcb: Tcb { svns: svns(report, key.product), ..Tcb::default() },
        measurements: measurements(report),
        security: security(report, key.product),
        bound: Bound { report_data: report.report_data.to_vec(), nonce: None, padded: true },
        windows: chain.windows,
        made: None,
        noticed,
    }
}

/// The chip's name comes from its certificate where there is one: the host can mask it in the
/// report, and only the certificate's is AMD's word. Under a VLEK it is the firmware's word.
fn identities(report: &Report, owner: &Owner) -> Identities {
    let mut identities = Identities::new();
    match owner {
        Owner::Chip(name) => {
            identities.insert("chip_id".into(), name.clone());
        }
        Owner::Cloud(name) => {
            identities.insert("csp_id".into(), name.as_bytes().to_vec());
            if !report.chip_id_masked() {
                identities.insert("chip_id".into(), report.chip_id.to_vec());
            }
        }
    }
    identities
}

fn svns(report: &Report, product: Product) -> BTreeMap<String, u64> {
    let named = |prefix: &'static str, tcb: [u8; 8]| {
        let bytes = product.layout().iter().zip(tcb);
        let spoken = bytes.filter(|((name, _), _)| !name.starts_with("spl"));
        spoken.map(move |((name, _), value)| (format!("{prefix}{name}"), u64::from(value)))
    };
    named("", report.reported_tcb).chain(named("launch_", report.launch_tcb)).collect()
}

fn measurements(report: &Report) -> Measurements {
    let mut all: Measurements = [
        ("measurement", report.measurement.to_vec()),
        ("host_data", report.host_data.to_vec()),
        ("id_key_digest", report.id_key_digest.to_vec()),
        ("report_id", report.report_id.to_vec()),
        ("report_id_ma", report.report_id_ma.to_vec()),
        ("family_id", report.family_id.to_vec()),
        ("image_id", report.image_id.to_vec()),
        ("guest_svn", report.guest_svn.to_le_bytes().to_vec()),
        ("guest_policy", report.policy.0.to_le_bytes().to_vec()),
    ]
    .map(|(name, value)| (name.into(), value))
    .into();
    // Without AUTHOR_KEY_EN the field means nothing, and a policy that names it must not match.
    if report.author_key {
        all.insert("author_key_digest".into(), report.author_key_digest.to_vec());
    }
    all
}

fn security(report: &Report, product: Product) -> Security {
    let alias_checked = if report.alias_checked() {
        Some(true)
    } else {
        product.reports_alias_check(report.current, report.version).then_some(false)
    };
    Security {
        debug: report.policy.debug(),
        vmpl: Some(report.vmpl),
        migratable: Some(report.policy.migratable()),
        smt: Some(report.policy.smt()),
        single_socket: Some(report.policy.single_socket()),
        guest_abi: Some(report.policy.abi()),
        report_version: Some(report.version),
        alias_checked,
        ..Security::default()
    }
}

/// What has no field of its own.
fn notices(report: &Report, key: &Key) -> Vec<Reason> {
    let mut noticed = order(report, key.product);
    if report.chip_id_masked() {
        let detail = match key.owner {
            Owner::Chip(_) => "the report's CHIP_ID is zero; the name is the VCEK certificate's",
            Owner::Cloud(_) => "the report's CHIP_ID is zero: nobody but the cloud knows the chip",
        };
        noticed.push(Reason::new(Code::ChipIdMasked, detail));
    }
    if report.author_key == (report.author_key_digest == [0; 48]) {
        let detail = "AUTHOR_KEY_EN does not say whether AUTHOR_KEY_DIGEST is there";
        noticed.push(Reason::new(Code::AuthorKey, detail));
    }
    if !report.policy.reserved_as_specified() {
        let detail = format!("guest policy {:#x}", report.policy.0);
        noticed.push(Reason::new(Code::ReservedAttribute, detail));
    }
    noticed
}

/// What is reported is at most what is committed, and that at most what runs; a guest was launched
/// under anything, for it may have come from another machine.
fn order(report: &Report, product: Product) -> Vec<Reason> {
    let named = [
        ("reported", &report.reported_tcb),
        ("committed", &report.committed_tcb),
        ("current", &report.current_tcb),
    ];
    let mut noticed = Vec::new();
    for pair in named.windows(2) {
        if let [(low, lower), (high, higher)] = pair
            && lower.iter().zip(*higher).any(|(l, h)| l > h)
        {
            let (lower, higher) = (words(product, lower), words(product, higher));
            let detail = format!("{low} TCB ({lower}) is above the {high} one ({higher})");
            noticed.push(Reason::new(Code::TcbInconsistent, detail));
        }
    }
    if report.committed > report.current {
        let detail = format!("committed firmware {} > {}", report.committed, report.current);
        noticed.push(Reason::new(Code::TcbInconsistent, detail));
    }
    noticed
}
