//! From outside: the whole way of a sealed request by the public interface; envelopes sealed in
//! Node by `@dfinity/vetkeys` and WebCrypto, opened here; and what secrets must not be able to do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "two tests run Node, or say that they did not"
)]

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use sotto_crypto::{
    commit, envelope,
    secret::Secret,
    sign::{ResultKey, SigningKey},
    vet::{TransportSecret, VaultSecret, VetKey},
};
use sotto_types::{
    Aad, Account, AppId, ChainId, Context, ContextId, Epoch, Generation, Identity, KeyPath,
    NetworkId, RequestId,
};
use std::process::Command;

const NETWORK: NetworkId = NetworkId([0x11; 32]);
const APP: AppId = AppId([0x22; 32]);

fn aad() -> Aad {
    Aad {
        network: NETWORK,
        app: APP,
        generation: Generation(1),
        chain: ChainId::from_caip2("eip155:31337"),
        consumer: Account::from_address([0x44; 20]),
        submitter: Account::from_address([0x55; 20]),
        context: Context([0x66; 32]),
    }
}

fn context() -> Identity {
    let contract = Account::from_address([0x33; 20]);
    Identity::Context(ContextId::new(&aad().chain, &contract, &aad().consumer, &aad().context))
}

fn granted(
    vault: &VaultSecret,
    path: KeyPath,
    identity: &Identity,
    rng: &mut ChaCha20Rng,
) -> VetKey {
    let transport = TransportSecret::generate(rng);
    let share = vault.grant(&NETWORK, &APP, path, identity, transport.public(), rng);
    transport.open(&[(1, share)], vault.public(), &NETWORK, &APP, path, identity).unwrap()
}

#[test]
fn a_request_from_seal_to_signature() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let vault = VaultSecret::generate(&mut rng);
    let identity = context();
    let (sealed, mut client) =
        envelope::seal(vault.public(), KeyPath::Request, &identity, &aad(), b"42", &mut rng)
            .unwrap();

    let key = granted(&vault, KeyPath::Request, &identity, &mut rng);
    let mut opened = envelope::open(&key, vault.public(), &identity, &aad(), &sealed).unwrap();
    assert_eq!(*opened.payload, b"42");

    let blind = commit::blind(&key, &RequestId([7; 32]));
    let commitment = commit::commit(&blind, b"43");
    let epoch = Identity::Epoch(Epoch(5));
    let signing = ResultKey::derive(&granted(&vault, KeyPath::Result, &epoch, &mut rng));
    let signature = signing.sign(&commitment.0);
    assert_eq!(signature.recover(&commitment.0), Ok(signing.public()));

    let answer = opened.session.seal_next(b"43").unwrap();
    let answer = client.open_next(&answer).unwrap();
    assert!(commit::verify(&commitment, &blind, &answer));
}

/// Runs `vetkeys.mjs`, if `SOTTO_NODE_MODULES` names a folder that holds `node_modules`.
fn node(arguments: &[&str]) -> Option<String> {
    if std::env::var_os("SOTTO_NODE_MODULES").is_none() {
        println!("skipped: SOTTO_NODE_MODULES does not name a folder with node_modules");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/solidity/test/vetkeys.mjs");
    let output = Command::new("node").arg(script).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "vetkeys.mjs {}: {errors}", arguments[0]);
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn node_checks_the_vectors() {
    if let Some(said) = node(&["check"]) {
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["envelopes"], 4);
        assert!(said["refused"].as_u64().unwrap() >= 14);
    }
}

#[test]
fn what_node_seals_opens_here() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let vault = VaultSecret::generate(&mut rng);
    let epoch = Identity::Epoch(Epoch(900));
    for (identity, name) in [
        (context(), json!({ "context": hex::encode(&context().bytes()[1..]) })),
        (epoch, json!({ "epoch": 900 })),
    ] {
        let key = granted(&vault, KeyPath::Request, &identity, &mut rng);
        for length in [0, 32, 64, 1000] {
            let payload = vec![0x2a; length];
            let parameters = json!({
                "vault_key": hex::encode(vault.public().to_bytes()),
                "network": hex::encode(NETWORK.0),
                "app": hex::encode(APP.0),
                "path": "request",
                "identity": name,
                "aad": {
                    "generation": aad().generation.0,
                    "chain": hex::encode(aad().chain.0),
                    "consumer": hex::encode(aad().consumer.0),
                    "submitter": hex::encode(aad().submitter.0),
                    "context": hex::encode(aad().context.0),
                },
                "payload": hex::encode(&payload),
            });
            let Some(said) = node(&["seal", &parameters.to_string()]) else { return };
            let said: Value = serde_json::from_str(&said).unwrap();
            let sealed = hex::decode(said["envelope"].as_str().unwrap()).unwrap();
            assert_eq!(sealed.len(), envelope::sealed_len(length));
            let opened = envelope::open(&key, vault.public(), &identity, &aad(), &sealed).unwrap();
            assert_eq!(*opened.payload, payload);
            let other = Aad { submitter: aad().consumer, ..aad() };
            assert!(envelope::open(&key, vault.public(), &identity, &other, &sealed).is_err());
        }
    }
}

/// Compiles only if the type lacks the trait: with it, the call below is ambiguous.
macro_rules! lacks {
    ($($type:ty),* ; $trait:path) => {$(
        const _: fn() = || {
            trait Ambiguous<A> {
                fn which() {}
            }
            struct HasIt;
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $trait> Ambiguous<HasIt> for T {}
            <$type as Ambiguous<_>>::which();
        };
    )*};
}

lacks!(
    Secret<32>, VaultSecret, VetKey, TransportSecret, SigningKey, envelope::Session,
    envelope::Opened, commit::Blind; std::fmt::Debug
);
lacks!(
    Secret<32>, VaultSecret, VetKey, TransportSecret, SigningKey, envelope::Session,
    envelope::Opened, commit::Blind; Clone
);
lacks!(
    Secret<32>, VaultSecret, VetKey, TransportSecret, SigningKey, envelope::Session,
    commit::Blind; std::fmt::Display
);
