//! The routes that say what came of the traffic, and who sends it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::Share;
use traffic::runs::LoadedRun;

use super::{Api, unavailable};
use crate::control::{self, user_count};
use crate::reader::Snapshot;
use crate::report::Report;

/// The body of `/stats/requests`: the report, and what the run's users do.
#[derive(Serialize)]
struct Requests {
    #[serde(flatten)]
    report: Report,
    state: control::State,
    user_count: u64,
}

pub(super) async fn requests<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    with_snapshot(&api, |snapshot| {
        let run = snapshot.run.as_deref();
        let body = Requests {
            report: snapshot.stats.report(snapshot.at),
            state: control::State::of(run, snapshot.at),
            user_count: user_count(run, snapshot.at),
        };
        Json(body).into_response()
    })
    .await
}

pub(super) async fn exceptions<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    with_snapshot(&api, |snapshot| {
        let row = |(message, traceback, count): (&str, &str, u64)| {
            json!({"count": count, "msg": message, "traceback": traceback, "nodes": "local"})
        };
        let rows: Vec<Value> = snapshot.exceptions().map(row).collect();
        Json(json!({ "exceptions": rows })).into_response()
    })
    .await
}

pub(super) async fn ledger<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    with_snapshot(&api, |snapshot| Json(&*snapshot.ledger).into_response()).await
}

/// The classes' shares of the users that are active now, and their tasks'.
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
    let users = |class: &String| {
        let run = run.as_ref()?;
        let counts = run.plan.class_counts(api.control.now());
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
fn classes_of(run: &Arc<LoadedRun>) -> Vec<String> {
    let last = run.plan.run().segments.last();
    let shares: &[Share] = last.map_or(&[], |segment| &segment.shares);
    shares.iter().map(|share| share.class.clone()).collect()
}

async fn with_snapshot<S: Store, Q: Queue, H: Heartbeat>(
    api: &Api<S, Q, H>,
    answer: impl FnOnce(&Snapshot) -> Response,
) -> Response {
    match api.aggregation.snapshot().await {
        Ok(snapshot) => answer(&snapshot),
        Err(error) => unavailable(&error),
    }
}
