//! TDX and SGX: quotes of real platforms with the collateral of their time.

use crate::evidence_dir;
use dcap_qvl::{QuoteCollateralV3, QuotePolicy, verify::QuoteVerifier};
use der::DateTime;
use serde_json::Value;
use sotto_attest::{
    Appraisal, Code, Collateral, Effect, Endorsements, Evidence, Expected, Parts, Policy, Status,
    Vendor, appraise, intel, x509::Cache,
};
use sotto_types::{TeeKind, Time};
use std::{fs, path::Path};

/// Files that were written with something after the quote: zeros of a fixed buffer, or, in one, a
/// text that says it is there for testing. Their reader cuts them; the library refuses them.
const PADDED: [(&str, usize); 8] = [
    ("Dstack-TEE-dstack__tdx_quote", 70),
    ("Phala-Network-dcap-qvl__tdx_quote", 70),
    ("confidential-containers-trustee__td-quote.bin", 70),
    ("confidential-containers-trustee__tdx_quote_6.dat", 70),
    ("flashbots-attested-tls__dcap-tdx-1766059550570652607", 3065),
    ("flashbots-attested-tls__gcp-tdx-1782809233226668671", 3065),
    ("google-go-tdx-guest__cos-113-tdx-quote.dat", 3065),
    ("google-go-tdx-guest__tdx_prod_quote_SPR_E4.dat", 39),
];

struct Row {
    name: String,
    kind: TeeKind,
    quote: Vec<u8>,
    collateral: Option<String>,
    at: Time,
    expect: Value,
}

fn time(text: &str) -> u64 {
    let text = text.replace('Z', ":00Z");
    text.parse::<DateTime>().unwrap().unix_duration().as_secs()
}

/// The middle of a row's window; without one, inside every PCK's validity.
fn moment(row: &Value) -> Time {
    let window = row["window"].as_str().unwrap_or("-");
    let (start, end) =
        window.split_once("..").unwrap_or(("2026-06-15T00:00Z", "2026-06-15T00:00Z"));
    Time(time(start).midpoint(time(end)))
}

fn collateral(folder: &Path, row: &Value) -> Option<String> {
    fs::read_to_string(folder.join(row["collateral"].as_str()?)).ok()
}

fn cut(bytes: &[u8]) -> Vec<u8> {
    let exact = intel::length(bytes).filter(|exact| *exact < bytes.len());
    bytes[..exact.unwrap_or(bytes.len())].to_vec()
}

/// The rows of both kinds, with the tampered copies of them.
fn rows() -> Vec<Row> {
    let Some(folder) = evidence_dir() else { return vec![] };
    let index: Value =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let all = index["evidence"].as_array().unwrap();
    let mut rows = Vec::new();
    for row in all {
        let origin = match row["kind"].as_str().unwrap() {
            "tdx" | "sgx" => row,
            "tampered" => {
                let same = |other: &&Value| other["file"] == row["derived_from"];
                all.iter().find(same).unwrap()
            }
            _ => continue,
        };
        let kind = match origin["kind"].as_str().unwrap() {
            "tdx" => TeeKind::Tdx,
            "sgx" => TeeKind::Sgx,
            _ => continue,
        };
        let file = row["file"].as_str().unwrap();
        rows.push(Row {
            name: format!("{file} {}", origin["collateral"]),
            kind,
            quote: fs::read(folder.join(file)).unwrap(),
            collateral: collateral(&folder, origin),
            at: moment(origin),
            expect: row["expect"].clone(),
        });
    }
    assert!(!rows.is_empty(), "the index has no row of these kinds");
    rows
}

fn judge(row: &Row, quote: &[u8], expected: &Expected, at: Time, cache: &mut Cache) -> Appraisal {
    let collateral =
        row.collateral.as_ref().map(|text| serde_json::from_str::<Collateral>(text).unwrap());
    let endorsements = Endorsements { collateral, ..Endorsements::default() };
    let parts = Parts { quote: quote.to_vec(), ..Parts::default() };
    let evidence = Evidence { kind: row.kind, parts };
    appraise(&evidence, &endorsements, expected, &Policy::base(), at, cache)
}

/// The expectation is taken from the capture; an all-zero field is one too.
fn own(quote: &[u8]) -> Expected {
    let data = intel::parse(quote).map(|quote| quote.report_data());
    Expected::ReportData(data.unwrap_or([1; 64]).to_vec())
}

fn grave(appraisal: &Appraisal) -> Vec<Code> {
    let all = appraisal.reasons.iter().map(|reason| reason.code);
    all.filter(|code| code.effect() > Effect::Note).collect()
}

#[test]
fn every_row_gets_what_the_index_says() {
    for row in rows() {
        let (name, mut cache) = (&row.name, Cache::default());
        let quote = cut(&row.quote);
        let bound = judge(&row, &quote, &own(&quote), row.at, &mut cache);
        let unbound = judge(&row, &quote, &Expected::DangerouslyUnbound, row.at, &mut cache);
        assert_eq!(
            bound.authentic,
            row.expect["authentic"].as_bool(),
            "{name} {:?}",
            bound.reasons
        );
        match row.expect["accept"].as_bool() {
            Some(true) => {
                assert_eq!(bound.status, Status::Affirming, "{name} {:?}", bound.reasons);
                assert_eq!(unbound.status, Status::Warning, "{name}");
            }
            Some(false) => {
                assert_eq!(bound.status, Status::Contraindicated, "{name}");
                assert_eq!(unbound.status, Status::Contraindicated, "{name}");
            }
            None => assert_eq!(bound.status, Status::Warning, "{name}"),
        }
        let reason = row.expect["reason"].as_str().unwrap();
        let because = match reason {
            "Debug mode is enabled" => Some(Code::Debug),
            "SEPT_VE_DISABLE is not enabled" => Some(Code::SeptVeDisable),
            "Invalid MR service TD" => Some(Code::ServiceTd),
            "No matching TCB level found" => Some(Code::TcbLevelMissing),
            "certificate chain does not verify" => Some(Code::Malformed),
            _ => None,
        };
        let codes = grave(&bound);
        if let Some(code) = because {
            assert!(codes.contains(&code), "{name} {codes:?}");
        }
        if reason.starts_with("TCB status") {
            assert_eq!(codes, [Code::TcbStatusRefused], "{name}");
        }
        if let (Some(claims), Some(status)) = (&bound.claims, row.expect["tcb_status"].as_str()) {
            assert_eq!(claims.tcb.status.unwrap().name(), status, "{name}");
        }
    }
}

#[test]
fn bare_dcap_qvl_never_takes_what_is_refused_here_and_gives_the_same_status() {
    for row in rows() {
        let Some(text) = &row.collateral else { continue };
        let quote = cut(&row.quote);
        let ours = judge(&row, &quote, &own(&quote), row.at, &mut Cache::default());
        let collateral: QuoteCollateralV3 = serde_json::from_str(text).unwrap();
        let root = Policy::base().anchors.of(Vendor::Intel)[0].der.clone();
        let theirs = QuoteVerifier::new(root)
            .allow_debug(true)
            .allow_service_td(true)
            .verify_with_policy(&quote, collateral, row.at.0, &QuotePolicy::claims_only(row.at.0));
        match theirs {
            Ok(theirs) => {
                let tcb = ours.claims.expect(&row.name).tcb;
                assert_eq!(tcb.status.unwrap().name(), theirs.tcb.status.to_string());
                let mut advisories = theirs.tcb.advisory_ids;
                advisories.sort();
                assert_eq!(tcb.advisories, advisories, "{}", row.name);
                assert_eq!(tcb.evaluation, Some(theirs.tcb.eval_data_number));
            }
            Err(error) => {
                let codes = grave(&ours);
                let known = match error.to_string().as_str() {
                    "No matching TCB level found" => codes.contains(&Code::TcbLevelMissing),
                    "SEPT_VE_DISABLE is not enabled" => codes.contains(&Code::SeptVeDisable),
                    "TD migration is enabled" => codes.contains(&Code::Migratable),
                    _ => ours.authentic == Some(false),
                };
                assert!(known, "{} {error:#} {codes:?}", row.name);
            }
        }
    }
}

#[test]
fn padded_files_are_refused_by_exact_length() {
    let mut padded = Vec::new();
    for row in rows() {
        let exact = cut(&row.quote).len();
        if exact == row.quote.len() || row.name.starts_with("tampered") {
            continue;
        }
        let file = row.name.split([' ', '/']).nth(1).unwrap().to_owned();
        padded.push((file, row.quote.len() - exact));
        let judged = judge(&row, &row.quote, &own(&row.quote), row.at, &mut Cache::default());
        assert_eq!(grave(&judged), [Code::Malformed], "{}", row.name);
    }
    padded.sort();
    padded.dedup();
    let listed = PADDED.map(|(file, more)| (file.to_owned(), more));
    assert!(padded.is_empty() || padded == listed, "{padded:?}");
}

/// A good row of each kind and form.
fn good() -> Vec<Row> {
    let mut found: Vec<Row> = Vec::new();
    for row in rows() {
        let version = |row: &Row| (row.kind, row.quote[0]);
        let wanted = row.expect["accept"] == true || row.kind == TeeKind::Sgx;
        let genuine = row.expect["authentic"] == true;
        if wanted && genuine && found.iter().all(|other| version(other) != version(&row)) {
            found.push(row);
        }
    }
    found
}

#[test]
fn no_flipped_byte_is_ever_taken_for_good() {
    for row in good() {
        let quote = cut(&row.quote);
        let (expected, mut cache) = (own(&quote), Cache::default());
        let step = quote.len().div_ceil(4096).max(1);
        for at in (0..quote.len()).step_by(step) {
            let mut bad = quote.clone();
            bad[at] ^= 1 << (at % 8);
            let judged = judge(&row, &bad, &expected, row.at, &mut cache);
            // There is no place outside what is signed that is not of one form only.
            assert_eq!(judged.authentic, Some(false), "{} byte {at}", row.name);
        }
    }
}

#[test]
fn no_beginning_of_a_quote_is_taken() {
    for row in good() {
        let quote = cut(&row.quote);
        for end in 0..quote.len() {
            assert!(intel::parse(&quote[..end]).is_err(), "{} {end}", row.name);
        }
    }
}
