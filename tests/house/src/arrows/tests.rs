use super::*;

fn arrow(from: &str, to: &str, kind: Kind) -> Option<String> {
    refuse(&Arrow { from: from.to_owned(), to: to.to_owned(), kind })
}

#[track_caller]
fn allowed(from: &str, to: &str) {
    assert_eq!(arrow(from, to, Kind::Normal), None);
    assert_eq!(arrow(from, to, Kind::Dev), None);
}

#[track_caller]
fn refused(from: &str, to: &str, why: &str) {
    for kind in [Kind::Normal, Kind::Dev] {
        let sentence = arrow(from, to, kind).unwrap_or_default();
        assert!(sentence.starts_with(&format!("{from} must not import {to}: ")), "{sentence:?}");
        assert!(sentence.contains(why), "{sentence}");
    }
}

#[test]
fn the_pure_floor_is_one_line() {
    for (at, from) in LINE.iter().enumerate() {
        for (other, to) in LINE.iter().enumerate() {
            match other < at {
                true => allowed(from, to),
                false => refused(from, to, "types ◄ crypto"),
            }
        }
    }
    refused("pure/market", "pure/types", "no place in it");
    refused("pure/ledger", "io/store", "as an argument");
    refused("pure/crypto", "sdk/client", "as an argument");
}

#[test]
fn io_rooms_meet_in_bin_only() {
    allowed("io/store", "pure/ledger");
    allowed("io/chain-evm", "io/chain");
    allowed("io/chain-cosmwasm", "io/chain");
    refused("io/chain", "io/chain-evm", "introduce the two");
    refused("io/runtime", "io/net", "introduce the two");
    refused("io/chainsaw", "io/chain", "introduce the two");
    refused("io/net", "sdk/client", "bin/node");
}

#[test]
fn the_embedded_chain_knows_nothing_of_sotto() {
    refused("io/devchain", "pure/types", "knows nothing");
    refused("io/devchain", "io/chain", "knows nothing");
}

#[test]
fn only_the_tests_of_the_adapter_see_the_embedded_chain() {
    assert_eq!(arrow("io/chain-evm", "io/devchain", Kind::Dev), None);
    assert!(arrow("io/chain-evm", "io/devchain", Kind::Normal).is_some());
    assert!(arrow("io/chain", "io/devchain", Kind::Dev).is_some());
}

#[test]
fn strangers_compile_the_pure_floor_at_most() {
    allowed("sdk/client", "pure/ledger");
    allowed("sdk/guest", "pure/types");
    refused("sdk/client", "io/net", "strangers");
    refused("sdk/client", "sdk/guest", "strangers");
    refused("sdk/guest", "pure/crypto", "at most pure/types");
    allowed("examples/auction", "sdk/guest");
    refused("examples/auction", "pure/types", "sdk/guest alone");
}

#[test]
fn nothing_imports_bin_or_what_only_checks() {
    allowed("bin/sotto", "bin/node");
    allowed("bin/sotto", "io/devchain");
    allowed("bin/node", "pure/roles");
    allowed("tests/e2e", "bin/node");
    allowed("bench", "io/runtime");
    refused("bin/node", "bin/sotto", "nothing imports bin");
    refused("io/net", "bin/node", "nothing imports bin");
    refused("bin/node", "tests/e2e", "only checks or shows");
    refused("bin/sotto", "examples/auction", "only checks or shows");
    refused("xtask", "pure/types", "std only");
    refused("crates/new", "pure/types", "on no floor");
}

#[test]
fn third_parties_that_touch_the_world_stay_off_the_pure_floor() {
    for name in WORLDLY {
        let sentence = refuse_third_party("pure/ledger", name, Kind::Normal).unwrap_or_default();
        assert!(sentence.contains(name) && sentence.contains("io/ or bin/"), "{sentence:?}");
        assert_eq!(refuse_third_party("pure/ledger", name, Kind::Dev), None);
        assert_eq!(refuse_third_party("io/net", name, Kind::Normal), None);
    }
    assert_eq!(refuse_third_party("pure/ledger", "rand_core", Kind::Normal), None);
    assert_eq!(refuse_third_party("pure/types", "borsh", Kind::Normal), None);
}

#[test]
fn one_room_links_the_consensus_engine_and_the_workshop_links_nothing() {
    assert!(refuse_third_party("bin/node", "commonware-runtime", Kind::Dev).is_some());
    assert_eq!(refuse_third_party("io/engine", "commonware-runtime", Kind::Normal), None);
    assert!(refuse_third_party("xtask", "anyhow", Kind::Normal).is_some());
}
