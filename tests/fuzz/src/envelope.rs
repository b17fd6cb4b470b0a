//! Envelopes, the messages of the sessions they open, and the shares of the keys that open them:
//! what is not genuine, bit for bit, does not open.

use crate::network::rng;
use crate::{Reached, frames};
use sotto_crypto::envelope::{self as sealed, Session};
use sotto_crypto::secret::Secret;
use sotto_crypto::vet::{
    AppKey, EncryptedShare, TransportSecret, VaultKey, VaultSecret, VetKey, blame,
};
use sotto_types::{
    Aad, Account, AppId, ChainId, Context, Epoch, Generation, Identity, KeyPath, NetworkId,
};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const NETWORK: NetworkId = NetworkId([0x11; 32]);
const APP: AppId = AppId([0x22; 32]);
const IDENTITY: Identity = Identity::Epoch(Epoch(7));
/// Messages of the session before the last, which no input holds.
const MESSAGES: u64 = 8;

static SCENE: LazyLock<Scene> = LazyLock::new(Scene::new);

/// One vault, one app, one identity, and all that was ever sealed to it.
struct Scene {
    vault: VaultKey,
    app: AppKey,
    transport: TransportSecret,
    shares: Vec<(u32, EncryptedShare)>,
    key: VetKey,
    /// Derived from the vetKey: tells two of them apart.
    mark: Secret<32>,
    /// Envelopes and what they hold.
    envelopes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Messages of the session that the first envelope opens.
    messages: Vec<Vec<u8>>,
    last: Vec<u8>,
}

fn aad() -> Aad {
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

fn text(number: u64) -> Vec<u8> {
    format!("message {number}").into_bytes()
}

impl Scene {
    fn new() -> Self {
        let mut rng = rng(17);
        let secret = VaultSecret::generate(&mut rng);
        let vault = secret.public().clone();
        let app = vault.derive(&NETWORK, &APP, KeyPath::Request);
        let transport = TransportSecret::generate(&mut rng);
        let mut share =
            |index| (index, secret.grant_share(&app, &IDENTITY, transport.public(), &mut rng));
        let shares = vec![share(1), share(2)];
        let key = transport.open_with(&shares[..1], &app, &IDENTITY).unwrap();
        let mut envelopes = Vec::new();
        let mut session = None;
        for size in [0, 5, 63, 64, 300, 5000] {
            let payload = vec![size as u8; size];
            let (bytes, client) =
                sealed::seal_to(&app, &IDENTITY, &aad(), &payload, &mut rng).unwrap();
            session.get_or_insert(client);
            envelopes.push((bytes, payload));
        }
        let mut session: Session = session.unwrap();
        let mut messages: Vec<Vec<u8>> =
            (1..=MESSAGES + 1).map(|n| session.seal_next(&text(n)).unwrap()).collect();
        let last = messages.pop().unwrap();
        let mark = key.derive(b"fuzz");
        Self { vault, app, transport, shares, key, mark, envelopes, messages, last }
    }

    fn open(&self, bytes: &[u8], aad: &Aad) -> Option<sealed::Opened> {
        sealed::open(&self.key, &self.vault, &IDENTITY, aad, bytes).ok()
    }
}

/// An envelope to an enclave that holds the key.
pub fn envelope(bytes: &[u8]) -> Reached {
    let scene = &*SCENE;
    let Some(opened) = scene.open(bytes, &aad()) else { return Reached::Refused };
    let genuine = scene.envelopes.iter().find(|(envelope, _)| envelope == bytes);
    let (_, payload) = genuine.expect("an envelope opens that nobody sealed");
    assert_eq!(*opened.payload, *payload, "it opens to something else");
    assert_eq!(bytes.len(), sealed::sealed_len(payload.len()));
    let other = Aad { submitter: Account::from_address([0x56; 20]), ..aad() };
    assert!(scene.open(bytes, &other).is_none(), "it opens as somebody else's");
    Reached::Taken
}

pub(crate) fn envelope_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = SCENE.envelopes.iter().map(|(bytes, _)| bytes.clone()).collect();
    // Sealed as well as the others, to something else.
    let mut rng = rng(23);
    let other = Aad { generation: Generation(4), ..aad() };
    for (identity, aad) in [(IDENTITY, other), (Identity::Epoch(Epoch(8)), aad())] {
        let sealed = sealed::seal_to(&SCENE.app, &identity, &aad, b"other", &mut rng);
        seeds.push(sealed.unwrap().0);
    }
    seeds
}

/// Frames of messages to the end that opened the first envelope.
pub fn session(bytes: &[u8]) -> Reached {
    let scene = &*SCENE;
    let opened = scene.open(&scene.envelopes[0].0, &aad());
    let mut session = opened.expect("a genuine envelope opens").session;
    let mut seen = 0;
    let mut reached = Reached::Refused;
    for message in frames::split(bytes) {
        let Ok(plain) = session.open_next(message) else { continue };
        let at = scene.messages.iter().position(|genuine| genuine == message);
        let number = at.expect("a message opens that nobody sealed") as u64 + 1;
        assert_eq!(*plain, text(number), "it opens to something else");
        assert!(number > seen, "message {number} opens after {seen}");
        seen = number;
        reached = Reached::Taken;
    }
    let last = session.open_next(&scene.last).expect("the last message still opens");
    assert_eq!(*last, text(MESSAGES + 1));
    reached
}

pub(crate) fn session_seeds() -> Vec<Vec<u8>> {
    let mut messages = SCENE.messages.clone();
    let mut seeds = vec![frames::join(&messages), frames::join(&messages[4..])];
    seeds.extend(messages.iter().map(|message| frames::join(&[message, message])));
    messages.reverse();
    seeds.push(frames::join(&messages));
    seeds
}

/// Shares as members send them, each behind its index as u32 little-endian: whatever they combine
/// to is the key or nothing, and a share that passes its own check is genuine.
pub fn share(bytes: &[u8]) -> Reached {
    let (pieces, rest) = bytes.as_chunks::<196>();
    if !rest.is_empty() {
        return Reached::Refused;
    }
    let scene = &*SCENE;
    let shares: Vec<(u32, EncryptedShare)> = pieces
        .iter()
        .map(|piece| {
            let (index, share) = piece.split_first_chunk::<4>().unwrap();
            (u32::from_le_bytes(*index), EncryptedShare(share.try_into().unwrap()))
        })
        .collect();
    check_first(&shares);
    match scene.transport.open_with(&shares, &scene.app, &IDENTITY) {
        Err(why) => {
            drop(why.to_string());
            Reached::Refused
        }
        Ok(key) => {
            assert!(key.derive::<32>(b"fuzz") == scene.mark, "the shares make another key");
            Reached::Taken
        }
    }
}

/// Pairings are dear: one share of each input is looked at by itself.
fn check_first(shares: &[(u32, EncryptedShare)]) {
    let scene = &*SCENE;
    let Some((index, share)) = shares.first() else { return };
    let members: BTreeMap<u32, VaultKey> = [1, 2].map(|n| (n, scene.vault.clone())).into();
    let first = &shares[..1];
    let bad = blame(first, &members, &scene.app, &IDENTITY, scene.transport.public());
    if bad.is_empty() {
        let genuine = scene.shares.iter().any(|(_, genuine)| genuine == share);
        assert!(genuine && members.contains_key(index), "a forged share passes its check");
    }
}

pub(crate) fn share_seeds() -> Vec<Vec<u8>> {
    let bytes = |(index, share): &(u32, EncryptedShare)| {
        [index.to_le_bytes().as_slice(), &share.0].concat()
    };
    let [first, second] = [bytes(&SCENE.shares[0]), bytes(&SCENE.shares[1])];
    let both = [first.clone(), second.clone()].concat();
    let mut infinity = first.clone();
    infinity[4..].fill(0);
    infinity[4] = 0xc0;
    let many: Vec<u8> = (0..130_u32).flat_map(|index| bytes(&(index, SCENE.shares[0].1))).collect();
    vec![[first.clone(), first.clone()].concat(), first, second, both, infinity, many]
}
