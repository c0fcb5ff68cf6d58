//! Connections that are made before there is a request for them, while a function's environment starts.
//!
//! A [`Warmer`] connects as the client would, through TLS, keeps the connection and sends nothing; the
//! client's next connection to the same origin is that one. One that has waited for longer than the
//! client keeps idle connections, or that the target has touched meanwhile, is dropped: a function's
//! environment may be frozen for minutes between its start and its first request.

use std::any::Any;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::Either;
use hyper::rt::{Read, ReadBuf};
use reqwest::{Client, Url};
use tokio::time::Instant;
use tower::{Layer, Service};

use super::IDLE_FOR;
use crate::clock::{Clock, Timestamp};

/// Makes connections that an [`Http`](super::Http) takes for its first requests.
#[derive(Clone, Debug)]
pub struct Warmer {
    /// Every connection it makes goes to the waiting ones, so it can never send.
    client: Client,
    waiting: Waiting,
}

impl Warmer {
    pub(super) fn new(client: Client, waiting: Waiting) -> Self {
        Self { client, waiting }
    }

    /// Connects to a URL's origin, with TLS if it is https, and keeps the connection for the first
    /// request. Nothing is sent on it.
    ///
    /// # Errors
    /// Why there is no connection, in the words that a request to the URL would end with.
    pub async fn connect(&self, url: &Url) -> Result<(), String> {
        let Err(error) = self.client.get(url.clone()).send().await else {
            return Err("something other than a connection was made".into());
        };
        if !is_kept(&error) {
            return Err(super::explain(&error, None));
        }
        let waiting = self.waiting.clone();
        tokio::spawn(async move {
            tokio::time::sleep(IDLE_FOR).await;
            waiting.drop_stale();
        });
        Ok(())
    }
}

/// The connections that wait for a request, one for each origin.
#[derive(Clone)]
pub(super) struct Waiting {
    connections: Arc<Mutex<HashMap<String, Kept>>>,
    clock: Clock,
}

struct Kept {
    connection: Box<dyn Any + Send>,
    at: Moment,
}

/// An instant by both clocks: which of them goes on while an environment is frozen is not ours to know.
#[derive(Clone, Copy)]
struct Moment {
    monotonic: Instant,
    wall: Timestamp,
}

impl Moment {
    /// Whether a connection of this moment is as good as one that the client kept until `now`.
    fn is_fresh(self, now: Self) -> bool {
        let monotonic = now.monotonic.duration_since(self.monotonic);
        monotonic.max(now.wall.since(self.wall)) < IDLE_FOR
    }
}

impl Waiting {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            connections: Arc::default(),
            clock,
        }
    }

    /// The layer of the client that connects ahead: it keeps each connection and fails its request.
    pub(super) fn keep(&self) -> Keep {
        Keep(self.clone())
    }

    /// The layer of the client that sends: it takes a connection that is there already.
    pub(super) fn take(&self) -> Take {
        Take(self.clone())
    }

    fn put(&self, origin: String, connection: Box<dyn Any + Send>) {
        let at = self.now();
        self.locked().insert(origin, Kept { connection, at });
    }

    /// The connection to a destination, if one waits that can be used.
    fn remove<C: Read + Unpin + 'static>(&self, destination: &impl fmt::Debug) -> Option<C> {
        let kept = {
            let mut connections = self.locked();
            if connections.is_empty() {
                return None;
            }
            connections.remove(&origin(destination))?
        };
        if !kept.at.is_fresh(self.now()) {
            return None;
        }
        let mut connection = kept.connection.downcast::<C>().ok()?;
        is_untouched(&mut connection).then_some(*connection)
    }

    fn drop_stale(&self) {
        let now = self.now();
        self.locked().retain(|_, kept| kept.at.is_fresh(now));
    }

    fn now(&self) -> Moment {
        Moment {
            monotonic: Instant::now(),
            wall: self.clock.now(),
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Kept>> {
        // nothing in a guarded section leaves the table half-changed
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.locked().keys()).finish()
    }
}

/// What tells connections apart. The type of a destination has no name outside of reqwest; it is
/// scheme, host and port, and its text has them all.
fn origin(destination: &impl fmt::Debug) -> String {
    format!("{destination:?}")
}

/// True while the target has neither closed the connection nor said anything on it.
fn is_untouched(connection: &mut (impl Read + Unpin)) -> bool {
    let mut byte = [0];
    let mut buffer = ReadBuf::new(&mut byte);
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(connection)
        .poll_read(&mut context, buffer.unfilled())
        .is_pending()
}

/// See [`Waiting::keep`].
#[derive(Clone, Debug)]
pub(super) struct Keep(Waiting);

/// See [`Waiting::take`].
#[derive(Clone, Debug)]
pub(super) struct Take(Waiting);

/// A connector with one of the layers around it.
#[derive(Clone, Debug)]
pub(super) struct Layered<S, L> {
    inner: S,
    layer: L,
}

impl<S> Layer<S> for Keep {
    type Service = Layered<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        let layer = self.clone();
        Layered { inner, layer }
    }
}

impl<S> Layer<S> for Take {
    type Service = Layered<S, Self>;

    fn layer(&self, inner: S) -> Self::Service {
        let layer = self.clone();
        Layered { inner, layer }
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<S, D> Service<D> for Layered<S, Keep>
where
    S: Service<D, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    D: fmt::Debug,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, destination: D) -> Self::Future {
        let origin = origin(&destination);
        let connecting = self.inner.call(destination);
        let waiting = self.layer.0.clone();
        Box::pin(async move {
            let connection = connecting.await?;
            waiting.put(origin, Box::new(connection));
            Err(IsKept.into())
        })
    }
}

impl<S, D> Service<D> for Layered<S, Take>
where
    S: Service<D>,
    S::Response: Read + Unpin + 'static,
    D: fmt::Debug,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<Ready<Result<S::Response, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, destination: D) -> Self::Future {
        match self.layer.0.remove(&destination) {
            Some(connection) => Either::Left(ready(Ok(connection))),
            None => Either::Right(self.inner.call(destination)),
        }
    }
}

/// How a request ends whose connection is kept for another.
#[derive(Debug, thiserror::Error)]
#[error("the connection is kept for later")]
struct IsKept;

fn is_kept(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(error) = source {
        if error.is::<IsKept>() {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
