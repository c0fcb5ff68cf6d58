//! `GET /ab`: the pairs of a run, compared.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use traffic::ports::{Heartbeat, Queue, Store};

use super::openapi::shapes::Refused;
use super::runs::Shown;
use super::{Api, unavailable};
use export::ab::Comparison;

/// The pairs of rows that do the same with model a and with model b, compared.
#[utoipa::path(get, path = "/ab", tag = "cicada", responses(
    (status = 200, description = "Each pair, with differences, intervals of 95 % and a verdict.", body = Comparison),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn ab<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    Shown(snapshot): Shown,
) -> Response {
    match api.control.workload().await {
        Ok(next) => Json(Comparison::of(&snapshot, &next.workload)).into_response(),
        Err(refusal) => unavailable(&refusal),
    }
}
