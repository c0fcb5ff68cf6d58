//! What the counters say at one moment, as JSON and as values for tests.
//!
//! Requests = the sum of the statuses + abandoned + in flight, for every route and in total.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::route::{Model, Route, Server};
use super::{Counters, Row, User, row_of};

/// How many requests there were, are just now, and were at most at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gauge {
    /// How many arrived.
    pub requests: u64,
    /// How many are being answered just now.
    pub in_flight: u64,
    /// How many were being answered at the same time, at most.
    pub max_concurrent: u64,
}

impl Gauge {
    pub(super) fn enter(&mut self) {
        self.requests += 1;
        self.in_flight += 1;
        self.max_concurrent = self.max_concurrent.max(self.in_flight);
    }

    pub(super) fn leave(&mut self) {
        self.in_flight -= 1;
    }
}

/// The counts of one route of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteCount {
    /// Which server answers the route.
    pub server: Server,
    /// The method, `*` for requests that no route answers.
    pub method: String,
    /// The pattern of the path, `(unknown)` for requests that no route answers.
    pub route: String,
    /// How many arrived.
    pub requests: u64,
    /// How many are being answered just now.
    pub in_flight: u64,
    /// How many were being answered at the same time, at most.
    pub max_concurrent: u64,
    /// How many were answered, by status.
    pub statuses: BTreeMap<u16, u64>,
    /// How many lost their client before the answer was ready.
    pub abandoned: u64,
    /// How many named a model, by model; empty for routes without one.
    pub models: BTreeMap<Model, u64>,
}

/// The counts of one user, as the header `X-Cicada-User` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserCount {
    /// The name, `ModelAUser/3` for instance.
    pub user: String,
    /// All of the user's requests.
    #[serde(flatten)]
    pub gauge: Gauge,
    /// Those that named a model, by model.
    pub models: BTreeMap<Model, Gauge>,
    /// When the requests arrived, in microseconds since the start on a clock that only goes forward.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrivals_us: Vec<u64>,
}

/// All counts of both servers since the last reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountersSnapshot {
    /// All requests to both servers.
    pub total: Gauge,
    /// Those that named a model, by model.
    pub models: BTreeMap<Model, Gauge>,
    /// The routes that were asked for.
    pub routes: Vec<RouteCount>,
    /// The users that asked, in the order of their first requests.
    pub users: Vec<UserCount>,
    /// Requests by users beyond the number that is kept; they are in the other counts.
    pub requests_of_users_not_kept: u64,
    /// Arrivals beyond the number that the arrival log keeps.
    pub arrivals_not_kept: u64,
}

impl CountersSnapshot {
    /// The counts of a route written like `POST /chat`; `None` before its first request.
    pub fn route(&self, name: &str) -> Option<&RouteCount> {
        let is_named = |row: &&RouteCount| format!("{} {}", row.method, row.route) == name;
        self.routes.iter().find(is_named)
    }

    /// How many requests arrived for a route written like `POST /chat`.
    pub fn requests(&self, name: &str) -> u64 {
        self.route(name).map_or(0, |row| row.requests)
    }

    /// The counts of a user; `None` before its first request.
    pub fn user(&self, name: &str) -> Option<&UserCount> {
        self.users.iter().find(|user| user.user == name)
    }

    /// The users of a class: those named `class/…`.
    pub fn users_of(&self, class: &str) -> impl Iterator<Item = &UserCount> {
        let prefix = format!("{class}/");
        self.users
            .iter()
            .filter(move |user| user.user.starts_with(&prefix))
    }
}

/// What a snapshot holds beside the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) users: bool,
    pub(crate) arrivals: bool,
}

impl Counters {
    /// Everything.
    pub(crate) fn snapshot(&self) -> CountersSnapshot {
        self.snapshot_with(Detail {
            users: true,
            arrivals: true,
        })
    }

    /// The totals, and of the rest what `detail` asks for.
    pub(crate) fn snapshot_with(&self, detail: Detail) -> CountersSnapshot {
        let tally = self.lock();
        let rows = Server::ALL.into_iter().flat_map(|server| {
            let tally = &tally;
            Route::ALL
                .into_iter()
                .filter_map(move |route| tally.rows[row_of(server, route)].count(server, route))
        });
        let users = tally.users.iter().filter(|_| detail.users);
        CountersSnapshot {
            total: tally.total,
            models: by_model(tally.models, |gauge| gauge.requests > 0),
            routes: rows.collect(),
            users: users.map(|user| user.count(detail.arrivals)).collect(),
            requests_of_users_not_kept: tally.requests_of_users_not_kept,
            arrivals_not_kept: tally.arrivals_not_kept,
        }
    }
}

impl Row {
    fn count(&self, server: Server, route: Route) -> Option<RouteCount> {
        let (method, pattern) = route.pattern();
        (self.gauge.requests > 0).then(|| RouteCount {
            server,
            method: method.to_owned(),
            route: pattern.to_owned(),
            requests: self.gauge.requests,
            in_flight: self.gauge.in_flight,
            max_concurrent: self.gauge.max_concurrent,
            statuses: self.statuses.iter().copied().collect(),
            abandoned: self.abandoned,
            models: by_model(self.models, |requests| *requests > 0),
        })
    }
}

impl User {
    fn count(&self, with_arrivals: bool) -> UserCount {
        let arrivals = self.arrivals_us.iter().filter(|_| with_arrivals);
        UserCount {
            user: self.name.to_string(),
            gauge: self.gauge,
            models: by_model(self.models, |gauge| gauge.requests > 0),
            arrivals_us: arrivals.copied().collect(),
        }
    }
}

fn by_model<T>(values: [T; 2], is_kept: impl Fn(&T) -> bool) -> BTreeMap<Model, T> {
    Model::ALL
        .into_iter()
        .zip(values)
        .filter(|(_, value)| is_kept(value))
        .collect()
}
