//! Trees over lists: the known roots of the field, and every path of every small tree.

use crate::Hash;
use crate::merkle::*;

/// The list and the roots over its beginnings that Certificate Transparency's own tests use.
const ITEMS: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|at| leaf(&at.to_be_bytes())).collect()
}

#[test]
fn roots_are_those_of_rfc_6962() {
    let items: Vec<Hash> = ITEMS.iter().map(|item| leaf(&hex::decode(item).unwrap())).collect();
    for (count, expected) in ROOTS.iter().enumerate() {
        assert_eq!(hex::encode(root(&items[..count]).0), *expected, "{count} items");
    }
}

#[test]
fn every_leaf_has_a_path_and_nothing_else_has() {
    for count in 0..70 {
        let leaves = leaves(count);
        let root = root(&leaves);
        assert_eq!(path(&leaves, count), None);
        for (index, leaf) in leaves.iter().enumerate() {
            let path = path(&leaves, index).unwrap();
            let checks = |index: usize, leaf: &Hash, path: &[Hash]| {
                check(&root, count as u64, index as u64, leaf, path)
            };
            assert!(checks(index, leaf, &path), "{index} of {count}");
            for other in (0..count + 2).filter(|other| *other != index) {
                assert!(!checks(other, leaf, &path), "{index} as {other} of {count}");
            }
            assert!(!checks(index, &Hash([7; 32]), &path));
            let longer = [path.as_slice(), &[Hash([7; 32])]].concat();
            assert!(!checks(index, leaf, &longer));
            for at in 0..path.len() {
                let mut bad = path.clone();
                bad[at].0[at % 32] ^= 1;
                assert!(!checks(index, leaf, &bad));
                let mut shorter = path.clone();
                shorter.remove(at);
                assert!(!checks(index, leaf, &shorter));
            }
        }
        assert!(!check(&root, 0, 0, &root, &[]));
    }
}

#[test]
fn a_node_is_no_leaf() {
    let leaves = leaves(2);
    let both = [leaves[0].0, leaves[1].0].concat();
    assert_ne!(leaf(&both), root(&leaves));
}

#[test]
fn the_fullest_batch_has_the_longest_path() {
    let leaves = leaves(crate::limits::BATCH_RECEIPTS_MAX);
    let path = path(&leaves, 1234).unwrap();
    assert_eq!(path.len(), crate::limits::LEAF_PATH_MAX);
    let count = leaves.len() as u64;
    assert!(check(&root(&leaves), count, 1234, &leaves[1234], &path));
}
