//! The number of ticks that begin iterations at once. A machine that has far more to begin than it can must still answer who
//! asks it to stop: what was begun, and everything else, has its turn before more is begun.
//!
//! Ticks wait in order. One that waits for an instant, or for responses, holds nobody up.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ticks that begin iterations at once.
const TICKS: usize = 64;

/// Iterations that a tick begins before others get their turn.
const IN_A_ROW: u32 = 8;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Starts(Arc<Semaphore>);

/// A tick's place among those that begin iterations, while it has one.
#[derive(Debug, Default)]
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    in_a_row: u32,
}

impl Default for Starts {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(TICKS)))
    }
}

impl Starts {
    /// Waits behind those who wait already, if any do.
    pub(super) async fn behind_others(&self) {
        if self.0.available_permits() == 0 {
            // it is never closed
            let _ = self.0.acquire().await;
        }
    }

    /// Takes a place unless the tick has one; false if that takes waiting.
    pub(super) fn try_take(&self, place: &mut Place) -> bool {
        if place.permit.is_none() {
            place.in_a_row = 0;
            place.permit = Arc::clone(&self.0).try_acquire_owned().ok();
        }
        place.permit.is_some()
    }

    /// Waits for a place.
    pub(super) async fn take(&self, place: &mut Place) {
        // it is never closed
        place.permit = Arc::clone(&self.0).acquire_owned().await.ok();
    }
}

impl Place {
    /// Gives the place up.
    pub(super) fn leave(&mut self) {
        self.permit = None;
    }

    /// An iteration was begun: after some in a row it gives way to everything else.
    pub(super) async fn begun(&mut self) {
        self.in_a_row += 1;
        if self.in_a_row.is_multiple_of(IN_A_ROW) {
            tokio::task::yield_now().await;
        }
    }
}
