//! The page at `/`: where the traffic stands, and which routes there are.

use axum::extract::State;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};
use traffic::ports::{Heartbeat, Queue, Store};

use super::headers::SELF_CONTAINED;
use super::openapi::shapes::Refused;
use super::{Api, unavailable};
use crate::control::{self, user_count};

/// Holds `{state}`, `{user_count}` and `{version}`.
const PAGE: &str = include_str!("home.html");

/// The page for people.
#[utoipa::path(get, path = "/", tag = "locust", responses(
    (status = 200, description = "A page.", content_type = "text/html"),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn home<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    let run = match api.control.run().await {
        Ok(run) => run,
        Err(refusal) => return unavailable(&refusal),
    };
    let (run, now) = (run.as_deref(), api.control.now());
    let page = PAGE
        .replace("{state}", control::State::of(run, now).as_str())
        .replace("{user_count}", &user_count(run, now).to_string())
        .replace("{version}", env!("CARGO_PKG_VERSION"));
    ([(CONTENT_SECURITY_POLICY, SELF_CONTAINED)], Html(page)).into_response()
}
