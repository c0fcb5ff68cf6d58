//! Reading a payload, whatever bytes it is.

use super::layout::{HAS_ERROR, HAS_LATENESS, IS_COLD, VERSION, WITH_STREAMS, WireError};
use super::streams;
use crate::clock::{Slot, Timestamp};
use crate::record::{BLOCK_USERS, Fate, IterationEntry};
use crate::stream::Streamed;
use crate::trace_context::TraceId;

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
    /// The figures of those that were streamed, in the order of the outcomes.
    pub streams: Vec<StreamEntry>,
}

/// The figures of a streamed outcome of a payload that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamEntry {
    /// The number of its outcome; always in range.
    pub outcome: u32,
    /// Its figures.
    pub streamed: Streamed,
}

/// One outcome of a payload that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeEntry {
    /// Number of its method and name; always in range.
    pub request: u32,
    /// Number of its error text, if it is a failure; always in range.
    pub error: Option<u32>,
    /// See [`Outcome::trace`](crate::record::Outcome::trace).
    pub trace: Option<TraceId>,
    /// See [`Outcome::lateness`](crate::record::Outcome::lateness); microseconds.
    pub lateness_us: Option<u64>,
    /// When the response was there.
    pub completed_at: Timestamp,
    /// Microseconds from sending to completion.
    pub response_time_us: u64,
    /// Bytes of the response's body.
    pub content_length: u64,
    /// See [`Outcome::cold`](crate::record::Outcome::cold).
    pub cold: bool,
}

impl<'a> Decoded<'a> {
    /// Reads the payload of a record of the tick at `slot`.
    ///
    /// # Errors
    /// When the payload is not one that [`Contents::encode`](super::contents::Contents::encode) writes; nothing is read in part.
    pub fn read(payload: &'a [u8], slot: Slot) -> Result<Self, WireError> {
        let mut input = Input(payload);
        let version = input.byte("version")?;
        if ![VERSION, WITH_STREAMS].contains(&version) {
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
        let mut streams = Vec::new();
        if version == WITH_STREAMS {
            streams = read_streams(&mut input, outcomes.len())?;
        }
        if !input.0.is_empty() {
            return Err(WireError::Invalid("end"));
        }
        Ok(Self {
            requests,
            errors,
            exceptions,
            iterations,
            outcomes,
            streams,
        })
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
        _ => Fate::Failed,
    };
    if user >= u64::from(BLOCK_USERS) {
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

fn read_streams(input: &mut Input<'_>, outcomes: usize) -> Result<Vec<StreamEntry>, WireError> {
    const FIELD: &str = "streams";
    let mut number: u64 = 0;
    let streams = input.table(FIELD, |input| {
        let after = input.varint(FIELD)?;
        number = number.checked_add(after).ok_or(WireError::Invalid(FIELD))?;
        if number >= outcomes as u64 {
            return Err(WireError::Invalid(FIELD));
        }
        Ok(StreamEntry {
            outcome: number as u32,
            streamed: streams::read(|| input.varint(FIELD))?,
        })
    })?;
    // each outcome has one at most
    let is_sorted = streams.is_sorted_by(|one, next| one.outcome < next.outcome);
    (is_sorted && !streams.is_empty())
        .then_some(streams)
        .ok_or(WireError::Invalid(FIELD))
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
