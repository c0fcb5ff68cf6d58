//! The binary form of a record's payload.
//!
//! All numbers are LEB128 varints, all times microseconds. A version byte; the tables of requests
//! (method, name), errors and exceptions (count, message, traceback), each a count and its strings'
//! lengths; the strings, one after the other; the iterations (`user`, `ordinal * 4 + fate`); the
//! outcomes by time of completion. An outcome is `request * 8 + flags`, the error's `number * 2` if bit 0
//! is set, the lateness if bit 1 is set, completion after the outcome before it (the first: after the
//! slot's start), response time and content length. Bit 2 marks a cold connection. An error's number is
//! odd if the 16 bytes of a trace's id follow it: those of the latest failure with that request and error.
//!
//! The version is 1 and nothing follows, unless there are streams (the version is one more) or values of custom metrics
//! (two more). The table of streams: which outcome, counted from the one before; first byte, events, and if there are any
//! the first event after the first byte and the last after the first event; the tokens of prompt and answer, each one more
//! than there are, or 0 if nobody knows. Of custom metrics: the table of their lengths (`name * 2`, one more for a
//! histogram, and unit) and their strings; the values: which outcome, counted from the one before, which metric, and 0
//! for one that could not be evaluated, `1 + value * 2` for a whole number, or `2 + millionths * 2`.
//!
//! Requests are numbered in their order, so that ticks with the same requests number them alike.

mod contents;
mod decoded;
mod input;
mod layout;
mod measured;
mod streams;
#[cfg(any(test, feature = "memory"))]
mod unwritten;

pub use contents::Contents;
pub use decoded::{Decoded, MeasuredEntry, MetricEntry, OutcomeEntry, StreamEntry};
pub use layout::WireError;

#[cfg(test)]
mod tests;
