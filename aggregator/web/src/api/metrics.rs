//! `GET /metrics`: the newest run for Prometheus.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use export::metrics;

use super::answers::Refused;
use super::runs::Shown;

/// The newest run for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "cicada", responses(
    (status = 200, description = "Metrics in Prometheus's text format.", body = String, content_type = "text/plain"),
    Refused
))]
pub(super) async fn metrics(Shown(snapshot): Shown) -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, metrics::CONTENT_TYPE)];
    (kind, metrics::render(&snapshot))
}
