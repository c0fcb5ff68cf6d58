//! The statistics as bytes, for a checkpoint in the store.
//!
//! A version byte, then `postcard` of `Saved` and of the history: varints throughout, histograms with
//! their gaps as run lengths, and of the seconds in detail only those that a figure can still need. Equal
//! statistics give equal bytes.

use serde::{Deserialize, Serialize};
use traffic::clock::{SLOT_MICROS, Timestamp};
use traffic::telemetry::TraceId;

use super::custom_metrics::{MetricSum, MetricValues};
use super::entry::{Entry, Occurrences, Sum};
use super::histogram::{Histogram, key_of};
use super::history::Passed;
use super::seconds::{Cell, Counts, Ring};
use super::smallest_keys::{Merge, SmallestKeys};
use super::streams::{StreamSum, Streams};
use super::totals::Totals;
use super::{Limits, Stats};
use crate::ageing_series::{self, AgeingSeries};

const VERSION: u8 = 1;

/// Why a checkpoint cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It was written by another Cicada, or is no checkpoint at all.
    #[error(
        "checkpoint version {0} is not known here, only {VERSION}: use the cicada that wrote it, or fold the records again"
    )]
    Version(u8),
    /// It is damaged or cut off.
    #[error("checkpoint cannot be read ({0}): fold the records again")]
    Malformed(Box<str>),
}

impl CheckpointError {
    fn malformed(what: &str) -> Self {
        Self::Malformed(what.into())
    }
}

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    since: Timestamp,
    until: Option<Timestamp>,
    span: Option<(Timestamp, Timestamp)>,
    /// By name and method.
    #[serde(borrow)]
    rows: SavedMap<[&'a str; 2], SavedEntry>,
    /// By name, method and error.
    #[serde(borrow)]
    errors: SavedMap<[&'a str; 3], SavedOccurrences>,
    /// By message and traceback.
    #[serde(borrow)]
    exceptions: SavedMap<[&'a str; 2], u64>,
    /// By name, kind and unit.
    #[serde(borrow)]
    custom_metrics: SavedMap<[&'a str; 3], SavedMetric>,
    /// Age in seconds before the last completion, and the response times of that second.
    recent: Vec<(u64, Vec<u64>)>,
}

/// The history, by name and method.
type SavedHistory<'a, T> = SavedMap<[&'a str; 2], ageing_series::Saved<T>>;

/// What a [`SmallestKeys`] holds by its keys, and what exceeds its limit.
#[derive(Serialize, Deserialize)]
struct SavedMap<K, T> {
    entries: Vec<(K, T)>,
    others: Option<T>,
}

#[derive(Serialize, Deserialize)]
struct SavedEntry {
    sum: Sum,
    histogram: Vec<u64>,
    /// The first completion after [`Stats::since`], and the last one after that.
    span: Option<(u64, u64)>,
    /// Age in seconds before the last completion of all rows, requests and failures.
    seconds: Vec<(u64, u64, u64)>,
    streams: Option<SavedStreams>,
}

#[derive(Serialize, Deserialize)]
struct SavedStreams {
    sum: StreamSum,
    first_event: Vec<u64>,
    inter_token_latency: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct SavedMetric {
    sum: MetricSum,
    histogram: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
struct SavedOccurrences {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    /// Of the latest that has a trace: microseconds after [`Stats::since`], and the trace's id.
    trace: Option<(u64, [u8; 16])>,
}

impl Stats {
    /// These statistics as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let newest = newest_second(self.span);
        let since = self.since.micros();
        let saved = Saved {
            since: self.since,
            until: self.until,
            span: self.span,
            rows: SavedMap::of(&self.rows, |row| SavedEntry::of(row, since, newest)),
            errors: SavedMap::of(&self.errors, |times| SavedOccurrences::of(times, since)),
            exceptions: SavedMap::of(&self.exceptions, |count| *count),
            custom_metrics: SavedMap::of(&self.custom_metrics, SavedMetric::of),
            recent: aged(&self.recent, newest)
                .map(|(age, histogram)| (age, save_histogram(histogram)))
                .filter(|(_, histogram)| !histogram.is_empty())
                .collect(),
        };
        // rows that had nothing of late are thinned only now
        let thinned = SavedMap::of(&self.history, |series| series.as_of(newest));
        let history = SavedHistory {
            entries: (thinned.entries.iter())
                .map(|(texts, series)| (*texts, series.save()))
                .collect(),
            others: thinned.others.as_ref().map(AgeingSeries::save),
        };
        let whole = self.whole.as_of(newest);
        postcard::to_extend(&saved, vec![VERSION])
            .and_then(|bytes| postcard::to_extend(&history, bytes))
            .and_then(|bytes| postcard::to_extend(&whole.save(), bytes))
            .expect("a vector takes what is written to it")
    }

    /// Reads what [`Stats::encode`] has written; `limits` hold from now on.
    ///
    /// # Errors
    /// When the bytes are no checkpoint; nothing is read in part.
    pub fn decode(bytes: &[u8], limits: Limits) -> Result<Self, CheckpointError> {
        let (saved, rest) = take::<Saved<'_>>(versioned(bytes)?)?;
        let (history, rest) = take::<SavedHistory<'_, Passed>>(rest)?;
        let (whole, rest) = take::<ageing_series::Saved<Passed>>(rest)?;
        if !rest.is_empty() {
            return Err(CheckpointError::malformed(
                "it does not end where it should",
            ));
        }
        let mut stats = saved.into_stats(limits)?;
        let broken = || CheckpointError::malformed("its history cannot have been one");
        stats.whole = whole.load().ok_or_else(broken)?;
        history.add_to(&mut stats.history, |series| {
            series.load().ok_or_else(broken)
        })?;
        Ok(stats)
    }
}

impl Totals {
    /// Reads them out of what [`Stats::encode`] has written.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (saved, _) = take::<Saved<'_>>(versioned(bytes)?)?;
        let mut totals = Self::new(saved.since);
        let rows = saved.rows.entries.iter().map(|(_, row)| row);
        for SavedEntry { sum, .. } in rows.chain(&saved.rows.others) {
            totals.add(sum.requests, sum.failures, sum.response_us);
        }
        Ok(totals)
    }
}

/// The bytes after the version.
fn versioned(bytes: &[u8]) -> Result<&[u8], CheckpointError> {
    match bytes.split_first() {
        None => Err(CheckpointError::malformed("it is empty")),
        Some((&VERSION, rest)) => Ok(rest),
        Some((&other, _)) => Err(CheckpointError::Version(other)),
    }
}

fn take<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), CheckpointError> {
    postcard::take_from_bytes(bytes).map_err(|error| CheckpointError::malformed(&error.to_string()))
}

impl Saved<'_> {
    fn into_stats(self, limits: Limits) -> Result<Stats, CheckpointError> {
        let mut stats = Stats::with_limits(self.since, limits);
        if self.span.is_some_and(|(first, last)| first > last) {
            return Err(CheckpointError::malformed("its end lies before its start"));
        }
        stats.span = self.span;
        stats.until = self.until;
        let newest = newest_second(self.span);
        let since = self.since.micros();
        let entry = |row: SavedEntry| row.load(since, newest);
        self.rows.add_to(&mut stats.rows, entry)?;
        let times = |times: SavedOccurrences| times.load(since);
        self.errors.add_to(&mut stats.errors, times)?;
        self.exceptions.add_to(&mut stats.exceptions, Ok)?;
        let metrics = &mut stats.custom_metrics;
        self.custom_metrics.add_to(metrics, SavedMetric::load)?;
        for (age, histogram) in &self.recent {
            let cell = stats.recent.at(second(newest, *age)?);
            cell.ok_or_else(too_old)?.merge(&load_histogram(histogram)?);
        }
        Ok(stats)
    }
}

impl<'a, const K: usize, T> SavedMap<[&'a str; K], T> {
    fn of<V: Merge>(map: &'a SmallestKeys<K, V>, save: impl Fn(&'a V) -> T) -> Self {
        let entries = map.iter();
        Self {
            entries: entries.map(|(texts, value)| (texts, save(value))).collect(),
            others: map.others().map(save),
        }
    }

    fn add_to<V: Merge>(
        self,
        map: &mut SmallestKeys<K, V>,
        load: impl Fn(T) -> Result<V, CheckpointError>,
    ) -> Result<(), CheckpointError> {
        for (texts, value) in self.entries {
            map.add(texts, &load(value)?);
        }
        if let Some(others) = self.others {
            map.add_others(&load(others)?);
        }
        Ok(())
    }
}

impl SavedEntry {
    fn of(entry: &Entry, since: u64, newest: u64) -> Self {
        let span = |(first, last): (Timestamp, Timestamp)| {
            (first.micros() - since, last.micros() - first.micros())
        };
        Self {
            sum: entry.sum,
            histogram: save_histogram(&entry.histogram),
            span: entry.span.map(span),
            seconds: aged(&entry.seconds, newest)
                .filter(|(_, counts)| counts.requests > 0)
                .map(|(age, counts)| (age, counts.requests, counts.failures))
                .collect(),
            streams: entry.streams.as_deref().map(SavedStreams::of),
        }
    }

    fn load(self, since: u64, newest: u64) -> Result<Entry, CheckpointError> {
        let span = |(after_since, lasts)| {
            let first = since.checked_add(after_since)?;
            let last = first.checked_add(lasts)?;
            Some((Timestamp::from_micros(first), Timestamp::from_micros(last)))
        };
        let impossible = || CheckpointError::malformed("a row in it lasts for too long");
        let span = self.span.map(|saved| span(saved).ok_or_else(impossible));
        let streams = self.streams.map(SavedStreams::load);
        let mut entry = Entry {
            streams: streams.transpose()?.map(Box::new),
            sum: self.sum,
            histogram: load_histogram(&self.histogram)?,
            span: span.transpose()?,
            seconds: Ring::default(),
        };
        for (age, requests, failures) in self.seconds {
            let cell = entry.seconds.at(second(newest, age)?);
            cell.ok_or_else(too_old)?
                .merge(&Counts { requests, failures });
        }
        Ok(entry)
    }
}

impl SavedStreams {
    fn of(streams: &Streams) -> Self {
        Self {
            sum: streams.sum,
            first_event: save_histogram(&streams.first_event),
            inter_token_latency: save_histogram(&streams.inter_token_latency),
        }
    }

    fn load(self) -> Result<Streams, CheckpointError> {
        Ok(Streams {
            sum: self.sum,
            first_event: load_histogram(&self.first_event)?,
            inter_token_latency: load_histogram(&self.inter_token_latency)?,
        })
    }
}

impl SavedMetric {
    fn of(values: &MetricValues) -> Self {
        Self {
            sum: values.sum,
            histogram: save_histogram(&values.histogram),
        }
    }

    fn load(self) -> Result<MetricValues, CheckpointError> {
        Ok(MetricValues {
            sum: self.sum,
            histogram: load_histogram(&self.histogram)?,
        })
    }
}

impl SavedOccurrences {
    fn of(times: &Occurrences, since: u64) -> Self {
        let trace = |(at, trace): (Timestamp, TraceId)| (at.micros() - since, trace.to_bytes());
        Self {
            count: times.count,
            first: times.first,
            last: times.last,
            trace: times.trace.map(trace),
        }
    }

    fn load(self, since: u64) -> Result<Occurrences, CheckpointError> {
        let trace = |(after, id)| {
            let at = Timestamp::from_micros(since.checked_add(after)?);
            Some((at, TraceId::from_bytes(id)?))
        };
        let impossible = || CheckpointError::malformed("a trace in it cannot be one");
        let trace = self.trace.map(|saved| trace(saved).ok_or_else(impossible));
        Ok(Occurrences {
            count: self.count,
            first: self.first,
            last: self.last,
            trace: trace.transpose()?,
        })
    }
}

fn newest_second(span: Option<(Timestamp, Timestamp)>) -> u64 {
    span.map_or(0, |(_, last)| last.micros() / SLOT_MICROS)
}

fn too_old() -> CheckpointError {
    CheckpointError::malformed("a second in it is too old")
}

fn second(newest: u64, age: u64) -> Result<u64, CheckpointError> {
    newest.checked_sub(age).ok_or_else(too_old)
}

/// The seconds of a ring by their age, without those that are too old for any figure.
fn aged<T: Cell, const N: usize>(
    ring: &Ring<T, N>,
    newest: u64,
) -> impl Iterator<Item = (u64, &T)> {
    ring.iter()
        .map(move |(second, cell)| (newest.saturating_sub(second), cell))
        .filter(|&(age, _)| age < Ring::<T, N>::LEN)
}

/// Counts by key; a gap is a zero and its length.
fn save_histogram(histogram: &Histogram) -> Vec<u64> {
    let mut runs = Vec::new();
    let mut next = 0;
    for (key, count) in histogram.iter() {
        if key > next {
            runs.extend([0, key - next]);
        }
        runs.push(count);
        next = key + 1;
    }
    runs
}

fn load_histogram(runs: &[u64]) -> Result<Histogram, CheckpointError> {
    let broken = || CheckpointError::malformed("a histogram in it has an impossible key");
    let slowest = key_of(u64::MAX);
    let mut histogram = Histogram::default();
    let mut key: u64 = 0;
    let mut runs = runs.iter();
    while let Some(&count) = runs.next() {
        if count == 0 {
            let gap = runs.next().ok_or_else(broken)?;
            key = key.checked_add(*gap).ok_or_else(broken)?;
            continue;
        }
        if key > slowest {
            return Err(broken());
        }
        histogram.add_many(key, count);
        key += 1;
    }
    Ok(histogram)
}
