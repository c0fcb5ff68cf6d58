//! `/schedules`: when runs start and stop by themselves.
//!
//! A schedule's fields are its own and those of `POST /swarm`, side by side, in a form or in JSON; a
//! list shows them in the same way, so that what was read can be sent back.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use control::{ScheduleRefusal, SwarmRequest};
use jiff::tz::TimeZoneDatabase;
use serde::Serialize;
use serde_json::Value;
use traffic::clock::Timestamp;
use traffic::ports::Schedule;
use traffic::run_rules::InvalidField;
use traffic::schedule::Cron;
use utoipa::ToSchema;

use super::answers::{Done, Refused, done};
use super::fields::{BadBody, Fields};
use super::state::ApiState;
use super::swarm_fields::{
    SWARM_FIELDS, is_not, swarm_from_fields, swarm_from_json, swarm_to_fields,
};

/// The fields of a schedule beside those of a swarm; the last two are only ever read.
const OWN_FIELDS: [&str; 6] = [
    "name",
    "start",
    "stop",
    "time_zone",
    "next_start",
    "next_stop",
];

/// A schedule to keep: when runs start and stop by themselves, and the swarm that starts; the other fields are those of
/// `/swarm`.
#[derive(ToSchema)]
#[schema(as = ScheduleRequest, example = json!({"name": "weekdays", "start": "0 9 * * 1-5",
    "stop": "0 17 * * 1-5", "time_zone": "Europe/Berlin", "user_count": 10, "spawn_rate": 2}))]
pub(super) struct Asked {
    #[schema(example = "weekdays")]
    name: String,
    /// When a run starts: five fields of cron.
    #[schema(example = "0 9 * * 1-5")]
    start: Option<String>,
    /// When it stops.
    #[schema(example = "0 17 * * 1-5")]
    stop: Option<String>,
    /// The zone of both; UTC if not said.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    #[serde(flatten)]
    swarm: SwarmRequest,
}

/// A schedule as it is kept, with the fields of the swarm that it starts.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Schedule)]
pub(super) struct Shown {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iterations: Option<u64>,
    name: String,
    /// When it starts next.
    #[schema(required)]
    next_start: Option<String>,
    /// When it stops next.
    #[schema(required)]
    next_stop: Option<String>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run_time: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shape_class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    spawn_rate: Option<f64>,
    /// When a run starts: five fields of cron.
    #[schema(required)]
    start: Option<String>,
    /// When it stops.
    #[schema(required)]
    stop: Option<String>,
    /// The zone of both.
    time_zone: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    user_classes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user_classes_count: Option<BTreeMap<String, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user_count: Option<u64>,
}

/// All schedules.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Schedules {
    schedules: Vec<Shown>,
}

/// A schedule was saved.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScheduleSaved {
    message: &'static str,
    schedule: Shown,
    /// True.
    success: bool,
}

/// `GET /schedules`
#[utoipa::path(get, path = "/schedules", operation_id = "list_schedules", tag = "cicada", responses(
    (status = 200, description = "All schedules by name.", body = Schedules),
    Refused
))]
pub(super) async fn list(State(api): State<ApiState>) -> Result<Json<Schedules>, Refused> {
    let schedules = api.control.schedules().await?.into_iter();
    let now = api.control.now();
    let schedules = schedules.map(|schedule| Shown::of(schedule, now)).collect();
    Ok(Json(Schedules { schedules }))
}

/// `POST /schedules`: adds one, or replaces the one of its name.
#[utoipa::path(
    post,
    path = "/schedules",
    operation_id = "put_schedule",
    tag = "cicada",
    request_body(content(
        (Asked = "application/json"),
        (Asked = "application/x-www-form-urlencoded"),
    )),
    responses(
        (status = 200, description = "It was saved.", body = ScheduleSaved),
        (status = 400, description = "Nothing was changed.", body = Refused),
        Refused
    )
)]
pub(super) async fn put(
    State(api): State<ApiState>,
    request: Request,
) -> Result<Json<ScheduleSaved>, Refused> {
    let asked = match Fields::read(request).await {
        Ok(fields) => asked(&fields),
        Err(BadBody::Invalid(problem)) => Err(problem),
        Err(BadBody::Unread(status, text)) => return Err(refused(status, text)),
    };
    let asked = asked.map_err(|problem| refused(StatusCode::BAD_REQUEST, problem.to_string()))?;
    let swarm = asked.swarm.clone();
    let put = api.control.put_schedule(asked.into_schedule(), swarm).await;
    let schedule = put.map_err(|refusal| match refusal {
        ScheduleRefusal::Unavailable(refusal) => refusal.into(),
        problem => refused(StatusCode::BAD_REQUEST, problem.to_string()),
    })?;
    Ok(Json(ScheduleSaved {
        message: "Schedule saved",
        schedule: Shown::of(schedule, api.control.now()),
        success: true,
    }))
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
        Refused
    )
)]
pub(super) async fn delete_by_query(
    State(api): State<ApiState>,
    Query(mut query): Query<HashMap<String, String>>,
) -> Result<Json<Done>, Refused> {
    match query.remove("name") {
        Some(name) => delete(State(api), Path(name)).await,
        None => {
            let problem = "name is missing: say which schedule, such as /schedules?name=weekdays";
            Err(refused(StatusCode::BAD_REQUEST, problem))
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
        Refused
    )
)]
pub(super) async fn delete(
    State(api): State<ApiState>,
    Path(name): Path<String>,
) -> Result<Json<Done>, Refused> {
    let shown: String = name.chars().take(100).collect();
    if api.control.delete_schedule(name).await? {
        return Ok(done("Schedule deleted"));
    }
    let problem = format!("there is no schedule {shown:?}: GET /schedules lists them");
    Err(refused(StatusCode::NOT_FOUND, problem))
}

fn asked(fields: &Fields) -> Result<Asked, InvalidField> {
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
    Ok(Asked {
        name,
        start: text(fields, "start")?,
        stop: text(fields, "stop")?,
        time_zone: text(fields, "time_zone")?,
        swarm,
    })
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

impl Asked {
    fn into_schedule(self) -> Schedule {
        Schedule {
            name: self.name,
            start: self.start,
            stop: self.stop,
            time_zone: self.time_zone.unwrap_or_else(|| "UTC".into()),
            swarm: Value::Object(swarm_to_fields(&self.swarm)).to_string(),
        }
    }
}

impl Shown {
    fn of(schedule: Schedule, now: Timestamp) -> Self {
        let Schedule { start, stop, .. } = &schedule;
        let next = |cron: &Option<String>| next_time(cron.as_deref(), &schedule.time_zone, now);
        let (next_start, next_stop) = (next(start), next(stop));
        let swarm = swarm_from_json(&schedule.swarm).unwrap_or_default();
        Self {
            host: swarm.host,
            iterations: swarm.iterations,
            name: schedule.name,
            next_start,
            next_stop,
            run_time: swarm.run_time.map(|time| time.as_secs()),
            shape_class: swarm.shape_class,
            spawn_rate: swarm.spawn_rate,
            start: schedule.start,
            stop: schedule.stop,
            time_zone: schedule.time_zone,
            user_classes: swarm.user_classes,
            user_classes_count: swarm.user_classes_count,
            user_count: swarm.user_count,
        }
    }
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

fn refused(status: StatusCode, problem: impl Into<String>) -> Refused {
    let problem = problem.into();
    tracing::warn!(%problem, "a schedule was refused");
    Refused::new(status, problem)
}
