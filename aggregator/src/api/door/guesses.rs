//! Wrong passwords: each is answered late, so that guessing takes time. The right one never waits.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// How late the answer to a wrong password is.
const LATE: Duration = Duration::from_secs(1);

/// Answers that may be waiting at once. What is beyond is answered at once: connections that wait for
/// us are never closed, and must not take the place of those of others.
const WAITING: usize = 50;

/// Guesses at a password; clones share them.
#[derive(Clone)]
pub(super) struct Guesses(Arc<Semaphore>);

impl Default for Guesses {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(WAITING)))
    }
}

impl Guesses {
    /// Waits with the answer to a wrong password.
    pub(super) async fn slow_down(&self) {
        if let Ok(_place) = self.0.try_acquire() {
            tokio::time::sleep(LATE).await;
        }
    }
}
