//! Reading a payload, whatever bytes it is.

use super::input::{Input, Texts};
use super::layout::{
    HAS_ERROR, HAS_LATENESS, IS_COLD, LAST_VERSION, VERSION, WITH_MEASURED, WITH_STREAMS, WireError,
};
use super::{measured, streams};
use crate::clock::{Slot, Timestamp};
use crate::custom_metric::{Amount, MetricKind};
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
    /// The custom metrics, by number.
    pub metrics: Vec<MetricEntry<'a>>,
    /// Their values, in the order of the outcomes.
    pub measured: Vec<MeasuredEntry>,
}

/// A custom metric of a payload that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricEntry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What becomes of its values.
    pub kind: MetricKind,
    /// The unit of its values, if it has one.
    pub unit: &'a str,
}

/// A value of a custom metric of a payload that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasuredEntry {
    /// The number of its outcome; always in range.
    pub outcome: u32,
    /// The number of its metric; always in range.
    pub metric: u32,
    /// See [`Measured::amount`](crate::record::Measured::amount).
    pub amount: Option<Amount>,
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
        if !(VERSION..=LAST_VERSION).contains(&version) {
            return Err(WireError::Version(version));
        }
        let has = |more: u8| (version - VERSION) & more != 0;
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
        if has(WITH_STREAMS) {
            streams = read_streams(&mut input, outcomes.len())?;
        }
        let (mut metrics, mut measured) = (Vec::new(), Vec::new());
        if has(WITH_MEASURED) {
            metrics = read_metrics(&mut input)?;
            measured = read_measured(&mut input, outcomes.len(), metrics.len())?;
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
            metrics,
            measured,
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

fn read_metrics<'a>(input: &mut Input<'a>) -> Result<Vec<MetricEntry<'a>>, WireError> {
    const FIELD: &str = "custom metrics";
    let metrics = input.table(FIELD, |input| {
        let (kind, name) = measured::of_head(input.varint(FIELD)?);
        let name = usize::try_from(name).map_err(|_| WireError::Invalid(FIELD))?;
        Ok((kind, [name, input.length(FIELD)?]))
    })?;
    let lengths = metrics.iter().flat_map(|(_, lengths)| lengths);
    let mut texts = input.texts(lengths)?;
    texts.each(metrics, |texts, (kind, [name, unit])| {
        let (name, unit) = (texts.next(name)?, texts.next(unit)?);
        Ok(MetricEntry { name, kind, unit })
    })
}

fn read_measured(
    input: &mut Input<'_>,
    outcomes: usize,
    metrics: usize,
) -> Result<Vec<MeasuredEntry>, WireError> {
    const FIELD: &str = "custom metrics";
    let mut number: u64 = 0;
    let measured = input.table(FIELD, |input| {
        let after = input.varint(FIELD)?;
        number = number.checked_add(after).ok_or(WireError::Invalid(FIELD))?;
        let metric = input.varint(FIELD)?;
        if number >= outcomes as u64 || metric >= metrics as u64 {
            return Err(WireError::Invalid(FIELD));
        }
        let amount = measured::of_code(input.varint(FIELD)?);
        Ok(MeasuredEntry {
            outcome: number as u32,
            metric: metric as u32,
            amount: amount.ok_or(WireError::Invalid(FIELD))?,
        })
    })?;
    (!measured.is_empty())
        .then_some(measured)
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
