//! The report's form: every length, every byte.

use super::made::{Case, codes};
use crate::{
    Code,
    snp::{Product, ReportError, SIZE, parse},
};

#[test]
fn every_other_length_is_refused() {
    let (_, report) = Case::new(Product::Milan).make();
    for length in 0..SIZE {
        assert_eq!(parse(&report[..length]), Err(ReportError::Length(length)));
    }
    let longer = [report, vec![0]].concat();
    assert_eq!(parse(&longer), Err(ReportError::Length(SIZE + 1)));
    let case = Case::new(Product::Milan);
    assert_eq!(codes(&case.judge_made(None, longer)), [Code::Malformed]);
}

/// A real Milan emits version 5 (cmcp#412): the window of versions is the format's, not a product's.
#[test]
fn cmcp_412_version_5_on_milan_is_read_and_others_are_unknown() {
    let mut case = Case::new(Product::Milan);
    case.set(0, &[5]).set(0x1f8, &[1, 0, 0, 0, 0, 0, 0, 0, 3]);
    let (_, report) = case.make();
    assert_eq!(parse(&report).unwrap().mitigations, Some((1, 3)));
    assert_eq!(case.codes(), super::CLEAN);
    for version in [0_u32, 1, 6, 0x0300, u32::MAX] {
        case.set(0, &version.to_le_bytes());
        let (signer, report) = case.make();
        assert_eq!(parse(&report), Err(ReportError::Version(version)));
        let appraisal = case.judge_made(Some(signer.der), report);
        assert_eq!(codes(&appraisal), [Code::UnknownVersion]);
        assert_eq!(appraisal.authentic, Some(false));
    }
}

#[test]
fn bytes_without_a_meaning_are_zero() {
    let (_, report) = Case::new(Product::Milan).make();
    let reserved = (0x4c..0x50)
        .chain(0x18b..0x1a0)
        .chain([0x1eb, 0x1ef])
        .chain(0x1f8..0x2a0)
        .chain(0x2d0..0x2e8)
        .chain(0x318..SIZE);
    for offset in reserved {
        let mut odd = report.clone();
        odd[offset] = 0x80;
        assert_eq!(parse(&odd), Err(ReportError::Reserved(offset)));
    }
    let mut second = report;
    second[0] = 2;
    assert_eq!(parse(&second), Err(ReportError::Reserved(0x188)));
    let mut fifth = second;
    fifth[0] = 5;
    fifth[0x208] = 1;
    assert_eq!(parse(&fifth), Err(ReportError::Reserved(0x208)));
}

#[test]
fn other_algorithms_and_keys_are_refused() {
    let (_, report) = Case::new(Product::Milan).make();
    let with = |offset: usize, byte: u8| {
        let mut odd = report.clone();
        odd[offset] = byte;
        parse(&odd).map(drop)
    };
    assert_eq!(with(0x34, 2), Err(ReportError::Algorithm(2)));
    assert_eq!(with(0x48, 0x20), Err(ReportError::Reserved(0x48)));
    for key in 2..=6 {
        assert_eq!(with(0x48, key << 2), Err(ReportError::SigningKey(u32::from(key))));
    }
}

/// What the signature does not cover is the form of its scalars and the bytes behind them; those
/// are refused unless zero, so no other bytes are the same report.
#[test]
fn veraison_418_no_single_flipped_byte_is_accepted() {
    let case = Case::new(Product::Turin);
    let (signer, report) = case.make();
    let good = case.judge_made(Some(signer.der.clone()), report.clone());
    assert_eq!(good.authentic, Some(true));
    let mut cache = crate::x509::Cache::default();
    for offset in 0..SIZE {
        let mut odd = report.clone();
        odd[offset] ^= 1 << (offset % 8);
        let appraisal = case.judge_cached(Some(signer.der.clone()), odd, &mut cache);
        assert_eq!(appraisal.authentic, Some(false), "{offset:#x}");
        let unsigned = (0x2d0..0x2e8).contains(&offset) || offset >= 0x318;
        if unsigned {
            assert_eq!(codes(&appraisal), [Code::Malformed], "{offset:#x}");
        }
    }
}

#[test]
fn veraison_418_a_report_without_a_signature_is_refused() {
    let case = Case::new(Product::Milan);
    let (signer, _) = case.make();
    let appraisal = case.judge_made(Some(signer.der), case.report.clone());
    assert_eq!(codes(&appraisal), [Code::SignatureInvalid]);
    assert_eq!(appraisal.authentic, Some(false));
}
