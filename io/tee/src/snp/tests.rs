#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Snp, table};
use crate::tests::binding;
use crate::tsm::made::{Configfs, Kernel};
use crate::{Tee as _, TeeError};
use sotto_attest::{Parts, release, snp::SigningKey};
use sotto_types::{TeeKind, Time, Wire as _};

const VCEK: &str = "63da758de6644564adc5f4b93be8accd";
const VLEK: &str = "a8074bc2a25a483eaae639c045a0b8a1";
const ASK: &str = "4ab7b379bbac4fe4a02f05aef327c782";
const ARK: &str = "c0b406a4a803495297433fb6014cd0ae";
const CRL: &str = "92f81bc358114d3d97ffd19f88dc67ea";

/// A report of version 2 at `level`, signed by nobody: what a guest checks of its own report is its
/// form alone. Offsets: AMD 56860, table 23.
fn report(data: &[u8], level: &[u8]) -> Vec<u8> {
    let mut report = vec![0; 1184];
    report[0] = 2;
    report[0x30] = level.first().map_or(0, |digit| digit - b'0');
    report[0x34] = 1;
    report[0x50..0x90].copy_from_slice(data);
    report[0x90..0xc0].fill(0xaa);
    report[0xc0..0xe0].fill(0xbb);
    report
}

/// The host's table with these certificates.
fn table_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut at = (entries.len() + 1) * 24;
    let mut table = Vec::new();
    for (guid, certificate) in entries {
        table.extend(hex::decode(guid).unwrap());
        table.extend(u32::try_from(at).unwrap().to_le_bytes());
        table.extend(u32::try_from(certificate.len()).unwrap().to_le_bytes());
        at += certificate.len();
    }
    table.extend([0; 24]);
    entries.iter().for_each(|(_, certificate)| table.extend(*certificate));
    table
}

const GUEST: Kernel = Kernel {
    provider: "sev_guest",
    levels: true,
    writer: false,
    answer: |data, level| (report(data, level), table_of(&[(ASK, b"ask"), (VCEK, b"vcek")])),
};

fn refused(kernel: Kernel) -> String {
    let configfs = Configfs::new(kernel);
    let Err(TeeError::Device(why)) = Snp::new(configfs.tsm(), 0) else { panic!("taken") };
    why
}

#[test]
fn its_evidence_is_the_report_over_the_binding_with_the_hosts_certificates() {
    let configfs = Configfs::new(GUEST);
    let snp = Snp::new(configfs.tsm(), 2).unwrap();
    let evidence = snp.evidence(&binding(), Time(0)).unwrap();
    let expected = Parts {
        quote: report(&binding().bytes(), b"2"),
        chain: vec![b"vcek".to_vec(), b"ask".to_vec()],
        ..Parts::default()
    };
    assert_eq!(evidence.kind, TeeKind::Snp);
    assert_eq!(Parts::decode(&evidence.bytes), Ok(expected));
}

#[test]
fn its_measurement_is_launch_digest_and_host_data() {
    let configfs = Configfs::new(GUEST);
    let fields = [("measurement", vec![0xaa; 48]), ("host_data", vec![0xbb; 32])];
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    let expected = release(TeeKind::Snp, &fields.into()).unwrap();
    assert_eq!(Snp::new(configfs.tsm(), 0).unwrap().measurement(), expected);
}

#[test]
fn another_guest_other_data_and_another_level_are_refused() {
    let why = refused(Kernel { provider: "tdx_guest", ..GUEST });
    assert_eq!(why, "not an SNP guest: tdx_guest answered");
    let other = "the report is not over what was asked for";
    let why = refused(Kernel { answer: |_, _| (report(&[9; 64], b"0"), vec![]), ..GUEST });
    assert_eq!(why, other);
    let why = refused(Kernel { answer: |data, _| (report(data, b"1"), vec![]), ..GUEST });
    assert_eq!(why, other);
    let why = refused(Kernel {
        answer: |data, _| ([report(data, b"0"), vec![0]].concat(), vec![]),
        ..GUEST
    });
    assert!(why.contains("1185"), "{why}");
}

#[test]
fn more_certificates_than_evidence_may_have_bytes_are_refused() {
    let configfs = Configfs::new(Kernel {
        answer: |data, level| (report(data, level), table_of(&[(VCEK, &vec![1; 65 << 10])])),
        ..GUEST
    });
    let snp = Snp::new(configfs.tsm(), 0).unwrap();
    let refused = snp.evidence(&binding(), Time(0));
    assert!(matches!(refused, Err(TeeError::Device(why)) if why.contains("evidence of")));
}

#[test]
fn it_seals_nothing() {
    let configfs = Configfs::new(GUEST);
    let snp = Snp::new(configfs.tsm(), 0).unwrap();
    let none = || TeeError::NoSealing(TeeKind::Snp);
    assert_eq!(snp.seal("keys", b"secret"), Err(none()));
    assert_eq!(snp.unseal("keys", b"sealed").err(), Some(none()));
}

#[test]
fn the_chain_begins_with_the_key_that_signed() {
    let all: [(&str, &[u8]); 5] =
        [(CRL, b"crl"), (ARK, b"ark"), (VLEK, b"vlek"), (ASK, b"ask"), (VCEK, b"vcek")];
    let table = table_of(&all);
    let chain = |key| table::chain(&table, key).unwrap();
    let text = |chain: &[&str]| chain.iter().map(|c| c.as_bytes().to_vec()).collect::<Vec<_>>();
    assert_eq!(chain(SigningKey::Vcek), text(&["vcek", "ask", "ark"]));
    assert_eq!(chain(SigningKey::Vlek), text(&["vlek", "ask", "ark"]));
    assert_eq!(chain(SigningKey::None), text(&[]));
}

#[test]
fn a_host_without_the_signers_certificate_sends_none() {
    let none: Vec<Vec<u8>> = vec![];
    let tables = [
        vec![],
        vec![0; 24],
        vec![0; 4096],
        table_of(&[(ASK, b"ask"), (VLEK, b"vlek")]),
        table_of(&[(VCEK, b"")]),
    ];
    for table in tables {
        assert_eq!(table::chain(&table, SigningKey::Vcek), Ok(none.clone()), "{table:?}");
    }
}

#[test]
fn a_table_that_points_outside_itself_or_never_ends_is_refused() {
    let refused = |table: &[u8]| match table::chain(table, SigningKey::Vcek) {
        Err(TeeError::Device(why)) => why,
        other => panic!("{other:?}"),
    };
    let good = table_of(&[(VCEK, b"vcek")]);
    let about = "the host's table of certificates";
    assert_eq!(refused(&good[..good.len() - 1]), format!("{about} points outside itself"));
    for (at, byte) in [(16, 0xff), (19, 0xff), (20, 5), (23, 0xff)] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert_eq!(refused(&bad), format!("{about} points outside itself"), "{at}");
    }
    let mut endless = table_of(&[(VCEK, b"")]);
    endless.truncate(24);
    assert_eq!(refused(&endless), format!("{about} points outside itself"));
    endless[16] = 0;
    assert_eq!(refused(&endless), format!("{about} never ends"));
    endless.push(1);
    assert_eq!(refused(&endless), format!("{about} never ends"));
    let many = table_of(&vec![(CRL, b"".as_slice()); 33]);
    assert_eq!(refused(&many), format!("{about} has too many entries"));
    assert!(table::chain(&table_of(&vec![(CRL, b"".as_slice()); 32]), SigningKey::Vcek).is_ok());
}
