//! SEV-SNP reports of Milan, Genoa and Turin, with VCEK and VLEK.

use serde_json::Value;
use sotto_attest::{
    Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Status, appraise, snp,
    x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::{fs, path::Path};

struct Row {
    file: String,
    report: Vec<u8>,
    signer: Option<Vec<u8>>,
    /// First and last moment of the signer's certificate, to the day.
    window: Option<(Time, Time)>,
    authentic: Option<bool>,
    accept: Option<bool>,
}

/// Midnight of a date such as `2025-12-10`.
fn day(date: &str) -> Option<Time> {
    let mut parts = date.split('-').map(|part| part.parse::<u64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    let days = |year: u64| (year - 1970) * 365 + (year - 1969) / 4;
    let leap = u64::from(year.is_multiple_of(4) && month > 2);
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    Some(Time((days(year) + before[month as usize - 1] + leap + day - 1) * 86_400))
}

fn row(dir: &Path, all: &[Value], value: &Value) -> Option<Row> {
    let text = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    let kind = text(value, "kind")?;
    let origin = text(value, "derived_from");
    let base = match &origin {
        Some(file) => {
            all.iter().find(|row| row["file"] == file.as_str() && row["kind"] == "snp")?
        }
        None => value,
    };
    if base["kind"] != "snp" || (kind != "snp" && kind != "tampered") {
        return None;
    }
    let file = text(value, "file")?;
    let signer = text(base, "signer").filter(|path| path != "-");
    let dates = text(base, "signer_valid")?;
    let (start, end) = dates.split_once("..")?;
    Some(Row {
        report: fs::read(dir.join(&file)).unwrap(),
        signer: signer.map(|path| fs::read(dir.join(path)).unwrap()),
        window: day(start).zip(day(end)),
        authentic: value["expect"]["authentic"].as_bool(),
        accept: value["expect"]["accept"].as_bool(),
        file,
    })
}

fn rows(dir: &Path) -> Vec<Row> {
    let index = fs::read(dir.join("index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let all = index["evidence"].as_array().unwrap();
    all.iter().filter_map(|value| row(dir, all, value)).collect()
}

fn judge(row: &Row, expected: &Expected, now: Time) -> Appraisal {
    let endorsements = Endorsements { signer: row.signer.clone(), ..Endorsements::default() };
    let parts = Parts { quote: row.report.clone(), ..Parts::default() };
    let evidence = Evidence { kind: TeeKind::Snp, parts };
    appraise(&evidence, &endorsements, expected, &Policy::base(), now, &mut Cache::default())
}

fn field(row: &Row) -> Expected {
    Expected::ReportData(row.report[0x50..0x90].to_vec())
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    appraisal
        .reasons
        .iter()
        .map(|reason| reason.code)
        .filter(|code| *code != Code::NoReferenceValues)
        .collect()
}

fn within(row: &Row) -> Time {
    row.window.map_or(Time(1_750_000_000), |(start, _)| Time(start.0 + 2 * 86_400))
}

#[test]
fn every_row_gets_what_its_expectation_says() {
    let Some(dir) = super::evidence_dir() else { return };
    let rows = rows(&dir);
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in &rows {
        let bound = judge(row, &field(row), within(row));
        let unbound = judge(row, &Expected::DangerouslyUnbound, within(row));
        let (if_bound, if_unbound) = match row.accept {
            Some(true) => (Status::Affirming, Status::Warning),
            None => (Status::Warning, Status::Warning),
            Some(false) => (Status::Contraindicated, Status::Contraindicated),
        };
        assert_eq!(bound.authentic, row.authentic, "{}: {:?}", row.file, bound.reasons);
        assert_eq!(bound.status, if_bound, "{}: {:?}", row.file, bound.reasons);
        assert_eq!(unbound.status, if_unbound, "{}: {:?}", row.file, unbound.reasons);
        assert!(!row.file.starts_with("snp/") || row.signer.is_none() || bound.claims.is_some());
    }
}

#[test]
fn outside_the_signers_window_a_genuine_report_is_authentic_and_contraindicated() {
    let Some(dir) = super::evidence_dir() else { return };
    for row in rows(&dir).iter().filter(|row| row.accept == Some(true)) {
        let (start, end) = row.window.unwrap();
        for (now, code) in
            [(start.0 - 86_400, Code::NotYetValid), (end.0 + 2 * 86_400, Code::Expired)]
        {
            let appraisal = judge(row, &field(row), Time(now));
            assert_eq!(appraisal.authentic, Some(true));
            assert_eq!(appraisal.status, Status::Contraindicated);
            assert!(codes(&appraisal).contains(&code), "{}: {:?}", row.file, appraisal.reasons);
        }
    }
}

fn by_name(dir: &Path, name: &str) -> Row {
    rows(dir).into_iter().find(|row| row.file.contains(name)).unwrap()
}

/// The `sev` crate accepts this report at any time: the certificate ended on 2025-12-10.
#[test]
fn an_expired_vlek_is_refused() {
    let Some(dir) = super::evidence_dir() else { return };
    let row = by_name(&dir, "trustee__test-vlek-report");
    let late = judge(&row, &field(&row), Time(1_790_000_000));
    assert_eq!(late.authentic, Some(true));
    assert!(codes(&late).contains(&Code::Expired), "{:?}", late.reasons);
    assert!(codes(&late).contains(&Code::Vmpl), "{:?}", late.reasons);
    let claims = late.claims.unwrap();
    assert_eq!(claims.platform.identities["csp_id"], b"CN=cc-us-east-2.amazonaws.com");
    assert!(!claims.platform.identities.contains_key("chip_id"));
}

/// trustee's two edited certificates, with the chip's name as it is and wrapped in an OCTET STRING:
/// other security versions, another chip, and AMD did not sign them.
#[test]
fn trustee_test_vcek_invalid_legacy_and_new_are_refused() {
    let Some(dir) = super::evidence_dir() else { return };
    let mut row = by_name(&dir, "trustee__test-report.bin_7c61");
    for name in ["legacy", "new"] {
        let file = format!("snp/confidential-containers-trustee__test-vcek-invalid-{name}.der");
        row.signer = Some(fs::read(dir.join(file)).unwrap());
        let appraisal = judge(&row, &field(&row), within(&row));
        assert_eq!(appraisal.authentic, Some(false));
        for code in [
            Code::ChainInvalid,
            Code::SignatureInvalid,
            Code::SignerTcbMismatch,
            Code::SignerChipMismatch,
        ] {
            assert!(codes(&appraisal).contains(&code), "{name}: {:?}", appraisal.reasons);
        }
    }
}

#[test]
fn a_vcek_of_another_chip_or_product_is_refused() {
    let Some(dir) = super::evidence_dir() else { return };
    let genuine: Vec<Row> = rows(&dir).into_iter().filter(|row| row.accept == Some(true)).collect();
    for row in &genuine {
        for other in
            genuine.iter().filter(|other| other.report[0x1a0..0x1e0] != row.report[0x1a0..0x1e0])
        {
            let swapped = Row {
                file: row.file.clone(),
                report: row.report.clone(),
                signer: other.signer.clone(),
                ..*row
            };
            let appraisal = judge(&swapped, &field(row), within(row));
            assert_eq!(appraisal.authentic, Some(false));
            let codes = codes(&appraisal);
            assert!(
                codes.contains(&Code::SignatureInvalid)
                    && codes.contains(&Code::SignerChipMismatch)
            );
        }
    }
}

#[test]
fn no_single_flipped_byte_of_a_genuine_report_is_accepted_on_any_product() {
    let Some(dir) = super::evidence_dir() else { return };
    let samples =
        [("virtee-sev__report_milan", 7), ("genoa_attestation", 7), ("turin_attestation", 1)];
    for (name, step) in samples {
        let good = by_name(&dir, name);
        let (at, expected) = (within(&good), Expected::DangerouslyUnbound);
        for index in (0..good.report.len()).step_by(step) {
            let mut bad = Row {
                file: good.file.clone(),
                report: good.report.clone(),
                signer: good.signer.clone(),
                ..good
            };
            bad.report[index] ^= 1 << (index % 8);
            let appraisal = judge(&bad, &expected, at);
            assert_eq!(appraisal.authentic, Some(false), "{name} at {index:#x}");
        }
    }
}

#[test]
fn no_single_flipped_byte_of_the_signers_certificate_is_accepted() {
    let Some(dir) = super::evidence_dir() else { return };
    let good = by_name(&dir, "turin_attestation");
    let signer = good.signer.clone().unwrap();
    for index in 0..signer.len() {
        let mut bad = Row {
            file: String::new(),
            report: good.report.clone(),
            signer: Some(signer.clone()),
            ..good
        };
        if let Some(byte) = bad.signer.as_mut().and_then(|signer| signer.get_mut(index)) {
            *byte ^= 1 << (index % 8);
        }
        let appraisal = judge(&bad, &Expected::DangerouslyUnbound, within(&good));
        assert_eq!(appraisal.authentic, Some(false), "at {index:#x}");
    }
}

#[test]
fn a_second_look_at_the_same_chain_needs_no_rsa() {
    let Some(dir) = super::evidence_dir() else { return };
    for row in rows(&dir).iter().filter(|row| row.accept == Some(true)) {
        let endorsements = Endorsements { signer: row.signer.clone(), ..Endorsements::default() };
        let parts = Parts { quote: row.report.clone(), ..Parts::default() };
        let evidence = Evidence { kind: TeeKind::Snp, parts };
        let mut cache = Cache::default();
        let mut look = |now: Time| {
            appraise(&evidence, &endorsements, &field(row), &Policy::base(), now, &mut cache)
        };
        let (cold, warm) = (look(within(row)), look(within(row)));
        assert_eq!(cold, warm);
        assert_eq!(cache.len(), 2, "VCEK under ASK, ASK under ARK");
    }
}

#[test]
fn every_report_describes_itself() {
    let Some(dir) = super::evidence_dir() else { return };
    for row in rows(&dir) {
        let fields = snp::parse(&row.report).unwrap().describe();
        let version = &fields.iter().find(|(name, _)| name == "VERSION").unwrap().1;
        assert_eq!(*version, row.report[0].to_string());
        assert!(fields.iter().all(|(_, value)| !value.is_empty()));
    }
}
