//! NVIDIA GPUs and NVSwitches: SPDM measurements, signed by a key in the device.
//!
//! A report is an SPDM 1.1 `GET_MEASUREMENTS` request, whose nonce is the challenge, and the
//! device's answer (DMTF DSP0274); the chain comes beside it, five certificates from the key of
//! the device's firmware to NVIDIA's identity root. What good measurements are, NVIDIA says in
//! signed manifests, which are endorsements here. Without manifests a report proves a genuine
//! device, its firmware's identity and the nonce; whether the measured state is a good one, and so
//! whether debugging is off on a GH100, only the comparison tells. No report proves that the device
//! is the one attached to the machine that handed it on: ask again before use. Not here: NVIDIA's
//! attestation service and its tokens, fetching manifests and OCSP answers, several devices at once
//! (`composite`).

mod dice;
mod input;
mod ocsp;
mod revocation;
mod rim;
mod spdm;
#[cfg(test)]
pub(crate) mod tests;
mod verify;

use crate::x509::{Certificate, Path};

pub use input::{Device, from_hex, from_json};
pub use ocsp::describe_answer;
pub use rim::describe_manifest;
use spdm::field;
pub use spdm::{Block, NvidiaError, Report, SIGNATURE_LEN, parse};
pub(crate) use verify::verify;

/// Whether the chain has other certificates than the path needs: nothing signs them, so they could
/// be anything. The root's own may stand at the end.
fn idle(path: &Path<'_>, chain: &[Certificate]) -> bool {
    let needed = path.certificates.len();
    let whole = path.certificates.iter().chain([&path.root]);
    let fits = (needed..=needed + 1).contains(&chain.len())
        && chain.iter().zip(whole).all(|(given, used)| given.der() == used.der());
    !fits
}
