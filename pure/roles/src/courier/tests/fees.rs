use crate::courier::{Fee, bumped};
use proptest::prelude::*;

fn fee(max: u128, tip: u128) -> Fee {
    Fee { max, tip: Some(tip) }
}

#[test]
fn follows_the_rule() {
    // By a tenth where the estimate stands still.
    assert_eq!(bumped(&fee(100, 10), &fee(100, 10), 10_000), fee(110, 11));
    // To the estimate where that is more.
    assert_eq!(bumped(&fee(100, 10), &fee(200, 50), 10_000), fee(200, 50));
    // Not over three times the estimate, and then the old one again.
    assert_eq!(bumped(&fee(1000, 100), &fee(100, 10), 10_000), fee(1000, 100));
    // Not over the cap.
    assert_eq!(bumped(&fee(100, 10), &fee(500, 10), 300), fee(300, 11));
    assert_eq!(bumped(&fee(100, 10), &fee(500, 10), 105), fee(100, 10));
    // One part alone does not replace anything.
    assert_eq!(bumped(&fee(100, 100), &fee(100, 1), 10_000), fee(100, 100));
    let legacy = Fee { max: 100, tip: None };
    assert_eq!(bumped(&legacy, &legacy, 10_000), Fee { max: 110, tip: None });
}

proptest! {
    #[test]
    fn replaces_or_stays(
        old in 0u128..1 << 100, old_tip in 0u128..1 << 100,
        estimate in 0u128..1 << 100, tip in 0u128..1 << 100, cap in 0u128..1 << 100,
    ) {
        let old = fee(old, old_tip.min(old));
        let new = bumped(&old, &fee(estimate, tip), cap);
        prop_assert!(new.max >= old.max && new.tip >= old.tip);
        prop_assert!(new == old || new.max <= cap.max(old.max));
        prop_assert!(new == old || new.max * 10 >= old.max * 11);
        prop_assert!(new.max <= old.max.max(estimate.saturating_mul(3)));
        prop_assert!(new == old || new.tip.unwrap() <= new.max);
    }
}
