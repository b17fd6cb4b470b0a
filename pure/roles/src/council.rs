//! The council member's brain: which actions go into a block, what it says of chains, which outbox
//! entries it endorses, and the one door to the vault: a share is given only for a grant that is
//! final in the ledger, to the transport key in the worker's attested evidence. Not here: the
//! order of blocks among several members (the engine), disks, watching chains (`courier`).

#[cfg(test)]
mod tests;

use crate::Wanted;
use rand_core::CryptoRngCore;
use sotto_crypto::sign::{PublicKey, Signature, SigningKey};
use sotto_crypto::vet::{EncryptedShare, TransportKey, VaultSecret};
use sotto_ledger::state::{Chain, Nonce, Open, Outgoing, Progress, Request, outbox_number};
use sotto_ledger::view::{list, read};
use sotto_ledger::{StorageError, View, find_grant};
use sotto_types::{
    Account, Action, ChainId, Genesis, Hash, Malformed, NetworkId, NodeId, RequestId, SignedAction,
    Wire as _, limits,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bytes of actions in one block, below the block's own limit.
const ACTIONS_BYTES: usize = limits::BLOCK_MAX / 2;

/// Why an action is not taken into the pool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPooled {
    /// It breaks a limit: a block that held it would be none.
    #[error("malformed action: {0}")]
    Malformed(#[from] Malformed),
    /// The signature is not the sender's.
    #[error("the signature is not the sender's")]
    Signature,
    /// The nonce was used.
    #[error("nonce {got} was used; {next} is next")]
    Used {
        /// Given.
        got: u64,
        /// The next one.
        next: u64,
    },
    /// An earlier one of the sender's is missing. It would wait for ever, and take up room.
    #[error("nonce {got} where {next} is next")]
    Gap {
        /// Given.
        got: u64,
        /// The next one that neither was used nor waits.
        next: u64,
    },
    /// Another action with that nonce waits.
    #[error("another action with nonce {0} waits")]
    Waiting(u64),
    /// The sender has too many waiting.
    #[error("{0} actions of one sender wait already")]
    SenderFull(usize),
    /// The pool is full.
    #[error("the pool is full")]
    Full,
}

/// Why a share is not given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShare {
    /// No such grant is final in the ledger.
    #[error("the ledger gave this worker no such grant")]
    NotGranted,
    /// The transport key asked for is not the one in the worker's attested evidence.
    #[error("the transport key is not the attested one")]
    OtherTransportKey,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A request whose bytes a member has to gather.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gather {
    /// The request.
    pub request: RequestId,
    /// The chain it came from.
    pub chain: ChainId,
    /// Its consumer, which may have published them.
    pub consumer: Account,
    /// Their hashes.
    pub hashes: Vec<Hash>,
}

/// A council member.
pub struct Council {
    network: NetworkId,
    key: SigningKey,
    vault: VaultSecret,
    /// Its own words, not yet in a block.
    own: VecDeque<Action>,
    pool: BTreeMap<(NodeId, u64), SignedAction>,
}

impl Council {
    /// The member with this key and this share of the vault key.
    pub fn new(genesis: &Genesis, key: SigningKey, vault: VaultSecret) -> Self {
        let network = genesis.id();
        Self { network, key, vault, own: VecDeque::new(), pool: BTreeMap::new() }
    }

    /// Its key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Something it has to say itself; once, however often it is told. What breaks an action's
    /// limits never comes into a block.
    pub fn say(&mut self, action: Action) {
        if !self.own.contains(&action) {
            self.own.push_back(action);
        }
    }

    /// Takes somebody's action into the pool. What is in the pool can go into the next block, or
    /// follows what can, so that nothing stays there.
    pub fn pool(&mut self, view: &impl View, signed: SignedAction) -> Result<(), NotPooled> {
        check_limits(&signed)?;
        let sender = NodeId::of_key(&signed.sender);
        let digest =
            SignedAction::digest(&self.network, &signed.sender, signed.nonce, &signed.action);
        PublicKey::from_bytes(&signed.sender)
            .ok()
            .and_then(|key| key.verify(&digest, &Signature(signed.signature)).ok())
            .ok_or(NotPooled::Signature)?;
        let used = read::<Nonce>(view, &sender).ok().flatten().map_or(0, |nonce| nonce.0);
        if signed.nonce <= used {
            return Err(NotPooled::Used { got: signed.nonce, next: used.saturating_add(1) });
        }
        let key = (sender, signed.nonce);
        match self.pool.get(&key) {
            Some(other) if *other == signed => return Ok(()),
            Some(_) => return Err(NotPooled::Waiting(signed.nonce)),
            None => {}
        }
        let mut next = used.saturating_add(1);
        while self.pool.contains_key(&(sender, next)) {
            next = next.saturating_add(1);
        }
        if signed.nonce > next {
            return Err(NotPooled::Gap { got: signed.nonce, next });
        }
        let waiting = self.pool.range((sender, 0)..=(sender, u64::MAX)).count();
        if waiting >= limits::MEMPOOL_PER_SENDER {
            return Err(NotPooled::SenderFull(waiting));
        }
        if self.pool.len() >= limits::MEMPOOL_MAX {
            return Err(NotPooled::Full);
        }
        self.pool.insert(key, signed);
        Ok(())
    }

    /// The actions of the next block: its own first, then the pool's that are next for their
    /// senders. What was in earlier blocks leaves the pool.
    pub fn actions(&mut self, view: &impl View) -> Result<Vec<SignedAction>, StorageError> {
        let mut actions = self.own_actions(view)?;
        let mut bytes: usize = actions.iter().map(size).sum();
        let mut used: BTreeMap<NodeId, u64> = BTreeMap::new();
        if let Some(last) = actions.last() {
            used.insert(NodeId::of_key(&last.sender), last.nonce);
        }
        let mut stale = Vec::new();
        for (&(sender, nonce), signed) in &self.pool {
            let last = match used.get(&sender) {
                Some(last) => *last,
                None => read::<Nonce>(view, &sender)?.map_or(0, |nonce| nonce.0),
            };
            used.insert(sender, last);
            if nonce <= last {
                stale.push((sender, nonce));
            } else if nonce == last.saturating_add(1)
                && actions.len() < limits::BLOCK_ACTIONS_MAX
                && bytes < ACTIONS_BYTES
            {
                used.insert(sender, nonce);
                bytes = bytes.saturating_add(size(signed));
                actions.push(signed.clone());
            }
        }
        for key in stale {
            self.pool.remove(&key);
        }
        Ok(actions)
    }

    fn own_actions(&mut self, view: &impl View) -> Result<Vec<SignedAction>, StorageError> {
        let sender = self.key.public().to_bytes();
        let mut nonce = read::<Nonce>(view, &NodeId::of_key(&sender))?.map_or(0, |nonce| nonce.0);
        let mut signed = Vec::new();
        let mut bytes = 0_usize;
        while bytes < ACTIONS_BYTES && signed.len() < limits::BLOCK_ACTIONS_MAX {
            let Some(action) = self.own.pop_front() else { break };
            let next = nonce.saturating_add(1);
            let digest = SignedAction::digest(&self.network, &sender, next, &action);
            let signature = self.key.sign(&digest).0;
            let action = SignedAction { sender, nonce: next, action, signature };
            // What breaks a limit is not said: with it the block would be none.
            if check_limits(&action).is_ok() {
                nonce = next;
                bytes = bytes.saturating_add(size(&action));
                signed.push(action);
            }
        }
        Ok(signed)
    }

    /// After a block: endorses what waits for it, says which requests it now holds whole, and
    /// answers whose bytes it still has to gather.
    pub fn look(
        &mut self,
        view: &impl View,
        mut holds: impl FnMut(&Hash) -> Result<bool, StorageError>,
    ) -> Result<Vec<Gather>, StorageError> {
        self.endorse(view)?;
        let mut gather = Vec::new();
        for (_, Open(id)) in list::<Open>(view, &())? {
            let Some(request) = read::<Request>(view, &id)? else { continue };
            if request.progress != Progress::Waiting {
                continue;
            }
            let needs: BTreeSet<Hash> = request.ask.needs().into_iter().collect();
            let mut hashes = Vec::new();
            for hash in needs {
                if !holds(&hash)? {
                    hashes.push(hash);
                }
            }
            if hashes.is_empty() {
                self.say(Action::Hold(id));
            } else {
                let Request { chain, ask, .. } = request;
                gather.push(Gather { request: id, chain, consumer: ask.consumer, hashes });
            }
        }
        Ok(gather)
    }

    fn endorse(&mut self, view: &impl View) -> Result<(), StorageError> {
        let own = Account::from_address(self.key.public().address());
        for (_, chain) in list::<Chain>(view, &())? {
            // Nothing moves on a halted chain, until the council decides.
            if chain.halted.is_some() {
                continue;
            }
            let id = ChainId::from_caip2(&chain.caip2);
            for (key, outgoing) in list::<Outgoing>(view, &id)? {
                let given = outgoing.endorsements.iter().any(|(by, _)| *by == own);
                if let (Some(entry), false, false) = (outbox_number(&key), outgoing.ready, given) {
                    let digest = outgoing.delivery.digest(&chain.domain);
                    let signature = self.key.sign(&digest.0).0;
                    self.say(Action::Endorse { chain: id, entry, signature });
                }
            }
        }
        Ok(())
    }

    /// This member's share of a key, encrypted to the worker that holds the grant. `view` must be
    /// of a final block. Asking again is harmless; another transport key is refused.
    pub fn share(
        &self,
        view: &impl View,
        worker: &NodeId,
        wanted: &Wanted,
        transport: &[u8; 48],
        rng: &mut impl CryptoRngCore,
    ) -> Result<EncryptedShare, NoShare> {
        let Wanted { app, path, identity } = wanted;
        let grant = find_grant(view, worker, app, *path, identity)?.ok_or(NoShare::NotGranted)?;
        if grant.transport != *transport {
            return Err(NoShare::OtherTransportKey);
        }
        let transport =
            TransportKey::from_bytes(transport).map_err(|_| NoShare::OtherTransportKey)?;
        Ok(self.vault.grant(&self.network, app, *path, identity, &transport, rng))
    }
}

/// About how many bytes an action takes in a block.
fn size(signed: &SignedAction) -> usize {
    borsh::object_length(signed).unwrap_or(limits::ACTION_MAX)
}

/// The limits that a block holds each of its actions to.
fn check_limits(signed: &SignedAction) -> Result<(), Malformed> {
    // With its version byte, as it travels alone.
    let got = size(signed).saturating_add(1);
    if got > limits::ACTION_MAX {
        return Err(Malformed::TooLong { got, max: limits::ACTION_MAX });
    }
    signed.validate()
}
