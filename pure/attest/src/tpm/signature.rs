//! `TPMT_SIGNATURE` (TPM 2.0 Library, part 2, §11.3.4). Not here: the key.

use super::{TpmError, hash_of, reader::Reader};
use crate::{
    hash::Hash,
    signature::{PublicKey, Scheme, SignatureError},
};

const RSASSA: u16 = 0x0014;
const RSAPSS: u16 = 0x0016;
const ECDSA: u16 = 0x0018;

/// A TPM's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// How it was made.
    pub scheme: Scheme,
    /// Its hash, which is also the one over the PCRs' values.
    pub hash: Hash,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Rsa(Vec<u8>),
    Ecdsa { r: Vec<u8>, s: Vec<u8> },
}

/// Exactly one signature.
///
/// # Errors
/// What is wrong with the form; [`TpmError::Unknown`] for algorithms not spoken, SHA-1 among them.
pub fn parse(bytes: &[u8]) -> Result<Signature, TpmError> {
    let mut reader = Reader::new("signature", bytes);
    let algorithm = reader.u16()?;
    let hash = hash_of(reader.u16()?)?;
    let scheme = scheme(algorithm, hash)?;
    let value = if algorithm == ECDSA {
        let (r, s) = (reader.sized(48)?.to_vec(), reader.sized(48)?.to_vec());
        Value::Ecdsa { r, s }
    } else {
        Value::Rsa(reader.sized(1024)?.to_vec())
    };
    reader.end()?;
    Ok(Signature { scheme, hash, value })
}

fn scheme(algorithm: u16, hash: Hash) -> Result<Scheme, TpmError> {
    Ok(match (algorithm, hash) {
        (RSASSA, Hash::Sha256) => Scheme::RsaPkcs1Sha256,
        (RSASSA, Hash::Sha384) => Scheme::RsaPkcs1Sha384,
        (RSASSA, Hash::Sha512) => Scheme::RsaPkcs1Sha512,
        (RSAPSS, Hash::Sha256) => Scheme::RsaPssSha256,
        (RSAPSS, Hash::Sha384) => Scheme::RsaPssSha384,
        (RSAPSS, Hash::Sha512) => Scheme::RsaPssSha512,
        (ECDSA, Hash::Sha256) => Scheme::EcdsaSha256,
        (ECDSA, Hash::Sha384) => Scheme::EcdsaSha384,
        _ => return Err(TpmError::Unknown { what: "signature scheme", value: algorithm.into() }),
    })
}

impl Signature {
    /// RSASSA-PKCS1-v1_5 with SHA-256 as the bare number, which is how Azure's evidence has it.
    pub fn rsassa_sha256(bytes: &[u8]) -> Self {
        let value = Value::Rsa(bytes.to_vec());
        Self { scheme: Scheme::RsaPkcs1Sha256, hash: Hash::Sha256, value }
    }

    /// Whether `key` made it over `message`.
    ///
    /// # Errors
    /// As [`PublicKey::verify`].
    pub fn verify(&self, key: &PublicKey, message: &[u8]) -> Result<(), SignatureError> {
        match (&self.value, key) {
            (Value::Rsa(value), PublicKey::Rsa { .. }) => key.verify(self.scheme, message, value),
            (Value::Ecdsa { r, s }, PublicKey::P256(_)) => {
                key.verify(self.scheme, message, &[wide(r, 32)?, wide(s, 32)?].concat())
            }
            (Value::Ecdsa { r, s }, PublicKey::P384(_)) => {
                key.verify(self.scheme, message, &[wide(r, 48)?, wide(s, 48)?].concat())
            }
            _ => Err(SignatureError::Form),
        }
    }
}

/// A number as `width` bytes: TPMs may leave leading zeros out.
fn wide(number: &[u8], width: usize) -> Result<Vec<u8>, SignatureError> {
    let pad = width.checked_sub(number.len()).ok_or(SignatureError::Form)?;
    Ok([vec![0; pad].as_slice(), number].concat())
}
