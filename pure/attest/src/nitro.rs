//! AWS Nitro Enclaves: the attestation document, signed by the hypervisor's leaf certificate.
//!
//! The rules are AWS's own ("Verifying the root of trust", AWS Nitro Enclaves User Guide, and
//! `attestation_process.md` of its NSM API): `COSE_Sign1` with ES384, a chain of certificates from
//! the leaf over the document's bundle to AWS's root, and limits for every field. What the prover
//! says stands in `user_data` (the report data), the verifier's challenge in `nonce`. Not here:
//! documents of NitroTPM, which speak of a whole instance and not of an enclave.

mod dstack;
mod parse;
#[cfg(test)]
mod tests;

pub use parse::{Document, parse};

use crate::{
    Bound, Claims, Code, Context, Parts, Platform, Reason, Security, Tcb, Unverified, Vendor,
    Window,
    cose::{Signed, alone},
    x509::{Cache, Certificate, Path, X509Error, verify_path},
};
use der::Decode as _;
use sotto_types::{TeeKind, Time};
use x509_cert::{
    ext::pkix::{BasicConstraints, KeyUsage},
    spki::ObjectIdentifier,
};

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");

/// The claims of a genuine document.
pub(crate) fn verify(parts: &Parts, context: &mut Context<'_>) -> Result<Claims, Unverified> {
    let document = parse(alone(parts)?)?;
    let mut reasons: Vec<Reason> = document.wrapped().err().into_iter().collect();
    let anchors = context.anchors.of(Vendor::Aws);
    let path = match Certificate::from_der(&document.certificate) {
        Ok(leaf) => {
            reasons.extend(signature(&document.signed, &leaf).err());
            chain(leaf, &document.cabundle, anchors, context.cache)
        }
        Err(error) => Err(Reason::new(Code::ChainInvalid, format!("leaf: {error}"))),
    };
    match (path, reasons.is_empty()) {
        (Ok(path), true) => Ok(claims(document, &path)),
        (Ok(_), false) => Err(Unverified { reasons }),
        (Err(reason), _) => {
            reasons.push(reason);
            Err(Unverified { reasons })
        }
    }
}

fn signature(signed: &Signed, leaf: &Certificate) -> Result<(), Reason> {
    let key = leaf.public_key().map_err(|e| Reason::new(Code::ChainInvalid, e.to_string()))?;
    signed.verify(&key).map_err(|e| {
        let detail = format!("the document under the key of `{}`: {e}", leaf.subject());
        Reason::new(Code::SignatureInvalid, detail)
    })
}

/// The chain that the document names: its leaf, then its bundle from the last to the first, which
/// is the root.
fn chain<'a>(
    leaf: Certificate,
    bundle: &[Vec<u8>],
    anchors: &'a [crate::Anchor],
    cache: &mut Cache,
) -> Result<Path<'a>, Reason> {
    let refused = |error: X509Error| {
        let code = match error {
            X509Error::NoAnchor(_) => Code::UntrustedRoot,
            _ => Code::ChainInvalid,
        };
        Reason::new(code, error.to_string())
    };
    if !signs_documents(&leaf) {
        let detail = format!("`{}` may not sign documents", leaf.subject());
        return Err(Reason::new(Code::ChainInvalid, detail));
    }
    let offered: Vec<Certificate> = bundle
        .iter()
        .rev()
        .map(|der| Certificate::from_der(der))
        .collect::<Result<_, _>>()
        .map_err(refused)?;
    let path = verify_path(leaf, &offered, anchors, &[], cache).map_err(refused)?;
    let used = path.certificates.iter().skip(1).chain([&path.root]);
    if !used.eq(&offered) {
        let detail = "the bundle is not the chain from the root to the leaf's issuer";
        return Err(Reason::new(Code::ChainInvalid, detail));
    }
    Ok(path)
}

/// Whether a certificate is an end entity's with the key usage `digitalSignature`: an authority's
/// key signs certificates and no documents.
fn signs_documents(leaf: &Certificate) -> bool {
    let usage = leaf.extension(KEY_USAGE).and_then(|der| KeyUsage::from_der(der).ok());
    let constraints =
        leaf.extension(BASIC_CONSTRAINTS).and_then(|der| BasicConstraints::from_der(der).ok());
    usage.is_some_and(|usage| usage.digital_signature())
        && constraints.is_some_and(|constraints| !constraints.ca)
}

fn claims(document: Document, path: &Path<'_>) -> Claims {
    let mut noticed = Vec::new();
    let windows = path.windows();
    let made = Time(document.timestamp / 1000);
    noticed.extend(windows.first().and_then(|leaf| lifetime(leaf, made)));
    noticed.extend(debug(&document));
    let mut measurements: crate::Measurements =
        document.pcrs.iter().map(|(index, pcr)| (format!("pcr{index}"), pcr.clone())).collect();
    if let Some(key) = &document.public_key {
        measurements.insert("public_key".into(), key.clone());
    }
    let instance = document.module_id.split("-enc").next().unwrap_or_default();
    Claims {
        kind: TeeKind::Nitro,
        platform: Platform {
            class: "nitro".into(),
            identities: [
                ("instance_id".into(), instance.as_bytes().to_vec()),
                ("module_id".into(), document.module_id.as_bytes().to_vec()),
            ]
            .into(),
            anchor: path.anchor.name.clone(),
            scope: path.anchor.scope,
        },
        tcb: Tcb::default(),
        security: Security {
            debug: (0..3).all(|index| document.is_zero(index)),
            ..Security::default()
        },
        measurements,
        bound: Bound {
            report_data: document.user_data.unwrap_or_default(),
            // An empty nonce matches no challenge; a challenge is never looked for elsewhere.
            nonce: Some(document.nonce.unwrap_or_default()),
            padded: false,
        },
        windows,
        made: Some(made),
        noticed,
    }
}

/// The leaf lives three hours, and documents are made within them.
fn lifetime(leaf: &Window, made: Time) -> Option<Reason> {
    if (leaf.not_before..=leaf.not_after).contains(&made) {
        return None;
    }
    let detail =
        format!("made at {made}, {} from {} to {}", leaf.what, leaf.not_before, leaf.not_after);
    Some(Reason::new(Code::LeafLifetime, detail))
}

/// An enclave in debug mode has zeros in PCRs 0 to 2 (image, kernel, application).
fn debug(document: &Document) -> Option<Reason> {
    let bare: Vec<String> = (0..3)
        .filter(|index| document.is_zero(*index))
        .map(|index| format!("PCR{index}"))
        .collect();
    if bare.is_empty() {
        return None;
    }
    Some(Reason::new(Code::DebugPcrs, format!("{} zero or absent", bare.join(", "))))
}
