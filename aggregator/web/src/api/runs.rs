//! `/runs`: which runs there are, and every page about a run under `/runs/{id}` as well.
//!
//! A page about a run takes a [`Shown`]: of the run that its path names, or of the newest one where it
//! names none. [`Routes::of_any_run`](super::routes::Routes::of_any_run) mounts it in both places.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::{Json, RequestPartsExt as _};
use serde::Serialize;
use serde_json::json;
use traffic::clock::Timestamp;
use traffic::plan::peak_users;
use traffic::ports::{Heartbeat, Queue, Store};
use traffic::run::{Run, RunId};
use traffic::runs::RunError;
use utoipa::ToSchema;

use super::openapi::shapes::Refused;
use super::{Api, unavailable};
use statistics::reader::{AggregatorError, ListedRun, Snapshot};

/// Runs on a page unless it is said, and at most.
const PAGE: usize = 50;
const LONGEST_PAGE: usize = 200;

/// What the run that a path names came to, or the newest one if it names none.
pub(super) struct Shown(pub(super) Snapshot);

impl<S: Store, Q: Queue, H: Heartbeat> FromRequestParts<Api<S, Q, H>> for Shown {
    type Rejection = Response;

    async fn from_request_parts(
        parts: &mut Parts,
        api: &Api<S, Q, H>,
    ) -> Result<Self, Self::Rejection> {
        let named = match parts.extract::<RawPathParams>().await {
            Ok(params) => params
                .iter()
                .find(|(name, _)| *name == "id")
                .map(|(_, id)| id.to_owned()),
            // a path that is no text names nothing that there is
            Err(_) => Some(String::new()),
        };
        let snapshot = match named {
            None => api.aggregation.snapshot().await,
            Some(text) => {
                let id = RunId::parse(&text).ok_or_else(|| unknown(&text))?;
                api.aggregation.snapshot_of(&id).await
            }
        };
        match snapshot {
            Ok(snapshot) => Ok(Self(snapshot)),
            Err(AggregatorError::Run(RunError::Unknown(id))) => Err(unknown(&id.0)),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

/// The body of `/runs`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Page {
    /// Newest first.
    runs: Vec<Entry>,
    /// What `before` has to be for the next page; nothing on the last one.
    next: Option<String>,
}

/// A run on the list; times in seconds since the Unix epoch.
#[derive(Debug, Serialize, ToSchema)]
struct Entry {
    /// Its name.
    id: String,
    /// Locust's word for where it stands.
    state: statistics::state::State,
    /// Its first second.
    started: u64,
    /// The first second in which nothing starts any more, once that has come.
    ended: Option<u64>,
    /// For how many seconds it has been on, or was.
    duration: f64,
    /// After how many seconds it was to end by itself, by what was asked last.
    run_time: Option<u64>,
    /// The most users that there were at once.
    user_count: u64,
    /// Users started or stopped a second, by what was asked last.
    spawn_rate: f64,
    /// The classes that ran at any time, by name.
    user_classes: Vec<String>,
    /// The host that was asked for last.
    host: Option<String>,
    /// The classes whose requests went elsewhere than the workload says, and where, by what was asked last.
    hosts: BTreeMap<String, String>,
    /// The version of its workload.
    workload: String,
    /// What its random draws were seeded with: a text, since it has 64 bits.
    seed: String,
    /// Requests, failed or not; nothing when that is not known yet.
    num_requests: Option<u64>,
    /// Failures among them.
    num_failures: Option<u64>,
    /// Failures by requests.
    fail_ratio: Option<f64>,
    /// The mean response time in milliseconds.
    avg_response_time: Option<f64>,
    /// Since when these four count, if they were reset.
    reset: Option<f64>,
}

/// `GET /runs`
#[utoipa::path(
    get,
    path = "/runs",
    operation_id = "list_runs",
    tag = "cicada",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 200, description = "Runs on a page; 50 if not said."),
        ("before" = Option<String>, Query, description = "Only older ones: what the page before has as `next`."),
    ),
    responses(
        (status = 200, description = "Runs, newest first.", body = Page),
        (status = 400, description = "The limit cannot be used.", body = Refused),
        (status = 404, description = "`before` is no name of a run.", body = Refused),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) async fn list<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    // of a repeated one the first counts, as in a form
    let asked = |field: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(name, value)| name == field && !value.is_empty());
        found.map(|(_, value)| value)
    };
    let before = match asked("before") {
        None => None,
        Some(text) => match RunId::parse(&text) {
            Some(id) => Some(id),
            None => return unknown(&text),
        },
    };
    let limit = match asked("limit").map(|text| text.parse()) {
        None => PAGE,
        Some(Ok(limit)) if (1..=LONGEST_PAGE).contains(&limit) => limit,
        Some(_) => {
            let problem = format!("limit must be a whole number from 1 to {LONGEST_PAGE}");
            return refused(StatusCode::BAD_REQUEST, &problem);
        }
    };
    match api.aggregation.runs(before.as_ref(), limit).await {
        Ok(page) => Json(Page {
            runs: page
                .runs
                .iter()
                .map(|run| entry(run, page.at, &|run| api.control.is_settled(run)))
                .collect(),
            next: page.next.map(|id| id.0),
        })
        .into_response(),
        Err(error) => unavailable(&error),
    }
}

fn entry(listed: &ListedRun, now: Timestamp, is_settled: &dyn Fn(&Run) -> bool) -> Entry {
    let run = &listed.run;
    let last = run.segments.last();
    let lasts = |until: Timestamp| until.since(last.map_or(until, |last| last.from)).as_secs();
    let shares = run.segments.iter().flat_map(|segment| &segment.shares);
    let mut classes: Vec<String> = shares.map(|share| share.class.clone()).collect();
    classes.sort();
    classes.dedup();
    let totals = listed.totals.as_ref();
    Entry {
        id: run.id.0.clone(),
        state: match &listed.loaded {
            Some(loaded) => statistics::state::State::of(Some(loaded), now, is_settled(run)),
            None => state_of(run, now, is_settled(run)),
        },
        started: run.starts().full_second().0,
        ended: run
            .ends()
            .filter(|_| run.is_over(now))
            .map(|end| end.full_second().0),
        duration: run.lasted(now).as_secs_f64(),
        run_time: last.and_then(|last| last.until).map(lasts),
        user_count: peak_users(run, now),
        spawn_rate: last.map_or(0.0, |last| last.spawn_rate),
        user_classes: classes,
        host: last.and_then(|last| last.host.clone()),
        hosts: last.map_or_else(BTreeMap::new, |last| last.hosts.iter().cloned().collect()),
        workload: run.workload.clone(),
        seed: run.seed.to_string(),
        num_requests: totals.map(|totals| totals.num_requests),
        num_failures: totals.map(|totals| totals.num_failures),
        fail_ratio: totals.map(statistics::stats::Totals::fail_ratio),
        avg_response_time: totals.map(statistics::stats::Totals::avg_response_time),
        reset: run.reset_at.map(Timestamp::seconds),
    }
}

/// The state of a run without its plan: of one that is on, that all users are there is assumed.
fn state_of(run: &Run, now: Timestamp, is_settled: bool) -> statistics::state::State {
    if run.is_over(now) && is_settled {
        statistics::state::State::Stopped
    } else if run.is_over(now) || run.stopped_at.is_some() {
        statistics::state::State::Stopping
    } else {
        statistics::state::State::Running
    }
}

fn unknown(text: &str) -> Response {
    let shown: String = text.chars().take(60).collect();
    let problem = format!("there is no run {shown:?}: GET /runs lists them");
    refused(StatusCode::NOT_FOUND, &problem)
}

fn refused(status: StatusCode, problem: &str) -> Response {
    let body = json!({"success": false, "message": problem});
    (status, Json(body)).into_response()
}
