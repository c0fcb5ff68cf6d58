//! The confidence sequence of a quantile, by Howard and Ramdas: it holds for every distribution, at every look at once.
//!
//! The number of values up to the quantile is a sum of coins that fall with the quantile's fraction. Its mixture over a
//! beta distribution is a martingale; ranks at which that gets too great are not the quantile's.

use libm::lgamma;
use statistics::stats::histogram::{Histogram, edges_us};

use super::interval::{Interval, Level, MIXING, ms};

/// The interval of a quantile in milliseconds around `estimate`, up to the ends of the buckets in which its own ends
/// lie; `None` while there are too few response times for an upper end.
pub(super) fn quantile(
    level: Level,
    fraction: f64,
    histogram: &Histogram,
    estimate: f64,
    (min_us, max_us): (u64, u64),
) -> Option<Interval> {
    let (low, high) = ranks(level, fraction, histogram.count())?;
    let bucket_at = |rank: u64| {
        let mut below = 0;
        let mut keys = histogram.iter();
        let found = keys.find(|(_, count)| {
            below += count;
            below >= rank
        });
        found.map(|(key, _)| edges_us(key))
    };
    let (_, upper) = bucket_at(high)?;
    let lower = match low {
        // faster ones than so far may come
        0 => 0.0,
        low => ms(bucket_at(low)?.0.max(min_us)),
    };
    Some(Interval {
        estimate,
        low: lower.min(estimate),
        high: ms(upper.min(max_us)).max(estimate),
    })
}

/// The ranks, from 1, of the values between which the quantile of `count` values lies; the lower one is 0 while the
/// quantile may be less than all values.
fn ranks(level: Level, fraction: f64, count: u64) -> Option<(u64, u64)> {
    let mixture = Mixture::new(fraction, count);
    let allowed = level.threshold();
    let middle = (fraction * count as f64) as u64;
    // the logarithm of the martingale is convex: it falls up to about the middle and rises from there
    let is_possible = |below: u64| mixture.logarithm(below) < allowed;
    let fewest = first(0, middle, is_possible);
    let most = first(middle, count + 1, |below| !is_possible(below)) - 1;
    (most < count).then_some((fewest, most + 1))
}

/// The first number from `from` on, before `to`, for which `holds`; it holds for all after that one.
fn first(mut from: u64, mut to: u64, holds: impl Fn(u64) -> bool) -> u64 {
    while from < to {
        let middle = u64::midpoint(from, to);
        if holds(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}

/// The martingale of the number of values up to a quantile.
struct Mixture {
    fraction: f64,
    count: f64,
    /// The parameters of the beta distribution.
    parameters: (f64, f64),
}

impl Mixture {
    fn new(fraction: f64, count: u64) -> Self {
        let strength = 1.0 / MIXING - 1.0;
        Self {
            fraction,
            count: count as f64,
            parameters: (strength * fraction, strength * (1.0 - fraction)),
        }
    }

    fn logarithm(&self, below: u64) -> f64 {
        let (below, above) = (below as f64, self.count - below as f64);
        let (a, b) = self.parameters;
        beta(a + below, b + above)
            - beta(a, b)
            - below * self.fraction.ln()
            - above * (-self.fraction).ln_1p()
    }
}

/// The logarithm of the beta function.
fn beta(a: f64, b: f64) -> f64 {
    lgamma(a) + lgamma(b) - lgamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By adding up the mixture over a grid of fractions.
    #[test]
    fn the_mixture_is_an_average_over_fractions() {
        const STEPS: u32 = 20_000;
        for (fraction, count, below) in [(0.5, 40, 14), (0.95, 300, 290), (0.95, 300, 300)] {
            let mixture = Mixture::new(fraction, count);
            let (a, b) = mixture.parameters;
            let (below_f, above) = (below as f64, (count - below) as f64);
            let average: f64 = (0..STEPS)
                .map(|step| (f64::from(step) + 0.5) / f64::from(STEPS))
                .map(|other: f64| {
                    let likelihood = below_f * (other / fraction).ln()
                        + above * ((1.0 - other) / (1.0 - fraction)).ln();
                    let density = (a - 1.0) * other.ln() + (b - 1.0) * (1.0 - other).ln();
                    (likelihood + density - beta(a, b)).exp() / f64::from(STEPS)
                })
                .sum();
            let ours = mixture.logarithm(below).exp();
            assert!((ours / average - 1.0).abs() < 0.01, "{ours} {average}");
        }
    }

    #[test]
    fn ranks_close_in_on_the_quantile_and_need_enough_values() {
        let level = Level::one_of(4, 0.95);
        assert_eq!(ranks(level, 0.95, 0), None);
        assert_eq!(ranks(level, 0.95, 60), None, "a slower one may come");
        let mut last = f64::INFINITY;
        for count in [1_000_u64, 10_000, 1_000_000] {
            let (low, high) = ranks(level, 0.95, count).expect("there are enough");
            let [low, high] = [low, high].map(|rank| rank as f64 / count as f64);
            assert!(low < 0.95 && 0.95 < high, "{count}: {low} {high}");
            assert!(high - low < last, "{count}: {low} {high}");
            last = high - low;
        }
        assert!(last < 0.003, "{last}");
    }
}
