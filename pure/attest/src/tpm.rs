//! TPM 2.0 quotes: what a machine measured while it started, signed by its TPM.
//!
//! A quote is [`parse`]d from `TPMS_ATTEST`, its signature from `TPMT_SIGNATURE`; the digest in it
//! is recomputed from PCR values, and these from the event log and IMA's list where they are
//! given. An attestation key is only as good as what vouches for it: an endorsement key's
//! certificate and an activated credential ([`Credential`]), or a certificate of its own. Without
//! that the best status is a warning, and a TPM kept by a host (a virtual one) says nothing against
//! that host. Source: TPM 2.0 Library 1.59, TCG PC Client Platform Firmware Profile 1.06. Not here:
//! talking to a TPM (`io/tee`), predicting PCRs from an image (`image`).

mod attest;
mod bundle;
mod credential;
mod examine;
pub mod log;
#[cfg(test)]
pub(crate) mod made;
pub mod pcrs;
mod public;
mod reader;
pub mod signature;
#[cfg(test)]
mod tests;
mod vouch;

use crate::{
    Bound, Claims, Code, Context, Measurements, Parts, Platform, Reason, Security, Tcb, Unverified,
    hash::Hash,
};
use sotto_types::TeeKind;

pub use attest::{Clock, Quote, Selection, parse};
pub use bundle::{BundleError, from_attestation, from_json};
pub use credential::{Credential, CredentialError, EndorsementKey, Random, make_credential};
pub use examine::{Examined, examine};
pub(crate) use examine::{Given, look};
pub use pcrs::Banks;
pub use public::{AttestationKey, Public, fingerprint, parse as parse_public};
pub use signature::Signature;
pub use vouch::Activation;
pub(crate) use vouch::vouch;

/// Why bytes of a TPM or its log are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TpmError {
    /// Fewer bytes than the structure needs.
    #[error("{what}: cut short")]
    Short {
        /// Which structure.
        what: &'static str,
    },
    /// More bytes than the structure has.
    #[error("{what}: {extra} bytes left over")]
    LeftOver {
        /// Which structure.
        what: &'static str,
        /// How many.
        extra: usize,
    },
    /// More than is read.
    #[error("{what}: {got} is more than {max}")]
    TooLarge {
        /// Which structure.
        what: &'static str,
        /// How much there is.
        got: usize,
        /// How much there may be.
        max: usize,
    },
    /// A number that is not spoken here.
    #[error("{what}: {value:#x} is not spoken here")]
    Unknown {
        /// What it stands for.
        what: &'static str,
        /// The number.
        value: u32,
    },
    /// Something that may stand once only.
    #[error("{what}: given twice")]
    Twice {
        /// What.
        what: &'static str,
    },
    /// Not the form.
    #[error("{what}: not of this form")]
    Form {
        /// Which structure.
        what: &'static str,
    },
    /// Signed by a TPM's key perhaps, but not made by a TPM.
    #[error("TPM_GENERATED is missing")]
    NotGenerated,
    /// Another statement of a TPM.
    #[error("a statement of type {0:#06x}, not a quote")]
    NotAQuote(u16),
    /// A key of a kind or size not spoken.
    #[error("not a P-256, P-384 or RSA key of 2048 bits or more")]
    Key,
}

impl TpmError {
    pub(crate) fn reason(&self) -> Reason {
        let code = match self {
            Self::NotGenerated | Self::NotAQuote(_) => Code::NotAQuote,
            _ => Code::Malformed,
        };
        Reason::new(code, self.to_string())
    }
}

/// The hash that a `TPM_ALG_ID` names.
fn hash_of(algorithm: u16) -> Result<Hash, TpmError> {
    Ok(match algorithm {
        0x0004 => Hash::Sha1,
        0x000b => Hash::Sha256,
        0x000c => Hash::Sha384,
        0x000d => Hash::Sha512,
        other => return Err(TpmError::Unknown { what: "hash", value: other.into() }),
    })
}

/// The `TPM_ALG_ID` of a hash.
const fn algorithm_of(hash: Hash) -> u16 {
    match hash {
        Hash::Sha1 => 0x0004,
        Hash::Sha256 => 0x000b,
        Hash::Sha384 => 0x000c,
        Hash::Sha512 => 0x000d,
    }
}

/// The fields of every part that can be read, by name, for people. Nothing here is believed.
pub fn describe(parts: &Parts) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    if let Ok(quote) = parse(&parts.quote) {
        fields.extend(quote.describe());
    }
    let ak = parts.ak.as_deref().and_then(|ak| AttestationKey::parse(ak).ok());
    if let Some(ak) = ak {
        fields.push(("ak".to_owned(), hex::encode(fingerprint(&ak.key))));
        fields.extend(ak.public.iter().flat_map(Public::describe));
    }
    for (bank, values) in parts.pcrs.as_deref().and_then(|it| pcrs::parse(it).ok()).iter().flatten()
    {
        let named =
            |(pcr, value)| (format!("{}_pcr{pcr}", bank.name()), hex::encode::<&Vec<u8>>(value));
        fields.extend(values.iter().map(named));
    }
    if let Some(log) = parts.event_log.as_deref().and_then(|log| log::parse(log).ok()) {
        fields.extend(log.describe());
    }
    fields
}

/// The claims of a quote whose signature, values, log and certificates hold.
pub(crate) fn verify(parts: &Parts, context: &mut Context<'_>) -> Result<Claims, Unverified> {
    let mut failed = Vec::new();
    let examined = match examine(parts) {
        Ok(examined) => Some(examined),
        Err(reasons) => {
            failed = reasons;
            None
        }
    };
    let ak = parts.ak.as_deref().and_then(|ak| AttestationKey::parse(ak).ok());
    let vouched = ak.as_ref().map(|ak| vouch(ak, parts, context));
    failed.extend(examined.iter().flat_map(|examined| examined.failed.iter().cloned()));
    failed.extend(vouched.iter().flat_map(|vouched| vouched.failed.iter().cloned()));
    let (Some(examined), Some(vouched), []) = (examined, vouched, failed.as_slice()) else {
        return Err(Unverified { reasons: failed });
    };
    Ok(Claims {
        kind: TeeKind::Tpm,
        platform: Platform {
            class: "tpm".into(),
            identities: vouched.identities,
            anchor: vouched.anchor,
            scope: vouched.scope,
        },
        tcb: Tcb {
            svns: [("tpm_firmware".to_owned(), examined.quote.firmware)].into(),
            ..Tcb::default()
        },
        measurements: examined.measurements(),
        security: examined.security(),
        bound: examined.bound(),
        windows: vouched.windows,
        made: None,
        noticed: [examined.noticed, vouched.noticed].concat(),
    })
}

impl Examined {
    /// `pcr<N>` of the widest bank quoted; `<bank>_pcr<N>` of the others.
    pub(crate) fn measurements(&self) -> Measurements {
        let banks = self.proven.iter().flatten();
        let widest = banks.clone().map(|(bank, _)| *bank).max();
        let named = banks.flat_map(|(bank, values)| {
            let prefix =
                if Some(*bank) == widest { String::new() } else { format!("{}_", bank.name()) };
            values.iter().map(move |(pcr, value)| (format!("{prefix}pcr{pcr}"), value.clone()))
        });
        named.collect()
    }

    /// What the log and the TPM's clock say.
    pub(crate) fn security(&self) -> Security {
        Security {
            secure_boot: self.secure_boot,
            tpm_clock: Some(self.quote.clock),
            ..Security::default()
        }
    }

    /// The challenge.
    pub(crate) fn bound(&self) -> Bound {
        Bound { report_data: self.quote.extra_data.clone(), nonce: None, padded: false }
    }
}
