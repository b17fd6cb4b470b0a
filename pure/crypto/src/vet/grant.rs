//! A grant as bytes: each member's share, encrypted to one enclave's transport key, and their
//! combination inside the enclave. A share is 192 bytes, C1 ‖ C2 ‖ C3 = r·G1 ‖ r·G2 ‖
//! r·tpk + (s + δ)·P, and anyone can check it against its member's public share. The enclave
//! takes the cheaper way: combine C1 and C3, check the result, and look at single shares only to
//! name a bad one. Not here: whether the grant is final, and that the transport key is the one in
//! the worker's evidence; the member asks its ledger before it calls [`VaultSecret::grant`].

use super::{AppKey, BadKey, VaultKey, VaultSecret, VetKey};
use crate::backend::{self, G1, G2, Scalar, SecretScalar};
use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;
use rand_core::CryptoRngCore;
use sotto_types::{AppId, Identity, KeyPath, NetworkId};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// Shares taken at once; a council has at most 100 members.
pub const MAX_SHARES: usize = 128;

/// The public half of an enclave's transport key: 48 bytes, a point of G1. Never infinity, for
/// which a share would carry its secret in the clear, and never the generator (secret 1).
#[derive(Clone)]
pub struct TransportKey {
    point: G1,
    bytes: [u8; 48],
}

impl TransportKey {
    /// Strictly decoded: canonical, on the curve, in the subgroup, neither infinity nor generator.
    ///
    /// # Errors
    /// [`BadKey`] for anything else.
    pub fn from_bytes(bytes: &[u8; 48]) -> Result<Self, BadKey> {
        let bad = BadKey("transport key");
        let point = G1::decode(bytes).ok_or(bad)?;
        if *bytes == G1::generator_mul(&Scalar::one()).encode() {
            return Err(bad);
        }
        Ok(Self { point, bytes: *bytes })
    }

    /// ZCash-compressed, big-endian.
    pub fn to_bytes(&self) -> [u8; 48] {
        self.bytes
    }
}

impl PartialEq for TransportKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for TransportKey {}

impl fmt::Debug for TransportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportKey(")?;
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// The secret half of a transport key. Made in the enclave and never outside it.
pub struct TransportSecret {
    scalar: SecretScalar,
    public: TransportKey,
}

impl TransportSecret {
    /// A new key from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        loop {
            if let Some(secret) = Self::new(SecretScalar::generate(rng)) {
                return secret;
            }
        }
    }

    /// 32 bytes big-endian, at least 2 and below the group order. Sotto's own form, not that of
    /// `ic-vetkeys` (little-endian): it is for the enclave's own sealed storage.
    ///
    /// # Errors
    /// [`BadKey`] for 0, 1 and anything not below the order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, BadKey> {
        let scalar = SecretScalar::from_be(bytes);
        scalar.and_then(Self::new).ok_or(BadKey("transport secret"))
    }

    /// None for 1.
    fn new(scalar: SecretScalar) -> Option<Self> {
        if backend::is_zero(&(*scalar - Scalar::one())) {
            return None;
        }
        let point = G1::generator_mul(&scalar);
        Some(Self { scalar, public: TransportKey { point, bytes: point.encode() } })
    }

    /// The secret itself, 32 bytes big-endian, for the enclave's own sealed storage.
    pub fn dangerous_to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.scalar.to_be()
    }

    /// The half that goes into the enclave's evidence.
    pub fn public(&self) -> &TransportKey {
        &self.public
    }

    /// The vetKey of `identity`, from shares by their members' indices (from 1). All shares given
    /// are combined: give exactly as many as the vault key's threshold, here one.
    ///
    /// # Errors
    /// [`GrantError`]; [`blame`] then names the member, if public shares are known.
    pub fn open(
        &self,
        shares: &[(u32, EncryptedShare)],
        vault: &VaultKey,
        network: &NetworkId,
        app: &AppId,
        path: KeyPath,
        identity: &Identity,
    ) -> Result<VetKey, GrantError> {
        self.open_with(shares, &vault.derive(network, app, path), identity)
    }

    /// [`Self::open`] with the app's key already derived.
    ///
    /// # Errors
    /// The same.
    pub fn open_with(
        &self,
        shares: &[(u32, EncryptedShare)],
        key: &AppKey,
        identity: &Identity,
    ) -> Result<VetKey, GrantError> {
        let weights = lagrange_at_zero(shares.iter().map(|(index, _)| *index))?;
        let mut c1 = Zeroizing::new(None::<G1>);
        let mut c3 = Zeroizing::new(None::<G1>);
        for ((index, share), weight) in shares.iter().zip(&weights) {
            // The subgroup check of C1 matters most: a small-order part of it would let a member
            // learn the transport secret modulo that order from whether the grant opens.
            let bad = GrantError::BadShare(*index);
            accumulate(&mut c1, share.c1().ok_or(bad)?, weight);
            accumulate(&mut c3, share.c3().ok_or(bad)?, weight);
        }
        let (Some(c1), Some(c3)) = (*c1, *c3) else { return Err(GrantError::NoShares) };
        // σ = Σ λ·C3 − tsk·Σ λ·C1, believed only once it verifies.
        let mask = Zeroizing::new(c1.mul(&Zeroizing::new(-*self.scalar)));
        let sigma = Zeroizing::new(c3.add(&mask));
        VetKey::verified(*sigma, key, identity).ok_or(GrantError::NotVerified)
    }
}

/// sum += weight·point; a weight of one (a single share) costs nothing.
fn accumulate(sum: &mut Option<G1>, point: G1, weight: &Scalar) {
    let term = if *weight == Scalar::one() { point } else { point.mul(weight) };
    *sum = Some(match sum {
        Some(sum) => sum.add(&term),
        None => term,
    });
}

/// λ_i = Π_{j≠i} x_j / (x_j − x_i) modulo r, in the order given.
fn lagrange_at_zero(indices: impl Iterator<Item = u32>) -> Result<Vec<Scalar>, GrantError> {
    let indices: Vec<u32> = indices.take(MAX_SHARES + 1).collect();
    let mut seen = BTreeSet::new();
    for &index in &indices {
        if index == 0 {
            return Err(GrantError::IndexZero);
        }
        if !seen.insert(index) {
            return Err(GrantError::DuplicateIndex(index));
        }
    }
    match indices.len() {
        0 => return Err(GrantError::NoShares),
        count if count > MAX_SHARES => return Err(GrantError::TooMany),
        _ => {}
    }
    let weight = |&index: &u32| {
        let x = Scalar::from(u64::from(index));
        let (mut top, mut bottom) = (Scalar::one(), Scalar::one());
        for other in indices.iter().filter(|other| **other != index) {
            let other = Scalar::from(u64::from(*other));
            top *= other;
            bottom *= other - x;
        }
        // Distinct indices below r: the product is not zero.
        top * bottom.invert().unwrap_or(Scalar::zero())
    };
    Ok(indices.iter().map(weight).collect())
}

/// Why a grant did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// No share was given.
    #[error("no shares")]
    NoShares,
    /// More than [`MAX_SHARES`].
    #[error("more than {MAX_SHARES} shares")]
    TooMany,
    /// Members are counted from 1.
    #[error("a share has index 0")]
    IndexZero,
    /// Two shares of one member.
    #[error("two shares have index {0}")]
    DuplicateIndex(u32),
    /// C1 or C3 of this member's share is no point of the group.
    #[error("the share of member {0} holds an invalid point")]
    BadShare(u32),
    /// The shares combine to something that is not the key asked for.
    #[error("the shares do not combine to the key of this identity")]
    NotVerified,
}

/// One member's share of a vetKey, encrypted to a transport key: C1 (48) ‖ C2 (96) ‖ C3 (48).
#[derive(Clone, Copy, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EncryptedShare(pub [u8; 192]);

impl EncryptedShare {
    fn c1(&self) -> Option<G1> {
        G1::decode(&self.part(0))
    }

    fn c2(&self) -> Option<G2> {
        G2::decode(&self.part(48))
    }

    fn c3(&self) -> Option<G1> {
        G1::decode(&self.part(144))
    }

    fn part<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut out = [0; N];
        out.copy_from_slice(&self.0[at..at + N]);
        out
    }

    /// Whether it is `member`'s share of the key of `identity`, encrypted to `transport`:
    /// e(C1, G2) = e(G1, C2) and e(C3, G2) = e(tpk, C2)·e(P, dpk_i). Anyone can check. `member`
    /// comes from the ledger's commitments, never from the member.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn check(
        &self,
        member: &VaultKey,
        key: &AppKey,
        identity: &Identity,
        transport: &TransportKey,
    ) -> Result<(), ShareError> {
        let c1 = self.c1().ok_or(ShareError::Point("C1"))?;
        let c2 = self.c2().ok_or(ShareError::Point("C2"))?;
        let c3 = self.c3().ok_or(ShareError::Point("C3"))?;
        let generator = (G1::generator_mul(&Scalar::one()), G2::generator());
        if !backend::pairings_match((&c1, &generator.1), &[(&generator.0, &c2)]) {
            return Err(ShareError::Randomness);
        }
        let point = G1::hash_mul(&key.bytes, &identity.bytes(), &Scalar::one());
        let derived = member.point.add(&G2::generator_mul(&key.offset));
        let right = [(&transport.point, &c2), (&point, &derived)];
        if !backend::pairings_match((&c3, &generator.1), &right) {
            return Err(ShareError::Partial);
        }
        Ok(())
    }
}

impl fmt::Debug for EncryptedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptedShare(")?;
        self.0[..6].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Why a share is not what its member owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// One of its parts is no point of the group.
    #[error("{0} is not a valid point")]
    Point(&'static str),
    /// C1 and C2 have different logarithms.
    #[error("C1 and C2 are of different randomness")]
    Randomness,
    /// C3 is not this member's partial on this identity under this transport key.
    #[error("C3 is not the member's partial for this identity and transport key")]
    Partial,
}

/// The indices of the bad ones among `shares`, by the members' public shares as the ledger knows
/// them. A share with an index nobody has is bad.
pub fn blame(
    shares: &[(u32, EncryptedShare)],
    members: &BTreeMap<u32, VaultKey>,
    key: &AppKey,
    identity: &Identity,
    transport: &TransportKey,
) -> Vec<u32> {
    let good = |index: &u32, share: &EncryptedShare| {
        let member = members.get(index);
        member.is_some_and(|member| share.check(member, key, identity, transport).is_ok())
    };
    shares.iter().filter(|(index, share)| !good(index, share)).map(|(index, _)| *index).collect()
}

impl VaultSecret {
    /// This key's share of the vetKey of `identity`, encrypted to `transport`, for a network
    /// whose whole vault key this is. With fresh randomness on every call.
    pub fn grant(
        &self,
        network: &NetworkId,
        app: &AppId,
        path: KeyPath,
        identity: &Identity,
        transport: &TransportKey,
        rng: &mut impl CryptoRngCore,
    ) -> EncryptedShare {
        self.grant_share(&self.public.derive(network, app, path), identity, transport, rng)
    }

    /// A member's share under the network's key, of which this secret is a share: `key` is
    /// derived from the network's vault key, not from the member's own.
    pub fn grant_share(
        &self,
        key: &AppKey,
        identity: &Identity,
        transport: &TransportKey,
        rng: &mut impl CryptoRngCore,
    ) -> EncryptedShare {
        let secret = Zeroizing::new(*self.scalar + key.offset);
        let r = SecretScalar::generate(rng);
        let partial = Zeroizing::new(G1::hash_mul(&key.bytes, &identity.bytes(), &secret));
        let masked = transport.point.mul(&r).add(&partial);
        let mut out = [0; 192];
        out[..48].copy_from_slice(&G1::generator_mul(&r).encode());
        out[48..144].copy_from_slice(&G2::generator_mul(&r).encode());
        out[144..].copy_from_slice(&masked.encode());
        EncryptedShare(out)
    }
}

#[cfg(test)]
mod tests;
