//! Keeps the house true: the arrows between rooms, and the few rules of the tree that no lint
//! knows.
//!
//! The rules are plain functions over data, each answering with the sentences of what it refuses;
//! `tests/house.rs` feeds them the real tree, their own tests feed them wrong ones. Not here: what
//! a compiler or clippy can see by itself, and numbers of lines.
#![forbid(unsafe_code)]

pub mod arrows;
pub mod tree;
