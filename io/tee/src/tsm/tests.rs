#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::made::{Configfs, Kernel};
use super::{Report, Tsm};
use crate::TeeError;

/// A platform that answers with what it was asked.
const ECHO: Kernel = Kernel {
    provider: "tdx_guest",
    levels: true,
    writer: false,
    answer: |data, level| ([b"over ".as_slice(), data, level].concat(), b"beside".to_vec()),
};

#[test]
fn a_report_is_over_what_was_written() {
    let configfs = Configfs::new(ECHO);
    let report = configfs.tsm().report(&[7; 64], 2).unwrap();
    let expected = Report {
        provider: "tdx_guest".into(),
        outblob: [b"over ".as_slice(), &[7; 64], b"2"].concat(),
        auxblob: b"beside".to_vec(),
    };
    assert_eq!(report, expected);
}

#[test]
fn a_platform_without_levels_is_not_told_one() {
    let configfs = Configfs::new(Kernel { levels: false, ..ECHO });
    let report = configfs.tsm().report(&[7; 64], 2).unwrap();
    assert_eq!(report.outblob, [b"over ".as_slice(), &[7; 64]].concat());
}

#[test]
fn a_report_that_somebody_else_wrote_to_is_not_believed() {
    let configfs = Configfs::new(Kernel { writer: true, ..ECHO });
    let Err(TeeError::Device(why)) = configfs.tsm().report(&[7; 64], 0) else { panic!() };
    assert!(why.contains("somebody else"), "{why}");
}

#[test]
fn without_the_interface_there_is_no_report() {
    let tsm = Tsm::at("/nonexistent/tsm/report");
    assert!(!tsm.is_there());
    assert!(matches!(tsm.report(&[7; 64], 0), Err(TeeError::Device(_))));
}
