//! `GET /ab`: the pairs of a run, compared.

use axum::Json;
use axum::extract::State;
use export::ab::Comparison;

use super::answers::Refused;
use super::runs::Shown;
use super::state::ApiState;

/// The pairs of rows that do the same with model a and with model b, compared.
#[utoipa::path(get, path = "/ab", tag = "cicada", responses(
    (status = 200, description = "Each pair, with differences, intervals of 95 % and a verdict.", body = Comparison),
    Refused
))]
pub(super) async fn ab(
    State(api): State<ApiState>,
    Shown(snapshot): Shown,
) -> Result<Json<Comparison>, Refused> {
    let next = api.control.workload().await?;
    Ok(Json(Comparison::of(&snapshot, &next)))
}
