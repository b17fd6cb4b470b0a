//! HKDF with SHA-256 (RFC 5869), salt absent: the one key derivation of this room. Its inputs are
//! always secrets of high entropy, its `info` always starts with a domain of its own.

use crate::secret::Secret;
use hkdf::Hkdf;
use sha2::Sha256;

/// `N` bytes of HKDF-SHA256 over `key`, salt absent, `info` being the concatenation of `parts`.
pub(crate) fn derive<const N: usize>(key: &[u8], parts: &[&[u8]]) -> Secret<N> {
    const {
        assert!(N <= 255 * 32, "RFC 5869 §2.3: at most 255 blocks");
    }
    let mut out = Secret::zero();
    let expanded = Hkdf::<Sha256>::new(None, key).expand_multi_info(parts, out.expose_mut());
    // The only error is a length over 255 blocks, refused above when this is compiled.
    debug_assert!(expanded.is_ok());
    out
}
