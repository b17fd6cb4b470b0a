#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{AzureError, Bundle, parse, parse_hcl};
use crate::{
    Anchor, Anchors, Appraisal, Code, Endorsements, Evidence, Expected, Parts, Policy, Scope,
    Status, Vendor, appraise,
    hash::{Hash, sha256},
    tpm::made::{Boot, Statement, Way, rsa},
    x509::{
        Cache,
        made::{Made, authority, extension, leaf},
    },
};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use rsa::traits::PublicKeyParts as _;
use sotto_types::{TeeKind, Time};
use std::collections::BTreeMap;

/// In 2030.
const NOW: Time = Time(1_900_000_000);
const CHIP: [u8; 64] = [0x5a; 64];
const TCB: [u8; 8] = [4, 1, 0, 0, 0, 0, 24, 219];

/// What is always found of a good one.
const GOOD: [Code; 2] = [Code::ReferenceValuesNeeded, Code::CrlMissing];

/// An Azure VM on Milan under a root of the tests'.
struct Case {
    root: Made,
    vcek: Made,
    boot: Boot,
    statement: Statement,
    runtime: String,
    /// What the hardware binds; the runtime data's hash unless a test says otherwise.
    report_data: Option<Vec<u8>>,
    /// Applied to the HCL report.
    hcl: fn(&mut Vec<u8>),
    /// Applied to the bundle.
    bundle: fn(&mut Bundle),
    parts: Parts,
    expected: Expected,
    policy: Policy,
}

impl Case {
    fn new() -> Self {
        let root = Made::root(authority("ARK-Milan", 1, None));
        let ask = root.issue(authority("SEV-Milan", 2, Some(0)));
        let vcek = vcek(&ask);
        let anchor = Anchor {
            name: "test".into(),
            scope: Scope::Production,
            der: root.der.clone(),
            known: vec![ask.der.clone()],
        };
        let anchors = Anchors::default().with(Vendor::Amd, anchor);
        let boot = Boot::new(&[Hash::Sha256]);
        let values: Vec<u8> = (0..24).flat_map(|n| boot.pcr(Hash::Sha256, n, false)).collect();
        let statement = Statement {
            magic: 0xff54_4347,
            kind: 0x8018,
            extra: b"challenge".to_vec(),
            safe: 1,
            selection: vec![(Hash::Sha256, (0..24).collect())],
            digest: sha256(&values).to_vec(),
        };
        Self {
            root,
            vcek,
            boot,
            statement,
            runtime: runtime(&[("HCLAkPub", "RSA")]),
            report_data: None,
            hcl: |_| {},
            bundle: |_| {},
            parts: Parts::default(),
            expected: Expected::Nonce(b"challenge".to_vec()),
            policy: Policy { anchors, ..Policy::base() },
        }
    }

    fn bundle(&self) -> Bundle {
        let hash = sha256(self.runtime.as_bytes()).to_vec();
        let mut data = self.report_data.clone().unwrap_or(hash);
        data.resize(64, 0);
        let mut hcl = hcl(&report(&data, &self.vcek), &self.runtime);
        (self.hcl)(&mut hcl);
        let message = self.statement.bytes();
        let signature = Way::Rsassa.sign(&message)[6..].to_vec();
        let value = |pcr: u8| (pcr, self.boot.pcr(Hash::Sha256, pcr, false));
        let mut bundle = Bundle {
            hcl_report: hcl,
            message,
            signature,
            pcrs: (0..24).map(value).collect(),
            vcek: Some(self.vcek.der.clone()),
            td_quote: None,
            event_log: None,
        };
        (self.bundle)(&mut bundle);
        bundle
    }

    fn judge(&self) -> Appraisal {
        self.judge_json(self.bundle().to_json().unwrap())
    }

    fn judge_json(&self, quote: Vec<u8>) -> Appraisal {
        self.judge_given(quote, &Endorsements::default())
    }

    fn judge_given(&self, quote: Vec<u8>, given: &Endorsements) -> Appraisal {
        let parts = Parts { quote, ..self.parts.clone() };
        let evidence = Evidence { kind: TeeKind::AzureSnp, parts };
        appraise(&evidence, given, &self.expected, &self.policy, NOW, &mut Cache::default())
    }

    fn codes(&self) -> Vec<Code> {
        codes(&self.judge())
    }
}

fn codes(appraisal: &Appraisal) -> Vec<Code> {
    let mut codes: Vec<Code> = appraisal.reasons.iter().map(|reason| reason.code).collect();
    codes.sort();
    codes.dedup();
    codes
}

/// A VCEK of Milan (AMD, VCEK Certificate and KDS Interface Specification).
fn vcek(issuer: &Made) -> Made {
    let oid = |rest: &[u64]| [&[1, 3, 6, 1, 4, 1, 3704], rest].concat();
    let integer = |n: u8| if n < 0x80 { vec![2, 1, n] } else { vec![2, 2, 0, n] };
    let mut params = leaf("SEV-VCEK", 0);
    let mut add = |rest: &[u64], content: &[u8]| {
        params.custom_extensions.push(extension(&oid(rest), content));
    };
    add(&[1, 1], &integer(0));
    add(&[1, 2], b"\x16\x05Milan");
    for (arc, value) in [1, 2, 4, 5, 6, 7, 3, 8].into_iter().zip(TCB) {
        add(&[1, 3, arc], &integer(value));
    }
    add(&[1, 4], &CHIP);
    issuer.issue(params)
}

/// A report of version 3.
fn report(data: &[u8], vcek: &Made) -> Vec<u8> {
    let mut report = vec![0; 1184];
    let mut set = |at: usize, bytes: &[u8]| report[at..at + bytes.len()].copy_from_slice(bytes);
    set(0, &[3]);
    set(8, &0x3_0000_u64.to_le_bytes());
    set(0x34, &[1]);
    set(0x40, &[0x25]);
    set(0x50, data);
    set(0x90, &[8; 48]);
    set(0x160, &[0xff; 32]);
    for offset in [0x38, 0x180, 0x1e0, 0x1f0] {
        set(offset, &TCB);
    }
    set(0x188, &[0x19, 0x01, 1]);
    set(0x1a0, &CHIP);
    for offset in [0x1e8, 0x1ec] {
        set(offset, &[40, 55, 1]);
    }
    let signature = vcek.sign(&report[..0x2a0]);
    for (half, at) in signature.chunks(48).zip([0x2a0, 0x2a0 + 72]) {
        let little: Vec<u8> = half.iter().rev().copied().collect();
        report[at..at + 48].copy_from_slice(&little);
    }
    report
}

/// Runtime data with these keys, all the same one.
fn runtime(keys: &[(&str, &str)]) -> String {
    let n = Base64UrlUnpadded::encode_string(&rsa().n().to_bytes_be());
    let keys: Vec<String> = keys
        .iter()
        .map(|(kid, kty)| format!(r#"{{"kid":"{kid}","kty":"{kty}","e":"AQAB","n":"{n}"}}"#))
        .collect();
    let id = "00112233-4455-6677-8899-AABBCCDDEEFF";
    format!(
        r#"{{"keys":[{}],"vm-configuration":{{"secure-boot":true,"vmUniqueId":"{id}"}},"user-data":"{}"}}"#,
        keys.join(","),
        "0A".repeat(64)
    )
}

fn hcl(report: &[u8], runtime: &str) -> Vec<u8> {
    let length = u32::try_from(runtime.len()).unwrap();
    let mut bytes = b"HCLA".to_vec();
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    bytes.extend(numbers(&[2, 32 + 1184 + 20 + length, 2, 0, 0, 0, 0]));
    bytes.extend(report);
    bytes.extend(numbers(&[20 + length, 1, 2, 1, length]));
    bytes.extend(runtime.as_bytes());
    bytes.resize(2600, 0);
    bytes
}

#[test]
fn a_good_composite_is_authentic_and_waits_for_reference_values() {
    let case = Case::new();
    let appraisal = case.judge();
    assert_eq!(codes(&appraisal), GOOD, "{:?}", appraisal.reasons);
    assert_eq!((appraisal.authentic, appraisal.status), (Some(true), Status::Warning));
    let claims = appraisal.claims.unwrap();
    assert_eq!((claims.kind, claims.platform.class.as_str()), (TeeKind::AzureSnp, "snp-milan"));
    assert_eq!(claims.bound.report_data, b"challenge");
    assert_eq!(claims.measurements["measurement"], [8; 48]);
    assert_eq!(claims.measurements["pcr4"], case.boot.pcr(Hash::Sha256, 4, false));
    assert_eq!(claims.measurements["user_data"], [10; 64]);
    assert_eq!(claims.security.secure_boot, Some(true));
    assert_eq!(claims.platform.identities["chip_id"], CHIP);
    let id = hex::decode("00112233445566778899aabbccddeeff").unwrap();
    assert_eq!(claims.platform.identities["vm_id"], id);
    assert_eq!(claims.windows.len(), 3);
    // With good values nothing is left to want.
    let mut case = case;
    case.policy.references.insert("pcr4".into(), [case.boot.pcr(Hash::Sha256, 4, false)].into());
    assert_eq!(case.judge().status, Status::Affirming);
    case.policy.pcrs = [4, 23].into();
    assert_eq!(case.judge().status, Status::Affirming);
}

#[test]
fn the_challenge_is_the_quotes_own() {
    let mut case = Case::new();
    case.expected = Expected::Nonce(b"challengf".to_vec());
    assert!(case.codes().contains(&Code::NonceMismatch));
    // The hardware's report data bind nothing fresh.
    case.expected = Expected::ReportData(sha256(case.runtime.as_bytes()).to_vec());
    assert!(case.codes().contains(&Code::ReportDataMismatch));
    case.statement.extra.clear();
    case.expected = Expected::DangerouslyUnbound;
    assert!(case.codes().contains(&Code::ChallengeMissing));
    assert_eq!(case.judge().status, Status::Warning);
}

#[test]
fn runtime_data_that_the_hardware_does_not_vouch_for_are_refused() {
    let mut case = Case::new();
    for data in [vec![0; 64], vec![1; 64], sha256(b"other").to_vec()] {
        case.report_data = Some(data);
        assert_eq!(case.codes(), [Code::PartsNotBound]);
    }
    // The hash, and something behind it.
    let hash = sha256(case.runtime.as_bytes());
    case.report_data = Some([hash, [1; 32]].concat());
    assert_eq!(case.codes(), [Code::PartsNotBound]);
    // The same key in other words.
    let mut case = Case::new();
    case.hcl = |hcl| {
        let at = hcl.windows(4).position(|w| w == b"true").unwrap();
        hcl[at..at + 4].copy_from_slice(b"null");
    };
    assert_eq!(case.codes(), [Code::PartsNotBound]);
}

#[test]
fn every_failed_part_is_named() {
    let mut case = Case::new();
    case.report_data = Some(vec![1; 64]);
    case.statement.digest[0] ^= 1;
    case.bundle = |bundle| bundle.signature[9] ^= 1;
    assert_eq!(case.codes(), [Code::SignatureInvalid, Code::PartsNotBound, Code::PcrDigest]);
    assert_eq!(case.judge().authentic, Some(false));
    case = Case::new();
    case.statement.magic = 0;
    assert_eq!(case.codes(), [Code::NotAQuote]);
    case = Case::new();
    case.bundle = |bundle| bundle.signature.truncate(255);
    assert_eq!(case.codes(), [Code::Malformed]);
}

#[test]
fn the_hardwares_own_findings_count() {
    let mut case = Case::new();
    case.policy.anchors = Anchors::default();
    assert_eq!(case.codes(), [Code::UntrustedRoot]);
    let mut case = Case::new();
    case.bundle = |bundle| bundle.vcek = None;
    let appraisal = case.judge();
    assert_eq!((codes(&appraisal), appraisal.authentic), (vec![Code::SignerMissing], None));
    // The caller's signer does as well.
    let given = Endorsements { signer: Some(case.vcek.der.clone()), ..Endorsements::default() };
    let appraisal = case.judge_given(case.bundle().to_json().unwrap(), &given);
    assert_eq!(codes(&appraisal), GOOD);
    // A bit of the report's policy that its signer did not sign.
    let mut case = Case::new();
    case.hcl = |hcl| hcl[32 + 8 + 2] |= 8;
    assert_eq!(case.codes(), [Code::SignatureInvalid]);
    // AMD revoked the authority.
    let case = Case::new();
    let given = Endorsements { crls: vec![case.root.list(&[2])], ..Endorsements::default() };
    let appraisal = case.judge_given(case.bundle().to_json().unwrap(), &given);
    assert_eq!(codes(&appraisal), [Code::CertificateRevoked]);
}

#[test]
fn a_log_is_replayed_against_the_virtual_tpms_values() {
    let mut case = Case::new();
    case.parts.event_log = Some(case.boot.log());
    assert_eq!(case.codes(), GOOD);
    // The one that the caller gives goes before the one inside.
    case.bundle = |bundle| bundle.event_log = Some(b"no log".to_vec());
    assert_eq!(case.codes(), GOOD);
    case.parts.event_log = None;
    assert_eq!(case.codes(), [Code::Malformed]);
    case.bundle = |bundle| bundle.event_log = Some(Boot::new(&[Hash::Sha256]).log());
    assert_eq!(case.codes(), GOOD);
    case.parts.event_log = Some(Boot { events: vec![], ..case.boot.clone() }.log());
    assert_eq!(case.codes(), [Code::EventLogReplay]);
}

#[test]
fn foreign_parts_and_parts_of_the_other_kind_are_refused() {
    let one = || Some(vec![1]);
    for parts in [
        Parts { signature: one(), ..Parts::default() },
        Parts { ak: one(), ..Parts::default() },
        Parts { pcrs: one(), ..Parts::default() },
        Parts { ek_cert: one(), ..Parts::default() },
        Parts { chain: vec![vec![1]], ..Parts::default() },
    ] {
        assert_eq!(Case { parts, ..Case::new() }.codes(), [Code::Malformed]);
    }
    let mut case = Case::new();
    case.bundle = |bundle| bundle.td_quote = Some(vec![1]);
    assert_eq!(case.codes(), [Code::Malformed]);
    // An SNP report called a TD report, with and without a quote of it.
    let evidence = |bundle: &Bundle| {
        let parts = Parts { quote: bundle.to_json().unwrap(), ..Parts::default() };
        let evidence = Evidence { kind: TeeKind::AzureTdx, parts };
        let (given, policy, cache) =
            (Endorsements::default(), Policy::base(), &mut Cache::default());
        codes(&appraise(&evidence, &given, &Expected::DangerouslyUnbound, &policy, NOW, cache))
    };
    let mut bundle = Case::new().bundle();
    assert_eq!(evidence(&bundle), [Code::Malformed]);
    bundle.hcl_report[32 + 1184 + 8] = 4;
    assert_eq!(evidence(&bundle), [Code::Malformed]);
    bundle.vcek = None;
    assert_eq!(evidence(&bundle), [Code::PartMissing]);
    bundle.td_quote = Some(vec![4, 0, 2, 0]);
    assert_eq!(evidence(&bundle), [Code::Malformed]);
}

#[test]
fn runtime_data_name_one_rsa_key() {
    for keys in [
        &[][..],
        &[("HCLEkPub", "RSA")],
        &[("HCLAkPub", "RSA"), ("HCLAkPub", "RSA")],
        &[("HCLAkPub", "EC")],
    ] {
        let case = Case { runtime: runtime(keys), ..Case::new() };
        assert_eq!(case.codes(), [Code::Malformed], "{keys:?}");
    }
    let good = runtime(&[("HCLEkPub", "RSA"), ("HCLAkPub", "RSA")]);
    assert_eq!(Case { runtime: good.clone(), ..Case::new() }.codes(), GOOD);
    for (old, new) in
        [("00112233-", ""), ("AQAB", "AA"), ("0A0A", "0G0A"), ("\"keys\"", "\"kees\"")]
    {
        let case = Case { runtime: good.replace(old, new), ..Case::new() };
        assert_eq!(case.codes(), [Code::Malformed], "{old}");
    }
}

#[test]
fn hcl_reports_of_no_form_are_refused() {
    let good = Case::new().bundle().hcl_report;
    let changed = |at: usize, byte: u8| {
        let mut hcl = good.clone();
        hcl[at] = byte;
        parse_hcl(&hcl).map(drop)
    };
    let other = AzureError::Hcl("another request, status or reserved field");
    assert_eq!(changed(0, b'h'), Err(AzureError::Hcl("it does not begin with HCLA")));
    let version = |what, value| Err(AzureError::Version { what, value });
    assert_eq!(changed(4, 3), version("HCL report", 3));
    assert_eq!(changed(12, 1), Err(other.clone()));
    assert_eq!(changed(16, 1), Err(other.clone()));
    assert_eq!(changed(31, 1), Err(other));
    assert_eq!(changed(8, 1), Err(AzureError::Hcl("sizes that do not add up")));
    assert_eq!(changed(1216, 1), Err(AzureError::Hcl("sizes that do not add up")));
    assert_eq!(changed(1220, 2), version("HCL runtime data", 2));
    assert_eq!(changed(1224, 3), Err(AzureError::Hcl("neither of SNP nor of TDX")));
    assert_eq!(changed(1228, 4), Err(AzureError::Hcl("a hash not spoken here")));
    assert_eq!(changed(1235, 1), Err(AzureError::Hcl("cut short")));
    assert_eq!(changed(2599, 1), Err(AzureError::Hcl("bytes behind the runtime data")));
    let large = AzureError::TooLarge { what: "HCL report", got: 4097, max: 4096 };
    assert_eq!(parse_hcl(&[0; 4097]).map(drop), Err(large));
    let used = good.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for length in 0..used {
        assert!(parse_hcl(&good[..length]).is_err(), "{length}");
    }
    let fields: BTreeMap<String, String> = Case::new().bundle().describe().into_iter().collect();
    assert_eq!(fields["hcl_kind"], "azure-snp");
    assert_eq!(fields["extra_data"], hex::encode("challenge"));
}

#[test]
fn json_of_no_form_is_refused() {
    let case = Case::new();
    let good = String::from_utf8(case.bundle().to_json().unwrap()).unwrap();
    let upper = hex::encode_upper(&case.bundle().message);
    let message = upper.to_lowercase();
    let long = format!("{good}{}", " ".repeat(256 << 10));
    for (bad, code) in [
        (good.replace("\"version\":1", "\"version\":3"), Code::UnknownVersion),
        (good.replace("\"version\":1,", ""), Code::Malformed),
        (good.replace("\"version\":1", "\"version\":1,\"more\":2"), Code::Malformed),
        (good.replace("\"version\":1", "\"version\":1,\"version\":1"), Code::Malformed),
        (good.replace(&message, &upper), Code::Malformed),
        (good.replace("hcl_report", "report2"), Code::Malformed),
        (good.replace("SENMQ", "S*NMQ"), Code::Malformed),
        (good.replace("\"pcrs\":[", "\"pcrs\":[\"00\","), Code::Malformed),
        (format!("{good}x"), Code::Malformed),
        (long, Code::Malformed),
        (String::new(), Code::Malformed),
    ] {
        assert_ne!(bad, good);
        assert_eq!(codes(&case.judge_json(bad.into_bytes())), [code]);
    }
    for length in 0..good.len() {
        assert!(parse(&good.as_bytes()[..length]).is_err());
    }
    let mut bundle = case.bundle();
    bundle.pcrs.remove(&3);
    assert!(bundle.to_json().is_err());
}

/// Parts written as arrays of numbers, under the names of the first version.
#[test]
fn the_first_version_is_read() {
    let case = Case::new();
    let bundle = case.bundle();
    let pem = der::pem::encode_string(
        "CERTIFICATE",
        der::pem::LineEnding::LF,
        bundle.vcek.as_ref().unwrap(),
    );
    let json = serde_json::json!({
        "quote": {
            "message": bundle.message,
            "signature": bundle.signature,
            "pcrs": bundle.pcrs.values().collect::<Vec<_>>(),
        },
        "report": bundle.hcl_report,
        "vcek": pem.unwrap(),
    });
    assert_eq!(codes(&case.judge_json(json.to_string().into_bytes())), GOOD);
}

/// Flashbots' document: what it holds besides is passed over.
#[test]
fn the_document_of_flashbots_is_read() {
    let mut bundle = Case::new().bundle();
    bundle.vcek = None;
    bundle.td_quote = Some(vec![4, 0, 2, 0]);
    bundle.event_log = Some(vec![1, 2, 3]);
    let base64 = |bytes: &[u8]| base64ct::Base64Url::encode_string(bytes);
    let document = serde_json::json!({
        "tdx_quote_base64": base64(bundle.td_quote.as_ref().unwrap()),
        "hcl_report_base64": base64(&bundle.hcl_report),
        "tpm_attestation": {
            "ak_certificate_pem": "-----BEGIN CERTIFICATE-----",
            "ak_intermediate_certificates_pem": ["-----BEGIN CERTIFICATE-----"],
            "quote": {
                "message": bundle.message,
                "signature": bundle.signature,
                "pcrs": bundle.pcrs.values().collect::<Vec<_>>(),
            },
            "event_log": bundle.event_log,
            "instance_info": null,
        },
    });
    assert_eq!(parse(document.to_string().as_bytes()), Ok(bundle.clone()));
    let old = document
        .to_string()
        .replace("\"ak_intermediate_certificates_pem\":[\"-----BEGIN CERTIFICATE-----\"],", "");
    assert_ne!(old, document.to_string());
    assert_eq!(parse(old.as_bytes()), Ok(bundle));
}

#[test]
fn no_flipped_byte_is_accepted() {
    let case = Case::new();
    let good = case.bundle();
    let json = good.to_json().unwrap();
    let mut cache = Cache::default();
    for at in 0..json.len() {
        let mut bad = json.clone();
        bad[at] ^= 1 << (at % 7);
        let read = parse(&bad);
        let parts = Parts { quote: bad, ..Parts::default() };
        let evidence = Evidence { kind: TeeKind::AzureSnp, parts };
        let given = Endorsements::default();
        let verdict = appraise(&evidence, &given, &case.expected, &case.policy, NOW, &mut cache);
        // The version of the JSON and of the HCL report may be another that is read the same.
        let mut same = read.clone();
        if let Ok(bundle) = &mut same {
            bundle.hcl_report[4] = good.hcl_report[4];
        }
        assert!(verdict.authentic != Some(true) || same == Ok(good.clone()), "byte {at}");
    }
}
