//! The places for connections that may be open at once: what the system gives a process is not for traffic alone.
//!
//! When no place is left, users take over connections from one another: to open one for each request in the
//! place of another user's would cost more than the request, and soon no port would be left. Where none
//! leads to the same origin, one that only waits for another request gives up its place. No more requests are under
//! way than there are places, so one that has begun always finds its own; the others wait before they begin, and
//! before their response time does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use super::texts::NO_PLACE;

/// The places of a process.
#[derive(Debug)]
pub(super) struct Places {
    /// As many as there are, if there is a limit.
    left: Option<Arc<Semaphore>>,
    /// As many, for requests under way.
    requests: Option<Semaphore>,
    most: usize,
    has_said: AtomicBool,
}

/// The place of a request among those that are under way at once; none where there is no limit.
pub type RequestPlace<'t> = Option<SemaphorePermit<'t>>;

/// One connection's, until it is closed.
pub(super) type Place = Option<OwnedSemaphorePermit>;

impl Places {
    pub(super) fn new(most: Option<usize>) -> Self {
        let most = most.map(|most| most.min(Semaphore::MAX_PERMITS));
        Self {
            left: most.map(|most| Arc::new(Semaphore::new(most))),
            requests: most.map(Semaphore::new),
            most: most.unwrap_or(usize::MAX),
            has_said: AtomicBool::new(false),
        }
    }

    /// Waits until one more request may be under way.
    pub(super) async fn of_request(&self) -> RequestPlace<'_> {
        // it is never closed
        self.requests.as_ref()?.acquire().await.ok()
    }

    /// True if all are taken.
    pub(super) fn are_taken(&self) -> bool {
        let left = self.left.as_ref();
        left.is_some_and(|left| left.available_permits() == 0)
    }

    /// Says once that users take over connections from one another.
    pub(super) fn say_shared(&self) {
        if !self.has_said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                connections = self.most,
                "more users than connections that may be open: those who come seldom share them; raise ulimit -n, or the memory"
            );
        }
    }

    /// A place for a new connection; when all are taken, the one of an idle connection that `evict` closes.
    ///
    /// # Errors
    /// The text of the request when there is none.
    pub(super) fn take(&self, evict: impl Fn() -> bool) -> Result<Place, String> {
        let Some(places) = &self.left else {
            return Ok(None);
        };
        loop {
            if let Ok(place) = Arc::clone(places).try_acquire_owned() {
                return Ok(Some(place));
            }
            if !evict() {
                return Err(NO_PLACE.to_owned());
            }
        }
    }
}
