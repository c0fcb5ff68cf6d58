//! Known values from the literature, and coverage: of many simulated intervals about 95 % hold the truth.

use traffic::random::Draws;

use super::*;
use statistics::stats::histogram::key_of;

/// Of 95 %, as the tables are.
const ALONE: Level = Level {
    beyond: 0.025,
    z: Z,
};

const Z: f64 = 1.959_963_984_540_054;

fn close(left: f64, right: f64, within: f64) -> bool {
    (left - right).abs() <= within
}

#[track_caller]
fn assert_interval(interval: &Interval, low: f64, high: f64, within: f64) {
    let holds = close(interval.low, low, within) && close(interval.high, high, within);
    assert!(holds, "{interval:?} is not {low} to {high}");
}

/// Examples of Newcombe (1998), Statistics in Medicine 17: Wilson's interval.
#[test]
fn a_ratios_interval_is_wilsons() {
    for (successes, count, low, high) in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ] {
        assert_interval(&ratio(ALONE, successes, count), low, high, 5e-5);
    }
    assert_interval(&ratio(ALONE, 20, 20), 1.0 - 0.1611, 1.0, 5e-5);
}

/// Examples of Newcombe (1998), Statistics in Medicine 17, table II, method 10: a minus b there.
#[test]
fn the_difference_of_ratios_is_newcombes() {
    for (a, b, low, high) in [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ] {
        let interval = difference(&ratio(ALONE, b.0, b.1), &ratio(ALONE, a.0, a.1));
        assert_interval(&interval, low, high, 5e-5);
    }
}

/// A table of Student's distribution.
#[test]
fn students_quantile_is_the_tables() {
    for (freedom, quantile) in [
        (9.0, 2.262_157),
        (10.0, 2.228_139),
        (15.0, 2.131_450),
        (29.0, 2.045_230),
        (30.0, 2.042_272),
        (58.0, 2.001_717),
        (100.0, 1.983_972),
        (1_000.0, 1.962_339),
        (1e9, 1.959_964),
    ] {
        let within = if freedom < 15.0 { 2e-4 } else { 2e-5 };
        let ours = student(ALONE, freedom);
        assert!(
            close(ours, quantile, within),
            "{freedom}: {ours} {quantile}"
        );
    }
}

/// Quantiles of Python's `NormalDist` and of a table of Student's distribution.
#[test]
fn each_of_three_intervals_leaves_a_third_of_five_percent() {
    assert!(close(ONE_OF_THREE.beyond, 0.008_333_333, 1e-9));
    for (freedom, quantile) in [(29.0, 2.540_908), (60.0, 2.462_953), (1e9, ONE_OF_THREE.z)] {
        let ours = student(ONE_OF_THREE, freedom);
        assert!(close(ours, quantile, 1e-4), "{freedom}: {ours} {quantile}");
    }
}

/// Two small samples by Python's `statistics` and by Student's density, integrated numerically.
#[test]
fn the_difference_of_averages_is_welchs() {
    let a = [
        27.5, 21.0, 19.0, 23.6, 17.0, 17.9, 16.9, 20.1, 21.9, 22.6, 23.1, 19.6, 19.0, 21.7, 21.4,
    ];
    let b = [
        27.1, 22.0, 20.8, 23.4, 23.4, 23.5, 25.8, 22.0, 24.8, 20.2, 21.9, 22.1, 22.9, 30.5, 31.3,
    ];
    let [one, other] = [a, b].map(|values| {
        let average = values.iter().sum::<f64>() / values.len() as f64;
        let squares = values.iter().map(|value| (value - average).powi(2));
        Mean {
            count: values.len() as u64,
            average,
            variance: squares.sum::<f64>() / (values.len() as f64 - 1.0),
        }
    });
    let interval = difference_of_means(ALONE, &one, &other);
    assert!(close(interval.estimate, 3.293_333, 1e-6), "{interval:?}");
    assert_interval(&interval, 1.003_332, 5.583_335, 2e-6);
}

#[test]
fn values_that_are_all_the_same_leave_no_doubt() {
    let same = |milliseconds: u64| counted(&vec![milliseconds * 1_000; 40]).1;
    let interval = difference_of_means(ALONE, &same(104), &same(103));
    assert_eq!((interval.low, interval.high), (-1.0, -1.0));
}

/// Ranks from a table of the sign test: (n, rank of the lower end).
#[test]
fn a_medians_interval_is_between_ranks() {
    assert_eq!([0, 1, 5].map(|count| median_rank(ALONE, count)), [None; 3]);
    for (count, rank) in [
        (6, 1),
        (8, 1),
        (9, 2),
        (10, 2),
        (15, 4),
        (20, 6),
        (30, 10),
        (50, 18),
        (100, 40),
    ] {
        assert_eq!(median_rank(ALONE, count), Some(rank), "{count}");
    }
    let counting: Vec<u64> = (990..=COUNTED)
        .filter_map(|count| median_rank(ALONE, count))
        .collect();
    let normal = (990..=COUNTED).map(|count| {
        let n = count as f64;
        (n / 2.0 + 0.5 - Z * n.sqrt() / 2.0) as u64
    });
    assert_eq!(
        counting,
        normal.collect::<Vec<_>>(),
        "where one hands over to the other"
    );
}

/// The histogram, mean and median of response times in microseconds.
fn counted(micros: &[u64]) -> (Option<Interval>, Mean) {
    let mut histogram = Histogram::default();
    for &micros in micros {
        histogram.add(key_of(micros));
    }
    let bounds = (*micros.iter().min().unwrap(), *micros.iter().max().unwrap());
    let sum = micros.iter().map(|&micros| u128::from(micros)).sum();
    let estimate = histogram.percentiles([0.5])[0] as f64;
    let median = median(ALONE, &histogram, estimate, bounds);
    (median, mean(&histogram, sum, bounds).unwrap())
}

#[test]
fn the_variance_of_rounded_values_is_that_of_the_values() {
    let mut draws = Draws::new(1, "variance", 0, 0);
    // spread over many buckets, over a few, and within one
    for (base, spread) in [
        (50.0, 600.0),
        (700.0, 40.0),
        (101.0, 2.0),
        (5_000.0, 3_000.0),
    ] {
        let micros: Vec<u64> = (0..5_000)
            .map(|_| ((base + spread * draws.unit()) * 1e3) as u64)
            .collect();
        let average = micros.iter().sum::<u64>() as f64 / 5e6;
        let squares = micros.iter().map(|&micros| (ms(micros) - average).powi(2));
        let variance = squares.sum::<f64>() / 4_999.0;
        let (_, mean) = counted(&micros);
        assert!(close(mean.average, average, 1e-9));
        let ratio = mean.variance / variance;
        assert!((0.97..1.06).contains(&ratio), "{base} {spread}: {ratio}");
    }
}

/// A response time around `median` milliseconds, log-normal as those of services are.
fn response_time(draws: &mut Draws, median: f64) -> u64 {
    let normal =
        (-2.0 * (1.0 - draws.unit()).ln()).sqrt() * (std::f64::consts::TAU * draws.unit()).cos();
    (median * 1e3 * (0.6 * normal).exp()) as u64
}

/// The percentage of 2,000 intervals that hold the true value.
fn coverage(mut holds: impl FnMut(&mut Draws) -> bool) -> f64 {
    let mut draws = Draws::new(7, "coverage", 0, 0);
    (0..2_000).filter(|_| holds(&mut draws)).count() as f64 / 20.0
}

fn holds(interval: &Interval, truth: f64) -> bool {
    interval.low <= truth && truth <= interval.high
}

#[test]
fn about_95_of_100_intervals_of_averages_hold_the_truth() {
    // the mean of a log-normal distribution is above its median
    let mean_of = |median: f64| median * (0.6_f64.powi(2) / 2.0).exp();
    for (counts, medians) in [
        ([30, 30], [80.0, 80.0]),
        ([40, 200], [150.0, 450.0]),
        ([500, 300], [1_200.0, 900.0]),
    ] {
        let covered = coverage(|draws| {
            let [a, b] = [0, 1].map(|side: usize| {
                let times: Vec<u64> = (0..counts[side])
                    .map(|_| response_time(draws, medians[side]))
                    .collect();
                counted(&times).1
            });
            holds(
                &difference_of_means(ALONE, &a, &b),
                mean_of(medians[1]) - mean_of(medians[0]),
            )
        });
        assert!((93.0..97.5).contains(&covered), "{counts:?}: {covered} %");
    }
}

#[test]
fn about_95_of_100_intervals_of_medians_hold_the_truth() {
    for (counts, medians) in [
        ([30, 30], [80.0, 80.0]),
        ([40, 200], [150.0, 450.0]),
        ([500, 300], [1_234.0, 987.0]),
    ] {
        let covered = coverage(|draws| {
            let [a, b] = [0, 1].map(|side: usize| {
                let times: Vec<u64> = (0..counts[side])
                    .map(|_| response_time(draws, medians[side]))
                    .collect();
                counted(&times).0.expect("there are enough")
            });
            holds(&difference(&a, &b), medians[1] - medians[0])
        });
        // ends lie at the far edges of their buckets: rather too wide than too narrow
        assert!((94.0..99.9).contains(&covered), "{counts:?}: {covered} %");
    }
}

#[test]
fn about_95_of_100_intervals_of_ratios_hold_the_truth() {
    for (counts, ratios) in [
        ([30, 30], [0.1, 0.1]),
        ([100, 40], [0.02, 0.3]),
        ([2_000, 1_000], [0.01, 0.015]),
    ] {
        let covered = coverage(|draws| {
            let [a, b] = [0, 1].map(|side: usize| {
                let failed = (0..counts[side])
                    .filter(|_| draws.chance(ratios[side]))
                    .count();
                ratio(ALONE, failed as u64, counts[side])
            });
            holds(&difference(&a, &b), ratios[1] - ratios[0])
        });
        assert!((93.0..98.5).contains(&covered), "{counts:?}: {covered} %");
    }
}
