#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::*;
use rcgen::{
    CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
    SerialNumber, date_time_ymd,
};

const PLATFORM: Platform =
    Platform { tee: Intel::Tdx, fmspc: [0x90, 0xc0, 0x6f, 0, 0, 0], processor_ca: false };

/// A service whose statements have these numbers and dates.
#[derive(Clone)]
struct Pccs {
    number: u32,
    date: &'static str,
    list_day: u8,
    answers: BTreeMap<String, Answer>,
}

impl Pccs {
    fn new(number: u32, date: &'static str, list_day: u8) -> Self {
        let mut pccs = Self { number, date, list_day, answers: BTreeMap::new() };
        let chain = "-----BEGIN%20CERTIFICATE-----%0A";
        let statement = |field: &str| {
            // The blanks are part of what is signed.
            let body =
                format!(r#"{{ "issueDate":"{date}",  "tcbEvaluationDataNumber":{number} }}"#);
            format!(r#"{{"{field}":{body},"signature":"0a0b"}}"#).into_bytes()
        };
        let mut put = |path: &str, header: &str, body: Vec<u8>| {
            let headers = [(header.to_owned(), chain.to_owned())].into();
            pccs.answers.insert(format!("https://pccs{path}"), Answer { headers, body });
        };
        for update in ["standard", "early"] {
            let tcb = format!("/tdx/certification/v4/tcb?fmspc=90C06F000000&update={update}");
            put(&tcb, "tcb-info-issuer-chain", statement("tcbInfo"));
            let qe = format!("/tdx/certification/v4/qe/identity?update={update}");
            put(&qe, "sgx-enclave-identity-issuer-chain", statement("enclaveIdentity"));
        }
        let list = list(list_day);
        put(
            "/sgx/certification/v4/pckcrl?ca=platform&encoding=der",
            "sgx-pck-crl-issuer-chain",
            list.clone(),
        );
        put("/sgx/certification/v4/rootcacrl", "-", hex::encode(list).into_bytes());
        pccs
    }
}

fn list(day: u8) -> Vec<u8> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = Issuer::from_params(&params, &key);
    CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, day),
        next_update: date_time_ymd(2026, 2, day),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: vec![],
        key_identifier_method: KeyIdMethod::Sha256,
    }
    .signed_by(&issuer)
    .unwrap()
    .der()
    .to_vec()
}

impl Fetch for Pccs {
    fn get(&self, url: &str) -> Result<Answer, String> {
        self.answers.get(url).cloned().ok_or_else(|| "404".into())
    }
}

fn store() -> (tempfile::TempDir, CollateralStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = CollateralStore::open(folder.path().join("kept")).unwrap();
    (folder, store)
}

fn ask(store: &CollateralStore, pccs: &Pccs, which: Evaluation) -> Result<Collateral, StoreError> {
    store.intel(&PLATFORM, which, &Source::Pccs("https://pccs/".into()), pccs)
}

const STANDARD: Evaluation = Evaluation::Standard;

#[test]
fn statements_are_kept_to_the_byte() {
    let (_folder, store) = store();
    let pccs = Pccs::new(17, "2026-01-10T00:00:00Z", 10);
    let fresh = ask(&store, &pccs, STANDARD).unwrap();
    let body = r#"{ "issueDate":"2026-01-10T00:00:00Z",  "tcbEvaluationDataNumber":17 }"#;
    assert_eq!(fresh.tcb_info, body);
    assert_eq!(fresh.tcb_info_signature, [0x0a, 0x0b]);
    assert_eq!(fresh.tcb_info_issuer_chain, "-----BEGIN CERTIFICATE-----\n");
    // One list came as DER, the other as digits.
    assert_eq!(fresh.root_ca_crl, fresh.pck_crl);
    assert_eq!(store.kept(&PLATFORM).unwrap(), fresh);
}

#[test]
fn aleph_vm_1195_an_older_genuine_statement_is_refused() {
    let (_folder, store) = store();
    let newest = ask(&store, &Pccs::new(17, "2026-01-10T00:00:00Z", 10), STANDARD).unwrap();
    for (older, what) in [
        (Pccs::new(16, "2026-01-11T00:00:00Z", 10), "TCB info"),
        (Pccs::new(17, "2026-01-09T23:59:59Z", 10), "TCB info"),
        (Pccs::new(17, "2026-01-10T00:00:00Z", 9), "CRL"),
    ] {
        let Err(StoreError::Older { what: named, .. }) = ask(&store, &older, STANDARD) else {
            panic!("{} of {} was taken", older.number, older.date)
        };
        assert!(named.contains(what), "{named}");
        assert_eq!(store.kept(&PLATFORM).unwrap(), newest, "list of day {}", older.list_day);
    }
    // The same again, and a newer one, are taken; another store on the same folder remembers.
    let again = Pccs::new(17, "2026-01-10T00:00:00Z", 11);
    ask(&store, &again, STANDARD).unwrap();
    let reopened = CollateralStore::open(&store.folder).unwrap();
    let old = Pccs::new(17, "2026-01-10T00:00:00Z", 10);
    assert!(matches!(ask(&reopened, &old, STANDARD), Err(StoreError::Older { .. })));
}

#[test]
fn an_early_evaluation_forecasts_and_binds_nobody() {
    let (_folder, store) = store();
    ask(&store, &Pccs::new(18, "2026-02-01T00:00:00Z", 20), Evaluation::Early).unwrap();
    assert!(matches!(store.kept(&PLATFORM), Err(StoreError::Disk(..))));
    ask(&store, &Pccs::new(17, "2026-01-10T00:00:00Z", 10), STANDARD).unwrap();
}

#[test]
fn a_crash_after_the_marks_lets_nothing_older_in() {
    let (_folder, store) = store();
    ask(&store, &Pccs::new(17, "2026-01-10T00:00:00Z", 10), STANDARD).unwrap();
    std::fs::remove_file(store.folder.join(file_name(&PLATFORM))).unwrap();
    let older = Pccs::new(16, "2026-01-01T00:00:00Z", 1);
    assert!(matches!(ask(&store, &older, STANDARD), Err(StoreError::Older { .. })));
    ask(&store, &Pccs::new(17, "2026-01-10T00:00:00Z", 10), STANDARD).unwrap();
}

#[test]
fn a_store_whose_memory_is_damaged_gives_nothing() {
    let (_folder, store) = store();
    std::fs::write(store.folder.join("seen.json"), b"{").unwrap();
    let pccs = Pccs::new(17, "2026-01-10T00:00:00Z", 10);
    assert!(matches!(ask(&store, &pccs, STANDARD), Err(StoreError::Disk(..))));
}

#[test]
fn hostile_answers_are_refused() {
    let (_folder, store) = store();
    let good = Pccs::new(17, "2026-01-10T00:00:00Z", 10);
    let tcb = "https://pccs/tdx/certification/v4/tcb?fmspc=90C06F000000&update=standard";
    let crl = "https://pccs/sgx/certification/v4/pckcrl?ca=platform&encoding=der";
    let with = |url: &str, change: &dyn Fn(&mut Answer)| {
        let mut bad = good.clone();
        change(bad.answers.get_mut(url).unwrap());
        ask(&store, &bad, STANDARD)
    };
    let answer = |r: Result<Collateral, StoreError>| matches!(r, Err(StoreError::Answer { .. }));
    assert!(answer(with(tcb, &|a| a.body = b"{}".to_vec())));
    assert!(answer(with(tcb, &|a| a.body = br#"{"tcbInfo":{},"signature":"zz"}"#.to_vec())));
    assert!(answer(with(tcb, &|a| a.body = br#"{"tcbInfo":{},"signature":"00"}"#.to_vec())));
    assert!(answer(with(tcb, &|a| a.headers.clear())));
    assert!(answer(with(crl, &|a| a.body = vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff])));
    let huge = with(crl, &|a| a.body = vec![0; ANSWER_MAX + 1]);
    assert!(matches!(huge, Err(StoreError::Fetch { .. })));
    assert!(matches!(store.kept(&PLATFORM), Err(StoreError::Disk(..))), "something was kept");
}

#[test]
fn a_folder_is_a_source_too() {
    let (folder, store) = store();
    let fresh = ask(&store, &Pccs::new(17, "2026-01-10T00:00:00Z", 10), STANDARD).unwrap();
    let path = folder.path().join("tdx_90c06f000000.json");
    std::fs::write(path, serde_json::to_vec(&fresh).unwrap()).unwrap();
    let other = CollateralStore::open(folder.path().join("other")).unwrap();
    let source = Source::Folder(folder.path().to_owned());
    let nobody = Pccs { answers: BTreeMap::new(), ..Pccs::new(0, "", 1) };
    assert_eq!(other.intel(&PLATFORM, STANDARD, &source, &nobody).unwrap(), fresh);
}

#[test]
fn a_certificate_of_a_chip_is_asked_for_once() {
    let (_folder, store) = store();
    let key = KeyPair::generate().unwrap();
    let der = CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap().der().to_vec();
    let query = "vcek/v1/Milan/aa?blSPL=03&teeSPL=00";
    let url = format!("https://kds/{query}");
    let with = |body: Vec<u8>| {
        let answers = [(url.clone(), Answer { headers: BTreeMap::new(), body })].into();
        Pccs { answers, ..Pccs::new(0, "", 1) }
    };
    let bad = store.amd_certificate("https://kds", query, &with(b"<html>".to_vec()));
    assert!(matches!(bad, Err(StoreError::Answer { .. })));
    let kds = with(der.clone());
    assert_eq!(store.amd_certificate("https://kds/", query, &kds).unwrap(), der);
    let nobody = Pccs { answers: BTreeMap::new(), ..kds };
    assert_eq!(store.amd_certificate("https://kds", query, &nobody).unwrap(), der);
    let other = "vcek/v1/Milan/aa?blSPL=04&teeSPL=00";
    let refused = store.amd_certificate("https://kds", other, &nobody);
    assert!(matches!(refused, Err(StoreError::Fetch { .. })));
}
