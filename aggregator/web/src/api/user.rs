//! `POST /user`: what holds for a user class from the next run on, as Locust's page sends it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use control::{Change, UserSettings, WorkloadRefusal};
use serde::Serialize;
use serde_json::Value;
use traffic::run_rules::InvalidField;
use utoipa::ToSchema;

use super::answers::Refused;
use super::fields::Fields;
use super::state::ApiState;
use super::swarm_fields::{count, is_not, text};

/// The settings of a class, beside its name.
const SETTINGS: [&str; 4] = ["weight", "fixed_count", "host", "tasks"];

/// A class was set; Locust's page asks for nothing more.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassSet {}

/// Whatever its content type says, the body is JSON: Locust reads it so.
#[utoipa::path(post, path = "/user", operation_id = "set_user", tag = "locust", request_body = UserSettings, responses(
    (status = 201, description = "It holds for the runs that start from now on.", body = ClassSet),
    (status = 400, description = "Nothing was changed.", body = Refused),
    Refused
))]
pub(super) async fn set(
    State(api): State<ApiState>,
    body: Bytes,
) -> Result<(StatusCode, Json<ClassSet>), Refused> {
    let asked = Fields::parse(&body).and_then(|fields| asked(&fields));
    let set = match asked {
        Ok(asked) => api.control.set_user_class(asked).await,
        Err(problem) => Err(problem.into()),
    };
    let problem = match set {
        Ok(()) => return Ok((StatusCode::CREATED, Json(ClassSet {}))),
        Err(WorkloadRefusal::Store(refusal)) => return Err(refusal.into()),
        Err(WorkloadRefusal::Settings(problem)) => problem,
        Err(WorkloadRefusal::Mistakes(errors)) => {
            let first = errors.mistakes().first();
            let first = first.map_or("", |first| first.message.as_str());
            InvalidField::new("the workload", format!("cannot have this: {first}"))
        }
        Err(changed @ WorkloadRefusal::Changed(_)) => {
            InvalidField::new("the workload", changed.to_string())
        }
    };
    tracing::warn!(%problem, "a user class was not changed");
    Err(problem.into())
}

fn asked(fields: &Fields) -> Result<UserSettings, InvalidField> {
    let name = match fields.get("user_class_name") {
        Some(name) => text("user_class_name", name)?,
        None => {
            let problem = "is missing: name a user class, such as ModelAUser";
            return Err(InvalidField::new("user_class_name", problem));
        }
    };
    let unknown = fields
        .names()
        .find(|name| *name != "user_class_name" && !SETTINGS.contains(name));
    if let Some(unknown) = unknown {
        let unknown: String = unknown.chars().take(60).collect();
        let problem = format!(
            "has the unknown field {unknown:?}: write user_class_name and any of {}",
            SETTINGS.join(", ")
        );
        return Err(InvalidField::new("body", problem));
    }
    Ok(UserSettings {
        user_class_name: name,
        weight: change(fields, "weight", |value| at_most("weight", value, 10_000))?,
        fixed_count: change(fields, "fixed_count", |value| {
            at_most("fixed_count", value, 1_000_000)
        })?,
        host: change(fields, "host", |value| text("host", value))?,
        tasks: change(fields, "tasks", tasks)?,
    })
}

/// The change of one setting: null takes it back.
fn change<T>(
    fields: &Fields,
    name: &str,
    read: impl FnOnce(&Value) -> Result<T, InvalidField>,
) -> Result<Change<T>, InvalidField> {
    match fields.get(name) {
        Some(value) => read(value).map(Change::Set),
        None if fields.names().any(|said| said == name) => Ok(Change::TakeBack),
        None => Ok(Change::Keep),
    }
}

fn at_most(field: &'static str, value: &Value, most: u32) -> Result<u32, InvalidField> {
    let number = u32::try_from(count(field, value)?).ok();
    let number = number.filter(|number| *number <= most);
    number.ok_or_else(|| InvalidField::new(field, format!("must be at most {most}")))
}

fn tasks(value: &Value) -> Result<Vec<String>, InvalidField> {
    let expected = "a list of task names";
    let Value::Array(values) = value else {
        return Err(is_not("tasks", value, expected));
    };
    let names = values.iter().map(|name| text("tasks", name));
    names.collect()
}
