//! Intervals of a ratio, of an average, of a median, and of the difference of two of each. The intervals of a pair's
//! three differences hold together with 95 %, so each holds with 98.3 % (Bonferroni).
//!
//! A ratio has Wilson's interval. A median has one between two ranks of the sorted values, which holds for every
//! distribution. The difference of two ratios or medians is Newcombe's: the distances of both estimates from the ends
//! of their intervals, added as squares. The difference of averages is Welch's.

use statistics::stats::histogram::{Histogram, edges_us};

/// The confidence of the three intervals of a pair together.
pub(super) const CONFIDENCE: f64 = 0.95;

/// The confidence of one interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// The probability that the true value lies beyond an end.
    beyond: f64,
    /// The normal distribution's quantile there.
    z: f64,
}

/// One of three intervals that hold together with [`CONFIDENCE`].
pub(super) const ONE_OF_THREE: Level = Level {
    beyond: (1.0 - CONFIDENCE) / 6.0,
    z: 2.393_979_799_818_510_4,
};

/// The most values for which the ranks of a median's interval are found by counting; for more values, the normal
/// distribution gives the same.
const COUNTED: u64 = 1_000;

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

/// Wilson's interval of `successes` among `count`, which is at least 1.
pub(super) fn ratio(Level { z, .. }: Level, successes: u64, count: u64) -> Interval {
    let (count, estimate) = (count as f64, successes as f64 / count as f64);
    let square = z * z / count;
    let middle = (estimate + square / 2.0) / (1.0 + square);
    let spread = estimate * (1.0 - estimate) / count + z * z / (4.0 * count * count);
    let half = z * spread.sqrt() / (1.0 + square);
    Interval {
        estimate,
        // the last digit of a float may be beyond the range
        low: (middle - half).clamp(0.0, estimate),
        high: (middle + half).clamp(estimate, 1.0),
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

/// The interval of the average of `b` minus that of `a`, by Welch; each is of ten values or more.
pub(super) fn difference_of_means(level: Level, a: &Mean, b: &Mean) -> Interval {
    let estimate = b.average - a.average;
    let part = |mean: &Mean| mean.variance / mean.count as f64;
    let square = part(a) + part(b);
    let freedom_part = |mean: &Mean| part(mean).powi(2) / (mean.count as f64 - 1.0);
    let freedom = square.powi(2) / (freedom_part(a) + freedom_part(b));
    let half = if square > 0.0 {
        student(level, freedom) * square.sqrt()
    } else {
        // all values are the same
        0.0
    };
    Interval {
        estimate,
        low: estimate - half,
        high: estimate + half,
    }
}

/// The quantile of Student's distribution: Cornish and Fisher's expansion, which is right to
/// five digits from nine degrees of freedom on.
fn student(Level { z, .. }: Level, freedom: f64) -> f64 {
    let powers = |factors: [f64; 5]| {
        let by_power = factors.iter().enumerate();
        by_power
            .map(|(number, factor)| factor * z.powi(2 * number as i32 + 1))
            .sum::<f64>()
    };
    z + powers([1.0, 1.0, 0.0, 0.0, 0.0]) / (4.0 * freedom)
        + powers([3.0, 16.0, 5.0, 0.0, 0.0]) / (96.0 * freedom.powi(2))
        + powers([-15.0, 17.0, 19.0, 3.0, 0.0]) / (384.0 * freedom.powi(3))
        + powers([-945.0, -1_920.0, 1_482.0, 776.0, 79.0]) / (92_160.0 * freedom.powi(4))
}

/// The average and variance of response times in milliseconds. The values in a bucket of the histogram are taken to be
/// spread evenly; `min_us` and `max_us` are exact.
pub(super) fn mean(
    histogram: &Histogram,
    sum_us: u128,
    (min_us, max_us): (u64, u64),
) -> Option<Mean> {
    let count: u64 = histogram.iter().map(|(_, count)| count).sum();
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

/// The interval of the median in milliseconds around `estimate`, up to the ends of the buckets in which its own ends
/// lie; `None` for too few response times.
pub(super) fn median(
    level: Level,
    histogram: &Histogram,
    estimate: f64,
    (min_us, max_us): (u64, u64),
) -> Option<Interval> {
    let count: u64 = histogram.iter().map(|(_, count)| count).sum();
    let rank = median_rank(level, count)?;
    let bucket_at = |rank: u64| {
        let mut below = 0;
        let mut keys = histogram.iter();
        let found = keys.find(|(_, count)| {
            below += count;
            below >= rank
        });
        found.map(|(key, _)| edges_us(key))
    };
    let (low, _) = bucket_at(rank)?;
    let (_, high) = bucket_at(count + 1 - rank)?;
    Some(Interval {
        estimate,
        low: ms(low.max(min_us)).min(estimate),
        high: ms(high.min(max_us)).max(estimate),
    })
}

/// The rank, from 1, of the value at which the interval of a median of `count` values begins. The interval ends at the
/// same rank from the last value.
///
/// The number of values below the median has a binomial distribution, as of tossing a coin for each value.
fn median_rank(level: Level, count: u64) -> Option<u64> {
    let n = count as f64;
    let rank = if count > COUNTED {
        (n / 2.0 + 0.5 - level.z * n.sqrt() / 2.0) as u64
    } else {
        let mut probability = 0.5_f64.powi(count as i32);
        let mut below = 0.0;
        let mut rank = 0;
        while rank < count && below + probability <= level.beyond {
            below += probability;
            probability *= (count - rank) as f64 / (rank + 1) as f64;
            rank += 1;
        }
        rank
    };
    (rank > 0).then_some(rank)
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1e3
}

#[cfg(test)]
mod tests;
