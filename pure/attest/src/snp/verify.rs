//! Whether a report is genuine: chain, revocation, signature, and that report and certificate speak
//! of the same chip and the same security versions. Every check that fails is named.

use super::{
    Product, Report, SigningKey, claims,
    describe::words,
    key::{Key, Owner},
    parse,
};
use crate::{
    Anchor, Claims, Code, Context, Parts, Reason, Unverified, Vendor, Window,
    signature::Scheme,
    x509::{Certificate, Crl, Path, revocation, verify_path},
};

/// Certificates taken beside those pinned.
const CHAIN_MAX: usize = 8;

/// The claims of an SNP report. The signer is the endorsement's, else the first certificate sent.
pub(crate) fn verify(parts: &Parts, context: &mut Context<'_>) -> Result<Claims, Unverified> {
    let foreign = [
        ("signature", &parts.signature),
        ("AK", &parts.ak),
        ("PCR values", &parts.pcrs),
        ("event log", &parts.event_log),
        ("EK certificate", &parts.ek_cert),
    ];
    if let Some((name, _)) = foreign.iter().find(|(_, part)| part.is_some()) {
        return Err(Unverified::new(Code::Malformed, format!("SNP evidence has no {name}")));
    }
    let sent = parts.chain.first().map(Vec::as_slice);
    let signer = context.endorsements.signer.as_deref().or(sent);
    verify_signed(&parts.quote, signer, &parts.chain, context)
}

/// The claims of an SNP report inside other evidence, signed by `signer` (DER or PEM), or else by
/// the endorsements' signer.
///
/// # Errors
/// Every reason why it is not genuine, or why nobody can tell.
pub fn verify_report(
    report: &[u8],
    signer: Option<&[u8]>,
    context: &mut Context<'_>,
) -> Result<Claims, Unverified> {
    let signer = signer.or(context.endorsements.signer.as_deref());
    verify_signed(report, signer, &[], context)
}

fn verify_signed(
    report: &[u8],
    signer: Option<&[u8]>,
    sent: &[Vec<u8>],
    context: &mut Context<'_>,
) -> Result<Claims, Unverified> {
    let report = parse(report).map_err(|e| Unverified::new(e.code(), e.to_string()))?;
    let mut reasons: Vec<Reason> = unsigned(&report).into_iter().collect();
    let Some(signer) = signer else {
        reasons.push(Reason::new(Code::SignerMissing, "no VCEK or VLEK certificate was given"));
        return Err(Unverified { reasons });
    };
    let signer = Certificate::from_pem_or_der(signer)
        .map_err(|e| Unverified::new(Code::ChainInvalid, format!("the signer is {e}")))?;
    reasons.extend(signature(&report, &signer));
    let key = Key::read(&signer);
    if let Ok(key) = &key {
        reasons.extend(compare(&report, key));
    }
    let path = chain(signer, key.as_ref().ok(), sent, context);
    match (key, path) {
        (Ok(key), Ok(chain)) if reasons.is_empty() => Ok(claims::claims(&report, &key, chain)),
        (key, path) => {
            reasons.extend(key.err());
            reasons.extend(path.err().into_iter().flatten());
            Err(Unverified { reasons })
        }
    }
}

/// The firmware itself may say that it did not sign (`SIGNING_KEY` none, `MASK_CHIP_KEY`).
fn unsigned(report: &Report) -> Option<Reason> {
    let none = report.signing_key == SigningKey::None;
    let masked = report.mask_chip_key && report.signing_key == SigningKey::Vcek;
    let what = "the report says that the firmware did not sign it";
    (none || masked).then(|| Reason::new(Code::SignatureInvalid, what))
}

fn signature(report: &Report, signer: &Certificate) -> Option<Reason> {
    let key = match signer.public_key() {
        Ok(key) => key,
        Err(error) => return Some(Reason::new(Code::ChainInvalid, error.to_string())),
    };
    let verified = key.verify(Scheme::EcdsaSha384, report.signed(), report.signature());
    let error = verified.err()?;
    Some(Reason::new(Code::SignatureInvalid, format!("the report under its signer's key: {error}")))
}

/// What the report and the signer's certificate both say must agree.
fn compare(report: &Report, key: &Key) -> Vec<Reason> {
    let mut reasons = Vec::new();
    let signing_key = key.signing_key();
    if report.signing_key != signing_key {
        let (said, is) = (report.signing_key.name(), signing_key.name());
        let detail = format!("the report names {said} as its signing key, the signer is a {is}");
        reasons.push(Reason::new(Code::PartsNotBound, detail));
    }
    if report.reported_tcb != key.tcb {
        let certified = words(key.product, &key.tcb);
        let reported = words(key.product, &report.reported_tcb);
        let detail = format!("the signer is certified for {certified}; reported is {reported}");
        reasons.push(Reason::new(Code::SignerTcbMismatch, detail));
    }
    reasons.extend(processor(report, key.product));
    reasons.extend(chip(report, &key.owner));
    reasons
}

/// From version 3 on the report names its processor.
fn processor(report: &Report, product: Product) -> Option<Reason> {
    let cpuid = report.cpuid?;
    let found = Product::by_cpuid(cpuid);
    let detail = format!(
        "the report is of a processor of family {:#x}, model {:#x}; the signer is of {}",
        cpuid.family,
        cpuid.model,
        product.name()
    );
    (found != Some(product)).then(|| Reason::new(Code::SignerChipMismatch, detail))
}

/// The chip's name is the one its key is certified for. A masked name (all zero) is not compared:
/// the certificate says which chip derived the key.
fn chip(report: &Report, owner: &Owner) -> Option<Reason> {
    let Owner::Chip(certified) = owner else { return None };
    let (name, rest) = report.chip_id.split_at_checked(certified.len())?;
    let same = name == certified.as_slice() && rest.iter().all(|b| *b == 0);
    let detail = format!(
        "the signer is certified for chip {}, the report is of {}",
        hex::encode(certified),
        hex::encode(report.chip_id)
    );
    (!same && !report.chip_id_masked()).then(|| Reason::new(Code::SignerChipMismatch, detail))
}

/// A chain that holds.
pub(super) struct Chain<'a> {
    pub(super) anchor: &'a Anchor,
    pub(super) windows: Vec<Window>,
    /// Whether no list of the root's was given.
    pub(super) crl_missing: Option<Reason>,
}

fn chain<'a>(
    signer: Certificate,
    key: Option<&Key>,
    sent: &[Vec<u8>],
    context: &mut Context<'a>,
) -> Result<Chain<'a>, Vec<Reason>> {
    let anchors = context.anchors.of(Vendor::Amd);
    let offered = offered(anchors, sent, &context.endorsements.chain);
    let path = verify_path(signer, &offered, anchors, &[], context.cache)
        .map_err(|e| vec![Reason::new(e.code(), e.to_string())])?;
    if let Some(key) = key {
        authorities(&path, key).map_err(|reason| vec![reason])?;
    }
    let lists = lists(&context.endorsements.crls)?;
    let checked = revocation(&path, &lists, context.cache);
    let refused = checked.refused.iter().map(|e| Reason::new(e.list_code(), e.to_string()));
    let refused: Vec<Reason> = refused.collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut windows = windows(&path, key);
    windows.extend(checked.windows);
    // AMD's roots revoke; its signing authorities issue no lists.
    let root = path.root.common_name();
    let missing = checked.without_list.contains(&path.root.subject());
    let crl_missing = missing
        .then(|| Reason::new(Code::CrlMissing, format!("no revocation list of {root} was given")));
    Ok(Chain { anchor: path.anchor, windows, crl_missing })
}

/// The pinned authorities first, then what was given; what is no certificate is passed over, for it
/// cannot be on a path.
fn offered(anchors: &[Anchor], sent: &[Vec<u8>], given: &[Vec<u8>]) -> Vec<Certificate> {
    let known = anchors.iter().flat_map(|anchor| &anchor.known);
    let others = sent.iter().chain(given).take(CHAIN_MAX);
    known.chain(others).filter_map(|der| Certificate::from_pem_or_der(der).ok()).collect()
}

fn lists(ders: &[Vec<u8>]) -> Result<Vec<Crl>, Vec<Reason>> {
    let read = ders.iter().map(|der| Crl::from_der(der));
    read.collect::<Result<_, _>>()
        .map_err(|e| vec![Reason::new(Code::CollateralInvalid, e.to_string())])
}

/// Signer, authority, root: of the signer's product, and of its kind.
fn authorities(path: &Path<'_>, key: &Key) -> Result<(), Reason> {
    let (authority, root) = key.authorities();
    let found = (path.issuer(0).common_name(), path.root.common_name());
    if found == (authority.clone(), root.clone()) && path.certificates.len() == 2 {
        return Ok(());
    }
    let kind = key.signing_key().name();
    let detail = format!(
        "a {kind} of {} is signed by {authority} under {root}, this one by {} under {}",
        key.product.name(),
        found.0,
        found.1
    );
    Err(Reason::new(Code::ChainInvalid, detail))
}

fn windows(path: &Path<'_>, key: Option<&Key>) -> Vec<Window> {
    let kind = key.map_or("signer", |key| key.signing_key().name());
    let [signer, authority] = [format!("{kind} certificate"), authority(path)];
    let root = format!("{} certificate", path.root.common_name());
    let named = path.certificates.iter().chain([&path.root]).zip([signer, authority, root]);
    named.map(|(certificate, name)| certificate.window(name)).collect()
}

fn authority(path: &Path<'_>) -> String {
    format!("{} certificate", path.issuer(0).common_name())
}
