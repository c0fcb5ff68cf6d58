//! The routes that say what came of the traffic, and who sends it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use statistics::custom_metrics::{self, MetricFigures};
use statistics::ledger::{Ledger, Starved};
use statistics::report::{CurrentPercentiles, ErrorRow, PAGE_ROWS, Report, Row, page_rows};
use statistics::thresholds::{Judged, judged};
use traffic::clock::Timestamp;
use traffic::run::Share;
use traffic::runs::LoadedRun;
use traffic::workload::Workload;
use utoipa::ToSchema;

use super::answers::Refused;
use super::locust_page;
use super::runs::Shown;
use super::state::ApiState;

/// Statistics of all requests.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// At most 500 rows by name and method, and `Aggregated` after them.
    stats: Vec<Row>,
    /// At most 500 errors, in order of their first occurrence.
    errors: Vec<ErrorRow>,
    /// Requests a second in about the last ten seconds.
    current_rps: f64,
    /// Failures a second in about the last ten seconds.
    current_fail_per_sec: f64,
    /// Requests a second since the start or the last reset.
    total_rps: f64,
    /// Failures a second since the start or the last reset.
    total_fail_per_sec: f64,
    /// Failures by requests.
    fail_ratio: f64,
    /// Of about the last ten seconds.
    current_response_time_percentiles: CurrentPercentiles,
    /// The median of about the last ten seconds, where older dashboards look.
    #[schema(required)]
    current_response_time_percentile_50: Option<u64>,
    /// The 95th percentile of about the last ten seconds, where older dashboards look.
    #[schema(required)]
    current_response_time_percentile_95: Option<u64>,
    /// Where the traffic stands.
    state: statistics::state::State,
    /// Users that are active.
    user_count: u64,
    /// That response times include our own waiting, if they do; the same as in `/ledger`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    starved: Option<Starved>,
    /// How late the iterations of the run that is on will be, where too few functions may run at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    late: Option<Arc<str>>,
}

/// Expectations and templates that could not be evaluated.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Exceptions {
    exceptions: Vec<Exception>,
}

/// An expectation or template that could not be evaluated.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// How often.
    count: u64,
    msg: String,
    /// Where: `local`.
    nodes: &'static str,
    traceback: String,
}

/// The shares of classes and tasks in the traffic.
#[derive(Default, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tasks {
    /// With each task's share of its class.
    per_class: BTreeMap<String, ClassShare>,
    /// With each task's share of all.
    total: BTreeMap<String, ClassShare>,
}

/// A class's share of the users.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ClassShare {
    ratio: f64,
    /// Its tasks by name.
    tasks: BTreeMap<String, TaskShare>,
}

/// A task's share.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TaskShare {
    ratio: f64,
}

impl Requests {
    /// The body for a report, whatever its run's users do.
    pub fn of(
        report: Report,
        state: statistics::state::State,
        user_count: u64,
        starved: Option<Starved>,
        late: Option<Arc<str>>,
    ) -> Self {
        let mut errors = report.errors;
        errors.truncate(PAGE_ROWS);
        let total = &report.total;
        let current = report.current_response_time_percentiles;
        Self {
            errors,
            current_rps: total.current_rps,
            current_fail_per_sec: total.current_fail_per_sec,
            total_rps: total.total_rps,
            total_fail_per_sec: total.total_fail_per_sec,
            fail_ratio: total.fail_ratio,
            current_response_time_percentiles: current,
            current_response_time_percentile_50: current.median,
            current_response_time_percentile_95: current.p95,
            stats: page_rows(report.rows, report.total),
            state,
            user_count,
            starved,
            late,
        }
    }
}

/// Statistics of every request.
#[utoipa::path(get, path = "/stats/requests", tag = "locust", responses(
    (status = 200, description = "Statistics of all requests, errors, state and users.", body = Requests),
    Refused
))]
pub(super) async fn requests(
    State(api): State<ApiState>,
    Shown(snapshot): Shown,
    headers: HeaderMap,
) -> Json<Requests> {
    let state = locust_page::understood(snapshot.state(), &headers);
    Json(Requests::of(
        snapshot.report(),
        state,
        snapshot.user_count(),
        snapshot.ledger.starved.clone(),
        api.lateness_of(snapshot.run.as_ref()).await,
    ))
}

/// Expectations and templates that could not be evaluated.
#[utoipa::path(get, path = "/exceptions", tag = "locust", responses(
    (status = 200, description = "What could not be evaluated.", body = Exceptions),
    Refused
))]
pub(super) async fn exceptions(Shown(snapshot): Shown) -> Json<Exceptions> {
    let exceptions = snapshot.exceptions();
    let exceptions = exceptions.map(|(message, traceback, count)| Exception {
        count,
        msg: message.to_owned(),
        nodes: "local",
        traceback: traceback.to_owned(),
    });
    Json(Exceptions {
        exceptions: exceptions.collect(),
    })
}

/// Planned iterations, and what became of them.
#[utoipa::path(get, path = "/ledger", tag = "cicada", responses(
    (status = 200, description = "planned = recorded + skipped + missing + pending", body = Ledger),
    Refused
))]
pub(super) async fn ledger(Shown(snapshot): Shown) -> Json<Arc<Ledger>> {
    Json(snapshot.ledger)
}

/// The thresholds of the run, and its figures.
#[utoipa::path(get, path = "/thresholds", tag = "cicada", responses(
    (status = 200, description = "The workload's thresholds, and those of `--threshold`; none without a run.", body = Vec<Judged>),
    Refused
))]
pub(super) async fn thresholds(Shown(snapshot): Shown) -> Json<Vec<Judged>> {
    Json(judged(&snapshot))
}

/// The custom metrics of the run's workload, and their figures.
#[utoipa::path(get, path = "/custom-metrics", tag = "cicada", responses(
    (status = 200, description = "The custom metrics by name; none without a run.", body = Vec<MetricFigures>),
    Refused
))]
pub(super) async fn custom_metrics(Shown(snapshot): Shown) -> Json<Vec<MetricFigures>> {
    Json(custom_metrics::figures(&snapshot))
}

/// The classes' shares of the users that are active now, and their tasks'.
#[utoipa::path(get, path = "/tasks", tag = "locust", responses(
    (status = 200, description = "Shares by class and task.", body = Tasks),
    Refused
))]
pub(super) async fn tasks(State(api): State<ApiState>) -> Result<Json<Tasks>, Refused> {
    let run = api.control.run().await?;
    let is_on = |run: &&Arc<LoadedRun>| !run.plan.run().is_over(api.control.now());
    let workload = match run.as_ref().filter(is_on) {
        Some(run) => Arc::clone(&run.workload),
        None => api.control.workload().await?,
    };
    // a run that is over is shown unless the next one has another workload
    let run = run.filter(|run| run.workload.version() == workload.version());
    let classes = match &run {
        Some(run) => classes_of(run),
        None => api.control.settings().selected(&workload),
    };
    let now = api.control.now();
    Ok(Json(shares(&workload, run.as_deref(), &classes, now)))
}

/// The same of the run that the path names; of one that is over, as it was in its last moment.
#[utoipa::path(get, path = "/runs/{id}/tasks", tag = "cicada",
    params(("id" = String, Path, description = "A run, by its name on the list of runs.")),
    responses(
        (status = 200, description = "Shares by class and task.", body = Tasks),
        (status = 404, description = "There is no such run.", body = Refused),
        Refused
    )
)]
pub(super) async fn tasks_of_run(Shown(snapshot): Shown) -> Json<Tasks> {
    let Some(run) = snapshot.run else {
        return Json(Tasks::default());
    };
    let end = run.plan.run().ends();
    let last = end.map(|end| Timestamp::from_micros(end.micros().saturating_sub(1)));
    let at = last.map_or(snapshot.at, |last| last.min(snapshot.at));
    Json(shares(&run.workload, Some(&run), &classes_of(&run), at))
}

/// The classes' shares of a run's users at an instant, and the tasks' of what these do.
fn shares(
    workload: &Workload,
    run: Option<&LoadedRun>,
    classes: &[String],
    at: Timestamp,
) -> Tasks {
    let users = |class: &String| {
        let run = run?;
        let counts = run.plan.class_counts(at);
        Some(u64::from(counts[run.plan.class_number(class)?]))
    };
    let counts: Vec<(&str, u64)> = classes
        .iter()
        .map(|class| (class.as_str(), users(class).unwrap_or(0)))
        .collect();
    let by_name = |total| {
        let classes = workload.task_ratio(&counts, total).0.into_iter();
        let classes = classes.map(|class| {
            let tasks = class.tasks.into_iter();
            let tasks = tasks.map(|task| (task.name, TaskShare { ratio: task.ratio }));
            let (ratio, tasks) = (class.ratio, tasks.collect());
            (class.name, ClassShare { ratio, tasks })
        });
        classes.collect()
    };
    Tasks {
        per_class: by_name(false),
        total: by_name(true),
    }
}

/// The classes that run, or ran last.
fn classes_of(run: &LoadedRun) -> Vec<String> {
    let last = run.plan.run().segments.last();
    let shares: &[Share] = last.map_or(&[], |segment| &segment.shares);
    shares.iter().map(|share| share.class.clone()).collect()
}
