//! Event logs and IMA's list.

use super::*;
use crate::tpm::{log, made::variable};

/// The data of IMA's first entry after this boot.
fn aggregate(boot: &Boot) -> Vec<u8> {
    let all: Vec<u8> = (0..10).flat_map(|pcr| boot.pcr(Hash::Sha256, pcr, false)).collect();
    let digest = [&b"sha256:\0"[..], &Hash::Sha256.digest(&[&all])].concat();
    [&[40, 0, 0, 0], &digest[..], &[15, 0, 0, 0], b"boot_aggregate\0", &[0; 4]].concat()
}

fn with_ima(banks: &[Hash], quoted: Hash, padded: bool) -> Case {
    let mut case = Case::new(Way::P256);
    case.boot = Boot::new(banks);
    case.boot.ima = vec![aggregate(&case.boot)];
    case.statement.selection = vec![(quoted, vec![0, 4, 7, 10])];
    case.measured(padded);
    case
}

#[test]
fn a_log_alone_proves_the_values() {
    let mut case = Case::new(Way::P256);
    let with = case.judge().claims.unwrap();
    case.parts.pcrs = None;
    assert_eq!(case.codes(), BARE);
    assert_eq!(case.judge().claims.unwrap(), with);
    // A PCR that no event extends is as it started.
    case.statement.selection = vec![(Hash::Sha256, vec![4, 12, 17])];
    case.measure();
    case.parts.pcrs = None;
    assert_eq!(case.codes(), BARE);
    assert_eq!(case.judge().claims.unwrap().measurements["pcr17"], [0xff; 32]);
}

#[test]
fn a_log_that_does_not_give_the_quoted_values_is_refused() {
    for list in [true, false] {
        let mut case = Case::new(Way::P256);
        case.boot.events.push((4, 0x8000_0003, b"another image".to_vec(), vec![]));
        case.parts.event_log = Some(case.boot.log());
        if !list {
            case.parts.pcrs = None;
        }
        let appraisal = case.judge();
        assert_eq!(codes(&appraisal), [Code::EventLogReplay]);
        assert_eq!(appraisal.authentic, Some(false));
    }
}

/// A forged list with a true log: the list is refused, and what the log proves can be compared.
#[test]
fn a_list_is_not_believed_against_the_log() {
    let mut case = Case::new(Way::P256);
    let text = String::from_utf8(case.parts.pcrs.clone().unwrap()).unwrap();
    let value = hex::encode(case.boot.pcr(Hash::Sha256, 4, false));
    case.parts.pcrs = Some(text.replace(&value, &"11".repeat(32)).into_bytes());
    assert_eq!(case.codes(), [Code::PcrDigest]);
    let examined = crate::tpm::examine(&case.parts()).unwrap();
    let proven = examined.proven.unwrap();
    assert_eq!(proven[&Hash::Sha256][&4], case.boot.pcr(Hash::Sha256, 4, false));
}

#[test]
fn a_log_without_the_quoted_bank_proves_nothing() {
    let mut case = Case::new(Way::P256);
    let log = Boot::new(&[Hash::Sha384]).log();
    case.parts.event_log = Some(log);
    assert_eq!(case.codes(), [Code::EventLogReplay]);
}

/// Data that were hashed must give the digest; labels need not.
#[test]
fn data_that_do_not_give_their_digest_are_refused() {
    let good = Boot::new(&[Hash::Sha256]);
    let checked = [
        kind::SEPARATOR,
        kind::ACTION,
        kind::EFI_ACTION,
        kind::EFI_GPT_EVENT,
        kind::EFI_VARIABLE_DRIVER_CONFIG,
        kind::EFI_VARIABLE_BOOT,
        kind::EFI_VARIABLE_BOOT2,
    ];
    for (number, event) in good.events.iter().enumerate() {
        let mut case = Case::new(Way::P256);
        *case.boot.events[number].3.last_mut().unwrap() ^= 0x40;
        case.parts.event_log = Some(case.boot.log());
        let wanted: &[Code] = if checked.contains(&event.1) { &[Code::EventData] } else { &[] };
        assert_eq!(case.found(), wanted, "event {number}");
    }
}

/// shim hashes a variable but not every byte that it writes behind it.
#[test]
fn an_authority_may_have_bytes_behind_it_that_shim_did_not_hash() {
    let data = variable("db", b"a certificate");
    let behind = |count: usize| [&data[..], &vec![0xaf; count]].concat();
    for (hashed, written, holds) in [(0, 0, true), (5, 6, true), (0, 8, true), (0, 9, false)] {
        let mut case = Case::new(Way::P256);
        let event = (7, kind::EFI_VARIABLE_AUTHORITY, behind(hashed), behind(written));
        case.boot.events.push(event);
        case.measure();
        assert_eq!(case.found().is_empty(), holds, "{hashed} of {written}");
    }
    let mut case = Case::new(Way::P256);
    let other = variable("db", b"a c3rtificate");
    case.boot.events.push((7, kind::EFI_VARIABLE_AUTHORITY, data, other));
    case.measure();
    assert_eq!(case.found(), [Code::EventData]);
}

#[test]
fn many_wrong_events_are_counted_not_listed() {
    let mut case = Case::new(Way::P256);
    for _ in 0..20 {
        case.boot.events.push((4, kind::EFI_ACTION, b"hashed".to_vec(), b"told".to_vec()));
    }
    case.measure();
    let reasons = case.judge().reasons;
    assert_eq!(reasons.len(), 9, "{reasons:?}");
    assert!(reasons.iter().all(|reason| reason.code == Code::EventData));
}

#[test]
fn secure_boot_is_what_pcr_7_covers() {
    let mut case = Case::new(Way::P256);
    case.boot.events[1].2 = variable("SecureBoot", &[0]);
    case.boot.events[1].3 = variable("SecureBoot", &[0]);
    case.measure();
    assert_eq!(case.judge().claims.unwrap().security.secure_boot, Some(false));
    case.statement.selection = vec![(Hash::Sha256, vec![4])];
    case.measure();
    assert_eq!(case.judge().claims.unwrap().security.secure_boot, None);
    // The system may measure what it likes later: only the first event of PCR 7 counts, whatever
    // type the log gives it.
    let later = variable("SecureBoot", &[1]);
    case.boot.events.push((7, kind::EFI_VARIABLE_DRIVER_CONFIG, later.clone(), later));
    case.statement.selection = vec![(Hash::Sha256, vec![4, 7])];
    case.measure();
    assert_eq!(case.judge().claims.unwrap().security.secure_boot, Some(false));
    case.boot.events[1].1 = 0x0d;
    case.measure();
    assert_eq!(case.judge().claims.unwrap().security.secure_boot, None);
    case.boot.events.pop();
    case.boot.events[1].0 = 6;
    case.statement.selection = vec![(Hash::Sha256, vec![4, 7])];
    case.measure();
    assert_eq!(case.judge().claims.unwrap().security.secure_boot, None);
}

#[test]
fn imas_list_explains_pcr_10_in_every_bank() {
    let banks = [Hash::Sha1, Hash::Sha256, Hash::Sha384];
    for bank in banks {
        let case = with_ima(&banks, bank, false);
        let weak: &[Code] = if bank == Hash::Sha1 { &[Code::WeakHash] } else { &[] };
        assert_eq!(case.found(), weak, "{bank:?}");
    }
}

/// Linux 6.1 has no SHA-512 built in, so IMA extends SHA-1 with zeros behind it into bank sha384.
#[test]
fn linux_6_1_pads_sha1_into_a_sha384_bank() {
    for (bank, list) in [(Hash::Sha384, true), (Hash::Sha384, false), (Hash::Sha256, true)] {
        let mut case = with_ima(&[Hash::Sha256, Hash::Sha384], bank, true);
        if !list {
            case.parts.pcrs = None;
        }
        assert_eq!(case.found(), [Code::WeakHash], "{bank:?} {list}");
    }
}

/// Without IMA's list its first entry follows from the PCRs before.
#[test]
fn pcr_10_of_an_idle_ima_is_derived() {
    for (bank, padded) in [(Hash::Sha256, false), (Hash::Sha384, true), (Hash::Sha384, false)] {
        let mut case = with_ima(&[Hash::Sha256, Hash::Sha384], bank, padded);
        case.parts.event_log = Some(Boot { ima: vec![], ..case.boot.clone() }.log());
        let wanted: &[Code] = if padded { &[Code::WeakHash] } else { &[] };
        assert_eq!(case.found(), wanted);
        case.parts.pcrs = None;
        assert_eq!(case.found(), wanted);
    }
}

#[test]
fn a_pcr_that_the_log_does_not_tell_is_noted() {
    let mut case = with_ima(&[Hash::Sha256], Hash::Sha256, false);
    // More than the first entry was measured, and the list was left out.
    case.boot.ima.push(b"a file".to_vec());
    case.measure();
    case.parts.event_log = Some(Boot { ima: vec![], ..case.boot.clone() }.log());
    assert_eq!(case.found(), [Code::PcrNotInLog]);
    assert_eq!(case.judge().status, Status::Warning);
}

/// Of its own PCRs the firmware tells everything.
#[test]
fn a_log_must_tell_what_the_firmware_measured() {
    for pcr in 0..8 {
        let mut case = Case::new(Way::P256);
        case.boot.events = vec![(pcr, 8, b"firmware".to_vec(), vec![])];
        case.statement.selection = vec![(Hash::Sha256, vec![u8::try_from(pcr).unwrap(), 12])];
        case.measure();
        assert_eq!(case.found(), []);
        case.parts.event_log = Some(Boot { events: vec![], ..case.boot.clone() }.log());
        assert_eq!(case.codes(), [Code::EventLogReplay]);
    }
}

#[test]
fn an_entry_of_ima_whose_data_do_not_give_its_digest_is_refused() {
    let case = with_ima(&[Hash::Sha256], Hash::Sha256, false);
    let mut parts = case.parts();
    let log = parts.event_log.as_mut().unwrap();
    // The template hash stands behind the last 4 + 20 + 4 + 7 + 4 + 67 bytes' start.
    let at = log.len() - 67 - 4 - 7 - 4 - 20;
    log[at] ^= 1;
    assert_eq!(codes(&case.judge_parts(parts)), [Code::EventData]);
}

#[test]
fn a_violation_extends_ones() {
    let mut case = Case::new(Way::P256);
    case.statement.selection = vec![(Hash::Sha256, vec![10])];
    let mut log = case.boot.log();
    log.extend([&[10, 0, 0, 0][..], &[0; 20], &[7, 0, 0, 0], b"ima-sig", &[0; 4]].concat());
    case.measure();
    let value = Hash::Sha256.digest(&[&[0; 32], &[0xff; 32]]);
    case.statement.digest = Hash::Sha256.digest(&[&value]);
    case.parts.pcrs = None;
    case.parts.event_log = Some(log);
    assert_eq!(case.found(), []);
}

#[test]
fn the_older_log_is_read_and_replayed() {
    let mut case = Case::new(Way::P256);
    case.boot.banks = vec![Hash::Sha1];
    case.statement.selection = vec![(Hash::Sha1, vec![0, 1, 4, 5, 7, 11])];
    case.measure();
    case.parts.event_log = Some(case.boot.legacy());
    assert_eq!(case.found(), [Code::WeakHash]);
    assert_eq!(case.judge().claims.unwrap().security.secure_boot, Some(true));
}

#[test]
fn pcr_0_begins_with_the_locality_that_the_log_tells() {
    let mut case = Case::new(Way::P256);
    let told = [&b"StartupLocality\0"[..], &[3]].concat();
    case.boot.events.insert(0, (0, kind::NO_ACTION, vec![], told));
    case.statement.selection = vec![(Hash::Sha256, vec![0])];
    case.measure();
    let mut start = vec![0; 32];
    start[31] = 3;
    let value = Hash::Sha256.digest(&[&start, &Hash::Sha256.digest(&[b"firmware"])]);
    case.statement.digest = Hash::Sha256.digest(&[&value]);
    case.parts.pcrs = None;
    assert_eq!(case.found(), []);
    assert_eq!(case.judge().claims.unwrap().measurements["pcr0"], value);
}

#[test]
fn logs_of_no_form_are_refused() {
    use crate::tpm::TpmError;
    let good = Boot::new(&[Hash::Sha256]).log();
    let header = 32 + 33;
    let changed = |at: usize, bytes: &[u8]| {
        let mut log = good.clone();
        log[at..at + bytes.len()].copy_from_slice(bytes);
        log
    };
    let form = TpmError::Form { what: "event log" };
    // A digest in the header; a bank of another size; more banks than there are; an event with
    // another count of digests; an event of PCR 24.
    assert_eq!(log::parse(&changed(8, &[1])), Err(form.clone()));
    assert_eq!(log::parse(&changed(32 + 16 + 8 + 4 + 2, &[48])), Err(form.clone()));
    let many = TpmError::TooLarge { what: "banks of an event log", got: 17, max: 16 };
    assert_eq!(log::parse(&changed(32 + 16 + 8, &[17])), Err(many));
    assert_eq!(log::parse(&changed(header + 8, &[2])), Err(form.clone()));
    let unknown = TpmError::Unknown { what: "PCR of an event", value: 24 };
    assert_eq!(log::parse(&changed(header, &[24])), Err(unknown));
    // A bank that the header does not name, and one twice.
    assert_eq!(log::parse(&changed(header + 12, &[0x0c])), Err(form));
    let twice = Boot { banks: vec![Hash::Sha256, Hash::Sha256], ..Boot::new(&[]) };
    assert!(log::parse(&twice.log()).is_err());
    let large = TpmError::TooLarge { what: "event log", got: 1 << 20 | 1, max: 1 << 20 };
    assert_eq!(log::parse(&changed(28, &[1, 0, 16, 0])), Err(large));
    let mut case = Case::new(Way::P256);
    case.parts.event_log = Some(changed(8, &[1]));
    assert_eq!(case.codes(), [Code::Malformed]);
    let endless = vec![0; 17 << 20];
    assert!(matches!(log::parse(&endless), Err(TpmError::TooLarge { .. })));
    // Events that say nothing are counted.
    let empty = vec![0; 32 * ((16 << 10) + 1)];
    assert!(matches!(log::parse(&empty), Err(TpmError::TooLarge { .. })));
}
