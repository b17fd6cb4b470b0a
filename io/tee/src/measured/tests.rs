#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::MeasuredBoot;
use crate::tpm::made::{Scripted, reply};
use crate::{Tee as _, TeeError};
use sotto_attest::{hash::Hash, release};
use sotto_types::TeeKind;
use std::collections::BTreeSet;

/// A machine with these PCRs, each holding its number, and a TPM that says nothing more.
fn machine(pcrs: &[u8]) -> Result<MeasuredBoot, TeeError> {
    let mut body = vec![0; 8];
    body.extend(u32::try_from(pcrs.len()).unwrap().to_be_bytes());
    for pcr in pcrs {
        body.extend([0, 32]);
        body.extend([*pcr; 32]);
    }
    let pcrs: BTreeSet<u8> = pcrs.iter().copied().collect();
    MeasuredBoot::new(Scripted::new([reply(0, &body)]).tpm(), Hash::Sha256, pcrs)
}

#[test]
fn its_measurement_is_made_of_the_launch_pcrs() {
    let named = [4, 9, 11, 12, 13].map(|pcr| (format!("pcr{pcr}"), vec![pcr; 32]));
    let expected = release(TeeKind::Tpm, &named.into()).unwrap();
    assert_eq!(machine(&[0, 4, 9, 11, 12, 13, 16]).unwrap().measurement(), expected);
}

#[test]
fn a_machine_without_one_of_the_launch_pcrs_is_refused() {
    let all = [4, 9, 11, 12, 13];
    for missing in all {
        let rest: Vec<u8> = all.into_iter().filter(|pcr| *pcr != missing).collect();
        let refused = machine(&rest).map(drop);
        let why = "PCRs 4, 9, 11, 12 and 13 must be quoted";
        assert_eq!(refused, Err(TeeError::Device(why.into())), "{missing}");
    }
}

#[test]
fn it_seals_nothing() {
    let machine = machine(&[4, 9, 11, 12, 13]).unwrap();
    let none = || TeeError::NoSealing(TeeKind::Tpm);
    assert_eq!(machine.seal("keys", b"secret"), Err(none()));
    assert_eq!(machine.unseal("keys", b"sealed").err(), Some(none()));
}
