//! The TDX half of a composite: a TD report (in the HCL report, signed by nobody outside its
//! machine) and the quote that Azure's service made of it.
//!
//! Without collateral the quote's signatures still lead to Intel's root: it is genuine, and nobody
//! can tell how well its platform is patched or whether it was revoked. That is said, and is at best
//! a warning. Not here: the quote's own checks.

use super::{Bundle, Hcl};
use crate::{
    Bound, Claims, Code, Context, Measurements, Parts, Platform, Reason, Security, Tcb, Unverified,
    Vendor,
    hash::Hash,
    intel,
    x509::{certificates_from_pem, verify_path},
};
use sotto_types::TeeKind;

#[cfg(test)]
mod tests;

/// Bytes of a TD report (`TDREPORT_STRUCT`, Intel TDX module ABI); zeros follow it.
const TD_REPORT: usize = 1024;

/// Where the TD report says what the quote says too: the quote's name of it, offset, length.
const SAME: [(&str, usize, usize); 14] = [
    ("tee_tcb_svn", 264, 16),
    ("mrseam", 280, 48),
    ("mrsignerseam", 328, 48),
    ("seamattributes", 376, 8),
    ("tdattributes", 512, 8),
    ("xfam", 520, 8),
    ("mrtd", 528, 48),
    ("mrconfigid", 576, 48),
    ("mrowner", 624, 48),
    ("mrownerconfig", 672, 48),
    ("rtmr0", 720, 48),
    ("rtmr1", 768, 48),
    ("rtmr2", 816, 48),
    ("rtmr3", 864, 48),
];

/// The claims of the quote, if it was made of this TD report.
pub(super) fn verify(
    bundle: &Bundle,
    hcl: &Hcl,
    context: &mut Context<'_>,
) -> Result<Claims, Unverified> {
    if bundle.vcek.is_some() {
        return Err(Unverified::new(Code::Malformed, "a VCEK beside a TD report"));
    }
    let Some(td_quote) = &bundle.td_quote else {
        return Err(Unverified::new(Code::PartMissing, "a TD report proves nothing unquoted"));
    };
    let td_quote = trimmed(td_quote);
    let parts = Parts { quote: td_quote.to_vec(), ..Parts::default() };
    let mut verified = intel::verify(TeeKind::Tdx, &parts, context);
    let missing = |unverified: &Unverified| {
        unverified.reasons.iter().all(|reason| reason.code == Code::CollateralMissing)
    };
    if verified.as_ref().is_err_and(missing) {
        verified = unjudged(td_quote, context);
    }
    let claims = verified?;
    match differs(&hcl.hardware, &claims) {
        None => Ok(under_paravisor(claims)),
        Some(reason) => Err(reason.into()),
    }
}

/// `SEPT_VE_DISABLE` keeps a guest's kernel from being entered by #VE where the host wants. Here
/// the paravisor is entered first. Azure's domains of 2023 and 2024 left the bit off: that is worth
/// a warning, not a refusal.
fn under_paravisor(mut claims: Claims) -> Claims {
    if claims.security.sept_ve_disable.take() == Some(false) {
        let detail = "SEPT_VE_DISABLE is off: #VE goes to Microsoft's paravisor";
        claims.noticed.push(Reason::new(Code::ParavisorVe, detail));
    }
    claims
}

/// The quote without the zeros that Azure's quoting service leaves behind it; other bytes stay, to
/// be refused.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let split = intel::length(bytes).and_then(|length| bytes.split_at_checked(length));
    match split {
        Some((quote, rest)) if rest.iter().all(|byte| *byte == 0) => quote,
        _ => bytes,
    }
}

/// What differs between TD report and quote.
fn differs(hardware: &[u8], claims: &Claims) -> Option<Reason> {
    let differs = |what: &str| {
        let detail = format!("the TD report and the quote of it differ in {what}");
        Some(Reason::new(Code::PartsNotBound, detail))
    };
    let at = |from: usize, length: usize| hardware.get(from..from + length).unwrap_or_default();
    if at(0, 1) != [0x81]
        || at(TD_REPORT, hardware.len().saturating_sub(TD_REPORT)).iter().any(|b| *b != 0)
    {
        return Some(Reason::new(Code::Malformed, "no TD report in the HCL report"));
    }
    if at(128, 64) != claims.bound.report_data {
        return differs("their report data");
    }
    // The report's own hash over TDINFO.
    if Hash::Sha384.digest(&[at(512, 512)]) != at(80, 48) {
        return differs("the hash of TDINFO");
    }
    let named = |name: &str| claims.measurements.get(name).map_or(&[][..], Vec::as_slice);
    SAME.iter()
        .find(|(name, from, length)| named(name) != at(*from, *length))
        .and_then(|(name, ..)| differs(name))
}

/// The claims of a quote whose signatures were found to hold, without collateral.
fn unjudged(td_quote: &[u8], context: &mut Context<'_>) -> Result<Claims, Unverified> {
    let malformed = |detail: String| Unverified::new(Code::Malformed, detail);
    let quote = intel::parse(td_quote).map_err(|error| malformed(error.to_string()))?;
    let begin = b"-----BEGIN CERTIFICATE-----";
    let at = td_quote.windows(begin.len()).position(|window| window == begin);
    let pem = at.and_then(|at| td_quote.get(at..)).unwrap_or_default();
    let chain = certificates_from_pem(pem).map_err(|error| malformed(error.to_string()))?;
    let leaf = chain.first().cloned().ok_or_else(|| malformed("no PCK certificate".into()))?;
    let anchors = context.anchors.of(Vendor::Intel);
    let path = verify_path(leaf, &chain, anchors, &[], context.cache)
        .map_err(|error| Unverified::new(error.code(), error.to_string()))?;
    let measurements = quote.measurements();
    let detail = "no collateral: how well the platform is patched, and whether it was revoked, \
                  cannot be told";
    let mut noticed = vec![Reason::new(Code::TcbNotJudged, detail)];
    noticed.extend(module(&measurements));
    let platform = dcap_qvl::intel::parse_pck_extension(
        path.certificates.first().map_or(&[][..], |leaf| leaf.der()),
    );
    let platform = platform.map_err(|error| malformed(format!("the PCK: {error:#}")))?;
    Ok(Claims {
        kind: TeeKind::AzureTdx,
        platform: Platform {
            class: TeeKind::Tdx.name().into(),
            identities: [
                ("ppid".to_owned(), platform.ppid),
                ("fmspc".to_owned(), platform.fmspc.to_vec()),
            ]
            .into(),
            anchor: path.anchor.name.clone(),
            scope: path.anchor.scope,
        },
        tcb: Tcb::default(),
        security: security(&measurements),
        bound: Bound { report_data: quote.report_data().to_vec(), nonce: None, padded: true },
        measurements,
        windows: path.windows(),
        made: None,
        noticed,
    })
}

/// Intel's own TDX modules have no signer's hash; collateral would say so too.
fn module(measurements: &Measurements) -> Option<Reason> {
    let signer = measurements.get("mrsignerseam")?;
    let detail = format!("the TDX module is signed by {}", hex::encode(signer));
    signer.iter().any(|byte| *byte != 0).then(|| Reason::new(Code::TdxModule, detail))
}

/// What the attributes say (`TDATTRIBUTES`): debugging and profiling, `SEPT_VE_DISABLE`,
/// `MIGRATABLE`; and whether a service TD is bound.
fn security(measurements: &Measurements) -> Security {
    let bytes = |name: &str| measurements.get(name).map_or(&[][..], Vec::as_slice);
    let attributes = bytes("tdattributes").first_chunk().copied().map_or(0, u64::from_le_bytes);
    let bit = |number: u32| attributes & (1 << number) != 0;
    Security {
        debug: attributes & 0xff != 0,
        sept_ve_disable: Some(bit(28)),
        migratable: Some(bit(29)),
        service_td: Some(bytes("mrservicetd").iter().any(|byte| *byte != 0)),
        ..Security::default()
    }
}
