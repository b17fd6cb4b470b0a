//! Azure's confidential VMs on SEV-SNP (Milan, Genoa) and TDX.

use crate::evidence_dir;
use sotto_attest::{
    Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Status, appraise, azure, tpm,
    x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::{collections::BTreeSet, fs, path::Path};

/// 2026-01-15: inside the VCEKs' and the PCK's dates.
const NOW: Time = Time(1_768_435_200);

fn judge(kind: TeeKind, quote: Vec<u8>, expected: &Expected) -> Appraisal {
    let evidence = Evidence { kind, parts: Parts { quote, ..Parts::default() } };
    let endorsements = Endorsements::default();
    appraise(&evidence, &endorsements, expected, &Policy::base(), NOW, &mut Cache::default())
}

fn codes(appraisal: &Appraisal) -> BTreeSet<Code> {
    appraisal.reasons.iter().map(|reason| reason.code).collect()
}

/// Kind, bytes and challenge of each row.
fn rows(folder: &Path) -> Vec<(TeeKind, Vec<u8>, Vec<u8>)> {
    let index = fs::read(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let rows = index["evidence"].as_array().unwrap().iter().filter_map(|row| {
        let kind = match row["kind"].as_str()? {
            "azure-snp" => TeeKind::AzureSnp,
            "azure-tdx" => TeeKind::AzureTdx,
            _ => return None,
        };
        assert_eq!(row["expect"]["authentic"], true);
        assert_eq!(row["expect"]["accept"], serde_json::Value::Null);
        let bytes = fs::read(folder.join(row["file"].as_str()?)).unwrap();
        let message = azure::parse(&bytes).unwrap().message;
        Some((kind, bytes, tpm::parse(&message).unwrap().extra_data))
    });
    rows.collect()
}

#[test]
fn every_row_is_authentic_and_waits_for_reference_values() {
    let Some(folder) = evidence_dir() else { return };
    let rows = rows(&folder);
    assert!(rows.len() >= 6, "{}", rows.len());
    for (kind, bytes, challenge) in rows {
        let wrong = Expected::nonce(&[7; 32]).unwrap();
        let verdict = judge(kind, bytes.clone(), &wrong);
        assert_eq!(verdict.status, Status::Contraindicated);
        let unbound = judge(kind, bytes.clone(), &Expected::DangerouslyUnbound);
        assert_eq!(unbound.authentic, Some(true), "{:?}", unbound.reasons);
        assert_eq!(unbound.status, Status::Warning, "{:?}", unbound.reasons);
        assert_eq!(codes(&unbound).contains(&Code::ChallengeMissing), challenge.is_empty());
        let Ok(expected) = Expected::nonce(&challenge) else { continue };
        let verdict = judge(kind, bytes, &expected);
        assert_eq!((verdict.authentic, verdict.status), (Some(true), Status::Warning));
        let found = codes(&verdict);
        assert!(found.contains(&Code::ReferenceValuesNeeded), "{:?}", verdict.reasons);
        assert_eq!(found.contains(&Code::TcbNotJudged), kind == TeeKind::AzureTdx);
        let claims = verdict.claims.unwrap();
        assert!((0..24).all(|pcr| claims.measurements.contains_key(&format!("pcr{pcr}"))));
        assert_eq!(claims.security.secure_boot, Some(true));
        assert_eq!(claims.kind, kind);
    }
}

/// The text may be written otherwise (white space, the form of the version); the parts may not.
#[test]
fn a_bundle_put_together_again_gets_the_same_verdict() {
    let Some(folder) = evidence_dir() else { return };
    for (kind, bytes, _) in rows(&folder) {
        let again = azure::parse(&bytes).unwrap().to_json().unwrap();
        assert_eq!(azure::parse(&again).unwrap(), azure::parse(&bytes).unwrap());
        let [old, new] = [bytes, again].map(|it| judge(kind, it, &Expected::DangerouslyUnbound));
        // Other bytes are other inputs.
        assert_eq!(old, Appraisal { inputs: old.inputs, ..new });
    }
}

/// 4,096 spread bytes of the compact form of each kind: what is still taken reads as the same parts, or
/// differs only where nothing is signed.
#[test]
fn no_flipped_byte_is_accepted() {
    let Some(folder) = evidence_dir() else { return };
    let policy = Policy::base();
    let mut seen = BTreeSet::new();
    for (kind, bytes, _) in rows(&folder) {
        if bytes.len() > 20_000 || !seen.insert(kind) {
            continue;
        }
        let good = azure::parse(&bytes).unwrap();
        let mut cache = Cache::default();
        for place in 0..4096 {
            let at = place * bytes.len() / 4096;
            let mut bad = bytes.clone();
            bad[at] ^= 1 << (place % 7);
            flipped((kind, bad), &policy, &good, &mut cache, at);
        }
    }
    assert_eq!(seen.len(), 2);
}

fn flipped(
    (kind, bad): (TeeKind, Vec<u8>),
    policy: &Policy,
    good: &azure::Bundle,
    cache: &mut Cache,
    at: usize,
) {
    let read = azure::parse(&bad);
    let evidence = Evidence { kind, parts: Parts { quote: bad, ..Parts::default() } };
    let (given, unbound) = (Endorsements::default(), Expected::DangerouslyUnbound);
    let verdict = appraise(&evidence, &given, &unbound, policy, NOW, cache);
    if verdict.authentic != Some(true) {
        assert_eq!(verdict.status, Status::Contraindicated);
        return;
    }
    let mut read = read.unwrap();
    // Signed by nobody: of a TD report the CPU's security version, the hash of the TCB's part, the
    // MAC and reserved fields; PCRs that were not quoted (none).
    if kind == TeeKind::AzureTdx {
        let places = [1..80, 192..264, 384..512, 1024..1184];
        for place in places {
            let place = place.start + 32..place.end + 32;
            read.hcl_report[place.clone()].copy_from_slice(&good.hcl_report[place]);
        }
    }
    assert!(read == *good, "byte {at} was taken: {:?}", verdict.reasons);
}

/// Parts of one VM with those of another: nothing hangs together.
#[test]
fn parts_of_two_machines_are_not_one() {
    let Some(folder) = evidence_dir() else { return };
    let rows = rows(&folder);
    let of = |kind: TeeKind| {
        let rows = rows.iter().filter(move |row| row.0 == kind);
        rows.map(|row| azure::parse(&row.1).unwrap()).collect::<Vec<_>>()
    };
    let guests = of(TeeKind::AzureSnp);
    let (genoa, milan) = (guests[0].clone(), guests[1].clone());
    let tdx = of(TeeKind::AzureTdx).remove(0);
    // Another machine's quote: not under the key in the runtime data.
    let mixed = azure::Bundle {
        hcl_report: genoa.hcl_report.clone(),
        vcek: genoa.vcek.clone(),
        ..milan.clone()
    };
    let verdict = judge(TeeKind::AzureSnp, mixed.to_json().unwrap(), &Expected::DangerouslyUnbound);
    assert!(codes(&verdict).contains(&Code::SignatureInvalid), "{:?}", verdict.reasons);
    // Another machine's runtime data under a genuine report.
    let mut mixed = milan.clone();
    mixed.hcl_report[32 + 1184..].copy_from_slice(&tdx.hcl_report[32 + 1184..]);
    mixed.hcl_report[..32].copy_from_slice(&tdx.hcl_report[..32]);
    mixed.hcl_report[32 + 1184 + 8] = 2;
    mixed.message.clone_from(&tdx.message);
    mixed.signature.clone_from(&tdx.signature);
    mixed.pcrs.clone_from(&tdx.pcrs);
    let verdict = judge(TeeKind::AzureSnp, mixed.to_json().unwrap(), &Expected::DangerouslyUnbound);
    assert_eq!(codes(&verdict), [Code::PartsNotBound].into(), "{:?}", verdict.reasons);
    // A foreign VCEK.
    let mixed = azure::Bundle { vcek: genoa.vcek, ..milan };
    let verdict = judge(TeeKind::AzureSnp, mixed.to_json().unwrap(), &Expected::DangerouslyUnbound);
    assert_eq!(verdict.authentic, Some(false));
    // The kind is the caller's.
    let verdict = judge(TeeKind::AzureSnp, tdx.to_json().unwrap(), &Expected::DangerouslyUnbound);
    assert_eq!(codes(&verdict), [Code::Malformed].into());
}

/// The other HCL reports of the field are read, each with the key that it names.
#[test]
fn every_hcl_report_is_read() {
    let Some(folder) = evidence_dir() else { return };
    let mut read = BTreeSet::new();
    for entry in fs::read_dir(folder.join("tpm-azure")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if !bytes.starts_with(b"HCLA") {
            continue;
        }
        let hcl = azure::parse_hcl(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        hcl.runtime().unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        for length in 0..bytes.len() {
            let _ = azure::parse_hcl(&bytes[..length]);
        }
        read.insert(hcl.kind);
    }
    assert_eq!(read, [TeeKind::AzureSnp, TeeKind::AzureTdx].into());
}
