//! `GET /health`: whether requests are answered and results recorded.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::clear_line;
use super::state::ApiState;

/// Whether requests are answered and results recorded.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Health {
    /// What is wrong, if anything is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    message: Option<String>,
    /// Where the traffic stands, if that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    state: Option<statistics::state::State>,
    /// `ok` or `unavailable`.
    status: &'static str,
    /// The program's version.
    version: &'static str,
}

/// `GET /health`: 200 while requests are answered and results are recorded, else 503 and why not.
#[utoipa::path(get, path = "/health", tag = "cicada", responses(
    (status = 200, description = "All is well.", body = Health),
    (status = 503, description = "Results are not recorded.", body = Health)
))]
pub(super) async fn health(State(api): State<ApiState>) -> (StatusCode, Json<Health>) {
    let run = api.control.run().await;
    let troubles = match &run {
        Ok(_) => [api.trouble.message(), api.control.unwritten_stop()],
        Err(refusal) => [Some(clear_line(refusal)), None],
    };
    let troubles: Vec<String> = troubles.into_iter().flatten().collect();
    let (code, status) = match troubles.is_empty() {
        true => (StatusCode::OK, "ok"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
    };
    let health = Health {
        message: (!troubles.is_empty()).then(|| troubles.join("; ")),
        state: run.ok().map(|run| api.control.state(run.as_deref())),
        status,
        version: env!("CARGO_PKG_VERSION"),
    };
    (code, Json(health))
}
