//! Azure confidential VMs on SEV-SNP and TDX: a hardware report of the paravisor, and a quote of the
//! virtual TPM that the paravisor keeps.
//!
//! The parts hang together by hashes. The hardware's report data are the SHA-256 of the runtime data
//! beside it; these name the virtual TPM's attestation key; that key signs the quote over the PCRs
//! and over the verifier's challenge. So the challenge stands in the quote, and nothing fresh in the
//! hardware report. What is proved beside the PCRs is Microsoft's paravisor, which could quote what
//! it likes. Sources: Azure's HCL report (azure-cvm-tooling, confidential-containers/trustee). Not
//! here: the hardware's own checks (`snp`, `intel`), nor the quote's (`tpm`).

mod bundle;
mod hcl;
#[cfg(test)]
mod tests;
mod trust_domain;

use crate::{
    Claims, Code, Context, Identities, Parts, Reason, Unverified, hash::Hash, signature::PublicKey,
    snp, tpm,
};
use sotto_types::TeeKind;

pub use bundle::{Bundle, parse};
pub use hcl::{Hcl, Runtime, parse as parse_hcl};

/// Why bytes are no evidence of Azure's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AzureError {
    /// Too many bytes.
    #[error("{what}: {got} bytes; {max} are read")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there may be.
        max: usize,
    },
    /// Not the JSON of this form.
    #[error("{what}: {why}")]
    Json {
        /// Which part.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A version not spoken.
    #[error("{what}: version {value} is not spoken here")]
    Version {
        /// Which part.
        what: &'static str,
        /// The version.
        value: u32,
    },
    /// Fields that are not as they must be.
    #[error("HCL report: {0}")]
    Hcl(&'static str),
    /// The runtime data do not name one attestation key.
    #[error("runtime data: {0}")]
    Runtime(&'static str),
}

impl AzureError {
    const fn code(&self) -> Code {
        match self {
            Self::Version { .. } => Code::UnknownVersion,
            _ => Code::Malformed,
        }
    }
}

impl From<AzureError> for Unverified {
    fn from(error: AzureError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

/// The claims of a composite whose parts all hold and hang together.
pub(crate) fn verify(
    kind: TeeKind,
    parts: &Parts,
    context: &mut Context<'_>,
) -> Result<Claims, Unverified> {
    let foreign = [
        ("signature", parts.signature.is_some()),
        ("ak", parts.ak.is_some()),
        ("pcrs", parts.pcrs.is_some()),
        ("ek_cert", parts.ek_cert.is_some()),
        ("chain", !parts.chain.is_empty()),
    ];
    if let Some((name, _)) = foreign.into_iter().find(|(_, given)| *given) {
        let detail = format!("Azure's evidence has no part `{name}` beside its JSON");
        return Err(Unverified::new(Code::Malformed, detail));
    }
    let bundle = parse(&parts.quote)?;
    let hcl = parse_hcl(&bundle.hcl_report)?;
    if hcl.kind != kind {
        let detail = format!("an HCL report of {}, not of {kind}", hcl.kind);
        return Err(Unverified::new(Code::Malformed, detail));
    }
    let runtime = hcl.runtime()?;
    let mut failed = Vec::new();
    let hardware = match kind {
        TeeKind::AzureTdx => trust_domain::verify(&bundle, &hcl, context),
        _ => guest(&bundle, &hcl, context),
    };
    let hardware = hardware.map_err(|unverified| failed.extend(unverified.reasons)).ok();
    if let Some(claims) = &hardware {
        failed.extend(unbound(&hcl, &claims.bound.report_data));
    }
    let log = parts.event_log.as_deref().or(bundle.event_log.as_deref());
    let examined = quote(&bundle, &runtime, log);
    let examined = examined.map_err(|reason| failed.push(reason)).ok();
    failed.extend(examined.iter().flat_map(|examined| examined.failed.iter().cloned()));
    match (hardware, examined) {
        (Some(hardware), Some(examined)) if failed.is_empty() => {
            Ok(claims(kind, hardware, &examined, &runtime))
        }
        _ => Err(Unverified { reasons: failed }),
    }
}

/// The SNP report in the HCL report. A signer that the caller gives goes before the one sent.
fn guest(bundle: &Bundle, hcl: &Hcl, context: &mut Context<'_>) -> Result<Claims, Unverified> {
    if bundle.td_quote.is_some() {
        return Err(Unverified::new(Code::Malformed, "a TD quote beside an SNP report"));
    }
    let given = context.endorsements.signer.clone();
    snp::verify_report(&hcl.hardware, given.as_deref().or(bundle.vcek.as_deref()), context)
}

/// The hardware must vouch for the runtime data: their hash, then zeros.
fn unbound(hcl: &Hcl, report_data: &[u8]) -> Option<Reason> {
    let mut wanted = hcl.hash.digest(&[&hcl.runtime]);
    wanted.resize(report_data.len().max(wanted.len()), 0);
    let detail = "the hardware's report data are not the hash of the runtime data";
    (wanted != report_data).then(|| Reason::new(Code::PartsNotBound, detail))
}

/// The virtual TPM's quote, under the key that the runtime data name.
fn quote(bundle: &Bundle, runtime: &Runtime, log: Option<&[u8]>) -> Result<tpm::Examined, Reason> {
    let quote = tpm::parse(&bundle.message).map_err(|error| error.reason())?;
    let raw = matches!(&runtime.ak, PublicKey::Rsa { modulus, .. }
        if modulus.len() == bundle.signature.len());
    let signature = if raw {
        tpm::Signature::rsassa_sha256(&bundle.signature)
    } else {
        tpm::signature::parse(&bundle.signature).map_err(|error| error.reason())?
    };
    let banks = [(Hash::Sha256, bundle.pcrs.clone())].into();
    let given = tpm::Given {
        message: &bundle.message,
        signature: &signature,
        key: &runtime.ak,
        pcrs: Some(&banks),
        log,
    };
    Ok(tpm::look(quote, given))
}

/// The hardware's claims, with the PCRs and the quote's challenge.
fn claims(kind: TeeKind, hardware: Claims, quote: &tpm::Examined, runtime: &Runtime) -> Claims {
    let mut claims = Claims { kind, bound: quote.bound(), ..hardware };
    let names: Identities = [
        ("ak".to_owned(), tpm::fingerprint(&runtime.ak).to_vec()),
        ("vm_id".to_owned(), runtime.vm_id.clone()),
    ]
    .into();
    claims.platform.identities.extend(names);
    claims.measurements.extend(quote.measurements());
    claims.measurements.insert("user_data".to_owned(), runtime.user_data.clone());
    claims.security.secure_boot = quote.secure_boot.or(runtime.secure_boot);
    claims.security.tpm_clock = Some(quote.quote.clock);
    claims.tcb.svns.insert("tpm_firmware".to_owned(), quote.quote.firmware);
    claims.noticed.extend(quote.noticed.iter().cloned());
    claims
}
