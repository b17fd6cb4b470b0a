#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bytes;
mod judged;
mod made;
mod refused;

use super::{Product, SigningKey};
use crate::{Code, Status};
use made::{Case, codes};

/// Without a list of AMD's nobody knows of revocations; nothing else is worth saying.
const CLEAN: [Code; 1] = [Code::CrlMissing];

#[test]
fn good_reports_of_every_product_version_and_key_are_affirmed() {
    for product in Product::ALL {
        for version in 2..=5_u8 {
            for vlek in [false, true] {
                let mut case = Case::new(product);
                if vlek {
                    case = case.vlek();
                }
                case.set(0, &[version]);
                if version == 2 {
                    case.set(0x188, &[0; 3]);
                }
                if version == 5 {
                    case.set(0x1f8, &[0x3f, 0, 0, 0, 0, 0, 0, 0, 0x3f]);
                }
                let appraisal = case.judge();
                assert_eq!(codes(&appraisal), CLEAN, "{product:?} {version} {vlek}");
                assert_eq!(appraisal.status, Status::Affirming);
                assert_eq!(appraisal.authentic, Some(true));
            }
        }
    }
}

#[test]
fn the_claims_are_what_the_report_and_its_certificate_say() {
    let mut case = Case::new(Product::Turin);
    case.set(0x48, &[1]).set(0x110, &[9; 48]).set(0x1f0, &[1, 1, 1, 1, 0, 0, 0, 80]);
    let claims = case.judge().claims.unwrap();
    assert_eq!(claims.platform.class, "snp-turin");
    assert_eq!(claims.platform.anchor, "test");
    assert_eq!(claims.platform.identities, [("chip_id".into(), vec![0x5a; 8])].into());
    let svns = [
        ("bootloader", 2),
        ("fmc", 1),
        ("launch_bootloader", 1),
        ("launch_fmc", 1),
        ("launch_microcode", 80),
        ("launch_snp", 1),
        ("launch_tee", 1),
        ("microcode", 81),
        ("snp", 4),
        ("tee", 3),
    ];
    let found: Vec<_> = claims.tcb.svns.iter().map(|(name, svn)| (name.as_str(), *svn)).collect();
    assert_eq!(found, svns);
    assert_eq!(claims.measurements["measurement"], [8; 48]);
    assert_eq!(claims.measurements["author_key_digest"], [9; 48]);
    assert_eq!(claims.measurements["guest_policy"], 0x3_0000_u64.to_le_bytes());
    assert_eq!(claims.bound.report_data, [7; 64]);
    let windows: Vec<_> = claims.windows.iter().map(|window| window.what.as_str()).collect();
    let expected = ["VCEK certificate", "SEV-Turin certificate", "ARK-Turin certificate"];
    assert_eq!(windows, expected);
    assert_eq!(claims.security.vmpl, Some(0));
    assert_eq!(claims.security.alias_checked, Some(true));
    assert_eq!((claims.security.smt, claims.security.guest_abi), (Some(true), Some((0, 0))));
}

#[test]
fn under_a_vlek_the_cloud_is_named_and_the_chip_by_the_firmware() {
    let claims = Case::new(Product::Genoa).vlek().judge().claims.unwrap();
    let expected =
        [("chip_id".into(), vec![0x5a; 64]), ("csp_id".into(), b"CN=cloud.example".to_vec())];
    assert_eq!(claims.platform.identities, expected.into());
    assert_eq!(claims.windows[0].what, "VLEK certificate");
}

#[test]
fn products_are_told_apart_by_name_and_processor() {
    assert_eq!(Product::by_name("Milan-B0"), Some(Product::Milan));
    assert_eq!(Product::by_name("Genoa"), Some(Product::Genoa));
    for name in ["", "Rome", "milan", "Milano", "-Milan"] {
        assert_eq!(Product::by_name(name), None);
    }
    let cpu = |family, model| Product::by_cpuid(super::Cpuid { family, model, stepping: 0 });
    assert_eq!(cpu(0x19, 0x01), Some(Product::Milan));
    assert_eq!(cpu(0x19, 0x11), Some(Product::Genoa));
    assert_eq!(cpu(0x19, 0xa0), Some(Product::Genoa));
    assert_eq!(cpu(0x1a, 0x11), Some(Product::Turin));
    assert_eq!((cpu(0x19, 0x20), cpu(0x1a, 0x50), cpu(0, 0)), (None, None, None));
}

#[test]
fn fields_are_named_for_people() {
    let (_, report) = Case::new(Product::Genoa).make();
    let fields = super::parse(&report).unwrap().describe();
    let value = |name: &str| fields.iter().find(|(n, _)| n == name).unwrap().1.clone();
    assert_eq!(value("POLICY"), "0x30000: ABI 0.0, SMT reserved (one)");
    assert_eq!(value("PLATFORM_INFO"), "0x25: SMT_EN ECC_EN ALIAS_CHECK_COMPLETE");
    assert_eq!(value("REPORTED_TCB"), "bootloader 4, tee 1, snp 24, microcode 219");
    assert_eq!(value("CPUID"), "family 0x19 model 0x11 stepping 1 (Genoa)");
    assert_eq!(value("CURRENT_VERSION"), "1.55.40");
    assert_eq!(value("SIGNING_KEY"), SigningKey::Vcek.name());
}
