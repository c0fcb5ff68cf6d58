//! The names of things: servers, models, routes, and lanes (a route with its model).
//!
//! Latencies, failures and counters are all kept by these names; their text form (`POST
//! /chat?model=a`) is what settings and counters show.

use std::fmt;
use std::str::FromStr;

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// One of the two stand-in servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    /// The shop: orders and products.
    TargetApp,
    /// The agent that repairs the shop and chats about it.
    AiAgent,
}

impl Server {
    /// Both servers.
    pub const ALL: [Self; 2] = [Self::TargetApp, Self::AiAgent];

    /// `target-app` or `ai-agent`.
    pub fn name(self) -> &'static str {
        match self {
            Self::TargetApp => "target-app",
            Self::AiAgent => "ai-agent",
        }
    }
}

/// One of the two language models that the agent answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Model {
    /// The faster one.
    A,
    /// The slower one.
    B,
}

impl Model {
    /// Both models.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// `a` or `b`, as requests name it.
    pub fn letter(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    /// The full name of the model behind the letter.
    pub fn full_name(self) -> &'static str {
        match self {
            Self::A => "mistral:7b-instruct",
            Self::B => "ministral-3:8b-instruct-2512-q8_0",
        }
    }

    /// The model that a request names with `letter`, in either case.
    pub fn find(letter: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|model| model.letter().eq_ignore_ascii_case(letter))
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// `GET /health` of the target app.
    Health,
    /// `GET /orders` of the target app.
    Orders,
    /// `POST /orders` of the target app.
    CreateOrder,
    /// `GET /products` of the target app.
    Products,
    /// `GET /products/{id}` of the target app.
    Product,
    /// `GET /status` of the agent.
    Status,
    /// `POST /repair` of the agent.
    Repair,
    /// `POST /chat` of the agent.
    Chat,
    /// `GET /metrics` of the agent.
    Metrics,
    /// `GET /`, the page that names the routes, of either server.
    Index,
    /// Anything that no route answers.
    Unknown,
}

impl Route {
    /// Every route, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Health,
        Self::Orders,
        Self::CreateOrder,
        Self::Products,
        Self::Product,
        Self::Status,
        Self::Repair,
        Self::Chat,
        Self::Metrics,
        Self::Index,
        Self::Unknown,
    ];

    /// The method and the pattern of the path.
    pub fn pattern(self) -> (&'static str, &'static str) {
        match self {
            Self::Health => ("GET", "/health"),
            Self::Orders => ("GET", "/orders"),
            Self::CreateOrder => ("POST", "/orders"),
            Self::Products => ("GET", "/products"),
            Self::Product => ("GET", "/products/{id}"),
            Self::Status => ("GET", "/status"),
            Self::Repair => ("POST", "/repair"),
            Self::Chat => ("POST", "/chat"),
            Self::Metrics => ("GET", "/metrics"),
            Self::Index => ("GET", "/"),
            Self::Unknown => ("*", "(unknown)"),
        }
    }

    /// The route that answers `method` and `path` on `server`.
    pub(crate) fn find(server: Server, method: &Method, path: &str) -> Self {
        let get = method == Method::GET;
        let post = method == Method::POST;
        match (server, path) {
            (_, "/") if get => Self::Index,
            (Server::TargetApp, "/health") if get => Self::Health,
            (Server::TargetApp, "/orders") if get => Self::Orders,
            (Server::TargetApp, "/orders") if post => Self::CreateOrder,
            (Server::TargetApp, "/products") if get => Self::Products,
            (Server::TargetApp, path) if get && is_product(path) => Self::Product,
            (Server::AiAgent, "/status") if get => Self::Status,
            (Server::AiAgent, "/repair") if post => Self::Repair,
            (Server::AiAgent, "/chat") if post => Self::Chat,
            (Server::AiAgent, "/metrics") if get => Self::Metrics,
            _ => Self::Unknown,
        }
    }

    /// Whether requests to this route name a model.
    pub fn has_model(self) -> bool {
        matches!(self, Self::Repair | Self::Chat)
    }
}

fn is_product(path: &str) -> bool {
    path.strip_prefix("/products/")
        .is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

/// A route, and where it has them, one of its models: what latencies and failures are set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lane {
    /// The route.
    pub route: Route,
    /// The model, or `None` for a route without one, and for both models in settings.
    pub model: Option<Model>,
}

impl Lane {
    /// How many lanes there are, models or not.
    pub(crate) const COUNT: usize = Route::ALL.len() * 3;

    /// The lane's place in an array of [`Lane::COUNT`].
    pub(crate) fn index(self) -> usize {
        let model = match self.model {
            None => 0,
            Some(Model::A) => 1,
            Some(Model::B) => 2,
        };
        self.route as usize * 3 + model
    }

    /// Every lane, models or not, in the order of [`Lane::index`].
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let models = [None, Some(Model::A), Some(Model::B)];
        Route::ALL
            .into_iter()
            .flat_map(move |route| models.map(|model| Self { route, model }))
    }

    /// The lane of the whole route: the same without the model.
    pub(crate) fn whole(self) -> Self {
        Self::from(self.route)
    }
}

impl From<Route> for Lane {
    fn from(route: Route) -> Self {
        Self { route, model: None }
    }
}

impl From<(Route, Model)> for Lane {
    fn from((route, model): (Route, Model)) -> Self {
        Self {
            route,
            model: Some(model),
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path) = self.route.pattern();
        write!(out, "{method} {path}")?;
        match self.model {
            Some(model) => write!(out, "?model={}", model.letter()),
            None => Ok(()),
        }
    }
}

/// A text names no lane.
#[derive(Debug, thiserror::Error)]
#[error("no such route; write it like \"GET /orders\", \"POST /chat\" or \"POST /chat?model=a\"")]
pub struct NoSuchLane;

impl FromStr for Lane {
    type Err = NoSuchLane;

    fn from_str(text: &str) -> Result<Self, NoSuchLane> {
        Self::all()
            .filter(|lane| !matches!(lane.route, Route::Index | Route::Unknown))
            .filter(|lane| lane.model.is_none() || lane.route.has_model())
            .find(|lane| lane.to_string() == text)
            .ok_or(NoSuchLane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_a_place_of_its_own() {
        let places: Vec<usize> = Lane::all().map(Lane::index).collect();
        assert_eq!(places, (0..Lane::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn a_lane_reads_back_as_it_is_written() {
        for text in ["GET /health", "GET /products/{id}", "POST /chat?model=b"] {
            assert_eq!(text.parse::<Lane>().unwrap().to_string(), text);
        }
        for text in [
            "GET /healthz",
            "GET /health?model=a",
            "GET /",
            "* (unknown)",
            "",
        ] {
            assert!(text.parse::<Lane>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_path_belongs_to_the_server_that_answers_it() {
        let find = |server, path| Route::find(server, &Method::GET, path);
        assert_eq!(find(Server::TargetApp, "/products/3"), Route::Product);
        assert_eq!(find(Server::TargetApp, "/products/"), Route::Unknown);
        assert_eq!(find(Server::TargetApp, "/status"), Route::Unknown);
        assert_eq!(find(Server::AiAgent, "/status"), Route::Status);
        assert_eq!(find(Server::AiAgent, "/chat"), Route::Unknown);
    }
}
