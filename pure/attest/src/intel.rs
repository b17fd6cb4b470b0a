//! Intel TDX (quotes v4 and v5) and SGX (quotes v3) with DCAP collateral.
//!
//! A quote is signed by an attestation key, which the quoting enclave's (QE) report binds, which
//! the platform's key (PCK) signs, whose certificate hangs under Intel's root. Collateral says the
//! rest: which QE is Intel's, how well the platform is patched, what is revoked. Formats, levels and
//! the PCK's extension are read by `dcap-qvl`; the steps are taken here, each once and each with its
//! reason, because that crate's own door gives the first failure as text, nothing at all for a
//! genuine quote in debug mode or without a level, and wants a moment. Sources: Intel's
//! `sgx_quote_{3,4,5}.h`, the PCS API v4, the QVL. Not here: dates against a clock and which statuses
//! will do (`judge`), fetching collateral.

mod claims;
mod collateral;
mod forecast;
mod pck;
mod quote;
mod tcb;
#[cfg(test)]
mod tests;

pub use collateral::{CollateralError, ParsedCollateral};
pub use forecast::{Forecast, forecast};
pub use quote::{Quote, QuoteError, length, parse};

use crate::{
    Anchors, Claims, Code, Collateral, Context, Parts, Reason, Unverified, Vendor,
    hash::Hash,
    signature::{PublicKey, Scheme},
    x509::Cache,
};
use dcap_qvl::INTEL_QE_VENDOR_ID;
use pck::Pck;
use sotto_types::TeeKind;

/// ECDSA with P-256, the only attestation key there is.
const KEY_TYPE: u16 = 2;

/// The claims of a quote of `kind`, if everything that signed it leads to an anchor of
/// [`Vendor::Intel`].
pub(crate) fn verify(
    kind: TeeKind,
    parts: &Parts,
    context: &mut Context<'_>,
) -> Result<Claims, Unverified> {
    let quote = read(kind, parts)?;
    let raw = context.endorsements.collateral.as_ref();
    let (collateral, unread) = match raw.map(ParsedCollateral::parse) {
        Some(Ok(collateral)) => (Some(collateral), None),
        Some(Err(error)) => (None, Some(Reason::new(Code::CollateralInvalid, error.to_string()))),
        None => {
            let detail = "nothing says how well the platform is patched";
            (None, Some(Reason::new(Code::CollateralMissing, detail)))
        }
    };
    check(&quote, raw, collateral.as_ref(), unread, context.anchors, context.cache)
}

/// The claims of a quote under collateral that was read before. Dates are not looked at.
///
/// # Errors
/// [`Unverified`] with every reason.
pub fn verify_quote(
    quote: &Quote,
    collateral: &ParsedCollateral<'_>,
    anchors: &Anchors,
    cache: &mut Cache,
) -> Result<Claims, Unverified> {
    check(quote, Some(collateral.raw), Some(collateral), None, anchors, cache)
}

fn read(kind: TeeKind, parts: &Parts) -> Result<Quote, Unverified> {
    let malformed = |detail: String| Unverified::new(Code::Malformed, detail);
    let others = [
        ("signature", parts.signature.is_some()),
        ("ak", parts.ak.is_some()),
        ("pcrs", parts.pcrs.is_some()),
        ("event_log", parts.event_log.is_some()),
        ("ek_cert", parts.ek_cert.is_some()),
        ("chain", !parts.chain.is_empty()),
    ];
    if let Some((name, _)) = others.into_iter().find(|(_, given)| *given) {
        return Err(malformed(format!("a quote has no part `{name}`")));
    }
    let quote = parse(&parts.quote).map_err(|error| match error {
        QuoteError::Version(_) => Unverified::new(Code::UnknownVersion, error.to_string()),
        _ => malformed(error.to_string()),
    })?;
    if quote.kind() != kind {
        return Err(malformed(format!("a quote of {}, not of {kind}", quote.kind())));
    }
    Ok(quote)
}

/// Every check there is; `unread` is why there is no collateral.
fn check(
    quote: &Quote,
    raw: Option<&Collateral>,
    collateral: Option<&ParsedCollateral<'_>>,
    unread: Option<Reason>,
    anchors: &Anchors,
    cache: &mut Cache,
) -> Result<Claims, Unverified> {
    let mut reasons = header(quote);
    let pck = Pck::verify(quote, raw, anchors.of(Vendor::Intel), cache);
    reasons.extend(signatures(quote, pck.as_ref().ok()));
    reasons.extend(unread);
    if let Some(collateral) = collateral {
        reasons.extend(tcb::identity(&quote.vouching.qe, &collateral.qe));
    }
    match (pck, collateral) {
        (Ok(pck), Some(collateral)) => {
            reasons.extend(collateral.verify(quote.kind(), &pck, cache));
            if reasons.is_empty() {
                return Ok(claims::claims(quote, &pck, collateral));
            }
        }
        (Err(reason), _) => reasons.push(reason),
        (Ok(_), None) => {}
    }
    Err(Unverified { reasons })
}

fn header(quote: &Quote) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let header = &quote.header;
    if header.qe_vendor_id != INTEL_QE_VENDOR_ID {
        let detail = format!("the QE's vendor is {}", hex::encode(header.qe_vendor_id));
        reasons.push(Reason::new(Code::QeVendor, detail));
    }
    if header.attestation_key_type != KEY_TYPE {
        let detail = format!("attestation key of type {}", header.attestation_key_type);
        reasons.push(Reason::new(Code::AttestationKeyType, detail));
    }
    reasons
}

/// The three signatures and bindings between the report and the PCK.
fn signatures(quote: &Quote, pck: Option<&Pck<'_>>) -> Vec<Reason> {
    let vouching = &quote.vouching;
    let mut reasons = Vec::new();
    if let Some(pck) = pck
        && let Err(error) =
            pck.key.verify(Scheme::EcdsaSha256, &vouching.qe.0, &vouching.qe_signature)
    {
        let detail = format!("the QE's report under the PCK: {error}");
        reasons.push(Reason::new(Code::SignatureInvalid, detail));
    }
    if Hash::Sha256.digest(&[&vouching.key, &vouching.qe_auth]) != vouching.qe.bound() {
        let detail = "the QE's report binds another attestation key";
        reasons.push(Reason::new(Code::PartsNotBound, detail));
    }
    let (x, y) = vouching.key.split_at(32);
    let verified = PublicKey::from_coordinates(x, y)
        .and_then(|key| key.verify(Scheme::EcdsaSha256, &quote.signed, &vouching.signature));
    if let Err(error) = verified {
        let detail = format!("the quote under the attestation key: {error}");
        reasons.push(Reason::new(Code::SignatureInvalid, detail));
    }
    reasons
}
