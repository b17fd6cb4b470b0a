//! Whether a report is genuine: chain, signature, firmware identity, revocation, manifests. Not
//! here: dates.

use super::{
    NvidiaError, Report, SIGNATURE_LEN, dice, field, idle, parse, revocation, rim,
    spdm::measurement,
};
use crate::{
    Bound, Claims, Code, Context, Measurements, Parts, Platform, Reason, Security, Tcb, Unverified,
    Vendor,
    signature::Scheme,
    x509::{Certificate, Path, X509Error, verify_path},
};
use sotto_types::TeeKind;
use x509_cert::spki::ObjectIdentifier;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The claims of one device's report, if NVIDIA's device root vouches for it.
pub(crate) fn verify(parts: &Parts, context: &mut Context<'_>) -> Result<Claims, Unverified> {
    let report = parse(&parts.quote).map_err(refused)?;
    let mut reasons: Vec<Reason> = unknown_parts(parts).into_iter().collect();
    let chain = chain(parts, context)?;
    let Some((leaf, above)) = chain.split_first() else {
        return Err(Unverified::new(Code::SignerMissing, "the device's certificates are missing"));
    };
    reasons.extend(signed(&parts.quote, &report, leaf));
    let firmware = dice::firmware(leaf);
    reasons.extend(fwid(&report, firmware.as_ref()));
    let anchors = context.anchors;
    let path = verify_path(leaf.clone(), above, anchors.of(Vendor::Nvidia), &[], context.cache);
    let path = match path {
        Ok(path) => path,
        Err(error) => {
            reasons.push(untrusted(&error));
            return Err(Unverified { reasons });
        }
    };
    if idle(&path, &chain) {
        let detail = "the chain has certificates that are not on the way to the root";
        reasons.push(Reason::new(Code::ChainInvalid, detail));
    }
    let revocation = revocation::check(&path, context.endorsements, context.cache);
    let chip = chip(leaf);
    let manifests = rim::check(&report, &chip, context);
    let mut noticed = revocation.reasons;
    noticed.extend(manifests.reasons);
    let flags = firmware.as_ref().and_then(|firmware| firmware.flags);
    if flags.is_some_and(|flags| flags.not_secure || flags.recovery) {
        let detail = "the certificate says that the device is not secure, or in recovery";
        noticed.push(Reason::new(Code::Lifecycle, detail));
    }
    let genuine = noticed.iter().all(|reason| reason.code.effect() < crate::Effect::Unknown);
    if !reasons.is_empty() || !genuine {
        reasons.extend(noticed);
        return Err(Unverified { reasons });
    }
    let mut windows = path.windows();
    windows.extend(revocation.windows);
    windows.extend(manifests.windows);
    let fwid = firmware.map(|firmware| ("fwid".to_owned(), firmware.fwid));
    Ok(Claims {
        kind: TeeKind::Nvidia,
        platform: Platform {
            class: format!("nvidia-{}", chip.to_ascii_lowercase()),
            identities: identities(&path, &report),
            anchor: path.anchor.name.clone(),
            scope: path.anchor.scope,
        },
        tcb: Tcb::default(),
        measurements: measurements(&report).into_iter().chain(fwid).collect(),
        security: Security { debug: flags.is_some_and(|flags| flags.debug), ..Security::default() },
        bound: Bound { report_data: report.nonce.to_vec(), nonce: None, padded: false },
        windows,
        made: None,
        noticed,
    })
}

fn refused(error: NvidiaError) -> Unverified {
    let code = match error {
        NvidiaError::Version { .. } => Code::UnknownVersion,
        _ => Code::Malformed,
    };
    Unverified::new(code, error.to_string())
}

/// Parts that a report does not have.
fn unknown_parts(parts: &Parts) -> Option<Reason> {
    let Parts { quote: _, signature, ak, pcrs, event_log, ek_cert, chain: _ } = parts;
    let given = [signature, ak, pcrs, event_log, ek_cert].iter().any(|part| part.is_some());
    given.then(|| Reason::new(Code::Malformed, "a part that NVIDIA evidence does not have"))
}

/// The certificates that came with the report, else those that were given beside it; the signer's
/// first.
fn chain(parts: &Parts, context: &Context<'_>) -> Result<Vec<Certificate>, Unverified> {
    let given = context.endorsements;
    let all: Vec<&Vec<u8>> = if parts.chain.is_empty() {
        given.signer.iter().chain(&given.chain).collect()
    } else {
        parts.chain.iter().collect()
    };
    all.into_iter()
        .map(|der| Certificate::from_pem_or_der(der))
        .collect::<Result<_, _>>()
        .map_err(|error| Unverified::new(Code::Malformed, error.to_string()))
}

/// The last 96 bytes sign all before them.
fn signed(quote: &[u8], report: &Report, leaf: &Certificate) -> Option<Reason> {
    let wrong = |why: String| Some(Reason::new(Code::SignatureInvalid, why));
    let message = quote.get(..quote.len().saturating_sub(SIGNATURE_LEN)).unwrap_or_default();
    let verified = match leaf.public_key() {
        Ok(key) => key.verify(Scheme::EcdsaSha384, message, &report.signature),
        Err(error) => return wrong(error.to_string()),
    };
    verified.err().and_then(|error| wrong(format!("the report is not the device's: {error}")))
}

/// The firmware that the report names must be the one behind the key. Drivers before 550 and
/// switches name none; the certificate always does.
fn fwid(report: &Report, firmware: Option<&dice::Firmware>) -> Option<Reason> {
    let Some(firmware) = firmware else {
        let detail = "the first certificate is not that of a device's attestation key";
        return Some(Reason::new(Code::ChainInvalid, detail));
    };
    let named = report.opaque.get(&field::FWID)?;
    (*named != firmware.fwid).then(|| {
        let (named, has) = (hex::encode(named), hex::encode(&firmware.fwid));
        let detail = format!("the report names firmware {named}, its certificate {has}");
        Reason::new(Code::PartsNotBound, detail)
    })
}

fn untrusted(error: &X509Error) -> Reason {
    let code = match error {
        X509Error::NoAnchor(_) => Code::UntrustedRoot,
        _ => Code::ChainInvalid,
    };
    Reason::new(code, error.to_string())
}

/// The chip by the name in the certificate, as manifests have it: `GH100`, `LS10`, `GB100`.
fn chip(leaf: &Certificate) -> String {
    let subject = &leaf.parsed().tbs_certificate.subject;
    let name = subject.0.iter().flat_map(|rdn| rdn.0.iter()).find(|part| part.oid == COMMON_NAME);
    let name = name.and_then(|part| core::str::from_utf8(part.value.value()).ok());
    let first = name.and_then(|name| name.split(' ').next()).unwrap_or_default();
    first.chars().filter(char::is_ascii_alphanumeric).take(16).collect()
}

/// `ueid` is the serial number of the attestation key's certificate, as NVIDIA's service reports
/// it: it changes with the firmware. `device` is that of the certificate above, which stays.
fn identities(path: &Path<'_>, report: &Report) -> crate::Identities {
    let serial = |index: usize| path.certificates.get(index).map(|c| c.serial().to_vec());
    // On a GPU the field lists the switches it is linked to.
    let pdi = report.opaque.get(&field::PDI).filter(|bytes| bytes.len() == 8).cloned();
    [("ueid", serial(0)), ("device", serial(1)), ("pdi", pdi)]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

fn measurements(report: &Report) -> Measurements {
    let blocks = report.blocks.iter().map(|(index, b)| (measurement(*index), b.value.clone()));
    let text = |name: &str, value: Option<String>| Some((name.to_owned(), value?.into_bytes()));
    let versions = [
        text("driver_version", report.driver_version()),
        text("vbios_version", report.vbios_version()),
    ];
    blocks.chain(versions.into_iter().flatten()).collect()
}
