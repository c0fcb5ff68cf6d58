//! Locust's web API: the routes, and what they answer.
//!
//! [`router`] is the same in the local binary, in a container and behind a Function URL. What a
//! swarm does is the control's, the figures are the report's; this only reads requests and writes
//! Locust's JSON. No answer shows more of an error than one line that helps the caller.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use axum::{Json, middleware};
use serde_json::json;
use traffic::ports::{Heartbeat, Queue, Store, StoreError};

use crate::logs::LogBuffer;
use control::{Control, MAX_WORKLOAD, Refusal, Stop, Swarmed};
use statistics::reader::{Aggregation, Snapshot};

mod ab;
mod announced;
mod base_path;
mod cost;
mod door;
mod downloads;
mod fields;
mod headers;
mod health;
mod home;
mod locust_page;
mod metrics;
mod openapi;
mod page;
mod routes;
mod runs;
mod schedules;
mod stats;
mod swarm;
mod template_args;
mod user;
mod workload;

pub use base_path::{BasePath, InvalidBasePath};
pub use door::{Acquaintance, BASIC_AUTH, Door, Names, Trusted, Visitor};
pub use health::Trouble;
pub use swarm::swarm_from_json;

use fields::{BadBody, Fields};
use openapi::shapes::{Done, ExactSwarm, Logs, Refused, Swarm, SwarmAnswer, WorkerCount};
use routes::Routes;
use runs::Shown;
use swarm::swarm_from_fields;

/// What the API answers from.
pub struct Api<S, Q, H> {
    /// Starts, changes and stops runs.
    pub control: Arc<Control<S, Q, H>>,
    /// What came of them.
    pub aggregation: Arc<Aggregation<S>>,
    /// The newest log lines.
    pub logs: LogBuffer,
    /// What is in the way of recording.
    pub trouble: Trouble,
    /// Who may come in.
    pub door: Door,
}

impl<S, Q, H> Clone for Api<S, Q, H> {
    fn clone(&self) -> Self {
        Self {
            control: Arc::clone(&self.control),
            aggregation: Arc::clone(&self.aggregation),
            logs: self.logs.clone(),
            trouble: self.trouble.clone(),
            door: self.door.clone(),
        }
    }
}

/// All routes.
pub fn router<S: Store, Q: Queue, H: Heartbeat>(api: Api<S, Q, H>) -> Router {
    routes::<S, Q, H>()
        .into_router()
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(fields::MAX_BODY))
        .layer(middleware::from_fn_with_state(
            api.door.clone(),
            door::guard,
        ))
        .layer(middleware::from_fn(announced::refuse_too_long))
        .layer(middleware::from_fn(headers::secure))
        .with_state(api)
}

/// What is at which path; each handler is described in its `#[utoipa::path]`.
fn routes<S: Store, Q: Queue, H: Heartbeat>() -> Routes<Api<S, Q, H>> {
    Routes::new()
        .of_any_run("/stats/requests", get(stats::requests))
        .of_any_run("/stats/history", of(downloads::history))
        .of_any_run("/stats/report", get(downloads::report))
        .of_any_run("/stats/requests/csv", of(downloads::requests))
        .of_any_run("/stats/failures/csv", of(downloads::failures))
        .of_any_run(
            "/stats/requests_full_history/csv",
            of(downloads::full_history),
        )
        .of_any_run("/exceptions", get(stats::exceptions))
        .of_any_run("/exceptions/csv", of(downloads::exceptions))
        .of_any_run("/ledger", get(stats::ledger))
        .of_any_run("/ledger/history", of(downloads::ledger_history))
        .of_any_run("/ab", get(ab::ab::<S, Q, H>))
        .route("/runs/{id}/tasks", get(stats::tasks_of_run))
        .route("/", get(page::page::<S, Q, H>))
        .route("/api", get(home::routes::<S, Q, H>))
        .route("/assets/{name}", get(page::asset))
        .route("/template-args", get(page::template_args::<S, Q, H>))
        .route("/swarm", post(swarm_route::<S, Q, H>))
        .route("/stop", changes(get(stop::<S, Q, H>).post(stop::<S, Q, H>)))
        .route(
            "/stats/reset",
            changes(get(reset::<S, Q, H>).post(reset::<S, Q, H>)),
        )
        .route("/tasks", get(stats::tasks::<S, Q, H>))
        .route("/metrics", get(metrics::metrics))
        .route("/cost", get(cost::cost::<S, Q, H>))
        .route("/runs", get(runs::list::<S, Q, H>))
        .route("/user", post(user::set::<S, Q, H>))
        .route("/logs", get(logs::<S, Q, H>))
        .route("/worker-count", get(worker_count))
        .route(
            "/workload",
            get(workload::read::<S, Q, H>)
                .put(workload::replace::<S, Q, H>)
                .layer(DefaultBodyLimit::max(MAX_WORKLOAD)),
        )
        .route(
            "/schedules",
            get(schedules::list::<S, Q, H>)
                .post(schedules::put::<S, Q, H>)
                .delete(schedules::delete_by_query::<S, Q, H>),
        )
        .route("/schedules/{name}", delete(schedules::delete::<S, Q, H>))
        .route("/health", get(health::health::<S, Q, H>))
}

/// A page that a function makes of a run's snapshot.
fn of<S: Store, Q: Queue, H: Heartbeat>(
    answer: fn(&Snapshot) -> Response,
) -> MethodRouter<Api<S, Q, H>> {
    get(move |Shown(snapshot): Shown| downloads::made_of(snapshot, answer))
}

/// A route whose `GET` changes something: at least a `HEAD` must not.
fn changes<A: Clone + Send + Sync + 'static>(route: MethodRouter<A>) -> MethodRouter<A> {
    route.head(wrong_method)
}

/// Starts users, or changes their number while they run.
#[utoipa::path(
    post,
    path = "/swarm",
    tag = "locust",
    request_body(content(
        (Swarm = "application/x-www-form-urlencoded"),
        (ExactSwarm = "application/json"),
    )),
    responses(
        (status = 200, description = "Granted, or refused with `success: false`.", body = SwarmAnswer),
        (status = 400, description = "The body cannot be read.", body = String, content_type = "text/plain"),
        (status = 413, description = "The body is too long.", body = String, content_type = "text/plain"),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
async fn swarm_route<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    request: Request,
) -> Response {
    let read = Fields::read(request).await;
    let asked = match read {
        Ok(fields) => swarm_from_fields(&fields).map_err(Refusal::Field),
        Err(BadBody::Invalid(problem)) => Err(Refusal::Field(problem)),
        Err(BadBody::Unread(status, text)) => return (status, text).into_response(),
    };
    let swarmed = match asked {
        Ok(asked) => {
            let control = Arc::clone(&api.control);
            to_the_end(async move { control.swarm(asked).await }).await
        }
        Err(refusal) => Err(refusal),
    };
    match swarmed {
        Ok(swarmed) => Json(started(&swarmed)).into_response(),
        Err(refusal) => refused(&refusal, api.control.host().as_deref()),
    }
}

/// Stops the run that is on.
#[utoipa::path(method(get, post), path = "/stop", tag = "locust", responses(
    (status = 200, description = "Nothing starts later than two seconds from now. The message says so if the stop could not be written yet.", body = Done),
    (status = 503, description = "The store does not answer, and the traffic goes on.", body = Refused)
))]
async fn stop<S: Store, Q: Queue, H: Heartbeat>(State(api): State<Api<S, Q, H>>) -> Response {
    let control = Arc::clone(&api.control);
    match to_the_end(async move { control.stop().await }).await {
        Ok(Stop::Written) => {
            Json(json!({"success": true, "message": "Test stopped"})).into_response()
        }
        Ok(Stop::Held(error)) => {
            let message = format!(
                "Test stopped: nothing more is sent, but the stop could not be written yet and will be: {error}"
            );
            Json(json!({"success": true, "message": message})).into_response()
        }
        Err(refusal) => refused(&refusal, api.control.host().as_deref()),
    }
}

/// Counts anew from now on.
#[utoipa::path(method(get, post), path = "/stats/reset", tag = "locust", responses(
    (status = 200, description = "`ok`", body = String, content_type = "text/html"),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
async fn reset<S: Store, Q: Queue, H: Heartbeat>(State(api): State<Api<S, Q, H>>) -> Response {
    let control = Arc::clone(&api.control);
    match to_the_end(async move { control.reset().await }).await {
        // a page for Locust, if of two letters
        Ok(()) => Html("ok").into_response(),
        Err(refusal) => refused(&refusal, api.control.host().as_deref()),
    }
}

/// The newest log lines.
#[utoipa::path(get, path = "/logs", tag = "locust", responses(
    (status = 200, description = "The newest lines.", body = Logs)
))]
async fn logs<S: Store, Q: Queue, H: Heartbeat>(State(api): State<Api<S, Q, H>>) -> Response {
    Json(json!({"master": api.logs.lines(), "workers": {}})).into_response()
}

/// There are no workers to count: everything runs in one process, or in functions.
#[utoipa::path(get, path = "/worker-count", tag = "locust", responses(
    (status = 200, description = "Always 0.", body = WorkerCount)
))]
async fn worker_count() -> Response {
    Json(json!({"worker_count": 0})).into_response()
}

async fn unknown_route(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect();
    let text = format!("there is nothing at {path}: GET /api names what there is\n");
    (StatusCode::NOT_FOUND, text).into_response()
}

async fn wrong_method(method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect();
    let text = format!("{path} does not answer {method}: GET /api names what does\n");
    (StatusCode::METHOD_NOT_ALLOWED, text).into_response()
}

/// A change that was begun is finished, also when the client has gone away meanwhile.
async fn to_the_end<T: Send + 'static>(change: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(change).await {
        Ok(result) => result,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn started(swarmed: &Swarmed) -> serde_json::Value {
    let message = swarmed.shape_class.as_ref().map_or_else(
        || "Swarming started".to_owned(),
        |shape| format!("Swarming started using shape class '{shape}'"),
    );
    let mut body = json!({
        "success": true,
        "message": message,
        "host": swarmed.host,
    });
    if let Some(run_time) = swarmed.run_time {
        body["run_time"] = run_time.as_secs().into();
    }
    if let Some(classes) = &swarmed.user_classes {
        body["user_classes"] = classes.as_slice().into();
    }
    body
}

/// A request that cannot be granted is answered with status 200, as in Locust.
fn refused(refusal: &Refusal, host: Option<&str>) -> Response {
    let Refusal::Field(problem) = refusal else {
        return unavailable(refusal);
    };
    tracing::warn!(%problem, "a swarm was refused");
    let body = json!({"success": false, "message": problem.to_string(), "host": host});
    Json(body).into_response()
}

/// What went wrong inside goes to the log; the caller gets one line.
fn unavailable(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error, "a request could not be answered");
    let body = json!({"success": false, "message": clear_line(error)});
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// What the store says if it is behind the error: that tells most what to do.
fn clear_line(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let store = causes.find_map(|cause| cause.downcast_ref::<StoreError>());
    store.map_or_else(|| error.to_string(), ToString::to_string)
}
