//! `/schedules`: when runs start and stop by themselves.
//!
//! A schedule's fields are its own and those of `POST /swarm`, side by side, in a form or in JSON; a
//! list shows them in the same way, so that what was read can be sent back.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZoneDatabase;
use serde_json::{Map, Value, json};
use traffic::clock::Timestamp;
use traffic::ports::{Heartbeat, Queue, Schedule, Store};
use traffic::schedule::Cron;

use super::fields::{BadBody, Fields};
use super::openapi::shapes::{self, Done, Refused, ScheduleSaved};
use super::swarm::{SWARM_FIELDS, is_not, swarm_from_fields, swarm_to_fields};
use super::{Api, to_the_end, unavailable};
use control::{InvalidField, ScheduleRefusal, SwarmRequest};

/// What a schedule has beside the fields of a swarm; the last two are only ever read.
const OWN_FIELDS: [&str; 6] = [
    "name",
    "start",
    "stop",
    "time_zone",
    "next_start",
    "next_stop",
];

/// `GET /schedules`
#[utoipa::path(get, path = "/schedules", operation_id = "list_schedules", tag = "cicada", responses(
    (status = 200, description = "All schedules by name.", body = shapes::Schedules),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn list<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
) -> Response {
    match api.control.schedules().await {
        Ok(schedules) => {
            let now = api.control.now();
            let shown = schedules.iter().map(|schedule| shown(schedule, now));
            Json(json!({"schedules": shown.collect::<Vec<_>>()})).into_response()
        }
        Err(refusal) => unavailable(&refusal),
    }
}

/// `POST /schedules`: adds one, or replaces the one of its name.
#[utoipa::path(
    post,
    path = "/schedules",
    operation_id = "put_schedule",
    tag = "cicada",
    request_body(content(
        (shapes::Schedule = "application/json"),
        (shapes::Schedule = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "It was saved.", body = ScheduleSaved),
        (status = 400, description = "Nothing was changed.", body = Refused),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) async fn put<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    request: Request,
) -> Response {
    let asked = match Fields::read(request).await {
        Ok(fields) => asked(&fields),
        Err(BadBody::Invalid(problem)) => Err(problem),
        Err(BadBody::Unread(status, text)) => return refused(status, &text),
    };
    let (schedule, swarm) = match asked {
        Ok(asked) => asked,
        Err(problem) => return refused(StatusCode::BAD_REQUEST, &problem.to_string()),
    };
    let control = api.control.clone();
    let put = to_the_end(async move { control.put_schedule(schedule, &swarm).await });
    match put.await {
        Ok(schedule) => Json(json!({
            "success": true,
            "message": "Schedule saved",
            "schedule": shown(&schedule, api.control.now()),
        }))
        .into_response(),
        Err(ScheduleRefusal::Unavailable(refusal)) => unavailable(&refusal),
        Err(problem) => refused(StatusCode::BAD_REQUEST, &problem.to_string()),
    }
}

/// `DELETE /schedules?name=`
#[utoipa::path(
    delete,
    path = "/schedules",
    operation_id = "delete_schedule_by_query",
    tag = "cicada",
    params(("name" = String, Query, description = "Which one.", example = "weekdays")),
    responses(
        (status = 200, description = "It was deleted.", body = Done),
        (status = 400, description = "It was not said which one.", body = Refused),
        (status = 404, description = "There is none of this name.", body = Refused),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) async fn delete_by_query<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    match query.get("name") {
        Some(name) => deleted(&api, name.clone()).await,
        None => {
            let problem = "name is missing: say which schedule, such as /schedules?name=weekdays";
            refused(StatusCode::BAD_REQUEST, problem)
        }
    }
}

/// `DELETE /schedules/{name}`
#[utoipa::path(
    delete,
    path = "/schedules/{name}",
    operation_id = "delete_schedule",
    tag = "cicada",
    params(("name" = String, Path, description = "Which one.", example = "nightly")),
    responses(
        (status = 200, description = "It was deleted.", body = Done),
        (status = 404, description = "There is none of this name.", body = Refused),
        (status = 503, description = "The store does not answer.", body = Refused)
    )
)]
pub(super) async fn delete<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    Path(name): Path<String>,
) -> Response {
    deleted(&api, name).await
}

async fn deleted<S: Store, Q: Queue, H: Heartbeat>(api: &Api<S, Q, H>, name: String) -> Response {
    let shown: String = name.chars().take(100).collect();
    let control = api.control.clone();
    match to_the_end(async move { control.delete_schedule(&name).await }).await {
        Ok(true) => Json(json!({"success": true, "message": "Schedule deleted"})).into_response(),
        Ok(false) => {
            let problem = format!("there is no schedule {shown:?}: GET /schedules lists them");
            refused(StatusCode::NOT_FOUND, &problem)
        }
        Err(refusal) => unavailable(&refusal),
    }
}

/// What the fields ask for: a schedule, and the swarm that it starts.
fn asked(fields: &Fields) -> Result<(Schedule, SwarmRequest), InvalidField> {
    let mut names = fields.names();
    let is_known = |name: &str| OWN_FIELDS.contains(&name) || SWARM_FIELDS.contains(&name);
    if let Some(unknown) = names.find(|name| !is_known(name)) {
        // a stop that is not one would let a run go on for ever
        let unknown: String = unknown.chars().take(60).collect();
        let problem = format!(
            "has the unknown field {unknown:?}: write name, start, stop, time_zone, and those of /swarm"
        );
        return Err(InvalidField::new("body", problem));
    }
    let swarm = swarm_from_fields(fields)?;
    let Some(name) = text(fields, "name")? else {
        return Err(InvalidField::new(
            "name",
            "is missing: call the schedule something, such as weekdays",
        ));
    };
    let schedule = Schedule {
        name,
        start: text(fields, "start")?,
        stop: text(fields, "stop")?,
        time_zone: text(fields, "time_zone")?.unwrap_or_else(|| "UTC".into()),
        swarm: Value::Object(swarm_to_fields(&swarm)).to_string(),
    };
    Ok((schedule, swarm))
}

/// A field's text; an empty one is the same as none.
fn text(fields: &Fields, name: &'static str) -> Result<Option<String>, InvalidField> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(other) => Err(is_not(name, other, "a text")),
    }
}

fn shown(schedule: &Schedule, now: Timestamp) -> Value {
    let Schedule {
        name,
        start,
        stop,
        time_zone,
        swarm,
    } = schedule;
    let mut shown = Map::new();
    let next = |cron: &Option<String>| next_time(cron.as_deref(), time_zone, now);
    for (field, value) in [
        ("name", name.as_str().into()),
        ("start", start.as_deref().into()),
        ("stop", stop.as_deref().into()),
        ("time_zone", time_zone.as_str().into()),
        ("next_start", next(start).into()),
        ("next_stop", next(stop).into()),
    ] {
        shown.insert(field.into(), value);
    }
    let swarm = serde_json::from_str::<Map<String, Value>>(swarm).unwrap_or_default();
    for (field, value) in swarm {
        shown.entry(field).or_insert(value);
    }
    Value::Object(shown)
}

/// When a cron is due next, in ISO 8601 with the zone's distance from UTC then.
fn next_time(cron: Option<&str>, time_zone: &str, now: Timestamp) -> Option<String> {
    let next = Cron::parse(cron?, time_zone).ok()?.next_after(now)?;
    let zone = TimeZoneDatabase::bundled().get(time_zone).ok()?;
    let next = jiff::Timestamp::from_microsecond(i64::try_from(next.micros()).ok()?).ok()?;
    Some(
        next.to_zoned(zone)
            .strftime("%Y-%m-%dT%H:%M:%S%:z")
            .to_string(),
    )
}

fn refused(status: StatusCode, problem: &str) -> Response {
    tracing::warn!(%problem, "a schedule was refused");
    let body = json!({"success": false, "message": problem});
    (status, Json(body)).into_response()
}
