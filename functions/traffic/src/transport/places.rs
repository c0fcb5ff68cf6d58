//! How many connections may be open at once: what the system gives a process is not for traffic alone.
//!
//! When no place is left, a connection that only waits for another request gives up its own. When all are
//! at work, the request fails at once and says that this machine is the reason: waiting would pass for the
//! target's response time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::EVICTED;
use super::pool::Pool;
use super::texts::NO_PLACE;

/// The places of a process, if there is a limit.
#[derive(Debug)]
pub(super) struct Places(Option<Arc<Semaphore>>);

/// One connection's, until it is closed.
pub(super) type Place = Option<OwnedSemaphorePermit>;

impl Places {
    pub(super) fn new(most: Option<usize>) -> Self {
        let most = most.map(|most| most.min(Semaphore::MAX_PERMITS));
        Self(most.map(|most| Arc::new(Semaphore::new(most))))
    }

    /// A place for a new connection.
    ///
    /// # Errors
    /// The text of the request when there is none.
    pub(super) fn take(&self, pool: &Pool) -> Result<Place, String> {
        let Some(places) = &self.0 else {
            return Ok(None);
        };
        loop {
            if let Ok(place) = Arc::clone(places).try_acquire_owned() {
                return Ok(Some(place));
            }
            if pool.evict(EVICTED) == 0 {
                return Err(NO_PLACE.to_owned());
            }
        }
    }
}
