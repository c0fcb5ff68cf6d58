//! The list of routes, with where the traffic stands: at `/api`, and at `/` without a built page.

use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use traffic::ports::{Heartbeat, Queue, Store};

use super::headers::SELF_CONTAINED;
use super::openapi::shapes::Refused;
use super::{Api, unavailable};
use statistics::state::user_count;

/// Holds `{state}`, `{user_count}`, `{version}` and `{without_page}`.
const PAGE: &str = include_str!("home.html");

/// What to do when there is no page but this one.
const WITHOUT_PAGE: &str = "<p class=\"hint\">This Cicada was built without its web page. To have it, install \
                            Node.js 20.19 or newer and run <code>make build</code>.</p>";

/// The routes, for people.
#[utoipa::path(get, path = "/api", tag = "cicada", operation_id = "routes", responses(
    (status = 200, description = "A page.", body = String, content_type = "text/html"),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn routes<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    answer(&api, "").await
}

/// `GET /` without a built page: the same, and how to build one.
pub(super) async fn without_page<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    answer(&api, WITHOUT_PAGE).await
}

async fn answer<S: Store, Q: Queue, H: Heartbeat>(api: &Api<S, Q, H>, hint: &str) -> Response {
    let run = match api.control.run().await {
        Ok(run) => run,
        Err(refusal) => return unavailable(&refusal),
    };
    let (run, now) = (run.as_deref(), api.control.now());
    let page = PAGE
        .replace("{state}", api.control.state(run).as_str())
        .replace("{user_count}", &user_count(run, now).to_string())
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{without_page}", hint);
    ([(CONTENT_SECURITY_POLICY, SELF_CONTAINED)], Html(page)).into_response()
}
