//! Accounts, storage and code, at every version they ever had.
//!
//! A version is one committed set of changes: a block's, or a development-only change between
//! blocks. Each account and slot keeps the list of versions at which it changed, so a read at any
//! block is one binary search, and undoing costs what the undone changes did. History is never
//! pruned; it grows with changes, not with blocks.

use alloy::primitives::{Address, B256, KECCAK256_EMPTY, Keccak256, U256};
use revm::{
    database::DatabaseRef,
    state::{AccountInfo, Bytecode, EvmState},
};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::Arc,
};

/// Number of committed change sets: 0 is the empty state.
pub(crate) type Version = u64;

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) balance: U256,
    pub(crate) nonce: u64,
    pub(crate) code_hash: B256,
}

impl Default for Account {
    fn default() -> Self {
        Self { balance: U256::ZERO, nonce: 0, code_hash: KECCAK256_EMPTY }
    }
}

/// One set of changes. `None` removes an account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) accounts: BTreeMap<Address, Option<Account>>,
    pub(crate) slots: BTreeMap<(Address, U256), U256>,
    pub(crate) codes: BTreeMap<B256, Bytecode>,
}

impl Changes {
    /// Adds what one transaction changed on top of what is here.
    pub(crate) fn absorb(&mut self, state: &EvmState) {
        for (address, account) in state.iter().filter(|(_, account)| account.is_touched()) {
            // EIP-161: a touched account left empty does not exist. A destroyed one was created
            // in the same transaction (EIP-6780), so whatever it wrote is void.
            let gone = account.is_selfdestructed() || account.is_empty();
            let info = &account.info;
            self.accounts.insert(
                *address,
                (!gone).then_some(Account {
                    balance: info.balance,
                    nonce: info.nonce,
                    code_hash: info.code_hash,
                }),
            );
            if let Some(code) = &info.code
                && info.code_hash != KECCAK256_EMPTY
                && !gone
            {
                self.codes.insert(info.code_hash, code.clone());
            }
            for (slot, value) in &account.storage {
                if gone {
                    self.slots.insert((*address, *slot), U256::ZERO);
                } else if value.is_changed() {
                    self.slots.insert((*address, *slot), value.present_value());
                }
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.accounts.is_empty() && self.slots.is_empty()
    }

    fn digest(&self, parent: B256) -> B256 {
        let mut hash = Keccak256::new();
        hash.update(parent);
        hash.update((self.accounts.len() as u64).to_be_bytes());
        for (address, account) in &self.accounts {
            hash.update(address);
            hash.update([u8::from(account.is_some())]);
            let account = account.unwrap_or_default();
            hash.update(account.balance.to_be_bytes::<32>());
            hash.update(account.nonce.to_be_bytes());
            hash.update(account.code_hash);
        }
        for ((address, slot), value) in &self.slots {
            hash.update(address);
            hash.update(slot.to_be_bytes::<32>());
            hash.update(value.to_be_bytes::<32>());
        }
        hash.finalize()
    }
}

/// What one version touched, so that it can be undone.
struct Touched {
    accounts: Vec<Address>,
    slots: Vec<(Address, U256)>,
    digest: B256,
}

/// The values one thing had, with the version each began at, oldest first.
type Values<T> = Vec<(Version, T)>;

/// All accounts, slots and code, at all versions.
#[derive(Default)]
pub(crate) struct State {
    accounts: HashMap<Address, Values<Option<Account>>>,
    slots: HashMap<(Address, U256), Values<U256>>,
    codes: HashMap<B256, Bytecode>,
    touched: Vec<Touched>,
}

impl State {
    /// The newest version.
    pub(crate) fn version(&self) -> Version {
        self.touched.len() as u64
    }

    /// The stand-in for a state root at the newest version: a running hash over all change sets,
    /// so equal histories have equal roots. It is no Merkle root and proves nothing.
    pub(crate) fn digest(&self) -> B256 {
        self.touched.last().map_or(B256::ZERO, |touched| touched.digest)
    }

    /// The digest that [`State::digest`] would give after `changes`.
    pub(crate) fn digest_after(&self, changes: &Changes) -> B256 {
        if changes.is_empty() { self.digest() } else { changes.digest(self.digest()) }
    }

    /// Commits one set of changes and returns the version after it.
    pub(crate) fn apply(&mut self, changes: &Changes) -> Version {
        if changes.is_empty() {
            return self.version();
        }
        let digest = changes.digest(self.digest());
        let version = self.version() + 1;
        for (address, account) in &changes.accounts {
            self.accounts.entry(*address).or_default().push((version, *account));
        }
        for (key, value) in &changes.slots {
            self.slots.entry(*key).or_default().push((version, *value));
        }
        self.codes.extend(changes.codes.iter().map(|(hash, code)| (*hash, code.clone())));
        self.touched.push(Touched {
            accounts: changes.accounts.keys().copied().collect(),
            slots: changes.slots.keys().copied().collect(),
            digest,
        });
        version
    }

    /// Undoes every version after `version`.
    pub(crate) fn rollback(&mut self, version: Version) {
        while self.version() > version {
            let Some(touched) = self.touched.pop() else { return };
            for address in touched.accounts {
                undo(&mut self.accounts, &address, version);
            }
            for key in touched.slots {
                undo(&mut self.slots, &key, version);
            }
        }
    }

    /// An account as it was at `version`; a missing one reads as empty.
    pub(crate) fn account(&self, address: Address, version: Version) -> Account {
        self.find_account(address, version).unwrap_or_default()
    }

    fn find_account(&self, address: Address, version: Version) -> Option<Account> {
        self.accounts.get(&address).and_then(|values| at(values, version)).flatten()
    }

    fn slot(&self, key: &(Address, U256), version: Version) -> U256 {
        self.slots.get(key).and_then(|values| at(values, version)).unwrap_or_default()
    }
}

fn at<T: Copy>(values: &Values<T>, version: Version) -> Option<T> {
    let next = values.partition_point(|(since, _)| *since <= version);
    next.checked_sub(1).and_then(|index| values.get(index)).map(|(_, value)| *value)
}

fn undo<K: std::hash::Hash + Eq, T>(map: &mut HashMap<K, Values<T>>, key: &K, version: Version) {
    if let Some(values) = map.get_mut(key) {
        values.truncate(values.partition_point(|(since, _)| *since <= version));
        if values.is_empty() {
            map.remove(key);
        }
    }
}

/// The state at one version, with the changes of a block not yet committed laid over it if given.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) state: &'a State,
    pub(crate) version: Version,
    pub(crate) over: Option<&'a Changes>,
    pub(crate) blocks: &'a [Arc<crate::block::Block>],
}

impl View<'_> {
    /// An account; a missing one reads as empty.
    pub(crate) fn account(&self, address: Address) -> Account {
        self.find_account(address).unwrap_or_default()
    }

    fn find_account(&self, address: Address) -> Option<Account> {
        match self.over.and_then(|over| over.accounts.get(&address)) {
            Some(account) => *account,
            None => self.state.find_account(address, self.version),
        }
    }

    /// A storage slot; an unset one reads as zero.
    pub(crate) fn slot(&self, address: Address, slot: U256) -> U256 {
        match self.over.and_then(|over| over.slots.get(&(address, slot))) {
            Some(value) => *value,
            None => self.state.slot(&(address, slot), self.version),
        }
    }

    /// Code by its hash; unknown hashes read as no code.
    pub(crate) fn code(&self, hash: B256) -> Bytecode {
        let over = self.over.and_then(|over| over.codes.get(&hash));
        over.or_else(|| self.state.codes.get(&hash)).cloned().unwrap_or_default()
    }
}

impl DatabaseRef for View<'_> {
    type Error = Infallible;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
        Ok(self.find_account(address).map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: Some(self.code(account.code_hash)),
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Infallible> {
        Ok(self.code(hash))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Infallible> {
        Ok(self.slot(address, slot))
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Infallible> {
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        Ok(self.blocks.get(index).map_or(B256::ZERO, |block| block.hash))
    }
}
