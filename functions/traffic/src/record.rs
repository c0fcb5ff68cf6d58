//! A record: what one tick writes, and the key it is found by.
//!
//! The payload's binary form is [`wire`]'s. One record belongs to one ten-second [`Bucket`] of
//! completion time, so that nobody who reads the present has to scan the past.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::clock::{SLOT_MICROS, Slot, Timestamp};
use crate::custom_metric::{Amount, CustomMetric};
use crate::run::RunId;
use crate::trace_context::TraceId;

pub mod wire;

pub use crate::block::{BLOCK_USERS, Block, BlockSize, Shard};
pub use crate::stream::Streamed;

/// Seconds in a [`Bucket`].
pub const BUCKET_SECONDS: u64 = 10;

/// Ten seconds of completion time, by its number since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bucket(pub u64);

impl Bucket {
    /// The bucket that `instant` lies in.
    pub const fn of(instant: Timestamp) -> Self {
        Self(instant.micros() / (BUCKET_SECONDS * SLOT_MICROS))
    }

    /// The bucket's first instant.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_micros(self.0 * BUCKET_SECONDS * SLOT_MICROS)
    }

    /// The first instant after the bucket.
    pub const fn end(self) -> Timestamp {
        Self(self.0 + 1).start()
    }

    /// The bucket after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The key of a record: the same key is the same record, however often it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The run.
    pub run: RunId,
    /// The bucket that all its outcomes were completed in.
    pub bucket: Bucket,
    /// The class of the tick.
    pub class: Arc<str>,
    /// The block of the tick.
    pub block: Block,
    /// The slot of the tick.
    pub slot: Slot,
    /// The nonce of the execution that wrote it: a tick that is executed twice has two.
    pub writer: u64,
    /// Counts the records of one execution.
    pub sequence: u32,
}

/// One write of a tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: RecordKey,
    /// Requests in the payload, for people who look at the store.
    pub requests: u32,
    /// Failures among them.
    pub failures: u32,
    /// The outcomes in [`wire`]'s form.
    pub payload: Bytes,
}

/// The result of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Method and name; they group the statistics.
    pub request: Arc<RequestName>,
    /// When the response was there, or the attempt given up.
    pub completed_at: Timestamp,
    /// From sending to completion.
    pub response_time: Duration,
    /// Bytes of the response's body.
    pub content_length: u64,
    /// The reason of the failure, if it is one.
    pub error: Option<Arc<str>>,
    /// The trace that the failure leads to, if it is one. A record keeps the latest of each request and
    /// error: one example is enough, and ids are what does not compress.
    pub trace: Option<TraceId>,
    /// From the instant the iteration was planned for to sending; only on an iteration's first
    /// request, and not where the wait begins with the response (`constant`).
    pub lateness: Option<Duration>,
    /// The process's first request to this host: its connection is new.
    pub cold: bool,
    /// The figures of a response that was read as a stream.
    pub stream: Option<Box<Streamed>>,
    /// The values of custom metrics that its response gave.
    pub measured: Vec<Measured>,
}

/// A value of a custom metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The metric.
    pub metric: Arc<CustomMetric>,
    /// The value; nothing if it could not be evaluated.
    pub amount: Option<Amount>,
}

/// Method and name of a request: one row of the statistics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestName {
    /// The HTTP method, or another short type.
    pub method: Box<str>,
    /// The name that dashboards group by.
    pub name: Box<str>,
}

/// The fate of one planned iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It ran to its end; its outcomes are recorded.
    Done,
    /// Its user was still busy with an earlier iteration.
    Skipped,
    /// It was cut off: by the stop timeout, and the request it was in has no outcome, or by the end of
    /// the function's time, and the request has a failure that says so.
    CutOff,
    /// Its user's session could not be begun: the outcome of that request says why, and nothing else of it was sent.
    Failed,
}

/// A planned iteration and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IterationEntry {
    /// The user's number in its block, 0 to 99.
    pub user: u8,
    /// Which of the user's iterations in this slot, from 0.
    pub ordinal: u32,
    /// Its fate.
    pub fate: Fate,
}

/// An expectation or template that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExceptionEntry {
    /// The error's own words.
    pub message: Arc<str>,
    /// Where: file, line and expression.
    pub traceback: Arc<str>,
    /// The number of times.
    pub count: u32,
}
