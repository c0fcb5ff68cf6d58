//! What is counted for one row of the statistics, one error and one exception.

use serde::{Deserialize, Serialize};
use traffic::clock::Timestamp;
use traffic::record::wire::OutcomeEntry;
use traffic::telemetry::TraceId;

use super::histogram::Histogram;
use super::seconds::{Counts, Ring};
use super::smallest_keys::Merge;
use super::streams::Streams;

/// Seconds of detail that a row needs: its current figures look at the 3rd to the 12th second before
/// the latest request of all rows.
pub const ROW_SECONDS: usize = 16;

/// Locust's `StatsEntry`, folded from outcomes in any order.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    /// What all of them add up to.
    pub sum: Sum,
    /// Response times.
    pub histogram: Histogram,
    /// The first and the last completion.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The latest seconds.
    pub seconds: Ring<Counts, ROW_SECONDS>,
    /// Streamed responses, if there were any.
    pub streams: Option<Box<Streams>>,
}

/// What outcomes add up to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sum {
    /// Requests, failed or not.
    pub requests: u64,
    /// Failures among them.
    pub failures: u64,
    /// Sum of response times, in microseconds.
    pub response_us: u128,
    /// The fastest response, in microseconds; `u64::MAX` before the first.
    pub min_us: u64,
    /// The slowest response, in microseconds.
    pub max_us: u64,
    /// Sum of content lengths, in bytes.
    pub content: u128,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            requests: 0,
            failures: 0,
            response_us: 0,
            min_us: u64::MAX,
            max_us: 0,
            content: 0,
        }
    }
}

impl Sum {
    /// Counts an outcome.
    pub(crate) fn add(&mut self, outcome: &OutcomeEntry) {
        self.requests += 1;
        self.failures += u64::from(outcome.error.is_some());
        self.response_us += u128::from(outcome.response_time_us);
        self.min_us = self.min_us.min(outcome.response_time_us);
        self.max_us = self.max_us.max(outcome.response_time_us);
        self.content += u128::from(outcome.content_length);
    }
}

impl Merge for Sum {
    fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failures = self.failures.saturating_add(other.failures);
        self.response_us = self.response_us.saturating_add(other.response_us);
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
        self.content = self.content.saturating_add(other.content);
    }
}

impl Entry {
    /// Counts outcomes that were completed in `second`, the first and the last of them at the instants
    /// of `span`; their response times are counted by [`Entry::histogram`].
    pub(crate) fn add(&mut self, sum: &Sum, span: (Timestamp, Timestamp), second: u64) {
        self.sum.merge(sum);
        self.extend_span(span);
        if let Some(counts) = self.seconds.at(second) {
            counts.requests += sum.requests;
            counts.failures += sum.failures;
        }
    }

    fn extend_span(&mut self, (first, last): (Timestamp, Timestamp)) {
        let (earliest, latest) = self.span.unwrap_or((first, last));
        self.span = Some((earliest.min(first), latest.max(last)));
    }
}

impl Merge for Entry {
    fn merge(&mut self, other: &Self) {
        self.sum.merge(&other.sum);
        if let Some(span) = other.span {
            self.extend_span(span);
        }
        self.histogram.merge(&other.histogram);
        self.seconds.merge(&other.seconds);
        if let Some(streams) = &other.streams {
            self.streams.get_or_insert_default().merge(streams);
        }
    }
}

/// How often an error was seen, and when; like Locust's `StatsError`.
#[derive(Clone, Copy, Debug)]
pub struct Occurrences {
    /// How often.
    pub count: u64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
    /// The trace of the latest that has one, and its time; of several at once, the greatest id.
    pub trace: Option<(Timestamp, TraceId)>,
}

impl Default for Occurrences {
    fn default() -> Self {
        Self {
            count: 0,
            first: Timestamp::from_micros(u64::MAX),
            last: Timestamp::default(),
            trace: None,
        }
    }
}

impl Occurrences {
    /// Counts one more.
    pub fn add(&mut self, at: Timestamp, trace: Option<TraceId>) {
        self.count += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.trace = self.trace.max(trace.map(|trace| (at, trace)));
    }
}

impl Merge for Occurrences {
    fn merge(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.trace = self.trace.max(other.trace);
    }
}

impl Merge for u64 {
    fn merge(&mut self, other: &Self) {
        *self = self.saturating_add(*other);
    }
}
