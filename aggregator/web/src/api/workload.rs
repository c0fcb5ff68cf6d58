//! `/workload`: the file that new runs are made of, to read and to replace, and its schema.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response, Result};
use control::{WORKLOAD_SCHEMA, WorkloadRefusal};
use serde::{Deserialize, Serialize};
use traffic::workload::{Mistake, Workload, WorkloadErrors};
use utoipa::ToSchema;

use super::answers::Refused;
use super::state::ApiState;
use super::upload::{self, too_long};

/// Mistakes that an answer lists; there may be one in every line.
const LISTED: usize = 100;

/// The longest text of a mistake, in characters.
const MISTAKE_LENGTH: usize = 500;

/// A workload was chosen, or could be.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadChosen {
    /// What that means for the run that is on.
    message: String,
    /// The load shapes that it has.
    shape_classes: Vec<String>,
    /// True.
    success: bool,
    /// The classes that it has.
    user_classes: Vec<String>,
    /// A digest of the text.
    version: String,
}

/// A workload was not chosen, and nothing was changed.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadRefused {
    #[serde(skip)]
    status: StatusCode,
    /// Its mistakes, at most a hundred.
    errors: Vec<WorkloadMistake>,
    /// What is wrong, or how much of it.
    message: String,
    /// False.
    success: bool,
}

/// A mistake in a workload.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WorkloadMistake {
    line: usize,
    message: String,
}

/// `GET /workload`: the text, with its version as the entity tag.
#[utoipa::path(
    get,
    path = "/workload",
    operation_id = "read_workload",
    tag = "cicada",
    params(("if-none-match" = Option<String>, Header, description = "A version that is known already.")),
    responses(
        (status = 200, description = "The text, its version as the entity tag.", body = String, content_type = "text/plain"),
        (status = 304, description = "It is the version that is known."),
        Refused
    )
)]
pub(super) async fn read(
    State(api): State<ApiState>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let chosen = api.control.workload().await?;
    let tag = (ETAG, entity_tag(&chosen));
    if version_in(&headers, &IF_NONE_MATCH).as_deref() == Some(chosen.version()) {
        return Ok((StatusCode::NOT_MODIFIED, [tag]).into_response());
    }
    // as text, so that browsers show it
    let kind = (CONTENT_TYPE, "text/plain; charset=utf-8".to_owned());
    Ok(([tag, kind], chosen.source().to_string()).into_response())
}

/// `GET /workload/schema`: the keys of workload files, for editors.
#[utoipa::path(
    get,
    path = "/workload/schema",
    operation_id = "read_workload_schema",
    tag = "cicada",
    responses((status = 200, description = "A JSON schema of draft 7.", body = serde_json::Value, content_type = "application/schema+json"))
)]
pub(super) async fn schema() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/schema+json")], WORKLOAD_SCHEMA)
}

/// The query of `PUT /workload`.
#[derive(Deserialize)]
pub(super) struct Replacing {
    /// Only says whether it could be chosen.
    #[serde(default)]
    check: bool,
}

/// `PUT /workload`: the next run has this one; with `If-Match`, only in place of that version, and with
/// `?check=true` in no case.
#[utoipa::path(
    put,
    path = "/workload",
    operation_id = "replace_workload",
    tag = "cicada",
    params(
        ("check" = Option<bool>, Query, description = "Only say whether it could be chosen."),
        ("if-match" = Option<String>, Header, description = "The version that is to be replaced."),
    ),
    request_body(content = String, content_type = "text/plain", description = "The text of a workload file; or multipart/form-data with the file as `workload`, and the files that it names.",
        example = "[hosts.shop]\nurl = \"http://127.0.0.1:8000\"\n[class.Shopper]\nwait = \"between(1, 3)\"\n[class.Shopper.task.look]\nrequest = \"GET /products\"\n"),
    responses(
        (status = 200, description = "The next run has it.", body = WorkloadChosen),
        (status = 400, description = "`check` is neither true nor false.", body = WorkloadRefused),
        (status = 412, description = "Somebody else has chosen another version.", body = WorkloadRefused),
        (status = 413, description = "It is too long.", body = WorkloadRefused),
        (status = 422, description = "It has mistakes.", body = WorkloadRefused),
        Refused
    )
)]
pub(super) async fn replace(
    State(api): State<ApiState>,
    query: Result<Query<Replacing>, QueryRejection>,
    headers: HeaderMap,
    request: Request,
) -> Result<(Option<[(HeaderName, String); 1]>, Json<WorkloadChosen>)> {
    let Ok(Query(Replacing { check })) = query else {
        let problem = "check is neither true nor false";
        return Err(refused(StatusCode::BAD_REQUEST, problem, &[]).into());
    };
    let source = upload::source(request).await;
    let source = source.map_err(|(status, problem)| refused(status, problem, &[]))?;
    let lost_lines = !source.trim_end().contains('\n') && is_form(&headers);
    let expected = version_in(&headers, &IF_MATCH).filter(|version| version != "*");
    let chosen = match check {
        true => api.control.check_workload(&source).await,
        false => api.control.choose_workload(source, expected).await,
    };
    let chosen = chosen.map_err(|refusal| match refusal {
        WorkloadRefusal::Mistakes(errors) => mistaken(&errors, lost_lines).into_response(),
        WorkloadRefusal::Settings(_) => {
            refused(StatusCode::UNPROCESSABLE_ENTITY, refusal.to_string(), &[]).into_response()
        }
        WorkloadRefusal::Changed(_) => {
            refused(StatusCode::PRECONDITION_FAILED, refusal.to_string(), &[]).into_response()
        }
        WorkloadRefusal::Store(refusal) => Refused::from(refusal).into_response(),
    })?;
    let message = match check {
        true => "The workload is valid, nothing was changed".to_owned(),
        false => accepted(&api, &chosen).await,
    };
    let tag = (!check).then(|| [(ETAG, entity_tag(&chosen))]);
    let text = &*chosen;
    let shapes = text.shapes().iter().map(|shape| shape.name().to_string());
    let classes = text.classes().iter().map(|class| class.name().to_string());
    let chosen = WorkloadChosen {
        message,
        shape_classes: shapes.collect(),
        success: true,
        user_classes: classes.collect(),
        version: text.version().to_owned(),
    };
    Ok((tag, Json(chosen)))
}

/// The answer to a workload whose length alone is too much.
pub(super) fn refused_for_length(most: usize) -> Response {
    refused(StatusCode::PAYLOAD_TOO_LARGE, too_long(most), &[]).into_response()
}

/// A run that is on keeps its own version; the message says so, for people try that next.
async fn accepted(api: &ApiState, chosen: &Workload) -> String {
    let now = api.control.now();
    let run = api.control.run().await.ok().flatten();
    let pinned = run
        .map(|run| run.plan.run().clone())
        .filter(|run| !run.is_over(now) && run.workload != chosen.version());
    match pinned {
        None => "The next run has this workload".to_owned(),
        Some(run) => format!(
            "The next run has this workload; the one that is on goes on with version {}",
            run.workload
        ),
    }
}

fn mistaken(errors: &WorkloadErrors, lost_lines: bool) -> WorkloadRefused {
    let mistakes = errors.mistakes();
    let first = mistakes.first().map_or_else(String::new, |first| {
        format!(": line {}: {}", first.line, cut(&first.message))
    });
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    let mut problem = format!("the workload has {count}, nothing was changed{first}");
    if lost_lines {
        problem.push_str(" (curl -d drops line breaks: use curl -T FILE)");
    }
    refused(StatusCode::UNPROCESSABLE_ENTITY, problem, mistakes)
}

fn refused(
    status: StatusCode,
    message: impl Into<String>,
    mistakes: &[Mistake],
) -> WorkloadRefused {
    let message = message.into();
    tracing::warn!(problem = %message, "a workload was refused");
    let listed = mistakes.iter().take(LISTED);
    let listed = listed.map(|Mistake { line, message }| WorkloadMistake {
        line: *line,
        message: cut(message),
    });
    WorkloadRefused {
        status,
        errors: listed.collect(),
        message,
        success: false,
    }
}

impl IntoResponse for WorkloadRefused {
    fn into_response(self) -> Response {
        (self.status, Json(self)).into_response()
    }
}

fn cut(message: &str) -> String {
    message.chars().take(MISTAKE_LENGTH).collect()
}

fn entity_tag(workload: &Workload) -> String {
    format!("\"{}\"", workload.version())
}

/// The first version that a condition names.
fn version_in(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    let first = value.split(',').next()?.trim();
    let tag = first.strip_prefix("W/").unwrap_or(first);
    Some(tag.trim_matches('"').to_owned())
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    })
}
