//! The connections that wait for another request: those of each user, and those that all users share.
//!
//! One that is too old is not given out any more. Nobody may come back for a connection (its user is gone,
//! its name leads elsewhere), so one task looks through all of them every few seconds while there are any,
//! and closes what is too old or what the target has closed. Where no more connections may be open, the one
//! that has waited longest, whose user comes seldom, is taken over by another user or gives up its place.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use hashlink::LinkedHashMap;
use parking_lot::Mutex;
use reqwest::Url;
use rustls::ClientConfig;
use tokio::time::Instant;

use super::connection::{Connection, Moment, Origin};
use crate::clock::Clock;
use crate::random::UserKey;

/// Idle connections are looked through once in this time.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A user keeps connections to as many origins, as a session of requests does.
const MAX_OF_USER: usize = 10;

/// Users are spread over as many tables, so that threads seldom wait for one another.
const SHARDS: usize = 16;

/// The idle connections of a process.
#[derive(Debug)]
pub(super) struct Pool {
    users: [Mutex<Users>; SHARDS],
    /// By origin; the last one that was used is the first to be used again.
    shared: Mutex<Vec<(Arc<Origin>, VecDeque<Idle>)>>,
    clock: Clock,
    is_swept: AtomicBool,
}

/// The idle connections of users who have any; the user who came last is the last.
type Users = LinkedHashMap<UserKey, Vec<Idle>>;

/// A connection that waits.
#[derive(Debug)]
pub(super) struct Idle {
    connection: Connection,
    max_age: Duration,
    since: Instant,
}

impl Idle {
    fn is_good(&mut self, now: Moment) -> bool {
        self.connection.opened().until(now) < self.max_age && self.connection.is_untouched()
    }

    fn leads_to(&self, url: &Url, tls: Option<&Arc<ClientConfig>>) -> bool {
        self.connection.origin().serves(url, tls)
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
        self.first_good(max_age, || match owner {
            Some(user) => self.take_own(user, url, tls),
            None => self.take_shared(url, tls),
        })
    }

    /// The connection of whoever has not come for the longest time, if it can be used for a request to a
    /// URL: for somebody who has none, where no more may be open.
    pub(super) fn take_over(
        &self,
        url: &Url,
        tls: Option<&Arc<ClientConfig>>,
        max_age: Duration,
    ) -> Option<Connection> {
        self.first_good(max_age, || {
            self.longest_waiting(|idle| idle.leads_to(url, tls))
        })
    }

    fn first_good(
        &self,
        max_age: Duration,
        mut next: impl FnMut() -> Option<Idle>,
    ) -> Option<Connection> {
        loop {
            let mut idle = next()?;
            // the younger limit holds: the class may have another one than whoever put it here
            idle.max_age = idle.max_age.min(max_age);
            if idle.is_good(Moment::now(&self.clock)) {
                return Some(idle.connection);
            }
        }
    }

    fn take_own(&self, user: UserKey, url: &Url, tls: Option<&Arc<ClientConfig>>) -> Option<Idle> {
        let mut users = self.shard(user).lock();
        let own = users.get_mut(&user)?;
        let found = own.iter().position(|idle| idle.leads_to(url, tls))?;
        let idle = own.remove(found);
        if own.is_empty() {
            users.remove(&user);
        }
        Some(idle)
    }

    fn take_shared(&self, url: &Url, tls: Option<&Arc<ClientConfig>>) -> Option<Idle> {
        let mut shared = self.shared.lock();
        let mut origins = shared.iter_mut();
        let (_, idle) = origins.find(|(origin, _)| origin.serves(url, tls))?;
        idle.pop_back()
    }

    /// Keeps a connection for the next request of a user, or of all users.
    pub(super) fn put(
        self: &Arc<Self>,
        owner: Option<UserKey>,
        connection: Connection,
        max_age: Duration,
    ) {
        let now = Moment::now(&self.clock);
        if connection.opened().until(now) >= max_age {
            return;
        }
        let idle = Idle {
            connection,
            max_age,
            since: now.monotonic,
        };
        match owner {
            Some(user) => self.put_own(user, idle),
            None => self.put_shared(idle),
        }
        self.see_to_sweeping();
    }

    fn put_own(&self, user: UserKey, idle: Idle) {
        let mut users = self.shard(user).lock();
        let Some(own) = users.to_back(&user) else {
            // nearly always it is the only one
            users.insert(user, [idle].into());
            return;
        };
        let oldest = (own.len() == MAX_OF_USER).then(|| own.remove(0));
        own.push(idle);
        drop(users);
        drop(oldest);
    }

    fn put_shared(&self, idle: Idle) {
        let mut shared = self.shared.lock();
        let origin = idle.connection.origin();
        let same = |(known, _): &&mut (Arc<Origin>, VecDeque<Idle>)| known.is(origin);
        match shared.iter_mut().find(same) {
            Some((_, waiting)) => waiting.push_back(idle),
            None => shared.push((Arc::clone(origin), [idle].into())),
        }
    }

    fn shard(&self, (class, user): UserKey) -> &Mutex<Users> {
        &self.users[(class as usize ^ user as usize) % SHARDS]
    }

    fn see_to_sweeping(self: &Arc<Self>) {
        if !self.is_swept.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep_until_empty(Arc::downgrade(self)));
        }
    }

    /// Closes up to so many idle connections, whoever's they are, for somebody who cannot have another
    /// one, and of each user or origin the one that has waited longest first; says how many.
    pub(super) fn evict(&self, most: usize) -> usize {
        // every dial comes by here when files are short: it must not walk all users
        (0..most)
            .map_while(|_| self.longest_waiting(|_| true))
            .map(drop)
            .count()
    }

    /// Takes out the connection of whoever has not come for the longest time, if it is as wanted.
    fn longest_waiting(&self, is_wanted: impl Fn(&Idle) -> bool) -> Option<Idle> {
        loop {
            let shards = self.users.iter().filter_map(|shard| {
                let since = shard.lock().front()?.1.last()?.since;
                Some((since, Some(shard)))
            });
            let shared = first_of_all(&mut self.shared.lock()).map(|first| (first[0].since, None));
            let (_, shard) = shards.chain(shared).min_by_key(|(since, _)| *since)?;
            match shard {
                Some(shard) => {
                    let mut users = shard.lock();
                    match users.front().and_then(|(_, own)| own.first()) {
                        Some(idle) if is_wanted(idle) => return pop_first(&mut users),
                        Some(_) => return None,
                        // somebody else was faster
                        None => {}
                    }
                }
                None => match first_of_all(&mut self.shared.lock()) {
                    Some(waiting) if is_wanted(&waiting[0]) => return waiting.pop_front(),
                    Some(_) => return None,
                    None => {}
                },
            }
        }
    }

    /// Closes what cannot be used again; says how many connections are left.
    pub(super) fn sweep(&self) -> usize {
        let now = Moment::now(&self.clock);
        let mut left = 0;
        let mut closing = Vec::new();
        for shard in &self.users {
            let mut users = shard.lock();
            users.retain(|_, own| {
                closing.extend(own.extract_if(.., |idle| !idle.is_good(now)));
                left += own.len();
                !own.is_empty()
            });
            if users.len() < users.capacity() / 4 {
                users.shrink_to_fit();
            }
            drop(users);
            // a close is a system call: nobody waits for it
            closing.clear();
        }
        let mut shared = self.shared.lock();
        for (_, waiting) in &mut *shared {
            let mut all = Vec::from(std::mem::take(waiting));
            closing.extend(all.extract_if(.., |idle| !idle.is_good(now)));
            left += all.len();
            *waiting = all.into();
        }
        shared.retain(|(_, waiting)| !waiting.is_empty());
        drop(shared);
        left
    }
}

/// Takes out the first connection of the user who has not come for the longest time.
fn pop_first(users: &mut Users) -> Option<Idle> {
    let mut user = users.front_entry()?;
    match user.get_mut() {
        own if own.len() > 1 => Some(own.remove(0)),
        _ => user.remove().pop(),
    }
}

/// The connections of the origin whose first one has waited for the longest time.
fn first_of_all(shared: &mut [(Arc<Origin>, VecDeque<Idle>)]) -> Option<&mut VecDeque<Idle>> {
    let waiting = shared.iter_mut().map(|(_, waiting)| waiting);
    let waiting = waiting.filter(|waiting| !waiting.is_empty());
    waiting.min_by_key(|waiting| waiting[0].since)
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
