//! `POST /user`: what holds for a user class from the next run on, as Locust's page sends it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use traffic::ports::{Heartbeat, Queue, Store};

use super::fields::Fields;
use super::openapi::shapes::{self, Nothing, Refused};
use super::swarm::{count, is_not, text};
use super::{Api, to_the_end, unavailable};
use control::{Change, InvalidField, UserSettings, WorkloadRefusal};

/// What can be set, after the class's name.
const SETTINGS: [&str; 4] = ["weight", "fixed_count", "host", "tasks"];

/// Whatever its content type says, the body is JSON: Locust reads it so.
#[utoipa::path(post, path = "/user", operation_id = "set_user", tag = "locust", request_body = shapes::UserSettings, responses(
    (status = 201, description = "It holds for the runs that start from now on.", body = Nothing),
    (status = 400, description = "Nothing was changed.", body = Refused),
    (status = 503, description = "The store does not answer.", body = Refused)
))]
pub(super) async fn set<S: Store, Q: Queue, H: Heartbeat>(
    State(api): State<Api<S, Q, H>>,
    body: Bytes,
) -> Response {
    let asked = Fields::parse(&body).and_then(|fields| asked(&fields));
    let asked = match asked {
        Ok(asked) => asked,
        Err(problem) => return refused(&problem),
    };
    let control = api.control.clone();
    match to_the_end(async move { control.set_user_class(asked).await }).await {
        Ok(()) => (StatusCode::CREATED, Json(json!({}))).into_response(),
        Err(WorkloadRefusal::Store(refusal)) => unavailable(&refusal),
        Err(WorkloadRefusal::Settings(problem)) => refused(&problem),
        Err(WorkloadRefusal::Mistakes(errors)) => {
            let first = errors.mistakes().first();
            let first = first.map_or("", |first| first.message.as_str());
            let problem = format!("cannot have this: {first}");
            refused(&InvalidField::new("the workload", problem))
        }
        Err(changed @ WorkloadRefusal::Changed(_)) => {
            refused(&InvalidField::new("the workload", changed.to_string()))
        }
    }
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

/// What is to become of a setting: null takes it back.
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

fn refused(problem: &InvalidField) -> Response {
    tracing::warn!(%problem, "a user class was not changed");
    let body = json!({"success": false, "message": problem.to_string()});
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}
