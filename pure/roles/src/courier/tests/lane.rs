use crate::courier::lane::Lane;
use std::collections::BTreeSet;

fn taken(nonces: &[u64]) -> BTreeSet<u64> {
    nonces.iter().copied().collect()
}

#[test]
fn gives_each_once_and_the_freed_first() {
    let mut lane = Lane::default();
    assert_eq!(lane.take(), None);
    assert!(lane.survey(5, &taken(&[])));
    assert_eq!((lane.take(), lane.take(), lane.take()), (Some(5), Some(6), Some(7)));
    lane.free(6);
    assert_eq!(lane.gap(), Some(6));
    assert_eq!((lane.take(), lane.take()), (Some(6), Some(8)));
    // What is freed at the end is simply not given out yet.
    lane.free(8);
    lane.free(7);
    assert_eq!(lane.gap(), None);
    assert_eq!(lane.take(), Some(7));
}

#[test]
fn follows_the_chain_in_both_directions() {
    let mut lane = Lane::default();
    lane.survey(5, &taken(&[]));
    assert_eq!(lane.take(), Some(5));
    // Somebody else used 5 to 8.
    lane.survey(9, &taken(&[5]));
    assert_eq!(lane.take(), Some(9));
    // The chain stands below what was thought used, and nothing here uses it.
    lane.survey(7, &taken(&[9]));
    assert_eq!(lane.gap(), Some(7));
    assert_eq!((lane.take(), lane.take(), lane.take()), (Some(7), Some(8), Some(10)));
    // Nothing changed, nothing is written.
    assert!(!lane.survey(7, &taken(&[7, 8, 9, 10])));
    // Another chain under the same journal: far below, nothing in use.
    lane.survey(1_000_000, &taken(&[]));
    lane.survey(3, &taken(&[]));
    assert_eq!(lane.take(), Some(3));
}
