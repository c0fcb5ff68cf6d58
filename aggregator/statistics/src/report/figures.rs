//! Locust's figures, computed as Locust computes them.
//!
//! Where Python divides or rounds floats, the same operations are done on the same floats, so that
//! results are equal to the last digit. Cumulative percentiles come from the histogram; the current
//! ones from the part of it that is newer than the snapshot Locust would have found.

use traffic::clock::Timestamp;

use super::streams::StreamFigures;
use super::{CurrentPercentiles, ErrorRow, Milliseconds, PERCENTILES, Report, Row};
use crate::stats::entry::{Entry, Occurrences};
use crate::stats::histogram::Histogram;
use crate::stats::smallest_keys::Merge;
use crate::stats::{OTHER_ERRORS, OTHER_NAMES, Stats};

/// The seconds that Locust looks back for current percentiles.
const CURRENT_WINDOW: u64 = 10;

/// The instants that the figures of every row refer to.
pub(super) struct Frame {
    pub(super) start_time: Timestamp,
    pub(super) last_request: Option<Timestamp>,
    /// The end of the time that rates since the start are of: the latest request, or the end of the run if that is later.
    pub(super) until: Option<Timestamp>,
}

impl Stats {
    /// The figures at `now`, with Locust's rates: from the start to the latest request.
    pub fn report(&self, now: Timestamp) -> Report {
        self.report_of(now, None)
    }

    /// The figures at `now` of a run that ended at `end`, if it did: requests were planned until then, so rates are of the
    /// time until then.
    pub fn report_of(&self, now: Timestamp, end: Option<Timestamp>) -> Report {
        let last_request = self.last_request();
        let frame = Frame {
            start_time: self.since(),
            last_request,
            until: last_request.map(|last| end.map_or(last, |end| end.max(last))),
        };
        let mut total = Entry::default();
        for entry in self.rows().values() {
            total.merge(entry);
        }
        Report {
            rows: rows(self, &frame),
            total: frame.row("", "Aggregated", &total),
            errors: errors(self),
            current_response_time_percentiles: current_percentiles(self, &total.histogram, now),
            start_time: frame.start_time,
            end_time: frame.until,
            last_request_timestamp: frame.last_request,
        }
    }
}

fn rows(stats: &Stats, frame: &Frame) -> Vec<Row> {
    let mut rows: Vec<Row> = stats
        .rows()
        .iter()
        .map(|([name, method], entry)| frame.row(method, name, entry))
        .collect();
    if let Some(others) = stats.rows().others() {
        let at = rows.partition_point(|row| &*row.name < OTHER_NAMES);
        rows.insert(at, frame.row("", OTHER_NAMES, others));
    }
    rows
}

fn errors(stats: &Stats) -> Vec<ErrorRow> {
    let row = |[name, method, error]: [&str; 3], times: &Occurrences| ErrorRow {
        name: name.into(),
        method: method.into(),
        error: error.into(),
        occurrences: times.count,
        first_seen: times.first.seconds(),
        last_seen: times.last.seconds(),
        misspelt: times.count,
        trace_id: times.trace.map(|(_, trace)| trace),
    };
    let mut errors: Vec<_> = stats
        .errors()
        .iter()
        .map(|(texts, times)| (times.first, row(texts, times)))
        .collect();
    if let Some(others) = stats.errors().others() {
        errors.push((others.first, row(["(any name)", "", OTHER_ERRORS], others)));
    }
    errors.sort_by_key(|&(first, _)| first);
    errors.into_iter().map(|(_, row)| row).collect()
}

impl Frame {
    pub(super) fn row(&self, method: &str, name: &str, entry: &Entry) -> Row {
        let current_rps = self.current(entry, |requests, _| requests);
        let exact_min = (entry.sum.min_us < u64::MAX).then(|| milliseconds(entry.sum.min_us));
        let exact_max = milliseconds(entry.sum.max_us);
        let percentiles = entry.histogram.percentiles(PERCENTILES);
        Row {
            method: method.into(),
            name: name.into(),
            num_requests: entry.sum.requests,
            num_failures: entry.sum.failures,
            min_response_time: exact_min.map_or(0.0, proper_round),
            max_response_time: proper_round(exact_max),
            current_rps,
            current_fail_per_sec: self.current(entry, |_, failures| failures),
            avg_response_time: divide(
                entry.sum.response_us as f64 / 1e3,
                entry.sum.requests as f64,
            ),
            median_response_time: median(percentiles[0], entry),
            total_rps: self.since_start(entry.sum.requests),
            total_fail_per_sec: self.since_start(entry.sum.failures),
            response_time_percentile_95: percentiles[5],
            response_time_percentile_99: percentiles[7],
            avg_content_length: divide(entry.sum.content as f64, entry.sum.requests as f64),
            requests_per_second: current_rps,
            stream: entry.streams.as_deref().map(StreamFigures::of),
            fail_ratio: divide(entry.sum.failures as f64, entry.sum.requests as f64),
            exact_min,
            exact_max,
            percentiles,
            current_percentiles: [0; PERCENTILES.len()],
            current_first_event: None,
            current_tokens_per_second: None,
        }
    }

    /// The mean over the 3rd to the 12th second before the latest request, or since the start.
    fn current(&self, entry: &Entry, count: impl Fn(u64, u64) -> u64) -> f64 {
        let Some(last) = self.last_request else {
            return 0.0;
        };
        let last = last.full_second();
        let (from, to) = (
            last.minus(12).max(self.start_time.full_second()),
            last.minus(2),
        );
        let counted = (from.0..to.0)
            .filter_map(|second| entry.seconds.get(second))
            .map(|counts| count(counts.requests, counts.failures))
            .fold(0, u64::saturating_add);
        counted as f64 / to.0.saturating_sub(from.0).max(1) as f64
    }

    fn since_start(&self, count: u64) -> f64 {
        let start = self.start_time.seconds();
        match self.until {
            Some(until) if start > 0.0 => divide(count as f64, until.seconds() - start),
            _ => 0.0,
        }
    }
}

/// Locust's division: nothing by nothing is 0.
fn divide(dividend: f64, divisor: f64) -> f64 {
    if divisor == 0.0 {
        return 0.0;
    }
    dividend / divisor
}

fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// The median of a row whose histogram has it in `key` milliseconds: never outside minimum and maximum.
pub fn median(key: u64, entry: &Entry) -> Milliseconds {
    let exact = key.saturating_mul(1_000);
    if exact > entry.sum.max_us {
        Milliseconds::Exact(milliseconds(entry.sum.max_us))
    } else if exact < entry.sum.min_us && entry.sum.requests > 0 {
        Milliseconds::Exact(milliseconds(entry.sum.min_us))
    } else {
        Milliseconds::Whole(key)
    }
}

/// Locust's rounding to whole numbers: halves go up, as long as the float has digits left for it.
fn proper_round(value: f64) -> f64 {
    nudged(value).round_ties_even()
}

/// Locust's rounding to a number of digits after the point.
pub(super) fn proper_round_to(value: f64, digits: usize) -> f64 {
    let rounded = format!("{:.digits$}", nudged(value));
    rounded.parse().unwrap_or(value)
}

fn nudged(value: f64) -> f64 {
    let digits = format!("{value:?}").len() as i32;
    value + 10_f64.powi(-digits - 1)
}

/// The percentiles of the requests after the snapshot that Locust would find for `now`.
///
/// Locust takes an empty snapshot at the start, under that second. At the first request of each second that has an earlier
/// request, it takes a snapshot of everything before, under the second before. Of these, it looks for one that is ten
/// seconds old, then eleven, nine, twelve, and so on to eighteen and two.
fn current_percentiles(stats: &Stats, total: &Histogram, now: Timestamp) -> CurrentPercentiles {
    let start = stats.since().full_second().0;
    let first = stats.span().map(|(first, _)| first.full_second().0);
    let has_requests = |second| {
        let histogram = stats.recent().get(second);
        histogram.is_some_and(|histogram| histogram.iter().next().is_some())
    };
    let snapshot = |second: &u64| {
        let after = second + 1;
        first.is_some_and(|first| first < after) && has_requests(after)
    };
    let target = now.full_second().0;
    let near = (1..=8).flat_map(|step| {
        let older = target.checked_sub(CURRENT_WINDOW + step);
        let newer = target.checked_sub(CURRENT_WINDOW - step);
        [older, newer]
    });
    let mut candidates = [target.checked_sub(CURRENT_WINDOW)]
        .into_iter()
        .chain(near)
        .flatten();
    let Some(found) = candidates.find(|second| snapshot(second) || *second == start) else {
        return CurrentPercentiles::default();
    };
    let [median, p95] = if snapshot(&found) {
        newer_than(stats, found).percentiles([0.5, 0.95])
    } else {
        total.percentiles([0.5, 0.95])
    };
    CurrentPercentiles {
        median: Some(median),
        p95: Some(p95),
    }
}

fn newer_than(stats: &Stats, second: u64) -> Histogram {
    let mut newer = Histogram::default();
    for (at, histogram) in stats.recent().iter() {
        if at > second {
            newer.merge(histogram);
        }
    }
    newer
}
