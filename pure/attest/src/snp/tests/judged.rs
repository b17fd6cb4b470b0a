//! What is genuine, and judged by the policy.

use super::made::{Case, NOW, codes};
use crate::{Code, Expected, NoChallenge, Status, snp::Product};
use sotto_types::Time;

fn judged(product: Product, change: impl FnOnce(&mut Case)) -> Vec<Code> {
    let mut case = Case::new(product);
    change(&mut case);
    let appraisal = case.judge();
    assert_eq!(appraisal.authentic, Some(true), "{:?}", appraisal.reasons);
    let mut codes = codes(&appraisal);
    codes.retain(|code| *code != Code::CrlMissing);
    assert_eq!(appraisal.status == Status::Affirming, codes.iter().all(|c| is_note(*c)));
    codes
}

fn is_note(code: Code) -> bool {
    code.effect() == crate::Effect::Note
}

fn policy_bits(case: &mut Case, bits: u64) {
    case.set(8, &bits.to_le_bytes());
}

/// An expectation that is empty matches nothing, for there is none (cocos GHSA-4r6g-mp48-j2rw).
#[test]
fn ghsa_4r6g_an_empty_expectation_is_no_expectation() {
    assert_eq!(Expected::report_data(&[]), Err(NoChallenge));
    assert_eq!(Expected::nonce(&[]), Err(NoChallenge));
    let empty = judged(Product::Milan, |case| {
        case.set(0x50, &[0; 64]);
        case.expected = Expected::nonce(&[5; 32]).unwrap();
    });
    assert_eq!(empty, [Code::NonceMismatch, Code::ChallengeMissing]);
    let other = judged(Product::Milan, |case| {
        case.expected = Expected::report_data(&[6; 64]).unwrap();
    });
    assert_eq!(other, [Code::ReportDataMismatch]);
    let shorter = judged(Product::Milan, |case| {
        case.expected = Expected::report_data(&[7; 63]).unwrap();
    });
    assert_eq!(shorter, [Code::ReportDataMismatch]);
    let padded = judged(Product::Milan, |case| {
        case.set(0x50, &[[5; 32], [0; 32]].concat());
        case.expected = Expected::nonce(&[5; 32]).unwrap();
    });
    assert_eq!(padded, []);
}

/// The `sev` crate looks at no date.
#[test]
fn an_expired_vlek_is_refused() {
    for (now, code) in [(1_700_000_000, Code::NotYetValid), (2_100_000_000, Code::Expired)] {
        let mut case = Case::new(Product::Milan).vlek();
        case.now = Time(now);
        let appraisal = case.judge();
        assert_eq!(appraisal.authentic, Some(true));
        assert_eq!(appraisal.status, Status::Contraindicated);
        assert!(codes(&appraisal).contains(&code));
    }
}

/// Debug is in the policy, not in the measurement (attestation-rs#67, CCF#4299).
#[test]
fn attestation_rs_67_debug_and_migration_are_refused() {
    let bits = |bits| judged(Product::Genoa, |case| policy_bits(case, bits));
    assert_eq!(bits(0x3_0000), []);
    assert_eq!(bits(0x3_0000 | 1 << 19), [Code::Debug]);
    assert_eq!(bits(0x3_0000 | 1 << 18), [Code::Migratable]);
    assert_eq!(bits(0x1_0000), [Code::ReservedAttribute], "bit 17 must be one");
    assert_eq!(bits(0x3_0000 | 1 << 26), [Code::ReservedAttribute]);
    assert_eq!(bits(0x3_0000 | 1 << 63), [Code::ReservedAttribute]);
    assert_eq!(bits(0x3f3_0000), [], "the specified bits");
}

#[test]
fn attestation_rs_67_lower_privilege_is_refused() {
    for vmpl in [1_u32, 3, u32::MAX] {
        let codes = judged(Product::Milan, |case| {
            case.set(0x30, &vmpl.to_le_bytes());
        });
        assert_eq!(codes, [Code::Vmpl]);
    }
    let allowed = judged(Product::Milan, |case| {
        case.set(0x30, &[2]);
        case.policy.vmpl = 2;
    });
    assert_eq!(allowed, []);
}

#[test]
fn demands_on_the_guests_policy_are_judged() {
    let smt = judged(Product::Milan, |case| case.policy.snp.smt_off = true);
    assert_eq!(smt, [Code::GuestPolicy]);
    let sockets = judged(Product::Milan, |case| case.policy.snp.single_socket = true);
    assert_eq!(sockets, [Code::GuestPolicy]);
    for (abi, least, refused) in
        [(0x0137, (1, 55), false), (0x0136, (1, 55), true), (0x0200, (1, 55), false)]
    {
        let codes = judged(Product::Milan, |case| {
            policy_bits(case, 0x3_0000 | abi);
            case.policy.snp.guest_abi = least;
        });
        assert_eq!(codes == [Code::GuestPolicy], refused, "{abi:#x}");
    }
    let met = judged(Product::Milan, |case| {
        policy_bits(case, 0x12_0137);
        case.policy.snp.smt_off = true;
        case.policy.snp.single_socket = true;
        case.policy.snp.guest_abi = (1, 55);
    });
    assert_eq!(met, []);
    let version = judged(Product::Milan, |case| case.policy.snp.report_versions = (4, 5));
    assert_eq!(version, [Code::ReportVersion]);
}

/// AMD-SB-3015: the check exists from firmware 1.55.22 on Milan and 1.55.38 on Genoa.
#[test]
fn badram_firmware_that_can_check_for_aliases_has_done_so() {
    let with = |product, build: u8, minor: u8, info: u8| {
        judged(product, |case| {
            case.set(0x40, &[info]);
            case.set(0x1e8, &[build, minor, 1]).set(0x1ec, &[build, minor, 1]);
        })
    };
    for (product, first) in [(Product::Milan, 22), (Product::Genoa, 38)] {
        assert_eq!(with(product, first, 55, 0x25), []);
        assert_eq!(with(product, first, 55, 0x05), [Code::AliasCheck]);
        assert_eq!(with(product, first - 1, 55, 0x05), [Code::AliasCheckUnknown]);
        assert_eq!(with(product, 0, 56, 0x05), [Code::AliasCheck]);
        assert_eq!(with(product, 99, 54, 0x05), [Code::AliasCheckUnknown]);
    }
    assert_eq!(with(Product::Turin, 0, 55, 0x05), [Code::AliasCheck]);
}

#[test]
fn what_is_reported_is_committed_and_what_is_committed_runs() {
    let below = |offset: usize| {
        judged(Product::Milan, |case| {
            case.set(offset, &[4, 1, 0, 0, 0, 0, 23, 219]);
        })
    };
    assert_eq!(below(0x1e0), [Code::TcbInconsistent], "committed below reported");
    assert_eq!(below(0x38), [Code::TcbInconsistent], "current below committed");
    assert_eq!(below(0x1f0), [], "a guest may come from a machine with less");
    let firmware = judged(Product::Milan, |case| {
        case.set(0x1ec, &[41, 55, 1]);
    });
    assert_eq!(firmware, [Code::TcbInconsistent]);
    let ahead = judged(Product::Milan, |case| {
        case.set(0x38, &[5, 1, 0, 0, 0, 0, 25, 220]).set(0x1e8, &[41, 55, 1]);
    });
    assert_eq!(ahead, [], "firmware that is not committed yet");
}

#[test]
fn security_versions_below_the_policys_are_refused() {
    let floor = |class: &str, name: &str, least: u64| {
        judged(Product::Milan, |case| {
            case.set(0x1f0, &[3]);
            case.policy.snp_minimum = [(class.into(), [(name.into(), least)].into())].into();
        })
    };
    assert_eq!(floor("snp-milan", "microcode", 219), []);
    assert_eq!(floor("snp-milan", "microcode", 220), [Code::TcbBelowMinimum]);
    assert_eq!(floor("snp-milan", "bootloader", 4), []);
    assert_eq!(floor("snp-milan", "launch_bootloader", 4), [Code::TcbBelowMinimum]);
    assert_eq!(floor("snp-milan", "fmc", 0), [Code::TcbBelowMinimum], "not known on Milan");
    assert_eq!(floor("snp-genoa", "microcode", 255), []);
    let mut case = Case::new(Product::Milan);
    case.policy.snp_minimum = [("snp-milan".into(), [("snp".into(), 25)].into())].into();
    let mut claims = case.judge().claims.unwrap();
    for class in ["snp-milan", "azure-snp-milan"] {
        claims.platform.class = class.into();
        let reasons = crate::judge::judge(&claims, &case.expected, &case.policy, NOW);
        let found = reasons.iter().any(|reason| reason.code == Code::TcbBelowMinimum);
        assert!(found, "{class} is of the same chips");
    }
}

#[test]
fn the_author_keys_digest_is_there_when_the_report_says_so() {
    let digest = |flag: u8, digest: u8| {
        judged(Product::Milan, |case| {
            case.set(0x48, &[flag]).set(0x110, &[digest; 48]);
        })
    };
    assert_eq!(digest(1, 9), []);
    assert_eq!(digest(0, 9), [Code::AuthorKey]);
    assert_eq!(digest(1, 0), [Code::AuthorKey]);
    let named = judged(Product::Milan, |case| {
        case.policy.references = [("author_key_digest".into(), [vec![0; 48]].into())].into();
    });
    assert_eq!(named, [Code::MeasurementMismatch], "an absent key is none of the good ones");
}

#[test]
fn nothing_depends_on_the_clock_but_dates() {
    let mut case = Case::new(Product::Milan);
    let (signer, report) = case.make();
    let first = case.judge_made(Some(signer.der.clone()), report.clone());
    case.now = Time(NOW.0 + 1);
    let second = case.judge_made(Some(signer.der), report);
    assert_eq!(first.claims, second.claims);
}
