//! `GET /metrics`: the newest run for Prometheus.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::openapi::shapes::Refused;
use super::runs::Shown;
use export::metrics;

/// The newest run for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "cicada", responses(
    (status = 200, description = "Metrics in Prometheus's text format.", body = String, content_type = "text/plain"),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn metrics(Shown(snapshot): Shown) -> Response {
    let kind = [(CONTENT_TYPE, metrics::CONTENT_TYPE)];
    (kind, metrics::render(&snapshot)).into_response()
}
