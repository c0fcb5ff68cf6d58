//! How requests leave: one shared HTTP client, and the seam that tests put something else into.
//!
//! Whatever a target does, a request ends within its timeout as a reply or as a readable text of
//! few variants, so that dashboards can group by it.

use std::borrow::Cow;
use std::error::Error as _;
use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, Request, Response, StatusCode, redirect};
use rustls::ClientConfig;

use crate::clock::Clock;
pub use crate::content_coding::MAX_BODY;
use crate::tls::{self, TlsError};

mod warm;

use warm::Waiting;
pub use warm::Warmer;

/// As many redirects as Locust's client follows.
const MAX_REDIRECTS: usize = 30;

/// Idle connections are dropped before common servers do it from their side (5 s in uvicorn and
/// Node), which would fail the request that happens to be on its way.
const IDLE_FOR: Duration = Duration::from_secs(4);

/// Sends requests.
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and reads the response to its end; keeps the body only if asked to.
    ///
    /// # Errors
    /// A short text for the statistics when there is no complete response.
    fn send(
        &self,
        request: Request,
        keep_body: bool,
    ) -> impl Future<Output = Result<Reply, String>> + Send;
}

/// A complete response.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, if it was asked for.
    pub body: Bytes,
    /// The body's length in bytes.
    pub content_length: u64,
}

/// The HTTP client that all users of a process share.
#[derive(Clone, Debug)]
pub struct Http(Client);

/// The HTTP client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// There is nothing to check targets with.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client does not like something else.
    #[error("the HTTP client cannot be made")]
    Client(#[from] reqwest::Error),
}

impl Http {
    /// A client with a connection pool of its own.
    ///
    /// # Errors
    /// When the system's root certificates cannot be read.
    pub fn new() -> Result<Self, HttpError> {
        Ok(Self(settings(tls::for_targets()?).build()?))
    }

    /// A client, and what makes connections for its first requests ahead of them. Each connection
    /// that it makes by itself costs a few allocations more than [`Http::new`]'s.
    ///
    /// # Errors
    /// When the system's root certificates cannot be read.
    pub fn warmable(clock: Clock) -> Result<(Self, Warmer), HttpError> {
        Self::warmable_with(tls::for_targets()?, clock)
    }

    /// Both clients have one TLS configuration: what either makes is as good for the other.
    fn warmable_with(tls: ClientConfig, clock: Clock) -> Result<(Self, Warmer), HttpError> {
        let waiting = Waiting::new(clock);
        let ahead = settings(tls.clone())
            // it must connect each time it is asked to
            .pool_max_idle_per_host(0)
            .connector_layer(waiting.keep())
            .build()?;
        let client = settings(tls).connector_layer(waiting.take()).build()?;
        Ok((Self(client), Warmer::new(ahead, waiting)))
    }
}

fn settings(tls: ClientConfig) -> ClientBuilder {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::limited(MAX_REDIRECTS))
        .pool_idle_timeout(IDLE_FOR)
}

/// TLS for AWS's services and for collectors.
///
/// # Errors
/// When there are no root certificates.
pub fn tls() -> Result<ClientConfig, HttpError> {
    Ok(tls::for_services()?)
}

impl Transport for Http {
    async fn send(&self, request: Request, keep_body: bool) -> Result<Reply, String> {
        let timeout = request.timeout().copied();
        let explain = |error: &reqwest::Error| explain(error, timeout);
        let mut response = self
            .0
            .execute(request)
            .await
            .map_err(|error| explain(&error))?;
        let mut body = BytesMut::new();
        let mut content_length = 0;
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
            content_length += chunk.len() as u64;
            if content_length > MAX_BODY {
                return Err(format!(
                    "response body is longer than {} MiB",
                    MAX_BODY >> 20
                ));
            }
            if keep_body {
                body.extend_from_slice(&chunk);
            }
        }
        Ok(reply(&mut response, body.freeze(), content_length))
    }
}

fn reply(response: &mut Response, body: Bytes, content_length: u64) -> Reply {
    Reply {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body,
        content_length,
    }
}

/// What a request's text begins with that had no complete response in time.
pub const TIMED_OUT: &str = "no complete response";

/// What went wrong, without addresses and ports: those would make every error its own row.
pub fn explain(error: &reqwest::Error, timeout: Option<Duration>) -> String {
    if error.is_timeout() {
        return match timeout {
            Some(timeout) => format!("{TIMED_OUT} within {} s", timeout.as_secs_f64()),
            None => format!("{TIMED_OUT} in time"),
        };
    }
    if error.is_redirect() {
        return format!("more than {MAX_REDIRECTS} redirects");
    }
    let mut innermost = error.source();
    let mut kind = None;
    let mut cause = String::new();
    while let Some(source) = innermost {
        kind = kind.or_else(|| source.downcast_ref::<io::Error>().map(io::Error::kind));
        cause = source.to_string();
        innermost = source.source();
    }
    let reason = reason(kind, &cause);
    if error.is_connect() && !reason.starts_with("connection") {
        return format!("cannot connect: {reason}");
    }
    if reason.is_empty() {
        "request failed".into()
    } else {
        reason.into()
    }
}

/// The innermost cause in words that say what the target did, not how our client found out.
fn reason(kind: Option<io::ErrorKind>, cause: &str) -> Cow<'_, str> {
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
        _ if cause.contains("closed before message completed")
            || cause.contains("end of file before message length")
            || cause.contains("unexpected EOF") =>
        {
            "connection closed before the response was complete"
        }
        _ if cause.contains("InvalidContentType") => "the target does not speak TLS",
        _ if cause.contains("head is too large") => "response headers are too long",
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
            if ["chunk", "trailer", "header"]
                .iter()
                .any(|part| cause.contains(part)) =>
        {
            "response is not valid HTTP: broken chunk"
        }
        _ => match cause.split_once(" parsed") {
            Some((what, _)) => return format!("response is not valid HTTP: {what}").into(),
            None => cause,
        },
    };
    known.into()
}
