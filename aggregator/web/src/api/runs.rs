//! `/runs`: which runs there are, and every page about a run under `/runs/{id}` as well.
//!
//! A page about a run takes a [`Shown`]: of the run that its path names, or of the newest one where it
//! names none. `of_any_run` in `openapi.rs` mounts it in both places.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, RawPathParams, RawQuery, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::{Json, RequestPartsExt as _};
use serde::Serialize;
use statistics::run_part::{self, RunPart};
use traffic::clock::Timestamp;
use traffic::plan::peak_users;
use traffic::run::{Run, RunId};
use traffic::runs::RunError;
use utoipa::ToSchema;

use super::answers::Refused;
use super::state::ApiState;
use statistics::reader::{AggregatorError, ListedRun, Snapshot};

/// Runs on a page unless it is said, and at most.
const PAGE: usize = 50;
const LONGEST_PAGE: usize = 200;

/// The snapshot of the run that a path names, or of the newest one if it names none.
pub(super) struct Shown(pub(super) Snapshot);

impl FromRequestParts<ApiState> for Shown {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, Refused> {
        let named = match parts.extract::<RawPathParams>().await {
            Ok(params) => params
                .iter()
                .find(|(name, _)| *name == "id")
                .map(|(_, id)| id.to_owned()),
            // a path that is no text names nothing that there is
            Err(_) => Some(String::new()),
        };
        let snapshot = match named {
            None => api.figures.snapshot().await,
            Some(text) => return Ok(Self(named_run(api, &text).await?)),
        };
        Ok(Self(snapshot?))
    }
}

/// The snapshot of a run, or of a part of it, by its name.
pub(super) async fn named_run(api: &ApiState, text: &str) -> Result<Snapshot, Refused> {
    let snapshot = match run_part::parse(text).ok_or_else(|| unknown(text))? {
        (id, None) => api.figures.snapshot_of(&id).await.map(Some),
        (id, Some(number)) => api.figures.snapshot_of_part(&id, number).await,
    };
    match snapshot {
        Ok(snapshot) => snapshot.ok_or_else(|| unknown(text)),
        Err(AggregatorError::Run(RunError::Unknown(id))) => Err(unknown(&id.0)),
        Err(error) => Err(error.into()),
    }
}

/// The body of `/runs`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunList {
    /// Newest first.
    runs: Vec<RunRow>,
    /// The value of `before` for the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

/// A run on the list; times in seconds since the Unix epoch.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunRow {
    /// What it is called in addresses.
    id: String,
    /// The name that somebody gave it.
    #[schema(required)]
    name: Option<String>,
    /// What somebody noted of it.
    #[schema(required)]
    note: Option<String>,
    /// The number of the part of a run that this is, if it is one.
    #[schema(required)]
    part: Option<u32>,
    /// The parts that resets have ended, the oldest first: each can be asked for as a run can.
    parts: Vec<PartName>,
    /// Locust's word for where it stands.
    state: statistics::state::State,
    /// Its first second.
    started: u64,
    /// The first second in which nothing starts any more, once that has come.
    #[schema(required)]
    ended: Option<u64>,
    /// For how many seconds it has been on, or was.
    duration: f64,
    /// After how many seconds it was to end by itself, by what was asked last.
    #[schema(required)]
    run_time: Option<u64>,
    /// The first second in which nothing is to start any more, by what was asked last.
    #[schema(required)]
    until: Option<u64>,
    /// What was asked while it was on, the oldest first; of a run that was changed often the newest.
    changes: Vec<RunChange>,
    /// The most users that there were at once.
    user_count: u64,
    /// Users started or stopped a second, by what was asked last.
    spawn_rate: f64,
    /// The classes that ran at any time, by name.
    user_classes: Vec<String>,
    /// The host that was asked for last.
    #[schema(required)]
    host: Option<String>,
    /// The classes whose requests went elsewhere than the workload says, and where, by what was asked last.
    hosts: BTreeMap<String, String>,
    /// The version of its workload.
    workload: String,
    /// The seed of its random draws: a text, since it has 64 bits.
    seed: String,
    /// Requests, failed or not; nothing when that is not known yet.
    #[schema(required)]
    num_requests: Option<u64>,
    /// Failures among them.
    #[schema(required)]
    num_failures: Option<u64>,
    /// Failures by requests.
    #[schema(required)]
    fail_ratio: Option<f64>,
    /// The mean response time in milliseconds.
    #[schema(required)]
    avg_response_time: Option<f64>,
    /// Since when these four count, if they were reset.
    #[schema(required)]
    reset: Option<f64>,
}

/// A part of a run that a reset has ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PartName {
    /// What it is called in addresses.
    id: String,
    /// Its number from 1.
    number: u32,
    /// Its first instant, in seconds since the Unix epoch.
    from: f64,
    /// The instant of the reset.
    until: f64,
}

/// The parts of a run with their figures.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunParts {
    /// The oldest first; of a run that was reset often the newest 20.
    parts: Vec<RunPart>,
}

/// Users were asked for while a run was on, or a stage of a load shape began.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunChange {
    /// The instant from which it holds, in seconds since the Unix epoch.
    at: f64,
    /// The users that the run grows or shrinks to.
    user_count: u32,
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
        (status = 200, description = "Runs, newest first.", body = RunList),
        (status = 400, description = "The limit cannot be used.", body = Refused),
        (status = 404, description = "`before` is no name of a run.", body = Refused),
        Refused
    )
)]
pub(super) async fn list(
    State(api): State<ApiState>,
    RawQuery(query): RawQuery,
) -> Result<Json<RunList>, Refused> {
    let query = query.unwrap_or_default();
    // of a repeated one the first counts, as in a form
    let asked = |field: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        let found = pairs.find(|(name, value)| name == field && !value.is_empty());
        found.map(|(_, value)| value)
    };
    let before = asked("before").map(|text| RunId::parse(&text).ok_or_else(|| unknown(&text)));
    let before = before.transpose()?;
    let limit = match asked("limit").map(|text| text.parse()) {
        None => PAGE,
        Some(Ok(limit)) if (1..=LONGEST_PAGE).contains(&limit) => limit,
        Some(_) => {
            let problem = format!("limit must be a whole number from 1 to {LONGEST_PAGE}");
            return Err(Refused::new(StatusCode::BAD_REQUEST, problem));
        }
    };
    let page = api.figures.runs(before.as_ref(), limit).await?;
    let row = |listed| row(listed, page.at, &|run| api.control.is_settled(run));
    Ok(Json(RunList {
        runs: page.runs.iter().map(row).collect(),
        next: page.next.map(|id| id.0),
    }))
}

/// A run of the list.
#[utoipa::path(get, path = "/runs/{id}", operation_id = "run", tag = "cicada",
    params(("id" = String, Path, description = "A run, by its name on the list of runs.")),
    responses(
        (status = 200, description = "What the list says of it.", body = RunRow),
        (status = 404, description = "There is no such run.", body = Refused),
        Refused
    )
)]
pub(super) async fn one(
    State(api): State<ApiState>,
    Shown(snapshot): Shown,
) -> Result<Json<RunRow>, Refused> {
    let Some(loaded) = snapshot.run.clone() else {
        return Err(unknown(""));
    };
    let listed = ListedRun {
        run: loaded.plan.run().clone(),
        totals: Some(snapshot.stats.totals()),
        loaded: Some(loaded),
    };
    let is_settled = |run: &Run| api.control.is_settled(run);
    let mut row = row(&listed, snapshot.at, &is_settled);
    if let Some(part) = &snapshot.part {
        row.id = format!("{}.{}", row.id, part.number);
        row.part = Some(part.number);
        row.parts = Vec::new();
        row.state = snapshot.state();
        row.started = part.from.full_second().0;
        row.ended = Some(part.until.full_second().0);
        row.duration = part.until.since(part.from).as_secs_f64();
        row.reset = None;
    }
    Ok(Json(row))
}

/// The parts of the run that resets have ended, with their figures.
#[utoipa::path(get, path = "/parts", operation_id = "parts", tag = "cicada", responses(
    (status = 200, description = "The parts, the oldest first.", body = RunParts),
    Refused
))]
pub(super) async fn parts(Shown(snapshot): Shown) -> Json<RunParts> {
    let parts = snapshot.parts.to_vec();
    Json(RunParts { parts })
}

fn row(listed: &ListedRun, now: Timestamp, is_settled: &dyn Fn(&Run) -> bool) -> RunRow {
    let run = &listed.run;
    let last = run.segments.last();
    let lasts = |until: Timestamp| until.since(last.map_or(until, |last| last.from)).as_secs();
    let classes = run.class_names().into_iter().map(str::to_owned).collect();
    let totals = listed.totals.as_ref();
    // what is still to come of a shape is no change yet
    let changed = run.segments.iter().skip(usize::from(run.past.is_none()));
    let changed = changed.filter(|segment| segment.from <= now);
    RunRow {
        id: run.id.0.clone(),
        name: run.label("name").map(str::to_owned),
        note: run.label("note").map(str::to_owned),
        part: None,
        parts: part_names(run),
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
        until: last
            .and_then(|last| last.until)
            .map(|until| until.full_second().0),
        changes: changed
            .map(|segment| RunChange {
                at: segment.from.seconds(),
                user_count: segment.user_count,
            })
            .collect(),
        user_count: peak_users(run, now),
        spawn_rate: last.map_or(0.0, |last| last.spawn_rate),
        user_classes: classes,
        host: last.and_then(|last| last.host.clone()),
        hosts: last.map_or_else(BTreeMap::new, |last| last.hosts.iter().cloned().collect()),
        workload: run.workload.clone(),
        seed: run.seed.to_string(),
        num_requests: totals.map(|totals| totals.num_requests),
        num_failures: totals.map(|totals| totals.num_failures),
        fail_ratio: totals.map(statistics::stats::totals::Totals::fail_ratio),
        avg_response_time: totals.map(statistics::stats::totals::Totals::avg_response_time),
        reset: run.reset_at.map(Timestamp::seconds),
    }
}

/// The parts that resets have ended; a reset before the start ends none.
fn part_names(run: &Run) -> Vec<PartName> {
    let mut from = run.starts();
    let ended = run.parts_ended().filter(|(_, until)| *until > run.starts());
    let named = ended.map(|(number, until)| PartName {
        id: format!("{}.{number}", run.id),
        number,
        from: std::mem::replace(&mut from, until).seconds(),
        until: until.seconds(),
    });
    named.collect()
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

/// The refusal of a name that no run has.
pub(super) fn unknown(text: &str) -> Refused {
    let shown: String = text.chars().take(60).collect();
    let problem = format!("there is no run {shown:?}: GET /runs lists them");
    Refused::new(StatusCode::NOT_FOUND, problem)
}
