//! The routes as they are put together: a router that remembers its paths, so that a test can hold the
//! document at `/openapi.json` against them.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{MethodRouter, get};

use super::openapi;

/// What stands before the path of a page that is about one run.
pub(super) const OF_RUN: &str = "/runs/{id}";

/// See the [module](self).
pub(super) struct Routes<A> {
    router: Router<A>,
    /// All paths, in axum's form, which is OpenAPI's as well.
    pub(super) paths: Vec<String>,
    /// Those that are there under [`OF_RUN`], too.
    pub(super) about_runs: Vec<String>,
}

impl<A: Clone + Send + Sync + 'static> Routes<A> {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
            about_runs: Vec::new(),
        }
    }

    /// Adds what is at a path.
    pub(super) fn route(mut self, path: &str, page: MethodRouter<A>) -> Self {
        self.paths.push(path.to_owned());
        self.router = self.router.route(path, page);
        self
    }

    /// Adds a page about a run, which takes a [`Shown`](super::runs::Shown): at `path` it is the newest,
    /// at `/runs/{id}` and `path` any.
    pub(super) fn of_any_run(mut self, path: &str, page: MethodRouter<A>) -> Self {
        self.about_runs.push(path.to_owned());
        let of_run = format!("{OF_RUN}{path}");
        self.route(path, page.clone()).route(&of_run, page)
    }

    /// The router with all of them, and with the document that describes them.
    pub(super) fn into_router(self) -> Router<A> {
        let text = openapi::text(&self.about_runs);
        let kind = [(CONTENT_TYPE, "application/json")];
        let document = get(async move || (kind, text));
        self.route("/openapi.json", document).router
    }
}
