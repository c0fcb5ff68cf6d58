//! What is counted for a custom metric of the workload: its values, and those that could not be evaluated.
//!
//! Values are whole millionths, so sums are exact. Those of histograms are counted by their first two digits, as response
//! times are.

use serde::{Deserialize, Serialize};
use traffic::custom_metric::{Amount, MetricKind};

use super::histogram::Histogram;
use super::smallest_keys::Merge;

/// The values of a custom metric, in any order.
#[derive(Clone, Debug, Default)]
pub struct MetricValues {
    /// What all of them add up to.
    pub sum: MetricSum,
    /// The values by `key_of`; empty for a counter.
    pub histogram: Histogram,
}

/// What values add up to, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricSum {
    /// Values.
    pub count: u64,
    /// Values that could not be evaluated; not among the others.
    pub errors: u64,
    /// Their sum.
    pub total: u128,
    /// The least; `u64::MAX` before the first.
    pub min: u64,
    /// The greatest.
    pub max: u64,
}

impl Default for MetricSum {
    fn default() -> Self {
        Self {
            count: 0,
            errors: 0,
            total: 0,
            min: u64::MAX,
            max: 0,
        }
    }
}

impl MetricValues {
    /// Counts a value, or that there is none.
    pub(crate) fn add(&mut self, kind: MetricKind, amount: Option<Amount>) {
        let sum = &mut self.sum;
        let Some(millionths) = amount.map(Amount::millionths) else {
            sum.errors = sum.errors.saturating_add(1);
            return;
        };
        sum.count = sum.count.saturating_add(1);
        sum.total = sum.total.saturating_add(u128::from(millionths));
        sum.min = sum.min.min(millionths);
        sum.max = sum.max.max(millionths);
        if kind == MetricKind::Histogram {
            self.histogram.add(key_of(millionths));
        }
    }

    /// Percentiles in millionths for ascending `fractions`, to two digits and never outside least and greatest value.
    pub fn percentiles<const N: usize>(&self, fractions: [f64; N]) -> [u64; N] {
        let (min, max) = (self.sum.min.min(self.sum.max), self.sum.max);
        let keys = self.histogram.percentile_keys(fractions);
        keys.map(|key| millionths(key).clamp(min, max))
    }
}

impl Merge for MetricValues {
    fn merge(&mut self, other: &Self) {
        let (sum, more) = (&mut self.sum, &other.sum);
        sum.count = sum.count.saturating_add(more.count);
        sum.errors = sum.errors.saturating_add(more.errors);
        sum.total = sum.total.saturating_add(more.total);
        sum.min = sum.min.min(more.min);
        sum.max = sum.max.max(more.max);
        self.histogram.merge(&other.histogram);
    }
}

/// The number of the key that a value's first two digits are: there are 90 for each power of ten.
fn key_of(millionths: u64) -> u64 {
    let (mut digits, mut powers, mut unit) = (millionths, 0, 1);
    while digits >= 100 {
        digits /= 10;
        powers += 1;
        unit *= 10;
    }
    // to the nearest; a carry to 100 is the first key of the next power
    let rest = millionths - digits * unit;
    powers * 90 + digits + u64::from(rest * 2 >= unit && unit > 1)
}

/// The value that a key stands for, in millionths.
fn millionths(key: u64) -> u64 {
    if key < 100 {
        return key;
    }
    let powers = (key - 10) / 90;
    let digits = key - powers * 90;
    let unit = u32::try_from(powers)
        .ok()
        .and_then(|powers| 10_u64.checked_pow(powers));
    unit.and_then(|unit| digits.checked_mul(unit))
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_value_to_two_digits() {
        for (value, kept) in [
            (0, 0),
            (7, 7),
            (99, 99),
            (100, 100),
            (104, 100),
            (105, 110),
            (994, 990),
            (995, 1_000),
            (129_900_000, 130_000_000),
            (1_000_000, 1_000_000),
            (999_999_999_999_000_000, 1_000_000_000_000_000_000),
            (1_000_000_000_000_000_000, 1_000_000_000_000_000_000),
        ] {
            assert_eq!(millionths(key_of(value)), kept, "{value}");
        }
        let mut last = 0;
        for value in (0..2_000_000).step_by(7) {
            let key = key_of(value);
            assert!(key == last || key == last + 1 || value < 200, "{value}");
            last = key;
        }
        assert_eq!(millionths(u64::MAX), u64::MAX);
    }

    #[test]
    fn parts_merge_to_what_one_counts_in_any_order() {
        let values = [Some(0.1), Some(0.2), None, Some(129.9), Some(3.0)];
        let count = |some: &[usize]| {
            let mut counted = MetricValues::default();
            for &number in some {
                let amount = values[number].and_then(Amount::of);
                counted.add(MetricKind::Histogram, amount);
            }
            counted
        };
        let whole = count(&[0, 1, 2, 3, 4]);
        for (one, other) in [(&[4, 0][..], &[2, 3, 1][..]), (&[], &[3, 2, 1, 4, 0])] {
            let mut merged = count(one);
            merged.merge(&count(other));
            assert_eq!(merged.sum, whole.sum);
            assert!(merged.histogram.iter().eq(whole.histogram.iter()));
        }
        let MetricSum {
            count: four,
            errors,
            total,
            ..
        } = whole.sum;
        assert_eq!((four, errors, total), (4, 1, 133_200_000));
        assert_eq!(
            whole.percentiles([0.0, 0.5, 1.0]),
            [100_000, 3_000_000, 129_900_000]
        );
        assert_eq!(MetricValues::default().percentiles([0.5]), [0]);
        let mut counter = MetricValues::default();
        counter.add(MetricKind::Counter, Amount::of(1.0));
        assert_eq!(counter.histogram.count(), 0);
    }
}
