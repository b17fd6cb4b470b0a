//! Signatures, sealed envelopes, identity-based keys and grants.
//!
//! * [`vet`]: the vault key, the app keys derived from it, grants encrypted to an enclave's
//!   transport key, and the identity's secret (vetKey) they combine to.
//! * [`envelope`]: a payload sealed to an identity and bound to its associated data, and the
//!   session that follows it.
//! * [`sign`]: recoverable low-s secp256k1 signatures of nodes and of apps' result keys.
//! * [`commit`]: the commitment to an output that a receipt carries.
//! * [`pad`]: padding to size classes, for envelopes and what follows them.
//! * [`secret`]: bytes that nobody prints, copies or leaves behind.
//!
//! The BLS12-381 arithmetic stands over `blst`, or, with feature `twin` alone, over pure Rust;
//! both give the same bytes. Not here: who may be granted what (`ledger`), evidence (`attest`),
//! TLS (`net`), and any source of chance: randomness is an argument everywhere.
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "blst", feature = "twin")))]
compile_error!("sotto-crypto needs one of the features `blst` and `twin`");

mod backend;
pub mod commit;
pub mod envelope;
#[cfg(test)]
mod fixtures;
mod ibe;
mod kdf;
pub mod pad;
pub mod secret;
pub mod sign;
#[cfg(test)]
mod vectors;
pub mod vet;
