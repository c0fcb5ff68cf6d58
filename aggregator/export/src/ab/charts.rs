//! A and B in pictures: both sides of each pair over time, and how their response times are distributed.

use serde::Serialize;
use statistics::reader::Snapshot;
use statistics::report::past::{Moment, moments_of};
use statistics::report::time::utc;
use statistics::stats::histogram::{Histogram, edges_us, key_of, milliseconds};
use traffic::workload::Workload;
use utoipa::ToSchema;

use super::interval::ms;
use super::pairs;

/// The bins of a histogram in each power of ten from 10 ms on; below there is one for each millisecond.
const DECADE: [u64; 12] = [10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82];

/// A pair's charts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct PairCharts {
    /// The name of the pair.
    pub name: String,
    /// The method of both.
    pub method: String,
    /// Both sides over time; nothing where rows have no history of their own.
    pub over_time: OverTime,
    /// Both sides' response times.
    pub distribution: Distribution,
}

/// Both sides over time, in columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct OverTime {
    /// The ends of the intervals.
    pub time: Vec<String>,
    /// The same, in seconds since the Unix epoch.
    #[serde(skip)]
    pub seconds: Vec<u64>,
    /// Side a.
    pub a: SideOverTime,
    /// Side b.
    pub b: SideOverTime,
}

/// A side over time: a value for each interval, and nothing for one without a request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct SideOverTime {
    /// The median, in milliseconds.
    pub median_response_time: Vec<Option<u64>>,
    /// The 95th percentile, in milliseconds.
    #[serde(rename = "response_time_percentile_0.95")]
    pub response_time_percentile_95: Vec<Option<u64>>,
    /// Failures by requests.
    pub fail_ratio: Vec<Option<f64>>,
    /// The mean time to the first event, in milliseconds, where requests are streams.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avg_first_event: Option<Vec<Option<f64>>>,
    /// Tokens of answers by the response times of these answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_second: Option<Vec<Option<f64>>>,
}

/// The response times of both sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Distribution {
    /// Response times in milliseconds, rounded as in the statistics, in order.
    pub response_times: Vec<u64>,
    /// Requests of side a that took each of them.
    pub a: Vec<u64>,
    /// Requests of side b that took each of them.
    pub b: Vec<u64>,
    /// The same in bins that are wide enough for a picture.
    pub bins: Bins,
}

/// Numbers of requests between response times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Bins {
    /// The ends of the bins in milliseconds: one more than there are bins.
    pub edges: Vec<f64>,
    /// Requests of side a in each bin.
    pub a: Vec<u64>,
    /// Requests of side b in each bin.
    pub b: Vec<u64>,
}

/// The charts of all pairs of the workload of a snapshot's run, or of `next` before the first run.
pub fn charts(snapshot: &Snapshot, next: &Workload) -> Vec<PairCharts> {
    let run = snapshot.run.as_deref();
    let pairs = pairs::of(run.map_or(next, |run| &run.workload));
    let rows = pairs
        .iter()
        .flat_map(|pair| [&pair.a, &pair.b].map(|name| (name, &pair.method)));
    let rows: Vec<(&str, &str)> = rows.map(|(name, method)| (&**name, &**method)).collect();
    let moments: Vec<Moment> = moments_of(snapshot, &rows).collect();
    let charts = pairs.iter().map(|pair| PairCharts {
        name: pair.name.clone(),
        method: pair.method.clone(),
        over_time: OverTime::of(&moments, pair),
        distribution: Distribution::of(snapshot, pair),
    });
    charts.collect()
}

impl OverTime {
    fn of(moments: &[Moment], pair: &pairs::Pair) -> Self {
        let has = |moment: &Moment, name: &str| {
            let mut rows = moment.rows.iter();
            rows.any(|row| *row.name == *name && *row.method == *pair.method)
        };
        // before the first request of either side there is nothing to compare
        let begins = moments
            .iter()
            .position(|moment| has(moment, &pair.a) || has(moment, &pair.b));
        let moments = &moments[begins.unwrap_or(moments.len())..];
        Self {
            time: moments.iter().map(|moment| utc(moment.time)).collect(),
            seconds: moments.iter().map(|moment| moment.time).collect(),
            a: SideOverTime::of(moments, &pair.a, &pair.method),
            b: SideOverTime::of(moments, &pair.b, &pair.method),
        }
    }
}

impl SideOverTime {
    fn of(moments: &[Moment], name: &str, method: &str) -> Self {
        let mut side = Self::default();
        let (mut first_event, mut tokens) = (Vec::new(), Vec::new());
        for moment in moments {
            let mut rows = moment.rows.iter();
            let row = rows.find(|row| *row.name == *name && *row.method == *method);
            let row = row.filter(|row| row.current_rps > 0.0);
            let percentile = |number: usize| row.map(|row| row.current_percentiles[number]);
            side.median_response_time.push(percentile(0));
            side.response_time_percentile_95.push(percentile(5));
            side.fail_ratio
                .push(row.map(|row| row.current_fail_per_sec / row.current_rps));
            first_event.push(row.and_then(|row| row.current_first_event));
            tokens.push(row.and_then(|row| row.current_tokens_per_second));
        }
        let known = |column: Vec<Option<f64>>| {
            let is_known = column.iter().any(Option::is_some);
            is_known.then_some(column)
        };
        side.avg_first_event = known(first_event);
        side.tokens_per_second = known(tokens);
        side
    }
}

impl Distribution {
    fn of(snapshot: &Snapshot, pair: &pairs::Pair) -> Self {
        let empty = Histogram::default();
        let row = |name: &str| snapshot.stats.row(name, &pair.method);
        let [a, b] = [&pair.a, &pair.b].map(|name| row(name).map_or(&empty, |row| &row.histogram));
        let mut found = Self::default();
        let (mut of_a, mut of_b) = (a.iter().peekable(), b.iter().peekable());
        while let Some(key) = [of_a.peek(), of_b.peek()]
            .into_iter()
            .flatten()
            .map(|&(key, _)| key)
            .min()
        {
            let counts = [&mut of_a, &mut of_b].map(|keys| {
                keys.next_if(|&(next, _)| next == key)
                    .map_or(0, |(_, count)| count)
            });
            found.add(key, counts);
        }
        found.bins = Bins::of(&found);
        found
    }

    fn add(&mut self, key: u64, [a, b]: [u64; 2]) {
        self.response_times.push(milliseconds(key));
        self.a.push(a);
        self.b.push(b);
    }
}

impl Bins {
    fn of(all: &Distribution) -> Self {
        let times = &all.response_times;
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else {
            return Self::default();
        };
        let starts = std::iter::successors(Some(bin(first)), |start| Some(next_bin(*start)));
        let starts: Vec<u64> = starts.take_while(|start| *start <= last).collect();
        let counted = |counts: &[u64]| {
            let mut bins = vec![0; starts.len()];
            for (time, count) in times.iter().zip(counts) {
                bins[starts.partition_point(|start| start <= time) - 1] += count;
            }
            bins
        };
        let ends = [next_bin(starts[starts.len() - 1])];
        // the least response time that is rounded to the first one of a bin
        let edge = |time: &u64| ms(edges_us(key_of(time * 1_000)).0);
        Self {
            edges: starts.iter().chain(&ends).map(edge).collect(),
            a: counted(&all.a),
            b: counted(&all.b),
        }
    }
}

/// The first response time of the bin of another, in milliseconds.
fn bin(time: u64) -> u64 {
    let power = power_of(time);
    let found = DECADE.iter().rev().find(|first| **first <= time / power);
    found.map_or(time, |first| first * power)
}

fn next_bin(first: u64) -> u64 {
    let power = power_of(first);
    let found = DECADE.iter().find(|next| **next > first / power);
    match first {
        0..10 => first + 1,
        _ => found.map_or(100 * power, |next| next * power),
    }
}

/// The power of ten that leaves two digits of a response time.
fn power_of(time: u64) -> u64 {
    let mut power = 1;
    while time / power >= 100 {
        power *= 10;
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_one_another_and_hold_all_requests() {
        let mut all = Distribution::default();
        for (number, micros) in [
            400, 2_000, 9_000, 10_000, 11_700, 340_000, 9_900_000, 70_000_000,
        ]
        .into_iter()
        .enumerate()
        {
            all.add(key_of(micros), [number as u64, 1]);
        }
        let Bins { edges, a, b } = Bins::of(&all);
        assert!(edges.is_sorted_by(|one, next| one < next), "{edges:?}");
        assert_eq!((edges.len(), b.len()), (a.len() + 1, a.len()));
        assert_eq!((a.iter().sum::<u64>(), b.iter().sum::<u64>()), (28, 8));
        assert!(edges.len() < 70, "{}", edges.len());
        let bin_of = |time: f64| edges.partition_point(|edge| *edge <= time) - 1;
        assert_eq!(b[bin_of(10.2)], 1);
        assert_eq!(a[bin_of(340.0)], 5);
        assert_eq!(Bins::of(&Distribution::default()), Bins::default());
    }
}
