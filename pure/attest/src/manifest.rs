//! Reference values from a CoRIM (draft-ietf-rats-corim): what somebody says should be measured.
//! Not here: comparing (`judge`), fetching, and NVIDIA's manifests, which are XML (`nvidia`).
//!
//! Taken are reference triples whose environment is a class with nothing but a vendor and a model.
//! The model is one of our kinds or classes (`tdx`, `snp-milan`); without a class the values are
//! about all evidence. A measurement is named by its text key, and its good values are its digests
//! or raw value; integrity registers are named by their text, or by their number: `rtmr0` for TDX,
//! `rem0` for CCA, `m00` for NVIDIA, `pcr0` else. Whatever would narrow a value further (a single
//! instance, a layer, a version, flags, a mask, an authority) is refused and not passed over: a
//! reference that says more than is compared would accept more than its author meant.

#[cfg(test)]
mod tests;

use crate::{
    Exposure, References,
    signature::{PublicKey, Scheme},
};
use corim::{
    cbor::DecodeLimits,
    document::{TimeCheck, ValidatedDocument, ValidationContext, validate},
    profile::ProfileRegistry,
    types::{
        common::MeasuredElement,
        environment::EnvironmentMap,
        measurement::{
            Digest, DigestAlg, IntegrityRegisterId, MeasurementMap, MeasurementValuesMap,
            RawValueChoice,
        },
        signed::CoseAlgorithm,
        triples::ReferenceTriple,
    },
};
use sotto_types::{TeeKind, Time};
use std::collections::BTreeMap;

/// Bytes of a manifest, and values in it, at most.
const MANIFEST_MAX: usize = 1 << 20;
const VALUES_MAX: usize = 100_000;

/// Why a manifest gives no reference values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not a CoRIM, not one document, or outside its time.
    #[error("{0}")]
    Malformed(String),
    /// Signed where a plain one was expected, or the other way round.
    #[error("{0}")]
    Form(&'static str),
    /// A signature algorithm not spoken here.
    #[error("signature algorithm {0} is not spoken")]
    Algorithm(i64),
    /// Not signed by the key given.
    #[error("not signed by the key given")]
    Forged,
    /// A class of platforms that nothing here has.
    #[error("there is no kind or class `{0}`")]
    UnknownClass(String),
    /// Something that narrows a value and is not compared here.
    #[error("{0} is not compared here")]
    Unsupported(&'static str),
    /// A digest whose length is not its algorithm's, or whose algorithm is unknown.
    #[error("`{0}` has a digest of a wrong length or an unknown algorithm")]
    Digest(String),
    /// No reference value at all.
    #[error("no reference values")]
    Empty,
}

/// The reference values of a signed CoRIM (`COSE_Sign1`, its payload attached), good at `now`.
///
/// # Errors
/// [`ManifestError`]. `key` alone decides who may sign: certificates in the message are not read.
pub fn from_signed_corim(
    bytes: &[u8],
    key: &PublicKey,
    now: Time,
) -> Result<References, ManifestError> {
    let document = read(bytes, now)?;
    let envelope = document.envelope().ok_or(ManifestError::Form("the manifest is not signed"))?;
    let signed =
        envelope.to_be_signed(&[]).map_err(|_| ManifestError::Form("its payload is not in it"))?;
    let scheme = scheme(envelope.protected().alg)?;
    key.verify(scheme, &signed, &envelope.signature).map_err(|_| ManifestError::Forged)?;
    references(&document)
}

/// The reference values of a CoRIM that is not signed: the caller's own word, good at `now`.
///
/// # Errors
/// [`ManifestError`].
pub fn from_unsigned_corim(bytes: &[u8], now: Time) -> Result<References, ManifestError> {
    let document = read(bytes, now)?;
    if document.envelope().is_some() {
        return Err(ManifestError::Form("the manifest is signed: its key is needed"));
    }
    references(&document)
}

fn read(bytes: &[u8], now: Time) -> Result<ValidatedDocument, ManifestError> {
    let malformed = |why: String| ManifestError::Malformed(why);
    let now = i64::try_from(now.0).map_err(|_| malformed("no such time".into()))?;
    let mut limits = DecodeLimits::default();
    limits.max_input_bytes = MANIFEST_MAX;
    limits.max_values = VALUES_MAX;
    limits.max_collection_items = VALUES_MAX;
    let profiles = ProfileRegistry::new();
    let context = ValidationContext::new(TimeCheck::At(now), &profiles).with_limits(limits);
    validate(bytes, &context).map_err(|error| malformed(error.to_string()))
}

fn scheme(algorithm: CoseAlgorithm) -> Result<Scheme, ManifestError> {
    Ok(match algorithm {
        CoseAlgorithm::Es256 | CoseAlgorithm::Esp256 => Scheme::EcdsaSha256,
        CoseAlgorithm::Es384 | CoseAlgorithm::Esp384 => Scheme::EcdsaSha384,
        CoseAlgorithm::Ps256 => Scheme::RsaPssSha256,
        CoseAlgorithm::Ps384 => Scheme::RsaPssSha384,
        CoseAlgorithm::Ps512 => Scheme::RsaPssSha512,
        other => return Err(ManifestError::Algorithm(other.into())),
    })
}

fn references(document: &ValidatedDocument) -> Result<References, ManifestError> {
    let mut references = References::new();
    for comid in &document.payload().comids {
        for triple in comid.triples.reference_triples.iter().flatten() {
            take(triple, &mut references)?;
        }
    }
    if references.is_empty() { Err(ManifestError::Empty) } else { Ok(references) }
}

fn take(triple: &ReferenceTriple, references: &mut References) -> Result<(), ManifestError> {
    let class = class(triple.environment())?;
    for measurement in triple.measurements() {
        for (name, values) in values(measurement, class.as_deref())? {
            let name = class.as_ref().map_or(name.clone(), |class| format!("{class}/{name}"));
            references.entry(name).or_default().extend(values);
        }
    }
    Ok(())
}

/// The kind or class that an environment names.
fn class(environment: &EnvironmentMap) -> Result<Option<String>, ManifestError> {
    let EnvironmentMap { class, instance, group } = environment;
    if instance.is_some() || group.is_some() {
        return Err(ManifestError::Unsupported("an instance or group"));
    }
    let Some(class) = class else { return Ok(None) };
    if class.class_id.is_some() || class.layer.is_some() || class.index.is_some() {
        return Err(ManifestError::Unsupported("a class id, layer or index"));
    }
    let Some(model) = &class.model else {
        return Err(ManifestError::Unsupported("a class without a model"));
    };
    if TeeKind::by_name(model).is_none() && Exposure::of(model).is_none() {
        return Err(ManifestError::UnknownClass(model.clone()));
    }
    Ok(Some(model.clone()))
}

/// The good values of a measurement by our names.
fn values(
    measurement: &MeasurementMap,
    class: Option<&str>,
) -> Result<BTreeMap<String, Vec<Vec<u8>>>, ManifestError> {
    let MeasurementMap { mkey, mval, authorized_by } = measurement;
    if authorized_by.is_some() {
        return Err(ManifestError::Unsupported("an authority"));
    }
    compared(mval)?;
    let mut values = BTreeMap::new();
    for (id, digests) in mval.integrity_registers.iter().flat_map(|registers| &registers.0) {
        let name = match id {
            IntegrityRegisterId::Text(name) => name.clone(),
            IntegrityRegisterId::Uint(number) => register(class, *number),
            _ => return Err(ManifestError::Unsupported("a register's name")),
        };
        let digests = good(&name, digests)?;
        values.insert(name, digests);
    }
    let mut named = good("digests", mval.digests.as_deref().unwrap_or_default())?;
    match &mval.raw_value {
        None => {}
        Some(RawValueChoice::Bytes(bytes)) => named.push(bytes.clone()),
        Some(_) => return Err(ManifestError::Unsupported("a masked value")),
    }
    if !named.is_empty() {
        let Some(MeasuredElement::Text(name)) = mkey else {
            return Err(ManifestError::Unsupported("a measurement that no text names"));
        };
        values.insert(name.clone(), named);
    }
    Ok(values)
}

/// Refuses what narrows a value and is not looked at here.
fn compared(values: &MeasurementValuesMap) -> Result<(), ManifestError> {
    let mut looked_at = MeasurementValuesMap::default();
    looked_at.digests.clone_from(&values.digests);
    looked_at.raw_value.clone_from(&values.raw_value);
    looked_at.integrity_registers.clone_from(&values.integrity_registers);
    looked_at.name.clone_from(&values.name);
    if looked_at == *values {
        Ok(())
    } else {
        Err(ManifestError::Unsupported("a value that is no digest, register or bytes"))
    }
}

fn register(class: Option<&str>, number: u64) -> String {
    let kind = class.and_then(|class| class.split('-').next());
    match kind {
        Some("tdx") => format!("rtmr{number}"),
        Some("cca") => format!("rem{number}"),
        Some("nvidia") => format!("m{number:02}"),
        _ => format!("pcr{number}"),
    }
}

fn good(name: &str, digests: &[Digest]) -> Result<Vec<Vec<u8>>, ManifestError> {
    let wrong = || ManifestError::Digest(name.to_owned());
    let read = |digest: &Digest| {
        // Names of the IANA registry of hash functions for named information.
        let length = match digest.alg() {
            DigestAlg::Int(1) => 32,
            DigestAlg::Int(7) => 48,
            DigestAlg::Int(8) => 64,
            DigestAlg::Text(name) => match name.as_str() {
                "sha-256" => 32,
                "sha-384" => 48,
                "sha-512" => 64,
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        if digest.value().len() == length { Ok(digest.value().to_vec()) } else { Err(wrong()) }
    };
    digests.iter().map(read).collect()
}
