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
use std::num::{NonZeroU64, NonZeroU128};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rand::RngExt as _;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde::{Serialize, Serializer};

use crate::clock::Timestamp;
use crate::record::{Fate, RequestName};
use crate::run::RunId;

/// What every request says that it comes from, unless its workload says something else.
pub const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "Cicada/",
    env!("CARGO_PKG_VERSION"),
    " (+synthetic traffic)"
));

/// The header of [W3C Trace Context](https://www.w3.org/TR/trace-context/).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A trace's id: 16 bytes, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(NonZeroU128);

impl TraceId {
    /// An id that nobody else has.
    pub fn random() -> Self {
        Self(rand::rng().random())
    }

    /// The id of these bytes, unless they are all zero.
    pub const fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        match NonZeroU128::new(u128::from_be_bytes(bytes)) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The id's bytes, the first digits first.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.get().to_be_bytes()
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A span's id: 8 bytes, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(NonZeroU64);

impl SpanId {
    /// An id that nobody else has.
    pub fn random() -> Self {
        Self(rand::rng().random())
    }

    /// The id of these bytes, unless they are all zero.
    pub const fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        match NonZeroU64::new(u64::from_be_bytes(bytes)) {
            Some(id) => Some(Self(id)),
            None => None,
        }
    }

    /// The id's bytes, the first digits first.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }
}

/// A span's place: what a `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanContext {
    /// The trace it belongs to.
    pub trace: TraceId,
    /// Its own id.
    pub span: SpanId,
    /// Whether the trace is to be kept, here and by whoever is called.
    pub sampled: bool,
}

impl SpanContext {
    /// The `traceparent` of requests that the span sends: version 00.
    pub fn traceparent(self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        put_hex(&mut text[3..35], &self.trace.to_bytes());
        put_hex(&mut text[36..52], &self.span.to_bytes());
        text[54] += u8::from(self.sampled);
        HeaderValue::from_bytes(&text).expect("digits and dashes are what a header may hold")
    }

    /// What a `traceparent` says; of a later version, what is as in version 00.
    pub fn parse(traceparent: &HeaderValue) -> Option<Self> {
        let text = traceparent.as_bytes();
        let (head, rest) = text.split_at_checked(55)?;
        let [version] = hex(&head[..2])?;
        let is_known = version < 0xff && (rest.is_empty() || (version > 0 && rest[0] == b'-'));
        if !is_known || [head[2], head[35], head[52]] != *b"---" {
            return None;
        }
        let [flags] = hex(&head[53..])?;
        Some(Self {
            trace: TraceId::from_bytes(hex(&head[3..35])?)?,
            span: SpanId::from_bytes(hex(&head[36..52])?)?,
            sampled: flags & 1 == 1,
        })
    }
}

/// Is told of every request and iteration when it has ended, on the thread that sends: it must not wait.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Whether a new trace is to be kept; its requests say so to their targets.
    fn samples(&self, trace: TraceId) -> bool;

    /// A request of an iteration has ended.
    fn request(&self, iteration: &Iteration<'_>, request: &RequestEnd<'_>);

    /// An iteration has ended.
    fn iteration(&self, iteration: &Iteration<'_>, end: &IterationEnd<'_>);

    /// An iteration was left out, because its user was still busy.
    fn skipped(&self, class: &str);
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

/// A request that has ended.
#[derive(Clone, Copy, Debug)]
pub struct RequestEnd<'a> {
    /// What it carried; none if the workload has a `traceparent` of its own: that span is somebody else's.
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
    /// See [`crate::record::Outcome::lateness`].
    pub lateness: Option<Duration>,
    /// The response's status, if there was a complete one.
    pub status: Option<StatusCode>,
    /// Why it is a failure, if it is one.
    pub error: Option<&'a str>,
}

/// How an iteration has ended.
#[derive(Clone, Copy, Debug)]
pub struct IterationEnd<'a> {
    /// When it began.
    pub began_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether it ended by itself.
    pub fate: Fate,
    /// What went wrong first, if anything did.
    pub error: Option<&'a str>,
}

fn put_hex(out: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
}

/// The bytes that twice as many lower-case digits say.
fn hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
