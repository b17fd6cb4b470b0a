//! `tests/vectors/seal.json`: made here from fixed seeds, checked here on both backends and, by
//! `contracts/solidity/test/vetkeys.mjs`, by `@dfinity/vetkeys` and WebCrypto.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read their vectors")]

use crate::{
    commit,
    envelope::{self, OpenFailed},
    fixtures::{Scripted, unhex},
    sign::ResultKey,
    vet::{EncryptedShare, TransportSecret, VaultKey, VaultSecret, VetKey},
};
use serde::{Deserialize, Serialize};
use sotto_types::{
    Aad, Account, AppId, ChainId, Context, ContextId, Epoch, Generation, Identity, KeyPath,
    NetworkId, RequestId, id::sha256,
};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/seal.json");

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Vectors {
    about: String,
    vault_secret: String,
    vault_key: String,
    transport_secret: String,
    transport_key: String,
    envelopes: Vec<Envelope>,
    result: ResultVector,
    commitment: Commitment,
    refused: Vec<Refused>,
}

/// One sealed payload, with everything it was made of.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Envelope {
    name: String,
    network: String,
    app: String,
    path: String,
    app_key: String,
    identity: IdentityText,
    identity_bytes: String,
    aad: AadText,
    aad_bytes: String,
    seed: String,
    k: String,
    payload: String,
    envelope: String,
    envelope_hash: String,
    /// The share that grants the identity to the transport key, and what it opens to.
    share: String,
    vet_key: String,
    /// The first message each way, both carrying the payload.
    client_to_server: String,
    server_to_client: String,
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
#[serde(rename_all = "snake_case")]
enum IdentityText {
    Epoch(u64),
    Context(String),
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct AadText {
    generation: u64,
    chain: String,
    consumer: String,
    submitter: String,
    context: String,
}

/// The result key of one epoch.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct ResultVector {
    epoch: u64,
    share: String,
    vet_key: String,
    secret: String,
    address: String,
}

/// The commitment to an output, under the vetKey of the first envelope.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Commitment {
    request: String,
    blind: String,
    output: String,
    commitment: String,
}

/// What must not open as the first envelope does.
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Refused {
    name: String,
    envelope: String,
    aad: AadText,
}

impl IdentityText {
    fn identity(&self) -> Identity {
        match self {
            Self::Epoch(epoch) => Identity::Epoch(Epoch(*epoch)),
            Self::Context(id) => Identity::Context(ContextId(unhex(id))),
        }
    }
}

impl AadText {
    fn aad(&self, network: NetworkId, app: AppId) -> Aad {
        Aad {
            network,
            app,
            generation: Generation(self.generation),
            chain: ChainId(unhex(&self.chain)),
            consumer: Account(unhex(&self.consumer)),
            submitter: Account(unhex(&self.submitter)),
            context: Context(unhex(&self.context)),
        }
    }
}

/// 32 bytes that come from nowhere but their name.
fn named(name: &str) -> [u8; 32] {
    sha256(&[b"sotto/test-vector/v1", name.as_bytes()])
}

fn network() -> NetworkId {
    NetworkId(named("network"))
}

fn app() -> AppId {
    AppId(named("app"))
}

fn vault() -> VaultSecret {
    let mut secret = named("vault secret");
    secret[0] = 0;
    VaultSecret::from_bytes(&secret).unwrap()
}

fn transport() -> TransportSecret {
    let mut secret = named("transport secret");
    secret[0] = 0;
    TransportSecret::from_bytes(&secret).unwrap()
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(bytes)
}

fn grant(name: &str, path: KeyPath, identity: &Identity) -> (EncryptedShare, VetKey) {
    let (vault, transport) = (vault(), transport());
    let r = [named(&format!("{name} r0")), named(&format!("{name} r1"))].concat();
    let tpk = transport.public();
    let share = vault.grant(&network(), &app(), path, identity, tpk, &mut Scripted(r));
    let opened =
        transport.open(&[(1, share)], vault.public(), &network(), &app(), path, identity).unwrap();
    (share, opened)
}

fn make_envelope(name: &str, identity: IdentityText, aad: AadText, payload: &[u8]) -> Envelope {
    let vault = vault();
    let (path, id) = (KeyPath::Request, identity.identity());
    let (share, vet_key) = grant(name, path, &id);
    let bound = aad.aad(network(), app());
    let (seed, k) = (named(&format!("{name} seed")), named(&format!("{name} k")));
    let mut drawn = Scripted([seed, k].concat());
    let (sealed, mut client) =
        envelope::seal(vault.public(), path, &id, &bound, payload, &mut drawn).unwrap();
    let mut opened = envelope::open(&vet_key, vault.public(), &id, &bound, &sealed).unwrap();
    assert_eq!(*opened.payload, payload);
    Envelope {
        name: name.into(),
        network: text(network().0),
        app: text(app().0),
        path: String::from_utf8(path.bytes().to_vec()).unwrap(),
        app_key: text(vault.public().derive(&network(), &app(), path).to_bytes()),
        identity,
        identity_bytes: text(id.bytes()),
        aad,
        aad_bytes: text(bound.bytes()),
        seed: text(seed),
        k: text(k),
        payload: text(payload),
        envelope_hash: text(sha256(&[&sealed])),
        envelope: text(&sealed),
        share: text(share.0),
        vet_key: text(vet_key.point().encode()),
        client_to_server: text(client.seal_next(payload).unwrap()),
        server_to_client: text(opened.session.seal_next(payload).unwrap()),
    }
}

fn make() -> Vectors {
    let (vault, transport) = (vault(), transport());
    let from_chain = AadText {
        generation: 3,
        chain: text(ChainId::from_caip2("eip155:31337").0),
        consumer: text(Account::from_address([0x44; 20]).0),
        submitter: text(Account::from_address([0x55; 20]).0),
        context: text(named("context")),
    };
    let none = text([0; 32]);
    let direct = AadText {
        generation: 1,
        chain: none.clone(),
        consumer: none.clone(),
        submitter: none,
        context: text(named("seat and boot")),
    };
    let context = IdentityText::Context(text(named("context id")));
    let envelopes = vec![
        make_envelope("a bid", context.clone(), from_chain.clone(), &[0x2a; 32]),
        make_envelope("nothing", context, from_chain.clone(), b""),
        make_envelope("direct", IdentityText::Epoch(7), direct, b"{\"question\": \"anything\"}"),
        make_envelope("a whole class", IdentityText::Epoch(u64::MAX), from_chain, &[0x80; 255]),
    ];
    let first = &envelopes[0];
    let (_, key) = grant("a bid", KeyPath::Request, &first.identity.identity());
    let request = RequestId(named("request"));
    let blind = commit::blind(&key, &request);
    let commitment = Commitment {
        request: text(request.0),
        blind: text(blind.expose()),
        output: text(b"the winner"),
        commitment: text(commit::commit(&blind, b"the winner").0),
    };
    let (share, result) = grant("result", KeyPath::Result, &Identity::Epoch(Epoch(7)));
    let signing = ResultKey::derive(&result);
    let result = ResultVector {
        epoch: 7,
        share: text(share.0),
        vet_key: text(result.point().encode()),
        secret: text(signing.dangerous_to_bytes().as_slice()),
        address: text(signing.public().address()),
    };
    Vectors {
        about: "Envelopes, grants and what is derived from them; all values hexadecimal. Secrets \
                here are of these vectors alone."
            .into(),
        vault_secret: text(vault.dangerous_to_bytes().as_slice()),
        vault_key: text(vault.public().to_bytes()),
        transport_secret: text(transport.dangerous_to_bytes().as_slice()),
        transport_key: text(transport.public().to_bytes()),
        refused: refused(&envelopes),
        envelopes,
        result,
        commitment,
    }
}

fn refused(envelopes: &[Envelope]) -> Vec<Refused> {
    let good = hex::decode(&envelopes[0].envelope).unwrap();
    let other = hex::decode(&envelopes[1].envelope).unwrap();
    let aad = &envelopes[0].aad;
    let changed = |name: &str, at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        Refused { name: name.into(), envelope: text(bytes), aad: aad.clone() }
    };
    let cut = |name: &str, bytes: Vec<u8>| Refused {
        name: name.into(),
        envelope: text(bytes),
        aad: aad.clone(),
    };
    let bound =
        |name: &str, aad: AadText| Refused { name: name.into(), envelope: text(&good), aad };
    vec![
        changed("the version", 0),
        changed("the header of the key encapsulation", 8),
        changed("c2", 110),
        changed("c3", 140),
        changed("the payload", 210),
        changed("the tag", good.len() - 1),
        cut("a byte less", good[..good.len() - 1].to_vec()),
        cut("a byte more", [&good[..], &[0]].concat()),
        cut("the payload of another", [&good[..201], &other[201..]].concat()),
        bound("another generation", AadText { generation: 4, ..aad.clone() }),
        bound("another chain", AadText { chain: text([1; 32]), ..aad.clone() }),
        bound("another consumer", AadText { consumer: text([1; 32]), ..aad.clone() }),
        bound("another submitter", AadText { submitter: text([1; 32]), ..aad.clone() }),
        bound("another context", AadText { context: text([1; 32]), ..aad.clone() }),
    ]
}

#[test]
fn the_file_is_what_this_code_makes() {
    let made = make();
    if std::env::var_os("SOTTO_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&made).unwrap();
        std::fs::write(FILE, text + "\n").unwrap();
    }
    let file: Vectors = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    for (file, made) in file.envelopes.iter().zip(&made.envelopes) {
        assert_eq!(file, made);
    }
    assert_eq!(file, made);
}

/// From the file's own bytes to payloads and refusals.
#[test]
fn the_file_opens() {
    let file: Vectors = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    let vault = VaultKey::from_bytes(&unhex(&file.vault_key)).unwrap();
    let transport = TransportSecret::from_bytes(&unhex(&file.transport_secret)).unwrap();
    let mut first = None;
    for case in &file.envelopes {
        let (network, app) = (NetworkId(unhex(&case.network)), AppId(unhex(&case.app)));
        let identity = case.identity.identity();
        let share = [(1, EncryptedShare(unhex(&case.share)))];
        let path = KeyPath::Request;
        let key = transport.open(&share, &vault, &network, &app, path, &identity).unwrap();
        let (aad, bytes) = (case.aad.aad(network, app), hex::decode(&case.envelope).unwrap());
        let mut opened = envelope::open(&key, &vault, &identity, &aad, &bytes).unwrap();
        let payload = hex::decode(&case.payload).unwrap();
        assert_eq!(*opened.payload, payload);
        let message = hex::decode(&case.client_to_server).unwrap();
        assert_eq!(*opened.session.open_next(&message).unwrap(), payload);
        first.get_or_insert((key, identity, network, app));
    }
    let (key, identity, network, app) = first.unwrap();
    for case in &file.refused {
        let (aad, bytes) = (case.aad.aad(network, app), hex::decode(&case.envelope).unwrap());
        let opened = envelope::open(&key, &vault, &identity, &aad, &bytes);
        assert_eq!(opened.err(), Some(OpenFailed), "{}", case.name);
    }
}
