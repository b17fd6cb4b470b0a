//! Merkle trees over lists, as RFC 6962 §2.1 makes them: a leaf is hashed under 00, a node under
//! 01, and a list of n splits at the largest power of two below n. So a leaf is never taken for a
//! node, and no list has the root of another. Not here: the ledger's own tree of entries, which
//! proves by key (`ledger`).

use crate::{Hash, id::sha256};

/// The hash of one item: SHA-256(00 ‖ item).
pub fn leaf(item: &[u8]) -> Hash {
    Hash(sha256(&[&[0], item]))
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Hash(sha256(&[&[1], &left.0, &right.0]))
}

/// The root over these leaves, SHA-256 of nothing for none of them.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash(sha256(&[])),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// What leads from the leaf at `index` to the root: the other half at each level, from the leaf
/// up (RFC 6962 §2.1.1). `None` where there is no such leaf.
pub fn path(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut within, mut index, mut path) = (leaves, index, Vec::new());
    while within.len() > 1 {
        let (left, right) = within.split_at(split(within.len()));
        if index < left.len() {
            path.push(root(right));
            within = left;
        } else {
            path.push(root(left));
            index -= left.len();
            within = right;
        }
    }
    path.reverse();
    Some(path)
}

/// Whether `path` leads from the leaf at `index` of `count` to `root` (RFC 9162 §2.1.3.2).
pub fn check(root: &Hash, count: u64, index: u64, leaf: &Hash, path: &[Hash]) -> bool {
    let Some(mut last) = count.checked_sub(1).filter(|last| index <= *last) else { return false };
    let (mut at, mut hash) = (index, *leaf);
    for other in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(other, &hash);
            // A last one without a right neighbour rises until it has a left one.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, other);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The largest power of two below `n`, for an `n` of at least two.
const fn split(n: usize) -> usize {
    let mut split = 1;
    while split * 2 < n {
        split *= 2;
    }
    split
}
