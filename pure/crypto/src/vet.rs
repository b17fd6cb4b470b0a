//! The vault key and what is derived from it: app keys for everyone, an identity's secret
//! (vetKey) for the enclaves granted it. vetKD (eprint 2023/616) over BLS12-381, in the format of
//! `ic-vetkeys` 0.9 unchanged; formulas in `docs/protocol/envelope.md`. Grants are in [`grant`].
//! Not here: who may be granted (`ledger`), and a DKG: here one member holds the whole key.
//!
//! A derived *scalar* is never handed out: with the public offset it is the vault key itself.

pub mod grant;

pub use grant::{EncryptedShare, GrantError, ShareError, TransportKey, TransportSecret, blame};

use crate::{
    backend::{self, G1, G2, Scalar, SecretScalar},
    kdf,
    secret::Secret,
};
use core::fmt;
use rand_core::CryptoRngCore;
use sotto_types::{AppId, Identity, KeyPath, NetworkId};
use zeroize::{Zeroize, Zeroizing};

/// Domain of level 1 ("canister id" in vetKD: network ‖ app).
const LEVEL1_DST: &[u8] = b"ic-vetkd-bls12-381-g2-canister-id";
/// Domain of level 2 ("context" in vetKD: the key path).
const LEVEL2_DST: &[u8] = b"ic-vetkd-bls12-381-g2-context";

/// Bytes that are not a canonical, valid, non-zero key of the kind named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct BadKey(&'static str);

/// A public vault key: the network's, or a member's public share. 96 bytes, a point of G2.
#[derive(Clone)]
pub struct VaultKey {
    point: G2,
    bytes: [u8; 96],
}

impl VaultKey {
    /// Strictly decoded: canonical, on the curve, in the subgroup, not infinity.
    ///
    /// # Errors
    /// [`BadKey`] for anything else.
    pub fn from_bytes(bytes: &[u8; 96]) -> Result<Self, BadKey> {
        let point = G2::decode(bytes).ok_or(BadKey("vault key"))?;
        Ok(Self { point, bytes: *bytes })
    }

    /// ZCash-compressed, big-endian.
    pub fn to_bytes(&self) -> [u8; 96] {
        self.bytes
    }

    /// The app's key for `path`: level 1 is network ‖ app (64 bytes), level 2 the path's bytes.
    pub fn derive(&self, network: &NetworkId, app: &AppId, path: KeyPath) -> AppKey {
        let id = [network.0, app.0].concat();
        let Derived { offset, point } = derive(self, &id, path.bytes());
        let bytes = point.encode();
        AppKey { vault: self.clone(), network: *network, app: *app, path, offset, point, bytes }
    }
}

impl PartialEq for VaultKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for VaultKey {}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(")?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// A key and its distance from the vault key: point = vault + offset·G2.
struct Derived {
    offset: Scalar,
    point: G2,
}

/// Both levels: pk1 = mpk + δ1·G2, dpk = pk1 + δ2·G2. Neither level is ever empty here; an empty
/// second level would be the first level's key.
fn derive(vault: &VaultKey, id: &[u8], path: &[u8]) -> Derived {
    debug_assert!(!id.is_empty() && !path.is_empty());
    let first = offset(&vault.bytes, id, LEVEL1_DST);
    let middle = vault.point.add(&G2::generator_mul(&first));
    let second = offset(&middle.encode(), path, LEVEL2_DST);
    Derived { offset: first + second, point: middle.add(&G2::generator_mul(&second)) }
}

/// δ = H2S(u64(96) ‖ key ‖ u64(len id) ‖ id, dst); lengths 8 bytes big-endian.
fn offset(key: &[u8; 96], id: &[u8], dst: &[u8]) -> Scalar {
    let length = (id.len() as u64).to_be_bytes();
    let input = [96_u64.to_be_bytes().as_slice(), key, &length, id].concat();
    backend::hash_to_scalar(&input, dst)
}

/// An app's public key for one path. Deriving costs about 0.25 ms: keep it while in use.
#[derive(Clone)]
pub struct AppKey {
    vault: VaultKey,
    network: NetworkId,
    app: AppId,
    path: KeyPath,
    offset: Scalar,
    point: G2,
    bytes: [u8; 96],
}

impl AppKey {
    /// The derived public key (dpk), compressed.
    pub fn to_bytes(&self) -> [u8; 96] {
        self.bytes
    }

    /// The vault key it was derived from.
    pub fn vault(&self) -> &VaultKey {
        &self.vault
    }

    /// The network it belongs to.
    pub fn network(&self) -> NetworkId {
        self.network
    }

    /// The app it belongs to.
    pub fn app(&self) -> AppId {
        self.app
    }

    /// The path it is for.
    pub fn path(&self) -> KeyPath {
        self.path
    }

    /// The key and its encoding, as [`crate::ibe`] takes them.
    pub(crate) fn parts(&self) -> (&G2, &[u8; 96]) {
        (&self.point, &self.bytes)
    }
}

impl PartialEq for AppKey {
    fn eq(&self, other: &Self) -> bool {
        let scope = |key: &Self| (key.network, key.app, key.path, key.bytes);
        scope(self) == scope(other) && self.vault == other.vault
    }
}

impl Eq for AppKey {}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, app, path, .. } = self;
        write!(f, "AppKey({network:?}, {app:?}, {path:?})")
    }
}

/// A member's secret share of the vault key; with one member, the whole key. It signs nothing but
/// identity points it hashed itself: there is no door for signing a given point.
pub struct VaultSecret {
    scalar: SecretScalar,
    public: VaultKey,
}

impl VaultSecret {
    /// A new key from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self::new(SecretScalar::generate(rng))
    }

    /// 32 bytes big-endian, at least 1 and below the group order.
    ///
    /// # Errors
    /// [`BadKey`] for zero and for anything not below the order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        Ok(Self::new(SecretScalar::from_be(bytes).ok_or(BadKey("vault secret"))?))
    }

    fn new(scalar: SecretScalar) -> Self {
        let point = G2::generator_mul(&scalar);
        Self { scalar, public: VaultKey { point, bytes: point.encode() } }
    }

    /// The secret itself, 32 bytes big-endian, for the member's own sealed storage and nothing
    /// else: whoever reads it opens every envelope of the network.
    pub fn dangerous_to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.scalar.to_be()
    }

    /// The public key (or public share) that belongs to it.
    pub fn public(&self) -> &VaultKey {
        &self.public
    }
}

/// An identity's secret: the BLS signature on it under the app's key. It opens every envelope
/// sealed to that identity. Publishing it publishes them.
pub struct VetKey {
    point: Box<G1>,
    bytes: Secret<48>,
    key: AppKey,
    identity: Identity,
}

impl VetKey {
    /// `point`, if it is the signature on `identity` under `key`.
    fn verified(point: G1, key: &AppKey, identity: &Identity) -> Option<Self> {
        let point = Zeroizing::new(point);
        if !backend::bls_verify(&point, &key.bytes, &identity.bytes(), &key.point) {
            return None;
        }
        let bytes = Zeroizing::new(point.encode());
        Some(Self {
            point: Box::new(*point),
            bytes: Secret::from_bytes(&bytes),
            key: key.clone(),
            identity: *identity,
        })
    }

    /// The app key it belongs to.
    pub fn key(&self) -> &AppKey {
        &self.key
    }

    /// The identity it opens.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// `N` bytes of HKDF-SHA256 (RFC 5869; the 48 bytes of the vetKey, salt absent, `info`). At
    /// most 8,160; more does not compile.
    pub fn derive<const N: usize>(&self, info: &[u8]) -> Secret<N> {
        kdf::derive(self.bytes.expose(), &[info])
    }

    pub(crate) fn point(&self) -> &G1 {
        &self.point
    }
}

impl Drop for VetKey {
    fn drop(&mut self) {
        self.point.zeroize();
    }
}

#[cfg(test)]
mod tests;
