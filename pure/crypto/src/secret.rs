//! Bytes that nobody prints, copies or leaves behind: on the heap in one place (a move copies the
//! pointer, not the bytes), zeroed when dropped, compared in constant time, without `Debug` and
//! `Clone`. Not here: locked memory and protection against a debugger, which the enclave gives.

use rand_core::CryptoRngCore;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes.
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// All zero, to be filled.
    pub(crate) fn zero() -> Self {
        Self(Box::new([0; N]))
    }

    /// Takes a copy of `bytes`. The caller zeroes its own.
    pub fn from_bytes(bytes: &[u8; N]) -> Self {
        let mut out = Self::zero();
        out.0.copy_from_slice(bytes);
        out
    }

    /// `N` bytes from `rng`.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut out = Self::zero();
        rng.fill_bytes(out.0.as_mut_slice());
        out
    }

    /// The bytes themselves. Named so that a reader sees where a secret leaves its container.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }

    /// The bytes, to be written.
    pub(crate) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

/// Equality in constant time.
impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> Zeroize for Secret<N> {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Secret<N> {}

#[cfg(test)]
mod tests;
