#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::Tdx;
use crate::tests::binding;
use crate::tsm::made::{Configfs, Kernel};
use crate::{Tee as _, TeeError, Tsm};
use sotto_attest::{intel, release};
use sotto_types::{TeeKind, Time};

/// A quote over `data` in the form of version 4, signed by nobody: what a domain checks of its own
/// quote is its form alone.
fn quote(data: &[u8]) -> Vec<u8> {
    let mut quote = [4_u16, 2, 0x81, 0].map(u16::to_le_bytes).concat();
    quote.resize(48, 0);
    // Every field of the body begins with a byte of its own.
    quote.extend((0..520_u16).map(|at| if at % 8 == 0 { (at / 8) as u8 + 1 } else { 0 }));
    quote.extend(data);
    let chain = b"certificates";
    let mut inner = vec![0; 384 + 64];
    inner.extend([0, 0, 5, 0]);
    inner.extend(u32::try_from(chain.len()).unwrap().to_le_bytes());
    inner.extend(chain);
    let mut vouching = vec![0; 64 + 64];
    vouching.extend(6_u16.to_le_bytes());
    vouching.extend(u32::try_from(inner.len()).unwrap().to_le_bytes());
    vouching.extend(inner);
    quote.extend(u32::try_from(vouching.len()).unwrap().to_le_bytes());
    quote.extend(vouching);
    quote
}

const GUEST: Kernel = Kernel {
    provider: "tdx_guest",
    levels: false,
    writer: false,
    answer: |data, _| (quote(data), vec![]),
};

fn refused(kernel: Kernel) -> String {
    let configfs = Configfs::new(kernel);
    let Err(TeeError::Device(why)) = Tdx::new(configfs.tsm()) else { panic!("taken") };
    why
}

#[test]
fn its_evidence_is_the_quote_over_the_binding() {
    let configfs = Configfs::new(GUEST);
    let tdx = Tdx::new(configfs.tsm()).unwrap();
    let evidence = tdx.evidence(&binding(), Time(0)).unwrap();
    assert_eq!(evidence.kind, TeeKind::Tdx);
    assert_eq!(evidence.bytes, quote(&binding().bytes()));
    assert_eq!(intel::parse(&evidence.bytes).unwrap().report_data(), binding().bytes());
}

#[test]
fn its_measurement_is_made_of_the_launch_registers() {
    let configfs = Configfs::new(GUEST);
    let quote = quote(&[0; 64]);
    // Offsets in the quote: Intel TDX DCAP quoting library API, A.3.2.
    let fields = [
        ("mrtd", 184),
        ("mrconfigid", 232),
        ("mrowner", 280),
        ("mrownerconfig", 328),
        ("rtmr0", 376),
        ("rtmr1", 424),
        ("rtmr2", 472),
    ];
    let fields = fields.map(|(name, at)| (name.to_owned(), quote[at..at + 48].to_vec()));
    let expected = release(TeeKind::Tdx, &fields.into()).unwrap();
    assert_eq!(Tdx::new(configfs.tsm()).unwrap().measurement(), expected);
}

#[test]
fn zeros_behind_the_quote_are_cut_and_anything_else_is_refused() {
    let configfs = Configfs::new(Kernel {
        answer: |data, _| ([quote(data), vec![0; 900]].concat(), vec![]),
        ..GUEST
    });
    let tdx = Tdx::new(configfs.tsm()).unwrap();
    let evidence = tdx.evidence(&binding(), Time(0)).unwrap();
    assert_eq!(evidence.bytes, quote(&binding().bytes()));
    let why =
        refused(Kernel { answer: |data, _| ([quote(data), vec![1; 9]].concat(), vec![]), ..GUEST });
    assert!(why.contains("bytes"), "{why}");
}

#[test]
fn another_guest_and_a_quote_over_something_else_are_refused() {
    let why = refused(Kernel { provider: "sev_guest", ..GUEST });
    assert_eq!(why, "not a trust domain: sev_guest answered");
    let why = refused(Kernel { answer: |_, _| (quote(&[9; 64]), vec![]), ..GUEST });
    assert_eq!(why, "the quote is not over what was asked for");
    let why = refused(Kernel { answer: |_, _| (vec![], vec![]), ..GUEST });
    assert!(!why.is_empty());
    assert!(matches!(Tdx::new(Tsm::at("/nonexistent")), Err(TeeError::Device(_))));
}

#[test]
fn it_seals_nothing() {
    let configfs = Configfs::new(GUEST);
    let tdx = Tdx::new(configfs.tsm()).unwrap();
    let none = TeeError::NoSealing(TeeKind::Tdx);
    assert_eq!(tdx.seal("keys", b"secret"), Err(TeeError::NoSealing(TeeKind::Tdx)));
    assert_eq!(tdx.unseal("keys", b"sealed").err(), Some(none));
}
