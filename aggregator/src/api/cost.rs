//! `GET /cost`: what `cicada cost --json` prints, for the workload that the next run has.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Semaphore;
use traffic::ports::{Heartbeat, Queue, Store};

use super::{Api, unavailable};
use crate::control::InvalidField;
use crate::cost::{Architecture, Estimate, Hours, Prices, Question};

/// One estimate at a time: each plays minutes of traffic, and traffic that is really sent must not wait
/// for that.
static TURN: Semaphore = Semaphore::const_new(1);

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most users that a request may ask about: about a second of computing. The command has no such limit.
const MOST_USERS: u32 = 100_000;

/// The parameters, for whoever has written another.
const PARAMETERS: &str = "users or class_counts, hours, watch_hours, response_time, memory, \
    architecture, ticks_per_message, block_size, retention_days, alarms and region";

pub(super) async fn cost<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    RawQuery(query): RawQuery,
) -> Response {
    let question = match question(query.as_deref().unwrap_or_default()) {
        Ok(question) => question,
        Err(problem) => return refused(StatusCode::BAD_REQUEST, &problem.to_string()),
    };
    let workload = match api.control.workload().await {
        Ok(chosen) => chosen.workload,
        Err(refusal) => return unavailable(&refusal),
    };
    let Ok(Ok(turn)) = tokio::time::timeout(PATIENCE, TURN.acquire()).await else {
        let busy = "another estimate is being made: try again";
        return refused(StatusCode::SERVICE_UNAVAILABLE, busy);
    };
    let estimated = tokio::task::spawn_blocking(move || {
        // also when the client has gone away meanwhile, the next one waits until this ends
        let _turn = turn;
        estimate(&question, &workload)
    });
    match estimated.await {
        Ok(Ok(estimate)) => Json(estimate).into_response(),
        Ok(Err(problem)) => refused(StatusCode::BAD_REQUEST, &problem.to_string()),
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

fn estimate(
    question: &Question,
    workload: &Arc<traffic::workload::Workload>,
) -> Result<Estimate, InvalidField> {
    question.estimate(workload, &Prices::built_in())
}

/// What a query asks; of a parameter that can be given once, the first counts.
fn question(query: &str) -> Result<Question, InvalidField> {
    let mut question = Question {
        most_users: MOST_USERS,
        ..Question::default()
    };
    let mut known: Vec<Cow<'_, str>> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let may_repeat = matches!(&*name, "class_counts" | "response_time");
        if value.trim().is_empty() || (!may_repeat && known.contains(&name)) {
            continue;
        }
        set(&mut question, &name, value.trim())?;
        known.push(name);
    }
    Ok(question)
}

fn set(question: &mut Question, name: &str, value: &str) -> Result<(), InvalidField> {
    match name {
        "users" => question.users = Some(number("users", value)?),
        "class_counts" => question.add_class_counts(value)?,
        "hours" => question.hours = hours("hours", value)?,
        "watch_hours" => question.watch_hours = Some(hours("watch_hours", value)?),
        "response_time" => question.response_times.push(value.to_owned()),
        "memory" => question.memory = number("memory", value)?,
        "architecture" => question.architecture = architecture(value)?,
        "ticks_per_message" => question.ticks_per_message = number("ticks_per_message", value)?,
        "block_size" => question.block_size = number("block_size", value)?,
        "retention_days" => question.retention_days = number("retention_days", value)?,
        "alarms" => question.alarms = number("alarms", value)?,
        "region" => question.region = Some(value.to_owned()),
        unknown => {
            let unknown: String = unknown.chars().take(60).collect();
            let problem = format!("has the unknown parameter {unknown:?}: write {PARAMETERS}");
            return Err(InvalidField::new("query", problem));
        }
    }
    Ok(())
}

fn number<N: FromStr>(field: &'static str, value: &str) -> Result<N, InvalidField> {
    value.parse().map_err(|_| {
        let shown: String = value.chars().take(60).collect();
        InvalidField::new(field, format!("is {shown:?}: write a whole number"))
    })
}

fn hours(field: &'static str, value: &str) -> Result<Hours, InvalidField> {
    value.parse().map_err(|error| {
        let shown: String = value.chars().take(60).collect();
        InvalidField::new(field, format!("is {shown:?}: {error}"))
    })
}

fn architecture(value: &str) -> Result<Architecture, InvalidField> {
    match value {
        "x86_64" => Ok(Architecture::X86),
        "arm64" => Ok(Architecture::Arm),
        _ => {
            let problem = "must be x86_64 or arm64";
            Err(InvalidField::new("architecture", problem))
        }
    }
}

fn refused(status: StatusCode, problem: &str) -> Response {
    let body = json!({"success": false, "message": problem});
    (status, Json(body)).into_response()
}
