//! The counts of one moment, as JSON and as values for tests.
//!
//! Requests = the sum of the statuses + abandoned + in flight, for every route and in total.

use std::collections::BTreeMap;

use serde::Serialize;
use strum::VariantArray as _;

use crate::route::{Model, Route, Server};

/// The number of requests so far, of those under way, and of the most at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Gauge {
    pub requests: u64,
    pub in_flight: u64,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteCount {
    pub server: Server,
    /// The method, `*` for requests that no route answers.
    pub method: &'static str,
    /// The pattern of the path, `(unknown)` for requests that no route answers.
    pub route: &'static str,
    #[serde(flatten)]
    pub gauge: Gauge,
    /// The requests that were answered, by status.
    pub statuses: BTreeMap<u16, u64>,
    /// The requests that lost their client before the answer was ready.
    pub abandoned: u64,
    /// The requests that named a model, by model; empty for routes without one.
    pub models: BTreeMap<Model, u64>,
}

impl RouteCount {
    fn new(server: Server, route: Route) -> Self {
        let (method, route) = route.pattern();
        Self {
            server,
            method,
            route,
            gauge: Gauge::default(),
            statuses: BTreeMap::new(),
            abandoned: 0,
            models: BTreeMap::new(),
        }
    }

    pub(super) fn leave(&mut self, status: Option<u16>) {
        self.gauge.leave();
        match status {
            Some(status) => *self.statuses.entry(status).or_default() += 1,
            None => self.abandoned += 1,
        }
    }
}

/// The counts of one user, as the header `X-Cicada-User` names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UserCount {
    /// The name, `ModelAUser/3` for instance.
    pub user: String,
    #[serde(flatten)]
    pub gauge: Gauge,
    /// The requests that named a model, by model.
    pub models: BTreeMap<Model, Gauge>,
    /// The arrivals of the requests, in microseconds since the start on a clock that only goes forward.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arrivals_us: Vec<u64>,
}

impl UserCount {
    pub(super) fn new(name: &str) -> Self {
        Self {
            user: name.to_owned(),
            ..Self::default()
        }
    }
}

/// All counts of both servers since the last reset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CountersSnapshot {
    pub total: Gauge,
    /// The requests that named a model, by model.
    pub models: BTreeMap<Model, Gauge>,
    pub routes: Vec<RouteCount>,
    /// The users that asked, in the order of their first requests.
    pub users: Vec<UserCount>,
    /// Requests by users beyond the number that is kept; they are in the other counts.
    pub requests_of_users_not_kept: u64,
    /// Arrivals beyond the number that the arrival log keeps.
    pub arrivals_not_kept: u64,
}

/// The parts of a snapshot beside the totals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Detail {
    pub(crate) users: bool,
    pub(crate) arrivals: bool,
}

impl Detail {
    pub(crate) const ALL: Self = Self {
        users: true,
        arrivals: true,
    };
}

impl CountersSnapshot {
    /// The counts of a route written like `POST /chat`; `None` before its first request.
    pub fn route(&self, name: &str) -> Option<&RouteCount> {
        let is_named = |row: &&RouteCount| name.split_once(' ') == Some((row.method, row.route));
        self.routes.iter().find(is_named)
    }

    /// The number of requests that arrived for a route written like `POST /chat`.
    pub fn requests(&self, name: &str) -> u64 {
        self.route(name).map_or(0, |row| row.gauge.requests)
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

    /// No count at all, with a row for each route of each server.
    pub(super) fn empty() -> Self {
        let routes = |server| Route::VARIANTS.iter().map(move |route| (server, *route));
        let rows = Server::VARIANTS.iter().copied().flat_map(routes);
        Self {
            total: Gauge::default(),
            models: BTreeMap::new(),
            routes: rows
                .map(|(server, route)| RouteCount::new(server, route))
                .collect(),
            users: Vec::new(),
            requests_of_users_not_kept: 0,
            arrivals_not_kept: 0,
        }
    }

    /// The rows with a request, and of the users the parts that `detail` asks for.
    pub(super) fn in_detail(&self, detail: Detail) -> Self {
        let rows = self.routes.iter().filter(|row| row.gauge.requests > 0);
        let users = self.users.iter().filter(|_| detail.users);
        let users = users.map(|user| UserCount {
            user: user.user.clone(),
            gauge: user.gauge,
            models: user.models.clone(),
            arrivals_us: match detail.arrivals {
                true => user.arrivals_us.clone(),
                false => Vec::new(),
            },
        });
        Self {
            total: self.total,
            models: self.models.clone(),
            routes: rows.cloned().collect(),
            users: users.collect(),
            ..*self
        }
    }
}
