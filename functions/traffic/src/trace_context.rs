//! W3C Trace Context: the ids of traces and spans, and the header `traceparent` that carries them.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use rand::RngExt as _;
use reqwest::header::{HeaderName, HeaderValue};
use serde::{Serialize, Serializer};

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
    /// True if the trace is to be kept, here and by whoever is called.
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

    /// Reads a `traceparent`; one of a later version as version 00.
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
