//! The lateness of iterations: a log-linear histogram of microseconds.
//!
//! It is exact below 128 us, and within 1.6 % above; two of them add up, in any order.

use serde::{Deserialize, Serialize};

use super::LatenessMs;

/// Each power of two is divided into 64 parts.
const PART_BITS: u32 = 6;

/// The number of the part that the greatest `u64` lies in.
const LAST: usize = (((u64::BITS - PART_BITS + 1) as usize) << PART_BITS) - 1;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lateness {
    /// By number of the part, up to the last one with a count.
    counts: Vec<u64>,
    max_us: u64,
}

/// A histogram as a checkpoint keeps it: gaps and counts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    counts: Vec<(u32, u64)>,
    max_us: u64,
}

/// The number of the part that a value lies in; each power of two has `1 << bits` parts.
pub(super) fn part_of(bits: u32, micros: u64) -> usize {
    let shift = (u64::BITS - micros.leading_zeros()).saturating_sub(bits + 1);
    ((u64::from(shift) << bits) + (micros >> shift)) as usize
}

/// The greatest value of a part.
pub(super) fn greatest(bits: u32, part: usize) -> u64 {
    let part = part as u64;
    let shift = (part >> bits).saturating_sub(1);
    let first = part - (shift << bits);
    (first << shift) | ((1 << shift) - 1)
}

/// The sum of counts, which may come from damaged bytes.
pub(super) fn saturating_sum(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

impl Lateness {
    /// Counts one iteration.
    pub(crate) fn add(&mut self, micros: u64) {
        self.add_many(part_of(PART_BITS, micros), 1);
        self.max_us = self.max_us.max(micros);
    }

    fn add_many(&mut self, part: usize, count: u64) {
        if part >= self.counts.len() {
            self.counts.resize(part + 1, 0);
        }
        self.counts[part] = self.counts[part].saturating_add(count);
    }

    /// Adds the counts of the other one.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (part, &count) in other.counts.iter().enumerate() {
            if count > 0 {
                self.add_many(part, count);
            }
        }
        self.max_us = self.max_us.max(other.max_us);
    }

    /// The number of iterations.
    pub(crate) fn count(&self) -> u64 {
        saturating_sum(self.counts.iter().copied())
    }

    pub(crate) fn figures(&self) -> LatenessMs {
        let ms = |micros: u64| micros as f64 / 1e3;
        LatenessMs {
            p50: ms(self.percentile(0.5)),
            p95: ms(self.percentile(0.95)),
            p99: ms(self.percentile(0.99)),
            max: ms(self.max_us),
        }
    }

    /// The lateness that `fraction` of the iterations did not exceed: never understated.
    fn percentile(&self, fraction: f64) -> u64 {
        let count = self.count();
        let rank = ((count as f64 * fraction).ceil() as u64).max(1);
        let mut below: u64 = 0;
        for (part, &count) in self.counts.iter().enumerate() {
            below = below.saturating_add(count);
            if below >= rank {
                return greatest(PART_BITS, part).min(self.max_us);
            }
        }
        0
    }

    pub(crate) fn save(&self) -> Saved {
        let mut counts = Vec::new();
        let mut next = 0;
        for (part, &count) in self.counts.iter().enumerate() {
            if count > 0 {
                counts.push(((part - next) as u32, count));
                next = part + 1;
            }
        }
        Saved {
            counts,
            max_us: self.max_us,
        }
    }
}

impl Saved {
    /// The histogram again, or `None` if the bytes were damaged.
    pub(crate) fn load(&self) -> Option<Lateness> {
        let mut lateness = Lateness {
            max_us: self.max_us,
            ..Lateness::default()
        };
        let mut next: usize = 0;
        for &(gap, count) in &self.counts {
            let part = next.checked_add(gap as usize)?;
            if part > LAST {
                return None;
            }
            lateness.add_many(part, count);
            next = part + 1;
        }
        Some(lateness)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_follow_one_another_without_gaps() {
        assert_eq!(part_of(PART_BITS, u64::MAX), LAST);
        for bits in [3, PART_BITS] {
            let last = part_of(bits, u64::MAX);
            assert_eq!(greatest(bits, last), u64::MAX);
            for part in 0..last {
                assert_eq!(part_of(bits, greatest(bits, part)), part);
                assert_eq!(part_of(bits, greatest(bits, part) + 1), part + 1);
            }
        }
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Lateness::default().figures(), LatenessMs::default());
    }

    proptest! {
        #[test]
        fn percentiles_are_near_those_of_the_sorted_values(
            mut values in prop::collection::vec(0..60_000_000_u64, 1..300),
            cut in 0..300_usize,
        ) {
            let (mut one, mut two) = (Lateness::default(), Lateness::default());
            for (number, &value) in values.iter().enumerate() {
                if number < cut { one.add(value) } else { two.add(value) }
            }
            one.merge(&two);
            prop_assert_eq!(one.save().load(), Some(one.clone()));
            values.sort_unstable();
            for fraction in [0.5, 0.95, 0.99] {
                let rank = (values.len() as f64 * fraction).ceil() as usize;
                let exact = values[rank - 1];
                let said = one.percentile(fraction);
                prop_assert!(said >= exact && said as f64 <= exact as f64 * 1.016 + 1.0);
            }
            prop_assert_eq!(one.max_us, *values.last().unwrap());
        }
    }
}
