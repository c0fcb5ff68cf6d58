//! Which trace a request belongs to, and who is told what became of it.
//!
//! Each iteration is one trace, so that a status check and the repair it leads to are seen together. Its
//! requests carry it in W3C's `traceparent`, each with a span of its own below the iteration's: what the
//! target does for a request hangs below that request. Ids come from the operating system's randomness
//! and never from the plan's, so the same seed still gives the same requests.
//!
//! An [`Observer`] makes spans and metrics of what it is told; OpenTelemetry's is in the crate
//! `telemetry`. Where there is none, a request costs its header and nothing else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode, Url};

use crate::clock::Timestamp;
use crate::record::{Fate, Measured, Outcome, RequestName};
use crate::run::RunId;
use crate::stream::Streamed;
pub use crate::trace_context::{SpanContext, SpanId, TRACEPARENT, TraceId};

/// The `User-Agent` of every request, unless its workload has another.
pub const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "Cicada/",
    env!("CARGO_PKG_VERSION"),
    " (+synthetic traffic)"
));

/// Is told of every request and iteration when it has ended, on the thread that sends: it must not wait.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// True if a new trace is to be kept; its requests say so to their targets.
    fn samples(&self, trace: TraceId) -> bool;

    /// A request of an iteration has ended.
    fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>);

    /// An iteration has ended.
    fn iteration(&self, iteration: &Iteration<'_>, end: &IterationEnd<'_>);

    /// An iteration was left out, because its user was still busy.
    fn skipped(&self, class: &str);

    /// A request has a result: it counts in the statistics. Unlike [`Observer::request`] this is told of those that
    /// could not be sent and of those that a user sends before it leaves, and of none that was cut off.
    fn result(&self, _result: &RequestResult<'_>) {}
}

/// An observer that sends on what it is told, where nothing goes on by itself once a function has answered.
pub trait Exporter: Observer {
    /// Sends what it was told so far; returns at the latest when `within` is over.
    fn flush(&self, within: Duration) -> BoxFuture<'_, ()>;
}

/// Which iteration it is.
#[derive(Clone, Copy, Debug)]
pub struct Iteration<'a> {
    /// Its trace, and the span that its requests' spans are children of.
    pub context: SpanContext,
    /// The run.
    pub run: &'a RunId,
    /// The user's class.
    pub class: &'a str,
    /// The task.
    pub task: &'a str,
    /// The user's index in its class.
    pub user: u32,
    /// The iteration's number.
    pub number: u64,
}

/// A request to a language model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GenAi<'a> {
    /// The model's name.
    pub model: Option<&'a str>,
    /// Whose dialect the answer is in.
    pub provider: Option<&'static str>,
}

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub struct RequestEnd<'a> {
    /// The context that it carried; none if the workload has a `traceparent` of its own: that span is somebody else's.
    pub context: Option<SpanContext>,
    /// The row of the statistics that it counts in.
    pub name: &'a RequestName,
    /// The method that was sent.
    pub method: &'a Method,
    /// Where it was sent; it may hold credentials.
    pub url: &'a Url,
    /// The `User-Agent` that it carried.
    pub user_agent: Option<&'a HeaderValue>,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// From sending to the end of the response, or to when it was given up.
    pub response_time: Duration,
    /// From sending until the response had begun, if there was a complete one.
    pub first_byte: Option<Duration>,
    /// The figures of a response that was read as a stream.
    pub streamed: Option<&'a Streamed>,
    /// The values of custom metrics that its response gave.
    pub measured: &'a [Measured],
    /// What its workload says of the language model that it is for, if it is for one.
    pub gen_ai: Option<GenAi<'a>>,
    /// See [`crate::record::Outcome::lateness`].
    pub lateness: Option<Duration>,
    /// The response's status, if there was a complete one.
    pub status: Option<StatusCode>,
    /// The reason of the failure, if it is one.
    pub error: Option<&'a str>,
}

/// The result of a request, with all that is known of it.
#[derive(Clone, Copy, Debug)]
pub struct RequestResult<'a> {
    /// The run.
    pub run: &'a RunId,
    /// The user's class.
    pub class: &'a Arc<str>,
    /// The task; of the requests of a session `start` or `stop`.
    pub task: &'a Arc<str>,
    /// The user's index in its class.
    pub user: u32,
    /// The iteration's number.
    pub iteration: u64,
    /// What is recorded of it.
    pub outcome: &'a Outcome,
    /// The response's status, if there was a complete one.
    pub status: Option<StatusCode>,
    /// From sending until the response had begun, if there was a complete one.
    pub first_byte: Option<Duration>,
    /// The trace that it carried, if that is kept.
    pub trace: Option<TraceId>,
}

/// The end of an iteration.
#[derive(Clone, Copy, Debug)]
pub struct IterationEnd<'a> {
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Its fate: done, or cut off.
    pub fate: Fate,
    /// The first error, if there was one.
    pub error: Option<&'a str>,
}
