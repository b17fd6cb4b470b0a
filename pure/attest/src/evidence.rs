//! What a verifier is handed: the prover's evidence, and what others say about its platform.
//!
//! Nothing here has been believed yet. Not here: the parsed form of any kind.

#[cfg(test)]
mod tests;

use crate::tpm::Activation;
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};
use sotto_types::{Malformed, TeeKind, Wire, limits};

/// Certificates that evidence carries, at most.
const CHAIN_MAX: usize = 16;

/// Evidence of one environment, still as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The kind the caller expects. It chooses the verifier and its trust anchors.
    pub kind: TeeKind,
    /// The bytes.
    pub parts: Parts,
}

/// The parts evidence may come in. Most kinds have a `quote` and nothing else; a part that a kind
/// does not have is refused when it is given.
///
/// Where evidence travels as one string of bytes, it is the [`Wire`] form: a version byte and
/// borsh, at most [`limits::EVIDENCE_MAX`] bytes with at most 16 certificates. Kinds of one part
/// travel as that part alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Parts {
    /// The quote, report, document or token itself.
    pub quote: Vec<u8>,
    /// TPM: the signature over the quote (`TPMT_SIGNATURE`).
    pub signature: Option<Vec<u8>>,
    /// TPM: the public attestation key (`TPMT_PUBLIC`, or `SubjectPublicKeyInfo` in DER or PEM).
    pub ak: Option<Vec<u8>>,
    /// TPM: the values of the quoted PCRs.
    pub pcrs: Option<Vec<u8>>,
    /// TPM: the firmware's event log (TCG PC Client, crypto-agile).
    pub event_log: Option<Vec<u8>>,
    /// TPM: the endorsement key's certificate (DER).
    pub ek_cert: Option<Vec<u8>>,
    /// Certificates sent along (DER), the signer's first.
    pub chain: Vec<Vec<u8>>,
}

impl Wire for Parts {
    const VERSION: u8 = 1;
    const MAX: usize = limits::EVIDENCE_MAX;
    const NAME: &'static str = "Parts";

    fn validate(&self) -> Result<(), Malformed> {
        if self.chain.len() > CHAIN_MAX {
            let (got, max) = (self.chain.len() as u64, CHAIN_MAX as u64);
            return Err(Malformed::Limit { what: "certificates", got, max });
        }
        Ok(())
    }
}

/// What others say about platforms: signed by vendors, fetched and kept by `io/tee`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endorsements {
    /// Intel's collateral for the quoting platform.
    pub collateral: Option<Collateral>,
    /// The certificate (DER) or key of what signed the evidence, where the evidence does not carry
    /// it: a VCEK or VLEK, an Arm platform key (JWK).
    pub signer: Option<Vec<u8>>,
    /// Further certificates (DER) between the signer and an anchor.
    pub chain: Vec<Vec<u8>>,
    /// Revocation lists (DER).
    pub crls: Vec<Vec<u8>>,
    /// OCSP responses (DER).
    pub ocsp: Vec<Vec<u8>>,
    /// Reference integrity manifests (NVIDIA: SWID in XML).
    pub rims: Vec<Vec<u8>>,
    /// TPM: credentials that the caller saw activated.
    pub activated: Vec<Activation>,
    /// Who has the machine in custody: signed statements ([`crate::Custody`]).
    pub custody: Vec<Vec<u8>>,
}

/// Intel's collateral in the form that PCCS clients exchange (`QuoteCollateralV3`): issuer chains in
/// PEM, bodies as the JSON text that is signed, signatures and CRLs as bytes (written as hex; arrays
/// of numbers, which older clients wrote, are read too).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collateral {
    /// Issuer chain of the PCK's CRL (PEM).
    pub pck_crl_issuer_chain: String,
    /// The root's CRL (DER; hex in JSON).
    #[serde(with = "bytes")]
    pub root_ca_crl: Vec<u8>,
    /// The PCK issuer's CRL (DER; hex in JSON).
    #[serde(with = "bytes")]
    pub pck_crl: Vec<u8>,
    /// Issuer chain of the TCB info (PEM).
    pub tcb_info_issuer_chain: String,
    /// The signed body of the TCB info (JSON text, kept to the byte).
    pub tcb_info: String,
    /// Its ECDSA P-256 signature (r ‖ s; hex in JSON).
    #[serde(with = "bytes")]
    pub tcb_info_signature: Vec<u8>,
    /// Issuer chain of the QE identity (PEM).
    pub qe_identity_issuer_chain: String,
    /// The signed body of the QE identity (JSON text, kept to the byte).
    pub qe_identity: String,
    /// Its ECDSA P-256 signature (r ‖ s; hex in JSON).
    #[serde(with = "bytes")]
    pub qe_identity_signature: Vec<u8>,
    /// The PCK chain (PEM), for a quote that names its PCK by an encrypted PPID only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pck_certificate_chain: Option<String>,
}

/// Bytes in JSON.
mod bytes {
    use serde::{Deserializer, de};

    pub(super) use hex::serde::serialize;

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        struct HexOrNumbers;
        impl<'de> de::Visitor<'de> for HexOrNumbers {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("hex or an array of numbers")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
                hex::decode(text).map_err(E::custom)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut all: A) -> Result<Vec<u8>, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = all.next_element()? {
                    bytes.push(byte);
                }
                Ok(bytes)
            }
        }
        from.deserialize_any(HexOrNumbers)
    }
}
