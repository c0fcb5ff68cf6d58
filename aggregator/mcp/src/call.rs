//! A call of a tool as a request to the API, and its answer.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::{HeaderValue, Request};
use form_urlencoded::Serializer;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use tower::ServiceExt as _;

use crate::remote::{Answer, Remote};
use crate::tools::{Place, Tool};

/// The longest answer in bytes; statistics of five hundred rows have 200,000.
const LONGEST_ANSWER: usize = 4_000_000;

/// The API that tools ask.
#[derive(Clone)]
pub(crate) enum Api {
    /// The routes of this process.
    Routes(Router),
    /// A server elsewhere.
    Remote(Remote),
}

impl Api {
    /// Sends a request. The error is one line.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Answer, String> {
        match self {
            Self::Remote(remote) => remote.send(request).await,
            Self::Routes(routes) => {
                let request = request.map(Body::from);
                let Ok(response) = routes.clone().oneshot(request).await;
                let status = response.status();
                let body = to_bytes(response.into_body(), LONGEST_ANSWER).await;
                let body = body.map_err(|error| format!("the answer cannot be read: {error}"))?;
                Ok((status, String::from_utf8_lossy(&body).into_owned()))
            }
        }
    }
}

/// The request that a call of `tool` is. The error says which argument is wrong.
pub(crate) fn request(
    tool: &Tool,
    arguments: &Map<String, Value>,
) -> Result<Request<Bytes>, String> {
    for name in arguments.keys() {
        if !tool.arguments.iter().any(|known| known.name == name) {
            let known = tool.arguments.iter().map(|argument| argument.name);
            let known: Vec<_> = known.collect();
            let known = match known[..] {
                [] => "no arguments".to_owned(),
                _ => known.join(", "),
            };
            return Err(format!(
                "{name:?} is no argument of {}: it takes {known}",
                tool.name
            ));
        }
    }
    let mut path = tool.path.to_owned();
    let mut query = Serializer::new(tool.query.to_owned());
    let mut fields = Map::new();
    let mut body = None;
    let mut replaced = None;
    for argument in &tool.arguments {
        let Some(value) = arguments
            .get(argument.name)
            .filter(|value| !value.is_null())
        else {
            continue;
        };
        let text = || match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(format!("{} is {value}: write a text", argument.name)),
        };
        match argument.place {
            Place::Path => path = placed(&path, argument.name, &text()?),
            Place::Query => {
                query.append_pair(argument.name, &text()?);
            }
            Place::Field => {
                fields.insert(argument.name.to_owned(), value.clone());
            }
            Place::Body => body = Some(text()?),
            Place::IfMatch => replaced = Some(text()?),
        }
    }
    if path.contains('{') {
        return Err(format!("{} needs the argument name", tool.name));
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let mut request = Request::builder()
        .method(tool.method.clone())
        .uri(format!("{path}{mark}{query}"));
    if let Some(version) = replaced {
        let tag = HeaderValue::from_str(&format!("\"{version}\""));
        request = request.header(
            IF_MATCH,
            tag.map_err(|_| "version is no version".to_owned())?,
        );
    }
    let takes = |place| {
        tool.arguments
            .iter()
            .any(|argument| argument.place == place)
    };
    let (kind, body) = if takes(Place::Body) {
        let text = body.ok_or_else(|| format!("{} needs the argument workload", tool.name))?;
        ("text/plain; charset=utf-8", text)
    } else if takes(Place::Field) {
        ("application/json", Value::Object(fields).to_string())
    } else {
        let request = request.body(Bytes::new());
        return request.map_err(|error| error.to_string());
    };
    let request = request.header(CONTENT_TYPE, kind).body(Bytes::from(body));
    request.map_err(|error| error.to_string())
}

/// The path with an argument in it. A run is a prefix of the pages about it.
fn placed(path: &str, name: &str, value: &str) -> String {
    let value = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    match name {
        "run" => format!("/runs/{value}{path}"),
        _ => path.replace(&format!("{{{name}}}"), &value),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;
    use serde_json::json;

    use super::*;
    use crate::tools;

    fn asked(name: &str, arguments: &Value) -> Result<(Method, String, String), String> {
        let tools = tools::all();
        let tool = tools.iter().find(|tool| tool.name == name).unwrap();
        let request = request(tool, arguments.as_object().unwrap())?;
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        Ok((request.method().clone(), request.uri().to_string(), body))
    }

    #[test]
    fn each_argument_stands_in_its_place() {
        for (name, arguments, expected) in [
            ("stop", json!({}), "GET /stop "),
            (
                "start",
                json!({"user_count": 3, "user_classes": ["A"]}),
                "POST /swarm {\"user_classes\":[\"A\"],\"user_count\":3}",
            ),
            ("statistics", json!({}), "GET /stats/requests "),
            (
                "statistics",
                json!({"run": "a/b"}),
                "GET /runs/a%2Fb/stats/requests ",
            ),
            ("ledger", json!({"run": null}), "GET /ledger "),
            ("list_runs", json!({"limit": 5}), "GET /runs?limit=5 "),
            (
                "check_workload",
                json!({"workload": "a = 1"}),
                "PUT /workload?check=true a = 1",
            ),
            (
                "delete_schedule",
                json!({"name": "a b?"}),
                "DELETE /schedules/a%20b%3F ",
            ),
        ] {
            let (method, uri, body) = asked(name, &arguments).unwrap();
            assert_eq!(format!("{method} {uri} {body}"), expected);
        }
    }

    #[test]
    fn a_wrong_argument_is_named() {
        for (name, arguments, said) in [
            (
                "stop",
                json!({"now": true}),
                "\"now\" is no argument of stop: it takes no arguments",
            ),
            (
                "statistics",
                json!({"run": ["a"]}),
                "run is [\"a\"]: write a text",
            ),
            (
                "delete_schedule",
                json!({}),
                "delete_schedule needs the argument name",
            ),
            (
                "replace_workload",
                json!({}),
                "replace_workload needs the argument workload",
            ),
        ] {
            assert_eq!(asked(name, &arguments), Err(said.to_owned()));
        }
    }
}
