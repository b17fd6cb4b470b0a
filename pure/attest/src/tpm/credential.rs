//! `TPM2_MakeCredential` outside a TPM: the question that binds an attestation key to an
//! endorsement key.
//!
//! The verifier encrypts a secret so that only the TPM with the endorsement key can open it, and
//! that TPM gives it out only if it also holds the key of the name inside. Who returns the secret
//! has both. Sources: TPM 2.0 Library, part 1, §24 (credential protection), §11.4.10 (KDFa, KDFe),
//! annexes B.4 (OAEP) and C.6.1 (ECDH). Chance is an argument. Not here: asking the TPM.

use super::{Activation, Public, TpmError, public};
use crate::{
    hash::Hash,
    signature::PublicKey,
    x509::{Certificate, X509Error},
};
use aes::cipher::{BlockEncrypt as _, KeyInit as _};
use hmac::{Mac as _, SimpleHmac};
use p256::elliptic_curve::sec1::{FromEncodedPoint as _, ToEncodedPoint as _};
use rsa::BigUint;

/// Bytes of a secret, at most: the digest that the TPM's hash gives.
const SECRET_MAX: usize = 32;

/// The chance that a credential needs: for an RSA key its seed and the padding's, for a curve the
/// ephemeral key. Never use it twice.
#[derive(Clone)]
pub struct Random(pub [u8; 128]);

/// The public endorsement key and how it protects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndorsementKey {
    key: PublicKey,
    name_hash: Hash,
    /// Bits of its AES key.
    aes: u16,
}

/// Why a credential cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The public area is not read.
    #[error(transparent)]
    Public(#[from] TpmError),
    /// The certificate is not read.
    #[error(transparent)]
    Certificate(#[from] X509Error),
    /// A key that protects nothing: not a storage key with AES-128 or AES-256.
    #[error("not an endorsement key: it protects nothing by AES")]
    NotAStorageKey,
    /// A secret of this many bytes.
    #[error("a secret has 1 to 32 bytes, not {0}")]
    Secret(usize),
    /// The chance gave no key; try other bytes.
    #[error("the random bytes give no key on the curve")]
    Random,
    /// A point that is not on its curve.
    #[error("the endorsement key is not on its curve")]
    Point,
}

impl EndorsementKey {
    /// From the public area.
    ///
    /// # Errors
    /// [`CredentialError::NotAStorageKey`] for keys of another use.
    pub fn from_public(public: &Public) -> Result<Self, CredentialError> {
        let aes = public.protects.filter(|bits| [128, 256].contains(bits));
        let aes = aes.ok_or(CredentialError::NotAStorageKey)?;
        Ok(Self { key: public.key.clone(), name_hash: public.name_hash, aes })
    }

    /// From a certificate (DER or PEM), for a key of a default template (TCG EK Credential Profile,
    /// annex B): SHA-256 and AES-128 for RSA-2048 and P-256, SHA-384 and AES-256 for larger ones.
    ///
    /// # Errors
    /// [`CredentialError::Certificate`].
    pub fn from_certificate(certificate: &[u8]) -> Result<Self, CredentialError> {
        let key = Certificate::from_pem_or_der(certificate)?.public_key()?;
        let small = match &key {
            PublicKey::P256(_) => true,
            PublicKey::P384(_) => false,
            PublicKey::Rsa { modulus, .. } => modulus.len() <= 256,
        };
        let (name_hash, aes) = if small { (Hash::Sha256, 128) } else { (Hash::Sha384, 256) };
        Ok(Self { key, name_hash, aes })
    }
}

/// A question to a TPM, and what the right answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// `TPM2B_ID_OBJECT`.
    pub id_object: Vec<u8>,
    /// `TPM2B_ENCRYPTED_SECRET`.
    pub encrypted_secret: Vec<u8>,
    /// SHA-256 of the secret.
    secret: [u8; 32],
    proof: Activation,
}

impl Credential {
    /// Both parts in the file form of tpm2-tools (`tpm2_activatecredential -i`).
    pub fn to_file(&self) -> Vec<u8> {
        let header = [0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1];
        [header.as_slice(), &self.id_object, &self.encrypted_secret].concat()
    }

    /// The proof, if the TPM gave back this secret.
    pub fn activated(&self, returned: &[u8]) -> Option<Activation> {
        (crate::hash::sha256(returned) == self.secret).then(|| self.proof.clone())
    }
}

/// Hides `secret` so that only the TPM holding both `ek` and the key named `ak_name` gives it out.
///
/// # Errors
/// [`CredentialError`].
pub fn make_credential(
    ek: &EndorsementKey,
    ak_name: &[u8],
    secret: &[u8],
    random: &Random,
) -> Result<Credential, CredentialError> {
    if secret.is_empty() || secret.len() > SECRET_MAX {
        return Err(CredentialError::Secret(secret.len()));
    }
    let (seed, encrypted_secret) = seed(ek, random)?;
    let hash = ek.name_hash;
    let key = kdfa(hash, &seed, "STORAGE", ak_name, ek.aes);
    let identity = cfb(&key, sized(secret));
    let bits = u16::try_from(hash.size() * 8).unwrap_or(0);
    let integrity = kdfa(hash, &seed, "INTEGRITY", &[], bits);
    let outer = sized(&hmac(hash, &integrity, &[&identity, ak_name]));
    Ok(Credential {
        id_object: sized(&[outer, identity].concat()),
        encrypted_secret,
        secret: crate::hash::sha256(secret),
        proof: Activation { ek: public::fingerprint(&ek.key), ak: ak_name.to_vec() },
    })
}

/// A `TPM2B`.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let size = u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
    [size.as_slice(), bytes].concat()
}

/// The seed and how it travels.
fn seed(ek: &EndorsementKey, random: &Random) -> Result<(Vec<u8>, Vec<u8>), CredentialError> {
    match &ek.key {
        PublicKey::Rsa { modulus, exponent } => {
            let (seed, rest) = random.0.split_at(64);
            let seed = seed.get(..ek.name_hash.size()).unwrap_or(seed);
            let padding = rest.get(..ek.name_hash.size()).unwrap_or(rest);
            let block = oaep(ek.name_hash, seed, padding, modulus.len());
            let number = BigUint::from_bytes_be(&block)
                .modpow(&BigUint::from_bytes_be(exponent), &BigUint::from_bytes_be(modulus));
            let number = number.to_bytes_be();
            let pad = modulus.len().saturating_sub(number.len());
            Ok((seed.to_vec(), sized(&[vec![0; pad], number].concat())))
        }
        PublicKey::P256(point) => {
            let scalar = p256::SecretKey::from_slice(random.0.get(..32).unwrap_or_default())
                .map_err(|_| CredentialError::Random)?;
            let theirs = p256::EncodedPoint::from_bytes(point).ok();
            let theirs =
                theirs.and_then(|point| p256::PublicKey::from_encoded_point(&point).into());
            let theirs: p256::PublicKey = theirs.ok_or(CredentialError::Point)?;
            let shared = theirs.to_projective() * *scalar.to_nonzero_scalar();
            let shared = shared.to_affine().to_encoded_point(false);
            let ours = scalar.public_key().to_encoded_point(false);
            Ok(agreed(ek, shared.as_bytes(), ours.as_bytes(), point))
        }
        PublicKey::P384(point) => {
            let scalar = p384::SecretKey::from_slice(random.0.get(..48).unwrap_or_default())
                .map_err(|_| CredentialError::Random)?;
            let theirs = p384::EncodedPoint::from_bytes(point).ok();
            let theirs =
                theirs.and_then(|point| p384::PublicKey::from_encoded_point(&point).into());
            let theirs: p384::PublicKey = theirs.ok_or(CredentialError::Point)?;
            let shared = theirs.to_projective() * *scalar.to_nonzero_scalar();
            let shared = shared.to_affine().to_encoded_point(false);
            let ours = scalar.public_key().to_encoded_point(false);
            Ok(agreed(ek, shared.as_bytes(), ours.as_bytes(), point))
        }
    }
}

/// The seed of a Diffie-Hellman agreement, from uncompressed points; our point travels.
fn agreed(ek: &EndorsementKey, shared: &[u8], ours: &[u8], theirs: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let half = theirs.len() / 2;
    let x = |point: &[u8]| point.get(1..=half).unwrap_or_default().to_vec();
    let y = ours.get(half + 1..).unwrap_or_default();
    let seed = kdfe(ek.name_hash, &x(shared), &x(ours), &x(theirs));
    (seed, sized(&[sized(&x(ours)), sized(y)].concat()))
}

/// KDFe for the label `IDENTITY`, one block: as many bytes as the hash gives (part 1, §11.4.10.3).
fn kdfe(hash: Hash, shared: &[u8], ours: &[u8], theirs: &[u8]) -> Vec<u8> {
    hash.digest(&[&1_u32.to_be_bytes(), shared, b"IDENTITY\0", ours, theirs])
}

/// KDFa with an empty second context, one block (part 1, §11.4.10.2; SP 800-108 in counter mode).
fn kdfa(hash: Hash, key: &[u8], label: &str, context: &[u8], bits: u16) -> Vec<u8> {
    let bytes = usize::from(bits / 8);
    let mut block = hmac(
        hash,
        key,
        &[&1_u32.to_be_bytes(), label.as_bytes(), &[0], context, &u32::from(bits).to_be_bytes()],
    );
    block.truncate(bytes);
    block
}

fn hmac(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    fn run<D>(key: &[u8], parts: &[&[u8]]) -> Vec<u8>
    where
        D: sha2::Digest + hmac::digest::core_api::BlockSizeUser,
    {
        // HMAC takes keys of every length.
        let Ok(mut mac) = <SimpleHmac<D> as hmac::Mac>::new_from_slice(key) else {
            return Vec::new();
        };
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }
    match hash {
        Hash::Sha1 => run::<sha1::Sha1>(key, parts),
        Hash::Sha256 => run::<sha2::Sha256>(key, parts),
        Hash::Sha384 => run::<sha2::Sha384>(key, parts),
        Hash::Sha512 => run::<sha2::Sha512>(key, parts),
    }
}

/// EME-OAEP (RFC 8017, §7.1.1) with the label `IDENTITY` and its zero, mask by the same hash.
fn oaep(hash: Hash, message: &[u8], seed: &[u8], size: usize) -> Vec<u8> {
    let label = hash.digest(&[b"IDENTITY\0"]);
    let fill = size.saturating_sub(message.len() + 2 * hash.size() + 2);
    let block = [label.as_slice(), &vec![0; fill], &[1], message].concat();
    let masked = xor(&block, &mgf1(hash, seed, block.len()));
    let seed = xor(seed, &mgf1(hash, &masked, seed.len()));
    [&[0], seed.as_slice(), &masked].concat()
}

fn mgf1(hash: Hash, seed: &[u8], size: usize) -> Vec<u8> {
    let blocks = (0_u32..).flat_map(|counter| hash.digest(&[seed, &counter.to_be_bytes()]));
    blocks.take(size).collect()
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

/// AES in cipher feedback of whole blocks, from a zero vector. The key has 16 or 32 bytes.
fn cfb(key: &[u8], mut bytes: Vec<u8>) -> Vec<u8> {
    let mut stream = aes::Block::default();
    for chunk in bytes.chunks_mut(16) {
        if let Ok(cipher) = aes::Aes128::new_from_slice(key) {
            cipher.encrypt_block(&mut stream);
        } else if let Ok(cipher) = aes::Aes256::new_from_slice(key) {
            cipher.encrypt_block(&mut stream);
        }
        for (byte, mask) in chunk.iter_mut().zip(stream.iter_mut()) {
            *byte ^= *mask;
            *mask = *byte;
        }
    }
    bytes
}
