//! Exact counts of the requests that arrived: per route and status, per user and model, and the most
//! at the same time.
//!
//! A request counts from the moment its head is read, also when its client goes away before the
//! answer: then it counts as abandoned. It is over when its answer is ready, before the answer is
//! written, so that a client's next request never seems to overlap with the one before it.

mod snapshot;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use strum::VariantArray as _;
use tokio::time::Instant;

pub(crate) use snapshot::Detail;
pub use snapshot::{CountersSnapshot, Gauge, RouteCount, UserCount};

use crate::route::{Model, Route, Server};

/// The header by which a load generator says which of its users sends a request.
pub const USER_HEADER: &str = "x-cicada-user";

/// Users beyond this number are counted in total only, so that no client can fill the memory.
const MOST_USERS: usize = 200_000;
/// A longer name is cut, for the same reason.
const LONGEST_USER: usize = 100;

#[derive(Debug)]
pub(crate) struct Counters {
    counts: Mutex<Counts>,
    started: Instant,
}

/// All counts since the last reset.
#[derive(Debug)]
struct Counts {
    /// The number of resets: a request that arrived before the last one no longer counts.
    generation: u64,
    /// Everything that is shown; of each server every route, also those without a request.
    shown: CountersSnapshot,
    /// Each user's place among the users that are shown.
    places: HashMap<Box<str>, usize>,
    arrivals: usize,
}

impl Counters {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            counts: Mutex::new(Counts::new(0)),
            started,
        }
    }

    /// Counts a request that has just arrived, and follows it to its end by the visit.
    pub(crate) fn arrive(
        self: &Arc<Self>,
        server: Server,
        route: Route,
        user: Option<&str>,
        arrival_log: usize,
    ) -> Visit {
        let row = server as usize * Route::VARIANTS.len() + route as usize;
        let arrived = Instant::now();
        let at_us = arrived.duration_since(self.started).as_micros() as u64;
        let mut counts = self.counts.lock();
        counts.shown.total.enter();
        counts.shown.routes[row].gauge.enter();
        let user = user.and_then(|name| counts.user(name));
        if let Some(user) = user {
            counts.shown.users[user].gauge.enter();
            counts.log_arrival(user, at_us, arrival_log);
        }
        Visit(Arc::new(VisitInner {
            generation: counts.generation,
            counters: Arc::clone(self),
            arrived,
            row,
            user,
            model: OnceLock::new(),
            over: AtomicBool::new(false),
        }))
    }

    pub(crate) fn snapshot(&self, detail: Detail) -> CountersSnapshot {
        self.counts.lock().shown.in_detail(detail)
    }

    /// Forgets everything, also the requests that are under way.
    pub(crate) fn reset(&self) {
        let mut counts = self.counts.lock();
        *counts = Counts::new(counts.generation + 1);
    }

    /// The number of requests that `server` answered, and of those with a 5xx.
    pub(crate) fn answers_of(&self, server: Server) -> (u64, u64) {
        let counts = self.counts.lock();
        let rows = counts
            .shown
            .routes
            .iter()
            .filter(|row| row.server == server);
        let statuses = rows.flat_map(|row| &row.statuses);
        statuses.fold((0, 0), |(all, failed), (status, count)| {
            let failure = if *status >= 500 { *count } else { 0 };
            (all + count, failed + failure)
        })
    }
}

impl Counts {
    fn new(generation: u64) -> Self {
        Self {
            generation,
            shown: CountersSnapshot::empty(),
            places: HashMap::new(),
            arrivals: 0,
        }
    }

    /// The place of the user called `name`; `None` when there is no room for another.
    fn user(&mut self, name: &str) -> Option<usize> {
        let name = &name[..name.floor_char_boundary(LONGEST_USER)];
        if let Some(place) = self.places.get(name) {
            return Some(*place);
        }
        let place = self.shown.users.len();
        if place == MOST_USERS {
            self.shown.requests_of_users_not_kept += 1;
            return None;
        }
        self.places.insert(name.into(), place);
        self.shown.users.push(UserCount::new(name));
        Some(place)
    }

    fn log_arrival(&mut self, user: usize, at_us: u64, most: usize) {
        if most == 0 {
            return;
        }
        if self.arrivals < most {
            self.arrivals += 1;
            self.shown.users[user].arrivals_us.push(at_us);
        } else {
            self.shown.arrivals_not_kept += 1;
        }
    }
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
    model: OnceLock<Model>,
    over: AtomicBool,
}

impl Visit {
    pub(crate) fn age(&self) -> Duration {
        self.0.arrived.elapsed()
    }

    /// Counts the request for `model`, once that is known.
    pub(crate) fn concerns(&self, model: Model) {
        let visit = &*self.0;
        let mut counts = visit.counters.counts.lock();
        if visit.model.set(model).is_err() || counts.generation != visit.generation {
            return;
        }
        let shown = &mut counts.shown;
        shown.models.entry(model).or_default().enter();
        *shown.routes[visit.row].models.entry(model).or_default() += 1;
        if let Some(user) = visit.user {
            shown.users[user].models.entry(model).or_default().enter();
        }
    }

    /// Ends the request: its answer is ready and has this status.
    pub(crate) fn answered(&self, status: u16) {
        self.0.end(Some(status));
    }
}

impl VisitInner {
    fn end(&self, status: Option<u16>) {
        if self.over.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut counts = self.counters.counts.lock();
        if counts.generation != self.generation {
            return;
        }
        let shown = &mut counts.shown;
        shown.total.leave();
        shown.routes[self.row].leave(status);
        if let Some(user) = self.user {
            shown.users[user].gauge.leave();
        }
        let Some(model) = self.model.get() else {
            return;
        };
        let of_user = self.user.map(|user| &mut shown.users[user].models);
        for gauges in [Some(&mut shown.models), of_user].into_iter().flatten() {
            gauges.entry(*model).or_default().leave();
        }
    }
}

impl Drop for VisitInner {
    fn drop(&mut self) {
        self.end(None);
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
        let row = counters
            .snapshot(Detail::ALL)
            .route("POST /chat")
            .unwrap()
            .clone();
        assert_eq!(
            (row.gauge.requests, row.abandoned, row.gauge.in_flight),
            (3, 1, 1)
        );
        assert_eq!(row.statuses[&200], 1);
        under_way.answered(500);
        let row = counters
            .snapshot(Detail::ALL)
            .route("POST /chat")
            .unwrap()
            .clone();
        assert_eq!((row.statuses[&500], row.gauge.in_flight), (1, 0));
    }

    #[test]
    fn a_reset_forgets_what_is_under_way() {
        let counters = counters();
        let before = chat(&counters, "ModelAUser/1", Model::A);
        counters.reset();
        let after = chat(&counters, "ModelAUser/2", Model::B);
        before.answered(200);
        let snapshot = counters.snapshot(Detail::ALL);
        assert_eq!((snapshot.total.requests, snapshot.total.in_flight), (1, 1));
        assert!(snapshot.user("ModelAUser/1").is_none());
        after.answered(200);
        assert_eq!(counters.snapshot(Detail::ALL).total.in_flight, 0);
    }

    #[test]
    fn the_arrival_log_is_bounded_and_says_what_it_left_out() {
        let counters = counters();
        for _ in 0..5 {
            let visit = counters.arrive(Server::TargetApp, Route::Health, Some("u/1"), 3);
            visit.answered(200);
        }
        let snapshot = counters.snapshot(Detail::ALL);
        assert_eq!(snapshot.user("u/1").unwrap().arrivals_us.len(), 3);
        assert_eq!(snapshot.arrivals_not_kept, 2);
    }

    #[test]
    fn a_long_name_is_cut_at_a_characters_border() {
        let counters = counters();
        for (name, kept) in [
            ("ü".repeat(80), "ü".repeat(50)),
            (
                format!("x{}", "ü".repeat(80)),
                format!("x{}", "ü".repeat(49)),
            ),
            ("ModelAUser/3".to_owned(), "ModelAUser/3".to_owned()),
        ] {
            chat(&counters, &name, Model::A).answered(200);
            let snapshot = counters.snapshot(Detail::ALL);
            assert_eq!(snapshot.user(&kept).unwrap().gauge.requests, 1);
        }
    }
}
