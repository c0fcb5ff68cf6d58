//! Confidence sequences of a difference: intervals that hold at every look at once, however often somebody looks and
//! whenever they stop.
//!
//! A difference of averages or fail ratios has the normal mixture: the martingale of Johari, Pekelis and Walsh, with
//! the variance estimated, which Waudby-Smith and others show to hold from enough requests on. A difference of
//! quantiles is made of the intervals of both sides, which `quantile` gives, as Newcombe does: the distances of the
//! estimates from the ends, added as squares. Intervals share their 5 % among all that are shown (Bonferroni).

use statistics::stats::histogram::{Histogram, edges_us};

/// The confidence of all intervals together, at every look.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The variance of the mixture, in variances of a single request: intervals are tightest from about 300 requests a side
/// on to some thousands.
pub(super) const MIXING: f64 = 0.03;

/// The confidence of one interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// The probability that the interval ever leaves out the true value.
    beyond: f64,
}

impl Level {
    /// One of `intervals` that hold together with `confidence`.
    pub(super) fn one_of(intervals: usize, confidence: f64) -> Self {
        Self {
            beyond: (1.0 - confidence) / intervals.max(1) as f64,
        }
    }

    /// The logarithm of one by [`Self::beyond`]: what a martingale must not reach.
    pub(super) fn threshold(self) -> f64 {
        -self.beyond.ln()
    }
}

/// An estimate and the ends of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The average and variance of `count` values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mean {
    pub(super) count: u64,
    pub(super) average: f64,
    pub(super) variance: f64,
}

/// A number of requests that failed, among at least one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    pub(super) failures: u64,
    pub(super) requests: u64,
}

impl Interval {
    /// True if 0 is not in it.
    pub(super) fn is_beyond_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }

    fn around(estimate: f64, half: f64) -> Self {
        Self {
            estimate,
            low: estimate - half,
            high: estimate + half,
        }
    }
}

impl Ratio {
    fn estimate(self) -> f64 {
        self.failures as f64 / self.requests as f64
    }

    /// With one failure and one success more, as Agresti and Caffo have it: no failure yet does not mean none ever.
    fn variance(self) -> f64 {
        let ratio = (self.failures as f64 + 1.0) / (self.requests as f64 + 2.0);
        ratio * (1.0 - ratio)
    }
}

/// The interval of the average of `b` minus that of `a`.
pub(super) fn difference_of_means(level: Level, a: &Mean, b: &Mean) -> Interval {
    let sides = [a, b].map(|mean| (mean.variance, mean.count));
    Interval::around(b.average - a.average, half_width(level, sides))
}

/// The interval of the fail ratio of `b` minus that of `a`.
pub(super) fn difference_of_ratios(level: Level, a: Ratio, b: Ratio) -> Interval {
    let estimate = b.estimate() - a.estimate();
    let sides = [a, b].map(|ratio| (ratio.variance(), ratio.requests));
    let Interval { low, high, .. } = Interval::around(estimate, half_width(level, sides));
    Interval {
        estimate,
        low: low.max(-1.0),
        high: high.min(1.0),
    }
}

/// The interval of `b` minus `a`, from the interval of each.
pub(super) fn difference(a: &Interval, b: &Interval) -> Interval {
    let estimate = b.estimate - a.estimate;
    Interval {
        estimate,
        low: estimate - (b.estimate - b.low).hypot(a.high - a.estimate),
        high: estimate + (b.high - b.estimate).hypot(a.estimate - a.low),
    }
}

/// Half of the interval of a difference, from the variance and number of the requests of each side.
fn half_width(level: Level, sides: [(f64, u64); 2]) -> f64 {
    let spread: f64 = sides.iter().map(|(variance, _)| variance).sum();
    let parts = sides.map(|(variance, count)| variance / count as f64);
    let (square, mixed) = (parts[0] + parts[1], MIXING * spread);
    if square <= 0.0 {
        // all values are the same
        return 0.0;
    }
    let doubt = level.threshold() + 0.5 * (mixed / square).ln_1p();
    (2.0 * square * (1.0 + square / mixed) * doubt).sqrt()
}

/// The average and variance of response times in milliseconds. The values in a bucket of the histogram are taken to be
/// spread evenly; `min_us` and `max_us` are exact.
pub(super) fn mean(
    histogram: &Histogram,
    sum_us: u128,
    (min_us, max_us): (u64, u64),
) -> Option<Mean> {
    let count = histogram.count();
    if count < 2 {
        return None;
    }
    let average = sum_us as f64 / 1e3 / count as f64;
    let squares = histogram.iter().map(|(key, count)| {
        let (low, high) = edges_us(key);
        let (low, high) = (ms(low.max(min_us)), ms(high.min(max_us)));
        let middle = f64::midpoint(low, high);
        count as f64 * ((middle - average).powi(2) + (high - low).powi(2) / 12.0)
    });
    Some(Mean {
        count,
        average,
        variance: squares.sum::<f64>() / (count as f64 - 1.0),
    })
}

pub(super) fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

#[cfg(test)]
mod tests;
