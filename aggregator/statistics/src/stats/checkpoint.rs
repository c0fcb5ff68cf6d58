//! The statistics as bytes, for a checkpoint in the store.
//!
//! A version byte, then `postcard` of [`Saved`], of [`SavedPast`] and of [`SavedTraces`]: varints
//! throughout, histograms with their gaps as run lengths, and of the seconds in detail only those that a
//! figure can still need. Equal statistics give equal bytes.

use serde::{Deserialize, Serialize};
use traffic::clock::{SLOT_MICROS, Timestamp};

use super::entry::{Entry, Occurrences, Sum};
use super::histogram::{Histogram, key_of};
use super::history::Passed;
use super::seconds::{Cell, Counts, Ring};
use super::totals::Totals;
use super::{Limits, Stats};
use crate::ageing_series::{self, AgeingSeries};

mod error;
mod traces;

pub use error::CheckpointError;
use error::VERSION;
use traces::SavedTraces;

type Times = (u64, u64, u64);

#[derive(Serialize, Deserialize)]
struct Saved<'a> {
    since: Timestamp,
    span: Option<(Timestamp, Timestamp)>,
    /// Name and method.
    #[serde(borrow)]
    rows: Vec<([&'a str; 2], SavedEntry)>,
    other_rows: Option<SavedEntry>,
    /// Name, method and error.
    #[serde(borrow)]
    errors: Vec<([&'a str; 3], Times)>,
    other_errors: Option<Times>,
    /// Message and traceback.
    #[serde(borrow)]
    exceptions: Vec<([&'a str; 2], u64)>,
    other_exceptions: Option<u64>,
    /// Age in seconds before the last completion, and the response times of that second.
    recent: Vec<(u64, Vec<u64>)>,
}

/// The history, and when the rows had requests, in the order of the rows in [`Saved`].
#[derive(Serialize, Deserialize)]
struct SavedPast<'a, T> {
    /// Each row's first completion after [`Stats::since`], and its last one after that.
    spans: Vec<Option<(u64, u64)>>,
    other_span: Option<(u64, u64)>,
    /// Name and method.
    #[serde(borrow)]
    history: Vec<([&'a str; 2], ageing_series::Saved<T>)>,
    other_history: Option<ageing_series::Saved<T>>,
}

#[derive(Serialize, Deserialize)]
struct SavedEntry {
    requests: u64,
    failures: u64,
    response_us: u128,
    min_us: Option<u64>,
    max_us: u64,
    content: u128,
    histogram: Vec<u64>,
    /// Age in seconds before the last completion of all rows, requests and failures.
    seconds: Vec<(u64, u64, u64)>,
}

impl Stats {
    /// These statistics as bytes.
    pub fn encode(&self) -> Vec<u8> {
        let newest = self.span.map_or(0, |(_, last)| last.micros() / SLOT_MICROS);
        let entry = |entry: &Entry| save_entry(entry, newest);
        let rows = self.rows.iter();
        let errors = self.errors.iter();
        let exceptions = self.exceptions.iter();
        let saved = Saved {
            since: self.since,
            span: self.span,
            rows: rows.map(|(texts, row)| (texts, entry(row))).collect(),
            other_rows: self.rows.others().map(entry),
            errors: errors
                .map(|(texts, times)| (texts, save_times(times)))
                .collect(),
            other_errors: self.errors.others().map(save_times),
            exceptions: exceptions.map(|(texts, &count)| (texts, count)).collect(),
            other_exceptions: self.exceptions.others().copied(),
            recent: aged(&self.recent, newest)
                .map(|(age, histogram)| (age, save_histogram(histogram)))
                .filter(|(_, histogram)| !histogram.is_empty())
                .collect(),
        };
        let head = postcard::to_extend(&saved, vec![VERSION]);
        let head = head.expect("a vector takes what is written to it");
        self.encode_later(newest, head)
    }

    fn encode_later(&self, newest: u64, head: Vec<u8>) -> Vec<u8> {
        let span = |entry: &Entry| {
            let (first, last) = entry.span?;
            let since = self.since.micros();
            Some((first.micros() - since, last.micros() - first.micros()))
        };
        // rows that had nothing of late are thinned only now
        let thin = |series: &AgeingSeries<Passed>| series.as_of(newest);
        let series: Vec<_> = self
            .history
            .iter()
            .map(|(texts, series)| (texts, thin(series)))
            .collect();
        let other_series = self.history.others().map(thin);
        let past = SavedPast {
            spans: self.rows.iter().map(|(_, row)| span(row)).collect(),
            other_span: self.rows.others().and_then(span),
            history: series
                .iter()
                .map(|(texts, series)| (*texts, series.save()))
                .collect(),
            other_history: other_series.as_ref().map(AgeingSeries::save),
        };
        let traces = SavedTraces::of(self);
        postcard::to_extend(&past, head)
            .and_then(|bytes| postcard::to_extend(&traces, bytes))
            .expect("a vector takes what is written to it")
    }

    /// Reads what [`Stats::encode`] has written; `limits` hold from now on.
    ///
    /// # Errors
    /// When the bytes are no checkpoint; nothing is read in part.
    pub fn decode(bytes: &[u8], limits: Limits) -> Result<Self, CheckpointError> {
        let (&version, rest) = bytes
            .split_first()
            .ok_or_else(|| CheckpointError::malformed("it is empty"))?;
        if version != VERSION {
            return Err(CheckpointError::Version(version));
        }
        let (saved, rest) = take::<Saved<'_>>(rest)?;
        let (past, rest) = take::<SavedPast<'_, Passed>>(rest)?;
        let (traces, rest) = take::<SavedTraces>(rest)?;
        if !rest.is_empty() {
            return Err(CheckpointError::malformed(
                "it does not end where it should",
            ));
        }
        let names: Vec<_> = saved.rows.iter().map(|(texts, _)| *texts).collect();
        let errors: Vec<_> = saved.errors.iter().map(|(texts, _)| *texts).collect();
        let mut stats = saved.into_stats(limits)?;
        past.add_to(&mut stats, &names)?;
        traces.add_to(&mut stats, &errors)?;
        Ok(stats)
    }
}

impl Totals {
    /// Reads them out of what [`Stats::encode`] has written.
    ///
    /// # Errors
    /// When the bytes are no checkpoint.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let (&version, rest) = bytes
            .split_first()
            .ok_or_else(|| CheckpointError::malformed("it is empty"))?;
        if version != VERSION {
            return Err(CheckpointError::Version(version));
        }
        let (saved, _) = take::<Saved<'_>>(rest)?;
        let mut totals = Self::new(saved.since);
        let rows = saved.rows.iter().map(|(_, row)| row);
        for row in rows.chain(&saved.other_rows) {
            totals.add(row.requests, row.failures, row.response_us);
        }
        Ok(totals)
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
        let newest = self.span.map_or(0, |(_, last)| last.micros() / SLOT_MICROS);
        for (texts, entry) in self.rows {
            stats.rows.add(texts, &entry.load(newest)?);
        }
        if let Some(others) = self.other_rows {
            stats.rows.add_others(&others.load(newest)?);
        }
        for (texts, times) in self.errors {
            stats.errors.add(texts, &load_times(times));
        }
        if let Some(others) = self.other_errors {
            stats.errors.add_others(&load_times(others));
        }
        for (texts, count) in self.exceptions {
            stats.exceptions.add(texts, &count);
        }
        if let Some(others) = self.other_exceptions {
            stats.exceptions.add_others(&others);
        }
        for (age, histogram) in &self.recent {
            let cell = stats.recent.at(second(newest, *age)?);
            cell.ok_or_else(too_old)?.merge(&load_histogram(histogram)?);
        }
        Ok(stats)
    }
}

impl SavedPast<'_, Passed> {
    fn add_to(self, stats: &mut Stats, names: &[[&str; 2]]) -> Result<(), CheckpointError> {
        if self.spans.len() != names.len() {
            return Err(CheckpointError::malformed("its rows are not as many twice"));
        }
        let since = stats.since;
        let spanned = |span| {
            Ok::<_, CheckpointError>(Entry {
                span: load_span(span, since)?,
                ..Entry::default()
            })
        };
        for (&texts, span) in names.iter().zip(self.spans) {
            stats.rows.add(texts, &spanned(span)?);
        }
        if let Some(span) = self.other_span {
            stats.rows.add_others(&spanned(Some(span))?);
        }
        let broken = || CheckpointError::malformed("its history cannot have been one");
        for (texts, series) in self.history {
            stats.history.add(texts, &series.load().ok_or_else(broken)?);
        }
        if let Some(series) = self.other_history {
            let series = series.load().ok_or_else(broken)?;
            stats.history.add_others(&series);
        }
        Ok(())
    }
}

fn load_span(
    span: Option<(u64, u64)>,
    since: Timestamp,
) -> Result<Option<(Timestamp, Timestamp)>, CheckpointError> {
    let Some((after_since, lasts)) = span else {
        return Ok(None);
    };
    let first = since.micros().checked_add(after_since);
    let last = first.and_then(|first| first.checked_add(lasts));
    let impossible = || CheckpointError::malformed("a row in it lasts for too long");
    Ok(Some((
        Timestamp::from_micros(first.ok_or_else(impossible)?),
        Timestamp::from_micros(last.ok_or_else(impossible)?),
    )))
}

impl SavedEntry {
    fn load(&self, newest: u64) -> Result<Entry, CheckpointError> {
        let mut entry = Entry {
            sum: Sum {
                requests: self.requests,
                failures: self.failures,
                response_us: self.response_us,
                min_us: self.min_us.unwrap_or(u64::MAX),
                max_us: self.max_us,
                content: self.content,
            },
            histogram: load_histogram(&self.histogram)?,
            span: None,
            seconds: Ring::default(),
        };
        for &(age, requests, failures) in &self.seconds {
            let cell = entry.seconds.at(second(newest, age)?);
            cell.ok_or_else(too_old)?
                .merge(&Counts { requests, failures });
        }
        Ok(entry)
    }
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

fn save_entry(entry: &Entry, newest: u64) -> SavedEntry {
    SavedEntry {
        requests: entry.sum.requests,
        failures: entry.sum.failures,
        response_us: entry.sum.response_us,
        min_us: (entry.sum.min_us < u64::MAX).then_some(entry.sum.min_us),
        max_us: entry.sum.max_us,
        content: entry.sum.content,
        histogram: save_histogram(&entry.histogram),
        seconds: aged(&entry.seconds, newest)
            .filter(|(_, counts)| counts.requests > 0)
            .map(|(age, counts)| (age, counts.requests, counts.failures))
            .collect(),
    }
}

fn save_times(times: &Occurrences) -> Times {
    (times.count, times.first.micros(), times.last.micros())
}

fn load_times((count, first, last): Times) -> Occurrences {
    Occurrences {
        count,
        first: Timestamp::from_micros(first),
        last: Timestamp::from_micros(last),
        trace: None,
    }
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
