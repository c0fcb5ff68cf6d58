//! The names of servers, models, routes, and lanes (a route with its model).
//!
//! Latencies, failures and counters are all kept by these names; a lane's text (`POST /chat?model=a`)
//! is its name in settings.

use std::fmt;

use axum::http::Method;
use serde::{Serialize, Serializer};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// One of the two stand-in servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, IntoStaticStr, VariantArray)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Server {
    /// The shop: orders and products.
    TargetApp,
    /// The agent that repairs the shop and chats about it.
    AiAgent,
}

impl Server {
    /// `target-app` or `ai-agent`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One of the two language models that the agent answers with.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", ascii_case_insensitive)]
pub enum Model {
    /// The faster one.
    A,
    /// The slower one.
    B,
}

impl Model {
    /// `a` or `b`, as requests name it.
    pub fn letter(self) -> &'static str {
        self.into()
    }

    /// The full name of the model behind the letter.
    pub fn full_name(self) -> &'static str {
        match self {
            Self::A => "mistral:7b-instruct",
            Self::B => "ministral-3:8b-instruct-2512-q8_0",
        }
    }

    /// The model that a request names with its letter, in either case, or with its full name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        let mut all = Self::VARIANTS.iter().copied();
        let by_full_name = all.find(|model| model.full_name() == name);
        by_full_name.or_else(|| name.parse().ok())
    }
}

/// A method with the pattern of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantArray)]
pub enum Route {
    #[strum(serialize = "GET /health")]
    Health,
    #[strum(serialize = "GET /orders")]
    Orders,
    #[strum(serialize = "POST /orders")]
    CreateOrder,
    #[strum(serialize = "GET /products")]
    Products,
    #[strum(serialize = "GET /products/{id}")]
    Product,
    #[strum(serialize = "GET /status")]
    Status,
    #[strum(serialize = "POST /repair")]
    Repair,
    #[strum(serialize = "POST /chat")]
    Chat,
    /// The answer of a chat as server-sent events.
    #[strum(serialize = "POST /chat/stream")]
    ChatStream,
    /// The same as Ollama sends it.
    #[strum(serialize = "POST /api/chat")]
    OllamaChat,
    #[strum(serialize = "GET /metrics")]
    Metrics,
    /// The page of either server that names its routes.
    #[strum(serialize = "GET /")]
    Index,
    /// Anything that no route answers.
    #[strum(serialize = "* (unknown)")]
    Unknown,
}

impl Route {
    /// The method and the pattern of the path.
    pub fn pattern(self) -> (&'static str, &'static str) {
        let text: &'static str = self.into();
        text.split_once(' ').expect("a method, a space and a path")
    }

    /// The server that answers it; the target app for the two that both servers have.
    pub(crate) fn server(self) -> Server {
        match self {
            Self::Status
            | Self::Repair
            | Self::Chat
            | Self::ChatStream
            | Self::OllamaChat
            | Self::Metrics => Server::AiAgent,
            _ => Server::TargetApp,
        }
    }

    /// The route that answers `method` and `path` on `server`.
    pub(crate) fn find(server: Server, method: &Method, path: &str) -> Self {
        let path = match path.strip_prefix("/products/") {
            Some(id) if !id.is_empty() && !id.contains('/') => "/products/{id}",
            _ => path,
        };
        let routes = Self::VARIANTS.iter().copied();
        routes
            .filter(|route| *route == Self::Index || route.server() == server)
            .find(|route| route.pattern() == (method.as_str(), path))
            .unwrap_or(Self::Unknown)
    }

    /// True for the routes whose requests name a model.
    pub(crate) fn has_model(self) -> bool {
        matches!(
            self,
            Self::Repair | Self::Chat | Self::ChatStream | Self::OllamaChat
        )
    }
}

/// A route, and one of its models if it has them: latencies and failures are set for these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lane {
    pub route: Route,
    /// The model; `None` for a route without one, and for both models in settings.
    pub model: Option<Model>,
}

impl Lane {
    /// The lane's place in a list of all.
    pub(crate) fn index(self) -> usize {
        self.route as usize * 3 + self.model.map_or(0, |model| model as usize + 1)
    }

    /// Every lane, models or not, in the order of [`Lane::index`].
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let models = [None, Some(Model::A), Some(Model::B)];
        let routes = Route::VARIANTS.iter().copied();
        routes.flat_map(move |route| models.map(|model| Self { route, model }))
    }

    /// The lane with this text, if it can be set.
    pub(crate) fn find(text: &str) -> Option<Self> {
        Self::all()
            .filter(|lane| !matches!(lane.route, Route::Index | Route::Unknown))
            .filter(|lane| lane.model.is_none() || lane.route.has_model())
            .find(|lane| lane.to_string() == text)
    }
}

impl From<Route> for Lane {
    fn from(route: Route) -> Self {
        Self { route, model: None }
    }
}

impl From<(Route, Model)> for Lane {
    fn from((route, model): (Route, Model)) -> Self {
        let model = Some(model);
        Self { route, model }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.route.into())?;
        match self.model {
            Some(model) => write!(out, "?model={}", model.letter()),
            None => Ok(()),
        }
    }
}

impl Serialize for Lane {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_has_a_place_of_its_own() {
        let places: Vec<usize> = Lane::all().map(Lane::index).collect();
        assert_eq!(places, (0..39).collect::<Vec<_>>());
    }

    #[test]
    fn a_lane_reads_back_as_it_is_written() {
        for text in ["GET /health", "GET /products/{id}", "POST /chat?model=b"] {
            assert_eq!(Lane::find(text).unwrap().to_string(), text);
        }
        for text in [
            "GET /healthz",
            "GET /health?model=a",
            "GET /",
            "* (unknown)",
            "",
        ] {
            assert!(Lane::find(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_path_belongs_to_the_server_that_answers_it() {
        let find = |server, path| Route::find(server, &Method::GET, path);
        assert_eq!(find(Server::TargetApp, "/products/3"), Route::Product);
        assert_eq!(find(Server::TargetApp, "/products/"), Route::Unknown);
        assert_eq!(find(Server::TargetApp, "/products/3/4"), Route::Unknown);
        assert_eq!(find(Server::TargetApp, "/status"), Route::Unknown);
        assert_eq!(find(Server::AiAgent, "/status"), Route::Status);
        assert_eq!(find(Server::AiAgent, "/chat"), Route::Unknown);
        for server in [Server::TargetApp, Server::AiAgent] {
            assert_eq!(find(server, "/"), Route::Index);
        }
    }
}
