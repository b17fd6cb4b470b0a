//! What is believed of the ledger: receipts, proofs, blocks. A receipt or a proof is genuine or
//! refused; a block is applied or refused, and value is conserved.

use crate::Reached;
use crate::network::{
    ASSIGNED, Memory, NETWORK, account, chain, id, key, manifest, result, signed,
};
use sotto_client::{ClientError, Network as Client};
use sotto_ledger::certificate::check_receipt;
use sotto_ledger::state::{Answered, App, Chain, Clock, Credit, Request, Worker};
use sotto_ledger::view::list;
use sotto_ledger::{Error, View as _, apply, check_proof, propose};
use sotto_types::{
    Action, Amount, Attempt, Block, ChainEvent, ChainId, Hash, Manifest, Proof, ReceiptBundle,
    Wire as _,
};
use std::sync::LazyLock;

/// A receipt with what proves it, as a client checks it: only genuine ones are believed, bit for
/// bit.
pub fn receipt(bytes: &[u8]) -> Reached {
    static CLIENT: LazyLock<Client> =
        LazyLock::new(|| Client::from_genesis(&NETWORK.genesis.encode()).unwrap());
    let judged = CLIENT.check_receipt(bytes);
    let by_ledger = ReceiptBundle::decode(bytes).ok();
    let by_ledger = by_ledger.map(|bundle| check_receipt(&NETWORK.genesis, &bundle).is_ok());
    match judged {
        Err(why) => {
            let malformed = matches!(why, ClientError::Malformed { .. });
            assert_eq!(malformed, by_ledger.is_none(), "{why}");
            assert!(!why.to_string().contains(char::is_control));
            Reached::Refused
        }
        Ok(checked) => {
            assert_eq!(by_ledger, Some(true), "the client believes what the ledger does not");
            let genuine = NETWORK.bundles.iter().any(|bundle| bundle.encode() == bytes);
            assert!(genuine, "a forged receipt is believed: {checked}");
            Reached::Taken
        }
    }
}

pub(crate) fn receipt_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = NETWORK.bundles.iter().map(|bundle| bundle.encode()).collect();
    // Genuine proofs of what is no receipt, and of another entry under a good certificate.
    seeds.push(NETWORK.bundle::<Request>(&id(ASSIGNED)).encode());
    let mut swapped = NETWORK.bundles[0].clone();
    swapped.answer = NETWORK.bundles[1].answer.clone();
    seeds.push(swapped.encode());
    seeds
}

/// A proof of an entry under the last root: what it proves stands there.
pub fn proof(bytes: &[u8]) -> Reached {
    let Ok(proof) = Proof::decode(bytes) else { return Reached::Refused };
    let root = NETWORK.view.head().unwrap().root;
    if check_proof(&root, &proof).is_err() {
        return Reached::Refused;
    }
    let stands = NETWORK.view.get(&proof.key).unwrap();
    assert_eq!(stands, Some(proof.value), "what does not stand there is proved");
    Reached::Taken
}

pub(crate) fn proof_seeds() -> Vec<Vec<u8>> {
    let network = &*NETWORK;
    let node = key("worker").public().node_id();
    let proofs = [
        network.prove::<Clock>(&()),
        network.prove::<Request>(&id(ASSIGNED)),
        network.prove::<App>(&manifest().id()),
        network.prove::<Chain>(&chain()),
        network.prove::<Worker>(&node),
        // Once good, under an older root.
        network.bundles[0].answer.clone(),
    ];
    proofs.iter().map(|proof| proof.encode()).collect()
}

/// A block by a proposer that follows no rule.
pub fn block(bytes: &[u8]) -> Reached {
    let Ok(block) = Block::decode(bytes) else { return Reached::Refused };
    match apply(&NETWORK.view, &block) {
        Err(Error::Storage(why)) => panic!("a block breaks the storage: {why}"),
        Err(Error::Invalid(why)) => {
            drop(why.to_string());
            Reached::Refused
        }
        Ok(applied) => {
            assert_eq!((applied.head.root, applied.head.id), (block.root, block.id()));
            let mut view = NETWORK.view.clone();
            view.commit(&applied);
            conserved(&view);
            Reached::Taken
        }
    }
}

/// On every chain, what came in is what was paid out or set aside and what is owed.
pub(crate) fn conserved(view: &Memory) {
    for (key, chain) in list::<Chain>(view, &()).expect("the chains can be read") {
        let id = ChainId(key[1..].try_into().unwrap());
        let credits = list::<Credit>(view, &id).expect("the credits can be read");
        let owed =
            credits.iter().try_fold(chain.paid, |sum, (_, credit)| sum.checked_add(credit.0));
        assert_eq!(owed, Some(chain.deposits), "value is not conserved on {}", chain.caip2);
        assert!(chain.paid <= chain.deposits && chain.payout_done <= chain.payout_nonce);
    }
}

pub(crate) fn block_seeds() -> Vec<Vec<u8>> {
    let network = &*NETWORK;
    let member = network.nonce(&key("member").public().node_id());
    let owner = network.nonce(&key("owner").public().node_id());
    let say = |name: &str, nonce, action| signed(&network.genesis, &key(name), nonce, action);
    let deploy = Action::Deploy(Manifest { name: "next".into(), ..manifest() });
    let hash = Hash::of(&result(crate::network::ANSWERED));
    let settled = ChainEvent::Settled { number: 2, result: hash, delivered: true };
    let mut forged = say("member", member + 1, Action::Observe(network.observation(vec![])));
    forged.signature[40] ^= 1;
    let app = manifest().id();
    let fail = Action::Fail { request: id(ASSIGNED), attempt: Attempt(1), reason: "why".into() };
    let contents = [
        vec![],
        vec![say("member", member + 1, Action::Observe(network.observation(vec![settled])))],
        vec![
            forged,
            say("owner", owner + 1, deploy),
            say("stranger", 1, fail),
            say("stranger", 7, Action::Hold(id(ASSIGNED))),
            say(
                "stranger",
                2,
                Action::ResultKey { app, epoch: sotto_types::Epoch(0), key: account("nobody") },
            ),
        ],
    ];
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for actions in contents {
        let (block, _) = propose(&network.view, network.now().plus(1), actions).unwrap();
        seeds.push(block.encode());
        // Good but for its root.
        seeds.push(Block { root: Default::default(), ..block }.encode());
    }
    // The last block again.
    seeds.push(network.blocks.last().unwrap().encode());
    assert!(network.get::<Answered>(&id(1)).is_some());
    assert!(network.get::<Chain>(&chain()).unwrap().deposits > Amount(0));
    seeds
}
