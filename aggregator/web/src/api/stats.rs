//! The routes that say what came of the traffic, and who sends it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use traffic::clock::Timestamp;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::Share;
use traffic::runs::LoadedRun;
use traffic::workload::Workload;

use super::openapi::shapes::{self, Refused};
use super::runs::Shown;
use super::{Api, locust_page, unavailable};
use statistics::ledger::Ledger;
use statistics::report::Report;

/// The body of `/stats/requests`: the report, and what the run's users do.
#[derive(Serialize)]
struct Requests {
    #[serde(flatten)]
    report: Report,
    state: statistics::state::State,
    user_count: u64,
}

/// Statistics of every request.
#[utoipa::path(get, path = "/stats/requests", tag = "locust", responses(
    (status = 200, description = "Statistics of all requests, errors, state and users.", body = shapes::Requests),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn requests(Shown(snapshot): Shown, headers: HeaderMap) -> Response {
    let body = Requests {
        report: snapshot.report(),
        state: locust_page::understood(snapshot.state(), &headers),
        user_count: snapshot.user_count(),
    };
    Json(body).into_response()
}

/// Expectations and templates that could not be evaluated.
#[utoipa::path(get, path = "/exceptions", tag = "locust", responses(
    (status = 200, description = "What could not be evaluated.", body = shapes::Exceptions),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn exceptions(Shown(snapshot): Shown) -> Response {
    let row = |(message, traceback, count): (&str, &str, u64)| json!({"count": count, "msg": message, "traceback": traceback, "nodes": "local"});
    let rows: Vec<Value> = snapshot.exceptions().map(row).collect();
    Json(json!({ "exceptions": rows })).into_response()
}

/// What was planned and what became of it.
#[utoipa::path(get, path = "/ledger", tag = "cicada", responses(
    (status = 200, description = "planned = recorded + skipped + missing + pending", body = Ledger),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn ledger(Shown(snapshot): Shown) -> Response {
    Json(&*snapshot.ledger).into_response()
}

/// The classes' shares of the users that are active now, and their tasks'.
#[utoipa::path(get, path = "/tasks", tag = "locust", responses(
    (status = 200, description = "Shares by class and task.", body = shapes::Tasks),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn tasks<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    let run = match api.control.run().await {
        Ok(run) => run,
        Err(refusal) => return unavailable(&refusal),
    };
    let on = run
        .as_ref()
        .filter(|run| !run.plan.run().is_over(api.control.now()));
    let workload = match on {
        Some(run) => Arc::clone(&run.workload),
        None => match api.control.workload().await {
            Ok(chosen) => chosen.workload,
            Err(refusal) => return unavailable(&refusal),
        },
    };
    // a run that is over is shown unless the next one has another workload
    let run = run.filter(|run| run.workload.version() == workload.version());
    let classes = match &run {
        Some(run) => classes_of(run),
        None => api.control.settings().selected(&workload),
    };
    ratios(&workload, run.as_deref(), &classes, api.control.now())
}

/// The same of the run that the path names; of one that is over, as it was in its last moment.
#[utoipa::path(get, path = "/runs/{id}/tasks", tag = "cicada",
    params(("id" = String, Path, description = "A run, by its name on the list of runs.")),
    responses(
        (status = 200, description = "Shares by class and task.", body = shapes::Tasks),
        (status = 404, description = "There is no such run.", body = Refused),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) async fn tasks_of_run(Shown(snapshot): Shown) -> Response {
    let Some(run) = snapshot.run else {
        return Json(json!({"per_class": {}, "total": {}})).into_response();
    };
    let end = run.plan.run().ends();
    let last = end.map(|end| Timestamp::from_micros(end.micros().saturating_sub(1)));
    let at = last.map_or(snapshot.at, |last| last.min(snapshot.at));
    ratios(&run.workload, Some(&run), &classes_of(&run), at)
}

/// How classes share the users that a run has at an instant, and tasks what they do.
fn ratios(
    workload: &Workload,
    run: Option<&LoadedRun>,
    classes: &[String],
    at: Timestamp,
) -> Response {
    let users = |class: &String| {
        let run = run?;
        let counts = run.plan.class_counts(at);
        Some(u64::from(counts[run.plan.class_number(class)?]))
    };
    let counts: Vec<(&str, u64)> = classes
        .iter()
        .map(|class| (class.as_str(), users(class).unwrap_or(0)))
        .collect();
    Json(json!({
        "per_class": workload.task_ratio(&counts, false),
        "total": workload.task_ratio(&counts, true),
    }))
    .into_response()
}

/// The classes that run, or ran last.
fn classes_of(run: &LoadedRun) -> Vec<String> {
    let last = run.plan.run().segments.last();
    let shares: &[Share] = last.map_or(&[], |segment| &segment.shares);
    shares.iter().map(|share| share.class.clone()).collect()
}
