//! Public areas of TPM keys: `TPMT_PUBLIC` (TPM 2.0 Library, part 2, §12.2.4), and keys given
//! without one. Not here: what vouches for a key.

use super::{TpmError, hash_of, reader::Reader};
use crate::{
    hash::{Hash, sha256},
    signature::PublicKey,
};
use der::{Document, Encode as _, asn1::UintRef};

const RSA: u16 = 0x0001;
const ECC: u16 = 0x0023;
const NULL: u16 = 0x0010;
const AES: u16 = 0x0006;
const CFB: u16 = 0x0043;
const P256: u16 = 0x0003;
const P384: u16 = 0x0004;

/// Bits of `TPMA_OBJECT` (part 2, §8.3) that a key must have so that its signature over a quote
/// means one, with the names the specification gives them.
const REQUIRED: [(u32, &str); 5] = [
    (1 << 1, "fixedTPM"),
    (1 << 4, "fixedParent"),
    (1 << 5, "sensitiveDataOrigin"),
    (1 << 16, "restricted"),
    (1 << 18, "sign"),
];
/// A key that decrypts is none for signing.
const DECRYPT: u32 = 1 << 17;

/// The public area of a key in a TPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    area: Vec<u8>,
    /// The hash of its name.
    pub name_hash: Hash,
    /// `TPMA_OBJECT`.
    pub attributes: u32,
    /// Bits of the AES key (in CFB) by which it protects its children; none for a signing key.
    pub protects: Option<u16>,
    /// The key.
    pub key: PublicKey,
}

/// Exactly one `TPMT_PUBLIC`, or the same with its size before it (`TPM2B_PUBLIC`).
///
/// # Errors
/// What is wrong with the form; [`TpmError::Unknown`] for algorithms not spoken.
pub fn parse(bytes: &[u8]) -> Result<Public, TpmError> {
    let area = match bytes.split_at_checked(2) {
        Some((size, rest)) if size == prefix(rest.len()) => rest,
        _ => bytes,
    };
    let mut reader = Reader::new("public area", area);
    let kind = reader.u16()?;
    let name_hash = hash_of(reader.u16()?)?;
    let attributes = reader.u32()?;
    reader.sized(64)?;
    let protects = symmetric(&mut reader)?;
    let key = match kind {
        RSA => rsa(&mut reader)?,
        ECC => ecc(&mut reader)?,
        other => return Err(TpmError::Unknown { what: "key type", value: other.into() }),
    };
    reader.end()?;
    Ok(Public { area: area.to_vec(), name_hash, attributes, protects, key })
}

/// The size before a structure of this length; no structure here is as long as to have none.
fn prefix(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(0).to_be_bytes()
}

/// `TPMT_SYM_DEF_OBJECT`.
fn symmetric(reader: &mut Reader<'_>) -> Result<Option<u16>, TpmError> {
    match reader.u16()? {
        NULL => Ok(None),
        AES => {
            let bits = reader.u16()?;
            match reader.u16()? {
                CFB => Ok(Some(bits)),
                other => Err(TpmError::Unknown { what: "cipher mode", value: other.into() }),
            }
        }
        other => Err(TpmError::Unknown { what: "cipher", value: other.into() }),
    }
}

/// `TPMT_RSA_SCHEME`, `TPMT_ECC_SCHEME` or `TPMT_KDF_SCHEME`: looked over, for the signature says
/// the same.
fn scheme(reader: &mut Reader<'_>) -> Result<(), TpmError> {
    match reader.u16()? {
        // None, and RSAES.
        NULL | 0x0015 => Ok(()),
        // RSASSA, RSAPSS, OAEP, ECDSA, ECDH; MGF1, KDF1 of SP 800-56A and 800-108: a hash.
        0x0014 | 0x0016 | 0x0017 | 0x0018 | 0x0019 | 0x0007 | 0x0020 | 0x0022 => {
            hash_of(reader.u16()?).map(drop)
        }
        other => Err(TpmError::Unknown { what: "key scheme", value: other.into() }),
    }
}

fn rsa(reader: &mut Reader<'_>) -> Result<PublicKey, TpmError> {
    scheme(reader)?;
    let bits = usize::from(reader.u16()?);
    // Zero stands for the default.
    let exponent = match reader.u32()? {
        0 => 65_537,
        other => other,
    };
    let modulus = reader.sized(1024)?;
    if modulus.len() * 8 != bits {
        return Err(TpmError::Key);
    }
    PublicKey::from_rsa(modulus, &exponent.to_be_bytes()).map_err(|_| TpmError::Key)
}

fn ecc(reader: &mut Reader<'_>) -> Result<PublicKey, TpmError> {
    scheme(reader)?;
    let width = match reader.u16()? {
        P256 => 32,
        P384 => 48,
        other => return Err(TpmError::Unknown { what: "curve", value: other.into() }),
    };
    scheme(reader)?;
    let (x, y) = (reader.sized(width)?, reader.sized(width)?);
    let wide = |number: &[u8]| [vec![0; width - number.len()].as_slice(), number].concat();
    PublicKey::from_coordinates(&wide(x), &wide(y)).map_err(|_| TpmError::Key)
}

impl Public {
    /// Its name: the algorithm and the hash of the public area (part 1, §16).
    pub fn name(&self) -> Vec<u8> {
        let algorithm = super::algorithm_of(self.name_hash).to_be_bytes();
        [&algorithm, self.name_hash.digest(&[&self.area]).as_slice()].concat()
    }

    /// What it lacks to be an attestation key; empty when nothing.
    pub fn lacks(&self) -> Vec<&'static str> {
        let missing = REQUIRED.iter().filter(|(bit, _)| self.attributes & bit == 0);
        let mut names: Vec<&str> = missing.map(|(_, name)| *name).collect();
        if self.attributes & DECRYPT != 0 {
            names.push("no decrypt");
        }
        names
    }

    /// The fields by name, for people. Nothing here is believed.
    pub fn describe(&self) -> Vec<(String, String)> {
        let held = REQUIRED.iter().filter(|(bit, _)| self.attributes & bit != 0);
        let held: Vec<&str> = held.map(|(_, name)| *name).collect();
        vec![
            ("ak_name".to_owned(), hex::encode(self.name())),
            ("ak_attributes".to_owned(), format!("{:#010x} ({})", self.attributes, held.join(" "))),
        ]
    }
}

/// An attestation key as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationKey {
    /// The key.
    pub key: PublicKey,
    /// Its public area, where one was given: without it the key has neither name nor attributes.
    pub public: Option<Public>,
}

impl AttestationKey {
    /// From a `TPMT_PUBLIC`, a `TPM2B_PUBLIC`, or a `SubjectPublicKeyInfo` in DER or PEM.
    ///
    /// # Errors
    /// What is wrong with the form; [`TpmError::Key`] for keys not spoken.
    pub fn parse(bytes: &[u8]) -> Result<Self, TpmError> {
        let spki = match bytes {
            [b'-', ..] => {
                let text = core::str::from_utf8(bytes).map_err(|_| TpmError::Key)?;
                let (label, document) =
                    Document::from_pem(text.trim_end()).map_err(|_| TpmError::Key)?;
                if label != "PUBLIC KEY" {
                    return Err(TpmError::Key);
                }
                document.as_bytes().to_vec()
            }
            [0x30, ..] => bytes.to_vec(),
            _ => {
                let public = parse(bytes)?;
                return Ok(Self { key: public.key.clone(), public: Some(public) });
            }
        };
        let key = PublicKey::from_spki(&spki).map_err(|_| TpmError::Key)?;
        Ok(Self { key, public: None })
    }
}

/// SHA-256 of a key as `SubjectPublicKeyInfo` (RFC 5280, 5480, 8017): what keys are called here.
pub fn fingerprint(key: &PublicKey) -> [u8; 32] {
    sha256(&spki(key))
}

/// A key as `SubjectPublicKeyInfo`.
pub(super) fn spki(key: &PublicKey) -> Vec<u8> {
    // SEQUENCE { SEQUENCE { id-ecPublicKey, curve }, BIT STRING }, up to the point.
    const P256: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    const P384: &[u8] = &[
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05,
        0x2b, 0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
    ];
    match key {
        PublicKey::P256(point) => [P256, point].concat(),
        PublicKey::P384(point) => [P384, point].concat(),
        PublicKey::Rsa { modulus, exponent } => rsa_spki(modulus, exponent).unwrap_or_default(),
    }
}

fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    use x509_cert::spki::{AlgorithmIdentifier, ObjectIdentifier, SubjectPublicKeyInfo};
    #[derive(der::Sequence)]
    struct RsaPublicKey<'a> {
        modulus: UintRef<'a>,
        exponent: UintRef<'a>,
    }
    let (modulus, exponent) = (UintRef::new(modulus).ok()?, UintRef::new(exponent).ok()?);
    let key = RsaPublicKey { modulus, exponent }.to_der().ok()?;
    let algorithm = AlgorithmIdentifier {
        oid: ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
        parameters: Some(der::AnyRef::NULL),
    };
    let subject_public_key = der::asn1::BitStringRef::from_bytes(&key).ok()?;
    SubjectPublicKeyInfo { algorithm, subject_public_key }.to_der().ok()
}
