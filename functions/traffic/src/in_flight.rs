//! Who is busy in this process: a user never overlaps itself.
//!
//! Within a process this is exact and costs a look into a table. Between processes it is the store's
//! in-flight markers that say it, for the few iterations that last until their user's next one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::{Mutex, MutexGuard};

use crate::clock::Timestamp;
use crate::tick::Counts;
use crate::transport::UserKey;

/// The users of this process that are in an iteration.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    busy: Mutex<HashSet<UserKey>>,
    /// Under `constant` a user's turns follow one another, each waiting for the one before; the
    /// instant is the earliest for the next iteration.
    turns: Mutex<HashMap<UserKey, Arc<tokio::sync::Mutex<Timestamp>>>>,
}

/// Holds a user busy until dropped.
#[derive(Debug)]
pub(crate) struct Busy {
    in_flight: Arc<InFlight>,
    user: UserKey,
    counts: Arc<Counts>,
}

impl InFlight {
    /// Takes a user, unless it is busy; it counts among those of its run.
    pub(crate) fn start(self: &Arc<Self>, user: UserKey, counts: &Arc<Counts>) -> Option<Busy> {
        locked(&self.busy).insert(user).then(|| {
            counts.busy.fetch_add(1, Ordering::Relaxed);
            Busy {
                in_flight: Arc::clone(self),
                user,
                counts: Arc::clone(counts),
            }
        })
    }

    /// How many users are busy.
    pub(crate) fn count(&self) -> usize {
        locked(&self.busy).len()
    }

    /// What a user's turns wait for.
    pub(crate) fn turn(&self, user: UserKey) -> Arc<tokio::sync::Mutex<Timestamp>> {
        Arc::clone(locked(&self.turns).entry(user).or_default())
    }

    /// Forgets turns of users that nobody holds and whose rest is over.
    pub(crate) fn tidy(&self, now: Timestamp) {
        locked(&self.turns).retain(|_, turn| {
            Arc::strong_count(turn) > 1 || turn.try_lock().is_ok_and(|rest| *rest > now)
        });
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        locked(&self.in_flight.busy).remove(&self.user);
        self.counts.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // nothing in a guarded section leaves the tables half-changed
    mutex.lock()
}
