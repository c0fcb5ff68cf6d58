//! `GET /compare`: a run beside another one, row by row.

use axum::Json;
use axum::extract::{Query, State};
use export::ab::RunComparison;
use serde::Deserialize;
use statistics::reader::Snapshot;
use utoipa::IntoParams;

use super::answers::Refused;
use super::downloads::made_of;
use super::runs::{Shown, named_run};
use super::state::ApiState;

/// A run and another one, row by row, are asked for with this.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CompareQuery {
    /// The run, or part of one, that this is compared with.
    #[param(example = "0660f42633c5d4-80e9a2b6")]
    baseline: String,
}

/// The run compared with another one, row by row.
#[utoipa::path(get, path = "/compare", operation_id = "compare", tag = "cicada",
    params(CompareQuery),
    responses(
        (status = 200, description = "Each row of either, with differences, intervals and a verdict.", body = RunComparison),
        (status = 400, description = "`baseline` is missing.", body = String, content_type = "text/plain"),
        (status = 404, description = "There is no such run.", body = Refused),
        Refused
    )
)]
pub(super) async fn compare(
    State(api): State<ApiState>,
    Shown(snapshot): Shown,
    Query(asked): Query<CompareQuery>,
) -> Result<Json<RunComparison>, Refused> {
    let baseline = named_run(&api, &asked.baseline).await?;
    let compared = move |snapshot: &Snapshot| RunComparison::of(&baseline, snapshot);
    Ok(Json(made_of(snapshot, compared).await))
}
