//! Evidence, endorsements and policies of every kind, as strangers hand them in: read without a
//! panic, described, and read the same twice; verified under anchors that vouch for none of it.
//!
//! Genuine evidence is not part of the repository: with the folder of captures (`SOTTO_EVIDENCE`, or
//! `shared/evidence` beside the checkout) it seeds these targets, without it their skeletons do.

use crate::Reached;
use sotto_attest::image::{Options, Prediction, Shape, predict};
use sotto_attest::{
    Anchors, Context, Endorsements, Evidence, Parts, Policy, azure, cca, intel, manifest, nitro,
    nvidia, snp, tpm, verify,
    x509::{Cache, Certificate, Crl, certificates_from_pem},
};
use sotto_types::TeeKind;
use std::path::PathBuf;

/// Bytes of a capture that is taken for a seed, at most.
const SEED_MAX: u64 = 64 << 10;

/// The law of a parser: what it takes it takes again, to the same description.
fn read<T, E: core::fmt::Display>(
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, E>,
    describe: impl Fn(&T) -> Vec<(String, String)>,
) -> Reached {
    match parse(bytes) {
        Err(why) => {
            assert!(why.to_string().len() <= 4096, "a long refusal");
            Reached::Refused
        }
        Ok(first) => {
            let again = parse(bytes).ok().map(|second| describe(&second));
            assert_eq!(again, Some(describe(&first)));
            Reached::Taken
        }
    }
}

/// Nobody vouches for what a fuzzer made: no claims, and no panic on the way.
fn unvouched(kind: TeeKind, bytes: &[u8]) {
    let parts = Parts { quote: bytes.to_vec(), ..Parts::default() };
    let (endorsements, anchors) = (Endorsements::default(), Anchors::default());
    let mut cache = Cache::default();
    let mut context = Context { endorsements: &endorsements, anchors: &anchors, cache: &mut cache };
    let verdict = verify(&Evidence { kind, parts }, &mut context);
    assert!(verdict.is_err_and(|why| !why.reasons.is_empty()), "claims without an anchor");
}

/// A quote of Intel's TEEs.
pub fn intel_quote(bytes: &[u8]) -> Reached {
    if let Some(length) = intel::length(bytes) {
        assert!(length <= bytes.len() || intel::parse(bytes).is_err());
    }
    unvouched(TeeKind::Tdx, bytes);
    unvouched(TeeKind::Sgx, bytes);
    read(bytes, intel::parse, intel::Quote::describe)
}

/// An SNP report.
pub fn snp_report(bytes: &[u8]) -> Reached {
    unvouched(TeeKind::Snp, bytes);
    read(bytes, snp::parse, snp::Report::describe)
}

/// A Nitro document.
pub fn nitro_document(bytes: &[u8]) -> Reached {
    unvouched(TeeKind::Nitro, bytes);
    read(bytes, nitro::parse, nitro::Document::describe)
}

/// A CCA token.
pub fn cca_token(bytes: &[u8]) -> Reached {
    unvouched(TeeKind::Cca, bytes);
    read(bytes, cca::parse, cca::Token::describe)
}

/// A GPU's report, and the texts around it.
pub fn spdm_report(bytes: &[u8]) -> Reached {
    let _ = nvidia::from_json(bytes).map(|devices| devices.len());
    let _ = nvidia::from_hex(bytes, None).map(|device| device.contradiction());
    let _ = nvidia::describe_manifest(bytes).map(|fields| fields.len());
    let _ = nvidia::describe_answer(bytes).map(|fields| fields.len());
    unvouched(TeeKind::Nvidia, bytes);
    read(bytes, nvidia::parse, nvidia::Report::describe)
}

/// A TPM's structures.
pub fn tpm_quote(bytes: &[u8]) -> Reached {
    let _ = tpm::parse_public(bytes).map(|public| public.describe());
    let _ = tpm::AttestationKey::parse(bytes);
    let _ = tpm::signature::parse(bytes);
    let _ = tpm::from_json(bytes);
    let _ = tpm::from_attestation(bytes);
    let parts = Parts { quote: bytes.to_vec(), pcrs: Some(bytes.to_vec()), ..Parts::default() };
    let _ = tpm::examine(&parts);
    unvouched(TeeKind::Tpm, bytes);
    read(bytes, tpm::parse, tpm::Quote::describe)
}

/// The values of PCRs, which have one text form: what is written reads the same.
pub fn pcr_values(bytes: &[u8]) -> Reached {
    let Ok(banks) = tpm::pcrs::parse(bytes) else { return Reached::Refused };
    let written = tpm::pcrs::to_text(&banks);
    assert_eq!(tpm::pcrs::parse(written.as_bytes()).ok(), Some(banks));
    Reached::Taken
}

/// A firmware's event log.
pub fn event_log(bytes: &[u8]) -> Reached {
    let Ok(log) = tpm::log::parse(bytes) else { return Reached::Refused };
    assert_eq!(log.replay(false), log.replay(false));
    let _ = (log.replay(true), log.mismatches(), log.secure_boot(), log.describe());
    Reached::Taken
}

/// Evidence of an Azure confidential VM.
pub fn azure_bundle(bytes: &[u8]) -> Reached {
    let _ = azure::parse_hcl(bytes).map(|hcl| hcl.describe());
    unvouched(TeeKind::AzureSnp, bytes);
    unvouched(TeeKind::AzureTdx, bytes);
    read(bytes, azure::parse, azure::Bundle::describe)
}

/// An image, or a prediction in JSON: what is written reads the same.
pub fn image(bytes: &[u8]) -> Reached {
    for shape in [Shape::Disk, Shape::Uki] {
        let _ = predict(bytes, shape, &Options::default());
    }
    let Ok(prediction) = Prediction::from_json(bytes) else { return Reached::Refused };
    let written = prediction.to_json().unwrap();
    assert_eq!(Prediction::from_json(written.as_bytes()), Ok(prediction));
    Reached::Taken
}

/// A policy: what can be written reads the same.
pub fn policy(bytes: &[u8]) -> Reached {
    let _ = manifest::from_unsigned_corim(bytes, sotto_types::Time(0));
    let _ = sotto_attest::Custody::parse(bytes);
    let Ok(text) = core::str::from_utf8(bytes) else { return Reached::Refused };
    let _ = sotto_attest::date::parse(text);
    let Ok(policy) = Policy::from_toml(text) else { return Reached::Refused };
    let written = policy.to_toml().unwrap();
    assert_eq!(Policy::from_toml(&written), Ok(policy));
    Reached::Taken
}

/// A certificate, a chain in PEM, a revocation list.
pub fn certificate(bytes: &[u8]) -> Reached {
    let _ = certificates_from_pem(bytes).map(|chain| chain.len());
    let _ = Crl::from_der(bytes).map(|list| list.window("list"));
    let Ok(certificate) = Certificate::from_der(bytes) else { return Reached::Refused };
    assert_eq!(certificate.der(), bytes);
    let _ = (certificate.subject(), certificate.public_key(), certificate.window("certificate"));
    Reached::Taken
}

/// The folder of captures, if there is one.
pub fn captures() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/evidence");
    let folder = std::env::var_os("SOTTO_EVIDENCE").map_or_else(|| beside.into(), PathBuf::from);
    folder.join("index.json").is_file().then_some(folder)
}

/// Captures of one folder, the small ones, in the order of their names.
fn captured(folder: &str, few: usize) -> Vec<Vec<u8>> {
    let Some(folder) = captures().map(|all| all.join(folder)) else { return vec![] };
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let small = |path: &PathBuf| path.metadata().is_ok_and(|data| data.len() <= SEED_MAX);
    paths
        .iter()
        .filter(|path| small(path))
        .take(few)
        .filter_map(|p| std::fs::read(p).ok())
        .collect()
}

fn with(mut seeds: Vec<Vec<u8>>, skeleton: &[u8], length: usize) -> Vec<Vec<u8>> {
    let mut bytes = skeleton.to_vec();
    bytes.resize(length.max(skeleton.len()), 0);
    seeds.push(bytes);
    seeds
}

pub(crate) fn intel_seeds() -> Vec<Vec<u8>> {
    let seeds = [captured("tdx", 40), captured("sgx", 20)].concat();
    with(seeds, &[4, 0, 2, 0, 0x81, 0, 0, 0], 1020)
}

pub(crate) fn snp_seeds() -> Vec<Vec<u8>> {
    with(captured("snp", 40), &[2, 0, 0, 0], 1184)
}

pub(crate) fn nitro_seeds() -> Vec<Vec<u8>> {
    with(captured("nitro", 4), &[0x84, 0x44, 0xa1, 0x01, 0x38, 0x22, 0xa0], 64)
}

pub(crate) fn cca_seeds() -> Vec<Vec<u8>> {
    with(captured("cca", 20), &[0xd9, 0x01, 0x8f, 0xa2], 64)
}

pub(crate) fn spdm_seeds() -> Vec<Vec<u8>> {
    let hex = |text: Vec<u8>| hex::decode(text.trim_ascii()).unwrap_or(text);
    with(captured("nvidia", 40).into_iter().map(hex).collect(), &[0x11, 0xe0, 0x01, 0xff], 512)
}

pub(crate) fn tpm_seeds() -> Vec<Vec<u8>> {
    let seeds = [captured("tpm-swtpm", 20), captured("measured-boot/image-a", 20)].concat();
    with(seeds, &[0xff, b'T', b'C', b'G', 0x80, 0x18], 145)
}

pub(crate) fn pcr_seeds() -> Vec<Vec<u8>> {
    let line = |pcr: u8| format!("{pcr}: 0x{}\n", "00".repeat(32));
    let text = (0..4).map(line).collect::<String>().into_bytes();
    with(captured("measured-boot/image-a-3banks", 30), &text, 0)
}

pub(crate) fn log_seeds() -> Vec<Vec<u8>> {
    with(captured("measured-boot/image-a", 20), &[0, 0, 0, 0, 3, 0, 0, 0], 69)
}

pub(crate) fn azure_seeds() -> Vec<Vec<u8>> {
    with(captured("tpm-azure", 20), b"{\"version\":1,\"hcl_report\":\"\",\"tpm_quote\":{}}", 0)
}

pub(crate) fn image_seeds() -> Vec<Vec<u8>> {
    with(captured("measured-boot/images", 10), b"MZ", 512)
}

pub(crate) fn policy_seeds() -> Vec<Vec<u8>> {
    let page = include_str!("../../../docs/guide/attestation-policy.md");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    vec![
        example.unwrap_or_default().as_bytes().to_vec(),
        b"kinds = [\"tdx\"]\n[statuses]\nUpToDate = \"forever\"\n".to_vec(),
    ]
}

pub(crate) fn certificate_seeds() -> Vec<Vec<u8>> {
    Anchors::pinned().0.into_values().flatten().map(|anchor| anchor.der).collect()
}
