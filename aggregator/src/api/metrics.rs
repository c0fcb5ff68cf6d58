//! `GET /metrics`: the newest run for Prometheus.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::runs::Shown;
use crate::metrics;

pub(super) async fn metrics(Shown(snapshot): Shown) -> Response {
    let kind = [(CONTENT_TYPE, metrics::CONTENT_TYPE)];
    (kind, metrics::render(&snapshot)).into_response()
}
