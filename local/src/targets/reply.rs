//! Answers in JSON, in the manner of the services that the stand-ins stand in for.
//!
//! Invalid input is answered with 422 and a `detail` that lists location, message and kind of each
//! mistake; everything else that is refused has a `detail` in words.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use traffic::random::Draws;

use super::route::Server;

/// An answer that ends a handler early: a refusal or a failure.
#[derive(Debug)]
pub(crate) struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// What a handler answers.
pub(crate) type Answer = Result<Response, Refused>;

/// 200 with `body`.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    Json(body).into_response()
}

/// `status` with `body`.
pub(crate) fn with_status(status: StatusCode, body: &Value) -> Refused {
    Refused(Box::new((status, Json(body)).into_response()))
}

/// `status` with `detail` in words.
pub(crate) fn refusal(status: StatusCode, detail: impl Into<String>) -> Refused {
    with_status(status, &json!({ "detail": detail.into() }))
}

/// One mistake in a request's body or query.
#[derive(Debug, Serialize)]
pub(crate) struct Mistake {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<&'static str>,
    msg: String,
    input: Value,
}

impl Mistake {
    /// `input` is no good at `loc`, which starts with `body`, `query` or `path`.
    pub(crate) fn new(
        kind: &'static str,
        loc: &[&'static str],
        msg: impl Into<String>,
        input: Value,
    ) -> Self {
        Self {
            kind,
            loc: loc.to_vec(),
            msg: msg.into(),
            input: shortened(input),
        }
    }
}

/// 422 with the list of `mistakes`.
pub(crate) fn invalid(mistakes: &[Mistake]) -> Refused {
    let body = json!({ "detail": mistakes });
    with_status(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

/// The JSON object in `body`, or the answer that says why there is none.
pub(crate) fn object(body: &[u8]) -> Result<serde_json::Map<String, Value>, Refused> {
    let mistake = match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(other) => Mistake::new("object_type", &["body"], "should be a JSON object", other),
        Err(error) => {
            let message = format!("not valid JSON: {error}");
            Mistake::new("json_invalid", &["body"], message, Value::Null)
        }
    };
    Err(invalid(&[mistake]))
}

/// What a server answers when it fails: switched on by settings or by chaos mode.
pub(crate) fn failure(server: Server, status: u16, draws: &mut Draws) -> Refused {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let error_id = format!("{:012x}", draws.bits() >> 16);
    let reasons = match server {
        Server::TargetApp => [
            "database connection pool exhausted",
            "could not obtain a lock on table \"orders\" in time",
            "upstream inventory service did not answer",
        ],
        Server::AiAgent => [
            "model server did not answer in time",
            "model server is out of memory",
            "tool server connection lost",
        ],
    };
    let reason = reasons[draws.below(reasons.len() as u64) as usize];
    let title = status.canonical_reason().unwrap_or("Error");
    let body = json!({
        "detail": format!("{title}: {reason}"),
        "service": server.name(),
        "error_id": error_id,
    });
    let mut response = with_status(status, &body);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from_static("5");
        response
            .0
            .headers_mut()
            .insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// `input` as it is, unless it is too long to be sent back.
fn shortened(input: Value) -> Value {
    match input {
        Value::String(text) if text.len() > 200 => {
            Value::String(format!("{}…", &text[..text.floor_char_boundary(200)]))
        }
        Value::Array(_) | Value::Object(_) => Value::Null,
        short => short,
    }
}
