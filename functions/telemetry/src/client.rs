//! The client that exports leave by: an HTTP client like the traffic's, on the process's runtime.
//!
//! The SDK's threads have no reactor, so the requests are sent by tasks of the runtime, and the threads
//! wait for those. What goes wrong is said here, once a minute at most, and without URLs and headers:
//! those may be secret.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use opentelemetry_http::{HttpClient, HttpError, Request, Response, ResponseBodyTooLarge};
use reqwest::redirect;
use tokio::runtime::Handle;
use traffic::log_throttle::LogThrottle;
use traffic::transport;

use crate::error::StartError;

/// Troubles are said no more often than this.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// A collector answers with a few bytes; more is no answer to us.
const MAX_ANSWER: usize = 64 * 1024;

/// A client that all exporters share.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    runtime: Handle,
    exports: Arc<Exports>,
    timeout: Duration,
}

/// The fate of the exports: the number of spans that arrived, and what was said of those that did not.
#[derive(Debug)]
pub(crate) struct Exports {
    failures: LogThrottle,
    spans_exported: AtomicU64,
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            failures: LogThrottle::every(SAID_EVERY),
            spans_exported: AtomicU64::default(),
        }
    }
}

impl Client {
    /// A client whose requests `runtime` sends.
    pub(crate) fn new(runtime: Handle, exports: Arc<Exports>) -> Result<Self, StartError> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(transport::tls()?)
            // a redirect would take the headers along, and a key with them
            .redirect(redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            runtime,
            exports,
            timeout: Duration::MAX,
        })
    }

    /// The same with a timeout for each request.
    pub(crate) fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(crate) fn exports(&self) -> Arc<Exports> {
        Arc::clone(&self.exports)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut request = reqwest::Request::try_from(request)?;
        *request.timeout_mut() = Some(self.timeout);
        let sent = self.runtime.spawn(send(self.http.clone(), request));
        // the runtime ends before the threads do: what is on its way then is not exported
        let answer = sent.await?;
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.exports.say(&format!("status {}", answer.status())),
            Err(Unsent::Http(error)) => {
                self.exports
                    .say(&transport::explain(error, Some(self.timeout)));
            }
            Err(Unsent::TooLarge(error)) => self.exports.say(&error.to_string()),
        }
        Ok(answer?)
    }
}

#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error(transparent)]
    Http(reqwest::Error),
    #[error(transparent)]
    TooLarge(ResponseBodyTooLarge),
}

async fn send(http: reqwest::Client, request: reqwest::Request) -> Result<Response<Bytes>, Unsent> {
    let without_url = |error: reqwest::Error| Unsent::Http(error.without_url());
    let mut response = http.execute(request).await.map_err(without_url)?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(without_url)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Unsent::TooLarge(ResponseBodyTooLarge::new()));
        }
        body.extend_from_slice(&chunk);
    }
    let mut answer = Response::new(body.freeze());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    Ok(answer)
}

impl Exports {
    fn say(&self, reason: &str) {
        if let Some(attempts) = self.failures.happened() {
            tracing::warn!(reason, attempts, "telemetry cannot be exported");
        }
    }

    /// Notes that so many spans arrived.
    pub(crate) fn exported(&self, spans: u64) {
        self.spans_exported.fetch_add(spans, Ordering::Relaxed);
    }

    /// The number of spans that have arrived.
    pub(crate) fn spans_exported(&self) -> u64 {
        self.spans_exported.load(Ordering::Relaxed)
    }
}
