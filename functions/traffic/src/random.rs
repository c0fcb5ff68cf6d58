//! Random draws that are the same everywhere and for ever.
//!
//! Every draw comes from a generator seeded by (run seed, class, user, iteration), so any iteration
//! can be computed without the ones before it. The derivations from bits to numbers stand here, and
//! not in `rand`, whose own may change between versions; a golden test holds the output fixed.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// A user: the key of its class, or of run and class, and its index.
pub type UserKey = (u64, u32);

/// The draws of one iteration of one user, in order.
#[derive(Clone, Debug)]
pub struct Draws {
    generator: Xoshiro256PlusPlus,
    user_key: u64,
}

impl Draws {
    /// The draws of iteration `iteration` of user `user` of `class` in the run with seed `run_seed`.
    ///
    /// The class counts by its name, so that adding a class to a workload leaves the others' traffic
    /// as it was.
    pub fn new(run_seed: u64, class: &str, user: u32, iteration: u64) -> Self {
        Self::keyed(class_key(run_seed, class), user, iteration)
    }

    /// The same as [`Draws::new`], for callers that keep the [`class_key`].
    pub fn keyed(class_key: u64, user: u32, iteration: u64) -> Self {
        let user_key = mix(class_key ^ u64::from(user));
        let seed = mix(user_key.wrapping_add(iteration));
        Self {
            generator: Xoshiro256PlusPlus::seed_from_u64(seed),
            user_key,
        }
    }

    /// What is the same in all iterations of the user, and in no other user's.
    pub(crate) fn user_key(&self) -> u64 {
        self.user_key
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// A whole number in `0..bound`, uniform (to within `bound` / 2^64); 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `[0, 1)`, a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with probability `probability`.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// The number of events of a Poisson process with mean `mean` in one unit of time.
    ///
    /// Knuth's multiplication, in pieces of at most 30 so that the product never underflows.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let mut count = 0;
        let mut left = mean;
        while left > 0.0 {
            let piece = left.min(30.0);
            left -= piece;
            let limit = libm::exp(-piece);
            let mut product = self.unit();
            while product > limit {
                count += 1;
                product *= self.unit();
            }
        }
        count
    }
}

/// The key of the draws of a class in a run: the run's seed and the class's name.
pub fn class_key(run_seed: u64, class: &str) -> u64 {
    // FNV-1a: published constants, the same on every platform
    let name = class.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(run_seed ^ mix(name))
}

/// The finalizer of SplitMix64: every bit of the input flips half of the output's.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_output_is_fixed_for_good() {
        let mut draws = Draws::new(42, "TargetAppUser", 7, 3);
        let first: Vec<u64> = (0..3).map(|_| draws.bits()).collect();
        assert_eq!(first, GOLDEN);
    }

    const GOLDEN: [u64; 3] = [
        4_985_381_577_572_662_816,
        10_878_857_109_189_183_997,
        1_451_014_440_750_677_525,
    ];

    #[test]
    fn neighbours_differ() {
        let one = |class, user, iteration| Draws::new(1, class, user, iteration).bits();
        let all = [
            one("A", 0, 0),
            one("A", 0, 1),
            one("A", 1, 0),
            one("B", 0, 0),
            Draws::new(2, "A", 0, 0).bits(),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn a_poisson_count_has_the_mean_asked_for() {
        for mean in [0.1, 1.0, 75.0] {
            let total: u64 = (0..20_000)
                .map(|n| u64::from(Draws::new(5, "P", 0, n).poisson(mean)))
                .sum();
            let measured = total as f64 / 20_000.0;
            assert!(
                (measured - mean).abs() < 5.0 * (mean / 20_000.0).sqrt(),
                "{measured}"
            );
        }
    }

    #[test]
    fn whole_numbers_stay_below_their_bound() {
        let mut draws = Draws::new(9, "B", 0, 0);
        assert_eq!(draws.below(0), 0);
        assert!((0..1000).all(|_| draws.below(7) < 7));
    }
}
