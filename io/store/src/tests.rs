#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use crate::{Lock, LockError, Store};
use sotto_ledger::{View, apply, found, propose};
use sotto_types::{Certificate, Genesis, Hash, Measurement, NetworkKind, Time};

fn genesis() -> Genesis {
    Genesis {
        kind: NetworkKind::Development,
        name: "test".into(),
        time: Time(100),
        members: vec![[2; 33]],
        vault: [0xc0; 96],
        epoch_blocks: 4,
        block_seconds: 1,
        releases: vec![Measurement([1; 32])],
    }
}

fn certificate(head: &sotto_ledger::Head, genesis: &Genesis) -> Certificate {
    Certificate {
        network: genesis.id(),
        height: head.height,
        block: head.id,
        root: head.root,
        time: head.time,
        vault: genesis.vault,
        signature: [0; 65],
    }
}

#[test]
fn a_commit_is_whole_and_survives_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = genesis();
    let head = {
        let store = Store::open(folder.path()).unwrap();
        assert!(!store.snapshot().unwrap().is_founded().unwrap());
        store.commit(&found(&genesis).unwrap(), None).unwrap();
        for time in 101..110 {
            let snapshot = store.snapshot().unwrap();
            let (block, applied) = propose(&snapshot, Time(time), vec![]).unwrap();
            assert_eq!(apply(&snapshot, &block).unwrap(), applied);
            let certificate = certificate(&applied.head, &genesis);
            store.commit(&applied, Some((&block, &certificate))).unwrap();
        }
        store.snapshot().unwrap().head().unwrap()
    };
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.snapshot().unwrap().head().unwrap(), head);
    let block = store.block(head.height).unwrap().unwrap();
    assert_eq!(block.id(), head.id);
    assert_eq!(store.certificate(head.height).unwrap().unwrap().root, head.root);
    assert_eq!(store.block(head.height.next()).unwrap(), None);
}

#[test]
fn a_snapshot_does_not_change_under_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.commit(&found(&genesis()).unwrap(), None).unwrap();
    let before = store.snapshot().unwrap();
    let head = before.head().unwrap();
    let (block, applied) = propose(&before, Time(101), vec![]).unwrap();
    store.commit(&applied, Some((&block, &certificate(&applied.head, &genesis())))).unwrap();
    assert_eq!(before.head().unwrap(), head);
    assert_eq!(store.snapshot().unwrap().head().unwrap(), applied.head);
}

#[test]
fn bytes_are_found_by_their_hash_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let hash = store.keep(b"sealed").unwrap();
    assert_eq!(hash, Hash::of(b"sealed"));
    assert_eq!(store.bytes(&hash).unwrap().as_deref(), Some(b"sealed".as_slice()));
    assert!(store.holds(&hash).unwrap());
    assert!(!store.holds(&Hash::of(b"other")).unwrap());
    store.write_journal("courier", b"one").unwrap();
    store.write_journal("courier", b"two").unwrap();
    assert_eq!(store.journal("courier").unwrap().as_deref(), Some(b"two".as_slice()));
}

#[test]
fn a_folder_has_one_holder() {
    let folder = tempfile::tempdir().unwrap();
    let lock = Lock::take(folder.path()).unwrap();
    match Lock::take(folder.path()) {
        Err(LockError::Taken { holder, .. }) => assert_eq!(holder, std::process::id().to_string()),
        other => panic!("{other:?}"),
    }
    drop(lock);
    Lock::take(folder.path()).unwrap();
}
