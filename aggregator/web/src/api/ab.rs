//! `GET /ab`: the pairs of a run, compared; and what their charts draw.

use axum::Json;
use axum::extract::State;
use export::ab::{Comparison, PairCharts, charts};
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::Refused;
use super::downloads::made_of;
use super::runs::Shown;
use super::state::ApiState;

/// The charts of all pairs.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AbCharts {
    /// In the order of `/ab`.
    pairs: Vec<PairCharts>,
}

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

/// Each pair over time, and how its response times are distributed.
#[utoipa::path(get, path = "/ab/charts", operation_id = "ab_charts", tag = "cicada", responses(
    (status = 200, description = "Columns over time, and distributions.", body = AbCharts),
    Refused
))]
pub(super) async fn ab_charts(
    State(api): State<ApiState>,
    Shown(snapshot): Shown,
) -> Result<Json<AbCharts>, Refused> {
    let next = api.control.workload().await?;
    let pairs = made_of(snapshot, move |snapshot| charts(snapshot, &next)).await;
    Ok(Json(AbCharts { pairs }))
}
