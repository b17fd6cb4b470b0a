//! AMD SEV-SNP: a guest's attestation report, versions 2 to 5, on Milan, Genoa and Turin.
//!
//! A report is signed by a key of the chip (VCEK) or of the cloud (VLEK) that the firmware derives
//! for one set of security versions; AMD certifies that key, and the certificate names chip and
//! versions. Sources: AMD 56860 (SEV-SNP firmware ABI, revision 1.58) for the report, AMD 57230 for
//! the certificates. Not here: fetching certificates and revocation lists, dates, and what a policy
//! thinks of the claims (`judge`).

mod claims;
mod demands;
mod describe;
mod key;
mod product;
mod report;
#[cfg(test)]
mod tests;
mod verify;

pub use demands::Demands;
pub use product::Product;
pub use report::{Cpuid, Firmware, GuestPolicy, Report, ReportError, SIZE, SigningKey, parse};
pub(crate) use verify::verify;
pub use verify::verify_report;
