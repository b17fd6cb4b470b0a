//! The authenticated root: every entry has a path, nothing else has, and the order in which a
//! state was reached does not show.

use super::memory::Memory;
use super::world::*;
use crate::view::{Head, key as entry_key};
use crate::{BadProof, View as _, check_proof, prove};
use proptest::prelude::*;
use sotto_types::{BlockId, Height, Proof, Root};
use std::collections::BTreeMap;

type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

fn write(view: &mut Memory, version: u64, changes: Changes) -> Root {
    let (root, writes) = crate::tree::commit(view, version, changes).unwrap();
    let head = Head { height: Height(version), id: BlockId([0; 32]), time: START, root };
    view.commit(&crate::Applied { head, events: vec![], writes });
    root
}

/// The root of a tree that was written at once.
fn fresh(entries: &BTreeMap<Vec<u8>, Vec<u8>>) -> Root {
    let changes = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    write(&mut Memory::default(), 0, changes)
}

#[test]
fn every_entry_of_a_lived_in_state_is_proved_and_nothing_else() {
    let (mut world, worker, app) = World::ready();
    let first = world.answered(&worker, app);
    let settled = world.settled(first);
    world.observe(vec![settled]).unwrap();
    world.answered(&worker, app);
    let root = world.view.head().unwrap().root;
    assert!(world.view.entries.len() > 15);
    for (key, value) in &world.view.entries {
        let proof = prove(&world.view, key).unwrap().unwrap();
        assert_eq!((&proof.key, &proof.value), (key, value));
        assert_eq!(check_proof(&root, &proof), Ok(()));
        let wrong = Err(BadProof::WrongRoot);
        let mut other = proof.clone();
        other.value.push(0);
        assert_eq!(check_proof(&root, &other), wrong);
        let mut other = proof.clone();
        other.key.push(0);
        assert_eq!(check_proof(&root, &other), wrong);
        assert_eq!(check_proof(&Root([9; 32]), &proof), wrong);
        let mut other = proof;
        other.path.clear();
        assert_eq!(check_proof(&root, &other), Err(BadProof::Malformed));
    }
    let absent = entry_key::<crate::state::Open>(&(world.chain_id(), first));
    assert_eq!(prove(&world.view, &absent).unwrap(), None);
    assert_eq!(fresh(&world.view.entries), root);
    // Nothing is kept of the tree that its root does not reach.
    let mut rebuilt = Memory::default();
    let entries = world.view.entries.clone().into_iter();
    write(&mut rebuilt, 0, entries.map(|(key, value)| (key, Some(value))).collect());
    assert_eq!(rebuilt.nodes.len(), world.view.nodes.len());
}

#[test]
fn a_path_of_one_entry_proves_no_other() {
    let (world, _, _) = World::ready();
    let root = world.view.head().unwrap().root;
    let keys: Vec<&Vec<u8>> = world.view.entries.keys().collect();
    let one = prove(&world.view, keys[0]).unwrap().unwrap();
    for key in &keys[1..] {
        let other = prove(&world.view, key).unwrap().unwrap();
        let crossed = Proof { path: one.path.clone(), ..other.clone() };
        assert_eq!(check_proof(&root, &crossed), Err(BadProof::WrongRoot));
        let crossed = Proof { value: one.value.clone(), ..other };
        assert_eq!(check_proof(&root, &crossed), Err(BadProof::WrongRoot));
    }
}

fn changes() -> impl Strategy<Value = Vec<Changes>> {
    let change = (0..40_u8, prop::option::of(any::<u8>()));
    let block = prop::collection::vec(change, 1..12).prop_map(|changes| {
        let pair = |(key, value): (u8, Option<u8>)| (vec![b'z', key], value.map(|v| vec![v]));
        changes.into_iter().map(pair).collect()
    });
    prop::collection::vec(block, 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_root_tells_the_entries_and_not_their_history(blocks in changes()) {
        let mut view = Memory::default();
        for (version, changes) in blocks.into_iter().enumerate() {
            let root = write(&mut view, version as u64, changes);
            prop_assert_eq!(root, fresh(&view.entries));
            for key in view.entries.keys() {
                let proof = prove(&view, key).unwrap().unwrap();
                prop_assert_eq!(check_proof(&root, &proof), Ok(()));
            }
        }
    }

    #[test]
    fn a_hostile_path_is_refused_and_never_panics(
        path in prop::collection::vec(any::<u8>(), 0..400),
        siblings in 0..400_usize,
    ) {
        let proof = Proof { key: b"k".to_vec(), value: b"v".to_vec(), path };
        prop_assert!(check_proof(&Root([1; 32]), &proof).is_err());
        // Well-formed and far too long: a leaf, and siblings without end.
        let mut path = vec![1];
        path.extend_from_slice(&[0; 64]);
        path.extend_from_slice(&(siblings as u32).to_le_bytes());
        path.extend(std::iter::repeat_n(0, siblings));
        let proof = Proof { path, ..proof };
        prop_assert!(check_proof(&Root([1; 32]), &proof).is_err());
    }
}
