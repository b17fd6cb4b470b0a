#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use super::{Nitro, NsmDriver, SecurityModule};
use crate::tests::binding;
use crate::{Tee as _, TeeError};
use aws_nitro_enclaves_nsm_api::api::{ErrorCode, Request, Response};
use sotto_attest::release;
use sotto_types::{TeeKind, Time};

/// A module that answers a document's request with what was asked, nonce first.
struct Module {
    lock: bool,
    size: usize,
    document: fn(Vec<u8>) -> Response,
}

const GOOD: Module =
    Module { lock: true, size: 48, document: |document| Response::Attestation { document } };

impl SecurityModule for Module {
    fn answer(&self, request: Request) -> Response {
        match request {
            Request::DescribePCR { index } => {
                let byte = u8::try_from(index).unwrap() + 1;
                Response::DescribePCR { lock: self.lock, data: vec![byte; self.size] }
            }
            Request::Attestation { user_data, nonce, public_key: None } => {
                let fields = [nonce.unwrap().into_vec(), user_data.unwrap().into_vec()];
                (self.document)(fields.concat())
            }
            _ => Response::Error(ErrorCode::InvalidOperation),
        }
    }
}

fn device<T>(why: &str) -> Result<T, TeeError> {
    Err(TeeError::Device(why.into()))
}

fn evidence(document: fn(Vec<u8>) -> Response) -> Result<Vec<u8>, TeeError> {
    let nitro = Nitro::new(Module { document, ..GOOD }).unwrap();
    let evidence = nitro.evidence(&binding(), Time(0))?;
    assert_eq!(evidence.kind, TeeKind::Nitro);
    Ok(evidence.bytes)
}

#[test]
fn its_evidence_is_the_document_with_the_binding_as_nonce_and_user_data() {
    let bound = binding().bytes();
    assert_eq!(evidence(GOOD.document), Ok([bound, bound].concat()));
}

#[test]
fn its_measurement_is_image_kernel_and_application() {
    let pcrs = [("pcr0", 1), ("pcr1", 2), ("pcr2", 3)];
    let pcrs = pcrs.map(|(name, byte)| (name.to_owned(), vec![byte; 48]));
    let expected = release(TeeKind::Nitro, &pcrs.into()).unwrap();
    assert_eq!(Nitro::new(GOOD).unwrap().measurement(), expected);
}

#[test]
fn a_register_that_can_change_or_has_another_size_is_refused() {
    let new = |module| Nitro::new(module).map(drop);
    assert_eq!(new(Module { lock: false, ..GOOD }), device("a launch PCR is not locked"));
    for size in [0, 32, 47, 49] {
        let refused = device("the NSM answered something else");
        assert_eq!(new(Module { size, ..GOOD }), refused, "{size}");
    }
}

#[test]
fn a_refusal_another_answer_and_a_document_of_no_size_are_refused() {
    let refused = evidence(|_| Response::Error(ErrorCode::InputTooLarge));
    assert_eq!(refused, device("the NSM refused: InputTooLarge"));
    let other = device("the NSM answered something else");
    assert_eq!(evidence(|_| Response::LockPCR), other);
    assert_eq!(evidence(|_| Response::Attestation { document: vec![] }), other);
    assert_eq!(evidence(|_| Response::Attestation { document: vec![0; 0x3001] }), other);
}

#[test]
fn outside_an_enclave_there_is_no_driver() {
    if std::path::Path::new("/dev/nsm").exists() {
        return;
    }
    let Err(TeeError::Device(why)) = NsmDriver::open() else { panic!("opened") };
    assert!(why.starts_with("/dev/nsm: "), "{why}");
}

#[test]
fn it_seals_nothing() {
    let nitro = Nitro::new(GOOD).unwrap();
    let none = || TeeError::NoSealing(TeeKind::Nitro);
    assert_eq!(nitro.seal("keys", b"secret"), Err(none()));
    assert_eq!(nitro.unseal("keys", b"sealed").err(), Some(none()));
}
