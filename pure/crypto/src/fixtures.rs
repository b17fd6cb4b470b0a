//! What the tests of this room share: seeded chance, and one network, app and associated data.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::vet::{TransportSecret, VaultSecret, VetKey};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::{CryptoRng, Error, RngCore};
use sotto_types::{
    Aad, Account, AppId, ChainId, Context, Epoch, Generation, Identity, KeyPath, NetworkId,
};

pub(crate) const NETWORK: NetworkId = NetworkId([0x11; 32]);
pub(crate) const APP: AppId = AppId([0x22; 32]);
pub(crate) const EPOCH: Identity = Identity::Epoch(Epoch(7));

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Associated data with something in every field.
pub(crate) fn aad() -> Aad {
    Aad {
        network: NETWORK,
        app: APP,
        generation: Generation(3),
        chain: ChainId::from_caip2("eip155:31337"),
        consumer: Account::from_address([0x44; 20]),
        submitter: Account::from_address([0x55; 20]),
        context: Context([0x66; 32]),
    }
}

/// The vetKey of `identity`, by a grant from `vault`.
pub(crate) fn vet_key(vault: &VaultSecret, path: KeyPath, identity: &Identity) -> VetKey {
    let mut rng = rng(99);
    let transport = TransportSecret::generate(&mut rng);
    let tpk = transport.public();
    let share = vault.grant(&NETWORK, &APP, path, identity, tpk, &mut rng);
    transport.open(&[(1, share)], vault.public(), &NETWORK, &APP, path, identity).unwrap()
}

/// Gives the bytes it was made of, in order, and no others.
pub(crate) struct Scripted(pub(crate) Vec<u8>);

impl RngCore for Scripted {
    fn next_u32(&mut self) -> u32 {
        unimplemented_word()
    }

    fn next_u64(&mut self) -> u64 {
        unimplemented_word().into()
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&self.0);
        self.0 = rest;
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(out);
        Ok(())
    }
}

impl CryptoRng for Scripted {}

fn unimplemented_word() -> u32 {
    panic!("this room draws bytes only")
}

/// A hex string as a fixed number of bytes.
pub(crate) fn unhex<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}
