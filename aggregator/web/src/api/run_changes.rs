//! `POST` and `DELETE /runs/{id}`: a run gets a name and a note, and is deleted.

use axum::Json;
use axum::extract::{Path, Request, State};
use control::{Refusal, RunLabels};
use serde::Deserialize;
use traffic::run::RunId;
use utoipa::ToSchema;

use super::answers::{Done, Refused, done};
use super::fields::Fields;
use super::runs::unknown;
use super::state::ApiState;
use super::swarm_fields::text as said_text;

/// What is said of a run: what is not there stays as it is, and an empty text takes it back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "it describes the fields of the body")]
pub(super) struct RunLabel {
    /// A name, in one line.
    #[schema(max_length = 80)]
    name: Option<String>,
    /// A note.
    #[schema(max_length = 500)]
    note: Option<String>,
}

/// Gives a run a name or a note.
#[utoipa::path(post, path = "/runs/{id}", operation_id = "label_run", tag = "cicada",
    params(("id" = String, Path, description = "A run, by its name on the list of runs.")),
    request_body(content(
        (RunLabel = "application/x-www-form-urlencoded"),
        (RunLabel = "application/json"),
    )),
    responses(
        (status = 200, description = "It has them.", body = Done),
        (status = 400, description = "Nothing was changed.", body = Refused),
        (status = 404, description = "There is no such run.", body = Refused),
        Refused
    )
)]
pub(super) async fn label(
    State(api): State<ApiState>,
    Path(text): Path<String>,
    request: Request,
) -> Result<Json<Done>, Refused> {
    let id = RunId::parse(&text).ok_or_else(|| unknown(&text))?;
    let fields = Fields::read(request).await?;
    let said = |field: &'static str| fields.get(field).map(|value| said_text(field, value));
    let labels = RunLabels {
        name: said("name").transpose()?,
        note: said("note").transpose()?.map(|note| note.replace('\r', "")),
    };
    let labelled = api.control.label_run(id, labels).await;
    match labelled.map_err(refused)? {
        true => Ok(done("the run has its name and note")),
        false => Err(unknown(&text)),
    }
}

/// Deletes a run that is over, with its records.
#[utoipa::path(delete, path = "/runs/{id}", operation_id = "delete_run", tag = "cicada",
    params(("id" = String, Path, description = "A run, by its name on the list of runs.")),
    responses(
        (status = 200, description = "It is deleted.", body = Done),
        (status = 404, description = "There is no such run.", body = Refused),
        (status = 409, description = "It is on.", body = Refused),
        Refused
    )
)]
pub(super) async fn delete(
    State(api): State<ApiState>,
    Path(text): Path<String>,
) -> Result<Json<Done>, Refused> {
    let id = RunId::parse(&text).ok_or_else(|| unknown(&text))?;
    if !api.control.delete_run(id.clone()).await? {
        return Err(unknown(&text));
    }
    api.figures.forget(&id);
    Ok(done("the run is deleted"))
}

/// A field that cannot be used is the caller's mistake.
fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Field(problem) => problem.into(),
        refusal => refusal.into(),
    }
}
