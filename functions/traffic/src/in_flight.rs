//! The users that are busy in this process: a user never overlaps itself.
//!
//! Within a process this is exact and costs a look into a table. Between processes it is the store's
//! in-flight markers that say it, for the few iterations that last until their user's next one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::random::UserKey;
use crate::under_way::Counts;

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
    fn start(self: &Arc<Self>, user: UserKey, counts: &Arc<Counts>) -> Option<Busy> {
        self.busy.lock().insert(user).then(|| {
            counts.busy.fetch_add(1, Ordering::Relaxed);
            Busy {
                in_flight: Arc::clone(self),
                user,
                counts: Arc::clone(counts),
            }
        })
    }

    /// The number of busy users.
    pub(crate) fn count(&self) -> usize {
        self.busy.lock().len()
    }

    fn turn(&self, user: UserKey) -> Arc<tokio::sync::Mutex<Timestamp>> {
        Arc::clone(self.turns.lock().entry(user).or_default())
    }

    /// Forgets turns of users that nobody holds and whose rest is over.
    pub(crate) fn tidy(&self, now: Timestamp) {
        self.turns.lock().retain(|_, turn| {
            Arc::strong_count(turn) > 1 || turn.try_lock().is_ok_and(|rest| *rest > now)
        });
    }
}

/// The users of one class of a run, by their indices.
#[derive(Debug)]
pub(crate) struct UsersOfRun {
    in_flight: Arc<InFlight>,
    class_key: u64,
    counts: Arc<Counts>,
}

impl UsersOfRun {
    /// Those whose keys begin with `class_key`; `counts` has the busy ones of the run.
    pub(crate) fn new(in_flight: Arc<InFlight>, class_key: u64, counts: Arc<Counts>) -> Self {
        Self {
            in_flight,
            class_key,
            counts,
        }
    }

    /// Takes a user, unless it is busy.
    pub(crate) fn start(&self, user: u32) -> Option<Busy> {
        self.in_flight.start((self.class_key, user), &self.counts)
    }

    /// The lock that a user's turns wait for, with the earliest instant for its next iteration.
    pub(crate) fn turn(&self, user: u32) -> Arc<tokio::sync::Mutex<Timestamp>> {
        self.in_flight.turn((self.class_key, user))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.in_flight.busy.lock().remove(&self.user);
        self.counts.busy.fetch_sub(1, Ordering::Relaxed);
    }
}
