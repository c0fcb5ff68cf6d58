//! The texts of failed requests, in few words that say what the target did and not how our client found out.
//!
//! No text has an address, a port or a path: those would make every error its own row.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::Duration;

use crate::{error_chain, tls};

/// A connection is lost when the target has acknowledged nothing for so long.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(30);

/// The beginning of the text of a request that had no complete response in time.
pub const TIMED_OUT: &str = "no complete response";

/// The text of a request that found no file descriptor left for its connection.
pub(super) const NO_PLACE: &str = "cannot connect: too many open files: raise ulimit -n";

/// The part of a text that says that the process may have no more files.
pub(super) const NO_FILES: &str = "too many open files";

/// True for the text of a request that was not sent since this process may have no more files: its target has
/// nothing to do with that.
pub(crate) fn is_shortage(text: &str) -> bool {
    text.contains(NO_FILES)
}

/// The text of a request that had no complete response in time.
pub(super) fn timed_out(timeout: Duration) -> String {
    format!("{TIMED_OUT} within {} s", timeout.as_secs_f64())
}

/// Why a request of reqwest's own client failed.
pub fn explain(error: &reqwest::Error, timeout: Option<Duration>) -> String {
    if error.is_timeout() {
        return match timeout {
            Some(timeout) => timed_out(timeout),
            None => format!("{TIMED_OUT} in time"),
        };
    }
    match error.source() {
        None => "request failed".into(),
        Some(source) if error.is_connect() => cannot_connect(source),
        Some(source) => failed(source),
    }
}

/// Why there is no connection.
pub(super) fn cannot_connect(error: &(dyn Error + 'static)) -> String {
    let (kind, cause) = innermost(error);
    let reason = match kind {
        Some(io::ErrorKind::TimedOut) => "connection timed out".into(),
        _ => reason(kind, &cause),
    };
    match reason.starts_with("connection") {
        true => reason.into_owned(),
        false => format!("cannot connect: {reason}"),
    }
}

/// Why a request that had a connection failed.
pub(super) fn failed(error: &(dyn Error + 'static)) -> String {
    let (kind, cause) = innermost(error);
    match kind {
        Some(io::ErrorKind::TimedOut) => format!(
            "connection lost: no acknowledgement for {} s",
            LOST_AFTER.as_secs()
        ),
        _ => reason(kind, &cause).into_owned(),
    }
}

/// True if the target ended the connection, or the way to it did.
pub(super) fn is_end(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof,
    };
    let (kind, cause) = innermost(error);
    let ends = [
        BrokenPipe,
        ConnectionAborted,
        ConnectionReset,
        NotConnected,
        UnexpectedEof,
    ];
    kind.is_some_and(|kind| ends.contains(&kind)) || cause.contains("closed before message")
}

/// The kind of the outermost error of the system's, and the innermost error's own words.
fn innermost(error: &(dyn Error + 'static)) -> (Option<io::ErrorKind>, String) {
    let mut kind = None;
    let mut innermost = error;
    for error in error_chain::chain(error) {
        let io = error.downcast_ref::<io::Error>();
        kind = kind.or_else(|| io.map(io::Error::kind));
        if let Some(tls) = io
            .and_then(io::Error::get_ref)
            .and_then(|it| it.downcast_ref())
        {
            return (kind, tls::reason(tls));
        }
        innermost = error;
    }
    (kind, innermost.to_string())
}

fn reason(kind: Option<io::ErrorKind>, cause: &str) -> Cow<'static, str> {
    let known = match kind {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused",
        Some(io::ErrorKind::ConnectionReset) => "connection reset by the target",
        Some(io::ErrorKind::BrokenPipe) => "connection closed by the target",
        Some(io::ErrorKind::TimedOut) => "connection timed out",
        Some(io::ErrorKind::HostUnreachable) => "host unreachable",
        Some(io::ErrorKind::NetworkUnreachable) => "network unreachable",
        Some(io::ErrorKind::AddrNotAvailable) => "no local port is free for another connection",
        _ if cause.contains("Too many open files") => "too many open files: raise ulimit -n",
        _ if cause.contains("failed to lookup address") => "host name not found",
        _ if cause.contains("connection closed")
            || cause.contains("end of file before message length")
            || cause.contains("unexpected EOF")
            || kind == Some(io::ErrorKind::UnexpectedEof) =>
        {
            "connection closed before the response was complete"
        }
        _ if cause.contains("head is too large") => "response headers are too long",
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
            if ["chunk", "trailer", "header"]
                .iter()
                .any(|part| cause.contains(part)) =>
        {
            "response is not valid HTTP: broken chunk"
        }
        _ => {
            return match cause.split_once(" parsed") {
                Some((what, _)) => format!("response is not valid HTTP: {what}").into(),
                None => cause.to_owned().into(),
            };
        }
    };
    known.into()
}
