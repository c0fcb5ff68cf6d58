//! `GET /logs` and `GET /worker-count`: what Locust's page asks of the process itself.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::ApiState;

/// The newest log lines.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Logs {
    /// Of this process.
    master: Vec<String>,
    /// There are no workers.
    workers: BTreeMap<String, Vec<String>>,
}

/// How many workers there are.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkerCount {
    worker_count: u64,
}

/// The newest log lines.
#[utoipa::path(get, path = "/logs", tag = "locust", responses(
    (status = 200, description = "The newest lines.", body = Logs)
))]
pub(super) async fn logs(State(api): State<ApiState>) -> Json<Logs> {
    Json(Logs {
        master: api.logs.lines(),
        workers: BTreeMap::new(),
    })
}

/// There are no workers to count: everything runs in one process, or in functions.
#[utoipa::path(get, path = "/worker-count", tag = "locust", responses(
    (status = 200, description = "Always 0.", body = WorkerCount)
))]
pub(super) async fn worker_count() -> Json<WorkerCount> {
    Json(WorkerCount { worker_count: 0 })
}
