//! `GET /ab`: the pairs of a run, compared.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use traffic::ports::{Heartbeat, Queue, Store};

use super::runs::Shown;
use super::{Api, unavailable};
use crate::ab::Comparison;

pub(super) async fn ab<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    Shown(snapshot): Shown,
) -> Response {
    match api.control.workload().await {
        Ok(next) => Json(Comparison::of(&snapshot, &next.workload)).into_response(),
        Err(refusal) => unavailable(&refusal),
    }
}
