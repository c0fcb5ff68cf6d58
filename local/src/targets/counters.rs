//! Exact counts of what arrived: per route and status, per user and model, and how many at once.
//!
//! A request counts from the moment its head is read, also when its client goes away before the
//! answer: then it counts as abandoned. It is over when its answer is ready, before the answer is
//! written, so that a client's next request never seems to overlap with the one before it.

pub(crate) mod snapshot;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

pub use snapshot::{CountersSnapshot, Gauge, RouteCount, UserCount};

use super::route::{Model, Route, Server};

/// The header by which a load generator says which of its users sends a request.
pub const USER_HEADER: &str = "x-cicada-user";

/// More users than this are counted in total only, so that no client can fill the memory.
const MOST_USERS: usize = 200_000;
/// A longer name is cut, for the same reason.
const LONGEST_USER: usize = 100;
const ROWS: usize = Route::ALL.len() * 2;

/// The counters of both servers.
#[derive(Debug)]
pub(crate) struct Counters {
    tally: Mutex<Tally>,
    started: Instant,
}

/// All counts since the last reset.
#[derive(Debug, Default)]
struct Tally {
    /// Which reset this is: a request that arrived before it no longer counts.
    generation: u64,
    total: Gauge,
    models: [Gauge; 2],
    rows: [Row; ROWS],
    users: Vec<User>,
    places: HashMap<Box<str>, usize>,
    arrivals: usize,
    requests_of_users_not_kept: u64,
    arrivals_not_kept: u64,
}

/// One route of one server.
#[derive(Debug, Default)]
struct Row {
    gauge: Gauge,
    models: [u64; 2],
    statuses: Vec<(u16, u64)>,
    abandoned: u64,
}

/// One user of the load generator.
#[derive(Debug, Default)]
struct User {
    name: Box<str>,
    gauge: Gauge,
    models: [Gauge; 2],
    arrivals_us: Vec<u64>,
}

impl Counters {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            tally: Mutex::default(),
            started,
        }
    }

    /// Counts a request that has just arrived; the visit says how it goes on.
    pub(crate) fn arrive(
        self: &Arc<Self>,
        server: Server,
        route: Route,
        user: Option<&str>,
        arrival_log: usize,
    ) -> Visit {
        let row = row_of(server, route);
        let arrived = Instant::now();
        let at_us = arrived.duration_since(self.started).as_micros() as u64;
        let mut tally = self.lock();
        tally.total.enter();
        tally.rows[row].gauge.enter();
        let user = user.and_then(|name| tally.user(name));
        if let Some(user) = user {
            tally.users[user].gauge.enter();
            tally.log_arrival(user, at_us, arrival_log);
        }
        Visit(Arc::new(VisitInner {
            generation: tally.generation,
            counters: Arc::clone(self),
            arrived,
            row,
            user,
            model: Mutex::new(None),
            over: AtomicBool::new(false),
        }))
    }

    /// Forgets everything, also the requests that are under way.
    pub(crate) fn reset(&self) {
        let mut tally = self.lock();
        *tally = Tally {
            generation: tally.generation + 1,
            ..Tally::default()
        };
    }

    /// How many requests `server` answered, and how many of them with a 5xx.
    pub(crate) fn answers_of(&self, server: Server) -> (u64, u64) {
        let tally = self.lock();
        let rows = Route::ALL.map(|route| &tally.rows[row_of(server, route)]);
        let statuses = rows.iter().flat_map(|row| &row.statuses);
        statuses.fold((0, 0), |(all, failed), (status, count)| {
            let failure = if *status >= 500 { *count } else { 0 };
            (all + count, failed + failure)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        // no count is ever half done when a thread panics
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// The place of the user called `name`; `None` when there is no room for another.
    fn user(&mut self, name: &str) -> Option<usize> {
        let name = cut(name);
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let place = self.users.len();
        if place == MOST_USERS {
            self.requests_of_users_not_kept += 1;
            return None;
        }
        self.places.insert(name.into(), place);
        self.users.push(User {
            name: name.into(),
            ..User::default()
        });
        Some(place)
    }

    fn log_arrival(&mut self, user: usize, at_us: u64, most: usize) {
        if most == 0 {
            return;
        }
        if self.arrivals < most {
            self.arrivals += 1;
            self.users[user].arrivals_us.push(at_us);
        } else {
            self.arrivals_not_kept += 1;
        }
    }
}

/// The first [`LONGEST_USER`] bytes of `name`, or a few less at a character's border.
fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(LONGEST_USER)]
}

fn row_of(server: Server, route: Route) -> usize {
    server as usize * Route::ALL.len() + route as usize
}

/// One request on its way through a server; counts as abandoned when it is dropped unanswered.
#[derive(Clone, Debug)]
pub(crate) struct Visit(Arc<VisitInner>);

#[derive(Debug)]
struct VisitInner {
    counters: Arc<Counters>,
    generation: u64,
    arrived: Instant,
    row: usize,
    user: Option<usize>,
    model: Mutex<Option<Model>>,
    over: AtomicBool,
}

impl Visit {
    /// How long ago the request arrived.
    pub(crate) fn age(&self) -> std::time::Duration {
        self.0.arrived.elapsed()
    }

    /// Says which model the request is for, once that is known.
    pub(crate) fn concerns(&self, model: Model) {
        let visit = &*self.0;
        let mut tally = visit.counters.lock();
        let before = visit.replace_model(model);
        if before.is_some() || tally.generation != visit.generation {
            return;
        }
        tally.models[model as usize].enter();
        tally.rows[visit.row].models[model as usize] += 1;
        if let Some(user) = visit.user {
            tally.users[user].models[model as usize].enter();
        }
    }

    /// The answer is ready and has this status.
    pub(crate) fn answered(&self, status: u16) {
        self.0.end(Some(status));
    }
}

impl VisitInner {
    fn replace_model(&self, model: Model) -> Option<Model> {
        let mut kept = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        kept.replace(model)
    }

    fn end(&self, status: Option<u16>) {
        if self.over.swap(true, Ordering::Relaxed) {
            return;
        }
        let model = *self.model.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tally = self.counters.lock();
        if tally.generation != self.generation {
            return;
        }
        let tally = &mut *tally;
        tally.total.leave();
        tally.rows[self.row].leave(status);
        let user = self.user.map(|user| &mut tally.users[user]);
        if let Some(model) = model {
            tally.models[model as usize].leave();
        }
        if let Some(user) = user {
            user.gauge.leave();
            if let Some(model) = model {
                user.models[model as usize].leave();
            }
        }
    }
}

impl Drop for VisitInner {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Row {
    fn leave(&mut self, status: Option<u16>) {
        self.gauge.leave();
        let Some(status) = status else {
            self.abandoned += 1;
            return;
        };
        match self.statuses.iter_mut().find(|(seen, _)| *seen == status) {
            Some((_, count)) => *count += 1,
            None => self.statuses.push((status, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters() -> Arc<Counters> {
        Arc::new(Counters::new(Instant::now()))
    }

    fn chat(counters: &Arc<Counters>, user: &str, model: Model) -> Visit {
        let visit = counters.arrive(Server::AiAgent, Route::Chat, Some(user), 0);
        visit.concerns(model);
        visit
    }

    #[test]
    fn a_request_that_nobody_waits_for_counts_as_abandoned() {
        let counters = counters();
        drop(chat(&counters, "ChatModelAUser/0", Model::A));
        chat(&counters, "ChatModelAUser/0", Model::A).answered(200);
        let under_way = chat(&counters, "ChatModelAUser/0", Model::A);
        let row = counters.snapshot().route("POST /chat").unwrap().clone();
        assert_eq!((row.requests, row.abandoned, row.in_flight), (3, 1, 1));
        assert_eq!(row.statuses[&200], 1);
        under_way.answered(500);
        let row = counters.snapshot().route("POST /chat").unwrap().clone();
        assert_eq!((row.statuses[&500], row.in_flight), (1, 0));
    }

    #[test]
    fn the_most_at_once_is_kept_per_user_and_model() {
        let counters = counters();
        let first = chat(&counters, "PassiveLoadUser/3", Model::A);
        let second = chat(&counters, "PassiveLoadUser/3", Model::B);
        let other = chat(&counters, "PassiveLoadUser/4", Model::B);
        for visit in [first, second, other] {
            visit.answered(200);
        }
        let snapshot = counters.snapshot();
        assert_eq!(snapshot.total.max_concurrent, 3);
        let user = snapshot.user("PassiveLoadUser/3").unwrap();
        assert_eq!(user.gauge.max_concurrent, 2);
        assert_eq!(user.models[&Model::A].max_concurrent, 1);
        assert_eq!(snapshot.models[&Model::B].max_concurrent, 2);
    }

    #[test]
    fn a_reset_forgets_what_is_under_way() {
        let counters = counters();
        let before = chat(&counters, "ModelAUser/1", Model::A);
        counters.reset();
        let after = chat(&counters, "ModelAUser/2", Model::B);
        before.answered(200);
        let snapshot = counters.snapshot();
        assert_eq!((snapshot.total.requests, snapshot.total.in_flight), (1, 1));
        assert!(snapshot.user("ModelAUser/1").is_none());
        after.answered(200);
        assert_eq!(counters.snapshot().total.in_flight, 0);
    }

    #[test]
    fn the_arrival_log_is_bounded_and_says_what_it_left_out() {
        let counters = counters();
        for _ in 0..5 {
            let visit = counters.arrive(Server::TargetApp, Route::Health, Some("u/1"), 3);
            visit.answered(200);
        }
        let snapshot = counters.snapshot();
        assert_eq!(snapshot.user("u/1").unwrap().arrivals_us.len(), 3);
        assert_eq!(snapshot.arrivals_not_kept, 2);
    }

    #[test]
    fn a_long_name_is_cut_at_a_characters_border() {
        let name = "ü".repeat(80);
        assert_eq!(cut(&name), "ü".repeat(50));
        assert_eq!(cut("ModelAUser/3"), "ModelAUser/3");
    }
}
