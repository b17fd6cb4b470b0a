//! Numbers with a meaning. Arithmetic on them is checked or saturating, never wrapping.

use borsh::{BorshDeserialize, BorshSerialize};
use core::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        #[derive(BorshSerialize, BorshDeserialize)]
        pub struct $name(pub $inner);

        impl $name {
            /// The next one, or the same at the end of the range.
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }

            /// The one before, or the same at zero.
            pub const fn prev(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// A ledger block's number; the genesis is 0.
    Height(u64)
);
number!(
    /// A fixed number of ledger blocks, counted from 0.
    Epoch(u64)
);
number!(
    /// Which code an app runs, counted from 1.
    Generation(u64)
);
number!(
    /// Seconds since 1970-01-01 UTC: block times, deadlines, expiries.
    Time(u64)
);
number!(
    /// Which assignment of one request, counted from 1.
    Attempt(u32)
);
number!(
    /// Fuel of the runtime: units of its pinned cost table.
    Fuel(u64)
);
number!(
    /// An amount of a chain's own coin in its smallest unit (wei on EVM chains).
    Amount(u128)
);

impl Time {
    /// This time and `seconds` more.
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl Amount {
    /// The sum, if it fits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, if not negative.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl Height {
    /// The epoch this height is in, for epochs of `blocks` blocks (at least one).
    pub fn epoch(self, blocks: u64) -> Epoch {
        Epoch(self.0 / blocks.max(1))
    }
}
