//! A payload sealed to an identity, format B of `docs/protocol/envelope.md`:
//! `01 ‖ IBE(K ‖ SHA-256(aad)) ‖ AES-256-GCM(padded payload) ‖ tag`, 217 bytes over the padded
//! payload. The bytes commit to app key, identity, K and associated data, also against the
//! sender, so an envelope copied or recombined elsewhere does not open; and one envelope has one
//! form, so "each envelope hash once" means something. The [`Session`] that follows costs one
//! AEAD a message. Not here: who may hold the vetKey (`ledger`, [`crate::vet::grant`]), and
//! forgetting: erase the vetKey and the session when their period ends.

mod session;

pub use session::{Committed, SESSION_OVERHEAD, Session, SessionError};

use crate::{
    ibe, kdf,
    pad::{self, class, is_class},
    secret::Secret,
    vet::{AppKey, VaultKey, VetKey},
};
use aes_gcm::{AeadInPlace, Aes256Gcm, KeyInit};
use rand_core::CryptoRngCore;
use session::Side;
use sotto_types::{Aad, Identity, KeyPath, id::sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The longest payload, in bytes.
pub const PAYLOAD_MAX: usize = sotto_types::limits::SEALED_PAYLOAD_MAX;

const VERSION: u8 = 1;
/// Version and KEM: 1 + 136 + 64.
const HEAD: usize = 1 + ibe::OVERHEAD + 64;
const TAG: usize = 16;
const INFO: &[u8] = b"sotto/seal/v1/aes-256-gcm";

/// Bytes of an envelope over its padded payload.
pub const OVERHEAD: usize = HEAD + TAG;

/// The length of an envelope around a payload of `payload` bytes (at most [`PAYLOAD_MAX`]). It is
/// all that the length of an envelope tells.
pub const fn sealed_len(payload: usize) -> usize {
    OVERHEAD + class(if payload < PAYLOAD_MAX { payload } else { PAYLOAD_MAX })
}

/// Seals `payload` to `identity` of the app that `aad` names, bound to `aad`. Returns the
/// envelope and the sender's side of the session it opens.
///
/// # Errors
/// [`SealError`]: the payload is too long, or the path is not for envelopes.
pub fn seal(
    vault: &VaultKey,
    path: KeyPath,
    identity: &Identity,
    aad: &Aad,
    payload: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<(Vec<u8>, Session), SealError> {
    seal_to(&vault.derive(&aad.network, &aad.app, path), identity, aad, payload, rng)
}

/// [`seal`] with the app's key already derived, which saves about 0.25 ms.
///
/// # Errors
/// The same, and [`SealError::Foreign`] when `aad` names another network or app than `key`.
pub fn seal_to(
    key: &AppKey,
    identity: &Identity,
    aad: &Aad,
    payload: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<(Vec<u8>, Session), SealError> {
    if key.path() != KeyPath::Request {
        return Err(SealError::Path(key.path()));
    }
    if (key.network(), key.app()) != (aad.network, aad.app) {
        return Err(SealError::Foreign);
    }
    if payload.len() > PAYLOAD_MAX {
        return Err(SealError::TooLong { len: payload.len() });
    }
    // Both fresh for every envelope: with an old seed, two envelopes give away the difference of
    // their K; with an old K, two payloads share key and nonce.
    let seed = Secret::generate(rng);
    let k = Secret::generate(rng);

    let message = Zeroizing::new([k.expose().as_slice(), &sha256(&[&aad.bytes()])].concat());
    let kem = ibe::encrypt(key.parts(), &identity.bytes(), &message, &seed);
    let kem = kem.ok_or(SealError::Identity)?;

    let mut out = Vec::with_capacity(sealed_len(payload.len()));
    out.push(VERSION);
    out.extend_from_slice(&kem);
    let head = sha256(&[&out]);
    out.extend_from_slice(payload);
    out.push(0x80);
    out.resize(HEAD + class(payload.len()), 0);
    let (cipher, nonce) = dem(&k, &head);
    let tag = cipher.encrypt_in_place_detached((&nonce).into(), &[], &mut out[HEAD..]);
    out.extend_from_slice(&tag.map_err(|_| SealError::TooLong { len: payload.len() })?);
    Ok((out, Session::new(&k, &head, Side::Client)))
}

/// The one key and nonce under K and this head: HKDF(K, info ‖ SHA-256(head), 44). Used once.
fn dem(k: &Secret<32>, head: &[u8; 32]) -> (Box<Aes256Gcm>, [u8; 12]) {
    let okm: Secret<44> = kdf::derive(k.expose(), &[INFO, head]);
    let mut key = Secret::zero();
    let mut nonce = [0; 12];
    key.expose_mut().copy_from_slice(&okm.expose()[..32]);
    nonce.copy_from_slice(&okm.expose()[32..]);
    (Box::new(Aes256Gcm::new(key.expose().into())), nonce)
}

/// Whether a padded payload may be this long.
const fn sealed_is_class(len: usize) -> bool {
    len <= class(PAYLOAD_MAX) && is_class(len)
}

/// What an envelope held.
pub struct Opened {
    /// The payload, without padding.
    pub payload: Zeroizing<Vec<u8>>,
    /// The opener's side of the session.
    pub session: Session,
}

/// Opens an envelope with the vetKey of the identity it was sealed to. Every check is made:
/// that `key` is that of `vault`, `identity` and the app in `aad`; length; version; the KEM's
/// re-encryption; the hash of `aad`, before the payload is touched; the tag; the padding.
///
/// # Errors
/// [`OpenFailed`], one error for every cause: a sender who could tell them apart would learn
/// about the key.
pub fn open(
    key: &VetKey,
    vault: &VaultKey,
    identity: &Identity,
    aad: &Aad,
    envelope: &[u8],
) -> Result<Opened, OpenFailed> {
    let app = key.key();
    let meant = (app.path(), app.network(), app.app(), key.identity());
    if meant != (KeyPath::Request, aad.network, aad.app, *identity) || app.vault() != vault {
        return Err(OpenFailed);
    }
    let (head, sealed) = envelope.split_at_checked(HEAD).ok_or(OpenFailed)?;
    let (sealed, tag) = sealed.split_last_chunk::<TAG>().ok_or(OpenFailed)?;
    let (version, kem) = head.split_first().ok_or(OpenFailed)?;
    if *version != VERSION || !sealed_is_class(sealed.len()) {
        return Err(OpenFailed);
    }
    let message = ibe::decrypt(key.point(), kem).ok_or(OpenFailed)?;
    let (k, bound) = message.split_first_chunk::<32>().ok_or(OpenFailed)?;
    if !bool::from(bound.ct_eq(&sha256(&[&aad.bytes()]))) {
        return Err(OpenFailed);
    }
    let k = Secret::from_bytes(k);
    let head = sha256(&[head]);
    let (cipher, nonce) = dem(&k, &head);
    let mut payload = Zeroizing::new(sealed.to_vec());
    cipher
        .decrypt_in_place_detached((&nonce).into(), &[], &mut payload, tag.into())
        .map_err(|_| OpenFailed)?;
    // It runs only on what the tag has vouched for.
    let len = pad::unpad(&payload).ok_or(OpenFailed)?.len();
    payload.truncate(len);
    Ok(Opened { payload, session: Session::new(&k, &head, Side::Server) })
}

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The payload is longer than [`PAYLOAD_MAX`].
    #[error("a payload of {len} bytes; at most {PAYLOAD_MAX} can be sealed")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Envelopes are sealed to requests' keys only.
    #[error("envelopes are not sealed to the key path {0:?}")]
    Path(KeyPath),
    /// The associated data names another network or app than the key.
    #[error("the associated data names another network or app than the key")]
    Foreign,
    /// An identity of no bytes.
    #[error("an empty identity")]
    Identity,
}

/// The envelope does not open with this key as what it is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the envelope does not open")]
pub struct OpenFailed;

#[cfg(test)]
mod tests;
