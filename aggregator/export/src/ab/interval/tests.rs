//! Known values, coverage at every look, and how soon a true difference is seen.

use traffic::random::Draws;

use super::super::quantile::quantile;
use super::*;
use statistics::stats::histogram::key_of;

/// One of the four intervals of a single pair.
fn level() -> Level {
    Level::one_of(4, CONFIDENCE)
}

fn close(left: f64, right: f64, within: f64) -> bool {
    (left - right).abs() <= within
}

/// The normal mixture by its own definition: the likelihood ratio, averaged over differences on a grid.
#[test]
fn beyond_the_ends_of_an_interval_the_average_likelihood_ratio_is_too_great() {
    const STEPS: i32 = 200_000;
    for (count, variance) in [([400, 400], [90.0, 90.0]), ([50, 3_000], [16.0, 250.0])] {
        let sides = [0, 1].map(|side| (variance[side], count[side]));
        let half = half_width(level(), sides);
        let square: f64 = sides.iter().map(|(v, n)| v / *n as f64).sum();
        let mixed = MIXING * (variance[0] + variance[1]);
        let reach = 12.0 * (mixed.sqrt() + half);
        let step = 2.0 * reach / f64::from(STEPS);
        let average: f64 = (0..STEPS)
            .map(|number| -reach + step * (f64::from(number) + 0.5))
            .map(|other| {
                let ratio = (half * half - (half - other).powi(2)) / (2.0 * square);
                let density = (-other * other / (2.0 * mixed)).exp();
                ratio.exp() * density / (std::f64::consts::TAU * mixed).sqrt() * step
            })
            .sum();
        assert!(close(average.ln(), level().threshold(), 1e-3), "{average}");
    }
}

#[test]
fn values_that_are_all_the_same_leave_no_doubt() {
    let same = |milliseconds: u64| Side::of(&vec![milliseconds * 1_000; 40]).mean();
    let interval = difference_of_means(level(), &same(104), &same(103));
    assert_eq!((interval.low, interval.high), (-1.0, -1.0));
}

#[test]
fn no_failure_yet_is_no_proof_that_there_are_none() {
    let none = Ratio {
        failures: 0,
        requests: 50,
    };
    let Interval { low, high, .. } = difference_of_ratios(level(), none, none);
    assert!(low < -0.05 && high > 0.05, "{low} {high}");
    let all = Ratio {
        failures: 50,
        requests: 50,
    };
    let Interval { low, high, .. } = difference_of_ratios(level(), none, all);
    assert!(low > 0.8 && high <= 1.0, "{low} {high}");
}

/// What was counted of a side.
#[derive(Default)]
struct Side {
    histogram: Histogram,
    requests: u64,
    failures: u64,
    sum_us: u128,
    bounds: Option<(u64, u64)>,
}

impl Side {
    fn of(micros: &[u64]) -> Self {
        let mut side = Self::default();
        for &micros in micros {
            side.add(micros, false);
        }
        side
    }

    fn add(&mut self, micros: u64, fails: bool) {
        self.histogram.add(key_of(micros));
        self.requests += 1;
        self.failures += u64::from(fails);
        self.sum_us += u128::from(micros);
        let (min, max) = self.bounds.unwrap_or((micros, micros));
        self.bounds = Some((min.min(micros), max.max(micros)));
    }

    fn mean(&self) -> Mean {
        mean(&self.histogram, self.sum_us, self.bounds.unwrap()).unwrap()
    }

    fn ratio(&self) -> Ratio {
        Ratio {
            failures: self.failures,
            requests: self.requests,
        }
    }

    fn quantile(&self, level: Level, fraction: f64) -> Option<Interval> {
        let estimate = self.histogram.percentiles([fraction])[0] as f64;
        let bounds = self.bounds.unwrap();
        quantile(level, fraction, &self.histogram, estimate, bounds)
    }
}

/// All that is compared of two sides.
fn differences(a: &Side, b: &Side) -> Vec<Interval> {
    let level = level();
    let quantiles = [0.5, 0.95].into_iter().filter_map(|fraction| {
        let [a, b] = [a, b].map(|side| side.quantile(level, fraction));
        Some(difference(&a?, &b?))
    });
    quantiles
        .chain([
            difference_of_means(level, &a.mean(), &b.mean()),
            difference_of_ratios(level, a.ratio(), b.ratio()),
        ])
        .collect()
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
        let mean = Side::of(&micros).mean();
        assert!(close(mean.average, average, 1e-9));
        let ratio = mean.variance / variance;
        assert!((0.97..1.06).contains(&ratio), "{base} {spread}: {ratio}");
    }
}

/// Requests of which `fails` fail, whose times are log-normal as those of services are.
#[derive(Clone, Copy)]
struct Service {
    median: f64,
    spread: f64,
    fails: f64,
}

impl Service {
    fn answer(self, draws: &mut Draws) -> (u64, bool) {
        let radius = (-2.0 * (1.0 - draws.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * draws.unit()).cos();
        let micros = (self.median * 1e3 * (self.spread * normal).exp()) as u64;
        (micros, draws.chance(self.fails))
    }
}

/// Two services that are looked at again and again.
struct Watched {
    services: [Service; 2],
    /// Requests that come to each side between two looks.
    coming: [u64; 2],
    looks: u64,
}

impl Watched {
    /// The first look at which a difference is shown.
    fn shown_at(&self, draws: &mut Draws) -> Option<u64> {
        let mut sides = [Side::default(), Side::default()];
        (1..=self.looks).find(|_| {
            for (number, side) in sides.iter_mut().enumerate() {
                for _ in 0..self.coming[number] {
                    let (micros, fails) = self.services[number].answer(draws);
                    side.add(micros, fails);
                }
            }
            let [a, b] = &sides;
            a.requests.min(b.requests) >= super::super::ENOUGH
                && differences(a, b).iter().any(Interval::is_beyond_zero)
        })
    }

    /// In how many of `runs` runs a difference is ever shown.
    fn shown_in(&self, runs: u64) -> usize {
        let mut draws = Draws::new(11, "watched", 0, 0);
        let shown = (0..runs).filter_map(|_| self.shown_at(&mut draws));
        shown.count()
    }
}

/// Of many runs with one service behind both models, few ever show a difference, however often somebody looks.
#[test]
fn at_most_5_of_100_runs_ever_show_a_difference_where_there_is_none() {
    const RUNS: u64 = 120;
    for (median, spread, fails, coming) in [
        (300.0, 0.6, 0.02, [10, 10]),
        (900.0, 1.0, 0.002, [4, 16]),
        (40.0, 0.3, 0.3, [25, 5]),
    ] {
        let service = Service {
            median,
            spread,
            fails,
        };
        let watched = Watched {
            services: [service; 2],
            coming,
            looks: 120,
        };
        let shown = watched.shown_in(RUNS);
        println!("{median} ms: {shown} of {RUNS} runs show a difference");
        assert!(20 * shown as u64 <= RUNS, "{median}: {shown} of {RUNS}");
    }
}

#[test]
fn a_difference_that_is_there_is_shown_soon() {
    let a = Service {
        median: 300.0,
        spread: 0.6,
        fails: 0.02,
    };
    for (other, looks) in [
        (Service { median: 600.0, ..a }, 10),
        (Service { median: 360.0, ..a }, 60),
        (Service { fails: 0.1, ..a }, 60),
    ] {
        let watched = Watched {
            services: [a, other],
            coming: [10, 10],
            looks,
        };
        let shown = watched.shown_in(30);
        assert!(shown >= 28, "{} {}: {shown}", other.median, other.fails);
    }
}
