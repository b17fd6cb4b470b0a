//! Interleaved measuring: everything that is compared takes turns, so that a busy moment, a colder
//! cache or a slower clock falls on all of it alike.

use std::hint::black_box;
use std::ops::Index;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use crate::Result;

/// Of how many rounds counted one more is run before, and not counted.
const WARM_UP: usize = 10;

/// Runs `work` on the clock. What it gives is kept from the optimiser and dropped off the clock.
///
/// # Errors
/// Whatever `work` fails with.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<Duration> {
    let start = Instant::now();
    let given = black_box(work()?);
    let took = start.elapsed();
    drop(given);
    Ok(took)
}

/// What takes turns.
#[derive(Default)]
pub struct Interleaved<'a> {
    turns: Vec<Box<dyn FnMut() -> Result<Duration> + 'a>>,
}

/// One of the things measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(usize);

impl<'a> Interleaved<'a> {
    /// Takes something in. It says itself how long it took, so that it can prepare off the clock;
    /// see [`timed`].
    pub fn add(&mut self, turn: impl FnMut() -> Result<Duration> + 'a) -> Entry {
        self.turns.push(Box::new(turn));
        Entry(self.turns.len() - 1)
    }

    /// Everything `rounds` times, after some rounds that do not count. Each round has an order of
    /// its own: who always came after the same one would find the caches always as that one left
    /// them.
    ///
    /// # Errors
    /// The first that fails.
    pub fn run(mut self, rounds: usize) -> Result<Measured> {
        let mut samples = vec![Vec::with_capacity(rounds); self.turns.len()];
        let mut order: Vec<usize> = (0..self.turns.len()).collect();
        let mut rng = ChaCha20Rng::seed_from_u64(0);
        let warm_up = rounds.div_ceil(WARM_UP);
        for round in 0..warm_up + rounds {
            shuffle(&mut order, &mut rng);
            for &entry in &order {
                let took = (self.turns[entry])()?;
                if round >= warm_up {
                    samples[entry].push(took.as_secs_f64() * 1e6);
                }
            }
        }
        Ok(Measured { samples: samples.into_iter().map(Spread::of).collect() })
    }
}

/// Fisher and Yates; that a remainder is not quite even does no harm here.
fn shuffle(order: &mut [usize], rng: &mut impl RngCore) {
    for last in (1..order.len()).rev() {
        order.swap(last, rng.next_u32() as usize % (last + 1));
    }
}

/// What the turns took.
pub struct Measured {
    samples: Vec<Spread>,
}

impl Index<Entry> for Measured {
    type Output = Spread;

    fn index(&self, entry: Entry) -> &Spread {
        &self.samples[entry.0]
    }
}

/// How long one thing took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The first quartile.
    pub low: f64,
    /// The third quartile.
    pub high: f64,
    /// Of how many runs.
    pub runs: usize,
}

impl Spread {
    /// The quartiles of `samples`; of none, zeros.
    pub fn of(mut samples: Vec<f64>) -> Spread {
        samples.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = samples.len().checked_sub(1)?;
            // The nearest sample: there are hundreds of them, and a median stays one of them.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
            let index = (last as f64 * share).round() as usize;
            samples.get(index).copied()
        };
        let of = |share| at(share).unwrap_or_default();
        Spread { median: of(0.5), low: of(0.25), high: of(0.75), runs: samples.len() }
    }
}

#[cfg(test)]
mod tests;
