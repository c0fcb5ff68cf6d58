//! The binary form of a record's payload.
//!
//! All numbers are LEB128 varints, all times microseconds. A version byte; the tables of requests
//! (method, name), errors and exceptions (count, message, traceback), each a count and its strings'
//! lengths; the strings, one after the other; the iterations (`user`, `ordinal * 4 + fate`); the
//! outcomes by time of completion. An outcome is `request * 8 + flags`, the error's `number * 2` if bit 0 is set, the lateness
//! if bit 1 is set, completion after the outcome before it (the first: after the slot's start),
//! response time and content length. Bit 2 marks a cold connection. An error's number is odd if the 16
//! bytes of a trace's id follow it: those of the latest failure with that request and error.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::{ExceptionEntry, Fate, IterationEntry, Outcome, Record, RecordKey, RequestName};
use crate::clock::{Slot, Timestamp, micros};
use crate::trace_context::TraceId;

const VERSION: u8 = 1;
const HAS_ERROR: u64 = 1;
const HAS_LATENESS: u64 = 2;
const IS_COLD: u64 = 4;

/// Why a payload cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum WireError {
    #[error(
        "record version {0} is not known here, only {VERSION}: use the cicada that wrote it, or delete the database"
    )]
    Version(u8),
    #[error("record ends in the middle of its {0}")]
    Truncated(&'static str),
    #[error("record has an impossible value in its {0}")]
    Invalid(&'static str),
}

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
        out.put_u8(VERSION);
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

/// A payload that was read; text borrows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// Method and name, by number.
    pub requests: Vec<(&'a str, &'a str)>,
    /// Error texts, by number.
    pub errors: Vec<&'a str>,
    /// Evaluations that failed: count, message, traceback.
    pub exceptions: Vec<(u32, &'a str, &'a str)>,
    /// The fates of planned iterations.
    pub iterations: Vec<IterationEntry>,
    /// Results of requests, by time of completion.
    pub outcomes: Vec<OutcomeEntry>,
}

/// One outcome of a payload that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeEntry {
    /// Number of its method and name; always in range.
    pub request: u32,
    /// Number of its error text, if it is a failure; always in range.
    pub error: Option<u32>,
    /// See [`Outcome::trace`].
    pub trace: Option<TraceId>,
    /// See [`Outcome::lateness`]; microseconds.
    pub lateness_us: Option<u64>,
    /// When the response was there.
    pub completed_at: Timestamp,
    /// Microseconds from sending to completion.
    pub response_time_us: u64,
    /// Bytes of the response's body.
    pub content_length: u64,
    /// See [`Outcome::cold`].
    pub cold: bool,
}

impl<'a> Decoded<'a> {
    /// Reads the payload of a record of the tick at `slot`.
    ///
    /// # Errors
    /// When the payload is not one that [`Contents::encode`] writes; nothing is read in part.
    pub fn read(payload: &'a [u8], slot: Slot) -> Result<Self, WireError> {
        let mut input = Input(payload);
        let version = input.byte("version")?;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        let requests = input.table("requests", |input| {
            Ok([input.length("requests")?, input.length("requests")?])
        })?;
        let errors = input.table("errors", |input| input.length("errors"))?;
        let exceptions = input.table("exceptions", |input| {
            let count = input.narrow("exceptions")?;
            let message = input.length("exceptions")?;
            Ok((count, [message, input.length("exceptions")?]))
        })?;
        let lengths = (requests.iter().flatten())
            .chain(&errors)
            .chain(exceptions.iter().flat_map(|(_, lengths)| lengths));
        let mut texts = input.texts(lengths)?;
        let requests = texts.each(requests, |texts, [method, name]| {
            Ok((texts.next(method)?, texts.next(name)?))
        })?;
        let errors = texts.each(errors, Texts::next)?;
        let exceptions = texts.each(exceptions, |texts, (count, [message, traceback])| {
            Ok((count, texts.next(message)?, texts.next(traceback)?))
        })?;
        let iterations = input.table("iterations", read_iteration)?;
        let mut before = slot.full_second();
        let outcomes = input.table("outcomes", |input| {
            let entry = read_outcome(input, requests.len(), errors.len(), before)?;
            before = entry.completed_at;
            Ok(entry)
        })?;
        if !input.0.is_empty() {
            return Err(WireError::Invalid("end"));
        }
        Ok(Self {
            requests,
            errors,
            exceptions,
            iterations,
            outcomes,
        })
    }

    /// The contents as they were before they were written.
    pub fn to_contents(&self) -> Contents {
        let requests: Vec<Arc<RequestName>> = self
            .requests
            .iter()
            .map(|&(method, name)| {
                Arc::new(RequestName {
                    method: method.into(),
                    name: name.into(),
                })
            })
            .collect();
        let errors: Vec<Arc<str>> = self.errors.iter().map(|&error| error.into()).collect();
        let outcome = |entry: &OutcomeEntry| Outcome {
            request: Arc::clone(&requests[entry.request as usize]),
            completed_at: entry.completed_at,
            response_time: Duration::from_micros(entry.response_time_us),
            content_length: entry.content_length,
            error: entry.error.map(|error| Arc::clone(&errors[error as usize])),
            trace: entry.trace,
            lateness: entry.lateness_us.map(Duration::from_micros),
            cold: entry.cold,
        };
        let exception = |&(count, message, traceback): &(u32, &str, &str)| ExceptionEntry {
            message: message.into(),
            traceback: traceback.into(),
            count,
        };
        Contents {
            iterations: self.iterations.clone(),
            outcomes: self.outcomes.iter().map(outcome).collect(),
            exceptions: self.exceptions.iter().map(exception).collect(),
        }
    }
}

fn read_iteration(input: &mut Input<'_>) -> Result<IterationEntry, WireError> {
    const FIELD: &str = "iterations";
    let user = input.varint(FIELD)?;
    let rest = input.varint(FIELD)?;
    let fate = match rest % 4 {
        0 => Fate::Done,
        1 => Fate::Skipped,
        2 => Fate::CutOff,
        _ => return Err(WireError::Invalid(FIELD)),
    };
    if user >= u64::from(super::BLOCK_USERS) {
        return Err(WireError::Invalid(FIELD));
    }
    let ordinal = u32::try_from(rest / 4).map_err(|_| WireError::Invalid(FIELD))?;
    Ok(IterationEntry {
        user: user as u8,
        ordinal,
        fate,
    })
}

fn read_outcome(
    input: &mut Input<'_>,
    requests: usize,
    errors: usize,
    before: Timestamp,
) -> Result<OutcomeEntry, WireError> {
    const FIELD: &str = "outcomes";
    let head = input.varint(FIELD)?;
    let request = head / 8;
    if request >= requests as u64 {
        return Err(WireError::Invalid(FIELD));
    }
    let failure = if head & HAS_ERROR == 0 {
        None
    } else {
        Some(read_failure(input)?)
    };
    let error = failure.map(|(error, _)| error);
    if error.is_some_and(|error| error >= errors as u64) {
        return Err(WireError::Invalid(FIELD));
    }
    let lateness_us = if head & HAS_LATENESS == 0 {
        None
    } else {
        Some(input.varint(FIELD)?)
    };
    let after = input.varint(FIELD)?;
    let completed_at = before
        .micros()
        .checked_add(after)
        .ok_or(WireError::Invalid(FIELD))?;
    Ok(OutcomeEntry {
        request: request as u32,
        error: error.map(|error| error as u32),
        trace: failure.and_then(|(_, trace)| trace),
        lateness_us,
        completed_at: Timestamp::from_micros(completed_at),
        response_time_us: input.varint(FIELD)?,
        content_length: input.varint(FIELD)?,
        cold: head & IS_COLD != 0,
    })
}

/// The number of a failure's error, and the trace that it leads to.
fn read_failure(input: &mut Input<'_>) -> Result<(u64, Option<TraceId>), WireError> {
    const FIELD: &str = "outcomes";
    let number = input.varint(FIELD)?;
    if number % 2 == 0 {
        return Ok((number / 2, None));
    }
    let trace = TraceId::from_bytes(input.array(FIELD)?);
    Ok((number / 2, Some(trace.ok_or(WireError::Invalid(FIELD))?)))
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
            numbers: HashMap::with_capacity(SHARED),
        }
    }
}

impl<T: ?Sized + Ord + std::hash::Hash> Table<T> {
    fn number(&mut self, entry: &Arc<T>) -> u64 {
        let mut shared = self.entries.iter().take(SHARED);
        if let Some(number) = shared.position(|known| Arc::ptr_eq(known, entry)) {
            return number as u64;
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

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self, field: &'static str) -> Result<u8, WireError> {
        let (&first, rest) = self.0.split_first().ok_or(WireError::Truncated(field))?;
        self.0 = rest;
        Ok(first)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let (&first, rest) = (self.0)
            .split_first_chunk()
            .ok_or(WireError::Truncated(field))?;
        self.0 = rest;
        Ok(first)
    }

    fn varint(&mut self, field: &'static str) -> Result<u64, WireError> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte(field)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        // nine bytes have 63 bits
        match self.byte(field)? {
            last @ 0..=1 => Ok(value | u64::from(last) << 63),
            _ => Err(WireError::Invalid(field)),
        }
    }

    fn narrow(&mut self, field: &'static str) -> Result<u32, WireError> {
        u32::try_from(self.varint(field)?).map_err(|_| WireError::Invalid(field))
    }

    fn length(&mut self, field: &'static str) -> Result<usize, WireError> {
        usize::try_from(self.varint(field)?).map_err(|_| WireError::Invalid(field))
    }

    /// All strings of the tables, checked in one go.
    fn texts<'l>(
        &mut self,
        mut lengths: impl Iterator<Item = &'l usize>,
    ) -> Result<Texts<'a>, WireError> {
        const FIELD: &str = "texts";
        let total = lengths.try_fold(0_usize, |sum, &length| sum.checked_add(length));
        let (texts, rest) = total
            .and_then(|total| self.0.split_at_checked(total))
            .ok_or(WireError::Truncated(FIELD))?;
        self.0 = rest;
        let texts = std::str::from_utf8(texts).map_err(|_| WireError::Invalid(FIELD))?;
        Ok(Texts(texts))
    }

    fn table<T>(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let count = self.varint(field)?;
        // every entry has at least a byte: a count that cannot be true allocates nothing
        if count > self.0.len() as u64 {
            return Err(WireError::Truncated(field));
        }
        let mut entries = Vec::with_capacity(count as usize);
        for _ in 0..count {
            entries.push(read(self)?);
        }
        Ok(entries)
    }
}

/// The strings that are left of the tables'.
struct Texts<'a>(&'a str);

impl<'a> Texts<'a> {
    fn next(&mut self, length: usize) -> Result<&'a str, WireError> {
        let (text, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(WireError::Invalid("texts"))?;
        self.0 = rest;
        Ok(text)
    }

    fn each<L, T>(
        &mut self,
        lengths: Vec<L>,
        read: impl Fn(&mut Self, L) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let mut entries = Vec::with_capacity(lengths.len());
        for lengths in lengths {
            entries.push(read(self, lengths)?);
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests;
