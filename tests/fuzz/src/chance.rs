//! Chance that a seed repeats: SplitMix64 (Steele, Lea, Flood 2014). Not here: anything secret.

/// A sequence of numbers that its seed determines.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 where there is none.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u128;
        // Multiply and shift (Lemire 2019), biased by less than 2^-40 for the bounds here.
        ((u128::from(self.bits()) * bound) >> 64) as usize
    }

    /// Whether an event of one in `odds` happens.
    pub fn once_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    /// A byte.
    pub const fn byte(&mut self) -> u8 {
        (self.bits() >> 56) as u8
    }

    /// One of these, which are not none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
