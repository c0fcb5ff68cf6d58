//! `/markers`: what happened to a run, when nothing of it is known, and notes that people leave.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use control::Refusal;
use serde::{Deserialize, Serialize};
use statistics::report::events::{Event, Gap, events, gaps};
use traffic::run_rules::InvalidField;
use utoipa::ToSchema;

use super::answers::Refused;
use super::fields::Fields;
use super::runs::Shown;
use super::state::ApiState;
use super::swarm_fields::text;

/// What happened to the run, and when nothing of it is known.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Markers {
    /// In order of time.
    markers: Vec<Event>,
    /// Stretches of time in which most of what was due left no trace.
    gaps: Vec<Gap>,
}

/// A note on the newest run, at this instant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes the fields of the body")]
pub(super) struct Note {
    /// The note: at most 100 characters in one line.
    #[schema(min_length = 1, max_length = 100)]
    text: String,
}

/// Markers of charts: what happened to the run, and when nothing of it is known.
#[utoipa::path(get, path = "/markers", operation_id = "markers", tag = "cicada", responses(
    (status = 200, description = "What happened to the run, and when nothing of it is known.", body = Markers),
    Refused
))]
pub(super) async fn markers(Shown(snapshot): Shown) -> Json<Markers> {
    Json(Markers {
        markers: events(&snapshot),
        gaps: gaps(&snapshot),
    })
}

/// A note on the newest run, at this instant. The newest 20 are kept.
#[utoipa::path(
    post,
    path = "/markers",
    operation_id = "add_marker",
    tag = "cicada",
    request_body(content(
        (Note = "application/x-www-form-urlencoded"),
        (Note = "application/json"),
    )),
    responses(
        (status = 201, description = "The marker.", body = Event),
        (status = 400, description = "Nothing was changed.", body = Refused),
        Refused
    )
)]
pub(super) async fn add(
    State(api): State<ApiState>,
    request: Request,
) -> Result<(StatusCode, Json<Event>), Refused> {
    let fields = Fields::read(request).await?;
    let name = match fields.get("text") {
        Some(value) => text("text", value)?,
        None => {
            let problem = "is missing: write what happened, such as \"deployed v2\"";
            return Err(InvalidField::new("text", problem).into());
        }
    };
    let noted = api.control.note(name.clone()).await;
    let at = noted.map_err(|refusal| match refusal {
        Refusal::Field(problem) => Refused::from(problem),
        refusal => Refused::from(refusal),
    });
    let at = at?.seconds();
    Ok((StatusCode::CREATED, Json(Event { at, name })))
}
