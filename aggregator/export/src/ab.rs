//! A/B: pairs of rows that do the same with model a and with model b, and the significance of their differences. The
//! body of `GET /ab`.
//!
//! The figures of a side are those of its row in the statistics. A difference is always b minus a, with an interval
//! from `interval`; `pairs` finds the pairs. A verdict says that there is a difference only if one of a pair's three
//! intervals does not hold 0. The three hold together with 95 %, so one of twenty pairs without a difference is called
//! different by chance, and more of them if somebody looks again and again.

use serde::Serialize;
use traffic::run::RunId;
use traffic::workload::Workload;
use utoipa::ToSchema;

use statistics::reader::Snapshot;
use statistics::report::figures;
use statistics::stats::Stats;
use statistics::stats::entry::Entry;

mod interval;
mod pairs;
mod words;

use interval::{Interval, ONE_OF_THREE};
use words::Findings;

pub use words::{Difference, ENOUGH, FailVerdict, TimeVerdict};

/// All pairs of a workload, compared.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Comparison {
    /// The run; there is none before the first.
    #[schema(value_type = Option<String>)]
    pub run: Option<RunId>,
    /// The instant from which the statistics count, in seconds since the Unix epoch.
    pub since: f64,
    /// The confidence of the three intervals of a pair together.
    pub confidence: f64,
    /// The pairs, in the order of the workload.
    pub pairs: Vec<Pair>,
}

/// Two rows beside one another; differences are b minus a, times in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Pair {
    /// The name of the pair: the part of both names that is the same.
    pub name: String,
    /// The method of both.
    pub method: String,
    /// Side a.
    pub a: Side,
    /// Side b.
    pub b: Side,
    /// The difference of the fail ratios.
    pub fail_ratio: Difference<FailVerdict>,
    /// The difference of the average response times.
    pub avg_response_time: Difference<TimeVerdict>,
    /// The difference of the median response times.
    pub median_response_time: Difference<TimeVerdict>,
    /// The verdict on the pair, in a few words.
    pub verdict: String,
    /// The verdict with its figures, as a sentence.
    pub explanation: String,
}

/// One row of a pair; nothing where no request was counted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Side {
    /// The request's name.
    pub name: String,
    /// The request's method.
    pub method: String,
    /// Requests, failed or not.
    pub num_requests: u64,
    /// Failures among them.
    pub num_failures: u64,
    /// Failures by requests.
    pub fail_ratio: Option<f64>,
    /// The mean response time.
    pub avg_response_time: Option<f64>,
    /// The median, as the statistics have it.
    pub median_response_time: Option<f64>,
    /// The 95th percentile, as the statistics have it.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: Option<f64>,
}

impl Comparison {
    /// The pairs of the workload of a snapshot's run, or of `next` before the first run, compared.
    pub fn of(snapshot: &Snapshot, next: &Workload) -> Self {
        let run = snapshot.run.as_deref();
        let workload = run.map_or(next, |run| &run.workload);
        let pairs = pairs::of(workload).into_iter();
        Self {
            run: run.map(|run| run.plan.run().id.clone()),
            since: snapshot.stats.since().seconds(),
            confidence: interval::CONFIDENCE,
            pairs: pairs.map(|pair| compared(&snapshot.stats, pair)).collect(),
        }
    }
}

/// A row of which nothing may be counted yet.
struct Counted<'s> {
    side: Side,
    entry: Option<&'s Entry>,
}

fn compared(stats: &Stats, pair: pairs::Pair) -> Pair {
    let a = Counted::of(stats, &pair.a, &pair.method);
    let b = Counted::of(stats, &pair.b, &pair.method);
    let fewest = a.side.num_requests.min(b.side.num_requests);
    let fail_ratio = Difference::new(
        a.side.fail_ratio.zip(b.side.fail_ratio),
        a.ratio()
            .zip(b.ratio())
            .map(|(a, b)| interval::difference(&a, &b)),
        |interval| FailVerdict::of(interval, fewest),
    );
    let times = |estimates: Option<(f64, f64)>, interval: Option<Interval>| {
        let interval = interval.filter(|_| fewest >= ENOUGH);
        Difference::new(estimates, interval, TimeVerdict::of)
    };
    let avg_response_time = times(
        a.side.avg_response_time.zip(b.side.avg_response_time),
        a.mean()
            .zip(b.mean())
            .map(|(a, b)| interval::difference_of_means(ONE_OF_THREE, &a, &b)),
    );
    let median_response_time = times(
        a.side.median_response_time.zip(b.side.median_response_time),
        a.median()
            .zip(b.median())
            .map(|(a, b)| interval::difference(&a, &b)),
    );
    let findings = Findings {
        counts: [a.side.num_requests, b.side.num_requests],
        average_of_a: a.side.avg_response_time,
        fail_ratio,
        average: avg_response_time,
        median: median_response_time,
    };
    Pair {
        verdict: findings.verdict(),
        explanation: findings.explanation(),
        name: pair.name,
        method: pair.method,
        a: a.side,
        b: b.side,
        fail_ratio,
        avg_response_time,
        median_response_time,
    }
}

impl<'s> Counted<'s> {
    fn of(stats: &'s Stats, name: &str, method: &str) -> Self {
        // a row outlives a reset with zeros
        let entry = stats
            .row(name, method)
            .filter(|entry| entry.sum.requests > 0);
        let figure = |figure: &dyn Fn(&Entry) -> f64| entry.map(figure);
        let requests = |entry: &Entry| entry.sum.requests as f64;
        let percentile = |entry: &Entry, fraction: f64| entry.histogram.percentiles([fraction])[0];
        let side = Side {
            name: name.to_owned(),
            method: method.to_owned(),
            num_requests: entry.map_or(0, |entry| entry.sum.requests),
            num_failures: entry.map_or(0, |entry| entry.sum.failures),
            fail_ratio: figure(&|entry| entry.sum.failures as f64 / requests(entry)),
            avg_response_time: figure(&|entry| {
                entry.sum.response_us as f64 / 1e3 / requests(entry)
            }),
            median_response_time: figure(&|entry| {
                figures::median(percentile(entry, 0.5), entry).as_f64()
            }),
            response_time_percentile_95: figure(&|entry| percentile(entry, 0.95) as f64),
        };
        Self { side, entry }
    }

    fn ratio(&self) -> Option<Interval> {
        let sum = &self.entry?.sum;
        Some(interval::ratio(ONE_OF_THREE, sum.failures, sum.requests))
    }

    fn mean(&self) -> Option<interval::Mean> {
        let entry = self.entry?;
        let bounds = (entry.sum.min_us, entry.sum.max_us);
        interval::mean(&entry.histogram, entry.sum.response_us, bounds)
    }

    fn median(&self) -> Option<Interval> {
        let (entry, estimate) = (self.entry?, self.side.median_response_time?);
        interval::median(
            ONE_OF_THREE,
            &entry.histogram,
            estimate,
            (entry.sum.min_us, entry.sum.max_us),
        )
    }
}
