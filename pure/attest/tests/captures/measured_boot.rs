//! Machines that were booted under QEMU, against what their images predict.
//!
//! Files of a case: `eventlog.bin` (TCG crypto-agile log), `ima.bin`
//! (`binary_runtime_measurements`), `pcrs.<bank>.txt` (`number hex` lines) and for each key and
//! bank `quote_<key>.<bank>.tpms_attest.bin`. Values are believed as far as the quoted digest
//! covers them. Not here: signatures.

use crate::evidence_dir;
use serde_json::Value;
use sotto_attest::hash::Hash;
use sotto_attest::image::{
    BANKS, Demand, Keys, Log, Options, Prediction, Quoted, SecureBoot, Shape, compare, predict,
};
use sotto_attest::{Code, Reason};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const EFI_VARIABLE: u32 = 0x8000_0001;
const NO_ACTION: u32 = 3;
const AUTHORITY: u32 = 0x8000_00e0;

fn boots() -> Option<PathBuf> {
    evidence_dir().map(|dir| dir.join("measured-boot"))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn prediction(dir: &Path, name: &str) -> Prediction {
    let json = fs::read(dir.join(format!("images/{name}.json"))).unwrap();
    Prediction::from_json(&json).unwrap()
}

fn images(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir.join("images")).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension() == Some("json".as_ref())).collect();
    files.sort();
    files
}

struct Logged {
    pcr: u32,
    kind: u32,
    digest: Vec<u8>,
    data: Vec<u8>,
}

/// The events of a log with their digest of one bank.
fn events(log: &[u8], hash: Hash) -> Vec<Logged> {
    let u16_at = |at: usize| u16::from_le_bytes(log[at..at + 2].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(log[at..at + 4].try_into().unwrap());
    let mut at = 32 + u32_at(28) as usize;
    let mut events = Vec::new();
    while at < log.len() {
        let (pcr, kind, count) = (u32_at(at), u32_at(at + 4), u32_at(at + 8));
        at += 12;
        let mut digest = Vec::new();
        for _ in 0..count {
            let found = match u16_at(at) {
                0x04 => Hash::Sha1,
                0x0b => Hash::Sha256,
                0x0c => Hash::Sha384,
                other => panic!("algorithm {other:#x}"),
            };
            let end = at + 2 + found.size();
            if found == hash {
                digest = log[at + 2..end].to_vec();
            }
            at = end;
        }
        let end = at + 4 + u32_at(at) as usize;
        events.push(Logged { pcr, kind, digest, data: log[at + 4..end].to_vec() });
        at = end;
    }
    events.retain(|event| event.kind != NO_ACTION);
    events
}

fn digests(case: &Path, hash: Hash) -> Log {
    let mut log = Log::new();
    for event in events(&fs::read(case.join("eventlog.bin")).unwrap(), hash) {
        log.entry(u8::try_from(event.pcr).unwrap()).or_default().push(event.digest);
    }
    // What the application extended stands in no log of the firmware.
    if let Ok(data) = fs::read(case.join("pcr15_event.bin")) {
        log.entry(15).or_default().push(hash.digest(&[&data]));
    }
    log
}

/// What the kernel's one IMA entry extends PCR 10 with: the template's hash in the bank, or its
/// SHA-1 padded with zeros where the kernel lacks the bank's hash.
fn ima(case: &Path, hash: Hash) -> [Vec<u8>; 2] {
    let entry = fs::read(case.join("ima.bin")).unwrap();
    let name = u32::from_le_bytes(entry[24..28].try_into().unwrap()) as usize;
    let template = &entry[28 + name + 4..];
    let mut padded = entry[4..24].to_vec();
    padded.resize(hash.size(), 0);
    [hash.digest(&[template]), padded]
}

fn replay(log: &Log, hash: Hash) -> Quoted {
    let value = |digests: &Vec<Vec<u8>>| {
        digests.iter().fold(vec![0; hash.size()], |value, next| hash.digest(&[&value, next]))
    };
    (0..16).map(|pcr| (pcr, log.get(&pcr).map_or(vec![0; hash.size()], value))).collect()
}

fn listed(case: &Path, hash: Hash) -> Quoted {
    let text = fs::read_to_string(case.join(format!("pcrs.{}.txt", hash.name()))).unwrap();
    let line = |line: &str| {
        let (pcr, value) = line.split_once(' ')?;
        Some((pcr.parse().ok()?, hex::decode(value.trim()).ok()?))
    };
    text.lines().filter_map(line).collect()
}

fn covered(quoted: &Quoted, digest: &[u8]) -> bool {
    let values: Vec<&[u8]> = quoted.values().map(Vec::as_slice).collect();
    Hash::Sha256.digest(&values) == digest || Hash::Sha384.digest(&values) == digest
}

/// The values that the quote's digest covers: those of the log, else those of the list, else none.
fn believed(case: &Path, hash: Hash, quote: &[u8]) -> Option<Quoted> {
    let size = usize::from(u16::from_be_bytes([quote[quote.len() - 34], quote[quote.len() - 33]]));
    let digest = if size == 32 { &quote[quote.len() - 32..] } else { &quote[quote.len() - 48..] };
    let firmware = digests(case, hash);
    let from_log = ima(case, hash).map(|extended| {
        let mut log = firmware.clone();
        log.entry(10).or_default().push(extended);
        replay(&log, hash)
    });
    from_log.into_iter().chain([listed(case, hash)]).find(|values| covered(values, digest))
}

pub(crate) fn pcrs(reasons: &[Reason]) -> Vec<u8> {
    let number = |reason: &Reason| {
        assert_eq!(reason.code, Code::ImageMismatch, "{reason}");
        let words = reason.detail.strip_prefix("PCR ").unwrap();
        words.split(' ').next().unwrap().parse().unwrap()
    };
    reasons.iter().map(number).collect()
}

/// The PCRs that a finding `PCRs differing from the prediction: [4, 9]` names.
pub(crate) fn expected(findings: &Value) -> Vec<u8> {
    let findings = findings.as_array().unwrap().iter().map(|finding| finding.as_str().unwrap());
    let lists = findings.filter_map(|f| f.strip_prefix("PCRs differing from the prediction: "));
    lists.flat_map(|list| serde_json::from_str::<Vec<u8>>(list).unwrap()).collect()
}

#[test]
fn every_boot_differs_from_its_image_exactly_where_expected() {
    let Some(dir) = boots() else { return };
    let index = json(&dir.join("index.json"));
    let mut compared = 0;
    for case in index["cases"].as_array().unwrap() {
        let id = case["id"].as_str().unwrap();
        let folder = dir.join(id);
        let prediction = prediction(&dir, case["compare_with_image"].as_str().unwrap());
        for (row, verdict) in case["expected"].as_object().unwrap() {
            let (key, bank) = row.split_once('.').unwrap();
            let hash = BANKS.into_iter().find(|hash| hash.name() == bank).unwrap();
            let quote =
                fs::read(folder.join(format!("quote_{key}.{bank}.tpms_attest.bin"))).unwrap();
            let log = digests(&folder, hash);
            let believed = believed(&folder, hash, &quote);
            let findings = verdict["findings"].to_string();
            assert!(believed.is_some() || findings.contains("does not replay"), "{id} {row}");
            let reasons =
                believed.map_or_else(Vec::new, |quoted| compare(&prediction, hash, &quoted, &log));
            assert_eq!(pcrs(&reasons), expected(&verdict["findings"]), "{id} {row}");
            compared += 1;
        }
    }
    assert!(compared >= 30, "{compared} rows");
}

#[test]
fn the_event_that_differs_is_named() {
    let Some(dir) = boots() else { return };
    let prediction = prediction(&dir, "a");
    let case = dir.join("tampered");
    let quoted = listed(&case, Hash::Sha256);
    let reasons = compare(&prediction, Hash::Sha256, &quoted, &digests(&case, Hash::Sha256));
    let events: Vec<&str> =
        reasons.iter().filter_map(|reason| reason.detail.split("; ").nth(1)).collect();
    for (event, start) in events.iter().zip([
        "event 3 (Authenticode hash of the UKI) is ",
        "event 2 (initrd seen by the kernel EFI stub) is ",
        "event 8 (contents of .initrd (427520 bytes)) is ",
    ]) {
        assert!(event.starts_with(start), "{event}");
    }
    assert_eq!(events.len(), 3);
}

/// Reading checks that the events of each bank give its PCRs.
#[test]
fn every_published_prediction_is_read_and_survives_writing() {
    let Some(dir) = boots() else { return };
    for file in images(&dir) {
        let prediction = Prediction::from_json(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(prediction.banks.keys().copied().collect::<Vec<_>>(), BANKS);
        for pcr in [12, 13] {
            assert_eq!(prediction.policy[&pcr], Demand::Zero, "{}", file.display());
        }
        let again = Prediction::from_json(prediction.to_json().unwrap().as_bytes());
        assert_eq!(again, Ok(prediction));
    }
}

/// A small UKI on the partition table of image a.
fn disk_of_a(dir: &Path) -> Vec<u8> {
    let event = fs::read(dir.join("images/a.gpt_event.bin")).unwrap();
    let mut disk = vec![0; 90_112 * 512];
    disk[512..512 + 92].copy_from_slice(&event[..92]);
    disk[1024..1024 + 128].copy_from_slice(&event[100..]);
    let volume = 2048 * 512;
    let mut put = |at: usize, bytes: &[u8]| {
        disk[volume + at..volume + at + bytes.len()].copy_from_slice(bytes);
    };
    // FAT32: 512-byte clusters, one table of 640 sectors, 81,920 sectors in all.
    for (at, bytes) in [
        (11, &[0, 2, 1, 32, 0, 1][..]),
        (32, &81_920u32.to_le_bytes()),
        (36, &640u32.to_le_bytes()),
        (44, &2u32.to_le_bytes()),
        (510, &[0x55, 0xaa]),
    ] {
        put(at, bytes);
    }
    let uki = uki();
    let data = (32 + 640) * 512;
    let entry = |name: &[u8; 11], kind: u8, cluster: u8, length: usize| {
        let mut entry = [name, &[kind][..], &[0; 20]].concat();
        entry[26] = cluster;
        entry[28..32].copy_from_slice(&(length as u32).to_le_bytes());
        entry
    };
    put(data, &entry(b"EFI        ", 0x10, 3, 0));
    put(data + 512, &entry(b"BOOT       ", 0x10, 4, 0));
    put(data + 1024, &entry(b"BOOTX64 EFI", 0x20, 5, uki.len()));
    put(data + 1536, &uki);
    for (index, _) in uki.chunks(512).enumerate() {
        put(32 * 512 + (5 + index) * 4, &(6 + index as u32).to_le_bytes());
    }
    disk
}

fn pe(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = vec![0; 1024];
    file[..2].copy_from_slice(b"MZ");
    file[0x3c] = 0x40;
    file[0x40..0x44].copy_from_slice(b"PE\0\0");
    file[0x46] = sections.len() as u8;
    file[0x54] = 240;
    file[0x58..0x5a].copy_from_slice(&[0x0b, 0x02]);
    file[0x58 + 61] = 4;
    file[0x58 + 108] = 16;
    for (index, (name, content)) in sections.iter().enumerate() {
        let at = 0x148 + index * 40;
        let start = file.len() as u32;
        let raw = content.len().next_multiple_of(512);
        file[at..at + name.len()].copy_from_slice(name.as_bytes());
        file[at + 8..at + 12].copy_from_slice(&(content.len() as u32).to_le_bytes());
        file[at + 16..at + 20].copy_from_slice(&(raw as u32).to_le_bytes());
        file[at + 20..at + 24].copy_from_slice(&start.to_le_bytes());
        file.extend(*content);
        file.resize(start as usize + raw, 0);
    }
    file
}

fn uki() -> Vec<u8> {
    pe(&[
        (".sdmagic", b"#### LoaderInfo: systemd-stub 252.39-1~deb12u2 ####"),
        (".cmdline", b"console=ttyS0 quiet panic=-1"),
        (".linux", &pe(&[(".text", b"kernel")])),
    ])
}

#[test]
fn the_parts_that_do_not_depend_on_the_kernel_are_those_of_a_booted_disk() {
    let Some(dir) = boots() else { return };
    let published = prediction(&dir, "a");
    let ours = predict(&disk_of_a(&dir), Shape::Disk, &Options::default()).unwrap();
    for hash in BANKS {
        let (ours, published) = (&ours.banks[&hash], &published.banks[&hash]);
        for pcr in [2, 3, 5, 6, 7, 8, 12, 13, 14, 15] {
            assert_eq!(ours.pcrs[&pcr], published.pcrs[&pcr], "{} PCR {pcr}", hash.name());
        }
        let options = |bank: &sotto_attest::image::Bank| {
            bank.events.iter().find(|event| event.pcr == 9).unwrap().digest.clone()
        };
        assert_eq!(options(ours), options(published));
    }
}

/// The variables of the machine with Secure Boot, out of its log, give its PCR 7.
#[test]
fn pcr_7_with_keys_is_that_of_a_machine_with_secure_boot() {
    let Some(dir) = boots() else { return };
    let case = dir.join("image-a-secureboot");
    let log = events(&fs::read(case.join("eventlog.bin")).unwrap(), Hash::Sha256);
    let mut variables: BTreeMap<(u32, String), Vec<u8>> = BTreeMap::new();
    for event in log.iter().filter(|event| event.pcr == 7 && event.kind != 4) {
        let name_len = usize::from(event.data[16]) * 2;
        let name = event.data[32..32 + name_len].iter().step_by(2).map(|b| char::from(*b));
        variables.insert((event.kind, name.collect()), event.data[32 + name_len..].to_vec());
    }
    let take = |kind, name: &str| variables[&(kind, name.to_string())].clone();
    assert_eq!(take(EFI_VARIABLE, "SecureBoot"), [1]);
    let keys = Keys {
        pk: take(EFI_VARIABLE, "PK"),
        kek: take(EFI_VARIABLE, "KEK"),
        db: take(EFI_VARIABLE, "db"),
        dbx: take(EFI_VARIABLE, "dbx"),
        authority: take(AUTHORITY, "db"),
    };
    let options = Options { secure_boot: SecureBoot::Keys(keys), ..Options::default() };
    let prediction = predict(&uki(), Shape::Uki, &options).unwrap();
    let quoted = listed(&case, Hash::Sha256);
    assert_eq!(prediction.banks[&Hash::Sha256].pcrs[&7], quoted[&7]);
}
