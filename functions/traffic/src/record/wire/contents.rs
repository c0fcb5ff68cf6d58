//! Writing a payload.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::layout::{HAS_ERROR, HAS_LATENESS, IS_COLD, VERSION, WITH_MEASURED, WITH_STREAMS};
use super::measured::{self, Measurements};
use super::streams;
use crate::clock::{Slot, Timestamp, micros};
use crate::record::{ExceptionEntry, IterationEntry, Outcome, Record, RecordKey};
use crate::trace_context::TraceId;

/// A payload's contents before it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// The fates of planned iterations.
    pub iterations: Vec<IterationEntry>,
    /// Results of requests.
    pub outcomes: Vec<Outcome>,
    /// Templates and expectations that could not be evaluated.
    pub exceptions: Vec<ExceptionEntry>,
}

impl Contents {
    /// True when there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.iterations.is_empty() && self.outcomes.is_empty() && self.exceptions.is_empty()
    }

    /// The record of this under a key; see [`Contents::encode`].
    pub fn record(&mut self, key: RecordKey) -> Record {
        let failed = |outcome: &&Outcome| outcome.error.is_some();
        Record {
            requests: self.outcomes.len() as u32,
            failures: self.outcomes.iter().filter(failed).count() as u32,
            payload: self.encode(key.slot),
            key,
        }
    }

    /// The payload for a record of the tick at `slot`; sorts the outcomes by completion, and forgets
    /// the traces that are not written.
    pub fn encode(&mut self, slot: Slot) -> Bytes {
        self.outcomes.sort_by_key(|outcome| outcome.completed_at);
        let mut out = BytesMut::with_capacity(64 + 16 * self.outcomes.len());
        let has_streams = self.outcomes.iter().any(|outcome| outcome.stream.is_some());
        let has_measured = self.outcomes.iter().any(|one| !one.measured.is_empty());
        let with = |has: bool, more: u8| if has { more } else { 0 };
        out.put_u8(VERSION + with(has_streams, WITH_STREAMS) + with(has_measured, WITH_MEASURED));
        let mut requests = Table::default();
        let mut errors = Table::default();
        let mut numbers: Vec<(u64, u64)> = self
            .outcomes
            .iter()
            .map(|outcome| {
                let error = outcome.error.as_ref();
                (
                    requests.number(&outcome.request),
                    error.map_or(0, |error| errors.number(error)),
                )
            })
            .collect();
        // ticks with the same requests number them alike: the statistics look them up once
        let sorted = requests.sort();
        for (request, _) in &mut numbers {
            *request = sorted[*request as usize];
        }
        self.keep_latest_traces(&numbers);
        let mut texts = Vec::new();
        let mut put_text = |out: &mut BytesMut, text: &str| {
            put_varint(out, text.len() as u64);
            texts.extend_from_slice(text.as_bytes());
        };
        put_table(&mut out, &requests.entries, |out, request| {
            put_text(out, &request.method);
            put_text(out, &request.name);
        });
        put_table(&mut out, &errors.entries, |out, error| put_text(out, error));
        put_table(&mut out, &self.exceptions, |out, exception| {
            put_varint(out, u64::from(exception.count));
            put_text(out, &exception.message);
            put_text(out, &exception.traceback);
        });
        out.put_slice(&texts);
        put_table(&mut out, &self.iterations, |out, iteration| {
            put_varint(out, u64::from(iteration.user));
            put_varint(
                out,
                u64::from(iteration.ordinal) * 4 + iteration.fate as u64,
            );
        });
        put_varint(&mut out, self.outcomes.len() as u64);
        let mut before = slot.full_second();
        for (outcome, (request, error)) in self.outcomes.iter().zip(numbers) {
            put_outcome(&mut out, outcome, request, error, before);
            before = before.max(outcome.completed_at);
        }
        if has_streams {
            put_streams(&mut out, &self.outcomes);
        }
        if has_measured {
            put_measured(&mut out, &self.outcomes);
        }
        out.freeze()
    }

    /// Of the failures with the same request and error only one keeps its trace, the latest that has
    /// any: of several at once, the one with the greatest id.
    fn keep_latest_traces(&mut self, numbers: &[(u64, u64)]) {
        let mut latest: HashMap<(u64, u64), (Timestamp, TraceId)> = HashMap::new();
        for (outcome, pair) in self.outcomes.iter_mut().zip(numbers) {
            outcome.trace = outcome.trace.filter(|_| outcome.error.is_some());
            if let Some(trace) = outcome.trace {
                let this = (outcome.completed_at, trace);
                let latest = latest.entry(*pair).or_insert(this);
                *latest = this.max(*latest);
            }
        }
        for (outcome, pair) in self.outcomes.iter_mut().zip(numbers) {
            if let Some(trace) = outcome.trace
                && latest.get(pair) != Some(&(outcome.completed_at, trace))
            {
                outcome.trace = None;
            }
        }
    }
}

fn put_outcome(out: &mut BytesMut, outcome: &Outcome, request: u64, error: u64, before: Timestamp) {
    let flag = |set: bool, flag: u64| if set { flag } else { 0 };
    let flags = flag(outcome.error.is_some(), HAS_ERROR)
        | flag(outcome.lateness.is_some(), HAS_LATENESS)
        | flag(outcome.cold, IS_COLD);
    put_varint(out, request * 8 + flags);
    if outcome.error.is_some() {
        put_varint(out, error * 2 + u64::from(outcome.trace.is_some()));
    }
    if let Some(trace) = outcome.trace {
        out.put_slice(&trace.to_bytes());
    }
    if let Some(lateness) = outcome.lateness {
        put_varint(out, micros(lateness));
    }
    put_varint(out, micros(outcome.completed_at.since(before)));
    put_varint(out, micros(outcome.response_time));
    put_varint(out, outcome.content_length);
}

fn put_streams(out: &mut BytesMut, outcomes: &[Outcome]) {
    let streams = outcomes.iter().enumerate();
    let streams: Vec<_> = streams
        .filter_map(|(number, outcome)| Some((number, outcome.stream.as_deref()?)))
        .collect();
    put_varint(out, streams.len() as u64);
    let mut before = 0;
    for (number, streamed) in streams {
        put_varint(out, (number - before) as u64);
        streams::write(streamed, |value| put_varint(out, value));
        before = number;
    }
}

fn put_measured(out: &mut BytesMut, outcomes: &[Outcome]) {
    let Measurements { metrics, values } = Measurements::of(outcomes);
    put_table(out, &metrics, |out, metric| {
        put_varint(out, measured::head(metric));
        put_varint(out, metric.unit.len() as u64);
    });
    for metric in &metrics {
        out.put_slice(metric.name.as_bytes());
        out.put_slice(metric.unit.as_bytes());
    }
    let mut before = 0;
    put_table(out, &values, |out, &(number, metric, amount)| {
        put_varint(out, (number - before) as u64);
        put_varint(out, metric as u64);
        put_varint(out, measured::code(amount));
        before = number;
    });
}

/// Numbers things by first appearance.
struct Table<T: ?Sized> {
    entries: Vec<Arc<T>>,
    numbers: HashMap<Arc<T>, u64>,
}

/// So many entries are looked through for the same `Arc` before texts are compared.
const SHARED: usize = 32;

impl<T: ?Sized> Default for Table<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: ?Sized + Ord + std::hash::Hash> Table<T> {
    fn number(&mut self, entry: &Arc<T>) -> u64 {
        let mut shared = self.entries.iter().take(SHARED);
        if let Some(number) = shared.position(|known| Arc::ptr_eq(known, entry)) {
            return number as u64;
        }
        if self.numbers.is_empty() {
            // once for nearly all records, and never for one without an error
            self.numbers.reserve(SHARED);
        }
        let entries = &mut self.entries;
        *self.numbers.entry(Arc::clone(entry)).or_insert_with(|| {
            entries.push(Arc::clone(entry));
            entries.len() as u64 - 1
        })
    }

    /// Sorts the entries; returns the number of each by its number before.
    fn sort(&mut self) -> Vec<u64> {
        self.entries.sort_unstable();
        let mut sorted = vec![0; self.entries.len()];
        for (number, entry) in self.entries.iter().enumerate() {
            sorted[self.numbers[entry] as usize] = number as u64;
        }
        sorted
    }
}

fn put_table<T>(out: &mut BytesMut, entries: &[T], mut put: impl FnMut(&mut BytesMut, &T)) {
    put_varint(out, entries.len() as u64);
    for entry in entries {
        put(out, entry);
    }
}

fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}
