//! The connections that wait for another request: those of each user, and those that all users share.
//!
//! One that is too old is not given out any more. Nobody may come back for a connection (its user is gone,
//! its name leads elsewhere), so one task looks through all of them every few seconds while there are any,
//! and closes what is too old or what the target has closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use reqwest::Url;
use rustls::ClientConfig;

use super::UserKey;
use super::connection::{Connection, Moment, Origin};
use crate::clock::Clock;

/// How often idle connections are looked through.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A user keeps connections to as many origins, as a session of requests does.
const MAX_OF_USER: usize = 10;

/// Users are spread over as many tables, so that threads seldom wait for one another.
const SHARDS: usize = 16;

/// The idle connections of a process.
#[derive(Debug)]
pub(super) struct Pool {
    users: [Mutex<HashMap<UserKey, Vec<Idle>>>; SHARDS],
    /// By origin; the last one that was used is the first to be used again.
    shared: Mutex<Vec<(Arc<Origin>, Vec<Idle>)>>,
    clock: Clock,
    is_swept: AtomicBool,
}

/// A connection that waits.
#[derive(Debug)]
pub(super) struct Idle {
    connection: Connection,
    max_age: Duration,
}

impl Idle {
    fn is_good(&mut self, now: Moment) -> bool {
        self.connection.opened().until(now) < self.max_age && self.connection.is_untouched()
    }
}

impl Pool {
    pub(super) fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            users: Default::default(),
            shared: Mutex::default(),
            clock,
            is_swept: AtomicBool::new(false),
        })
    }

    /// A connection of a user, or of all users, that can be used for a request to a URL.
    pub(super) fn take(
        &self,
        owner: Option<UserKey>,
        url: &Url,
        tls: Option<&Arc<ClientConfig>>,
        max_age: Duration,
    ) -> Option<Connection> {
        loop {
            let idle = match owner {
                Some(user) => self.take_own(user, url, tls),
                None => self.take_shared(url, tls),
            };
            // the younger limit holds: the class may have another one than whoever put it here
            let mut idle = idle?;
            idle.max_age = idle.max_age.min(max_age);
            if idle.is_good(Moment::now(&self.clock)) {
                return Some(idle.connection);
            }
        }
    }

    fn take_own(&self, user: UserKey, url: &Url, tls: Option<&Arc<ClientConfig>>) -> Option<Idle> {
        let mut users = locked(self.shard(user));
        let own = users.get_mut(&user)?;
        let found = own
            .iter()
            .position(|idle| idle.connection.origin().serves(url, tls))?;
        Some(own.swap_remove(found))
    }

    fn take_shared(&self, url: &Url, tls: Option<&Arc<ClientConfig>>) -> Option<Idle> {
        let mut shared = locked(&self.shared);
        let mut origins = shared.iter_mut();
        let (_, idle) = origins.find(|(origin, _)| origin.serves(url, tls))?;
        idle.pop()
    }

    /// Keeps a connection for the next request of a user, or of all users.
    pub(super) fn put(
        self: &Arc<Self>,
        owner: Option<UserKey>,
        connection: Connection,
        max_age: Duration,
    ) {
        if connection.opened().until(Moment::now(&self.clock)) >= max_age {
            return;
        }
        let idle = Idle {
            connection,
            max_age,
        };
        match owner {
            Some(user) => {
                let mut users = locked(self.shard(user));
                let own = users.entry(user).or_insert_with(|| Vec::with_capacity(1));
                if own.len() == MAX_OF_USER {
                    own.remove(0);
                }
                own.push(idle);
            }
            None => self.put_shared(idle),
        }
        self.see_to_sweeping();
    }

    fn put_shared(&self, idle: Idle) {
        let mut shared = locked(&self.shared);
        let origin = idle.connection.origin();
        let same = |(known, _): &&mut (Arc<Origin>, Vec<Idle>)| known.is(origin);
        match shared.iter_mut().find(same) {
            Some((_, waiting)) => waiting.push(idle),
            None => shared.push((Arc::clone(origin), vec![idle])),
        }
    }

    fn shard(&self, (class, user): UserKey) -> &Mutex<HashMap<UserKey, Vec<Idle>>> {
        &self.users[(class as usize ^ user as usize) % SHARDS]
    }

    fn see_to_sweeping(self: &Arc<Self>) {
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep_until_empty(Arc::downgrade(self)));
        }
    }

    /// Closes up to so many idle connections, whoever's they are, for somebody who cannot have another
    /// one; says how many.
    pub(super) fn evict(&self, most: usize) -> usize {
        let mut closing = Vec::new();
        for (_, waiting) in &mut *locked(&self.shared) {
            let oldest = waiting.len().min(most - closing.len());
            closing.extend(waiting.drain(..oldest));
        }
        for shard in &self.users {
            for own in locked(shard).values_mut() {
                if closing.len() == most {
                    // every dial comes by here when files are short: it must not walk all users
                    return closing.len();
                }
                let some = own.len().min(most - closing.len());
                closing.extend(own.drain(..some));
            }
        }
        closing.len()
    }

    /// Closes what cannot be used again; says how many connections are left.
    pub(super) fn sweep(&self) -> usize {
        let now = Moment::now(&self.clock);
        let mut left = 0;
        let mut closing = Vec::new();
        for shard in &self.users {
            let mut users = locked(shard);
            for own in users.values_mut() {
                closing.extend(own.extract_if(.., |idle| !idle.is_good(now)));
                left += own.len();
            }
            users.retain(|_, own| !own.is_empty());
            if users.len() < users.capacity() / 4 {
                users.shrink_to_fit();
            }
            drop(users);
            // a close is a system call: nobody waits for it
            closing.clear();
        }
        let mut shared = locked(&self.shared);
        for (_, waiting) in &mut *shared {
            closing.extend(waiting.extract_if(.., |idle| !idle.is_good(now)));
            left += waiting.len();
        }
        shared.retain(|(_, waiting)| !waiting.is_empty());
        drop(shared);
        left
    }
}

async fn sweep_until_empty(pool: Weak<Pool>) {
    /// Whatever ends the task, another one can follow.
    struct Sweeping(Weak<Pool>);
    impl Drop for Sweeping {
        fn drop(&mut self) {
            if let Some(pool) = self.0.upgrade() {
                pool.is_swept.store(false, Ordering::Release);
            }
        }
    }
    loop {
        let sweeping = Sweeping(Weak::clone(&pool));
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let Some(pool) = pool.upgrade() else { return };
            if pool.sweep() == 0 {
                break;
            }
        }
        drop(sweeping);
        // one that was put here meanwhile has found the task still there
        let Some(pool) = pool.upgrade() else { return };
        if pool.sweep() == 0 || pool.is_swept.swap(true, Ordering::AcqRel) {
            return;
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // nothing in a guarded section leaves a table half-changed
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
