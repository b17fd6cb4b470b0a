//! One manifest: a SWID tag (ISO/IEC 19770-2) with good measurements and an enveloped XML
//! signature. Not here: whether its signer is NVIDIA's, and what a device measured.

use super::xml::{self, Element};
use crate::{hash::Hash, signature::Scheme, x509::Certificate};
use base64ct::{Base64, Encoding as _};
use std::collections::BTreeMap;

const SWID: &str = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const SHA384: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
const C14N: &str = "http://www.w3.org/2006/12/xml-c14n11";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const ECDSA_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384";
const DIGEST_SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
/// Good values of one measurement, at most.
const ALTERNATIVES_MAX: usize = 64;
/// Certificates of a signer, at most.
const CERTIFICATES_MAX: usize = 8;

/// A manifest as it was read.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    /// The chip, as `GH100`.
    pub(super) product: String,
    /// The version of driver or VBIOS that it is about.
    pub(super) version: String,
    /// Good values by measurement, numbered from zero.
    pub(super) good: BTreeMap<u8, Vec<Vec<u8>>>,
    /// The signer's certificates, its own first.
    pub(super) chain: Vec<Certificate>,
    /// The digest that is signed is that of the document.
    digest_holds: bool,
    signed_info: String,
    signature: Vec<u8>,
}

impl Manifest {
    /// A manifest in NVIDIA's form, all of it.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let root = xml::parse(bytes)?;
        if !root.is(SWID, "SoftwareIdentity") {
            return None;
        }
        let inner = root.elements()?;
        let only = |space: &str, local: &str| {
            let mut all = inner.iter().filter(|element| element.is(space, local));
            let first = all.next()?;
            all.next().is_none().then_some(*first)
        };
        let (meta, payload) = (only(SWID, "Meta")?, only(SWID, "Payload")?);
        let signature = only(DSIG, "Signature")?;
        let [info, value, key] = children(signature, SIGNATURE)?;
        let digest = declared(info)?;
        let document = root.canonical(Some(signature));
        Some(Self {
            product: meta.attribute("", "product")?.into(),
            version: meta.attribute("", "colloquialVersion")?.into(),
            good: good(payload)?,
            chain: certificates(key)?,
            digest_holds: digest == Hash::Sha384.digest(&[document.as_bytes()]),
            signed_info: info.canonical(None),
            signature: Base64::decode_vec(&value.text()?).ok()?,
        })
    }

    /// Whether the first certificate's key signed the document as it stands.
    pub(super) fn is_signed(&self) -> bool {
        let key = self.chain.first().map(Certificate::public_key);
        let Some(Ok(key)) = key else { return false };
        let message = self.signed_info.as_bytes();
        self.digest_holds && key.verify(Scheme::EcdsaSha384, message, &self.signature).is_ok()
    }
}

const SIGNATURE: [&str; 3] = ["SignedInfo", "SignatureValue", "KeyInfo"];

/// The children, which must be these of the signature's namespace in this order.
fn children<'a, const N: usize>(
    element: &'a Element,
    names: [&str; N],
) -> Option<[&'a Element; N]> {
    let inner: [&Element; N] = element.elements()?.try_into().ok()?;
    inner.iter().zip(names).all(|(child, name)| child.is(DSIG, name)).then_some(inner)
}

/// The digest that a `SignedInfo` declares over the whole document without its signature.
fn declared(info: &Element) -> Option<Vec<u8>> {
    let is = |element: &Element, algorithm: &str| {
        element.attribute("", "Algorithm") == Some(algorithm) && element.children.is_empty()
    };
    let names = ["CanonicalizationMethod", "SignatureMethod", "Reference"];
    let [form, scheme, reference] = children(info, names)?;
    let [transforms, method, value] =
        children(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
    let [enveloped, form_too] = children(transforms, ["Transform", "Transform"])?;
    let fits = is(form, C14N)
        && is(scheme, ECDSA_SHA384)
        && reference.attribute("", "URI") == Some("")
        && is(enveloped, ENVELOPED)
        && is(form_too, C14N)
        && is(method, DIGEST_SHA384);
    if fits { Base64::decode_vec(&value.text()?).ok() } else { None }
}

fn certificates(key: &Element) -> Option<Vec<Certificate>> {
    let [data] = children(key, ["X509Data"])?;
    let all = data.elements()?;
    if all.is_empty() || all.len() > CERTIFICATES_MAX {
        return None;
    }
    all.into_iter()
        .map(|element| {
            let text = element.is(DSIG, "X509Certificate").then(|| element.text()).flatten()?;
            Certificate::from_der(&Base64::decode_vec(&text).ok()?).ok()
        })
        .collect()
}

/// The active measurements.
fn good(payload: &Element) -> Option<BTreeMap<u8, Vec<Vec<u8>>>> {
    let mut all = BTreeMap::new();
    for resource in payload.elements()? {
        let attribute = |name: &str| resource.attribute("", name);
        let measurement = resource.is(SWID, "Resource") && attribute("type") == Some("Measurement");
        if !measurement || attribute("size") != Some("48") {
            return None;
        }
        let index: u8 = attribute("index")?.parse().ok()?;
        let values = alternatives(resource)?;
        match attribute("active")? {
            "True" if all.insert(index, values).is_none() => {}
            "False" => {}
            _ => return None,
        }
    }
    Some(all)
}

fn alternatives(resource: &Element) -> Option<Vec<Vec<u8>>> {
    let count: usize = resource.attribute("", "alternatives")?.parse().ok()?;
    if count == 0 || count > ALTERNATIVES_MAX {
        return None;
    }
    (0..count)
        .map(|at| {
            let value = hex::decode(resource.attribute(SHA384, &format!("Hash{at}"))?).ok()?;
            (value.len() == 48).then_some(value)
        })
        .collect()
}
