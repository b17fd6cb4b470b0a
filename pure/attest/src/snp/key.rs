//! The certificate of the key that signs reports: a chip's (VCEK) or a cloud's (VLEK), and what it
//! says in AMD's own extensions (AMD 57230). Not here: whether AMD signed it.

use super::{Product, SigningKey};
use crate::{Code, Reason, x509::Certificate};
use der::{Decode as _, asn1::Ia5StringRef, asn1::ObjectIdentifier, asn1::OctetStringRef};

const STRUCT_VERSION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.1");
const PRODUCT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.2");
const SPL: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.3");
const HW_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.4");
const CSP_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.3704.1.5");

/// Whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The chip of this name (64 bytes, 8 on Turin).
    Chip(Vec<u8>),
    /// The cloud of this name.
    Cloud(String),
}

/// What the certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// The product it was made for.
    pub(super) product: Product,
    /// Chip or cloud.
    pub(super) owner: Owner,
    /// The TCB it was derived for, in the layout of its product.
    pub(super) tcb: [u8; 8],
}

impl Key {
    /// What the certificate says of its key.
    ///
    /// # Errors
    /// [`Code::ChainInvalid`]: it is not the certificate of such a key.
    pub(super) fn read(certificate: &Certificate) -> Result<Self, Reason> {
        let refused = |what: &str| Reason::new(Code::ChainInvalid, what);
        let version = integer(certificate, STRUCT_VERSION);
        if !matches!(version, Some(0 | 1)) {
            return Err(refused("the signer's structVersion is neither 0 nor 1"));
        }
        let product = text(certificate, PRODUCT_NAME)
            .and_then(Product::by_name)
            .ok_or_else(|| refused("the signer's certificate names no known product"))?;
        let tcb = tcb(certificate, product)
            .ok_or_else(|| refused("the signer's certificate lacks a security version"))?;
        let owner = owner(certificate, product)?;
        Ok(Self { product, owner, tcb })
    }

    /// Which key a report should name.
    pub(super) const fn signing_key(&self) -> SigningKey {
        match self.owner {
            Owner::Chip(_) => SigningKey::Vcek,
            Owner::Cloud(_) => SigningKey::Vlek,
        }
    }

    /// Common names of the authority and the root that sign such keys.
    pub(super) fn authorities(&self) -> (String, String) {
        let infix = match self.owner {
            Owner::Chip(_) => "",
            Owner::Cloud(_) => "VLEK-",
        };
        let product = self.product.name();
        (format!("SEV-{infix}{product}"), format!("ARK-{product}"))
    }
}

fn tcb(certificate: &Certificate, product: Product) -> Option<[u8; 8]> {
    let mut tcb = [0; 8];
    for (byte, (_, arc)) in tcb.iter_mut().zip(product.layout()) {
        *byte = integer(certificate, SPL.push_arc(*arc).ok()?)?;
    }
    Some(tcb)
}

fn owner(certificate: &Certificate, product: Product) -> Result<Owner, Reason> {
    let refused = |what: &str| Reason::new(Code::ChainInvalid, what);
    match (certificate.extension(HW_ID), certificate.extension(CSP_ID)) {
        (Some(id), None) => chip_id(id, product.chip_id_size())
            .map(Owner::Chip)
            .ok_or_else(|| refused("the VCEK's hwID has the wrong size for its product")),
        (None, Some(_)) => text(certificate, CSP_ID)
            .map(|name| Owner::Cloud(name.into()))
            .ok_or_else(|| refused("the VLEK's cspId is not text")),
        _ => Err(refused("the signer is neither a VCEK (hwID) nor a VLEK (cspId)")),
    }
}

/// AMD writes the name's bytes as they are; some certificates wrap them in an OCTET STRING. Only the
/// length tells the two apart: a name may begin with 0x02 or 0x04 like DER (snpguest#38, #159).
fn chip_id(extension: &[u8], size: usize) -> Option<Vec<u8>> {
    if extension.len() == size {
        return Some(extension.to_vec());
    }
    let wrapped = OctetStringRef::from_der(extension).ok()?.as_bytes();
    (wrapped.len() == size).then(|| wrapped.to_vec())
}

fn integer(certificate: &Certificate, oid: ObjectIdentifier) -> Option<u8> {
    u8::from_der(certificate.extension(oid)?).ok()
}

fn text(certificate: &Certificate, oid: ObjectIdentifier) -> Option<&str> {
    Some(Ia5StringRef::from_der(certificate.extension(oid)?).ok()?.as_str())
}
